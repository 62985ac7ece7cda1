/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Copies what a disk shows, without its layers.
 */
#pragma once

#include "image/image-chain.h"

/*
 * Writes the bytes of source that are not zero to an image that reads as zero, is open for writing
 * and at least as large: target, or for NULL the raw file fd. Everything is stored when this is
 * done. 0 or negative errno, as image_chain_read() and qcow2_image_write().
 */
int image_copy(struct image_chain *source, struct qcow2_image *target, int fd);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compressed clusters of a qcow2 image.
 */
#pragma once

#include <stddef.h>

#include "image/qcow2-header.h"

/*
 * Decompresses data, behind whose end there may be anything, to exactly cluster_size bytes.
 * 0, -EUCLEAN when it is no such data, -ENOMEM.
 */
int qcow2_decompress(enum qcow2_compression compression, const void *data, size_t length,
		     void *cluster, size_t cluster_size);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file or block device that an image is in.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Bytes of a file or block device; -EINVAL for anything else. 0 or negative errno. */
int image_file_size(int fd, uint64_t *ret_size);

/* As fd_read_at(), but zero behind the end of the file. */
int image_file_read(int fd, void *buffer, size_t length, uint64_t offset);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A folder for the images of one test, which QEMU's tools make there.
 */
#pragma once

#include <glib.h>

struct qemu_images {
	char *folder;
};

/* False, and the test is marked as skipped, where QEMU's tools are not installed. */
gboolean qemu_images_init(struct qemu_images *images);
void qemu_images_finish(struct qemu_images *images);

/* A file's path; to be freed. */
char *qemu_images_path(const struct qemu_images *images, const char *name);
/* Runs a command line in the folder; it must succeed. */
void qemu_images_run(const struct qemu_images *images, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Writes size bytes as a file. */
void qemu_images_add_file(const struct qemu_images *images, const char *name, const void *bytes,
			  size_t size);
/* The bytes of the disk as qemu-img reads them. */
GBytes *qemu_images_read(const struct qemu_images *images, const char *name, const char *format);

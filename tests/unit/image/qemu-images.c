/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-images.h"

#include <glib/gstdio.h>

gboolean qemu_images_init(struct qemu_images *images)
{
	g_autofree char *qemu_img = g_find_program_in_path("qemu-img");
	g_autofree char *qemu_io = g_find_program_in_path("qemu-io");

	images->folder = NULL;
	if (!qemu_img || !qemu_io) {
		g_test_skip("qemu-img and qemu-io are not installed");
		return FALSE;
	}
	images->folder = g_dir_make_tmp("innkeeper-XXXXXX", NULL);
	g_assert_nonnull(images->folder);
	return TRUE;
}

void qemu_images_finish(struct qemu_images *images)
{
	GDir *dir = images->folder ? g_dir_open(images->folder, 0, NULL) : NULL;
	const char *name;

	if (!dir)
		return;
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *path = qemu_images_path(images, name);

		g_unlink(path);
	}
	g_dir_close(dir);
	g_rmdir(images->folder);
	g_free(images->folder);
}

char *qemu_images_path(const struct qemu_images *images, const char *name)
{
	return g_build_filename(images->folder, name, NULL);
}

void qemu_images_run(const struct qemu_images *images, const char *format, ...)
{
	g_autofree char *line = NULL;
	g_autofree char *output = NULL;
	g_autofree char *errors = NULL;
	g_auto(GStrv) words = NULL;
	g_autoptr(GError) error = NULL;
	va_list arguments;
	int status;

	va_start(arguments, format);
	line = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_assert_true(g_shell_parse_argv(line, NULL, &words, NULL));
	g_spawn_sync(images->folder, words, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, &errors,
		     &status, &error);
	g_assert_no_error(error);
	if (!g_spawn_check_wait_status(status, NULL))
		g_error("%s: %s%s", line, output, errors);
}

void qemu_images_add_file(const struct qemu_images *images, const char *name, const void *bytes,
			  size_t size)
{
	g_autofree char *path = qemu_images_path(images, name);

	g_assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
}

GBytes *qemu_images_read(const struct qemu_images *images, const char *name, const char *format)
{
	g_autofree char *path = qemu_images_path(images, "all-of-it");
	char *bytes;
	gsize length;

	qemu_images_run(images, "qemu-img convert -f %s -O raw %s all-of-it", format, name);
	g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
	return g_bytes_new_take(bytes, length);
}

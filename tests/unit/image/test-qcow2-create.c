/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/qcow2-create.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "image/qcow2-check.h"
#include "image/qcow2-image.h"
#include "qemu-images.h"

#define GIB ((uint64_t)1 << 30)

static const struct qcow2_create_options kinds[] = {
	{.virtual_size = 20 * GIB, .version = 3, .cluster_bits = 16},
	{.virtual_size = 512, .version = 2, .cluster_bits = 9},
	/* more refcount blocks than one cluster of the table names */
	{.virtual_size = 64 * GIB, .version = 3, .cluster_bits = 9},
	{.virtual_size = 1024 * GIB, .version = 3, .cluster_bits = 21},
	{.virtual_size = 20 * GIB, .version = 3, .cluster_bits = 14, .extended_l2 = true},
	{.virtual_size = GIB, .version = 3, .cluster_bits = 16, .compression = QCOW2_ZSTD},
	{.virtual_size = GIB,
	 .version = 3,
	 .cluster_bits = 16,
	 .backing_file = "base",
	 .backing_format = "raw"},
	{.virtual_size = GIB,
	 .version = 2,
	 .cluster_bits = 12,
	 .backing_file = "base",
	 .backing_format = "qcow2"},
};

static void assert_is(int fd, const struct qcow2_create_options *options)
{
	struct qcow2_check_report report;
	struct qcow2_header header;
	int error;

	g_assert_cmpint(qcow2_image_read_header(fd, &header, &error), ==, IMAGE_GOOD);
	g_assert_cmpuint(header.version, ==, options->version);
	g_assert_cmpuint(header.virtual_size, ==, options->virtual_size);
	g_assert_cmpuint(header.cluster_bits, ==, options->cluster_bits);
	g_assert_cmpint(header.compression, ==, options->compression);
	g_assert_cmpstr(header.backing_file, ==, options->backing_file ? "base" : "");
	g_assert_cmpint(qcow2_check(fd, &report, &error), ==, IMAGE_GOOD);
	g_assert_cmpuint(report.corruptions, ==, 0);
	g_assert_cmpuint(report.leaks, ==, 0);
}

static void test_good(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		int fd = memfd_create("image", MFD_CLOEXEC);

		g_assert_cmpint(qcow2_create(fd, &kinds[i]), ==, 0);
		assert_is(fd, &kinds[i]);
		fd_close(&fd);
	}
}

static void test_as_qemu_sees_it(void)
{
	struct qemu_images images;
	g_autofree char *path = NULL;

	if (!qemu_images_init(&images))
		return;
	path = qemu_images_path(&images, "disk");
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		g_assert_cmpint(qcow2_create(fd, &kinds[i]), ==, 0);
		fd_close(&fd);
		qemu_images_run(&images, "qemu-img create -q -f %s base 1G",
				kinds[i].backing_format ? kinds[i].backing_format : "raw");
		qemu_images_run(&images, "qemu-img check -q -f qcow2 disk");
		qemu_images_run(&images, "qemu-io -f qcow2 -c 'write -P 1 0 512' disk");
		qemu_images_run(&images, "qemu-img check -q -f qcow2 disk");
	}
	qemu_images_finish(&images);
}

static void assert_refused(struct qcow2_create_options options, int error)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	struct stat status;

	g_assert_cmpint(qcow2_create(fd, &options), ==, error);
	g_assert_cmpint(fstat(fd, &status), ==, 0);
	g_assert_cmpint(status.st_blocks, ==, 0);
	fd_close(&fd);
}

static void test_refused(void)
{
	g_autofree char *name = g_strnfill(QCOW2_BACKING_FILE_SIZE, 'a');
	struct qcow2_create_options options = kinds[0];

	options.virtual_size = 0;
	assert_refused(options, -EINVAL);
	options.virtual_size = 513;
	assert_refused(options, -EINVAL);
	options.virtual_size = UINT64_MAX - 511;
	assert_refused(options, -EINVAL);
	options.virtual_size = (uint64_t)1 << 62;
	assert_refused(options, -EFBIG);
	options = kinds[0];
	options.cluster_bits = 8;
	assert_refused(options, -EINVAL);
	options.cluster_bits = 22;
	assert_refused(options, -EINVAL);
	options = kinds[0];
	options.version = 2;
	options.extended_l2 = true;
	assert_refused(options, -EINVAL);
	options = kinds[0];
	options.backing_file = name;
	assert_refused(options, -EINVAL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/qcow2-create/good", test_good);
	g_test_add_func("/qcow2-create/as-qemu-sees-it", test_as_qemu_sees_it);
	g_test_add_func("/qcow2-create/refused", test_refused);
	return g_test_run();
}

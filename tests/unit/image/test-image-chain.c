/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/image-chain.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>

#include "base/fd.h"
#include "qemu-images.h"

static void assert_problem(const struct qemu_images *images, const char *name,
			   enum image_problem expected, const char *about)
{
	g_autofree char *path = qemu_images_path(images, name);
	g_autofree char *about_path = qemu_images_path(images, about);
	struct image_chain_problem problem;
	struct image_chain *chain;

	g_assert_cmpint(image_chain_open(path, IMAGE_QCOW2, IMAGE_READ_ONLY, &chain, &problem), ==,
			-1);
	g_assert_cmpint(problem.problem, ==, expected);
	g_assert_cmpstr(problem.path, ==, about_path);
	free(problem.path);
}

static void create(const struct qemu_images *images, const char *name, const char *options)
{
	qemu_images_run(images, "qemu-img create -q -f qcow2 %s %s 1M", options, name);
}

static void test_order(void)
{
	struct image_chain_problem problem;
	g_autofree char *path = NULL;
	struct image_chain *chain;
	struct qemu_images images;
	char byte;

	if (!qemu_images_init(&images))
		return;
	qemu_images_add_file(&images, "base", "base of the disk", 16);
	create(&images, "middle", "-b base -F raw");
	create(&images, "top", "-b middle -F qcow2");
	path = qemu_images_path(&images, "top");
	g_assert_cmpint(image_chain_open(path, IMAGE_QCOW2, IMAGE_READ_ONLY, &chain, &problem), ==,
			0);
	g_assert_cmpuint(image_chain_length(chain), ==, 3);
	g_assert_cmpstr(image_chain_layer(chain, 0)->path, ==, path);
	g_assert_true(g_str_has_suffix(image_chain_layer(chain, 1)->path, "/middle"));
	g_assert_cmpint(image_chain_layer(chain, 2)->format, ==, IMAGE_RAW);
	g_assert_null(image_chain_layer(chain, 2)->header);
	g_assert_cmpint(image_chain_read(chain, 5, &byte, 1), ==, 0);
	g_assert_cmpint(byte, ==, 'o');
	image_chain_close(chain);
	qemu_images_finish(&images);
}

static void assert_extent(struct image_chain *chain, unsigned int depth, uint64_t offset,
			  enum image_extent_kind kind, uint64_t length)
{
	struct image_extent extent;

	g_assert_cmpint(image_chain_find(chain, depth, offset, &extent), ==, 0);
	g_assert_cmpint(extent.kind, ==, kind);
	g_assert_cmpuint(extent.length, ==, length);
}

static void test_find(void)
{
	enum { CLUSTER = 64 << 10, BOTTOM = 2 * CLUSTER, SIZE = 1 << 20 };
	struct image_chain_problem problem;
	g_autofree char *path = NULL;
	struct image_chain *chain;
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	qemu_images_run(&images, "qemu-img create -q -f raw base %d", BOTTOM);
	qemu_images_run(&images, "qemu-io -f raw -c 'write 0 64k' base");
	create(&images, "top", "-b base -F raw");
	qemu_images_run(&images, "qemu-io -f qcow2 -c 'write 512k 64k' -c 'write -z 576k 64k' top");
	path = qemu_images_path(&images, "top");
	g_assert_cmpint(image_chain_open(path, IMAGE_QCOW2, IMAGE_READ_ONLY, &chain, &problem), ==,
			0);
	assert_extent(chain, 1, 1, IMAGE_EXTENT_BELOW, CLUSTER - 1);
	assert_extent(chain, 2, 1, IMAGE_EXTENT_DATA, CLUSTER - 1);
	assert_extent(chain, 2, CLUSTER, IMAGE_EXTENT_ZERO, CLUSTER); /* a hole of the file */
	assert_extent(chain, 2, BOTTOM, IMAGE_EXTENT_ZERO, CLUSTER);  /* behind its end */
	assert_extent(chain, 1, 512 << 10, IMAGE_EXTENT_DATA, CLUSTER);
	assert_extent(chain, 1, 576 << 10, IMAGE_EXTENT_ZERO, CLUSTER);
	g_assert_false(qcow2_image_is_empty(image_chain_image(chain)));
	image_chain_close(chain);
	qemu_images_finish(&images);
}

static void test_broken_chains(void)
{
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	assert_problem(&images, "gone", IMAGE_SYSTEM_ERROR, "gone");
	create(&images, "a", "-u -b b -F qcow2");
	assert_problem(&images, "a", IMAGE_SYSTEM_ERROR, "b");
	create(&images, "own", "-u -b ./own -F qcow2");
	assert_problem(&images, "own", IMAGE_CHAIN_LOOP, "./own");
	create(&images, "remote", "-u -b nbd:localhost:10809 -F raw");
	assert_problem(&images, "remote", IMAGE_BACKING_REMOTE, "remote");
	create(&images, "foreign", "-u -b disk -F vmdk");
	assert_problem(&images, "foreign", IMAGE_BACKING_FORMAT_UNKNOWN, "foreign");
	qemu_images_add_file(&images, "text", "no image at all, but long enough to be read", 43);
	assert_problem(&images, "text", IMAGE_NOT_QCOW2, "text");
	create(&images, "on-text", "-u -b text -F qcow2");
	assert_problem(&images, "on-text", IMAGE_NOT_QCOW2, "text");
	qemu_images_finish(&images);
}

static void test_loop_of_two(void)
{
	g_autofree char *path = NULL;
	struct image_chain_problem problem;
	struct image_chain *chain;
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	create(&images, "a", "-u -b b -F qcow2");
	create(&images, "b", "-u -b a -F qcow2");
	path = qemu_images_path(&images, "a");
	g_assert_cmpint(image_chain_open(path, IMAGE_QCOW2, IMAGE_READ_ONLY, &chain, &problem), ==,
			-1);
	g_assert_cmpint(problem.problem, ==, IMAGE_CHAIN_LOOP);
	free(problem.path);
	qemu_images_finish(&images);
}

static void test_too_long(void)
{
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	create(&images, "0", "-u -b none -F raw");
	for (int i = 1; i <= IMAGE_CHAIN_MAX_LAYERS; i++) {
		g_autofree char *name = g_strdup_printf("%d", i);
		g_autofree char *options = g_strdup_printf("-u -b %d -F qcow2", i - 1);

		create(&images, name, options);
	}
	assert_problem(&images, "64", IMAGE_CHAIN_TOO_LONG, "0");
	qemu_images_finish(&images);
}

static void test_probe(void)
{
	enum image_format format;
	struct qemu_images images;
	g_autofree char *path = NULL;
	int fd;

	if (!qemu_images_init(&images))
		return;
	create(&images, "disk", "");
	path = qemu_images_path(&images, "disk");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	g_assert_cmpint(image_format_probe(fd, &format), ==, 0);
	g_assert_cmpint(format, ==, IMAGE_QCOW2);
	fd_close(&fd);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	g_assert_cmpint(image_format_probe(fd, &format), ==, 0);
	g_assert_cmpint(format, ==, IMAGE_RAW);
	fd_close(&fd);
	qemu_images_finish(&images);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/image-chain/order", test_order);
	g_test_add_func("/image-chain/find", test_find);
	g_test_add_func("/image-chain/broken-chains", test_broken_chains);
	g_test_add_func("/image-chain/loop-of-two", test_loop_of_two);
	g_test_add_func("/image-chain/too-long", test_too_long);
	g_test_add_func("/image-chain/probe", test_probe);
	return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "image/image-chain.h"
#include "image/qcow2-header.h"
#include "qemu-images.h"

#define MIB ((uint64_t)1 << 20)

static struct image_chain *open_disk(const struct qemu_images *images)
{
	g_autofree char *path = qemu_images_path(images, "disk");
	struct image_chain_problem problem;
	struct image_chain *chain;

	g_assert_cmpint(image_chain_open(path, IMAGE_QCOW2, IMAGE_READ_WRITE, &chain, &problem), ==,
			0);
	return chain;
}

static void grow(const struct qemu_images *images, uint64_t size)
{
	struct image_chain *chain = open_disk(images);
	struct qcow2_image *image = image_chain_image(chain);

	g_assert_cmpint(qcow2_image_grow(image, size), ==, 0);
	g_assert_cmpint(qcow2_image_write(image, size - 1, "x", 1), ==, 0);
	g_assert_cmpint(qcow2_image_flush(image), ==, 0);
	image_chain_close(chain);
}

/* All of the old disk is there, then zeroes, then the last byte. */
static void assert_grown(const struct qemu_images *images, GBytes *before, uint64_t size)
{
	g_autoptr(GBytes) after = qemu_images_read(images, "disk", "qcow2");
	size_t old_size = g_bytes_get_size(before);
	const char *bytes = g_bytes_get_data(after, NULL);

	g_assert_cmpuint(g_bytes_get_size(after), ==, size);
	g_assert_true(memcmp(bytes, g_bytes_get_data(before, NULL), old_size) == 0);
	for (size_t i = old_size; i < size - 1; i++)
		g_assert_cmpint(bytes[i], ==, 0);
	g_assert_cmpint(bytes[size - 1], ==, 'x');
	qemu_images_run(images, "qemu-img check -q -f qcow2 disk");
}

static void test_grow(void)
{
	static const char *const options[] = {"cluster_size=64k", "cluster_size=512",
					      "cluster_size=512,refcount_bits=64", "compat=0.10",
					      "extended_l2=on"};
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
		g_autoptr(GBytes) before = NULL;

		g_test_message("%s", options[i]);
		qemu_images_run(&images, "qemu-img create -q -f qcow2 -o %s disk 1537k",
				options[i]);
		qemu_images_run(&images, "qemu-io -f qcow2 -c 'write -P 1 1000k 537k' disk");
		before = qemu_images_read(&images, "disk", "qcow2");
		grow(&images, 24 * MIB);
		assert_grown(&images, before, 24 * MIB);
	}
	qemu_images_finish(&images);
}

/* What the backing file has behind the old end does not come to light. */
static void test_longer_backing(void)
{
	static const char *const options[] = {"compat=1.1", "compat=0.10", "extended_l2=on"};
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	qemu_images_run(&images, "qemu-img create -q -f raw base 5M");
	qemu_images_run(&images, "qemu-io -f raw -c 'write -P 7 0 5M' base");
	for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
		g_autoptr(GBytes) before = NULL;

		qemu_images_run(&images,
				"qemu-img create -q -f qcow2 -b base -F raw -o %s disk 1537k",
				options[i]);
		before = qemu_images_read(&images, "disk", "qcow2");
		grow(&images, 8 * MIB);
		assert_grown(&images, before, 8 * MIB);
	}
	qemu_images_finish(&images);
}

static void test_refused(void)
{
	struct qemu_images images;
	struct image_chain *chain;

	if (!qemu_images_init(&images))
		return;
	qemu_images_run(&images, "qemu-img create -q -f qcow2 disk 2M");
	chain = open_disk(&images);
	g_assert_cmpint(qcow2_image_grow(image_chain_image(chain), MIB), ==, -EINVAL);
	g_assert_cmpint(qcow2_image_grow(image_chain_image(chain), UINT64_MAX), ==, -EINVAL);
	g_assert_cmpint(qcow2_image_grow(image_chain_image(chain), (uint64_t)1 << 62), ==, -EFBIG);
	g_assert_cmpuint(image_chain_layer(chain, 0)->header->virtual_size, ==, 2 * MIB);
	image_chain_close(chain);
	qemu_images_run(&images, "qemu-img snapshot -c one disk");
	chain = open_disk(&images);
	g_assert_cmpint(qcow2_image_grow(image_chain_image(chain), 3 * MIB), ==, -ENOTSUP);
	image_chain_close(chain);
	qemu_images_finish(&images);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/qcow2-resize/grow", test_grow);
	g_test_add_func("/qcow2-resize/longer-backing", test_longer_backing);
	g_test_add_func("/qcow2-resize/refused", test_refused);
	return g_test_run();
}

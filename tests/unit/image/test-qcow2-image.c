/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images that QEMU has made in every way that matters are read as QEMU reads them.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>

#include "base/fd.h"
#include "image/image-chain.h"
#include "image/qcow2-header.h"
#include "image/qcow2-image.h"
#include "qemu-images.h"

#define SIZE "10241k" /* no whole number of clusters */

static struct image_chain *open_chain(const struct qemu_images *images, const char *name)
{
	g_autofree char *path = qemu_images_path(images, name);
	struct image_chain_problem problem = {0};
	struct image_chain *chain = NULL;

	image_chain_open(path, IMAGE_QCOW2, IMAGE_READ_ONLY, &chain, &problem);
	g_assert_cmpint(problem.problem, ==, IMAGE_GOOD);
	return chain;
}

static void assert_same(const struct qemu_images *images, const char *name)
{
	g_autoptr(GBytes) expected = qemu_images_read(images, name, "qcow2");
	struct image_chain *chain = open_chain(images, name);
	size_t size = g_bytes_get_size(expected), step = 12345;
	const char *bytes = g_bytes_get_data(expected, NULL);
	g_autofree char *buffer = g_malloc(size);

	g_assert_cmpuint(image_chain_layer(chain, 0)->size, ==, size);
	g_assert_cmpint(image_chain_read(chain, 0, buffer, size), ==, 0);
	g_assert_true(memcmp(buffer, bytes, size) == 0);
	for (size_t at = 0; at + step <= size; at += 7 * step) {
		g_assert_cmpint(image_chain_read(chain, at, buffer, step), ==, 0);
		g_assert_true(memcmp(buffer, bytes + at, step) == 0);
	}
	g_assert_cmpint(image_chain_read(chain, size, buffer, 1), ==, -EINVAL);
	g_assert_cmpint(image_chain_read(chain, UINT64_MAX, buffer, 2), ==, -EINVAL);
	image_chain_close(chain);
}

/* Data, zeroes over data, zeroes over nothing, a hole made by discarding. */
static void fill(const struct qemu_images *images, const char *name)
{
	qemu_images_run(images,
			"qemu-io -d unmap -f qcow2"
			" -c 'write -P 1 0 5000' -c 'write -P 2 70000 300000'"
			" -c 'write -P 3 3M 1M' -c 'write -z 3200k 200k' -c 'write -z 6M 100k'"
			" -c 'write -P 4 10000k 241k' -c 'discard 3500k 128k'"
			" -c 'write -P 5 7M 1500' %s",
			name);
}

static const char *const option_lists[] = {
	"compat=0.10",
	"compat=1.1",
	"cluster_size=512",
	"cluster_size=4k",
	"cluster_size=2M",
	"lazy_refcounts=on",
	"extended_l2=on",
	"extended_l2=on,cluster_size=16k",
	"refcount_bits=1",
	"refcount_bits=64",
	"preallocation=metadata",
	"preallocation=falloc,cluster_size=128k",
};

static void test_options(void)
{
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(option_lists); i++) {
		g_test_message("%s", option_lists[i]);
		qemu_images_run(&images, "qemu-img create -q -f qcow2 -o %s disk " SIZE,
				option_lists[i]);
		assert_same(&images, "disk");
		fill(&images, "disk");
		assert_same(&images, "disk");
	}
	qemu_images_finish(&images);
}

static void test_compressed(void)
{
	static const char *const options[] = {"compression_type=zlib", "compression_type=zstd",
					      "compression_type=zlib,cluster_size=512",
					      "compression_type=zstd,cluster_size=2M",
					      "compression_type=zstd,extended_l2=on"};
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	qemu_images_run(&images, "qemu-img create -q -f qcow2 source " SIZE);
	fill(&images, "source");
	for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
		g_test_message("%s", options[i]);
		qemu_images_run(&images, "qemu-img convert -c -O qcow2 -o %s source disk",
				options[i]);
		assert_same(&images, "disk");
		/* plain clusters among compressed ones */
		qemu_images_run(&images, "qemu-io -f qcow2 -c 'write -P 9 3000k 777k' disk");
		assert_same(&images, "disk");
	}
	qemu_images_finish(&images);
}

static void test_backing(void)
{
	static const char *const bases[] = {"raw", "qcow2"};
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(bases); i++) {
		/* shorter than what stands on it, and not by whole clusters */
		qemu_images_run(&images, "qemu-img create -q -f %s base 5M", bases[i]);
		qemu_images_run(&images, "qemu-io -f %s -c 'write -P 7 1000 4M' base", bases[i]);
		for (int extended = 0; extended < 2; extended++) {
			qemu_images_run(&images,
					"qemu-img create -q -f qcow2 -b base -F %s -o "
					"extended_l2=%s top " SIZE,
					bases[i], extended ? "on" : "off");
			assert_same(&images, "top");
			fill(&images, "top");
			assert_same(&images, "top");
		}
	}
	qemu_images_finish(&images);
}

static void test_snapshots(void)
{
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	qemu_images_run(&images, "qemu-img create -q -f qcow2 disk " SIZE);
	fill(&images, "disk");
	qemu_images_run(&images, "qemu-img snapshot -c one disk");
	qemu_images_run(&images, "qemu-io -f qcow2 -c 'write -P 8 100k 200k' disk");
	assert_same(&images, "disk");
	qemu_images_run(&images, "qemu-img snapshot -a one disk");
	assert_same(&images, "disk");
	qemu_images_finish(&images);
}

/* An image whose backing file was not set shows no zeroes in its place. */
static void test_backing_not_set(void)
{
	g_autofree char *path = NULL;
	struct qcow2_image *image;
	struct qemu_images images;
	int fd, error;
	char byte;

	if (!qemu_images_init(&images))
		return;
	qemu_images_run(&images, "qemu-img create -q -f raw base 5M");
	qemu_images_run(&images, "qemu-img create -q -f qcow2 -b base -F raw top");
	path = qemu_images_path(&images, "top");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	g_assert_cmpint(qcow2_image_open(fd, IMAGE_READ_ONLY, &image, &error), ==, IMAGE_GOOD);
	g_assert_cmpstr(qcow2_image_header(image)->backing_file, ==, "base");
	g_assert_cmpint(qcow2_image_read(image, 0, &byte, 1), ==, -ENXIO);
	qcow2_image_close(image);
	qemu_images_finish(&images);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/qcow2-image/options", test_options);
	g_test_add_func("/qcow2-image/compressed", test_compressed);
	g_test_add_func("/qcow2-image/backing", test_backing);
	g_test_add_func("/qcow2-image/snapshots", test_snapshots);
	g_test_add_func("/qcow2-image/backing-not-set", test_backing_not_set);
	return g_test_run();
}

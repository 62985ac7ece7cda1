/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/image-copy.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "qemu-images.h"

enum { MIB = 1 << 20, DISK_SIZE = 3 * MIB + 4096, ROUNDS = 2 };

/* Data in both layers, holes of every size between. */
static void make_source(const struct qemu_images *images)
{
	qemu_images_run(images, "qemu-img create -q -f qcow2 base %d", DISK_SIZE);
	qemu_images_run(images, "qemu-io -f qcow2 -c 'write -P 1 0 128k' -c 'write -P 2 1M 200k' "
				"-c 'write -P 3 3M 4k' base");
	qemu_images_run(images, "qemu-img create -q -f qcow2 -b base -F qcow2 top");
	qemu_images_run(images, "qemu-io -f qcow2 -c 'write -P 4 100k 50k' -c 'write -z 1M 64k' "
				"top");
}

static struct image_chain *open_chain(const struct qemu_images *images, const char *name,
				      enum image_access access)
{
	g_autofree char *path = qemu_images_path(images, name);
	struct image_chain_problem problem;
	struct image_chain *chain = NULL;

	g_assert_cmpint(image_chain_open(path, IMAGE_QCOW2, access, &chain, &problem), ==, 0);
	return chain;
}

static void assert_same(const struct qemu_images *images, const char *name, const char *format)
{
	g_autoptr(GBytes) expected = qemu_images_read(images, "top", "qcow2");
	g_autoptr(GBytes) copied = qemu_images_read(images, name, format);

	g_assert_true(g_bytes_equal(copied, expected));
}

static void test_qcow2(void)
{
	struct image_chain *source, *target;
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	make_source(&images);
	qemu_images_run(&images, "qemu-img create -q -f qcow2 copy %d", DISK_SIZE);
	source = open_chain(&images, "top", IMAGE_READ_ONLY);
	target = open_chain(&images, "copy", IMAGE_READ_WRITE);
	g_assert_cmpint(image_copy(source, 2, image_chain_image(target), -1, NULL), ==, 0);
	image_chain_close(target);
	image_chain_close(source);
	qemu_images_run(&images, "qemu-img check -q copy");
	assert_same(&images, "copy", "qcow2");
	qemu_images_finish(&images);
}

static void test_raw(void)
{
	struct image_chain *source;
	struct qemu_images images;
	g_autofree char *path = NULL;
	struct stat status;
	int fd;

	if (!qemu_images_init(&images))
		return;
	make_source(&images);
	path = qemu_images_path(&images, "copy");
	fd = g_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	g_assert_cmpint(ftruncate(fd, DISK_SIZE), ==, 0);
	source = open_chain(&images, "top", IMAGE_READ_ONLY);
	g_assert_cmpint(image_copy(source, 2, NULL, fd, NULL), ==, 0);
	g_assert_cmpint(fstat(fd, &status), ==, 0);
	g_assert_cmpint(status.st_blocks * 512, <, MIB);
	fd_close(&fd);
	image_chain_close(source);
	assert_same(&images, "copy", "raw");
	qemu_images_finish(&images);
}

/* The upper two of three layers become one. */
static void test_merge(void)
{
	struct image_chain *source, *target;
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	qemu_images_run(&images, "qemu-img create -q -f raw bottom %d", DISK_SIZE);
	qemu_images_run(&images, "qemu-io -f raw -c 'write -P 9 0 3M' bottom");
	qemu_images_run(&images, "qemu-img create -q -f qcow2 -b bottom -F raw "
				 "-o cluster_size=4k base");
	qemu_images_run(&images, "qemu-io -f qcow2 -c 'write -P 1 4k 128k' -c 'write -P 2 1M 200k' "
				 "-c 'write -P 0 2M 192k' base");
	qemu_images_run(&images, "qemu-img create -q -f qcow2 -b base -F qcow2 top");
	qemu_images_run(&images, "qemu-io -f qcow2 -c 'write -P 4 100k 50k' -c 'write -z 1M 64k' "
				 "-c 'write -P 5 3M 4k' top");
	qemu_images_run(&images, "qemu-img create -q -f qcow2 -b bottom -F raw merged");
	source = open_chain(&images, "top", IMAGE_READ_ONLY);
	target = open_chain(&images, "merged", IMAGE_READ_WRITE);
	g_assert_cmpint(image_copy(source, 2, image_chain_image(target), -1, NULL), ==, 0);
	image_chain_close(target);
	image_chain_close(source);
	qemu_images_run(&images, "qemu-img check -q merged");
	assert_same(&images, "merged", "qcow2");
	qemu_images_finish(&images);
}

/* The layers of a chain whose upper two are merged, from the bottom: how each is made. */
static const struct {
	const char *lower, *upper, *merged;
	unsigned int sizes[3]; /* of the disk in each layer */
} merges[] = {
	{"compat=1.1", "compat=1.1", "compat=1.1", {DISK_SIZE, DISK_SIZE, DISK_SIZE}},
	{"cluster_size=4k", "cluster_size=512", "compat=1.1", {DISK_SIZE, DISK_SIZE, DISK_SIZE}},
	{"cluster_size=2M", "cluster_size=64k", "cluster_size=4k", {MIB, 2 * MIB, DISK_SIZE}},
	{"extended_l2=on", "cluster_size=1k", "extended_l2=on", {MIB, MIB + 512, DISK_SIZE}},
	{"compat=0.10", "extended_l2=on", "compat=0.10", {DISK_SIZE, DISK_SIZE, DISK_SIZE}},
	{"compat=0.10", "compat=0.10", "cluster_size=8k", {512, DISK_SIZE, DISK_SIZE}},
	/* what was cut off from a lower layer does not come back */
	{"cluster_size=64k", "cluster_size=4k", "compat=1.1", {DISK_SIZE, MIB + 512, DISK_SIZE}},
	{"compat=1.1", "compat=0.10", "extended_l2=on", {DISK_SIZE, DISK_SIZE, MIB + 1536}},
	{"compression_type=zstd", "cluster_size=16k", "cluster_size=512", {MIB, MIB, DISK_SIZE}},
};

/* One run of qemu-io, over all of the disk. */
static void change_layer(const struct qemu_images *images, const char *name, unsigned int size,
			 GRand *random)
{
	static const char *const kinds[] = {"write -P 1", "write -P 2",  "write -P 3", "write -P 0",
					    "write -z",   "write -z -u", "discard"};
	g_autoptr(GString) line = g_string_new(NULL);

	g_string_printf(line, "qemu-io -d unmap -f qcow2");
	if (size >= 2 * MIB)
		g_string_append(line, " -c 'write -c -P 7 0 2M'");
	for (unsigned int i = 0; i < 40; i++) {
		unsigned int kind = (unsigned int)g_rand_int_range(random, 0, 7);
		unsigned int offset =
			(unsigned int)g_rand_int_range(random, 0, (int)size / 512) * 512;
		unsigned int max = g_rand_boolean(random) ? 16 : 600;
		unsigned int length = (unsigned int)g_rand_int_range(random, 1, (int)max) * 512;

		if (length > size - offset)
			length = size - offset;
		g_string_append_printf(line, " -c '%s %u %u'", kinds[kind], offset, length);
	}
	qemu_images_run(images, "%s %s", line->str, name);
}

static void make_layers(const struct qemu_images *images, size_t kind, GRand *random)
{
	const unsigned int *sizes = merges[kind].sizes;

	qemu_images_run(images, "qemu-img create -q -f raw bottom %u", sizes[0]);
	qemu_images_run(images, "qemu-io -f raw -c 'write -P 9 0 %u' bottom", sizes[0]);
	qemu_images_run(images, "qemu-img create -q -f qcow2 -b bottom -F raw -o %s base %u",
			merges[kind].lower, sizes[1]);
	change_layer(images, "base", sizes[1], random);
	qemu_images_run(images, "qemu-img create -q -f qcow2 -b base -F qcow2 -o %s top %u",
			merges[kind].upper, sizes[2]);
	change_layer(images, "top", sizes[2], random);
	qemu_images_run(images, "qemu-img create -q -f qcow2 -b bottom -F raw -o %s merged %u",
			merges[kind].merged, sizes[2]);
}

static void merge(const struct qemu_images *images)
{
	struct image_chain *source = open_chain(images, "top", IMAGE_READ_ONLY);
	struct image_chain *target = open_chain(images, "merged", IMAGE_READ_WRITE);

	g_assert_cmpint(image_copy(source, 2, image_chain_image(target), -1, NULL), ==, 0);
	image_chain_close(target);
	image_chain_close(source);
	qemu_images_run(images, "qemu-img check -q merged");
	assert_same(images, "merged", "qcow2");
}

/* Whatever was done to the layers, and however they are made. */
static void test_merge_kinds(void)
{
	GRand *random = g_rand_new_with_seed(1);
	struct qemu_images images;

	if (!qemu_images_init(&images)) {
		g_rand_free(random);
		return;
	}
	for (size_t kind = 0; kind < G_N_ELEMENTS(merges); kind++) {
		g_test_message("%s, %s, %s", merges[kind].lower, merges[kind].upper,
			       merges[kind].merged);
		for (int round = 0; round < ROUNDS; round++) {
			make_layers(&images, kind, random);
			merge(&images);
		}
	}
	qemu_images_finish(&images);
	g_rand_free(random);
}

/* The middle layer's disk ends inside a cluster it does not have, above more of the bottom's. */
static void test_merge_cut_off(void)
{
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	qemu_images_run(&images, "qemu-img create -q -f raw bottom 1M");
	qemu_images_run(&images, "qemu-io -f raw -c 'write -P 9 0 1M' bottom");
	qemu_images_run(&images, "qemu-img create -q -f qcow2 -b bottom -F raw base 66048");
	qemu_images_run(&images, "qemu-img create -q -f qcow2 -b base -F qcow2 top 1M");
	qemu_images_run(&images, "qemu-img create -q -f qcow2 -b bottom -F raw merged 1M");
	merge(&images);
	qemu_images_finish(&images);
}

static bool stop_later(void *data, uint64_t done, uint64_t total)
{
	unsigned int *calls = data;

	g_assert_cmpuint(total, ==, 100 * MIB);
	g_assert_cmpuint(done, <, total);
	return ++*calls < 3;
}

static void test_cancel(void)
{
	unsigned int calls = 0;
	const struct image_progress progress = {.moved = stop_later, .data = &calls};
	struct image_chain *source, *target;
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	qemu_images_run(&images, "qemu-img create -q -f qcow2 top 100M");
	qemu_images_run(&images, "qemu-img create -q -f qcow2 copy 100M");
	source = open_chain(&images, "top", IMAGE_READ_ONLY);
	target = open_chain(&images, "copy", IMAGE_READ_WRITE);
	g_assert_cmpint(image_copy(source, 1, image_chain_image(target), -1, &progress), ==,
			-ECANCELED);
	g_assert_cmpuint(calls, ==, 3);
	image_chain_close(target);
	image_chain_close(source);
	qemu_images_finish(&images);
}

static void test_errors(void)
{
	struct image_chain *source, *target;
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	make_source(&images);
	qemu_images_run(&images, "qemu-img create -q -f qcow2 small 64k");
	source = open_chain(&images, "top", IMAGE_READ_ONLY);
	target = open_chain(&images, "small", IMAGE_READ_WRITE);
	g_assert_cmpint(image_copy(source, 2, image_chain_image(target), -1, NULL), ==, -EINVAL);
	g_assert_cmpint(image_copy(source, 2, NULL, -1, NULL), ==, -EBADF);
	image_chain_close(target);
	image_chain_close(source);
	qemu_images_finish(&images);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/image-copy/qcow2", test_qcow2);
	g_test_add_func("/image-copy/raw", test_raw);
	g_test_add_func("/image-copy/merge", test_merge);
	g_test_add_func("/image-copy/merge-kinds", test_merge_kinds);
	g_test_add_func("/image-copy/merge-cut-off", test_merge_cut_off);
	g_test_add_func("/image-copy/cancel", test_cancel);
	g_test_add_func("/image-copy/errors", test_errors);
	return g_test_run();
}

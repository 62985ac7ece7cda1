/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds what qemu-img finds: nothing in its images, and what is broken on purpose.
 */
#include "image/qcow2-check.h"

#include <fcntl.h>
#include <glib.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "image/qcow2-map.h"
#include "qemu-images.h"

enum { CLUSTER = 4096 };

static struct qcow2_check_report check(const struct qemu_images *images)
{
	g_autofree char *path = qemu_images_path(images, "disk");
	int fd = open(path, O_RDONLY | O_CLOEXEC), error = 0;
	struct qcow2_check_report report;

	g_assert_cmpint(qcow2_check(fd, &report, &error), ==, IMAGE_GOOD);
	fd_close(&fd);
	return report;
}

static void create(const struct qemu_images *images, const char *options)
{
	g_test_message("%s", options);
	qemu_images_run(images, "qemu-img create -q -f qcow2 -o %s disk 3M", options);
	qemu_images_run(images,
			"qemu-io -f qcow2 -c 'write -P 1 1000 1M' -c 'write -z 2M 64k' disk");
}

static void assert_clean(const struct qemu_images *images)
{
	struct qcow2_check_report report = check(images);

	g_assert_cmpuint(report.corruptions, ==, 0);
	g_assert_cmpuint(report.leaks, ==, 0);
	g_assert_cmpuint(report.clusters_used, >, 4);
}

static void test_clean(void)
{
	static const char *const options[] = {
		"compat=0.10",       "cluster_size=512,refcount_bits=64",
		"cluster_size=2M",   "refcount_bits=1",
		"extended_l2=on",    "preallocation=metadata",
		"lazy_refcounts=on", "cluster_size=4k"};
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
		create(&images, options[i]);
		assert_clean(&images);
	}
	for (int i = 0; i < 3; i++) {
		qemu_images_run(&images, "qemu-img snapshot -c snapshot%d disk", i);
		assert_clean(&images);
		qemu_images_run(&images, "qemu-io -f qcow2 -c 'write -P 3 %d00k 300k' disk", i);
		assert_clean(&images);
	}
	qemu_images_run(&images, "cp disk source");
	qemu_images_run(&images, "qemu-img convert -c -f qcow2 -O qcow2 source disk");
	assert_clean(&images);
	qemu_images_run(&images, "qemu-img bitmap --add disk bitmap");
	g_assert_true(check(&images).leaks_unknown);
	g_assert_cmpuint(check(&images).corruptions, ==, 0);
	qemu_images_finish(&images);
}

/* A 64-bit number of the file, changed. */
static uint64_t replace(const struct qemu_images *images, uint64_t offset, uint64_t value)
{
	g_autofree char *path = qemu_images_path(images, "disk");
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t old[8], bytes[8];

	store_be64(bytes, value);
	g_assert_cmpint(fd_read_at(fd, old, 8, offset), ==, 0);
	g_assert_cmpint(fd_write_at(fd, bytes, 8, offset), ==, 0);
	fd_close(&fd);
	return load_be64(old);
}

static void assert_corrupt(const struct qemu_images *images, uint64_t offset, uint64_t value)
{
	uint64_t old = replace(images, offset, value);

	g_assert_cmpuint(check(images).corruptions, >, 0);
	replace(images, offset, old);
	assert_clean(images);
}

static void test_broken(void)
{
	struct qemu_images images;
	uint64_t l1, l2, table, block, entry;

	if (!qemu_images_init(&images))
		return;
	create(&images, "cluster_size=4k");
	l1 = replace(&images, 40, 0);
	replace(&images, 40, l1);
	table = replace(&images, 48, 0);
	replace(&images, 48, table);
	l2 = replace(&images, l1, 0);

	/* Without its L2 table all of the data is lost. */
	g_assert_cmpuint(check(&images).leaks, >, 200);
	g_assert_cmpuint(check(&images).corruptions, ==, 0);
	replace(&images, l1, l2);
	assert_corrupt(&images, l1, l2 & ~QCOW2_ENTRY_COPIED);
	assert_corrupt(&images, l1, l2 + 512);
	assert_corrupt(&images, l1, table | QCOW2_ENTRY_COPIED);

	l2 &= QCOW2_ENTRY_OFFSET_MASK;
	entry = replace(&images, l2, 0);
	g_assert_cmpuint(check(&images).leaks, ==, 1);
	replace(&images, l2, entry);
	assert_corrupt(&images, l2, entry & ~QCOW2_ENTRY_COPIED);
	assert_corrupt(&images, l2, entry + CLUSTER); /* that cluster is used twice */
	assert_corrupt(&images, l2, l1 | QCOW2_ENTRY_COPIED);
	assert_corrupt(&images, l2, QCOW2_ENTRY_COMPRESSED | ((uint64_t)1 << 40));

	block = replace(&images, table, 0);
	g_assert_cmpuint(check(&images).corruptions, >, 200);
	replace(&images, table, block);
	assert_corrupt(&images, table, l1);
	assert_corrupt(&images, block, 0);
	assert_corrupt(&images, 60, (uint64_t)1 << 32); /* snapshots where there is no table */
	qemu_images_finish(&images);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/qcow2-check/clean", test_clean);
	g_test_add_func("/qcow2-check/broken", test_broken);
	return g_test_run();
}

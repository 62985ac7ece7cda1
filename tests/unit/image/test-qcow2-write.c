/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images that are written to stay images that QEMU reads as we do and finds nothing wrong with,
 * also when the writing stops anywhere. pwrite() is wrapped to make it stop.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/image-chain.h"
#include "image/qcow2-image.h"
#include "qemu-images.h"

enum {
	SIZE = 4 << 20,
	DISK_SIZE = SIZE + 1536, /* no whole number of clusters */
	OPERATIONS = 400,
};

ssize_t __real_pwrite64(int fd, const void *buffer, size_t length, off64_t offset);
ssize_t __wrap_pwrite64(int fd, const void *buffer, size_t length, off64_t offset);

struct unsafe_write {
	int fd;
	off64_t offset;
	size_t length;
	char *old;
};

static int writes_left = -1; /* negative: no end */
/* Those that a power failure may undo. */
static GArray *unsafe_writes;

static void remember(int fd, size_t length, off64_t offset)
{
	struct unsafe_write write = {fd, offset, length, g_malloc0(length)};

	g_assert_cmpint(pread(fd, write.old, length, offset), >=, 0);
	g_array_append_val(unsafe_writes, write);
}

static void forget_writes(void)
{
	for (guint i = 0; i < unsafe_writes->len; i++)
		g_free(g_array_index(unsafe_writes, struct unsafe_write, i).old);
	g_array_set_size(unsafe_writes, 0);
}

/* Some of what was not synced is gone, whatever its order was. */
static void fail_power(GRand *random)
{
	for (guint i = unsafe_writes->len; i > 0; i--) {
		struct unsafe_write *write =
			&g_array_index(unsafe_writes, struct unsafe_write, i - 1);

		if (g_rand_boolean(random))
			__real_pwrite64(write->fd, write->old, write->length, write->offset);
	}
	forget_writes();
}

ssize_t __wrap_pwrite64(int fd, const void *buffer, size_t length, off64_t offset)
{
	if (writes_left == 0) {
		errno = EIO;
		return -1;
	}
	if (writes_left > 0) {
		writes_left--;
		remember(fd, length, offset);
	}
	return __real_pwrite64(fd, buffer, length, offset);
}

int __wrap_fdatasync(int fd);

/* Waiting for a disk would take most of the time. */
int __wrap_fdatasync(int fd)
{
	(void)fd;
	if (writes_left == 0) {
		errno = EIO;
		return -1;
	}
	forget_writes();
	return 0;
}

static struct image_chain *open_chain(const struct qemu_images *images, const char *name)
{
	g_autofree char *path = qemu_images_path(images, name);
	struct image_chain_problem problem = {0};
	struct image_chain *chain = NULL;

	image_chain_open(path, IMAGE_QCOW2, IMAGE_READ_WRITE, &chain, &problem);
	g_assert_cmpint(problem.problem, ==, IMAGE_GOOD);
	return chain;
}

/* One change of the image and of its raw twin. */
static int change(struct qcow2_image *image, char *twin, GRand *random)
{
	static char bytes[SIZE / 8];
	int offset = g_rand_int_range(random, 0, DISK_SIZE);
	int max = g_rand_int_range(random, 0, 4) ? 9000 : SIZE / 8;
	int wanted = g_rand_int_range(random, 1, max);
	int length = MIN(wanted, DISK_SIZE - offset);
	int r;

	switch (g_rand_int_range(random, 0, 8)) {
	case 0:
		r = qcow2_image_write_zeroes(image, (uint64_t)offset, (uint64_t)length);
		memset(twin + offset, 0, (size_t)length);
		return r;
	case 1:
		/* what it leaves is told by reading */
		r = qcow2_image_discard(image, (uint64_t)offset, (uint64_t)length);
		if (r == 0)
			r = qcow2_image_read(image, (uint64_t)offset, bytes, (size_t)length);
		for (int i = 0; r == 0 && i < length; i++)
			g_assert_true(bytes[i] == 0 || bytes[i] == twin[offset + i]);
		memcpy(twin + offset, bytes, (size_t)length);
		return r;
	case 2:
		return qcow2_image_flush(image);
	default:
		memset(bytes, g_rand_int_range(random, 1, 127), (size_t)length);
		memcpy(twin + offset, bytes, (size_t)length);
		return qcow2_image_write(image, (uint64_t)offset, bytes, (size_t)length);
	}
}

static void change_much(const struct qemu_images *images, char *twin, guint32 seed)
{
	struct image_chain *chain = open_chain(images, "disk");
	g_autofree char *buffer = g_malloc(DISK_SIZE);
	GRand *random = g_rand_new_with_seed(seed);

	for (int i = 0; i < OPERATIONS; i++)
		g_assert_cmpint(change(image_chain_image(chain), twin, random), ==, 0);
	g_assert_cmpint(image_chain_read(chain, 0, buffer, DISK_SIZE), ==, 0);
	g_assert_true(memcmp(buffer, twin, DISK_SIZE) == 0);
	g_assert_cmpint(qcow2_image_flush(image_chain_image(chain)), ==, 0);
	image_chain_close(chain);
	g_rand_free(random);
}

/* The twin begins as what the image shows. */
static char *make_twin(const struct qemu_images *images)
{
	g_autoptr(GBytes) bytes = qemu_images_read(images, "disk", "qcow2");

	g_assert_cmpuint(g_bytes_get_size(bytes), ==, DISK_SIZE);
	return g_memdup2(g_bytes_get_data(bytes, NULL), DISK_SIZE);
}

static void assert_clean(const struct qemu_images *images, const char *twin)
{
	g_autoptr(GBytes) bytes = qemu_images_read(images, "disk", "qcow2");

	g_assert_cmpuint(g_bytes_get_size(bytes), ==, DISK_SIZE);
	g_assert_true(memcmp(g_bytes_get_data(bytes, NULL), twin, DISK_SIZE) == 0);
	qemu_images_run(images, "qemu-img check -q -f qcow2 disk");
}

static const struct {
	const char *options;
	const char *preparation; /* a command line, or NULL */
} kinds[] = {
	{"compat=0.10", NULL},
	{"compat=1.1", NULL},
	{"cluster_size=512,refcount_bits=64", NULL}, /* the refcount table moves */
	{"cluster_size=512,refcount_bits=1", NULL},
	{"cluster_size=2M", NULL},
	{"lazy_refcounts=on,refcount_bits=8", NULL},
	{"extended_l2=on", NULL},
	{"extended_l2=on,cluster_size=16k", "qemu-io -f qcow2 -c 'write -z 1M 1M' disk"},
	{"preallocation=metadata,cluster_size=4k", NULL},
	{"cluster_size=4k", "qemu-img snapshot -c one disk"},
	{"extended_l2=on,cluster_size=32k", "qemu-img snapshot -c one disk"},
	{"backing_file=base,backing_fmt=raw", NULL},
	{"backing_file=base,backing_fmt=raw,compat=0.10,cluster_size=4k", NULL},
	{"backing_file=base,backing_fmt=raw,extended_l2=on", NULL},
	{"compression_type=zstd,cluster_size=8k",
	 "qemu-img convert -c -f raw -O qcow2 -o compression_type=zstd,cluster_size=8k base disk"},
	{"extended_l2=on",
	 "qemu-img convert -c -f raw -O qcow2 -o extended_l2=on,cluster_size=16k base disk"},
};

static void add_base(const struct qemu_images *images)
{
	g_autofree char *bytes = g_malloc(DISK_SIZE);

	for (int i = 0; i < DISK_SIZE; i++)
		bytes[i] = (char)(i / 1000);
	qemu_images_add_file(images, "base", bytes, DISK_SIZE);
}

static void make_disk(const struct qemu_images *images, size_t kind)
{
	g_test_message("%s", kinds[kind].options);
	qemu_images_run(images, "qemu-img create -q -f qcow2 -o %s disk %d", kinds[kind].options,
			DISK_SIZE);
	if (kinds[kind].preparation)
		qemu_images_run(images, "%s", kinds[kind].preparation);
}

static void test_twin(void)
{
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	add_base(&images);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *twin = NULL;

		make_disk(&images, i);
		twin = make_twin(&images);
		for (guint32 round = 0; round < 2; round++) {
			change_much(&images, twin, (guint32)i * 2 + round);
			assert_clean(&images, twin);
		}
	}
	qemu_images_finish(&images);
}

/* What a snapshot holds is not touched. */
static void test_snapshot_stays(void)
{
	g_autofree char *twin = NULL;
	g_autofree char *before = NULL;
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	make_disk(&images, 1);
	twin = make_twin(&images);
	change_much(&images, twin, 1);
	before = g_memdup2(twin, DISK_SIZE);
	qemu_images_run(&images, "qemu-img snapshot -c one disk");
	change_much(&images, twin, 2);
	assert_clean(&images, twin);
	qemu_images_run(&images, "qemu-img snapshot -a one disk");
	assert_clean(&images, before);
	qemu_images_finish(&images);
}

/* Whether qemu-img finds nothing worse than lost clusters. */
static gboolean is_sound(const struct qemu_images *images)
{
	const char *const words[] = {"qemu-img", "check", "-q", "-f", "qcow2", "disk", NULL};
	int status;

	g_assert_true(g_spawn_sync(images->folder, (char **)words, NULL,
				   G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL |
					   G_SPAWN_STDERR_TO_DEV_NULL,
				   NULL, NULL, NULL, NULL, &status, NULL));
	return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 3);
}

/* Changes the disk until so many writes are done; whether it came that far. */
static gboolean stop_after(const struct qemu_images *images, int writes, const char *begin)
{
	struct image_chain *chain = open_chain(images, "disk");
	g_autofree char *twin = g_memdup2(begin, DISK_SIZE);
	GRand *random = g_rand_new_with_seed(7);
	int r = 0;

	writes_left = writes;
	for (int i = 0; r == 0 && i < OPERATIONS; i++)
		r = change(image_chain_image(chain), twin, random);
	if (r == 0)
		r = qcow2_image_flush(image_chain_image(chain));
	writes_left = -1;
	fail_power(random);
	image_chain_close(chain);
	g_rand_free(random);
	return r < 0;
}

static void test_stop(size_t kind, int step, int stops)
{
	struct qemu_images images;
	g_autofree char *twin = NULL;

	if (!qemu_images_init(&images))
		return;
	add_base(&images);
	make_disk(&images, kind);
	twin = make_twin(&images);
	change_much(&images, twin, 3);
	qemu_images_run(&images, "cp disk before");
	for (int writes = 0, stopped = 1; stopped && writes < stops * step; writes += step) {
		qemu_images_run(&images, "cp before disk");
		stopped = stop_after(&images, writes, twin);
		g_assert_true(is_sound(&images));
	}
	qemu_images_finish(&images);
}

static void test_stop_small(void)
{
	test_stop(2, 137, 25);
}

static void test_stop_plain(void)
{
	test_stop(1, 1, 150);
}

static void test_stop_compressed(void)
{
	test_stop(14, 11, 25);
}

static void test_refused(void)
{
	struct qcow2_image *image;
	struct qemu_images images;
	g_autofree char *path = NULL;
	int fd, error;
	char byte = 1;

	if (!qemu_images_init(&images))
		return;
	make_disk(&images, 1);
	path = qemu_images_path(&images, "disk");
	fd = open(path, O_RDWR | O_CLOEXEC);
	g_assert_cmpint(qcow2_image_open(fd, IMAGE_READ_ONLY, &image, &error), ==, IMAGE_GOOD);
	g_assert_cmpint(qcow2_image_write(image, 0, &byte, 1), ==, -EROFS);
	g_assert_cmpint(qcow2_image_discard(image, 0, 1), ==, -EROFS);
	g_assert_cmpint(qcow2_image_flush(image), ==, 0);
	qcow2_image_close(image);

	for (byte = 1; byte <= 2; byte++) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		g_assert_cmpint(fd_write_at(fd, &byte, 1, 79), ==, 0);
		g_assert_cmpint(qcow2_image_open(fd, IMAGE_READ_WRITE, &image, &error), ==,
				byte == 1 ? IMAGE_DIRTY : IMAGE_CORRUPT);
		g_assert_cmpint(qcow2_image_open(fd, IMAGE_READ_ONLY, &image, &error), ==,
				IMAGE_GOOD);
		qcow2_image_close(image);
	}
	qemu_images_finish(&images);
}

static void test_range(void)
{
	struct qemu_images images;
	struct image_chain *chain;
	struct qcow2_image *image;

	if (!qemu_images_init(&images))
		return;
	make_disk(&images, 1);
	chain = open_chain(&images, "disk");
	image = image_chain_image(chain);
	g_assert_cmpint(qcow2_image_write(image, DISK_SIZE, "x", 1), ==, -EINVAL);
	g_assert_cmpint(qcow2_image_write(image, UINT64_MAX, "xy", 2), ==, -EINVAL);
	g_assert_cmpint(qcow2_image_write_zeroes(image, 1, UINT64_MAX), ==, -EINVAL);
	g_assert_cmpint(qcow2_image_write(image, DISK_SIZE - 1, "x", 1), ==, 0);
	g_assert_cmpint(qcow2_image_flush(image), ==, 0);
	image_chain_close(chain);
	qemu_images_finish(&images);
}

int main(int argc, char **argv)
{
	int r;

	unsafe_writes = g_array_new(FALSE, FALSE, sizeof(struct unsafe_write));
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/qcow2-write/twin", test_twin);
	g_test_add_func("/qcow2-write/snapshot-stays", test_snapshot_stays);
	g_test_add_func("/qcow2-write/stop-small", test_stop_small);
	g_test_add_func("/qcow2-write/stop-plain", test_stop_plain);
	g_test_add_func("/qcow2-write/stop-compressed", test_stop_compressed);
	g_test_add_func("/qcow2-write/refused", test_refused);
	g_test_add_func("/qcow2-write/range", test_range);
	r = g_test_run();
	g_array_unref(unsafe_writes);
	return r;
}

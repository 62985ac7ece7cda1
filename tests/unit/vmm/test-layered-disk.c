/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks of several layers through the backend, with many requests at once, against a raw twin; and
 * what QEMU's tools say about the images afterwards. Twice: with the kernel's ring, and with one
 * that is played, in which things happen in any order and the power fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/byte-order.h"
#include "block/block-backend.h"
#include "fake-block-ring.h"
#include "image/qcow2-create.h"
#include "image/qcow2-header.h"
#include "image/qcow2-map.h"
#include "loop/event-loop.h"
#include "protocol/statistics-protocol.h"
#include "qemu-images.h"

enum {
	MIB = 1 << 20,
	SIZE = 4 * MIB,
	DISK_SIZE = SIZE + 1536, /* no whole number of clusters */
	SECTOR = 512,
	DEPTH = 12,
	OPERATIONS = 500,
};

struct fixture {
	struct event_loop *loop;
	struct block_backend *backend;
	struct disk_statistics statistics;
	GRand *random;
	char *twin;
	char *touched; /* sectors, since the last flush; or NULL */
	unsigned int stops;
	int stop_error;
};

struct request {
	struct block_request io;
	struct fixture *fixture;
	struct iovec iov[3];
	char *bytes;
	bool busy;
	bool discards; /* and then reads what that has left */
	int result;
};

#ifndef WITH_FAKE_RING
struct fake_ring fake_ring; /* to which nobody listens */
#endif

static struct request requests[DEPTH];
static gboolean power_is_off;

static void on_stopped(void *data, int error)
{
	struct fixture *fixture = data;

	fixture->stops++;
	fixture->stop_error = error;
}

static int open_file(const struct qemu_images *images, const char *name, int flags)
{
	g_autofree char *path = qemu_images_path(images, name);
	int fd = open(path, flags | O_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	return fd;
}

/* names: the top first; those that end in "raw" are. */
static void open_disk(struct fixture *fixture, const struct qemu_images *images,
		      const char *const *names)
{
	struct block_layer layers[8];
	struct block_layer_problem problem = {0};
	unsigned int count = 0;

	for (; names[count]; count++)
		layers[count] = (struct block_layer){
			.fd = open_file(images, names[count], count ? O_RDONLY : O_RDWR),
			.qcow2 = !g_str_has_suffix(names[count], "raw"),
		};
	fixture->statistics = (struct disk_statistics){0};
	g_assert_cmpint(event_loop_create(&fixture->loop), ==, 0);
	g_assert_cmpint(block_backend_create_qcow2(layers, count, false, fixture->loop,
						   &fixture->statistics, &problem,
						   &fixture->backend),
			==, 0);
	block_backend_set_error_handler(fixture->backend, on_stopped, fixture);
}

static void close_disk(struct fixture *fixture)
{
	block_backend_drain(fixture->backend);
	g_assert_cmpuint(fixture->statistics.in_flight, ==, 0);
	block_backend_destroy(fixture->backend);
	event_loop_destroy(fixture->loop);
}

/* Requests */

static void on_complete(struct block_request *io, int result)
{
	struct request *request = (struct request *)io;
	const char *expected;

	request->busy = false;
	request->result = result;
	if (power_is_off)
		return;
	expected = request->fixture->twin + io->offset;
	g_assert_cmpint(result, ==, 0);
	if (io->operation == BLOCK_DISCARD) {
		request->busy = true;
		io->operation = BLOCK_READ;
		block_backend_submit(request->fixture->backend, io);
	} else if (io->operation == BLOCK_READ && request->discards) {
		for (uint64_t i = 0; i < io->length; i++)
			g_assert_true(request->bytes[i] == 0 || request->bytes[i] == expected[i]);
		memcpy(request->fixture->twin + io->offset, request->bytes, io->length);
	} else if (io->operation == BLOCK_READ) {
		g_assert_true(memcmp(request->bytes, expected, io->length) == 0);
	}
}

/* In up to three pieces. */
static void split(struct request *request, GRand *random)
{
	size_t length = (size_t)request->io.length, cut[2];

	cut[0] = (size_t)g_rand_int_range(random, 0, (gint32)length + 1);
	cut[1] = (size_t)g_rand_int_range(random, (gint32)cut[0], (gint32)length + 1);
	request->iov[0] = (struct iovec){request->bytes, cut[0]};
	request->iov[1] = (struct iovec){request->bytes + cut[0], cut[1] - cut[0]};
	request->iov[2] = (struct iovec){request->bytes + cut[1], length - cut[1]};
	request->io.iov = request->iov;
	request->io.iov_count = 3;
	if (cut[0] == 0) { /* elements are not empty */
		request->iov[0] = (struct iovec){request->bytes, length};
		request->io.iov_count = 1;
	} else if (cut[1] == cut[0] || cut[1] == length) {
		request->iov[1] = (struct iovec){request->bytes + cut[0], length - cut[0]};
		request->io.iov_count = cut[0] == length ? 1 : 2;
	}
}

static bool is_free(uint64_t offset, uint64_t length)
{
	for (unsigned int i = 0; i < DEPTH; i++) {
		const struct block_request *io = &requests[i].io;

		if (requests[i].busy && io->operation != BLOCK_FLUSH &&
		    offset < io->offset + io->length && io->offset < offset + length)
			return false;
	}
	return true;
}

static enum block_operation choose_operation(GRand *random)
{
	switch (g_rand_int_range(random, 0, 12)) {
	case 0:
		return BLOCK_WRITE_ZEROES;
	case 1:
		return BLOCK_DISCARD;
	case 2:
		return BLOCK_FLUSH;
	case 3:
	case 4:
	case 5:
		return BLOCK_READ;
	default:
		return BLOCK_WRITE;
	}
}

static void apply_to_twin(struct request *request)
{
	char *at = request->fixture->twin + request->io.offset;

	if (request->io.operation == BLOCK_WRITE_ZEROES) {
		memset(at, 0, request->io.length);
	} else if (request->io.operation == BLOCK_WRITE) {
		memset(request->bytes, g_rand_int_range(request->fixture->random, 1, 127),
		       request->io.length);
		memcpy(at, request->bytes, request->io.length);
	}
}

static bool submit_one(struct fixture *fixture, struct request *request)
{
	GRand *random = fixture->random;
	int max = g_rand_int_range(random, 0, 5) ? 24 : SIZE / SECTOR / 6;
	uint64_t offset = (uint64_t)g_rand_int_range(random, 0, DISK_SIZE / SECTOR) * SECTOR;
	uint64_t length = (uint64_t)g_rand_int_range(random, 1, max) * SECTOR;

	if (length > DISK_SIZE - offset)
		length = DISK_SIZE - offset;
	if (!is_free(offset, length))
		return false;
	if (!request->bytes)
		request->bytes = g_malloc(DISK_SIZE);
	request->fixture = fixture;
	request->io = (struct block_request){
		.operation = choose_operation(random),
		.offset = offset,
		.length = length,
		.complete = on_complete,
	};
	if (request->io.operation == BLOCK_FLUSH)
		request->io.offset = request->io.length = 0;
	else
		split(request, random);
	request->discards = request->io.operation == BLOCK_DISCARD;
	request->busy = true;
	if (fixture->touched && request->io.operation != BLOCK_READ)
		memset(fixture->touched + offset / SECTOR, 1, length / SECTOR);
	apply_to_twin(request);
	block_backend_submit(fixture->backend, &request->io);
	return true;
}

static void pump(struct fixture *fixture)
{
	block_backend_kick(fixture->backend);
	block_backend_reap(fixture->backend);
}

static void change_much(struct fixture *fixture, unsigned int operations)
{
	for (unsigned int i = 0; i < operations && !power_is_off;) {
		struct request *request = &requests[g_rand_int_range(fixture->random, 0, DEPTH)];

		if (!request->busy && submit_one(fixture, request))
			i++;
		if (g_rand_int_range(fixture->random, 0, 3) == 0)
			pump(fixture);
		if (g_rand_int_range(fixture->random, 0, 60) == 0)
			block_backend_drain(fixture->backend);
	}
}

static int transfer(struct fixture *fixture, enum block_operation operation, uint64_t offset,
		    void *bytes, size_t length)
{
	struct request request = {.fixture = fixture, .bytes = bytes, .busy = true};

	request.iov[0] = (struct iovec){bytes, length};
	request.io = (struct block_request){
		.operation = operation,
		.offset = offset,
		.length = length,
		.iov = request.iov,
		.iov_count = 1,
		.complete = on_complete,
	};
	block_backend_submit(fixture->backend, &request.io);
	block_backend_drain(fixture->backend);
	g_assert_false(request.busy);
	return request.result;
}

static void free_requests(void)
{
	for (unsigned int i = 0; i < DEPTH; i++) {
		g_free(requests[i].bytes);
		requests[i] = (struct request){0};
	}
}

/* Images */

static const struct {
	const char *options;
	const char *preparation; /* a command line, or NULL */
	const char *layers[4];
} kinds[] = {
	{"compat=0.10", NULL, {"disk"}},
	{"compat=1.1", NULL, {"disk"}},
	{"cluster_size=512,refcount_bits=64", NULL, {"disk"}}, /* the refcount table moves */
	{"cluster_size=512,refcount_bits=1", NULL, {"disk"}},
	{"cluster_size=2M", NULL, {"disk"}},
	{"lazy_refcounts=on,refcount_bits=8", NULL, {"disk"}},
	{"extended_l2=on", NULL, {"disk"}},
	{"extended_l2=on,cluster_size=16k", "qemu-io -f qcow2 -c 'write -z 1M 1M' disk", {"disk"}},
	{"preallocation=metadata,cluster_size=4k", NULL, {"disk"}},
	{"cluster_size=4k", "qemu-img snapshot -c one disk", {"disk"}},
	{"extended_l2=on,cluster_size=32k", "qemu-img snapshot -c one disk", {"disk"}},
	{"backing_file=base.raw,backing_fmt=raw", NULL, {"disk", "base.raw"}},
	{"backing_file=base.raw,backing_fmt=raw,compat=0.10,cluster_size=4k",
	 NULL,
	 {"disk", "base.raw"}},
	{"backing_file=base.raw,backing_fmt=raw,extended_l2=on", NULL, {"disk", "base.raw"}},
	{"backing_file=middle,backing_fmt=qcow2,cluster_size=8k",
	 NULL,
	 {"disk", "middle", "short.raw"}},
	{"compression_type=zstd,cluster_size=8k",
	 "qemu-img convert -c -f raw -O qcow2 -o compression_type=zstd,cluster_size=8k base.raw disk",
	 {"disk"}},
	{"backing_file=packed,backing_fmt=qcow2", NULL, {"disk", "packed"}},
	{"extended_l2=on",
	 "qemu-img convert -c -f raw -O qcow2 -o extended_l2=on,cluster_size=16k base.raw disk",
	 {"disk"}},
};

static void add_lower_layers(const struct qemu_images *images)
{
	g_autofree char *bytes = g_malloc(DISK_SIZE);

	for (int i = 0; i < DISK_SIZE; i++)
		bytes[i] = (char)(i / 1000);
	memset(bytes + MIB, 0, MIB / 2);
	qemu_images_add_file(images, "base.raw", bytes, DISK_SIZE);
	qemu_images_add_file(images, "short.raw", bytes, 2 * MIB + 512);
	qemu_images_run(images, "qemu-img create -q -f qcow2 -F raw -b short.raw middle %d",
			3 * MIB);
	qemu_images_run(images, "qemu-io -f qcow2 -c 'write -P 7 1M 200k' middle");
	qemu_images_run(images, "qemu-img convert -c -f raw -O qcow2 base.raw packed");
}

static void make_disk(const struct qemu_images *images, size_t kind)
{
	g_test_message("%s", kinds[kind].options);
	qemu_images_run(images, "qemu-img create -q -f qcow2 -o %s disk %d", kinds[kind].options,
			DISK_SIZE);
	if (kinds[kind].preparation)
		qemu_images_run(images, "%s", kinds[kind].preparation);
}

static char *read_disk(const struct qemu_images *images)
{
	g_autoptr(GBytes) bytes = qemu_images_read(images, "disk", "qcow2");

	g_assert_cmpuint(g_bytes_get_size(bytes), ==, DISK_SIZE);
	return g_memdup2(g_bytes_get_data(bytes, NULL), DISK_SIZE);
}

static void assert_clean(const struct qemu_images *images, const char *twin)
{
	g_autofree char *bytes = read_disk(images);

	g_assert_true(memcmp(bytes, twin, DISK_SIZE) == 0);
	qemu_images_run(images, "qemu-img check -q -f qcow2 disk");
}

static unsigned int choose_next(void *data, unsigned int bound)
{
	struct fixture *fixture = data;

	return (unsigned int)g_rand_int_range(fixture->random, 0, (gint32)bound);
}

static void test_twin(void)
{
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	add_lower_layers(&images);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		struct fixture fixture = {0};

		make_disk(&images, i);
		fixture.random = g_rand_new_with_seed((guint32)i);
		fixture.twin = read_disk(&images);
		fake_ring = (struct fake_ring){.choose = choose_next, .data = &fixture};
		for (unsigned int round = 0; round < 2; round++) {
			fake_ring.short_transfers = round == 1;
			open_disk(&fixture, &images, kinds[i].layers);
			change_much(&fixture, OPERATIONS);
			close_disk(&fixture);
			assert_clean(&images, fixture.twin);
		}
		fake_ring = (struct fake_ring){0};
		g_assert_cmpuint(fixture.stops, ==, 0);
		g_rand_free(fixture.random);
		g_free(fixture.twin);
	}
	free_requests();
	qemu_images_finish(&images);
}

/* A layer that comes while the disk is used, and one that goes again. */
static void test_push(gconstpointer top_name)
{
	const char *const layers[] = {"disk", NULL};
	struct fixture fixture = {0};
	struct block_layer_problem problem;
	struct qemu_images images;
	g_autofree char *frozen = NULL;
	g_autofree char *after = NULL;
	const char *format = top_name;
	int fd;

	if (!qemu_images_init(&images))
		return;
	qemu_images_run(&images, "qemu-img create -q -f %s disk %d", format, DISK_SIZE);
	qemu_images_run(&images, "qemu-img create -q -f qcow2 -F %s -b disk top %d", format,
			DISK_SIZE);
	qemu_images_run(&images, "qemu-img create -q -f qcow2 -F qcow2 -b top top2 %d", DISK_SIZE);
	qemu_images_run(&images, "qemu-img create -q -f qcow2 -F %s -b disk small 1M", format);
	fixture.random = g_rand_new_with_seed(5);
	fixture.twin = g_malloc0(DISK_SIZE);
	if (g_str_equal(format, "raw")) {
		g_assert_cmpint(event_loop_create(&fixture.loop), ==, 0);
		g_assert_cmpint(block_backend_create_raw(open_file(&images, "disk", O_RDWR), false,
							 fixture.loop, &fixture.statistics,
							 &fixture.backend),
				==, 0);
	} else {
		open_disk(&fixture, &images, layers);
	}
	change_much(&fixture, 200);
	block_backend_drain(fixture.backend);

	fd = open_file(&images, "small", O_RDWR);
	g_assert_cmpint(block_backend_push_layer(fixture.backend, fd, &problem), ==, -EINVAL);
	close(fd);
	fd = open_file(&images, "top", O_RDWR);
	g_assert_cmpint(block_backend_push_layer(fixture.backend, fd, &problem), ==, 0);
	frozen = g_memdup2(fixture.twin, DISK_SIZE);
	change_much(&fixture, 200);
	block_backend_drain(fixture.backend);

	/* One that is undone: what was before is there again, and can be written. */
	after = g_memdup2(fixture.twin, DISK_SIZE);
	fd = open_file(&images, "top2", O_RDWR);
	g_assert_cmpint(block_backend_push_layer(fixture.backend, fd, &problem), ==, 0);
	change_much(&fixture, 50);
	block_backend_drain(fixture.backend);
	block_backend_pop_layer(fixture.backend);
	memcpy(fixture.twin, after, DISK_SIZE);
	change_much(&fixture, 100);
	close_disk(&fixture);

	qemu_images_run(&images, "qemu-img check -q -f qcow2 top");
	qemu_images_run(&images, "mv disk frozen");
	qemu_images_run(&images, "qemu-img rebase -u -f qcow2 -F %s -b frozen top", format);
	qemu_images_run(&images, "mv top disk");
	assert_clean(&images, fixture.twin);
	qemu_images_run(&images, "qemu-img convert -f %s -O qcow2 frozen disk", format);
	assert_clean(&images, frozen);
	g_rand_free(fixture.random);
	g_free(fixture.twin);
	free_requests();
	qemu_images_finish(&images);
}

/* The first layer over a raw disk is undone: the disk is the raw file again. */
static void test_pop_to_raw(void)
{
	struct fixture fixture = {0};
	struct block_layer_problem problem;
	struct qemu_images images;
	g_autoptr(GBytes) bytes = NULL;
	int fd;

	if (!qemu_images_init(&images))
		return;
	qemu_images_run(&images, "qemu-img create -q -f raw disk %d", DISK_SIZE);
	qemu_images_run(&images, "qemu-img create -q -f qcow2 -F raw -b disk top");
	fixture.random = g_rand_new_with_seed(6);
	fixture.twin = g_malloc0(DISK_SIZE);
	g_assert_cmpint(event_loop_create(&fixture.loop), ==, 0);
	g_assert_cmpint(block_backend_create_raw(open_file(&images, "disk", O_RDWR), false,
						 fixture.loop, &fixture.statistics,
						 &fixture.backend),
			==, 0);
	fd = open_file(&images, "top", O_RDWR);
	g_assert_cmpint(block_backend_push_layer(fixture.backend, fd, &problem), ==, 0);
	block_backend_pop_layer(fixture.backend);
	change_much(&fixture, 200);
	close_disk(&fixture);
	bytes = qemu_images_read(&images, "disk", "raw");
	g_assert_cmpuint(g_bytes_get_size(bytes), ==, DISK_SIZE);
	g_assert_true(memcmp(g_bytes_get_data(bytes, NULL), fixture.twin, DISK_SIZE) == 0);
	g_rand_free(fixture.random);
	g_free(fixture.twin);
	free_requests();
	qemu_images_finish(&images);
}

static void test_grow(void)
{
	const char *const layers[] = {"disk", "base.raw", NULL};
	struct fixture fixture = {0};
	struct qemu_images images;
	g_autoptr(GBytes) bytes = NULL;
	char sector[SECTOR] = "grown";

	if (!qemu_images_init(&images))
		return;
	add_lower_layers(&images);
	qemu_images_run(&images, "qemu-img create -q -f qcow2 -F raw -b base.raw disk %d",
			MIB + 512);
	fixture.random = g_rand_new_with_seed(5);
	fixture.twin = g_malloc0(64 * MIB);
	open_disk(&fixture, &images, layers);
	g_assert_cmpint(transfer(&fixture, BLOCK_READ, 1000 * SECTOR, fixture.twin, SECTOR), ==, 0);
	g_assert_cmpint(block_backend_grow(fixture.backend, 2 * SECTOR), ==, -EINVAL);
	g_assert_cmpuint(block_backend_size(fixture.backend), ==, MIB + 512);
	g_assert_cmpint(block_backend_grow(fixture.backend, 64 * MIB), ==, 0);
	g_assert_cmpuint(block_backend_size(fixture.backend), ==, 64 * MIB);
	memcpy(fixture.twin + 64 * MIB - SECTOR, sector, SECTOR);
	g_assert_cmpint(transfer(&fixture, BLOCK_WRITE, 64 * MIB - SECTOR, sector, SECTOR), ==, 0);
	close_disk(&fixture);

	bytes = qemu_images_read(&images, "disk", "qcow2");
	g_assert_cmpuint(g_bytes_get_size(bytes), ==, 64 * MIB);
	/* What was behind the old end shows nothing of the layer below. */
	for (int i = MIB + 512; i < 64 * MIB; i++)
		g_assert_cmpint(((const char *)g_bytes_get_data(bytes, NULL))[i], ==,
				i < 64 * MIB - SECTOR ? 0 : sector[i % SECTOR]);
	qemu_images_run(&images, "qemu-img check -q -f qcow2 disk");
	g_rand_free(fixture.random);
	g_free(fixture.twin);
	qemu_images_finish(&images);
}

static void assert_refused(const struct qemu_images *images, const char *const *names,
			   unsigned int layer, enum image_problem expected)
{
	struct block_layer layers[4];
	struct block_layer_problem problem = {0};
	struct block_backend *backend = NULL;
	struct event_loop *loop;
	unsigned int count = 0;

	for (; names[count]; count++)
		layers[count] = (struct block_layer){
			.fd = open_file(images, names[count], count ? O_RDONLY : O_RDWR),
			.qcow2 = !g_str_has_suffix(names[count], "raw"),
		};
	g_assert_cmpint(event_loop_create(&loop), ==, 0);
	g_assert_cmpint(
		block_backend_create_qcow2(layers, count, false, loop, NULL, &problem, &backend),
		==, -EINVAL);
	g_assert_cmpint(problem.problem, ==, expected);
	g_assert_cmpuint(problem.layer, ==, layer);
	g_assert_null(backend);
	event_loop_destroy(loop);
}

static void test_refused(void)
{
	struct qemu_images images;

	if (!qemu_images_init(&images))
		return;
	add_lower_layers(&images);
	qemu_images_add_file(&images, "garbage", "garbage", 7);
	assert_refused(&images, (const char *[]){"middle", NULL}, 0, IMAGE_BACKING_NOT_GIVEN);
	assert_refused(&images, (const char *[]){"packed", "base.raw", NULL}, 0,
		       IMAGE_BACKING_NOT_NAMED);
	assert_refused(&images, (const char *[]){"middle", "base.raw", "packed", NULL}, 1,
		       IMAGE_BACKING_NOT_NAMED);
	assert_refused(&images, (const char *[]){"middle", "garbage", NULL}, 1, IMAGE_NOT_QCOW2);
	assert_refused(&images, (const char *[]){"garbage", NULL}, 0, IMAGE_NOT_QCOW2);
	qemu_images_finish(&images);
}

/* Broken tables fail what meets them and nothing else; the image says so afterwards. */
static void test_corrupt(void)
{
	const char *const layers[] = {"disk", NULL};
	struct fixture fixture = {.twin = NULL};
	struct qemu_images images;
	char sector[SECTOR] = "first";
	uint8_t bytes[8];
	uint64_t l1, l2;
	int fd;

	if (!qemu_images_init(&images))
		return;
	qemu_images_run(&images, "qemu-img create -q -f qcow2 disk 4M");
	qemu_images_run(&images, "qemu-io -f qcow2 -c 'write -P 1 0 256k' disk");
	fd = open_file(&images, "disk", O_RDWR);
	g_assert_cmpint(fd_read_at(fd, bytes, 8, 40), ==, 0);
	l1 = load_be64(bytes);
	g_assert_cmpint(fd_read_at(fd, bytes, 8, l1), ==, 0);
	l2 = load_be64(bytes) & QCOW2_ENTRY_OFFSET_MASK;
	store_be64(bytes, QCOW2_ENTRY_COPIED | l1); /* the second cluster is the L1 table */
	g_assert_cmpint(fd_write_at(fd, bytes, 8, l2 + 8), ==, 0);

	power_is_off = TRUE; /* results are looked at here */
	open_disk(&fixture, &images, layers);
	g_assert_cmpint(transfer(&fixture, BLOCK_READ, 0, sector, SECTOR), ==, 0);
	g_assert_cmpint(sector[0], ==, 1);
	g_assert_cmpint(transfer(&fixture, BLOCK_WRITE, 65536, sector, SECTOR), ==, -EIO);
	g_assert_cmpuint(fixture.stops, ==, 0);
	g_assert_cmpint(transfer(&fixture, BLOCK_READ, 65536, sector, SECTOR), ==, -EIO);
	g_assert_cmpint(transfer(&fixture, BLOCK_READ, 2 * 65536, sector, SECTOR), ==, 0);
	g_assert_cmpint(transfer(&fixture, BLOCK_WRITE, 2 * 65536, sector, SECTOR), ==, 0);
	g_assert_cmpint(transfer(&fixture, BLOCK_WRITE, 2 << 20, sector, SECTOR), ==, -EIO);
	g_assert_cmpint(transfer(&fixture, BLOCK_FLUSH, 0, sector, 0), ==, 0);
	close_disk(&fixture);
	power_is_off = FALSE;
	g_assert_cmpint(fd_read_at(fd, bytes, 8, QCOW2_FIELD_INCOMPATIBLE_FEATURES), ==, 0);
	g_assert_cmpuint(load_be64(bytes), ==, QCOW2_CORRUPT);
	close(fd);
	qemu_images_finish(&images);
}

#ifndef WITH_FAKE_RING

static void on_batch(void *data)
{
	struct fixture *fixture = data;

	if (__atomic_load_n(&fixture->statistics.in_flight, __ATOMIC_RELAXED) == 0)
		event_loop_stop(fixture->loop, 7);
}

/* More clusters than are erased in one turn, by the event loop alone. */
static void test_long_erase(void)
{
	const char *const layers[] = {"disk", "base.raw", NULL};
	struct fixture fixture = {.twin = g_malloc0(DISK_SIZE)};
	struct request request = {.fixture = &fixture, .busy = true};
	struct qemu_images images;

	if (qemu_images_init(&images)) {
		add_lower_layers(&images);
		qemu_images_run(&images,
				"qemu-img create -q -f qcow2 -F raw -b base.raw -o cluster_size=512"
				" disk");
		open_disk(&fixture, &images, layers);
		block_backend_set_batch_handler(fixture.backend, on_batch, &fixture);
		request.io = (struct block_request){
			.operation = BLOCK_WRITE_ZEROES,
			.length = DISK_SIZE,
			.complete = on_complete,
		};
		block_backend_submit(fixture.backend, &request.io);
		block_backend_kick(fixture.backend);
		g_assert_true(request.busy);
		g_assert_cmpint(event_loop_run(fixture.loop), ==, 7);
		g_assert_false(request.busy);
		close_disk(&fixture);
		assert_clean(&images, fixture.twin);
		qemu_images_finish(&images);
	}
	g_free(fixture.twin);
}

/* A file system of 1 MiB with an image, or -1. */
static int image_on_small_disk(void)
{
	g_autofree char *directory = g_dir_make_tmp("innkeeper-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(directory, "disk", NULL);
	const struct qcow2_create_options options = {
		.virtual_size = 16 * MIB,
		.version = 3,
		.cluster_bits = 16,
	};
	int fd = -1;

	if (mount("none", directory, "tmpfs", 0, "size=1m") == 0) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		g_assert_cmpint(umount2(directory, MNT_DETACH), ==, 0);
		g_assert_cmpint(fd, >=, 0);
		g_assert_cmpint(qcow2_create(fd, &options), ==, 0);
	}
	rmdir(directory);
	return fd;
}

/* Storage is full: what is written waits, goes on when there is space, or is given up. */
static void test_no_space(void)
{
	struct fixture fixture = {.twin = g_malloc0(16 * MIB)};
	int fd = image_on_small_disk();
	struct block_layer layer = {.fd = fd, .qcow2 = true};
	struct block_layer_problem problem;
	g_autofree char *bytes = g_malloc(2 * MIB);
	struct request writing = {.fixture = &fixture, .bytes = bytes};
	struct request flush = {
		.fixture = &fixture,
		.io = {.operation = BLOCK_FLUSH, .complete = on_complete},
	};

	if (fd < 0) {
		g_test_skip("cannot mount a small tmpfs here (needs root)");
		g_free(fixture.twin);
		return;
	}
	g_assert_cmpint(event_loop_create(&fixture.loop), ==, 0);
	g_assert_cmpint(block_backend_create_qcow2(&layer, 1, false, fixture.loop,
						   &fixture.statistics, &problem, &fixture.backend),
			==, 0);
	block_backend_set_error_handler(fixture.backend, on_stopped, &fixture);
	memset(bytes, 3, 2 * MIB);
	memset(fixture.twin, 3, 512 << 10);
	g_assert_cmpint(transfer(&fixture, BLOCK_WRITE, 0, bytes, 512 << 10), ==, 0);

	writing.iov[0] = (struct iovec){bytes, 512 << 10};
	writing.io = (struct block_request){
		.operation = BLOCK_WRITE,
		.offset = 4 * MIB + 512,
		.length = 512 << 10,
		.iov = writing.iov,
		.iov_count = 1,
		.complete = on_complete,
	};
	writing.busy = true;
	block_backend_submit(fixture.backend, &writing.io);
	block_backend_drain(fixture.backend);
	g_assert_true(writing.busy);
	g_assert_cmpuint(fixture.stops, ==, 1);
	g_assert_cmpint(fixture.stop_error, ==, -ENOSPC);
	block_backend_resume(fixture.backend);
	block_backend_drain(fixture.backend);
	g_assert_true(writing.busy);
	g_assert_cmpuint(fixture.stops, ==, 2);

	/* Less has room where the rest of it went. */
	writing.io.length = writing.iov[0].iov_len = 64 << 10;
	memset(fixture.twin + 4 * MIB + 512, 3, 64 << 10);
	block_backend_resume(fixture.backend);
	block_backend_drain(fixture.backend);
	g_assert_false(writing.busy);
	g_assert_cmpint(writing.result, ==, 0);
	memset(bytes, 0, 2 * MIB);
	g_assert_cmpint(transfer(&fixture, BLOCK_READ, 4 * MIB, bytes, MIB), ==, 0);

	/* There is no room for tables yet, which are not lost. */
	flush.busy = true;
	block_backend_submit(fixture.backend, &flush.io);
	block_backend_drain(fixture.backend);
	g_assert_true(flush.busy);
	g_assert_cmpuint(fixture.stops, ==, 3);
	g_assert_cmpint(
		fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 17 << 16, 1 << 20), ==,
		0);
	block_backend_resume(fixture.backend);
	block_backend_drain(fixture.backend);
	g_assert_false(flush.busy);
	g_assert_cmpint(flush.result, ==, 0);
	g_assert_cmpint(transfer(&fixture, BLOCK_READ, 4 * MIB, bytes, MIB), ==, 0);
	close_disk(&fixture);
	g_free(fixture.twin);
}

#else

struct unsafe_write {
	int fd;
	off_t offset;
	size_t length;
	char *old;
};

static int writes_left = -1; /* negative: no end */
/* Those that a power failure may undo. */
static GArray *unsafe_writes;

ssize_t __real_pwrite64(int fd, const void *buffer, size_t length, off64_t offset);
ssize_t __wrap_pwrite64(int fd, const void *buffer, size_t length, off64_t offset);
int __wrap_fdatasync(int fd);

static void forget_writes(void)
{
	for (guint i = 0; i < unsafe_writes->len; i++) {
		struct unsafe_write *write = &g_array_index(unsafe_writes, struct unsafe_write, i);

		close(write->fd);
		g_free(write->old);
	}
	g_array_set_size(unsafe_writes, 0);
}

static int before(void *data, int fd, uint64_t offset, uint64_t length)
{
	struct unsafe_write write = {dup(fd), (off_t)offset, length, NULL};

	if (writes_left == 0) {
		power_is_off = TRUE;
		close(write.fd);
		return -EIO;
	}
	writes_left--;
	if (length == 0) {
		close(write.fd);
		forget_writes();
		return 0;
	}
	write.old = g_malloc0(length);
	g_assert_cmpint(pread(fd, write.old, length, (off_t)offset), >=, 0);
	g_array_append_val(unsafe_writes, write);
	return 0;
}

ssize_t __wrap_pwrite64(int fd, const void *buffer, size_t length, off64_t offset)
{
	if (fake_ring.before && power_is_off) {
		errno = EIO;
		return -1;
	}
	return __real_pwrite64(fd, buffer, length, offset);
}

/* What is written at once is rare; that it is lost is tried elsewhere. */
int __wrap_fdatasync(int fd)
{
	(void)fd;
	if (fake_ring.before && power_is_off) {
		errno = EIO;
		return -1;
	}
	return 0;
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

/* After a flush that nothing else was under way with, the twin is what the disk has to show for all
 * that has not been touched since. */
static void assert_kept(const struct qemu_images *images, const char *flushed, const char *touched)
{
	g_autofree char *bytes = read_disk(images);

	for (int i = 0; i < DISK_SIZE; i++)
		g_assert_true(touched[i / SECTOR] || bytes[i] == flushed[i]);
}

/* Changes the disk until the power fails; whether it came that far. */
static gboolean stop_after(const struct qemu_images *images, size_t kind, int writes,
			   const char *begin)
{
	struct fixture fixture = {.random = g_rand_new_with_seed((guint32)writes)};
	g_autofree char *flushed = g_memdup2(begin, DISK_SIZE);
	gboolean stopped;

	fixture.twin = g_memdup2(begin, DISK_SIZE);
	fixture.touched = g_malloc0(DISK_SIZE / SECTOR + 1);
	fake_ring = (struct fake_ring){.choose = choose_next, .before = before, .data = &fixture};
	writes_left = writes;
	open_disk(&fixture, images, kinds[kind].layers);
	block_backend_set_error_handler(fixture.backend, NULL, NULL);
	for (unsigned int i = 0; i < OPERATIONS && !power_is_off; i++) {
		change_much(&fixture, 1);
		if (g_rand_int_range(fixture.random, 0, 20) != 0)
			continue;
		block_backend_drain(fixture.backend);
		if (!power_is_off && transfer(&fixture, BLOCK_FLUSH, 0, NULL, 0) == 0 &&
		    !power_is_off) {
			memcpy(flushed, fixture.twin, DISK_SIZE);
			memset(fixture.touched, 0, DISK_SIZE / SECTOR + 1);
		}
	}
	stopped = power_is_off;
	power_is_off = TRUE;
	writes_left = 0;
	close_disk(&fixture);
	fake_ring = (struct fake_ring){0};
	fail_power(fixture.random);
	power_is_off = FALSE;
	g_assert_true(is_sound(images));
	assert_kept(images, flushed, fixture.touched);
	g_rand_free(fixture.random);
	g_free(fixture.twin);
	g_free(fixture.touched);
	free_requests();
	return stopped;
}

static void test_power(gconstpointer data)
{
	size_t kind = GPOINTER_TO_SIZE(data);
	struct fixture fixture = {.random = g_rand_new_with_seed(1)};
	struct qemu_images images;
	gboolean stopped = TRUE;

	unsafe_writes = g_array_new(FALSE, FALSE, sizeof(struct unsafe_write));
	if (qemu_images_init(&images)) {
		add_lower_layers(&images);
		make_disk(&images, kind);
		fixture.twin = read_disk(&images);
		open_disk(&fixture, &images, kinds[kind].layers);
		change_much(&fixture, 100);
		close_disk(&fixture);
		qemu_images_run(&images, "cp disk before");
		for (int writes = 1; stopped && writes < 20 * 41; writes += 41) {
			qemu_images_run(&images, "cp before disk");
			stopped = stop_after(&images, kind, writes, fixture.twin);
		}
		free_requests();
		qemu_images_finish(&images);
	}
	g_rand_free(fixture.random);
	g_free(fixture.twin);
	g_array_unref(unsafe_writes);
}

#endif

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/layered-disk/twin", test_twin);
	g_test_add_data_func("/layered-disk/push-raw", "raw", test_push);
	g_test_add_data_func("/layered-disk/push-qcow2", "qcow2", test_push);
	g_test_add_func("/layered-disk/pop-to-raw", test_pop_to_raw);
	g_test_add_func("/layered-disk/grow", test_grow);
	g_test_add_func("/layered-disk/refused", test_refused);
	g_test_add_func("/layered-disk/corrupt", test_corrupt);
#ifndef WITH_FAKE_RING
	g_test_add_func("/layered-disk/long-erase", test_long_erase);
	g_test_add_func("/layered-disk/no-space", test_no_space);
#else
	g_test_add_data_func("/layered-disk/power/small-clusters", GSIZE_TO_POINTER(2), test_power);
	g_test_add_data_func("/layered-disk/power/plain", GSIZE_TO_POINTER(1), test_power);
	g_test_add_data_func("/layered-disk/power/subclusters", GSIZE_TO_POINTER(13), test_power);
	g_test_add_data_func("/layered-disk/power/chain", GSIZE_TO_POINTER(14), test_power);
	g_test_add_data_func("/layered-disk/power/compressed", GSIZE_TO_POINTER(15), test_power);
#endif
	return g_test_run();
}

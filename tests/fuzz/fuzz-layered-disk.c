/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that is said to be a qcow2 image as the top of a disk, and as the layer below one: many
 * requests at once, over a ring that is played in an order that the image's bytes choose.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "block/block-backend.h"
#include "fake-block-ring.h"
#include "image/qcow2-create.h"
#include "image/qcow2-header.h"
#include "image/qcow2-image.h"
#include "loop/event-loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	REQUESTS = 24,
	REQUEST_SIZE = 48 << 10,
	LOWER_SIZE = 70000,
};

struct request {
	struct block_request io;
	struct iovec iov[2];
	uint8_t *bytes;
	unsigned int completions;
};

struct order {
	const uint8_t *bytes;
	size_t size, at;
};

static unsigned int choose(void *data, unsigned int bound)
{
	struct order *order = data;

	return order->size ? order->bytes[order->at++ % order->size] % bound : 0;
}

static int make_file(const void *bytes, size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	int r = fd_write_at(fd, bytes, size, 0);

	assert(r == 0);
	return fd;
}

static int make_lower(void)
{
	int fd = memfd_create("lower", MFD_CLOEXEC);
	int r = ftruncate(fd, LOWER_SIZE);

	assert(r == 0);
	return fd;
}

static void on_complete(struct block_request *io, int result)
{
	struct request *request = (struct request *)io;

	request->completions++;
	assert(result == 0 || result == -EIO || result == -EFBIG);
}

static void fill(struct request *request, uint64_t disk_size, unsigned int number)
{
	static const enum block_operation operations[] = {
		BLOCK_READ,    BLOCK_WRITE, BLOCK_WRITE, BLOCK_WRITE_ZEROES,
		BLOCK_DISCARD, BLOCK_READ,  BLOCK_WRITE, BLOCK_FLUSH,
	};
	uint64_t sectors = disk_size / 512, most = REQUEST_SIZE / 512;
	uint64_t from = sectors / REQUESTS * number;
	uint64_t length = 512 * (1 + (number * 37) % most);

	/* Some that meet at one place. */
	if (number % 3 == 0)
		from = sectors / 2;
	if (length > (sectors - from) * 512)
		length = (sectors - from) * 512;
	memset(request->bytes, (int)number, REQUEST_SIZE);
	request->iov[0] = (struct iovec){request->bytes, 100};
	request->iov[1] = (struct iovec){request->bytes + 100, (size_t)length - 100};
	request->completions = 0;
	request->io = (struct block_request){
		.operation = operations[number % 8],
		.offset = from * 512,
		.length = length,
		.iov = request->iov,
		.iov_count = 2,
		.complete = on_complete,
	};
	if (request->io.operation == BLOCK_FLUSH)
		request->io.offset = request->io.length = 0;
}

static void run_requests(struct block_backend *backend)
{
	static struct request requests[REQUESTS];
	uint64_t size = block_backend_size(backend);

	if (size < 512)
		return;
	for (unsigned int i = 0; i < REQUESTS; i++) {
		if (!requests[i].bytes)
			requests[i].bytes = malloc(REQUEST_SIZE);
		fill(&requests[i], size, i);
		block_backend_submit(backend, &requests[i].io);
	}
	block_backend_kick(backend);
	block_backend_drain(backend);
	for (unsigned int i = 0; i < REQUESTS; i++)
		assert(requests[i].completions == 1);
}

/* The descriptors are taken over. */
static void use(const struct block_layer *layers, unsigned int count, bool grow)
{
	struct block_layer_problem problem;
	struct block_backend *backend;
	struct event_loop *loop;
	int r = event_loop_create(&loop);

	assert(r == 0);
	if (block_backend_create_qcow2(layers, count, false, loop, NULL, &problem, &backend) == 0) {
		run_requests(backend);
		if (grow)
			(void)block_backend_grow(backend, block_backend_size(backend) + 65536);
		block_backend_drain(backend);
		run_requests(backend);
		block_backend_drain(backend);
		block_backend_destroy(backend);
	}
	event_loop_destroy(loop);
}

static void use_as_top(const uint8_t *data, size_t size)
{
	struct block_layer layers[] = {{.fd = make_file(data, size), .qcow2 = true},
				       {.fd = make_lower()}};
	struct qcow2_header header;
	int error;

	if (qcow2_image_read_header(layers[0].fd, &header, &error) == IMAGE_GOOD &&
	    header.backing_file[0]) {
		use(layers, 2, true);
	} else {
		close(layers[1].fd);
		use(layers, 1, true);
	}
}

/* Whose own layer below, if it says that it has one, is this raw one. */
static void use_as_lower(const uint8_t *data, size_t size)
{
	struct block_layer layers[3] = {{.fd = memfd_create("top", MFD_CLOEXEC), .qcow2 = true},
					{.fd = make_file(data, size), .qcow2 = true}};
	const struct qcow2_create_options options = {
		.virtual_size = 1 << 20,
		.version = 3,
		.cluster_bits = 14,
		.backing_file = "lower",
		.backing_format = "qcow2",
	};
	struct qcow2_header header;
	int error, r = qcow2_create(layers[0].fd, &options);

	assert(r == 0);
	if (qcow2_image_read_header(layers[1].fd, &header, &error) == IMAGE_GOOD &&
	    header.backing_file[0]) {
		layers[2] = (struct block_layer){.fd = make_lower()};
		use(layers, 3, false);
	} else {
		use(layers, 2, false);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct order order = {data, size, 0};

	fake_ring = (struct fake_ring){.choose = choose, .data = &order};
	use_as_top(data, size);
	use_as_lower(data, size);
	return 0;
}

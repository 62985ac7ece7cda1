/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See fake-block-backend.h.
 */
#include "fake-block-backend.h"

/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked-arithmetic.h"
#include "base/iov.h"

struct block_backend {
	char *contents;
	size_t size;
	bool read_only, automatic, held, ejected;
	struct block_request *first, *last;
	unsigned int in_flight, medium;
	void (*batch_handler)(void *data);
	void *batch_data;
};

void fake_block_backend_create(void *contents, size_t size, bool read_only,
			       struct block_backend **ret_backend)
{
	struct block_backend *backend = calloc(1, sizeof(*backend));

	assert(backend);
	backend->contents = contents;
	backend->size = size;
	backend->read_only = read_only;
	*ret_backend = backend;
}

void fake_block_backend_create_removable(void *contents, size_t size, bool loaded,
					 struct block_backend **ret_backend)
{
	fake_block_backend_create(contents, size, /* read_only= */ true, ret_backend);
	(*ret_backend)->ejected = !loaded;
}

int block_backend_change_medium(struct block_backend *backend, int fd)
{
	backend->ejected = fd < 0;
	backend->medium++;
	return 0;
}

void block_backend_destroy(struct block_backend *backend)
{
	assert(!backend || backend->in_flight == 0);
	free(backend);
}

uint64_t block_backend_size(const struct block_backend *backend)
{
	return backend->ejected ? 0 : backend->size;
}

int block_backend_grow(struct block_backend *backend, uint64_t size)
{
	return 0; /* the contents are the test's */
}

bool block_backend_read_only(const struct block_backend *backend)
{
	return backend->read_only;
}

void block_backend_set_batch_handler(struct block_backend *backend, void (*delivered)(void *data),
				     void *data)
{
	backend->batch_handler = delivered;
	backend->batch_data = data;
}

void block_backend_submit(struct block_backend *backend, struct block_request *request)
{
	/* What the device promises, whatever the guest asked for. */
	assert(range_fits(request->offset, request->length, block_backend_size(backend)));
	assert(request->offset % 512 == 0 && request->length % 512 == 0);
	assert(!backend->read_only || request->operation == BLOCK_READ ||
	       request->operation == BLOCK_FLUSH);
	request->next = NULL;
	request->work.epoch = backend->medium;
	if (backend->last)
		backend->last->next = request;
	else
		backend->first = request;
	backend->last = request;
	backend->in_flight++;
}

void block_backend_kick(struct block_backend *backend)
{
}

static void carry_out(struct block_backend *backend, const struct block_request *request)
{
	char *at = backend->contents + request->offset;
	uint64_t length = 0;

	switch (request->operation) {
	case BLOCK_READ:
		length = iov_write(request->iov, request->iov_count, 0, at, request->length);
		assert(length == request->length);
		break;
	case BLOCK_WRITE:
		length = iov_read(request->iov, request->iov_count, 0, at, request->length);
		assert(length == request->length);
		break;
	case BLOCK_DISCARD:
	case BLOCK_WRITE_ZEROES:
		memset(at, 0, request->length);
		break;
	case BLOCK_FLUSH:
	case BLOCK_NOTHING:
		break;
	}
}

static struct block_request *take_first(struct block_backend *backend)
{
	struct block_request *request = backend->first;

	backend->first = request->next;
	if (!backend->first)
		backend->last = NULL;
	backend->in_flight--;
	return request;
}

unsigned int fake_block_backend_complete(struct block_backend *backend, unsigned int count)
{
	unsigned int done = 0;

	while (done < count && backend->first) {
		struct block_request *request = take_first(backend);
		bool changed = request->work.epoch != backend->medium;

		if (!changed)
			carry_out(backend, request);
		request->complete(request, changed ? -ENOMEDIUM : 0);
		done++;
	}
	if (done > 0 && backend->batch_handler)
		backend->batch_handler(backend->batch_data);
	return done;
}

void fake_block_backend_fail(struct block_backend *backend, int error)
{
	struct block_request *request = take_first(backend);

	request->complete(request, error);
	if (backend->batch_handler)
		backend->batch_handler(backend->batch_data);
}

void fake_block_backend_set_held(struct block_backend *backend, bool held)
{
	backend->held = held;
}

void fake_block_backend_set_automatic(struct block_backend *backend, bool automatic)
{
	backend->automatic = automatic;
}

unsigned int fake_block_backend_in_flight(const struct block_backend *backend)
{
	return backend->in_flight;
}

void block_backend_reap(struct block_backend *backend)
{
	while (backend->automatic && backend->first)
		(void)fake_block_backend_complete(backend, backend->in_flight);
}

void block_backend_drain(struct block_backend *backend)
{
	while (backend->first)
		(void)fake_block_backend_complete(backend, backend->in_flight);
}

void block_backend_cancel_held(struct block_backend *backend)
{
	for (unsigned int left = backend->in_flight; backend->held && left > 0; left--) {
		struct block_request *request = take_first(backend);

		request->complete(request, -ECANCELED);
	}
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk on the host side: the queue in front of the ring, what its results mean, and counting.
 *
 * System calls once it is created: io_uring_enter, and clock_gettime where the kernel offers no
 * vDSO for it; fstat, ioctl and close when a medium is changed. A disk uses no thread of ours.
 */
#include "block/block-backend.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "block/block-io-uring.h"
#include "loop/event-loop.h"
#include "protocol/statistics-protocol.h"

#define RETRY_DELAY_NS 1000000ULL

struct block_backend {
	int fd;
	bool read_only;
	uint64_t size;
	unsigned int medium; /* how many there have been before the one that is in the drive */
	struct block_ring ring;
	struct event_source *source;
	struct event_timer *retry; /* the kernel had no memory for a submission */
	/* Not in the ring yet: for want of a kick, of room, or because storage has stopped. */
	struct block_request *first, *last;
	bool stopped; /* until block_backend_resume() */
	void (*error_handler)(void *data, int error);
	void *error_data;
	void (*batch_handler)(void *data);
	void *batch_data;
	struct disk_statistics *statistics;
	struct disk_statistics unwatched; /* where the caller has none */
};

/* Statistics: one writer at a time, readers in other processes. */

static void add(uint64_t *counter, uint64_t amount)
{
	__atomic_store_n(counter, *counter + amount, __ATOMIC_RELAXED);
}

/* Bucket n holds [2^n, 2^(n+1)) microseconds; the first begins at 0, the last has no end. */
static void count_latency(uint64_t *buckets, uint64_t nanoseconds)
{
	uint64_t microseconds = nanoseconds / 1000;
	unsigned int bucket = microseconds ? 63 - (unsigned int)__builtin_clzll(microseconds) : 0;

	if (bucket >= STATISTICS_LATENCY_BUCKETS)
		bucket = STATISTICS_LATENCY_BUCKETS - 1;
	add(&buckets[bucket], 1);
}

static void count(struct disk_statistics *statistics, const struct block_request *request,
		  int result)
{
	uint64_t elapsed;

	add(&statistics->in_flight, (uint64_t)-1);
	if (result == -ECANCELED)
		return;
	if (result < 0) {
		add(&statistics->errors, 1);
		return;
	}
	elapsed = event_loop_now() - request->started_ns;
	switch (request->operation) {
	case BLOCK_READ:
		add(&statistics->read_operations, 1);
		add(&statistics->read_bytes, request->length);
		count_latency(statistics->read_latency, elapsed);
		break;
	case BLOCK_WRITE:
	case BLOCK_WRITE_ZEROES:
		add(&statistics->write_operations, 1);
		add(&statistics->write_bytes, request->length);
		count_latency(statistics->write_latency, elapsed);
		break;
	case BLOCK_FLUSH:
		add(&statistics->flush_operations, 1);
		break;
	case BLOCK_DISCARD:
		add(&statistics->discard_operations, 1);
		break;
	}
}

/* The queue */

static void append(struct block_backend *backend, struct block_request *request)
{
	request->next = NULL;
	if (backend->last)
		backend->last->next = request;
	else
		backend->first = request;
	backend->last = request;
}

static void prepend(struct block_backend *backend, struct block_request *request)
{
	request->next = backend->first;
	backend->first = request;
	if (!backend->last)
		backend->last = request;
}

static void remove_first(struct block_backend *backend)
{
	backend->first = backend->first->next;
	if (!backend->first)
		backend->last = NULL;
}

void block_backend_submit(struct block_backend *backend, struct block_request *request)
{
	request->done = 0;
	request->zero_by_writing = false;
	request->medium = backend->medium;
	request->started_ns = event_loop_now();
	add(&backend->statistics->in_flight, 1);
	append(backend, request);
}

static void fill_ring(struct block_backend *backend)
{
	while (backend->first && !backend->stopped &&
	       block_ring_prepare(&backend->ring, backend->first))
		remove_first(backend);
}

void block_backend_kick(struct block_backend *backend)
{
	fill_ring(backend);
	if (block_ring_submit(&backend->ring) < 0)
		event_timer_set(backend->retry, event_loop_now() + RETRY_DELAY_NS);
}

/* Results */

static void complete(struct block_backend *backend, struct block_request *request, int result)
{
	count(backend->statistics, request, result);
	request->complete(request, result);
}

static bool is_write(const struct block_request *request)
{
	return request->operation == BLOCK_WRITE || request->operation == BLOCK_WRITE_ZEROES;
}

/*
 * A failed flush is not held: the kernel reports an error once and then forgets the pages it could
 * not write, so a second fdatasync() would succeed and mean nothing.
 */
static bool holds(const struct block_backend *backend, const struct block_request *request,
		  int result)
{
	return backend->error_handler && is_write(request) &&
	       (result == -ENOSPC || result == -EDQUOT || result == -EIO);
}

static void hold(struct block_backend *backend, struct block_request *request, int result)
{
	prepend(backend, request);
	if (backend->stopped)
		return;
	backend->stopped = true;
	backend->error_handler(backend->error_data, result);
}

static void handle_error(struct block_backend *backend, struct block_request *request, int result)
{
	/* EINVAL: a block device whose blocks are larger than the guest's. */
	bool unsupported = result == -EOPNOTSUPP || result == -EINVAL;

	if (result == -EINTR || result == -EAGAIN) {
		prepend(backend, request);
	} else if (unsupported && request->operation == BLOCK_DISCARD) {
		/* A hint that this file system cannot take. */
		complete(backend, request, 0);
	} else if (unsupported && request->operation == BLOCK_WRITE_ZEROES &&
		   !request->zero_by_writing) {
		request->zero_by_writing = true;
		prepend(backend, request);
	} else if (holds(backend, request, result)) {
		hold(backend, request, result);
	} else {
		complete(backend, request, result);
	}
}

/*
 * A transfer can stop short; it goes on from there. One that does not move at all has met the end
 * of a file that has been cut: its data are lost, and zeros in their place would hide that.
 */
static void handle_progress(struct block_backend *backend, struct block_request *request,
			    unsigned int bytes)
{
	if (bytes == 0) {
		handle_error(backend, request, -EIO);
		return;
	}
	request->done += bytes;
	if (request->done < request->length)
		prepend(backend, request);
	else
		complete(backend, request, 0);
}

static void handle_result(struct block_backend *backend, struct block_request *request, int result)
{
	bool transfer = request->operation == BLOCK_READ || request->operation == BLOCK_WRITE ||
			request->zero_by_writing;

	if (request->medium != backend->medium)
		complete(backend, request, -ENOMEDIUM);
	else if (result < 0)
		handle_error(backend, request, result);
	else if (transfer)
		handle_progress(backend, request, (unsigned int)result);
	else
		complete(backend, request, 0);
}

void block_backend_reap(struct block_backend *backend)
{
	struct block_request *request;
	bool any = false;
	int result;

	while (block_ring_reap(&backend->ring, &request, &result)) {
		handle_result(backend, request, result);
		any = true;
	}
	if (any && backend->batch_handler)
		backend->batch_handler(backend->batch_data);
	if (any && backend->first)
		block_backend_kick(backend);
}

static void on_ring_readable(void *data, uint32_t events)
{
	block_backend_reap(data);
}

static void on_retry(void *data)
{
	block_backend_kick(data);
}

/* Creation */

static int find_size(int fd, uint64_t *ret_size)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISREG(status.st_mode)) {
		*ret_size = (uint64_t)status.st_size;
		return 0;
	}
	if (!S_ISBLK(status.st_mode))
		return -ENOTBLK;
	return ioctl(fd, BLKGETSIZE64, ret_size) < 0 ? -errno : 0;
}

static int check_access(int fd, bool read_only)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	return !read_only && (flags & O_ACCMODE) != O_RDWR ? -EROFS : 0;
}

static int watch_ring(struct block_backend *backend, struct event_loop *loop)
{
	int r = event_loop_add_timer(loop, on_retry, backend, &backend->retry);

	if (r < 0)
		return r;
	r = event_loop_add(loop, block_ring_fd(&backend->ring), EPOLLIN, on_ring_readable, backend,
			   &backend->source);
	if (r < 0)
		event_timer_remove(backend->retry);
	return r;
}

static int create(int fd, uint64_t size, bool read_only, struct event_loop *loop,
		  struct disk_statistics *statistics, struct block_backend **ret_backend)
{
	struct block_backend *backend = calloc(1, sizeof(*backend));
	int r;

	if (!backend)
		return -ENOMEM;
	backend->fd = fd;
	backend->size = size;
	backend->read_only = read_only;
	backend->statistics = statistics ? statistics : &backend->unwatched;
	r = block_ring_init(&backend->ring, fd);
	if (r < 0)
		goto free_backend;
	r = watch_ring(backend, loop);
	if (r < 0)
		goto finish_ring;
	*ret_backend = backend;
	return 0;

finish_ring:
	block_ring_finish(&backend->ring);
free_backend:
	free(backend);
	return r;
}

int block_backend_create_raw(int fd, bool read_only, struct event_loop *loop,
			     struct disk_statistics *statistics, struct block_backend **ret_backend)
{
	uint64_t size;
	int r = check_access(fd, read_only);

	if (r == 0)
		r = find_size(fd, &size);
	return r == 0 ? create(fd, size, read_only, loop, statistics, ret_backend) : r;
}

int block_backend_create_removable(struct event_loop *loop, struct disk_statistics *statistics,
				   struct block_backend **ret_backend)
{
	return create(/* fd= */ -1, /* size= */ 0, /* read_only= */ true, loop, statistics,
		      ret_backend);
}

void block_backend_destroy(struct block_backend *backend)
{
	if (!backend)
		return;
	event_source_remove(backend->source);
	event_timer_remove(backend->retry);
	block_ring_finish(&backend->ring);
	fd_close(&backend->fd);
	free(backend);
}

uint64_t block_backend_size(const struct block_backend *backend)
{
	return backend->size;
}

int block_backend_grow(struct block_backend *backend)
{
	uint64_t size;
	int r = find_size(backend->fd, &size);

	if (r < 0)
		return r;
	if (size > backend->size)
		backend->size = size;
	return 0;
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

/* Stopping, going on, giving up */

void block_backend_set_error_handler(struct block_backend *backend,
				     void (*stopped)(void *data, int error), void *data)
{
	backend->error_handler = stopped;
	backend->error_data = data;
}

void block_backend_resume(struct block_backend *backend)
{
	backend->stopped = false;
	block_backend_kick(backend);
}

/* Completing one may submit another; only what is there now is given up. */
static void give_up_queued(struct block_backend *backend, int error)
{
	struct block_request *request = backend->first;

	backend->first = NULL;
	backend->last = NULL;
	while (request) {
		struct block_request *next = request->next;

		complete(backend, request, error);
		request = next;
	}
}

void block_backend_cancel_held(struct block_backend *backend)
{
	give_up_queued(backend, -ECANCELED);
}

/* How long there is to wait until then; 0: no more. */
static uint64_t time_left(uint64_t deadline_ns)
{
	uint64_t now = event_loop_now();

	return now < deadline_ns ? deadline_ns - now : 0;
}

int block_backend_drain_until(struct block_backend *backend, uint64_t deadline_ns)
{
	for (;;) {
		uint64_t left = BLOCK_RING_FOREVER;

		fill_ring(backend);
		if (backend->ring.in_flight == 0)
			return 0;
		if (deadline_ns != BLOCK_BACKEND_FOREVER)
			left = time_left(deadline_ns);
		if (left == 0)
			return -ETIMEDOUT;
		/* Refused for want of memory, it is tried again until there is some. */
		(void)block_ring_submit_and_wait(&backend->ring, left);
		block_backend_reap(backend);
	}
}

void block_backend_drain(struct block_backend *backend)
{
	(void)block_backend_drain_until(backend, BLOCK_BACKEND_FOREVER);
}

bool block_backend_is_idle(const struct block_backend *backend)
{
	return backend->ring.in_flight == 0 && !backend->first;
}

/* Media */

static int find_medium_size(int fd, uint64_t *ret_size)
{
	int r = find_size(fd, ret_size);

	return r == 0 && *ret_size == 0 ? -ENODATA : r;
}

/*
 * What the kernel has taken keeps the old file open by itself. What it has been offered only names
 * it, by a number that may soon be another's: that has to be taken first.
 */
int block_backend_change_medium(struct block_backend *backend, int fd)
{
	uint64_t size = 0;
	int r = fd < 0 ? 0 : find_medium_size(fd, &size);

	if (r < 0)
		return r;
	while (block_ring_submit(&backend->ring) < 0)
		; /* until there is memory again, as when draining */
	fd_close(&backend->fd);
	backend->fd = fd;
	backend->size = size;
	backend->medium++;
	block_ring_set_file(&backend->ring, fd);
	give_up_queued(backend, -ENOMEDIUM);
	if (backend->batch_handler)
		backend->batch_handler(backend->batch_data);
	block_backend_kick(backend);
	return 0;
}

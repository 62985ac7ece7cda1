/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk on the host side: the queue in front of the transfers, what happens when storage is full,
 * and counting.
 *
 * System calls once it is created: io_uring_enter, and clock_gettime where the kernel offers no
 * vDSO for it; fstat, ioctl and close when a medium is changed. With layers, when one is pushed or
 * the disk grows or ends, also pread64, pwrite64, fdatasync, fallocate, fcntl and lseek. A disk
 * uses no thread of ours.
 */
#include "block/block-backend.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "block/block-transfers.h"
#include "loop/event-loop.h"
#include "protocol/statistics-protocol.h"

#define RETRY_DELAY_NS 1000000ULL

struct block_backend {
	int fd; /* of a raw disk */
	bool read_only;
	uint64_t size;
	struct layered_disk *layers; /* or NULL: the disk is the bytes of one file */
	struct block_transfers transfers;
	struct event_source *source;
	/* The kernel had no memory for a submission, or something long lets others have a turn. */
	struct event_timer *retry;
	/* Not begun: for want of a kick, of room, or because storage has stopped. */
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
	case BLOCK_NOTHING: /* is no request's */
		break;
	}
}

static struct block_request *request_of_work(struct layered_operation *work)
{
	return (void *)((char *)work - offsetof(struct block_request, work));
}

static struct layered_operation *work_of(struct block_transfer *transfer)
{
	return (void *)((char *)transfer - offsetof(struct layered_operation, transfer));
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
	request->backend = backend;
	request->started_ns = event_loop_now();
	add(&backend->statistics->in_flight, 1);
	append(backend, request);
}

/* Results */

static void complete(struct block_backend *backend, struct block_request *request, int result)
{
	/* The disk's own affair. */
	if (result == -EUCLEAN)
		result = -EIO;
	count(backend->statistics, request, result);
	request->complete(request, result);
}

static bool is_write(const struct block_request *request)
{
	return request->operation == BLOCK_WRITE || request->operation == BLOCK_WRITE_ZEROES;
}

/*
 * A flush of a raw disk that has failed is not held: the kernel reports an error once and then
 * forgets the pages it could not write, so a second fdatasync() would succeed and mean nothing.
 * With layers it may be that there was no room for a table, which we still have.
 */
static bool holds(const struct block_backend *backend, const struct block_request *request,
		  int result)
{
	bool full = result == -ENOSPC || result == -EDQUOT;

	if (!backend->error_handler)
		return false;
	if (is_write(request))
		return full || result == -EIO;
	return full && backend->layers && request->operation != BLOCK_READ;
}

static void hold(struct block_backend *backend, struct block_request *request, int result)
{
	prepend(backend, request);
	if (backend->stopped)
		return;
	backend->stopped = true;
	backend->error_handler(backend->error_data, result);
}

static void handle_result(struct block_request *request, int result)
{
	struct block_backend *backend = request->backend;

	if (holds(backend, request, result))
		hold(backend, request, result);
	else
		complete(backend, request, result);
}

static void on_transferred(struct block_transfer *transfer, int result)
{
	handle_result(request_of_work(work_of(transfer)), result);
}

static void on_operated(struct layered_operation *operation, int result)
{
	handle_result(request_of_work(operation), result);
}

/* Beginning */

static void run_soon(struct block_backend *backend)
{
	event_timer_set(backend->retry, event_loop_now());
}

static void start_layered(struct block_backend *backend, struct block_request *request)
{
	struct layered_operation *operation = &request->work;

	operation->operation = request->operation;
	operation->offset = request->offset;
	operation->length = request->length;
	operation->iov = request->iov;
	operation->iov_count = request->iov_count;
	operation->complete = on_operated;
	if (layered_disk_start(backend->layers, operation))
		run_soon(backend);
}

static void start_raw(struct block_backend *backend, struct block_request *request)
{
	request->work.transfer = (struct block_transfer){
		.operation = request->operation,
		.fd = backend->fd,
		.offset = request->offset,
		.length = request->length,
		.iov = request->iov,
		.iov_count = request->iov_count,
		.complete = on_transferred,
	};
	block_transfers_start(&backend->transfers, &request->work.transfer);
}

static void start_requests(struct block_backend *backend)
{
	while (backend->first && !backend->stopped &&
	       block_transfers_have_room(&backend->transfers)) {
		struct block_request *request = backend->first;

		remove_first(backend);
		if (backend->layers)
			start_layered(backend, request);
		else
			start_raw(backend, request);
	}
}

void block_backend_kick(struct block_backend *backend)
{
	start_requests(backend);
	if (block_transfers_submit(&backend->transfers) < 0)
		event_timer_set(backend->retry, event_loop_now() + RETRY_DELAY_NS);
}

/* After transfers have completed. */
static void go_on(struct block_backend *backend)
{
	if (backend->layers && layered_disk_run(backend->layers))
		run_soon(backend);
	if (backend->batch_handler)
		backend->batch_handler(backend->batch_data);
}

void block_backend_reap(struct block_backend *backend)
{
	if (!block_transfers_reap(&backend->transfers))
		return;
	go_on(backend);
	block_backend_kick(backend);
}

static void on_ring_readable(void *data, uint32_t events)
{
	block_backend_reap(data);
}

static void on_retry(void *data)
{
	go_on(data);
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
	r = event_loop_add(loop, block_ring_fd(&backend->transfers.ring), EPOLLIN, on_ring_readable,
			   backend, &backend->source);
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
	r = block_transfers_init(&backend->transfers, fd);
	if (r < 0)
		goto free_backend;
	r = watch_ring(backend, loop);
	if (r < 0)
		goto finish_ring;
	*ret_backend = backend;
	return 0;

finish_ring:
	block_transfers_finish(&backend->transfers);
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

int block_backend_create_qcow2(const struct block_layer *layers, unsigned int count, bool read_only,
			       struct event_loop *loop, struct disk_statistics *statistics,
			       struct block_layer_problem *ret_problem,
			       struct block_backend **ret_backend)
{
	struct block_backend *backend;
	int r = check_access(layers[0].fd, read_only);

	*ret_problem = (struct block_layer_problem){0, IMAGE_SYSTEM_ERROR, r};
	if (r == 0)
		r = create(layers[0].fd, /* size= */ 0, read_only, loop, statistics, &backend);
	if (r < 0) {
		for (unsigned int i = 0; i < count; i++)
			close(layers[i].fd);
		return r;
	}
	backend->fd = -1; /* a layer has it */
	r = layered_disk_create(layers, count, read_only, &backend->transfers, ret_problem,
				&backend->layers);
	if (r < 0) {
		block_backend_destroy(backend);
		return r;
	}
	backend->size = layered_disk_size(backend->layers);
	*ret_backend = backend;
	return 0;
}

void block_backend_destroy(struct block_backend *backend)
{
	if (!backend)
		return;
	if (backend->layers)
		layered_disk_destroy(backend->layers);
	event_source_remove(backend->source);
	event_timer_remove(backend->retry);
	/* The kernel may let go of a registered file only later. */
	fd_set_lock(backend->fd, F_UNLCK);
	block_transfers_finish(&backend->transfers);
	fd_close(&backend->fd);
	free(backend);
}

uint64_t block_backend_size(const struct block_backend *backend)
{
	return backend->size;
}

static int grow_layered(struct block_backend *backend, uint64_t size)
{
	int r;

	block_backend_drain(backend);
	r = layered_disk_grow(backend->layers, size);
	if (r == 0)
		backend->size = layered_disk_size(backend->layers);
	return r;
}

int block_backend_grow(struct block_backend *backend, uint64_t size)
{
	int r;

	if (backend->layers)
		return grow_layered(backend, size);
	r = find_size(backend->fd, &size);
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

static bool is_drained(const struct block_backend *backend)
{
	return block_transfers_are_idle(&backend->transfers) &&
	       (!backend->layers || layered_disk_is_idle(backend->layers));
}

/* How long there is to wait until then; 0: no more. */
static uint64_t time_left(uint64_t deadline_ns)
{
	uint64_t now = event_loop_now();

	return now < deadline_ns ? deadline_ns - now : 0;
}

static void wait_for_transfers(struct block_backend *backend, uint64_t most_ns)
{
	/* Refused for want of memory, it is tried again until there is some. */
	if (!block_transfers_are_idle(&backend->transfers))
		(void)block_transfers_wait(&backend->transfers, most_ns);
	(void)block_transfers_reap(&backend->transfers);
	go_on(backend);
}

int block_backend_drain_until(struct block_backend *backend, uint64_t deadline_ns)
{
	for (;;) {
		uint64_t left = BLOCK_RING_FOREVER;

		start_requests(backend);
		if (is_drained(backend))
			return 0;
		if (deadline_ns != BLOCK_BACKEND_FOREVER)
			left = time_left(deadline_ns);
		if (left == 0)
			return -ETIMEDOUT;
		wait_for_transfers(backend, left);
	}
}

void block_backend_drain(struct block_backend *backend)
{
	(void)block_backend_drain_until(backend, BLOCK_BACKEND_FOREVER);
}

bool block_backend_is_idle(const struct block_backend *backend)
{
	return is_drained(backend) && !backend->first;
}

struct flush {
	struct layered_operation work;
	bool done;
	int result;
};

static void on_flushed(struct layered_operation *work, int result)
{
	struct flush *flush = (struct flush *)work;

	flush->done = true;
	flush->result = result;
}

static void on_synced(struct block_transfer *transfer, int result)
{
	on_flushed(work_of(transfer), result);
}

int block_backend_flush(struct block_backend *backend)
{
	struct flush flush = {.work = {.operation = BLOCK_FLUSH, .complete = on_flushed}};

	flush.work.transfer = (struct block_transfer){
		.operation = BLOCK_FLUSH,
		.fd = backend->fd,
		.complete = on_synced,
	};
	if (backend->layers)
		(void)layered_disk_start(backend->layers, &flush.work);
	else
		block_transfers_start(&backend->transfers, &flush.work.transfer);
	while (!flush.done)
		wait_for_transfers(backend, BLOCK_RING_FOREVER);
	return flush.result;
}

/* Layers */

/* The raw file stays ours meanwhile. */
static int push_on_raw(struct block_backend *backend, int fd,
		       struct block_layer_problem *ret_problem)
{
	struct block_layer layers[] = {{.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0), .qcow2 = true},
				       {.fd = fcntl(backend->fd, F_DUPFD_CLOEXEC, 0)}};
	struct layered_disk *disk;
	int r = layered_disk_create(layers, 2, /* read_only= */ false, &backend->transfers,
				    ret_problem, &disk);

	if (r < 0)
		return r;
	if (layered_disk_size(disk) != backend->size) {
		layered_disk_destroy(disk);
		*ret_problem = (struct block_layer_problem){0, IMAGE_SYSTEM_ERROR, -EFBIG};
		return -EINVAL;
	}
	close(fd);
	layered_disk_sync_lower(disk);
	backend->layers = disk;
	return 0;
}

int block_backend_push_layer(struct block_backend *backend, int fd,
			     struct block_layer_problem *ret_problem)
{
	int old = backend->layers ? layered_disk_top_fd(backend->layers) : backend->fd;
	int r = backend->read_only ? -EROFS : check_access(fd, /* read_only= */ false);

	*ret_problem = (struct block_layer_problem){0, IMAGE_SYSTEM_ERROR, r};
	if (r < 0)
		return r;
	r = backend->layers ? layered_disk_push(backend->layers, fd, ret_problem)
			    : push_on_raw(backend, fd, ret_problem);
	/* Nobody writes it any more: others may read it, too. */
	if (r == 0)
		fd_set_lock(old, F_RDLCK);
	return r;
}

void block_backend_pop_layer(struct block_backend *backend)
{
	if (backend->fd >= 0 && layered_disk_length(backend->layers) == 2) {
		layered_disk_destroy(backend->layers);
		backend->layers = NULL;
		fd_set_lock(backend->fd, F_WRLCK);
		return;
	}
	layered_disk_pop(backend->layers);
	fd_set_lock(layered_disk_top_fd(backend->layers), F_WRLCK);
}

/* Media */

static int find_medium_size(int fd, uint64_t *ret_size)
{
	int r = find_size(fd, ret_size);

	return r == 0 && *ret_size == 0 ? -ENODATA : r;
}

int block_backend_change_medium(struct block_backend *backend, int fd)
{
	uint64_t size = 0;
	int r = fd < 0 ? 0 : find_medium_size(fd, &size);

	if (r < 0)
		return r;
	block_transfers_revoke(&backend->transfers);
	fd_close(&backend->fd);
	backend->fd = fd;
	backend->size = size;
	give_up_queued(backend, -ENOMEDIUM);
	if (backend->batch_handler)
		backend->batch_handler(backend->batch_data);
	block_backend_kick(backend);
	return 0;
}

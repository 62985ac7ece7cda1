/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk on the host side: asynchronous requests on a file descriptor through io_uring.
 *
 * Knows no device. All calls with the device lock held, and those that reach the ring (create,
 * kick, reap, resume, drain) on the thread that created it, the main thread: the kernel insists.
 * Completions are delivered from the event loop, from block_backend_reap() and
 * block_backend_drain(). Guest memory is never registered with the ring; the ring is not inherited
 * by fork().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "block/layered-disk.h"

#define BLOCK_BACKEND_FOREVER UINT64_MAX

struct block_backend;
struct disk_statistics;
struct event_loop;

/* Embedded in the device's request; the backend owns it between submit and complete. */
struct block_request {
	enum block_operation operation;
	uint64_t offset;         /* bytes, multiple of 512 */
	uint64_t length;         /* bytes; of the vector for reads and writes */
	const struct iovec *iov; /* stays valid until completion */
	unsigned int iov_count;
	/* 0 or negative errno. Device lock held. The request may be submitted again from here. */
	void (*complete)(struct block_request *request, int result);
	/* private to the backend */
	struct block_request *next;
	uint64_t started_ns;
	struct block_backend *backend;
	struct layered_operation work;
};

/*
 * A raw file or block device, opened without O_DIRECT. fd is taken over, if this succeeds.
 * statistics may be NULL. 0 or negative errno (-ENOTSUP where the kernel has no io_uring, -EROFS
 * when the descriptor cannot be written to).
 */
int block_backend_create_raw(int fd, bool read_only, struct event_loop *loop,
			     struct disk_statistics *statistics,
			     struct block_backend **ret_backend);
/*
 * A qcow2 image and what it builds on, the top first; the top is written to unless read_only. The
 * descriptors are taken over in any case. *ret_problem is set when an image is why it fails, and
 * the result -EINVAL then. As block_backend_create_raw() otherwise.
 */
int block_backend_create_qcow2(const struct block_layer *layers, unsigned int count, bool read_only,
			       struct event_loop *loop, struct disk_statistics *statistics,
			       struct block_layer_problem *ret_problem,
			       struct block_backend **ret_backend);
/* A drive without a medium, read-only, of size 0. As block_backend_create_raw() otherwise. */
int block_backend_create_removable(struct event_loop *loop, struct disk_statistics *statistics,
				   struct block_backend **ret_backend);
/*
 * Puts another medium into such a drive, or none (-1). fd is taken over, if this succeeds. Never
 * waits: what is under way ends with -ENOMEDIUM, some of it later. Main thread. 0 or negative errno
 * (-ENODATA for an empty file); the medium is the old one then.
 */
int block_backend_change_medium(struct block_backend *backend, int fd);
/*
 * Waits until what was written is stored, and goes on with what is under way meanwhile. For
 * block_backend_push_layer() to be quick afterwards. 0 or negative errno.
 */
int block_backend_flush(struct block_backend *backend);
/*
 * From here on all is written to another file: fd has a new, empty qcow2 image of the same size
 * that builds on what is the top now, which is complete in its file and is only read from then on
 * (and stored with the next flush). Drained; waits when tables of a qcow2 top have changed and have
 * to be stored. fd is taken over, if this succeeds; then the lock that the machine
 * holds on the old top becomes a shared one. -EINVAL with *ret_problem when fd has no such image,
 * -EMFILE when there are too many layers, -EROFS for a read-only disk.
 */
int block_backend_push_layer(struct block_backend *backend, int fd,
			     struct block_layer_problem *ret_problem);
/* Undoes that, and gives up what was written meanwhile. Drained. */
void block_backend_pop_layer(struct block_backend *backend);
/* Must be drained; writes what is only in memory yet. NULL is accepted. */
void block_backend_destroy(struct block_backend *backend);

uint64_t block_backend_size(const struct block_backend *backend); /* bytes */
/*
 * Raw: reads the file's size again; one that has become smaller is ignored. qcow2: makes the image
 * so large (bytes; whole sectors), which waits for what is in flight and for the file; one that is
 * smaller than now is -EINVAL. 0 or negative errno.
 */
int block_backend_grow(struct block_backend *backend, uint64_t size);
bool block_backend_read_only(const struct block_backend *backend);

/* Queues a request whose offset and length are inside the disk. */
void block_backend_submit(struct block_backend *backend, struct block_request *request);
/* Hands what was queued to the kernel with one system call. */
void block_backend_kick(struct block_backend *backend);
/* Delivers what has completed. No system call unless a completion queued something new. */
void block_backend_reap(struct block_backend *backend);

/* Called after the last of each batch of completions. */
void block_backend_set_batch_handler(struct block_backend *backend, void (*delivered)(void *data),
				     void *data);

/*
 * What to do when the host cannot store data (ENOSPC, EDQUOT, EIO on write): the request is held,
 * the handler is called once, further requests are held too until block_backend_resume(). Without
 * a handler the error goes to the guest. error: negative errno.
 */
void block_backend_set_error_handler(struct block_backend *backend,
				     void (*stopped)(void *data, int error), void *data);
/* Submits what was held again. */
void block_backend_resume(struct block_backend *backend);
/* Completes what is held, or queued and not kicked yet, with -ECANCELED. Any thread. */
void block_backend_cancel_held(struct block_backend *backend);

/* Waits until nothing is in flight (held requests stay held). For pause, snapshot and exit. */
void block_backend_drain(struct block_backend *backend);
/* 0, or -ETIMEDOUT: something still was at that time (CLOCK_MONOTONIC). */
int block_backend_drain_until(struct block_backend *backend, uint64_t deadline_ns);
/* Whether nothing is in flight, nor held. */
bool block_backend_is_idle(const struct block_backend *backend);

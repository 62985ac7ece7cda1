/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/read-ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"

/*
 * So many slices at once keep a disk busy; were it all of them, a page that the guest waits for
 * would come last, after a tenth of a second.
 */
#define SLICE (2ULL << 20)

enum {
	SLICES_AT_ONCE = 4,
	NICENESS = 10,
	STACK_SIZE = 64 << 10,
};

struct read_ahead {
	int fd;
	uint64_t start, end;
	struct read_ahead_hooks hooks;
	pthread_t thread;
	atomic_bool stop;
	uint64_t slices;                    /* asked for so far */
	uint64_t last_byte[SLICES_AT_ONCE]; /* of the latest, in turns */
};

/* The next bytes from *at on that are not a hole; a file system without holes has none. */
static bool next_data(const struct read_ahead *self, uint64_t *at, uint64_t *ret_end)
{
	off_t data = lseek(self->fd, (off_t)*at, SEEK_DATA);
	off_t hole = data < 0 ? -1 : lseek(self->fd, data, SEEK_HOLE);

	if (hole < 0 || (uint64_t)data >= self->end)
		return false;
	*at = (uint64_t)data;
	*ret_end = (uint64_t)hole < self->end ? (uint64_t)hole : self->end;
	return true;
}

/* False: the file cannot be read, or nobody wants it any more. */
static bool ask_for(struct read_ahead *self, uint64_t at, uint64_t length)
{
	uint64_t *last_byte = &self->last_byte[self->slices % SLICES_AT_ONCE];
	uint8_t byte;

	if (self->slices >= SLICES_AT_ONCE && fd_read_at(self->fd, &byte, 1, *last_byte) < 0)
		return false;
	if (atomic_load(&self->stop) ||
	    posix_fadvise(self->fd, (off_t)at, (off_t)length, POSIX_FADV_WILLNEED) != 0)
		return false;
	*last_byte = at + length - 1;
	self->slices++;
	return true;
}

static bool ask_for_range(struct read_ahead *self, uint64_t at, uint64_t end)
{
	bool go_on = true;

	while (go_on && at < end) {
		uint64_t length = end - at < SLICE ? end - at : SLICE;

		go_on = ask_for(self, at, length);
		at += length;
	}
	return go_on;
}

static void *run_thread(void *data)
{
	struct read_ahead *self = data;
	uint64_t at = self->start, end;

	/* of this thread alone, on Linux */
	(void)setpriority(PRIO_PROCESS, 0, NICENESS);
	if (self->hooks.confine(self->hooks.data) < 0)
		return NULL;
	while (next_data(self, &at, &end) && ask_for_range(self, at, end))
		at = end;
	if (self->hooks.then && !atomic_load(&self->stop))
		self->hooks.then(self->hooks.data, self->fd, &self->stop);
	return NULL;
}

static int start_thread(struct read_ahead *self)
{
	pthread_attr_t attributes;
	int r;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	r = pthread_create(&self->thread, &attributes, run_thread, self);
	pthread_attr_destroy(&attributes);
	return -r;
}

int read_ahead_start(int fd, uint64_t offset, uint64_t length, const struct read_ahead_hooks *hooks,
		     struct read_ahead **ret_read_ahead)
{
	struct read_ahead *self = calloc(1, sizeof(*self));
	int r;

	if (!self)
		return -ENOMEM;
	self->fd = fd;
	self->start = offset;
	self->end = offset + length;
	self->hooks = *hooks;
	r = start_thread(self);
	if (r < 0) {
		free(self);
		return r;
	}
	*ret_read_ahead = self;
	return 0;
}

void read_ahead_stop(struct read_ahead *self)
{
	if (!self)
		return;
	atomic_store(&self->stop, true);
	pthread_join(self->thread, NULL);
	fd_close(&self->fd);
	free(self);
}

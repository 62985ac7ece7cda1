/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine without a guest behind the real control server: it changes state as it is told, echoes
 * on its serial line and says there which keys are pressed, its counters move while somebody
 * watches, its screen shows a picture of one colour that changes with each refresh, and it counts
 * what is held down. A snapshot's memory takes it a moment to write, and a clone is this program
 * again. Main thread of its loop, except where said otherwise.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "loop/event-loop.h"
#include "protocol/exit-status.h"
#include "protocol/statistics-protocol.h"

struct control_server;
struct screen;

#define FAKE_MACHINE_BANNER "fake serial line\r\n"
#define FAKE_MACHINE_MEMORY "fake memory"        /* what a memory file holds in the end */
#define FAKE_MACHINE_PORT   "org.innkeeper.echo" /* a console port that is the same line */

enum {
	FAKE_MACHINE_VCPUS = 2,
	FAKE_MACHINE_DISKS = 1, /* that have grown when asked; the next one cannot tell its guest */
	FAKE_MACHINE_PAST = 10, /* samples in its history */
	FAKE_MACHINE_NICS = 2,
	/* CD drives: of what is in them the guest never holds, always holds, or lets go when it
	 * has been asked */
	FAKE_MACHINE_FREE_DRIVE = 0,
	FAKE_MACHINE_LOCKED_DRIVE = 1,
	FAKE_MACHINE_OBLIGING_DRIVE = 2,
	FAKE_MACHINE_DRIVES = 3,
	FAKE_MACHINE_WIDTH = 320, /* pixels, of the screen until it is resized */
	FAKE_MACHINE_HEIGHT = 200,
	FAKE_MACHINE_PIXEL_BYTES = 4 << 20,
	FAKE_MACHINE_PAUSE_US = 4711, /* of every snapshot */
};

struct fake_machine {
	struct event_loop *loop;
	struct control_server *server;
	struct statistics_page *page;
	int statistics_fd;
	int serial_fd; /* -1 when nobody is attached */
	struct event_source *serial_source;
	struct event_timer *sample_timer;
	struct event_timer *snapshot_timer;
	int memory_fd; /* of the snapshot that is being written, -1: none */
	struct screen *screen;
	uint32_t colour;         /* of all pixels */
	unsigned int ending_key; /* ends it when it goes down; 0: none does */
	enum vmm_end_reason ending_reason;
	/* for tests, which look from other threads */
	atomic_uint operations; /* calls of any operation but watch */
	atomic_uint watch_interval_ms;
	atomic_uint media[FAKE_MACHINE_DRIVES]; /* bytes in each drive, 0: empty */
	unsigned int asked;                     /* how often the obliging drive was to open */
	bool starts_clones;                     /* else it only says so */
	atomic_uint files;                      /* that clones have been given */
	atomic_uint layers;                     /* that disks have been given by snapshots */
	atomic_bool serial_attached;
	atomic_bool screen_watched;
	atomic_uint inputs; /* input events so far */
	atomic_int held;    /* keys and buttons pressed, less those released */
	atomic_int pointer_x, pointer_y;
	atomic_uint last_code; /* of the last key or button */
};

/* A running machine that listens on listen_fd (taken over). 0 or negative errno. */
int fake_machine_init(struct fake_machine *machine, struct event_loop *loop, int listen_fd);
void fake_machine_finish(struct fake_machine *machine);

/* Ends it for this reason and stops the loop with the exit status that goes with it. */
void fake_machine_end(struct fake_machine *machine, enum vmm_end_reason reason);

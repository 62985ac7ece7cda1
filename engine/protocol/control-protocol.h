/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The control channel between a VMM and one client: the messages on the socket, the layout of the
 * shared channel memory, and the slots of its rings.
 *
 * A client connects to the VMM's SOCK_SEQPACKET socket. The socket passes descriptors and notices
 * death; all else goes through the channel memory:
 *
 *	VMM -> client	HELLO		+ statistics file (protocol/statistics-protocol.h)
 *	client -> VMM	ATTACH		+ channel memory, VMM's doorbell, client's doorbell
 *	VMM -> client	RESULT		status of ATTACH; the rings may be used from here on
 *	client -> VMM	ATTACH_SERIAL	+ one end of a stream socket pair, any number of times
 *	VMM -> client	RESULT		status of that ATTACH_SERIAL
 *	client -> VMM	OPEN_SCREEN	any number of times
 *	VMM -> client	SCREEN		+ screen page, pixel file (protocol/screen-protocol.h)
 *			or RESULT	with the reason where there is none
 *	client -> VMM	ATTACH_PORT	name of a console port, + one end of a stream socket pair
 *	VMM -> client	RESULT		status of that ATTACH_PORT
 *	client -> VMM	INSERT		+ what a CD drive is to have in it, open for reading
 *	VMM -> client	RESULT		status of that INSERT; -EBUSY: the guest holds what is in it
 *	client -> VMM	STAGE_LAYER	disk, + an empty qcow2 layer, open for reading and writing
 *	client -> VMM	STAGE_MEMORY	+ an empty file for the memory, open for the same
 *	client -> VMM	STAGE_FILE	number, + what a clone finds open under it
 *	client -> VMM	STAGE_ARGUMENTS	+ a file with a clone's arguments, open for reading
 *	VMM -> client	RESULT		status of that STAGE_; it waits for the next
 *					CONTROL_SNAPSHOT or CONTROL_CLONE
 *
 * A VMM that will not serve a client says so with a RESULT in place of HELLO and closes.
 *
 * The channel memory is a memory file of the client's, sealed against resizing; the doorbells are
 * non-blocking eventfds, each written only when the other side has asked for a wakeup. A client may
 * have at most as many commands under way as there are reply slots. Events may be lost; the
 * authoritative state is in the statistics and screen pages. Input has a ring of its own
 * (protocol/input-protocol.h), so that no command delays a key.
 *
 * All fields are little-endian, which is the host's order on every host of this program. Reserved
 * fields are written as 0 and ignored when read, so that a later minor version can give them a
 * meaning. Everything here is a pure function over copies; each side copies first.
 */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/ring.h"

#define CONTROL_MAGIC 0x4c525443594b4e49ULL /* "INKYCTRL" */

enum {
	CONTROL_MAJOR = 2, /* another major is refused */
	CONTROL_MINOR = 4,
	CONTROL_MINOR_SNAPSHOT = 3,   /* the first that can take snapshots */
	CONTROL_MINOR_CLONE = 4,      /* the first that can be cloned */
	CONTROL_MAX_MEMORY = 1 << 20, /* bytes of channel memory a VMM accepts */
	CONTROL_MAX_FDS = 3,          /* descriptors with one message */
	CONTROL_MIN_WATCH_MS = 10,
	CONTROL_MAX_WATCH_MS = 60000,
	CONTROL_MIN_SCREEN_SIDE = 64,    /* pixels, of CONTROL_RESIZE_SCREEN */
	CONTROL_BALLOON_STEP = 4096,     /* bytes */
	CONTROL_NAME_SIZE = 64,          /* bytes with the NUL */
	CONTROL_MAX_DRIVES = 64,         /* that may be counted */
	CONTROL_SNAPSHOT_HOLD = 1,       /* the machine stays paused */
	CONTROL_MAX_FILES = 512,         /* numbers that a clone may find something under */
	CONTROL_MAX_ARGUMENTS = 1 << 17, /* bytes of them */
};

#define CONTROL_FORCED (1U << 31)

#define CONTROL_MAX_BALLOON (1ULL << 43) /* bytes */

enum control_side {
	CONTROL_SIDE_VMM,
	CONTROL_SIDE_CLIENT,
};

enum control_message_type {
	CONTROL_MESSAGE_HELLO = 1,
	CONTROL_MESSAGE_ATTACH = 2,
	CONTROL_MESSAGE_RESULT = 3,
	CONTROL_MESSAGE_ATTACH_SERIAL = 4,
	CONTROL_MESSAGE_OPEN_SCREEN = 5,
	CONTROL_MESSAGE_SCREEN = 6,
	CONTROL_MESSAGE_ATTACH_PORT = 7,
	CONTROL_MESSAGE_INSERT = 8,
	CONTROL_MESSAGE_STAGE_LAYER = 9,
	CONTROL_MESSAGE_STAGE_MEMORY = 10,
	CONTROL_MESSAGE_STAGE_FILE = 11,
	CONTROL_MESSAGE_STAGE_ARGUMENTS = 12,
};

/* The descriptors of ATTACH, in order. */
enum {
	CONTROL_ATTACH_MEMORY,
	CONTROL_ATTACH_VMM_DOORBELL,
	CONTROL_ATTACH_CLIENT_DOORBELL,
	CONTROL_ATTACH_FDS,
};

/* The descriptors of SCREEN, in order. */
enum {
	CONTROL_SCREEN_PAGE,
	CONTROL_SCREEN_PIXELS,
	CONTROL_SCREEN_FDS,
};

/* One message on the socket, whole. */
struct control_message {
	uint64_t magic;
	uint16_t major, minor; /* of the sender */
	uint32_t type;         /* enum control_message_type */
	uint64_t id;           /* chosen by the client; the answer repeats it, 0 before ATTACH */
	int32_t status;        /* RESULT: 0 or negative errno; else 0 */
	union {
		uint32_t size; /* HELLO, ATTACH: bytes of the memory passed; else 0 */
		/*
		 * INSERT: CD drive, from 0, and CONTROL_FORCED or not; STAGE_LAYER: disk, from 0;
		 * STAGE_FILE: number of a descriptor
		 */
		uint32_t drive;
	};
	char name[CONTROL_NAME_SIZE]; /* ATTACH_PORT: of the port, NUL-terminated; else zeros */
};

/* One ring in the channel memory: struct ring_memory and its slots. */
struct control_area {
	uint32_t offset; /* bytes, a multiple of 64 */
	uint32_t slots;  /* a power of two, at most RING_MAX_SLOTS */
};

/* The start of the channel memory. Areas come in this order and do not overlap. */
struct control_layout {
	uint64_t magic;
	uint16_t major, minor;
	uint32_t size;                /* bytes of the whole memory */
	struct control_area commands; /* client -> VMM, struct control_command */
	struct control_area replies;  /* VMM -> client, struct control_reply */
	struct control_area events;   /* VMM -> client, lossy, struct control_event */
	struct control_area inputs;   /* client -> VMM, struct input_event */
	uint8_t reserved[16];
};

enum control_operation {
	CONTROL_PING = 1,
	CONTROL_SHUTDOWN = 2,
	CONTROL_POWER_OFF = 3,
	CONTROL_RESET = 4,
	CONTROL_PAUSE = 5,
	CONTROL_RESUME = 6,
	CONTROL_WATCH = 7, /* arguments[0]: milliseconds between samples, 0: stop */
	/* arguments[0]: 1: keep the picture current and send SCREEN events, 0: stop */
	CONTROL_WATCH_SCREEN = 8,
	/* the picture is current when this is answered, whoever watches */
	CONTROL_REFRESH_SCREEN = 9,
	/* arguments[0] and [1]: width and height the guest is to use, in pixels */
	CONTROL_RESIZE_SCREEN = 10,
	/* arguments[0]: bytes the guest shall give up, a multiple of CONTROL_BALLOON_STEP */
	CONTROL_SET_BALLOON = 11,
	/* arguments[0]: network card, from 0; [1]: 1: put its cable in, 0: take it out */
	CONTROL_SET_LINK = 12,
	/* arguments[0]: CD drive, from 0; [1]: 1: whatever the guest says. -EBUSY: it was asked */
	CONTROL_EJECT = 13,
	/*
	 * arguments[0]: disk, from 0; [1]: its new size in bytes. The file of a raw disk has grown
	 * already, a qcow2 image is made larger by the VMM. -EOPNOTSUPP: the guest cannot be told
	 * while it runs, and nothing was done.
	 */
	CONTROL_GROW_DISK = 14,
	/*
	 * arguments[0]: 0 or CONTROL_SNAPSHOT_HOLD. With what this client has staged, which is used
	 * up in every case: the disks go on in their layers; the guest's memory is written while
	 * the guest runs on. The reply's value is how many microseconds the guest stood still. Else
	 * all is as it was before; -ENOSPC: there is data that could not be stored; -ETIMEDOUT: a
	 * disk does not answer; -EBUSY: the guest is just being reset; -EALREADY: the memory of
	 * another snapshot is being written; -ENOMEM, -EAGAIN: the process could not be copied;
	 * -ENODEV: there is no such disk; -EROFS: it is one that is only read; -EMFILE: it has too
	 * many layers; -EBADMSG: what was staged for it is not an empty layer of its size.
	 */
	CONTROL_SNAPSHOT = 15,
	/*
	 * A copy of the process goes on as another machine, which the staged arguments describe as
	 * the command line does, each with a NUL behind it, the program's name first; they name no
	 * files but as fd=N, under which the staged files are found. With the layers that are
	 * staged as in CONTROL_SNAPSHOT, and the same errors and answer; -EALREADY: another clone
	 * does not run yet; the number is that of status.clones when the clone runs or could not.
	 * -EINVAL: these are no arguments, or they name a file that is not staged; -EOPNOTSUPP:
	 * such a machine cannot be a clone, or this one cannot have any.
	 */
	CONTROL_CLONE = 16,
};

struct control_command {
	uint64_t id; /* chosen by the client, repeated in the reply */
	uint32_t operation;
	uint32_t reserved;
	uint64_t arguments[6];
};

struct control_reply {
	uint64_t id;
	int32_t status; /* 0 or negative errno */
	uint32_t reserved;
	uint64_t value; /* SNAPSHOT, CLONE: see there; else 0 */
	/*
	 * SNAPSHOT: what status.snapshots (protocol/statistics-protocol.h) will be when its memory
	 * has been written, 0 when it has none; CLONE: see there; else 0
	 */
	uint64_t number;
};

enum control_event_type {
	CONTROL_EVENT_STATE = 1,  /* the state in the statistics page has changed */
	CONTROL_EVENT_SCREEN = 2, /* the screen page or pixels have; only to those that watch */
	/* the memory of a snapshot has been written, or not: see the statistics page */
	CONTROL_EVENT_SNAPSHOT = 3,
	/* a clone runs, or could not: see the statistics page */
	CONTROL_EVENT_CLONE = 4,
};

struct control_event {
	uint32_t type; /* one that is unknown is to be ignored */
	uint32_t reserved;
	uint64_t arguments[3];
};

static_assert(sizeof(struct control_message) == 96, "part of the protocol");
static_assert(sizeof(struct control_layout) == 64, "one line");
static_assert(sizeof(struct control_command) == 64, "one line");
static_assert(sizeof(struct control_reply) == 32, "half a line");
static_assert(sizeof(struct control_event) == 32, "half a line");

/* One side's ends of the rings. */
struct control_rings {
	struct ring commands;
	struct ring replies;
	struct ring events;
	struct ring inputs;
};

/* A message of this version with the rest zero. */
struct control_message control_message_make(enum control_message_type type, uint64_t id);
/*
 * Checks a message that sender sent with so many descriptors: 0, -EPROTO, or -EPROTONOSUPPORT for
 * another major version (of which only magic and major are looked at).
 */
int control_message_validate(const struct control_message *message, size_t fd_count,
			     enum control_side sender);

/* The layout clients of this version make. */
struct control_layout control_layout_make(void);
/*
 * Copies the layout out of channel memory of size bytes, at least sizeof(struct control_layout),
 * and checks the copy: 0, -EPROTO, or -EPROTONOSUPPORT. Written only on success.
 */
int control_layout_read(const void *memory, size_t size, struct control_layout *ret_layout);
/* Views channel memory through a layout that control_layout_read() or _make() gave. */
void control_rings_init(struct control_rings *rings, void *memory,
			const struct control_layout *layout);

/* Checks a copy of a command: 0, -EOPNOTSUPP for an unknown operation, -EINVAL for arguments. */
int control_command_validate(const struct control_command *command);
/* Checks a status that came from a VMM: whether it is 0 or a negative errno. */
bool control_status_valid(int32_t status);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The VMM's end of the control channel (protocol/control-protocol.h): accepts clients on a
 * listening SOCK_SEQPACKET socket, gives each a channel of its own in shared memory, and carries
 * out the commands of all of them one at a time on the main thread.
 *
 * A client that dies, lies or floods loses its channel and nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocol/control-protocol.h"
#include "protocol/statistics-protocol.h"

struct control_server;
struct event_loop;
struct input_event;

/* What a snapshot is written to; -1: nothing. Who takes a descriptor over sets it to -1. */
struct control_snapshot {
	int memory;
	int layers[CONTROL_MAX_DRIVES]; /* by disk */
	bool hold;                      /* stay paused */
	uint64_t pause_us;              /* the answer */
	uint64_t number;
};

/* What a clone is made of; -1: nothing. As above. */
struct control_clone {
	int arguments;
	int files[CONTROL_MAX_FILES]; /* by number */
};

/* What a client can ask of the machine. Main thread, device lock held. 0 or negative errno. */
struct control_operations {
	int (*shutdown)(void *machine);  /* press the ACPI power button; -EINVAL unless running */
	int (*power_off)(void *machine); /* end now, without asking the guest */
	int (*reset)(void *machine);
	int (*pause)(void *machine);  /* done when every vCPU has stopped; paused already is 0 */
	int (*resume)(void *machine); /* also retries what storage could not take */
	/* The cable of a network card in or out; -ENODEV when there is no such card. */
	int (*set_link)(void *machine, unsigned int nic, bool up);
	/* A multiple of CONTROL_BALLOON_STEP; -ENODEV without balloon, -EINVAL for too much. */
	int (*set_balloon)(void *machine, uint64_t bytes);
	/*
	 * A stream socket that gets the serial line's recent output and carries it both ways. It is
	 * non-blocking, but the client may hold it too and change that: use MSG_DONTWAIT.
	 */
	int (*attach_serial)(void *machine, int fd); /* fd is taken over when this succeeds */
	/* The same for a console port; -ENODEV where there is none of that name. */
	int (*attach_port)(void *machine, const char *name, int fd);
	/*
	 * The host's hand at a CD drive. -EBUSY: the guest has locked it and was asked to let go;
	 * not when forced. fd is taken over when this succeeds. -ENODEV: there is no such drive.
	 */
	int (*insert)(void *machine, unsigned int drive, int fd, bool force);
	int (*eject)(void *machine, unsigned int drive, bool force);
	/*
	 * Reads the size of a disk's file again and tells the guest. -ENODEV: there is no such
	 * disk; -EOPNOTSUPP: the guest finds it at its next start only.
	 */
	int (*grow_disk)(void *machine, unsigned int disk, uint64_t size);
	/* CONTROL_SNAPSHOT (protocol/control-protocol.h). */
	int (*snapshot)(void *machine, struct control_snapshot *snapshot);
	/* CONTROL_CLONE, which leaves snapshot->memory alone. */
	int (*clone)(void *machine, struct control_snapshot *snapshot, struct control_clone *clone);
	/* The screen's files, borrowed. These four: -ENODEV for a machine without a screen. */
	int (*open_screen)(void *machine, int ret_fds[CONTROL_SCREEN_FDS]);
	/* Whether any client wants to be told by control_server_announce_screen(). */
	int (*watch_screen)(void *machine, bool watched);
	int (*refresh_screen)(void *machine);
	int (*resize_screen)(void *machine, uint32_t width, uint32_t height);
	/*
	 * A valid event of a client's keyboard or pointer (protocol/input-protocol.h). What went
	 * down comes up again, at the latest when that client's channel ends; two clients may hold
	 * the same key. The result is not looked at.
	 */
	int (*input)(void *machine, const struct input_event *event);
	/* The fastest rate any client asks for kernel-held statistics at; 0: nobody watches. */
	void (*watch)(void *machine, uint32_t interval_ms);
};

/*
 * listen_fd (taken over): bound, listening, SOCK_SEQPACKET. statistics_fd: borrowed, sent to every
 * client. 0 or negative errno.
 */
int control_server_create(struct event_loop *loop, int listen_fd, int statistics_fd,
			  const struct control_operations *operations, void *machine,
			  struct control_server **ret_server);
void control_server_destroy(struct control_server *server);

/*
 * Tells every client that the state in the statistics page has changed. Never blocks. Any thread
 * with the device lock held, also from within an operation.
 */
void control_server_announce_state(struct control_server *server);
/* Tells every client that the memory of a snapshot has been written, or not. As above. */
void control_server_announce_snapshot(struct control_server *server);
/* Tells every client that a clone runs, or could not. As above. */
void control_server_announce_clone(struct control_server *server);
/* Tells those that watch the screen that it has changed. As control_server_announce_state(). */
void control_server_announce_screen(struct control_server *server);

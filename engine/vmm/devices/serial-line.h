/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host's side of a serial port: a line that any number of peers are on. Each gets all output,
 * starting with what is kept of the past (64 KiB); input comes from all of them.
 *
 * No peer can stop the guest: one that reads too slowly loses what is older than 64 KiB, one that
 * is gone is forgotten. Output is gathered for 5 ms, so that it costs few system calls. Calls with
 * the device lock held or before the loop runs.
 */
#pragma once

#include <stddef.h>

struct event_loop;
struct serial_16550;
struct serial_line;
struct serial_sink;

enum { SERIAL_LINE_MAX_SOCKETS = 16, SERIAL_LINE_NAME_SIZE = 64 };

int serial_line_create(struct event_loop *loop, struct serial_line **ret_line);
/* Writes what is still to be written, waiting 1 s at most for a peer; restores a terminal. */
void serial_line_destroy(struct serial_line *line);

/* What the port at the other end is created with, and that port once it exists. */
struct serial_sink serial_line_sink(struct serial_line *line);
void serial_line_set_port(struct serial_line *line, struct serial_16550 *port);

/*
 * Standard input and output. A terminal becomes raw, so that every key reaches the guest, but for
 * Ctrl+A: Ctrl+A x calls quit, Ctrl+A Ctrl+A sends one.
 */
int serial_line_attach_stdio(struct serial_line *line, void (*quit)(void *data), void *data);
/* Output only. fd is taken over. */
int serial_line_attach_file(struct serial_line *line, int fd);
/* A new pseudo-terminal; name: of the side to open. */
int serial_line_attach_pty(struct serial_line *line, char name[SERIAL_LINE_NAME_SIZE]);
/* A stream socket; taken over on success. -EBUSY when there are too many. */
int serial_line_attach_socket(struct serial_line *line, int fd);

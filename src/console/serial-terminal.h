/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSerialTerminal: a terminal on a guest's serial line. What the guest writes is hostile: it can
 * draw in the terminal and answer its queries, nothing else; its rate and its history are bounded.
 * Signal "ended" (const char *reason): the line ended by itself; the text stays.
 */
#pragma once

#include <vte/vte.h>

G_BEGIN_DECLS

#define INN_TYPE_SERIAL_TERMINAL (inn_serial_terminal_get_type ())
G_DECLARE_FINAL_TYPE (InnSerialTerminal, inn_serial_terminal, INN, SERIAL_TERMINAL, VteTerminal)

GtkWidget *inn_serial_terminal_new (void);

/* Takes over @fd, a connected stream socket. The text of the line before stays in the history. */
void inn_serial_terminal_connect (InnSerialTerminal *self, int fd);
/* Lets go of the line. The text stays. */
void inn_serial_terminal_disconnect (InnSerialTerminal *self);
/* Forgets the text, history included. */
void inn_serial_terminal_clear (InnSerialTerminal *self);
/* The text with its history; transfer full. */
char *inn_serial_terminal_get_text (InnSerialTerminal *self);

G_END_DECLS

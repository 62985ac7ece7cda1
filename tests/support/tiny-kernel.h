/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A "Linux kernel" of two kilobytes for tests: its real-mode part greets on the first serial port,
 * then sends back what it receives, for ever. It needs no distribution and starts at once.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define TINY_KERNEL_GREETING "INN-GUEST-UP\r\n"

/* Writes it into @folder. Returns: (transfer full): its path. */
char *tiny_kernel_write (const char *folder);

G_END_DECLS

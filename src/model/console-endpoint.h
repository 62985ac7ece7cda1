/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What kind of console a machine offers. Pure values: whoever shows a console asks the machine for
 * a connected descriptor (inn_machine_open_console_async()) and gives it to a console source.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  INN_CONSOLE_SERIAL, /* bytes of a serial line, both ways */
  INN_CONSOLE_VNC,    /* an RFB stream */
} InnConsoleKind;

G_END_DECLS

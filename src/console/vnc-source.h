/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnVncSource: a guest's screen over VNC. The server is hostile, see console/rfb-decoder.h. */
#pragma once

#include "console/console-source.h"

G_BEGIN_DECLS

#define INN_TYPE_VNC_SOURCE (inn_vnc_source_get_type ())
G_DECLARE_FINAL_TYPE (InnVncSource, inn_vnc_source, INN, VNC_SOURCE, InnConsoleSource)

/* Takes over @fd, a connected stream socket. */
InnConsoleSource *inn_vnc_source_new (int fd);

G_END_DECLS

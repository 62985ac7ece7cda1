/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The places this program knows, written out once.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A list of InnConnection, closed, in the order people see them. */
GListModel *inn_places_new (void);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnLibvirtWatch: looks now and then for what others do to the machines of a connection and
 * libvirt has no events for: snapshots that are taken, deleted or become current, saved memory that
 * is discarded. Belongs to its connection.
 */
#pragma once

#include "model/libvirt/libvirt-connection.h"

G_BEGIN_DECLS

typedef struct _InnLibvirtWatch InnLibvirtWatch;

InnLibvirtWatch *inn_libvirt_watch_new (InnLibvirtConnection *connection);
void inn_libvirt_watch_free (InnLibvirtWatch *self);

void inn_libvirt_watch_start (InnLibvirtWatch *self);
void inn_libvirt_watch_stop (InnLibvirtWatch *self);

G_END_DECLS

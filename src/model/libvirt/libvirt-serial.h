/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnLibvirtSerial: carries the bytes of a serial line between a libvirt stream and one end of a
 * socket pair, both ways, without blocking and without buffering more than one piece each way: who
 * reads slowly slows down the other side (of what comes from the guest, libvirt's client queues as
 * much as it receives). Main thread only.
 *
 * Signal "closed": either side has ended; emitted once.
 */
#pragma once

#include <gio/gio.h>
#include <libvirt/libvirt.h>

#include "model/libvirt/libvirt-worker.h"

G_BEGIN_DECLS

#define INN_TYPE_LIBVIRT_SERIAL (inn_libvirt_serial_get_type ())
G_DECLARE_FINAL_TYPE (InnLibvirtSerial, inn_libvirt_serial, INN, LIBVIRT_SERIAL, GObject)

/*
 * Takes over @stream, an open non-blocking one. @history (or NULL) is sent first. @worker ends the
 * stream later; it must outlive this. *@fd is the end for the caller, who owns it: connected and
 * non-blocking.
 */
InnLibvirtSerial *inn_libvirt_serial_new (virStreamPtr stream,
                                          GBytes *history,
                                          InnLibvirtWorker *worker,
                                          int *fd,
                                          GError **error);
void inn_libvirt_serial_close (InnLibvirtSerial *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (virStream, virStreamFree)

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnLibvirtHandle: an open libvirt connection with what is registered on it and what was read when
 * it was opened. InnLibvirtLink: the way of libvirt's callbacks, which come in any thread, to their
 * owner in the main thread.
 */
#pragma once

#include <glib-object.h>
#include <libvirt/libvirt.h>

G_BEGIN_DECLS

/* Called in the main thread. */
typedef struct
{
  void (*domain_changed) (gpointer owner, const char *uuid);
  void (*lost) (gpointer owner);
} InnLibvirtListener;

typedef struct _InnLibvirtLink InnLibvirtLink;

/* Does not keep @owner alive. @listener must stay. */
InnLibvirtLink *inn_libvirt_link_new (GObject *owner, const InnLibvirtListener *listener);
InnLibvirtLink *inn_libvirt_link_ref (InnLibvirtLink *self);
void inn_libvirt_link_unref (InnLibvirtLink *self);
/* From now on nothing is delivered. Main thread, as the next one. */
void inn_libvirt_link_cut (InnLibvirtLink *self);
gboolean inn_libvirt_link_is_cut (InnLibvirtLink *self);

/* What a place can do. */
typedef struct
{
  gboolean qemu; /* QEMU machines can be made here */
  gboolean kvm;  /* libvirt would accept KVM machines */
} InnLibvirtFacts;

typedef struct
{
  virConnectPtr connection;
  InnLibvirtLink *link;
  int event_id;        /* -1: this driver has no events */
  gboolean own_daemon; /* Innkeeper's own daemon serves it */
  InnLibvirtFacts facts;
  GPtrArray *readings; /* InnDomainReading: all domains */
  guint64 stamp;       /* of the list */
} InnLibvirtHandle;

/* Both block; not in the main thread. NULL with an error. */
InnLibvirtHandle *inn_libvirt_handle_open (const char *uri, InnLibvirtLink *link, GError **error);
void inn_libvirt_handle_close (InnLibvirtHandle *self);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvirt snapshot XML (https://libvirt.org/formatsnapshot.html). libvirt cannot rename a snapshot,
 * because its name is also what the disks call it: that name is the id here, and a name that a
 * person gave it is noted in the <metadata> of the domain that the snapshot holds. Pure; what is
 * read is hostile.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define INN_DOMAIN_MAX_SNAPSHOTS 1024

typedef struct
{
  char *id;
  char *name;
  char *note;        /* or NULL */
  char *parent;      /* id, or NULL */
  gint64 time;       /* as g_get_real_time() */
  gboolean running;  /* with the memory of a guest */
  gboolean kept;     /* made by a restore */
  gboolean external; /* (part of) it is outside the disks */
} InnDomainSnapshot;

/* NULL with INN_ERROR_INVALID when @xml is no snapshot. @length: -1 for a string. */
InnDomainSnapshot *inn_domain_snapshot_parse (const char *xml, gssize length, GError **error);
void inn_domain_snapshot_free (InnDomainSnapshot *self);

/* @snapshots: of InnDomainSnapshot. Takes those away whose id is there before, and makes it a
 * forest: a parent that is not there, or that derives from the snapshot itself, is none. */
void inn_domain_snapshots_repair (GPtrArray *snapshots);

/* The id for a new snapshot that a person calls @name: as near to it as libvirt and the disks allow
 * and @is_taken () lets. */
char *inn_domain_snapshot_choose_id (const char *name,
                                     gboolean (*is_taken) (const char *id, gpointer data),
                                     gpointer data);

/* What a new snapshot is asked for with. */
char *inn_domain_snapshot_xml_build (const char *id, const char *note);
/* A snapshot's XML with @note and @name (NULL: as they are) and @kept, or NULL with
 * INN_ERROR_INVALID. */
char *inn_domain_snapshot_xml_change (const char *xml,
                                      const char *name,
                                      const char *note,
                                      gboolean kept,
                                      GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnDomainSnapshot, inn_domain_snapshot_free)

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnSnapshotRecord: what is known about one snapshot of a machine, kept as "snapshot.ini" in its
 * folder. The file may come from anywhere: what parses is within the bounds stated here. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define INN_SNAPSHOT_MAX_NAME   64                /* characters */
#define INN_SNAPSHOT_MAX_NOTE   4096              /* bytes */
#define INN_SNAPSHOT_MAX_RECORD ((gsize)64 << 10) /* bytes of the file */

typedef struct
{
  char *id; /* a UUID: the folder's name */
  char *name;
  char *note;             /* NULL: none */
  char *parent;           /* the id of the snapshot it derives from, or NULL */
  gint64 time;            /* g_get_real_time() */
  gboolean kept;          /* made by a restore, of what was there before */
  gboolean saved;         /* made to go on with later: no snapshot for people */
  gint64 pause_us;        /* that the guest stood still for it; 0: it was off */
  guint64 memory_bytes;   /* of its memory file; 0: it was off */
  guint64 disk_bytes;     /* on the disk, that it froze */
  guint32 definition_crc; /* CRC-32 of its domain.xml */

  /* Not in the file: what is found when snapshots are listed. */
  char *trouble;  /* a sentence: why it cannot be used; NULL when it can */
  char *picture;  /* a PNG of its screen, or NULL */
  guint64 size;   /* bytes on the disk that deleting it frees at once */
  guint64 shared; /* that it shares with others */
} InnSnapshotRecord;

/* NULL and an error when the file is damaged, or newer than we are. The id is the caller's. */
InnSnapshotRecord *inn_snapshot_record_parse (const char *text, gsize length, GError **error);
char *inn_snapshot_record_to_text (const InnSnapshotRecord *self);
InnSnapshotRecord *inn_snapshot_record_copy (const InnSnapshotRecord *self);
void inn_snapshot_record_free (InnSnapshotRecord *self);

/* What a record has of a definition. */
guint32 inn_snapshot_record_get_crc (const char *definition);

/* 1 to 64 characters, none of which are control characters. */
gboolean inn_snapshot_record_check_name (const char *name, GError **error);
/* Lines of text. NULL is good. */
gboolean inn_snapshot_record_check_note (const char *note, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnSnapshotRecord, inn_snapshot_record_free)

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See snapshot-record.h.
 */
#include "config.h"

#include "snapshot-record.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <zlib.h>

#include "engine-error.h"

#define GROUP          "Snapshot"
#define RECORD_VERSION 1

static gboolean
refuse (GError **error, const char *sentence)
{
  g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID, sentence);
  return FALSE;
}

/* @keep: control characters that are allowed. */
static gboolean
is_text (const char *text, const char *keep)
{
  if (!g_utf8_validate (text, -1, NULL))
    return FALSE;
  for (const char *c = text; *c != '\0'; c = g_utf8_next_char (c))
    {
      if (g_unichar_iscntrl (g_utf8_get_char (c)) && strchr (keep, *c) == NULL)
        return FALSE;
    }

  return TRUE;
}

gboolean
inn_snapshot_record_check_name (const char *name, GError **error)
{
  if (name == NULL || *name == '\0')
    return refuse (error, _ ("The snapshot has no name; give it one."));
  if (!is_text (name, ""))
    return refuse (error, _ ("The name has a character that is no text; choose another name."));
  if (g_utf8_strlen (name, -1) <= INN_SNAPSHOT_MAX_NAME)
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
               _ ("The name is too long; choose one of at most %d characters."),
               INN_SNAPSHOT_MAX_NAME);
  return FALSE;
}

gboolean
inn_snapshot_record_check_note (const char *note, GError **error)
{
  if (note == NULL)
    return TRUE;
  if (!is_text (note, "\n\t"))
    return refuse (error, _ ("The note has a character that is no text; write another one."));
  if (strlen (note) <= INN_SNAPSHOT_MAX_NOTE)
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
               _ ("The note is too long; write one of at most %d bytes."), INN_SNAPSHOT_MAX_NOTE);
  return FALSE;
}

static gboolean
check_version (GKeyFile *file, GError **error)
{
  const gint64 version = g_key_file_get_int64 (file, GROUP, "Version", NULL);

  if (version == RECORD_VERSION)
    return TRUE;
  if (version > RECORD_VERSION)
    g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED,
                         _ ("The snapshot was made by a newer version of Innkeeper. Install that "
                            "version to use it."));
  else
    refuse (error, _ ("The description of the snapshot is damaged: it has no version."));

  return FALSE;
}

guint32
inn_snapshot_record_get_crc (const char *definition)
{
  return (guint32)crc32_z (0, (const Bytef *)definition, strlen (definition));
}

static void
read_fields (InnSnapshotRecord *self, GKeyFile *file)
{
  self->name = g_key_file_get_string (file, GROUP, "Name", NULL);
  self->note = g_key_file_get_string (file, GROUP, "Note", NULL);
  self->parent = g_key_file_get_string (file, GROUP, "Parent", NULL);
  self->time = g_key_file_get_int64 (file, GROUP, "Time", NULL);
  self->kept = g_key_file_get_boolean (file, GROUP, "Kept", NULL);
  self->saved = g_key_file_get_boolean (file, GROUP, "Saved", NULL);
  self->pause_us = g_key_file_get_int64 (file, GROUP, "PauseMicroseconds", NULL);
  self->memory_bytes = g_key_file_get_uint64 (file, GROUP, "MemoryBytes", NULL);
  self->disk_bytes = g_key_file_get_uint64 (file, GROUP, "DiskBytes", NULL);
  self->definition_crc = (guint32)g_key_file_get_uint64 (file, GROUP, "DefinitionCrc", NULL);
  if (self->parent != NULL && !g_uuid_string_is_valid (self->parent))
    g_clear_pointer (&self->parent, g_free);
}

InnSnapshotRecord *
inn_snapshot_record_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (InnSnapshotRecord) self = g_new0 (InnSnapshotRecord, 1);
  g_autoptr (GKeyFile) file = g_key_file_new ();

  if (length == 0 || length > INN_SNAPSHOT_MAX_RECORD
      || !g_key_file_load_from_data (file, text, length, G_KEY_FILE_NONE, NULL))
    {
      refuse (error, _ ("The description of the snapshot is damaged."));
      return NULL;
    }
  if (!check_version (file, error))
    return NULL;

  read_fields (self, file);
  if (!inn_snapshot_record_check_name (self->name, error)
      || !inn_snapshot_record_check_note (self->note, error))
    return NULL;
  if (self->time < 0 || self->pause_us < 0)
    {
      refuse (error, _ ("The description of the snapshot is damaged: its times make no sense."));
      return NULL;
    }

  return g_steal_pointer (&self);
}

char *
inn_snapshot_record_to_text (const InnSnapshotRecord *self)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();

  g_key_file_set_int64 (file, GROUP, "Version", RECORD_VERSION);
  g_key_file_set_string (file, GROUP, "Name", self->name);
  if (self->note != NULL)
    g_key_file_set_string (file, GROUP, "Note", self->note);
  if (self->parent != NULL)
    g_key_file_set_string (file, GROUP, "Parent", self->parent);
  g_key_file_set_int64 (file, GROUP, "Time", self->time);
  g_key_file_set_boolean (file, GROUP, "Kept", self->kept);
  g_key_file_set_boolean (file, GROUP, "Saved", self->saved);
  g_key_file_set_int64 (file, GROUP, "PauseMicroseconds", self->pause_us);
  g_key_file_set_uint64 (file, GROUP, "MemoryBytes", self->memory_bytes);
  g_key_file_set_uint64 (file, GROUP, "DiskBytes", self->disk_bytes);
  g_key_file_set_uint64 (file, GROUP, "DefinitionCrc", self->definition_crc);

  return g_key_file_to_data (file, NULL, NULL);
}

InnSnapshotRecord *
inn_snapshot_record_copy (const InnSnapshotRecord *self)
{
  InnSnapshotRecord *copy = g_memdup2 (self, sizeof (*self));

  copy->id = g_strdup (self->id);
  copy->name = g_strdup (self->name);
  copy->note = g_strdup (self->note);
  copy->parent = g_strdup (self->parent);
  copy->trouble = g_strdup (self->trouble);
  copy->picture = g_strdup (self->picture);

  return copy;
}

void
inn_snapshot_record_free (InnSnapshotRecord *self)
{
  if (self == NULL)
    return;

  g_free (self->id);
  g_free (self->name);
  g_free (self->note);
  g_free (self->parent);
  g_free (self->trouble);
  g_free (self->picture);
  g_free (self);
}

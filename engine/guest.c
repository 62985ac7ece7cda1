/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One machine of the engine: its files, its VMM, and what they say together.
 */
#include "config.h"

#include "guest-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "guest-snapshots.h"
#include "machine-description-snapshots.h"
#include "machine-description-template.h"
#include "machine-description-video.h"
#include "machine-lock.h"

enum
{
  PROP_0,
  PROP_UUID,
  PROP_NAME,
  PROP_STATE,
  PROP_TEXT,
  PROP_MEMORY,
  PROP_VCPUS,
  PROP_CHANGED,
  PROP_SETTLED,
  PROP_DISPOSABLE,
  PROP_TEMPLATE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

enum
{
  DELETED,
  DEFINITION_CHANGED,
  SNAPSHOTS_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static const char *const state_words[] = {
  [INN_GUEST_OFF] = "off",           [INN_GUEST_STARTING] = "starting",
  [INN_GUEST_RUNNING] = "running",   [INN_GUEST_PAUSED] = "paused",
  [INN_GUEST_NO_SPACE] = "no-space", [INN_GUEST_SHUTTING_DOWN] = "shutting-down",
  [INN_GUEST_CRASHED] = "crashed",   [INN_GUEST_UNREACHABLE] = "unreachable",
  [INN_GUEST_BROKEN] = "broken",     [INN_GUEST_SAVED] = "saved",
};

G_DEFINE_FINAL_TYPE (InnGuest, inn_guest, G_TYPE_OBJECT)

static InnGuestState
state_of_running (InnGuest *self)
{
  switch (self->page->status.state)
    {
    case VMM_STATE_STARTING:
      return INN_GUEST_STARTING;
    case VMM_STATE_PAUSED:
      return INN_GUEST_PAUSED;
    case VMM_STATE_STORAGE_ERROR:
      return INN_GUEST_NO_SPACE;
    case VMM_STATE_RUNNING:
    default: /* ended: it closes the channel any moment */
      return self->shutting_down ? INN_GUEST_SHUTTING_DOWN : INN_GUEST_RUNNING;
    }
}

static InnGuestState
current_state (InnGuest *self)
{
  if (self->channel != NULL)
    return state_of_running (self);
  if (self->ending_id != 0)
    return INN_GUEST_SHUTTING_DOWN;
  if (self->unreachable != NULL)
    return INN_GUEST_UNREACHABLE;
  if (self->start_task != NULL || self->attaching != NULL || self->retry_id != 0)
    return INN_GUEST_STARTING;
  if (self->description == NULL)
    return INN_GUEST_BROKEN;

  if (self->is_saved)
    return INN_GUEST_SAVED;

  return inn_run_end_is_crash (self->record.end) ? INN_GUEST_CRASHED : INN_GUEST_OFF;
}

char *
inn_guest_describe_running (InnGuest *self)
{
  const struct statistics_status *status = &self->page->status;
  char *text = inn_run_describe_status (status);

  if (text == NULL && status->state == VMM_STATE_RUNNING && status->unresponsive != 0)
    text = g_strdup (_ ("The guest has not answered for a while."));

  return text;
}

static char *
current_text (InnGuest *self, InnGuestState state)
{
  switch (state)
    {
    case INN_GUEST_OFF:
    case INN_GUEST_CRASHED:
      return inn_run_record_describe (&self->record);
    case INN_GUEST_BROKEN:
      return g_strdup (self->trouble);
    case INN_GUEST_UNREACHABLE:
      return g_strdup (self->unreachable);
    case INN_GUEST_SAVED:
      return NULL;
    case INN_GUEST_STARTING:
    case INN_GUEST_RUNNING:
    case INN_GUEST_PAUSED:
    case INN_GUEST_NO_SPACE:
    case INN_GUEST_SHUTTING_DOWN:
    default:
      return self->channel != NULL ? inn_guest_describe_running (self) : NULL;
    }
}

static gboolean
is_settled (InnGuest *self)
{
  return self->unreachable != NULL
         || (self->attaching == NULL && self->retry_id == 0 && self->ending_id == 0);
}

static gboolean
is_state_active (InnGuestState state)
{
  return state != INN_GUEST_OFF && state != INN_GUEST_CRASHED && state != INN_GUEST_BROKEN
         && state != INN_GUEST_SAVED;
}

/* Of a start it is not recorded yet. */
static gboolean
is_run_disposable (InnGuest *self, InnGuestState state)
{
  if (self->start_task != NULL)
    return inn_guest_starts_disposable (self);

  return is_state_active (state) && self->record.disposable;
}

void
inn_guest_update (InnGuest *self)
{
  const gboolean settled = is_settled (self);
  g_autofree char *text = NULL;
  gboolean disposable;
  InnGuestState state;

  if (self->channel != NULL)
    inn_control_channel_read_statistics (self->channel, self->page);
  state = current_state (self);
  text = current_text (self, state);
  disposable = is_run_disposable (self, state);

  g_object_freeze_notify (G_OBJECT (self));
  if (g_strcmp0 (text, self->text) != 0)
    {
      g_free (self->text);
      self->text = g_steal_pointer (&text);
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TEXT]);
    }
  if (state != self->state)
    {
      self->state = state;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
    }
  if (disposable != self->disposable)
    {
      self->disposable = disposable;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DISPOSABLE]);
    }
  if (settled != self->settled)
    {
      self->settled = settled;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SETTLED]);
    }
  g_object_thaw_notify (G_OBJECT (self));
}

static char *
definition_to_xml (InnGuest *self)
{
  return self->description != NULL ? inn_machine_description_to_xml (self->description) : NULL;
}

static gboolean
is_marked_saved (const InnMachineDescription *description)
{
  g_autofree char *id
      = description != NULL ? inn_machine_description_get_resume_snapshot (description) : NULL;

  return id != NULL;
}

static void
load_definition (InnGuest *self)
{
  g_autofree char *xml_before = definition_to_xml (self);
  g_autofree char *xml = NULL;
  const guint64 memory = inn_guest_get_memory (self);
  const guint vcpus = inn_guest_get_vcpus (self);
  const gboolean was_template = inn_guest_is_template (self);
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;
  g_autoptr (InnMachineDescription) description
      = inn_machine_store_load (self->store, self->uuid, &name, &error);

  if (description != NULL)
    name = g_strdup (inn_machine_description_get_name (description));
  g_free (self->trouble);
  self->trouble = description == NULL
                      ? g_strdup_printf (_ ("“%s” cannot be started. %s Its disks are untouched."),
                                         name, error->message)
                      : NULL;
  inn_machine_description_free (self->description);
  self->description = g_steal_pointer (&description);
  self->is_saved = is_marked_saved (self->description);
  g_free (self->current_snapshot);
  self->current_snapshot = self->description != NULL
                               ? inn_machine_description_get_current_snapshot (self->description)
                               : NULL;

  if (g_strcmp0 (name, self->name) != 0)
    {
      g_free (self->name);
      self->name = g_steal_pointer (&name);
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_NAME]);
    }
  if (inn_guest_get_memory (self) != memory)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MEMORY]);
  if (inn_guest_get_vcpus (self) != vcpus)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_VCPUS]);
  if (inn_guest_is_template (self) != was_template)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TEMPLATE]);
  xml = definition_to_xml (self);
  if (g_strcmp0 (xml, xml_before) != 0)
    g_signal_emit (self, signals[DEFINITION_CHANGED], 0);
}

/* The record has no end, yet nothing runs: the VMM could not even write its last status. */
static gboolean
went_without_a_word (InnGuest *self)
{
  return self->record.started != 0 && self->record.end == INN_RUN_NOT_ENDED && self->channel == NULL
         && self->start_task == NULL && !inn_machine_lock_is_held (self->folder);
}

void
inn_guest_load_record (InnGuest *self)
{
  const gint64 before = inn_guest_get_changed (self);

  inn_run_record_clear (&self->record);
  inn_run_record_load (&self->record, self->folder);
  if (went_without_a_word (self))
    self->record.end = INN_RUN_KILLED;
  if (inn_guest_get_changed (self) != before)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CHANGED]);
}

void
inn_guest_refresh (InnGuest *self)
{
  g_object_freeze_notify (G_OBJECT (self));
  load_definition (self);
  inn_guest_load_record (self);
  g_object_thaw_notify (G_OBJECT (self));

  if (self->channel == NULL && self->attaching == NULL && self->start_task == NULL
      && self->ending_id == 0 && !self->distrusted && inn_machine_lock_is_held (self->folder))
    inn_guest_attach (self);
  inn_guest_update (self);
}

static void
inn_guest_dispose (GObject *object)
{
  InnGuest *self = INN_GUEST (object);

  inn_guest_detach (self);
  g_clear_object (&self->store);
  g_clear_pointer (&self->runtime, inn_runtime_directory_unref);

  G_OBJECT_CLASS (inn_guest_parent_class)->dispose (object);
}

static void
inn_guest_finalize (GObject *object)
{
  InnGuest *self = INN_GUEST (object);

  g_free (self->uuid);
  g_free (self->folder);
  g_free (self->log_path);
  g_free (self->name);
  inn_machine_description_free (self->description);
  g_free (self->trouble);
  g_free (self->current_snapshot);
  inn_run_record_clear (&self->record);
  g_free (self->unreachable);
  g_free (self->end_text);
  g_free (self->page);
  g_ptr_array_unref (self->off_tasks);
  g_free (self->text);

  G_OBJECT_CLASS (inn_guest_parent_class)->finalize (object);
}

static void
inn_guest_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  InnGuest *self = INN_GUEST (object);

  switch (property_id)
    {
    case PROP_UUID:
      g_value_set_string (value, self->uuid);
      break;
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_STATE:
      g_value_set_int (value, (int)self->state);
      break;
    case PROP_TEXT:
      g_value_set_string (value, self->text);
      break;
    case PROP_MEMORY:
      g_value_set_uint64 (value, inn_guest_get_memory (self));
      break;
    case PROP_VCPUS:
      g_value_set_uint (value, inn_guest_get_vcpus (self));
      break;
    case PROP_CHANGED:
      g_value_set_int64 (value, inn_guest_get_changed (self));
      break;
    case PROP_SETTLED:
      g_value_set_boolean (value, self->settled);
      break;
    case PROP_DISPOSABLE:
      g_value_set_boolean (value, self->disposable);
      break;
    case PROP_TEMPLATE:
      g_value_set_boolean (value, inn_guest_is_template (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
inn_guest_class_init (InnGuestClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = inn_guest_dispose;
  object_class->finalize = inn_guest_finalize;
  object_class->get_property = inn_guest_get_property;

  properties[PROP_UUID] = g_param_spec_string ("uuid", NULL, NULL, NULL, flags);
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  properties[PROP_STATE] = g_param_spec_int ("state", NULL, NULL, INN_GUEST_OFF, INN_GUEST_SAVED,
                                             INN_GUEST_OFF, flags);
  properties[PROP_TEXT] = g_param_spec_string ("text", NULL, NULL, NULL, flags);
  properties[PROP_MEMORY] = g_param_spec_uint64 ("memory", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  properties[PROP_VCPUS] = g_param_spec_uint ("vcpus", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_CHANGED]
      = g_param_spec_int64 ("changed", NULL, NULL, G_MININT64, G_MAXINT64, 0, flags);
  properties[PROP_SETTLED] = g_param_spec_boolean ("settled", NULL, NULL, TRUE, flags);
  properties[PROP_DISPOSABLE] = g_param_spec_boolean ("disposable", NULL, NULL, FALSE, flags);
  properties[PROP_TEMPLATE] = g_param_spec_boolean ("template", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  signals[DELETED] = g_signal_new ("deleted", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
  signals[DEFINITION_CHANGED]
      = g_signal_new ("definition-changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                      NULL, NULL, G_TYPE_NONE, 0);
  signals[SNAPSHOTS_CHANGED]
      = g_signal_new ("snapshots-changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                      NULL, NULL, G_TYPE_NONE, 0);
}

static void
inn_guest_init (InnGuest *self)
{
  self->settled = TRUE;
  self->page = g_new0 (struct statistics_page, 1);
  self->off_tasks = g_ptr_array_new_with_free_func (g_object_unref);
}

InnGuest *
inn_guest_new (const char *uuid,
               InnMachineStore *store,
               InnRuntimeDirectory *runtime,
               const char *log_dir)
{
  InnGuest *self = g_object_new (INN_TYPE_GUEST, NULL);
  g_autofree char *log_name = g_strconcat (uuid, ".log", NULL);

  self->uuid = g_strdup (uuid);
  self->store = g_object_ref (store);
  self->runtime = inn_runtime_directory_ref (runtime);
  self->folder = inn_machine_store_get_folder (store, uuid);
  self->log_path = g_build_filename (log_dir, log_name, NULL);
  inn_guest_refresh (self);

  return self;
}

const char *
inn_guest_get_uuid (InnGuest *self)
{
  g_return_val_if_fail (INN_IS_GUEST (self), NULL);

  return self->uuid;
}

const char *
inn_guest_get_name (InnGuest *self)
{
  g_return_val_if_fail (INN_IS_GUEST (self), NULL);

  return self->name;
}

InnGuestState
inn_guest_get_state (InnGuest *self)
{
  g_return_val_if_fail (INN_IS_GUEST (self), INN_GUEST_OFF);

  return self->state;
}

const char *
inn_guest_get_text (InnGuest *self)
{
  g_return_val_if_fail (INN_IS_GUEST (self), NULL);

  return self->text;
}

guint64
inn_guest_get_memory (InnGuest *self)
{
  g_return_val_if_fail (INN_IS_GUEST (self), 0);

  return self->description != NULL ? inn_machine_description_get_memory (self->description) : 0;
}

guint
inn_guest_get_vcpus (InnGuest *self)
{
  g_return_val_if_fail (INN_IS_GUEST (self), 0);

  return self->description != NULL ? inn_machine_description_get_vcpus (self->description) : 0;
}

gboolean
inn_guest_has_screen (InnGuest *self)
{
  g_return_val_if_fail (INN_IS_GUEST (self), FALSE);

  return self->description != NULL
         && inn_machine_description_get_video (self->description).model != INN_VIDEO_NONE;
}

const char *
inn_guest_get_current_snapshot (InnGuest *self)
{
  g_return_val_if_fail (INN_IS_GUEST (self), NULL);

  return self->current_snapshot;
}

gint64
inn_guest_get_changed (InnGuest *self)
{
  g_return_val_if_fail (INN_IS_GUEST (self), 0);

  return self->record.ended != 0 ? self->record.ended : self->record.started;
}

InnRunEnd
inn_guest_get_last_end (InnGuest *self)
{
  g_return_val_if_fail (INN_IS_GUEST (self), INN_RUN_NOT_ENDED);

  return self->record.end;
}

const InnMachineDescription *
inn_guest_get_description (InnGuest *self)
{
  g_return_val_if_fail (INN_IS_GUEST (self), NULL);

  return self->description;
}

gboolean
inn_guest_is_active (InnGuest *self)
{
  g_return_val_if_fail (INN_IS_GUEST (self), FALSE);

  return is_state_active (self->state);
}

gboolean
inn_guest_is_disposable (InnGuest *self)
{
  g_return_val_if_fail (INN_IS_GUEST (self), FALSE);

  return self->disposable;
}

gboolean
inn_guest_is_template (InnGuest *self)
{
  g_return_val_if_fail (INN_IS_GUEST (self), FALSE);

  return self->description != NULL && inn_machine_description_is_template (self->description);
}

gboolean
inn_guest_is_settled (InnGuest *self)
{
  g_return_val_if_fail (INN_IS_GUEST (self), TRUE);

  return self->settled;
}

const char *
inn_guest_state_to_word (InnGuestState state)
{
  return state_words[state];
}

/* The VMM of a live clone can open nothing, so it cannot see how much it holds. */
static guint64
read_resident_bytes (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/statm", (int)pid);
  g_autofree char *text = NULL;
  const char *second;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  second = strchr (text, ' ');
  return second != NULL ? g_ascii_strtoull (second, NULL, 10) * (guint64)getpagesize () : 0;
}

gboolean
inn_guest_read_statistics (InnGuest *self, struct statistics_page *page)
{
  g_return_val_if_fail (INN_IS_GUEST (self), FALSE);

  if (self->channel == NULL || !inn_control_channel_read_statistics (self->channel, page))
    return FALSE;

  if (page->memory.resident_bytes == 0)
    page->memory.resident_bytes = read_resident_bytes (inn_control_channel_get_pid (self->channel));
  return TRUE;
}

gboolean
inn_guest_read_history (InnGuest *self, struct statistics_history *history)
{
  g_return_val_if_fail (INN_IS_GUEST (self), FALSE);

  return self->channel != NULL && inn_control_channel_read_history (self->channel, history);
}

void
inn_guest_watch (InnGuest *self, guint interval_ms)
{
  g_return_if_fail (INN_IS_GUEST (self));

  self->watch_ms = interval_ms;
  if (self->channel != NULL)
    inn_control_channel_watch (self->channel, interval_ms);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Operations as actions.
 */
#include "config.h"

#include "ui/machine-actions.h"

#include <glib/gi18n.h>

#include "model/connection.h"
#include "ui/clone-window.h"
#include "ui/delete-dialog.h"
#include "ui/message.h"
#include "ui/snapshot-verbs.h"
#include "ui/state-text.h"

/* One action; it lives as long as the GSimpleAction whose data it is. */
typedef struct
{
  InnOperation operation;
  InnMachine *machine;
  GWeakRef owner;
} Entry;

static const char *const names[] = {
  [INN_OPERATION_START] = "start",
  [INN_OPERATION_SHUT_DOWN] = "shut-down",
  [INN_OPERATION_POWER_OFF] = "power-off",
  [INN_OPERATION_RESET] = "reset",
  [INN_OPERATION_PAUSE] = "pause",
  [INN_OPERATION_RESUME] = "resume",
  [INN_OPERATION_DELETE] = "delete",
  [INN_OPERATION_SAVE] = "save",
  [INN_OPERATION_DISCARD_SAVED] = "discard-saved",
  [INN_OPERATION_START_DISPOSABLE] = "start-disposable",
  [INN_OPERATION_MAKE_TEMPLATE] = "make-template",
  [INN_OPERATION_MAKE_MACHINE] = "make-machine",
};

static gboolean
is_saved (InnMachine *machine)
{
  return inn_machine_get_state (machine) == INN_MACHINE_SAVED;
}

gboolean
inn_machine_actions_can (InnMachine *machine, InnOperation operation, const char **reason)
{
  /* Starting what is saved is called to resume it. */
  if (operation == INN_OPERATION_RESUME && is_saved (machine))
    operation = INN_OPERATION_START;
  if (inn_machine_can (machine, operation, reason))
    return TRUE;

  /* Deleting switches off first, so only a place that never deletes says no. */
  return operation == INN_OPERATION_DELETE
         && inn_machine_can (machine, INN_OPERATION_POWER_OFF, reason);
}

typedef struct
{
  InnOperation operation;
  GWeakRef owner;
} Run;

static void
on_run_finished (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnMachine *machine = INN_MACHINE (source);
  Run *run = user_data;
  g_autoptr (GtkWidget) owner = g_weak_ref_get (&run->owner);
  g_autoptr (GError) error = NULL;

  if (!inn_machine_run_finish (machine, result, &error) && owner != NULL)
    {
      g_autofree char *heading
          = inn_state_text_get_trouble (run->operation, inn_machine_get_name (machine));

      inn_message_show_error (owner, heading, error);
    }

  g_weak_ref_clear (&run->owner);
  g_free (run);
}

static void
run (Entry *entry)
{
  g_autoptr (GtkWidget) owner = g_weak_ref_get (&entry->owner);
  const gboolean wakes = entry->operation == INN_OPERATION_RESUME && is_saved (entry->machine);
  Run *data = g_new0 (Run, 1);

  data->operation = wakes ? INN_OPERATION_START : entry->operation;
  g_weak_ref_init (&data->owner, owner);
  inn_machine_run_async (entry->machine, data->operation, NULL, on_run_finished, data);
}

static void
on_confirmed (gpointer action)
{
  run (g_object_get_data (action, "entry"));
}

static char *
get_question (InnOperation operation, const char *name)
{
  if (operation == INN_OPERATION_DISCARD_SAVED)
    return g_strdup_printf (_ ("Discard the Saved State of “%s”?"), name);
  if (operation == INN_OPERATION_RESET)
    return g_strdup_printf (_ ("Force “%s” to Reset?"), name);

  return g_strdup_printf (_ ("Force “%s” Off?"), name);
}

static const char *
get_consequence (InnOperation operation)
{
  if (operation == INN_OPERATION_DISCARD_SAVED)
    return _ (
        "The guest does not go on where it was saved: at its next start it finds its disks as "
        "after pulling a plug. It loses what it had not written to them.");
  if (operation == INN_OPERATION_RESET)
    return _ ("The guest starts again at once, as after pressing a reset button. It loses what it "
              "has not saved.");

  return _ ("The guest stops at once, as after pulling a plug. It loses what it has not saved.");
}

static void
ask (Entry *entry, GtkWidget *owner, GSimpleAction *action)
{
  g_autofree char *heading = get_question (entry->operation, inn_machine_get_name (entry->machine));

  inn_message_confirm (owner, heading, get_consequence (entry->operation),
                       entry->operation == INN_OPERATION_DISCARD_SAVED
                           ? _ ("Discard")
                           : inn_state_text_get_verb (entry->operation),
                       on_confirmed, G_OBJECT (action));
}

static void
on_activate (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Entry *entry = user_data;
  g_autoptr (GtkWidget) owner = g_weak_ref_get (&entry->owner);

  if (owner == NULL)
    return;

  switch (entry->operation)
    {
    case INN_OPERATION_POWER_OFF:
    case INN_OPERATION_RESET:
    case INN_OPERATION_DISCARD_SAVED:
      ask (entry, owner, action);
      break;
    case INN_OPERATION_DELETE:
      inn_delete_dialog_present (entry->machine, owner);
      break;
    case INN_OPERATION_START:
    case INN_OPERATION_SHUT_DOWN:
    case INN_OPERATION_PAUSE:
    case INN_OPERATION_RESUME:
    case INN_OPERATION_SAVE:
    case INN_OPERATION_START_DISPOSABLE:
    case INN_OPERATION_MAKE_TEMPLATE:
    case INN_OPERATION_MAKE_MACHINE:
    default:
      run (entry);
    }
}

static void
update_enabled (GSimpleAction *action)
{
  Entry *entry = g_object_get_data (G_OBJECT (action), "entry");

  const gboolean other_name = entry->operation == INN_OPERATION_START && is_saved (entry->machine);

  g_simple_action_set_enabled (action, !other_name
                                           && inn_machine_actions_can (entry->machine,
                                                                       entry->operation, NULL));
}

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_object_unref (entry->machine);
  g_weak_ref_clear (&entry->owner);
  g_free (entry);
}

static GSimpleAction *
create_action (InnMachine *machine, GtkWidget *owner, InnOperation operation)
{
  GSimpleAction *action = g_simple_action_new (names[operation], NULL);
  InnConnection *place = inn_machine_get_connection (machine);
  Entry *entry = g_new0 (Entry, 1);

  entry->operation = operation;
  entry->machine = g_object_ref (machine);
  g_weak_ref_init (&entry->owner, owner);
  g_object_set_data_full (G_OBJECT (action), "entry", entry, entry_free);

  g_signal_connect (action, "activate", G_CALLBACK (on_activate), entry);
  g_signal_connect_object (machine, "notify::state", G_CALLBACK (update_enabled), action,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (machine, "notify::kind", G_CALLBACK (update_enabled), action,
                           G_CONNECT_SWAPPED);
  /* Nothing can be done while its place is out of reach. A machine that is just being deleted has
   * left it already. */
  if (place != NULL)
    g_signal_connect_object (place, "notify::state", G_CALLBACK (update_enabled), action,
                             G_CONNECT_SWAPPED);
  update_enabled (action);

  return action;
}

/* ---- snapshots and clones, which say why where they are not possible ---- */

/* What such an action is about; it lives as long as the GSimpleAction whose data it is. */
typedef struct
{
  InnMachine *machine;
  GWeakRef owner;
} Subject;

static void
subject_free (gpointer data, GClosure *closure)
{
  Subject *subject = data;

  g_object_unref (subject->machine);
  g_weak_ref_clear (&subject->owner);
  g_free (subject);
}

static void
take_snapshot (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Subject *subject = user_data;
  g_autoptr (GtkWidget) owner = g_weak_ref_get (&subject->owner);

  if (owner != NULL)
    inn_snapshot_verbs_take (inn_machine_get_snapshots (subject->machine), owner);
}

static void
clone_machine (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Subject *subject = user_data;
  g_autoptr (GtkWidget) owner = g_weak_ref_get (&subject->owner);

  if (owner != NULL)
    inn_clone_window_present (subject->machine, /* snapshot= */ NULL, owner);
}

static void
cancel_clone (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  Subject *subject = user_data;

  inn_snapshots_cancel_clone (inn_machine_get_snapshots (subject->machine));
}

static void
update_cancel_clone (GSimpleAction *action, InnSnapshots *snapshots)
{
  g_simple_action_set_enabled (action, inn_snapshots_get_clone_progress (snapshots) >= 0);
}

static GSimpleAction *
add_action (GSimpleActionGroup *group,
            InnMachine *machine,
            GtkWidget *owner,
            const char *name,
            void (*activate) (GSimpleAction *action, GVariant *parameter, gpointer user_data))
{
  g_autoptr (GSimpleAction) action = g_simple_action_new (name, NULL);
  Subject *subject = g_new0 (Subject, 1);

  subject->machine = g_object_ref (machine);
  g_weak_ref_init (&subject->owner, owner);
  g_signal_connect_data (action, "activate", G_CALLBACK (activate), subject, subject_free, 0);
  g_action_map_add_action (G_ACTION_MAP (group), G_ACTION (action));
  return action; /* the group keeps it */
}

static void
add_snapshot_actions (GSimpleActionGroup *group, InnMachine *machine, GtkWidget *owner)
{
  InnSnapshots *snapshots = inn_machine_get_snapshots (machine);
  GSimpleAction *cancel = add_action (group, machine, owner, "cancel-clone", cancel_clone);

  add_action (group, machine, owner, "take-snapshot", take_snapshot);
  add_action (group, machine, owner, "clone", clone_machine);
  g_signal_connect_object (snapshots, "activity", G_CALLBACK (update_cancel_clone), cancel,
                           G_CONNECT_SWAPPED);
  update_cancel_clone (cancel, snapshots);
}

GActionGroup *
inn_machine_actions_new (InnMachine *machine, GtkWidget *owner)
{
  GSimpleActionGroup *group;

  g_return_val_if_fail (INN_IS_MACHINE (machine), NULL);
  g_return_val_if_fail (GTK_IS_WIDGET (owner), NULL);

  group = g_simple_action_group_new ();
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GSimpleAction) action = create_action (machine, owner, (InnOperation)i);

      g_action_map_add_action (G_ACTION_MAP (group), G_ACTION (action));
    }

  add_snapshot_actions (group, machine, owner);
  return G_ACTION_GROUP (group);
}

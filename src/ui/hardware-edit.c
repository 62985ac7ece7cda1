/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Storing a change.
 */
#include "config.h"

#include "ui/hardware-edit.h"

typedef struct
{
  GWeakRef widget;
  InnHardwareEditDone done;
} Edit;

static void
on_applied (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Edit *edit = user_data;
  g_autoptr (GtkWidget) widget = g_weak_ref_get (&edit->widget);
  g_autoptr (GError) error = NULL;

  inn_hardware_apply_finish (INN_HARDWARE (source), result, &error);
  if (widget != NULL)
    edit->done (widget, error != NULL ? error->message : NULL);

  g_weak_ref_clear (&edit->widget);
  g_free (edit);
}

void
inn_hardware_edit_run (InnHardware *hardware,
                       InnHardwareChange *change,
                       GtkWidget *widget,
                       InnHardwareEditDone done)
{
  g_autoptr (InnHardwareChange) owned = change;
  Edit *edit = g_new0 (Edit, 1);

  edit->done = done;
  g_weak_ref_init (&edit->widget, widget);
  inn_hardware_apply_async (hardware, owned, NULL, on_applied, edit);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which verb is offered in which state.
 */
#include "config.h"

#include "ui/machine-verbs.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#include "model/connection.h"
#include "ui/machine-actions.h"
#include "ui/state-text.h"

#define PATIENCE_SECONDS                                                                           \
  10 /* how long a guest may take to shut down before Force Off is offered                         \
      */

struct _InnMachineVerbs
{
  GtkWidget parent_instance;

  GtkWidget *start_button;
  GtkWidget *resume_button;
  GtkWidget *pause_button;
  GtkWidget *shut_down_button;
  GtkWidget *power_button;
  GtkWidget *force_off_button;

  InnMachine *machine;
  guint patience; /* runs while the guest shuts down; 0: none */
};

G_DEFINE_FINAL_TYPE (InnMachineVerbs, inn_machine_verbs, GTK_TYPE_WIDGET)

/* A button that cannot be pressed says why. */
static void
describe (InnMachineVerbs *self, GtkWidget *button, InnOperation operation)
{
  const char *verb = inn_state_text_get_verb (operation);
  const char *name = inn_machine_get_name (self->machine);
  /* Translators: a verb and the name of a machine, spoken: "Pause Debian 13" */
  g_autofree char *label = g_strdup_printf (_ ("%s %s"), verb, name);
  const char *reason = NULL;

  /* The label of a button would otherwise be read after its name. */
  gtk_accessible_reset_relation (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
  inn_machine_actions_can (self->machine, operation, &reason);
  gtk_widget_set_tooltip_text (button, reason != NULL ? reason : verb);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  -1);
  if (reason != NULL)
    gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                    reason, -1);
  else
    gtk_accessible_reset_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION);
}

static void
describe_all (InnMachineVerbs *self)
{
  g_autofree char *power
      = g_strdup_printf (_ ("Switch Off %s"), inn_machine_get_name (self->machine));

  describe (self, self->start_button, INN_OPERATION_START);
  describe (self, self->resume_button, INN_OPERATION_RESUME);
  describe (self, self->pause_button, INN_OPERATION_PAUSE);
  describe (self, self->shut_down_button, INN_OPERATION_SHUT_DOWN);
  describe (self, self->force_off_button, INN_OPERATION_POWER_OFF);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->power_button),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, power, -1);
}

static gboolean
on_patience_over (gpointer user_data)
{
  InnMachineVerbs *self = user_data;

  self->patience = 0;
  gtk_widget_show (self->force_off_button);
  return G_SOURCE_REMOVE;
}

static void
on_machine_changed (InnMachineVerbs *self)
{
  InnMachineState state = inn_machine_get_state (self->machine);
  gboolean halted = state == INN_MACHINE_PAUSED || state == INN_MACHINE_NO_SPACE;
  gboolean shutting_down = state == INN_MACHINE_SHUTTING_DOWN;
  gboolean startable = inn_machine_get_kind (self->machine) != INN_MACHINE_TEMPLATE;

  gtk_widget_set_visible (self->start_button, startable && state == INN_MACHINE_OFF);
  gtk_widget_set_visible (self->resume_button, halted || (startable && state == INN_MACHINE_SAVED));
  gtk_widget_set_visible (self->power_button, halted);
  gtk_widget_set_visible (self->pause_button, state == INN_MACHINE_RUNNING);
  gtk_widget_set_visible (self->shut_down_button, state == INN_MACHINE_RUNNING);
  describe_all (self);

  if (shutting_down && self->patience == 0 && !gtk_widget_get_visible (self->force_off_button))
    self->patience = g_timeout_add_seconds (PATIENCE_SECONDS, on_patience_over, self);
  if (shutting_down)
    return;

  g_clear_handle_id (&self->patience, g_source_remove);
  gtk_widget_set_visible (self->force_off_button, state == INN_MACHINE_STARTING);
}

static void
inn_machine_verbs_dispose (GObject *object)
{
  InnMachineVerbs *self = INN_MACHINE_VERBS (object);

  g_clear_handle_id (&self->patience, g_source_remove);
  gtk_widget_dispose_template (GTK_WIDGET (self), INN_TYPE_MACHINE_VERBS);
  g_clear_object (&self->machine);

  G_OBJECT_CLASS (inn_machine_verbs_parent_class)->dispose (object);
}

static void
inn_machine_verbs_class_init (InnMachineVerbsClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_machine_verbs_dispose;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/machine-verbs.ui");
  gtk_widget_class_bind_template_child (widget_class, InnMachineVerbs, start_button);
  gtk_widget_class_bind_template_child (widget_class, InnMachineVerbs, resume_button);
  gtk_widget_class_bind_template_child (widget_class, InnMachineVerbs, pause_button);
  gtk_widget_class_bind_template_child (widget_class, InnMachineVerbs, shut_down_button);
  gtk_widget_class_bind_template_child (widget_class, InnMachineVerbs, power_button);
  gtk_widget_class_bind_template_child (widget_class, InnMachineVerbs, force_off_button);
}

static void
inn_machine_verbs_init (InnMachineVerbs *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_widget_hide (self->force_off_button);
}

void
inn_machine_verbs_set_machine (InnMachineVerbs *self, InnMachine *machine)
{
  g_return_if_fail (INN_IS_MACHINE_VERBS (self));
  g_return_if_fail (INN_IS_MACHINE (machine));
  g_return_if_fail (self->machine == NULL);

  self->machine = g_object_ref (machine);
  g_signal_connect_object (machine, "notify::state", G_CALLBACK (on_machine_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (machine, "notify::kind", G_CALLBACK (on_machine_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (machine, "notify::name", G_CALLBACK (describe_all), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (inn_machine_get_connection (machine), "notify::state",
                           G_CALLBACK (describe_all), self, G_CONNECT_SWAPPED);
  on_machine_changed (self);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A machine in the sidebar.
 */
#include "config.h"

#include "ui/machine-row.h"

#include <glib/gi18n.h>
#include <math.h>

#include "model/format.h"
#include "ui/machine-actions.h"
#include "ui/sparkline.h"
#include "ui/state-text.h"
#include "ui/machine-thumbnail.h"

#define REFRESH_SECONDS  1
#define DESCRIBE_SECONDS 5 /* a screen reader is not to be flooded */

struct _InnMachineRow
{
  GtkWidget parent_instance;

  InnMachineThumbnail *thumbnail;
  GtkLabel *name_label;
  GtkLabel *state_label;
  GtkProgressBar *progress_bar;
  InnSparkline *sparkline;
  GtkLabel *percent_label;
  GtkWidget *popover;

  InnMachine *machine;
  const char *state_style;
  guint timeout; /* while mapped */
  guint seconds;
};

G_DEFINE_FINAL_TYPE (InnMachineRow, inn_machine_row, GTK_TYPE_WIDGET)

static double
get_cpu (InnMachineRow *self)
{
  return inn_metrics_get_last (inn_machine_get_metrics (self->machine), INN_SERIES_CPU_TOTAL, 0);
}

/* The name belongs to the list's own item widget, which is what has the focus. */
static void
describe (InnMachineRow *self)
{
  g_autofree char *text
      = inn_state_text_get_accessible (inn_machine_get_name (self->machine),
                                       inn_machine_get_state (self->machine),
                                       inn_machine_get_kind (self->machine), get_cpu (self));
  GtkWidget *item = gtk_widget_get_parent (GTK_WIDGET (self));

  if (item != NULL)
    gtk_accessible_update_property (GTK_ACCESSIBLE (item), GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);
}

/* How far it is cloned; less than 0: it is not being cloned. */
static double
get_cloned (InnMachineRow *self)
{
  return inn_snapshots_get_clone_progress (inn_machine_get_snapshots (self->machine));
}

/* While it is cloned, how far that is has the place of its load. */
static void
update_load (InnMachineRow *self)
{
  InnMachineState state = inn_machine_get_state (self->machine);
  double cloned = get_cloned (self);
  gboolean live = inn_state_text_is_live (state) && cloned < 0;
  double cpu = get_cpu (self);
  g_autofree char *percent = inn_format_percent (cpu);

  gtk_widget_set_visible (GTK_WIDGET (self->sparkline), live && !isnan (cpu));
  gtk_widget_set_visible (GTK_WIDGET (self->percent_label), live && !isnan (cpu));
  gtk_label_set_label (self->percent_label, percent);
  gtk_widget_set_visible (GTK_WIDGET (self->progress_bar), cloned >= 0);
  gtk_progress_bar_set_fraction (self->progress_bar, MAX (cloned, 0));
  gtk_widget_queue_draw (GTK_WIDGET (self->sparkline));
}

/* What is under way, or else the state. */
static char *
get_text (InnMachineRow *self, InnMachineState state)
{
  const double cloned = get_cloned (self);
  g_autofree char *percent = NULL;

  if (cloned < 0)
    return inn_state_text_get_row (state, inn_machine_get_kind (self->machine),
                                   inn_machine_get_changed_time (self->machine),
                                   g_get_real_time ());

  percent = inn_format_percent (cloned);
  return g_strdup_printf (_ ("Cloning… %s"), percent);
}

static void
update_state (InnMachineRow *self)
{
  InnMachineState state = inn_machine_get_state (self->machine);
  const char *style = inn_state_text_get_style (state);
  g_autofree char *text = get_text (self, state);

  gtk_label_set_label (self->state_label, text);
  if (self->state_style != NULL)
    gtk_widget_remove_css_class (GTK_WIDGET (self->state_label), self->state_style);
  self->state_style = style != NULL ? style : "dim-label";
  gtk_widget_add_css_class (GTK_WIDGET (self->state_label), self->state_style);
}

static void
on_machine_changed (InnMachineRow *self)
{
  gtk_label_set_label (self->name_label, inn_machine_get_name (self->machine));
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->name_label), inn_machine_get_name (self->machine));
  update_state (self);
  update_load (self);
  describe (self);
}

static void
on_activity (InnMachineRow *self)
{
  update_state (self);
  update_load (self);
}

static gboolean
on_timeout (gpointer user_data)
{
  InnMachineRow *self = user_data;

  if (inn_machine_state_is_active (inn_machine_get_state (self->machine)))
    inn_machine_refresh_metrics (self->machine);
  update_load (self);
  if (++self->seconds % DESCRIBE_SECONDS == 0)
    {
      update_state (self);
      describe (self);
    }

  return G_SOURCE_CONTINUE;
}

static void
on_secondary_pressed (InnMachineRow *self, int n_press, double x, double y)
{
  gtk_popover_set_pointing_to (GTK_POPOVER (self->popover),
                               &(GdkRectangle){ (int)x, (int)y, 1, 1 });
  gtk_popover_popup (GTK_POPOVER (self->popover));
}

static void
inn_machine_row_map (GtkWidget *widget)
{
  InnMachineRow *self = INN_MACHINE_ROW (widget);

  GTK_WIDGET_CLASS (inn_machine_row_parent_class)->map (widget);
  on_machine_changed (self);
  self->timeout = g_timeout_add_seconds (REFRESH_SECONDS, on_timeout, self);
}

static void
inn_machine_row_unmap (GtkWidget *widget)
{
  g_clear_handle_id (&INN_MACHINE_ROW (widget)->timeout, g_source_remove);
  GTK_WIDGET_CLASS (inn_machine_row_parent_class)->unmap (widget);
}

static void
inn_machine_row_dispose (GObject *object)
{
  InnMachineRow *self = INN_MACHINE_ROW (object);

  g_clear_handle_id (&self->timeout, g_source_remove);
  gtk_widget_dispose_template (GTK_WIDGET (self), INN_TYPE_MACHINE_ROW);
  g_clear_object (&self->machine);

  G_OBJECT_CLASS (inn_machine_row_parent_class)->dispose (object);
}

static void
inn_machine_row_class_init (InnMachineRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_machine_row_dispose;
  widget_class->map = inn_machine_row_map;
  widget_class->unmap = inn_machine_row_unmap;

  g_type_ensure (INN_TYPE_SPARKLINE);
  g_type_ensure (INN_TYPE_MACHINE_THUMBNAIL);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/machine-row.ui");
  gtk_widget_class_bind_template_child_full (widget_class, "box", FALSE, 0);
  gtk_widget_class_bind_template_child (widget_class, InnMachineRow, thumbnail);
  gtk_widget_class_bind_template_child (widget_class, InnMachineRow, name_label);
  gtk_widget_class_bind_template_child (widget_class, InnMachineRow, state_label);
  gtk_widget_class_bind_template_child (widget_class, InnMachineRow, progress_bar);
  gtk_widget_class_bind_template_child (widget_class, InnMachineRow, sparkline);
  gtk_widget_class_bind_template_child (widget_class, InnMachineRow, percent_label);
  gtk_widget_class_bind_template_child (widget_class, InnMachineRow, popover);
  gtk_widget_class_bind_template_callback (widget_class, on_secondary_pressed);
}

static void
inn_machine_row_init (InnMachineRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
inn_machine_row_new (InnMachine *machine)
{
  InnMachineRow *self = g_object_new (INN_TYPE_MACHINE_ROW, NULL);
  GActionGroup *actions = inn_machine_actions_new (machine, GTK_WIDGET (self));

  self->machine = g_object_ref (machine);
  inn_machine_thumbnail_set_machine (self->thumbnail, machine);
  inn_sparkline_set_metrics (self->sparkline, inn_machine_get_metrics (machine));
  gtk_widget_insert_action_group (GTK_WIDGET (self), "machine", actions);
  g_object_unref (actions);
  g_signal_connect_object (machine, "notify", G_CALLBACK (on_machine_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (inn_machine_get_snapshots (machine), "activity",
                           G_CALLBACK (on_activity), self, G_CONNECT_SWAPPED);
  on_machine_changed (self);

  return GTK_WIDGET (self);
}

InnMachine *
inn_machine_row_get_machine (InnMachineRow *self)
{
  g_return_val_if_fail (INN_IS_MACHINE_ROW (self), NULL);

  return self->machine;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pane beside the tree of snapshots.
 */
#include "config.h"

#include "ui/snapshot-pane.h"

#include <glib/gi18n.h>

#include "model/format.h"
#include "ui/snapshot-picture.h"

struct _InnSnapshotPane
{
  GtkWidget parent_instance;

  GtkWidget *scroller;
  GtkWidget *close_button;
  InnSnapshotPicture *picture;
  GtkLabel *name_label;
  GtkLabel *trouble_label;
  GtkLabel *note_label;
  GtkGrid *facts_grid;
  GtkLabel *time_label;
  GtkLabel *pause_label;
  GtkLabel *memory_label;
  GtkLabel *disk_label;
  GtkLabel *size_label;
  GtkWidget *rename_button;
  GtkWidget *restore_button;
  GtkLabel *restore_label;
  GtkWidget *open_button;
  GtkWidget *delete_button;

  InnSnapshots *snapshots;
  InnSnapshot *snapshot;
  GSignalGroup *signals;
  gboolean shown;
};

G_DEFINE_FINAL_TYPE (InnSnapshotPane, inn_snapshot_pane, GTK_TYPE_WIDGET)

enum
{
  CLOSED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* A fact is there with what it is about, or neither is. Takes @text over; NULL: it is not known. */
static void
show_fact (InnSnapshotPane *self, GtkLabel *label, char *text)
{
  g_autofree char *owned = text;
  int row;

  gtk_grid_query_child (self->facts_grid, GTK_WIDGET (label), NULL, &row, NULL, NULL);
  gtk_label_set_label (label, owned != NULL ? owned : "");
  gtk_widget_set_visible (GTK_WIDGET (label), owned != NULL);
  gtk_widget_set_visible (gtk_grid_get_child_at (self->facts_grid, 0, row), owned != NULL);
}

static char *
format_size (guint64 size)
{
  return size > 0 ? inn_format_memory (size) : NULL;
}

static void
show_facts (InnSnapshotPane *self, const InnSnapshotFacts *facts)
{
  show_fact (self, self->time_label,
             inn_format_moment (facts->time, g_get_real_time (), /* exact= */ TRUE));
  show_fact (self, self->pause_label,
             facts->pause_us > 0 ? inn_format_duration (facts->pause_us) : NULL);
  show_fact (self, self->memory_label, format_size (facts->memory_size));
  show_fact (self, self->disk_label, format_size (facts->disk_size));
  show_fact (self, self->size_label, facts->size_known ? inn_format_memory (facts->size) : NULL);
}

/* A button that cannot be pressed says why. */
static void
describe (GtkWidget *button, const char *reason)
{
  gtk_widget_set_tooltip_text (button, reason);
  if (reason != NULL)
    gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                    reason, -1);
  else
    gtk_accessible_reset_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION);
}

static void
describe_buttons (InnSnapshotPane *self)
{
  const char *refusal
      = inn_snapshots_get_refusal (self->snapshots, INN_SNAPSHOT_RESTORE, self->snapshot);

  describe (self->restore_button, refusal);
  gtk_label_set_label (self->restore_label,
                       refusal != NULL ? refusal
                                       : _ ("What is there now is kept as its own branch."));
  describe (self->delete_button,
            inn_snapshots_get_refusal (self->snapshots, INN_SNAPSHOT_DELETE, self->snapshot));
  describe (self->rename_button,
            inn_snapshots_get_refusal (self->snapshots, INN_SNAPSHOT_CHANGE, self->snapshot));
  if (gtk_widget_get_tooltip_text (self->rename_button) == NULL)
    gtk_widget_set_tooltip_text (self->rename_button, _ ("Rename (F2)"));
}

static void
update (InnSnapshotPane *self)
{
  const InnSnapshotFacts *facts;

  gtk_widget_set_visible (self->scroller, self->snapshot != NULL && self->shown);
  if (self->snapshot == NULL)
    return;

  facts = inn_snapshot_get_facts (self->snapshot);
  inn_snapshot_picture_set_file (self->picture, facts->picture);
  gtk_widget_set_visible (GTK_WIDGET (self->picture), facts->picture != NULL);
  gtk_label_set_label (self->name_label, facts->name);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->name_label), facts->name);
  gtk_label_set_label (self->trouble_label, facts->trouble != NULL ? facts->trouble : "");
  gtk_widget_set_visible (GTK_WIDGET (self->trouble_label), facts->trouble != NULL);
  gtk_label_set_label (self->note_label, facts->note);
  gtk_widget_set_visible (GTK_WIDGET (self->note_label), *facts->note != '\0');
  show_facts (self, facts);
  describe_buttons (self);
}

static void
on_close_clicked (InnSnapshotPane *self)
{
  g_signal_emit (self, signals[CLOSED], 0);
}

static void
inn_snapshot_pane_dispose (GObject *object)
{
  InnSnapshotPane *self = INN_SNAPSHOT_PANE (object);

  g_clear_object (&self->signals);
  g_clear_object (&self->snapshot);
  g_clear_object (&self->snapshots);
  gtk_widget_dispose_template (GTK_WIDGET (self), INN_TYPE_SNAPSHOT_PANE);

  G_OBJECT_CLASS (inn_snapshot_pane_parent_class)->dispose (object);
}

static void
inn_snapshot_pane_class_init (InnSnapshotPaneClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_snapshot_pane_dispose;

  signals[CLOSED] = g_signal_new ("closed", INN_TYPE_SNAPSHOT_PANE, G_SIGNAL_RUN_LAST, 0, NULL,
                                  NULL, NULL, G_TYPE_NONE, 0);

  g_type_ensure (INN_TYPE_SNAPSHOT_PICTURE);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/snapshot-pane.ui");
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotPane, scroller);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotPane, close_button);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotPane, picture);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotPane, name_label);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotPane, trouble_label);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotPane, note_label);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotPane, facts_grid);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotPane, time_label);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotPane, pause_label);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotPane, memory_label);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotPane, disk_label);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotPane, size_label);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotPane, rename_button);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotPane, restore_button);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotPane, restore_label);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotPane, open_button);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotPane, delete_button);
  gtk_widget_class_bind_template_callback (widget_class, on_close_clicked);
}

static void
inn_snapshot_pane_init (InnSnapshotPane *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  inn_snapshot_picture_set_large (self->picture, TRUE);
  self->signals = g_signal_group_new (INN_TYPE_SNAPSHOT);
  g_signal_group_connect_swapped (self->signals, "changed", G_CALLBACK (update), self);
}

void
inn_snapshot_pane_set_snapshots (InnSnapshotPane *self, InnSnapshots *snapshots)
{
  g_return_if_fail (INN_IS_SNAPSHOT_PANE (self));
  g_return_if_fail (self->snapshots == NULL);

  self->snapshots = g_object_ref (snapshots);
}

void
inn_snapshot_pane_set_snapshot (InnSnapshotPane *self, InnSnapshot *snapshot)
{
  g_return_if_fail (INN_IS_SNAPSHOT_PANE (self));

  g_set_object (&self->snapshot, snapshot);
  g_signal_group_set_target (self->signals, snapshot);
  update (self);
}

void
inn_snapshot_pane_set_shown (InnSnapshotPane *self, gboolean shown)
{
  g_return_if_fail (INN_IS_SNAPSHOT_PANE (self));

  self->shown = shown;
  gtk_widget_set_visible (self->scroller, self->snapshot != NULL && shown);
}

void
inn_snapshot_pane_set_folded (InnSnapshotPane *self, gboolean folded)
{
  g_return_if_fail (INN_IS_SNAPSHOT_PANE (self));

  gtk_widget_set_visible (self->close_button, folded);
}

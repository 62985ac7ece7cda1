/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A row of the tree of snapshots.
 */
#include "config.h"

#include "ui/snapshot-row.h"

#include <glib/gi18n.h>

#include "model/format.h"
#include "ui/screen.h"
#include "ui/snapshot-lane-view.h"
#include "ui/snapshot-picture.h"
#include "ui/snapshot-text.h"

#define REFRESH_SECONDS 60 /* today becomes yesterday */

struct _InnSnapshotRow
{
  GtkWidget parent_instance;

  InnSnapshotLaneView *lane_view;
  InnSnapshotPicture *picture;
  GtkLabel *name_label;
  GtkLabel *badge;
  GtkLabel *subtitle_label;
  GtkLabel *size_label;

  InnSnapshotNode *node;
  InnMachine *machine;
  gboolean narrow;
  guint timeout; /* while mapped */
};

G_DEFINE_FINAL_TYPE (InnSnapshotRow, inn_snapshot_row, GTK_TYPE_WIDGET)

/* The list's own item widget is what has the focus, and so the name. */
static void
describe (InnSnapshotRow *self, const char *text)
{
  GtkWidget *item = gtk_widget_get_parent (GTK_WIDGET (self));

  if (item == NULL)
    return;

  gtk_accessible_update_property (GTK_ACCESSIBLE (item), GTK_ACCESSIBLE_PROPERTY_LABEL, text,
                                  GTK_ACCESSIBLE_PROPERTY_LEVEL,
                                  (int)inn_snapshot_node_get_lanes (self->node)->level, -1);
}

static void
show_badge (InnSnapshotRow *self, const char *text, const char *style)
{
  gtk_label_set_label (self->badge, text != NULL ? text : "");
  gtk_widget_set_visible (GTK_WIDGET (self->badge), text != NULL);
  gtk_widget_remove_css_class (GTK_WIDGET (self->badge), "warn");
  if (style != NULL)
    gtk_widget_add_css_class (GTK_WIDGET (self->badge), style);
}

static void
show_texts (InnSnapshotRow *self, const char *name, const char *subtitle, const char *size)
{
  gtk_label_set_label (self->name_label, name);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->name_label), name);
  gtk_label_set_label (self->subtitle_label, subtitle);
  gtk_label_set_label (self->size_label, size != NULL ? size : "");
  gtk_widget_set_visible (GTK_WIDGET (self->size_label), size != NULL && !self->narrow);
}

static void
show_snapshot (InnSnapshotRow *self, InnSnapshot *snapshot)
{
  const InnSnapshotFacts *facts = inn_snapshot_get_facts (snapshot);
  InnSnapshot *parent = inn_snapshot_node_get_parent (self->node);
  const gint64 now = g_get_real_time ();
  g_autofree char *subtitle = inn_snapshot_text_get_subtitle (facts, now, self->narrow);
  g_autofree char *size = inn_snapshot_text_get_size (facts);
  g_autofree char *spoken
      = inn_snapshot_text_get_accessible (facts,
                                          parent != NULL ? inn_snapshot_get_name (parent) : NULL,
                                          now);

  show_texts (self, facts->name, subtitle, size);
  if (facts->trouble != NULL)
    show_badge (self, _ ("Damaged"), "warn");
  else
    show_badge (self, facts->kept ? _ ("Kept for you") : NULL, NULL);
  inn_snapshot_picture_set_file (self->picture, facts->picture);
  describe (self, spoken);
}

static char *
get_growth (InnSnapshotRow *self)
{
  const InnSnapshotSpace *space
      = inn_snapshots_get_space (inn_machine_get_snapshots (self->machine));
  g_autofree char *size = NULL;

  if (space->present == 0)
    return NULL;

  size = inn_format_memory (space->present);
  /* Translators: what was written since a snapshot */
  return g_strdup_printf (_ ("+%s"), size);
}

static void
show_present (InnSnapshotRow *self)
{
  InnSnapshot *current = inn_snapshot_node_get_parent (self->node);
  g_autofree char *subtitle
      = inn_snapshot_text_get_present (inn_machine_get_state (self->machine),
                                       current != NULL ? inn_snapshot_get_name (current) : NULL);
  g_autofree char *growth = get_growth (self);
  /* Translators: the row of the present and what it says, spoken */
  g_autofree char *spoken = g_strdup_printf (_ ("Now, you are here, %s"), subtitle);

  show_texts (self, _ ("Now"), subtitle, growth);
  show_badge (self, _ ("You are here"), "accent");
  inn_snapshot_picture_set_paintable (self->picture,
                                      inn_screen_get_paintable (inn_screen_of (self->machine)));
  describe (self, spoken);
}

static void
update (InnSnapshotRow *self)
{
  InnSnapshot *snapshot = inn_snapshot_node_get_snapshot (self->node);

  inn_snapshot_lane_view_set_lanes (self->lane_view, inn_snapshot_node_get_lanes (self->node));
  if (snapshot != NULL)
    show_snapshot (self, snapshot);
  else
    show_present (self);
}

static gboolean
on_timeout (gpointer user_data)
{
  update (user_data);
  return G_SOURCE_CONTINUE;
}

static void
inn_snapshot_row_map (GtkWidget *widget)
{
  InnSnapshotRow *self = INN_SNAPSHOT_ROW (widget);

  GTK_WIDGET_CLASS (inn_snapshot_row_parent_class)->map (widget);
  update (self);
  self->timeout = g_timeout_add_seconds (REFRESH_SECONDS, on_timeout, self);
}

static void
inn_snapshot_row_unmap (GtkWidget *widget)
{
  g_clear_handle_id (&INN_SNAPSHOT_ROW (widget)->timeout, g_source_remove);
  GTK_WIDGET_CLASS (inn_snapshot_row_parent_class)->unmap (widget);
}

static void
inn_snapshot_row_dispose (GObject *object)
{
  InnSnapshotRow *self = INN_SNAPSHOT_ROW (object);

  g_clear_handle_id (&self->timeout, g_source_remove);
  gtk_widget_dispose_template (GTK_WIDGET (self), INN_TYPE_SNAPSHOT_ROW);
  g_clear_object (&self->node);
  g_clear_object (&self->machine);

  G_OBJECT_CLASS (inn_snapshot_row_parent_class)->dispose (object);
}

static void
inn_snapshot_row_class_init (InnSnapshotRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_snapshot_row_dispose;
  widget_class->map = inn_snapshot_row_map;
  widget_class->unmap = inn_snapshot_row_unmap;

  g_type_ensure (INN_TYPE_SNAPSHOT_LANE_VIEW);
  g_type_ensure (INN_TYPE_SNAPSHOT_PICTURE);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/snapshot-row.ui");
  gtk_widget_class_bind_template_child_full (widget_class, "box", FALSE, 0);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotRow, lane_view);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotRow, picture);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotRow, name_label);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotRow, badge);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotRow, subtitle_label);
  gtk_widget_class_bind_template_child (widget_class, InnSnapshotRow, size_label);
}

static void
inn_snapshot_row_init (InnSnapshotRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
inn_snapshot_row_new (InnSnapshotNode *node, InnMachine *machine)
{
  InnSnapshotRow *self = g_object_new (INN_TYPE_SNAPSHOT_ROW, NULL);
  InnSnapshot *snapshot = inn_snapshot_node_get_snapshot (node);

  self->node = g_object_ref (node);
  self->machine = g_object_ref (machine);
  g_signal_connect_object (node, "changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  /* The name of what it derives from is part of it. */
  g_signal_connect_object (inn_machine_get_snapshots (machine), "updated", G_CALLBACK (update),
                           self, G_CONNECT_SWAPPED);
  if (snapshot == NULL)
    {
      g_signal_connect_object (machine, "notify::state", G_CALLBACK (update), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (inn_screen_of (machine), "notify::paintable", G_CALLBACK (update),
                               self, G_CONNECT_SWAPPED);
    }
  update (self);

  return GTK_WIDGET (self);
}

void
inn_snapshot_row_set_narrow (InnSnapshotRow *self, gboolean narrow)
{
  g_return_if_fail (INN_IS_SNAPSHOT_ROW (self));

  self->narrow = narrow;
  update (self);
}

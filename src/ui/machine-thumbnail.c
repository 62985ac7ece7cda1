/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The thumbnail of a machine.
 */
#include "config.h"

#include "ui/machine-thumbnail.h"

#include <adwaita.h>

#include "console/screen-preview.h"
#include "ui/picture-cover.h"
#include "ui/screen.h"
#include "ui/state-text.h"

#define WIDTH            72
#define HEIGHT           45
#define RADIUS           5
#define BADGE_SIZE       26
#define FRAME_MS         100
#define SPINNER_DELAY_MS 300
#define RETRY_SECONDS    5

struct _InnMachineThumbnail
{
  GtkWidget parent_instance;

  GtkWidget *badge;   /* GtkImage */
  GtkWidget *spinner; /* GtkSpinner */
  InnMachine *machine;
  InnScreenPreview *preview; /* of a machine with a screen in shared memory; NULL: none yet */
  GCancellable *opening;     /* while its screen is being opened */
  guint retry;               /* pending; 0: none */
  GdkPaintable *paintable;
  gulong contents_changed;
  guint frame;   /* pending drawing; 0: none */
  guint spin_up; /* pending start of the spinner; 0: none */
};

G_DEFINE_FINAL_TYPE (InnMachineThumbnail, inn_machine_thumbnail, GTK_TYPE_WIDGET)

/* Luminance (Rec. 709), lifted or lowered towards @backdrop, which is how "not now" looks. */
static void
push_grey (GtkSnapshot *snapshot, gboolean dark)
{
  const float strength = 0.55f;
  const float backdrop = (dark ? 0.24f : 0.62f) * (1 - strength);
  float values[16] = { 0 };
  graphene_matrix_t matrix;
  graphene_vec4_t offset;

  for (int column = 0; column < 3; column++)
    {
      values[0 + column] = 0.2126f * strength;
      values[4 + column] = 0.7152f * strength;
      values[8 + column] = 0.0722f * strength;
    }
  values[15] = 1;
  graphene_matrix_init_from_float (&matrix, values);
  graphene_vec4_init (&offset, backdrop, backdrop, backdrop, 0);
  gtk_snapshot_push_color_matrix (snapshot, &matrix, &offset);
}

static void
append_empty (GtkSnapshot *snapshot, const graphene_rect_t *bounds, gboolean live, gboolean dark)
{
  GdkRGBA color = live   ? (GdkRGBA){ 0.086f, 0.086f, 0.094f, 1 }
                  : dark ? (GdkRGBA){ 0.24f, 0.24f, 0.24f, 1 }
                         : (GdkRGBA){ 0.62f, 0.62f, 0.62f, 1 };

  gtk_snapshot_append_color (snapshot, &color, bounds);
}

static void
inn_machine_thumbnail_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  InnMachineThumbnail *self = INN_MACHINE_THUMBNAIL (widget);
  gboolean live = inn_state_text_is_live (inn_machine_get_state (self->machine));
  gboolean dark = adw_style_manager_get_dark (adw_style_manager_get_default ());
  graphene_rect_t bounds = GRAPHENE_RECT_INIT (0, 0, WIDTH, HEIGHT);
  GskRoundedRect shape;

  gsk_rounded_rect_init_from_rect (&shape, &bounds, RADIUS);
  gtk_snapshot_push_rounded_clip (snapshot, &shape);
  append_empty (snapshot, &bounds, live, dark);
  if (self->paintable != NULL)
    {
      if (!live)
        push_grey (snapshot, dark);
      inn_picture_cover_append (snapshot, self->paintable, WIDTH, HEIGHT);
      if (!live)
        gtk_snapshot_pop (snapshot);
    }
  gtk_snapshot_pop (snapshot);
  inn_picture_cover_append_outline (snapshot, &shape, dark);

  GTK_WIDGET_CLASS (inn_machine_thumbnail_parent_class)->snapshot (widget, snapshot);
}

static void
inn_machine_thumbnail_measure (GtkWidget *widget,
                               GtkOrientation orientation,
                               int for_size,
                               int *minimum,
                               int *natural,
                               int *minimum_baseline,
                               int *natural_baseline)
{
  *minimum = *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? WIDTH : HEIGHT;
}

static void
inn_machine_thumbnail_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  InnMachineThumbnail *self = INN_MACHINE_THUMBNAIL (widget);
  GtkAllocation middle
      = { (WIDTH - BADGE_SIZE) / 2, (HEIGHT - BADGE_SIZE) / 2, BADGE_SIZE, BADGE_SIZE };

  gtk_widget_size_allocate (self->badge, &middle, -1);
  gtk_widget_size_allocate (self->spinner, &middle, -1);
}

static gboolean
on_frame (gpointer user_data)
{
  InnMachineThumbnail *self = user_data;

  self->frame = 0;
  gtk_widget_queue_draw (GTK_WIDGET (self));
  return G_SOURCE_REMOVE;
}

static void
on_contents_changed (InnMachineThumbnail *self)
{
  if (self->frame == 0 && gtk_widget_get_mapped (GTK_WIDGET (self)))
    self->frame = g_timeout_add (FRAME_MS, on_frame, self);
}

static void
take_paintable (InnMachineThumbnail *self, GdkPaintable *paintable)
{
  if (self->paintable != NULL)
    g_clear_signal_handler (&self->contents_changed, self->paintable);
  g_set_object (&self->paintable, paintable);
  if (paintable != NULL)
    self->contents_changed = g_signal_connect_swapped (paintable, "invalidate-contents",
                                                       G_CALLBACK (on_contents_changed), self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
on_screen_changed (InnMachineThumbnail *self)
{
  take_paintable (self, inn_screen_get_paintable (inn_screen_of (self->machine)));
}

/* The screen itself, which machines of the engine show without a console. */

static void
drop_preview (InnMachineThumbnail *self)
{
  if (self->opening != NULL)
    g_cancellable_cancel (self->opening);
  g_clear_object (&self->opening);
  g_clear_handle_id (&self->retry, g_source_remove);
  if (self->preview != NULL)
    g_object_run_dispose (G_OBJECT (self->preview)); /* its picture stays, and is all that does */
  g_clear_object (&self->preview);
}

static gboolean
wants_preview (InnMachineThumbnail *self)
{
  InnMachineState state = inn_machine_get_state (self->machine);

  return gtk_widget_get_mapped (GTK_WIDGET (self)) && inn_machine_state_is_active (state)
         && state != INN_MACHINE_STARTING
         && inn_machine_has_console (self->machine, INN_CONSOLE_SCREEN);
}

static void open_preview (InnMachineThumbnail *self);

static gboolean
on_retry (gpointer user_data)
{
  InnMachineThumbnail *self = user_data;

  self->retry = 0;
  open_preview (self);
  return G_SOURCE_REMOVE;
}

static void
on_screen_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (InnMachineThumbnail) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (InnConsoleEndpoint) endpoint
      = inn_machine_open_console_finish (INN_MACHINE (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* somebody let go of it, and perhaps asked anew */

  g_clear_object (&self->opening);
  if (endpoint == NULL)
    {
      self->retry = g_timeout_add_seconds (RETRY_SECONDS, on_retry, self);
      return;
    }

  self->preview = inn_screen_preview_new (endpoint->screen);
  g_signal_connect_object (self->preview, "ended", G_CALLBACK (drop_preview), self,
                           G_CONNECT_SWAPPED);
  inn_screen_preview_set_active (self->preview, wants_preview (self));
  inn_screen_set_paintable (inn_screen_of (self->machine),
                            inn_screen_preview_get_paintable (self->preview));
}

static void
open_preview (InnMachineThumbnail *self)
{
  self->opening = g_cancellable_new ();
  inn_machine_open_console_async (self->machine, INN_CONSOLE_SCREEN, self->opening,
                                  on_screen_opened, g_object_ref (self));
}

/* Out of sight, it costs nothing. */
static void
update_preview (InnMachineThumbnail *self)
{
  const gboolean wanted = wants_preview (self);

  if (!inn_machine_state_is_active (inn_machine_get_state (self->machine)))
    drop_preview (self);
  else if (self->preview != NULL)
    inn_screen_preview_set_active (self->preview, wanted);
  else if (!wanted)
    drop_preview (self);
  else if (self->opening == NULL && self->retry == 0)
    open_preview (self);
}

static void
inn_machine_thumbnail_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (inn_machine_thumbnail_parent_class)->map (widget);
  update_preview (INN_MACHINE_THUMBNAIL (widget));
}

static void
inn_machine_thumbnail_unmap (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (inn_machine_thumbnail_parent_class)->unmap (widget);
  update_preview (INN_MACHINE_THUMBNAIL (widget));
}

static gboolean
on_spin_up (gpointer user_data)
{
  InnMachineThumbnail *self = user_data;

  self->spin_up = 0;
  gtk_widget_show (self->spinner);
  gtk_spinner_start (GTK_SPINNER (self->spinner));
  return G_SOURCE_REMOVE;
}

static void
on_state_changed (InnMachineThumbnail *self)
{
  InnMachineState state = inn_machine_get_state (self->machine);
  const char *badge = inn_state_text_get_badge (state);

  gtk_widget_set_visible (self->badge, badge != NULL);
  gtk_image_set_from_icon_name (GTK_IMAGE (self->badge), badge);

  g_clear_handle_id (&self->spin_up, g_source_remove);
  gtk_widget_hide (self->spinner);
  gtk_spinner_stop (GTK_SPINNER (self->spinner));
  if (state == INN_MACHINE_STARTING)
    self->spin_up = g_timeout_add (SPINNER_DELAY_MS, on_spin_up, self);

  update_preview (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
inn_machine_thumbnail_dispose (GObject *object)
{
  InnMachineThumbnail *self = INN_MACHINE_THUMBNAIL (object);

  drop_preview (self);
  g_clear_handle_id (&self->frame, g_source_remove);
  g_clear_handle_id (&self->spin_up, g_source_remove);
  if (self->paintable != NULL)
    g_clear_signal_handler (&self->contents_changed, self->paintable);
  g_clear_object (&self->paintable);
  g_clear_object (&self->machine);
  g_clear_pointer (&self->badge, gtk_widget_unparent);
  g_clear_pointer (&self->spinner, gtk_widget_unparent);

  G_OBJECT_CLASS (inn_machine_thumbnail_parent_class)->dispose (object);
}

static void
inn_machine_thumbnail_class_init (InnMachineThumbnailClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_machine_thumbnail_dispose;
  widget_class->map = inn_machine_thumbnail_map;
  widget_class->unmap = inn_machine_thumbnail_unmap;
  widget_class->snapshot = inn_machine_thumbnail_snapshot;
  widget_class->measure = inn_machine_thumbnail_measure;
  widget_class->size_allocate = inn_machine_thumbnail_size_allocate;
  gtk_widget_class_set_css_name (widget_class, "thumbnail");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
inn_machine_thumbnail_init (InnMachineThumbnail *self)
{
  self->badge = gtk_image_new ();
  gtk_widget_add_css_class (self->badge, "thumb-badge");
  gtk_widget_set_parent (self->badge, GTK_WIDGET (self));
  self->spinner = gtk_spinner_new ();
  gtk_widget_hide (self->spinner);
  gtk_widget_set_parent (self->spinner, GTK_WIDGET (self));
}

void
inn_machine_thumbnail_set_machine (InnMachineThumbnail *self, InnMachine *machine)
{
  g_return_if_fail (INN_IS_MACHINE_THUMBNAIL (self));
  g_return_if_fail (INN_IS_MACHINE (machine));
  g_return_if_fail (self->machine == NULL);

  self->machine = g_object_ref (machine);
  g_signal_connect_object (machine, "notify::state", G_CALLBACK (on_state_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (inn_screen_of (machine), "notify::paintable",
                           G_CALLBACK (on_screen_changed), self, G_CONNECT_SWAPPED);
  on_state_changed (self);
  on_screen_changed (self);
}

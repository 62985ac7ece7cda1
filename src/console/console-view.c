/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnConsoleView: which page is shown, who has the keyboard, and what to say about it. */
#include "console/console-view.h"

#include <glib/gi18n.h>

#include "console-resources.h"
#include "console/display.h"
#include "console/keyboard-grab.h"
#include "console/serial-terminal.h"
#include "console/shared-memory-source.h"
#include "console/vnc-source.h"

#define RESOURCE_PATH "/org/innkeeper/Innkeeper/console/"

/* A connection that is there at once should not flash a spinner. */
#define SPINNER_DELAY_MS 300
#define GRAB_PILL_MS     3000

struct _InnConsoleView
{
  GtkWidget parent_instance;

  GtkWidget *overlay;
  GtkWidget *stack;
  InnDisplay *display;
  GtkWidget *terminal_page;
  InnSerialTerminal *terminal;
  GtkWidget *connecting_page;
  GtkRevealer *connecting_revealer;
  GtkWidget *message_page;
  GtkLabel *message_label;
  GtkRevealer *grab_revealer;
  GtkRevealer *paused_revealer;

  InnKeyboardGrab *grab;
  InnConsoleSource *source; /* of the display; NULL: none */
  InnConsoleKind kind;
  gboolean connected;
  gboolean paused;
  char *size_text;
  guint spinner_id;
  guint grab_pill_id;
};

enum
{
  PROP_STATUS = 1,
  PROP_SIZE_TEXT,
  PROP_CONNECTED,
  PROP_GRABBED,
  N_PROPERTIES,
};

enum
{
  SIGNAL_DISCONNECTED,
  SIGNAL_RELEASED,
  N_SIGNALS,
};

static GParamSpec *properties[N_PROPERTIES];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (InnConsoleView, inn_console_view, GTK_TYPE_WIDGET)

static void
notify (InnConsoleView *self, guint property)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

static const char *
get_status (InnConsoleView *self)
{
  if (!self->connected)
    return NULL;

  switch (inn_keyboard_grab_get_state (self->grab))
    {
    case INN_KEYBOARD_FOCUSED:
      return _ ("Left Ctrl+Alt releases the keyboard");
    case INN_KEYBOARD_GRABBED:
      return _ ("All keys go to the guest");
    case INN_KEYBOARD_RELEASED:
    default:
      return _ ("Left Ctrl+Alt sends all keys to the guest");
    }
}

/* Pages. */

static void
show_page (InnConsoleView *self, GtkWidget *page)
{
  g_clear_handle_id (&self->spinner_id, g_source_remove);
  gtk_revealer_set_reveal_child (self->connecting_revealer, FALSE);
  gtk_stack_set_visible_child (GTK_STACK (self->stack), page);
}

static gboolean
on_spinner_due (gpointer user_data)
{
  InnConsoleView *self = user_data;

  self->spinner_id = 0;
  gtk_revealer_set_reveal_child (self->connecting_revealer, TRUE);
  return G_SOURCE_REMOVE;
}

static void
show_message (InnConsoleView *self, const char *message)
{
  gtk_label_set_label (self->message_label, message);
  show_page (self, self->message_page);
}

/* What is not live looks so. */
static void
update_staleness (InnConsoleView *self)
{
  void (*change) (GtkWidget *, const char *)
      = self->connected && !self->paused ? gtk_widget_remove_css_class : gtk_widget_add_css_class;

  change (GTK_WIDGET (self->display), "stale");
  change (GTK_WIDGET (self->terminal), "stale");
  gtk_revealer_set_reveal_child (self->paused_revealer, self->connected && self->paused);
}

static void
set_size_text (InnConsoleView *self, char *text)
{
  if (g_strcmp0 (self->size_text, text) == 0)
    {
      g_free (text);
      return;
    }

  g_free (self->size_text);
  self->size_text = text;
  notify (self, PROP_SIZE_TEXT);
}

static void
set_connected (InnConsoleView *self, gboolean connected)
{
  GtkWidget *target
      = self->kind == INN_CONSOLE_SERIAL ? GTK_WIDGET (self->terminal) : GTK_WIDGET (self->display);

  if (self->connected == connected)
    return;

  self->connected = connected;
  inn_keyboard_grab_set_target (self->grab, connected ? target : NULL);
  if (!connected)
    set_size_text (self, NULL);
  update_staleness (self);
  notify (self, PROP_CONNECTED);
  notify (self, PROP_STATUS);
}

/* From the console. */

static void
on_frame (InnConsoleView *self)
{
  InnPixelBuffer *pixels = inn_console_source_get_pixels (self->source);

  /* TRANSLATORS: width and height of a guest's screen in pixels */
  set_size_text (self, g_strdup_printf (_ ("%d × %d"), pixels->width, pixels->height));
  show_page (self, GTK_WIDGET (self->display));
  set_connected (self, TRUE);
}

static void
drop_source (InnConsoleView *self)
{
  if (self->source == NULL)
    return;

  g_signal_handlers_disconnect_by_data (self->source, self);
  inn_display_set_source (self->display, NULL);
  inn_console_source_close (self->source);
  g_clear_object (&self->source);
}

static void
on_ended (InnConsoleView *self, const char *reason)
{
  g_autofree char *sentence = g_strdup (reason);

  drop_source (self);
  set_connected (self, FALSE);
  if (self->kind != INN_CONSOLE_SERIAL && inn_display_get_thumbnail (self->display) == NULL)
    show_message (self, sentence);
  g_signal_emit (self, signals[SIGNAL_DISCONNECTED], 0, sentence);
}

/* The keyboard. */

static gboolean
on_grab_pill_done (gpointer user_data)
{
  InnConsoleView *self = user_data;

  self->grab_pill_id = 0;
  gtk_revealer_set_reveal_child (self->grab_revealer, FALSE);
  return G_SOURCE_REMOVE;
}

static void
on_keyboard_changed (InnConsoleView *self)
{
  gboolean grabbed = inn_keyboard_grab_get_state (self->grab) == INN_KEYBOARD_GRABBED;

  inn_display_set_grabbed (self->display, grabbed);
  g_clear_handle_id (&self->grab_pill_id, g_source_remove);
  gtk_revealer_set_reveal_child (self->grab_revealer, grabbed);
  if (grabbed)
    self->grab_pill_id = g_timeout_add (GRAB_PILL_MS, on_grab_pill_done, self);
  notify (self, PROP_GRABBED);
  notify (self, PROP_STATUS);
}

static void
on_keyboard_released (InnConsoleView *self)
{
  g_signal_emit (self, signals[SIGNAL_RELEASED], 0);
}

static gboolean
inn_console_view_grab_focus (GtkWidget *widget)
{
  InnConsoleView *self = INN_CONSOLE_VIEW (widget);

  return gtk_widget_grab_focus (self->kind == INN_CONSOLE_SERIAL ? GTK_WIDGET (self->terminal)
                                                                 : GTK_WIDGET (self->display));
}

/* The widget. */

static void
inn_console_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  InnConsoleView *self = INN_CONSOLE_VIEW (object);

  switch (id)
    {
    case PROP_STATUS:
      g_value_set_string (value, get_status (self));
      break;
    case PROP_SIZE_TEXT:
      g_value_set_string (value, self->size_text);
      break;
    case PROP_CONNECTED:
      g_value_set_boolean (value, self->connected);
      break;
    case PROP_GRABBED:
      g_value_set_boolean (value, inn_keyboard_grab_get_state (self->grab) == INN_KEYBOARD_GRABBED);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
inn_console_view_dispose (GObject *object)
{
  InnConsoleView *self = INN_CONSOLE_VIEW (object);

  if (self->display != NULL)
    drop_source (self);
  g_clear_handle_id (&self->spinner_id, g_source_remove);
  g_clear_handle_id (&self->grab_pill_id, g_source_remove);
  if (self->grab != NULL)
    g_signal_handlers_disconnect_by_data (self->grab, self);
  g_clear_object (&self->grab);
  g_clear_pointer (&self->overlay, gtk_widget_unparent);

  G_OBJECT_CLASS (inn_console_view_parent_class)->dispose (object);
}

static void
inn_console_view_finalize (GObject *object)
{
  g_free (INN_CONSOLE_VIEW (object)->size_text);

  G_OBJECT_CLASS (inn_console_view_parent_class)->finalize (object);
}

static void
load_style (void)
{
  g_autoptr (GtkCssProvider) provider = gtk_css_provider_new ();

  gtk_css_provider_load_from_resource (provider, RESOURCE_PATH "console.css");
  gtk_style_context_add_provider_for_display (gdk_display_get_default (),
                                              GTK_STYLE_PROVIDER (provider),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  properties[PROP_STATUS] = g_param_spec_string ("status", NULL, NULL, NULL, flags);
  properties[PROP_SIZE_TEXT] = g_param_spec_string ("size-text", NULL, NULL, NULL, flags);
  properties[PROP_CONNECTED] = g_param_spec_boolean ("connected", NULL, NULL, FALSE, flags);
  properties[PROP_GRABBED] = g_param_spec_boolean ("grabbed", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
bind_template (GtkWidgetClass *widget_class)
{
  gtk_widget_class_set_template_from_resource (widget_class, RESOURCE_PATH "console-view.ui");
  gtk_widget_class_bind_template_child (widget_class, InnConsoleView, overlay);
  gtk_widget_class_bind_template_child (widget_class, InnConsoleView, stack);
  gtk_widget_class_bind_template_child (widget_class, InnConsoleView, display);
  gtk_widget_class_bind_template_child (widget_class, InnConsoleView, terminal_page);
  gtk_widget_class_bind_template_child (widget_class, InnConsoleView, terminal);
  gtk_widget_class_bind_template_child (widget_class, InnConsoleView, connecting_page);
  gtk_widget_class_bind_template_child (widget_class, InnConsoleView, connecting_revealer);
  gtk_widget_class_bind_template_child (widget_class, InnConsoleView, message_page);
  gtk_widget_class_bind_template_child (widget_class, InnConsoleView, message_label);
  gtk_widget_class_bind_template_child (widget_class, InnConsoleView, grab_revealer);
  gtk_widget_class_bind_template_child (widget_class, InnConsoleView, paused_revealer);
  gtk_widget_class_bind_template_callback (widget_class, on_ended);
}

static void
inn_console_view_class_init (InnConsoleViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  GType type = G_TYPE_FROM_CLASS (klass);

  object_class->get_property = inn_console_view_get_property;
  object_class->dispose = inn_console_view_dispose;
  object_class->finalize = inn_console_view_finalize;
  install_properties (object_class);

  signals[SIGNAL_DISCONNECTED] = g_signal_new ("disconnected", type, G_SIGNAL_RUN_LAST, 0, NULL,
                                               NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[SIGNAL_RELEASED]
      = g_signal_new ("released", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);

  widget_class->grab_focus = inn_console_view_grab_focus;
  gtk_widget_class_set_css_name (widget_class, "consoleview");
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);

  inn_console_register_resource ();
  load_style ();
  g_type_ensure (INN_TYPE_DISPLAY);
  g_type_ensure (INN_TYPE_SERIAL_TERMINAL);
  bind_template (widget_class);
}

static void
inn_console_view_init (InnConsoleView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));

  self->kind = INN_CONSOLE_VNC;
  self->grab = inn_keyboard_grab_new (GTK_WIDGET (self));
  g_signal_connect_swapped (self->grab, "changed", G_CALLBACK (on_keyboard_changed), self);
  g_signal_connect_swapped (self->grab, "released", G_CALLBACK (on_keyboard_released), self);
  update_staleness (self);
}

GtkWidget *
inn_console_view_new (void)
{
  return g_object_new (INN_TYPE_CONSOLE_VIEW, NULL);
}

/* Ends what is shown; the page stays. */
static void
let_go (InnConsoleView *self)
{
  drop_source (self);
  inn_serial_terminal_disconnect (self->terminal);
  set_connected (self, FALSE);
}

static gboolean
is_showing (InnConsoleView *self, GtkWidget *page)
{
  return gtk_stack_get_visible_child (GTK_STACK (self->stack)) == page;
}

static void
connect_screen (InnConsoleView *self, InnConsoleEndpoint *endpoint)
{
  self->source = endpoint->kind == INN_CONSOLE_SCREEN
                     ? inn_shared_memory_source_new (endpoint->screen)
                     : inn_vnc_source_new (inn_console_endpoint_steal_fd (endpoint));
  g_signal_connect_swapped (self->source, "ended", G_CALLBACK (on_ended), self);
  /* The display first, so that there is something to show when on_frame() shows it. */
  inn_display_set_source (self->display, self->source);
  g_signal_connect_swapped (self->source, "frame", G_CALLBACK (on_frame), self);

  /* A picture from before stays, greyed, until the first new one. */
  if (inn_display_get_thumbnail (self->display) == NULL)
    inn_console_view_set_connecting (self);
  else if (!is_showing (self, self->connecting_page))
    show_page (self, GTK_WIDGET (self->display));
}

void
inn_console_view_connect (InnConsoleView *self, InnConsoleEndpoint *endpoint)
{
  g_return_if_fail (INN_IS_CONSOLE_VIEW (self) && endpoint != NULL);

  let_go (self);
  self->kind = endpoint->kind;
  if (self->kind == INN_CONSOLE_SERIAL)
    {
      inn_serial_terminal_connect (self->terminal, inn_console_endpoint_steal_fd (endpoint));
      show_page (self, self->terminal_page);
      set_connected (self, TRUE);
    }
  else
    {
      connect_screen (self, endpoint);
    }
  inn_console_endpoint_free (endpoint);
}

void
inn_console_view_set_connecting (InnConsoleView *self)
{
  g_return_if_fail (INN_IS_CONSOLE_VIEW (self));

  if (is_showing (self, self->connecting_page))
    return;

  show_page (self, self->connecting_page);
  self->spinner_id = g_timeout_add (SPINNER_DELAY_MS, on_spinner_due, self);
}

void
inn_console_view_disconnect (InnConsoleView *self, gboolean clear)
{
  g_return_if_fail (INN_IS_CONSOLE_VIEW (self));

  let_go (self);
  if (clear)
    {
      inn_display_clear (self->display);
      inn_serial_terminal_clear (self->terminal);
    }
  if (!is_showing (self, self->terminal_page))
    show_page (self, GTK_WIDGET (self->display));
}

/* Takes over @name. */
static void
set_accessible_name (GtkWidget *widget, char *name)
{
  gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  g_free (name);
}

void
inn_console_view_set_machine_name (InnConsoleView *self, const char *name)
{
  g_return_if_fail (INN_IS_CONSOLE_VIEW (self) && name != NULL);

  set_accessible_name (GTK_WIDGET (self->display), g_strdup_printf (_ ("Screen of %s"), name));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->display),
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  _ ("Press left Ctrl and Alt together to leave"), -1);
  set_accessible_name (GTK_WIDGET (self->terminal),
                       g_strdup_printf (_ ("Serial console of %s"), name));
}

void
inn_console_view_set_paused (InnConsoleView *self, gboolean paused)
{
  g_return_if_fail (INN_IS_CONSOLE_VIEW (self));

  self->paused = paused;
  update_staleness (self);
}

void
inn_console_view_send_keys (InnConsoleView *self, const guint *evdev_codes)
{
  g_return_if_fail (INN_IS_CONSOLE_VIEW (self) && evdev_codes != NULL);

  inn_display_send_keys (self->display, evdev_codes);
}

GdkPaintable *
inn_console_view_get_paintable (InnConsoleView *self)
{
  g_return_val_if_fail (INN_IS_CONSOLE_VIEW (self), NULL);

  return inn_display_get_thumbnail (self->display);
}

static GdkTexture *
create_texture (const InnPixelBuffer *pixels)
{
  const gsize stride = (gsize)pixels->width * 4;
  guint8 *copy = g_malloc_n (stride, (gsize)pixels->height);
  g_autoptr (GBytes) bytes = g_bytes_new_take (copy, stride * (gsize)pixels->height);

  inn_pixel_buffer_copy (pixels, 0, 0, pixels->width, pixels->height, /* repeat= */ 1, copy,
                         stride);
  return gdk_memory_texture_new (pixels->width, pixels->height, GDK_MEMORY_B8G8R8A8_PREMULTIPLIED,
                                 bytes, stride);
}

static void
on_picture_refreshed (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  InnConsoleSource *source = INN_CONSOLE_SOURCE (object);
  InnPixelBuffer *pixels = inn_console_source_get_pixels (source);
  GError *error = NULL;

  if (!inn_console_source_refresh_finish (source, result, &error))
    g_task_return_error (task, error);
  else if (pixels == NULL)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                             _ ("The screen has not shown anything yet."));
  else
    g_task_return_pointer (task, create_texture (pixels), g_object_unref);
}

void
inn_console_view_take_picture_async (InnConsoleView *self,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (INN_IS_CONSOLE_VIEW (self));

  task = g_task_new (self, cancellable, callback, user_data);
  if (self->source == NULL)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                             _ ("There is no screen to be seen."));
  else
    inn_console_source_refresh_async (self->source, cancellable, on_picture_refreshed,
                                      g_steal_pointer (&task));
}

GdkTexture *
inn_console_view_take_picture_finish (InnConsoleView *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

char *
inn_console_view_get_text (InnConsoleView *self)
{
  g_return_val_if_fail (INN_IS_CONSOLE_VIEW (self), NULL);

  return self->kind == INN_CONSOLE_SERIAL ? inn_serial_terminal_get_text (self->terminal) : NULL;
}

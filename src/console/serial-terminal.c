/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnSerialTerminal: a VTE terminal between a socket and the keyboard. */
#include "console/serial-terminal.h"

#include <glib/gi18n.h>

#include "console/byte-stream.h"

/* 64 KiB at each rest are 4 MB/s: hundreds of times a serial line, a fraction of what VTE parses,
 * so that its queue stays short. The guest waits, as it would on a wire. */
#define REST_MS          16
#define SCROLLBACK_LINES 10000
/* What a screen reader is told of a guest that writes on and on. */
#define READING_MS    500
#define READING_LINES 10

struct _InnSerialTerminal
{
  VteTerminal parent_instance;

  InnByteStream *stream; /* NULL: not connected */
  guint reading_id;      /* the accessible description is behind the text */
};

enum
{
  SIGNAL_ENDED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (InnSerialTerminal, inn_serial_terminal, VTE_TYPE_TERMINAL)

static gsize
on_stream_received (const guint8 *data, gsize length, gpointer user_data)
{
  vte_terminal_feed (user_data, (const char *)data, (gssize)length);
  return length;
}

static void
on_stream_ended (int error, gpointer user_data)
{
  InnSerialTerminal *self = user_data;

  inn_serial_terminal_disconnect (self);
  g_signal_emit (self, signals[SIGNAL_ENDED], 0,
                 _ ("The serial line has ended. Its text stays here. Open the console again to "
                    "reconnect."));
}

static const InnByteStreamEvents stream_events = {
  .received = on_stream_received,
  .ended = on_stream_ended,
};

/* Typed, pasted, or an answer to a query of the guest. */
static void
on_commit (InnSerialTerminal *self, const char *text, guint length)
{
  if (self->stream != NULL && !inn_byte_stream_send (self->stream, (const guint8 *)text, length))
    gtk_widget_error_bell (GTK_WIDGET (self)); /* the guest has stopped reading */
}

static gboolean
copy_text (GtkWidget *widget, GVariant *arguments, gpointer user_data)
{
  vte_terminal_copy_clipboard_format (VTE_TERMINAL (widget), VTE_FORMAT_TEXT);
  return TRUE;
}

static gboolean
paste_text (GtkWidget *widget, GVariant *arguments, gpointer user_data)
{
  vte_terminal_paste_clipboard (VTE_TERMINAL (widget));
  return TRUE;
}

static void
add_shortcut (GtkEventController *shortcuts, guint keyval, GtkShortcutFunc function)
{
  GtkShortcutTrigger *trigger = gtk_keyval_trigger_new (keyval, GDK_CONTROL_MASK | GDK_SHIFT_MASK);

  gtk_shortcut_controller_add_shortcut (
      GTK_SHORTCUT_CONTROLLER (shortcuts),
      gtk_shortcut_new (trigger, gtk_callback_action_new (function, NULL, NULL)));
}

/* Plain Ctrl+C is the guest's. VTE has no shortcuts of its own, but would send these as control
 * characters, so they have to be met before it sees them. */
static void
add_shortcuts (InnSerialTerminal *self)
{
  GtkEventController *shortcuts = gtk_shortcut_controller_new ();

  gtk_event_controller_set_propagation_phase (shortcuts, GTK_PHASE_CAPTURE);
  add_shortcut (shortcuts, GDK_KEY_c, copy_text);
  add_shortcut (shortcuts, GDK_KEY_v, paste_text);
  gtk_widget_add_controller (GTK_WIDGET (self), shortcuts);
}

static GdkRGBA
color (guint32 rgb)
{
  return (GdkRGBA){ (float)(rgb >> 16 & 0xff) / 255.0f, (float)(rgb >> 8 & 0xff) / 255.0f,
                    (float)(rgb & 0xff) / 255.0f, 1.0f };
}

/* The console's own surround as background; the rest as people know it from GNOME. */
static void
set_colors (InnSerialTerminal *self)
{
  static const guint32 palette_rgb[] = {
    0x2e2e32, 0xe0474c, 0x4db380, 0xd7a54a, 0x5b93e6, 0xb77bd8, 0x46b3bd, 0xd0cfcc,
    0x77767b, 0xf66151, 0x6bdca0, 0xf5d565, 0x8ab8ff, 0xdc9bf5, 0x6fd8e2, 0xffffff,
  };
  GdkRGBA palette[G_N_ELEMENTS (palette_rgb)];
  GdkRGBA foreground = color (0xdedede);
  GdkRGBA background = color (0x161618);

  for (gsize i = 0; i < G_N_ELEMENTS (palette_rgb); i++)
    palette[i] = color (palette_rgb[i]);
  vte_terminal_set_colors (VTE_TERMINAL (self), &foreground, &background, palette,
                           G_N_ELEMENTS (palette));
}

/* VTE tells screen readers nothing of its text (0.70 with GTK 4), so its last lines are the
 * description. */
static gboolean
describe (gpointer user_data)
{
  InnSerialTerminal *self = user_data;
  VteTerminal *terminal = VTE_TERMINAL (self);
  g_autofree char *text = NULL;
  glong last_row;

  self->reading_id = 0;
  vte_terminal_get_cursor_position (terminal, NULL, &last_row);
  text = vte_terminal_get_text_range (terminal, MAX (last_row - READING_LINES, 0), 0, last_row,
                                      vte_terminal_get_column_count (terminal) - 1, NULL, NULL,
                                      NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  text != NULL ? g_strstrip (text) : "", -1);
  return G_SOURCE_REMOVE;
}

static void
on_contents_changed (InnSerialTerminal *self)
{
  if (self->reading_id == 0)
    self->reading_id = g_timeout_add (READING_MS, describe, self);
}

static void
inn_serial_terminal_dispose (GObject *object)
{
  InnSerialTerminal *self = INN_SERIAL_TERMINAL (object);

  g_clear_handle_id (&self->reading_id, g_source_remove);
  inn_serial_terminal_disconnect (self);

  G_OBJECT_CLASS (inn_serial_terminal_parent_class)->dispose (object);
}

static void
inn_serial_terminal_class_init (InnSerialTerminalClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = inn_serial_terminal_dispose;

  signals[SIGNAL_ENDED] = g_signal_new ("ended", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                        NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
inn_serial_terminal_init (InnSerialTerminal *self)
{
  VteTerminal *terminal = VTE_TERMINAL (self);

  vte_terminal_set_allow_hyperlink (terminal, FALSE);
  vte_terminal_set_audible_bell (terminal, FALSE);
  vte_terminal_set_enable_sixel (terminal, FALSE);
  vte_terminal_set_cursor_blink_mode (terminal, VTE_CURSOR_BLINK_OFF);
  vte_terminal_set_scroll_on_keystroke (terminal, TRUE);
  vte_terminal_set_scroll_on_output (terminal, FALSE);
  vte_terminal_set_scrollback_lines (terminal, SCROLLBACK_LINES);
  set_colors (self);
  add_shortcuts (self);
  g_signal_connect (self, "commit", G_CALLBACK (on_commit), NULL);
  g_signal_connect (self, "contents-changed", G_CALLBACK (on_contents_changed), NULL);
}

GtkWidget *
inn_serial_terminal_new (void)
{
  return g_object_new (INN_TYPE_SERIAL_TERMINAL, NULL);
}

void
inn_serial_terminal_connect (InnSerialTerminal *self, int fd)
{
  g_return_if_fail (INN_IS_SERIAL_TERMINAL (self) && fd >= 0);

  inn_serial_terminal_disconnect (self);
  /* The guest before may have left modes behind that make the next one unreadable. */
  vte_terminal_reset (VTE_TERMINAL (self), /* clear_tabstops= */ TRUE, /* clear_history= */ FALSE);
  self->stream = inn_byte_stream_new (fd, REST_MS, &stream_events, self);
}

void
inn_serial_terminal_disconnect (InnSerialTerminal *self)
{
  g_return_if_fail (INN_IS_SERIAL_TERMINAL (self));

  if (self->stream != NULL)
    inn_byte_stream_close (self->stream);
  g_clear_object (&self->stream);
}

void
inn_serial_terminal_clear (InnSerialTerminal *self)
{
  g_return_if_fail (INN_IS_SERIAL_TERMINAL (self));

  vte_terminal_reset (VTE_TERMINAL (self), /* clear_tabstops= */ TRUE, /* clear_history= */ TRUE);
}

char *
inn_serial_terminal_get_text (InnSerialTerminal *self)
{
  VteTerminal *terminal = VTE_TERMINAL (self);
  GtkAdjustment *rows = gtk_scrollable_get_vadjustment (GTK_SCROLLABLE (self));
  glong last_row;

  g_return_val_if_fail (INN_IS_SERIAL_TERMINAL (self), NULL);

  vte_terminal_get_cursor_position (terminal, NULL, &last_row);
  return vte_terminal_get_text_range (terminal, (glong)gtk_adjustment_get_lower (rows), 0, last_row,
                                      vte_terminal_get_column_count (terminal) - 1, NULL, NULL,
                                      NULL);
}

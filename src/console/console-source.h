/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnConsoleSource: where a guest's screen comes from and its input goes to. Abstract; a subclass
 * speaks one protocol. It knows no widgets.
 *
 * A source is live from creation until "ended" or inn_console_source_close(). Main thread only.
 * Signals:
 *  "frame" ():                      a new picture in a new buffer, see _get_pixels()
 *  "damage" (int x, y, w, h):       part of the picture changed; the numbers are not to be trusted
 *  "cursor" (gpointer, int, int):   the guest's pointer: an InnPixelBuffer whose unused byte is
 *                                   premultiplied alpha, and its hot spot; NULL hides the pointer
 *  "ended" (const char *reason):    it ended by itself; the reason is a translated sentence
 */
#pragma once

#include <gio/gio.h>

#include "console/pixel-buffer.h"

G_BEGIN_DECLS

/* Bits of a pointer's buttons. */
typedef enum
{
  INN_POINTER_LEFT = 1 << 0,
  INN_POINTER_MIDDLE = 1 << 1,
  INN_POINTER_RIGHT = 1 << 2,
} InnPointerButtons;

typedef enum
{
  INN_SCROLL_UP,
  INN_SCROLL_DOWN,
  INN_SCROLL_LEFT,
  INN_SCROLL_RIGHT,
} InnScrollDirection;

/* Bits of the guest's keyboard lights. */
typedef enum
{
  INN_LED_CAPS_LOCK = 1 << 0,
  INN_LED_NUM_LOCK = 1 << 1,
} InnLeds;

#define INN_TYPE_CONSOLE_SOURCE (inn_console_source_get_type ())
G_DECLARE_DERIVABLE_TYPE (InnConsoleSource, inn_console_source, INN, CONSOLE_SOURCE, GObject)

struct _InnConsoleSourceClass
{
  GObjectClass parent_class;

  /* All required but the last three. Positions are guest pixels inside the picture. */
  void (*close) (InnConsoleSource *self);
  void (*send_key) (InnConsoleSource *self, guint evdev, guint keysym, gboolean pressed);
  void (*send_pointer) (InnConsoleSource *self, int x, int y, InnPointerButtons buttons);
  void (*send_scroll) (InnConsoleSource *self,
                       int x,
                       int y,
                       InnPointerButtons buttons,
                       InnScrollDirection to);
  void (*request_size) (InnConsoleSource *self, int width, int height);
  void (*set_shown) (InnConsoleSource *self, gboolean shown);
  /* Finishes a GTask with a boolean. */
  void (*refresh_async) (InnConsoleSource *self,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
};

/* The current picture, borrowed; NULL before the first frame. It stays after the end. */
InnPixelBuffer *inn_console_source_get_pixels (InnConsoleSource *self);
/* The lights of the guest's keyboard. FALSE: not known. */
gboolean inn_console_source_get_leds (InnConsoleSource *self, InnLeds *leds);

/* Lets go of the guest; no signal comes after it. */
void inn_console_source_close (InnConsoleSource *self);
/* @keysym: what the key means here, 0 for what it means on a US keyboard. */
void
inn_console_source_send_key (InnConsoleSource *self, guint evdev, guint keysym, gboolean pressed);
void
inn_console_source_send_pointer (InnConsoleSource *self, int x, int y, InnPointerButtons buttons);
/* One notch of the wheel, while @buttons are held. */
void inn_console_source_send_scroll (InnConsoleSource *self,
                                     int x,
                                     int y,
                                     InnPointerButtons buttons,
                                     InnScrollDirection to);
/* Asks the guest for another screen size. It may ignore that. */
void inn_console_source_request_size (InnConsoleSource *self, int width, int height);
/* Whether the picture is in sight: if not, it need not be kept current. */
void inn_console_source_set_shown (InnConsoleSource *self, gboolean shown);
/* Finishes when the picture is what the guest shows now, as far as the source can tell. */
void inn_console_source_refresh_async (InnConsoleSource *self,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
gboolean
inn_console_source_refresh_finish (InnConsoleSource *self, GAsyncResult *result, GError **error);

/* For subclasses. */
void inn_console_source_set_pixels (InnConsoleSource *self, InnPixelBuffer *pixels);
void inn_console_source_set_leds (InnConsoleSource *self, InnLeds leds);
void inn_console_source_damage (InnConsoleSource *self, int x, int y, int width, int height);
void
inn_console_source_set_cursor (InnConsoleSource *self, InnPixelBuffer *image, int hot_x, int hot_y);
void inn_console_source_end (InnConsoleSource *self, const char *reason);

G_END_DECLS

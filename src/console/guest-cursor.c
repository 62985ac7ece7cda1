/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's pointer as a GdkCursor. */
#include "console/guest-cursor.h"

GdkCursor *
inn_guest_cursor_new (const InnPixelBuffer *image, int hot_x, int hot_y)
{
  g_autoptr (GdkTexture) texture = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (image == NULL)
    return gdk_cursor_new_from_name ("none", NULL);

  bytes = g_bytes_new (image->data, image->stride * (gsize)image->height);
  texture = gdk_memory_texture_new (image->width, image->height, GDK_MEMORY_B8G8R8A8_PREMULTIPLIED,
                                    bytes, image->stride);
  return gdk_cursor_new_from_texture (texture, hot_x, hot_y, NULL);
}

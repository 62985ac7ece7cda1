/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnPixelBuffer: the memory of one guest screen, shared by the source that draws into it and the
 * widgets that show it. Pixels are four bytes; the unused one has no meaning. The owner of the last
 * reference frees it, so a picture outlives its source. Main thread only.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Largest side and largest area a guest may ask for (64 Mi pixels are 256 MiB). */
#define INN_PIXEL_BUFFER_MAX_SIDE 16384
#define INN_PIXEL_BUFFER_MAX_AREA (64 * 1024 * 1024)

/* Bytes of a pixel, lowest address first; X is the unused one. */
typedef enum
{
  INN_PIXEL_ORDER_BGRX,
  INN_PIXEL_ORDER_RGBX,
} InnPixelOrder;

typedef struct
{
  int width;
  int height;
  gsize stride; /* bytes from one row to the next */
  InnPixelOrder order;
  guint8 *data;
  GBytes *bytes; /* where data lies, which then is not ours to write to; NULL: it is */
} InnPixelBuffer;

/* A black picture, or NULL when the size is not allowed or there is no memory for it. */
InnPixelBuffer *inn_pixel_buffer_new (int width, int height);
/* The picture that begins @offset bytes into @bytes, which somebody else may go on drawing in: it
 * is not copied. NULL when the size is not allowed or the picture does not lie in @bytes. */
InnPixelBuffer *inn_pixel_buffer_new_for_bytes (GBytes *bytes,
                                                guint64 offset,
                                                int width,
                                                int height,
                                                gsize stride,
                                                InnPixelOrder order);
InnPixelBuffer *inn_pixel_buffer_ref (InnPixelBuffer *self);
void inn_pixel_buffer_unref (InnPixelBuffer *self);

/*
 * Copies the rectangle, which must lie inside, to @target, opaque and BGRX. Every pixel becomes
 * @repeat × @repeat pixels; rows of @target are @target_stride bytes apart.
 */
void inn_pixel_buffer_copy (const InnPixelBuffer *self,
                            int x,
                            int y,
                            int width,
                            int height,
                            int repeat,
                            guint8 *target,
                            gsize target_stride);

/*
 * Averages blocks of @divisor × @divisor pixels of the rectangle into one opaque BGRX pixel of
 * @target each. Blocks at the right and bottom edge may be smaller. @x and @y are multiples of
 * @divisor.
 */
void inn_pixel_buffer_shrink (const InnPixelBuffer *self,
                              int x,
                              int y,
                              int width,
                              int height,
                              int divisor,
                              guint8 *target,
                              gsize target_stride);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnPixelBuffer, inn_pixel_buffer_unref)

G_END_DECLS

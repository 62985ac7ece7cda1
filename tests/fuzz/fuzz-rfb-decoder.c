/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A hostile VNC server (RFC 6143). The first byte says in how large pieces the rest arrives.
 * Whatever it sends, every picture, part and pointer told of must be there.
 */
#include <stdbool.h>
#include <stdint.h>

#include "console/rfb-decoder.h"

struct watch {
	InnPixelBuffer *pixels;
	volatile uint8_t seen;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_send(const guint8 *data, gsize length, gpointer user_data)
{
	struct watch *watch = user_data;

	g_assert_cmpuint(length, >, 0);
	watch->seen ^= data[0] ^ data[length - 1];
}

static void on_frame(InnPixelBuffer *pixels, gpointer user_data)
{
	struct watch *watch = user_data;

	g_clear_pointer(&watch->pixels, inn_pixel_buffer_unref);
	watch->pixels = inn_pixel_buffer_ref(pixels);
}

static void on_damage(int x, int y, int width, int height, gpointer user_data)
{
	struct watch *watch = user_data;
	InnPixelBuffer *pixels = watch->pixels;

	g_assert_nonnull(pixels);
	g_assert_true(x >= 0 && width > 0 && width <= pixels->width - x);
	g_assert_true(y >= 0 && height > 0 && height <= pixels->height - y);
	watch->seen ^= pixels->data[(gsize)(y + height - 1) * pixels->stride +
				    (gsize)(x + width - 1) * 4 + 3];
}

static void on_cursor(InnPixelBuffer *image, int hot_x, int hot_y, gpointer user_data)
{
	struct watch *watch = user_data;

	if (!image)
		return;
	g_assert_true(hot_x >= 0 && hot_x < image->width);
	g_assert_true(hot_y >= 0 && hot_y < image->height);
	watch->seen ^= image->data[image->stride * (gsize)image->height - 1];
}

static void on_leds(guint leds, gpointer user_data)
{
	struct watch *watch = user_data;

	watch->seen ^= (uint8_t)leds;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const InnRfbEvents events = {on_send, on_frame, on_damage, on_cursor, on_leds};
	struct watch watch = {NULL, 0};
	InnRfbDecoder *decoder;
	size_t piece;

	if (size == 0)
		return 0;
	piece = data[0] == 0 ? size : data[0];
	data++;
	size--;

	decoder = inn_rfb_decoder_new(&events, &watch);
	while (size > 0) {
		gssize used = inn_rfb_decoder_feed(decoder, data, MIN(piece, size), NULL);

		if (used < 0)
			break;
		g_assert_cmpint(used, >, 0);
		data += used;
		size -= (size_t)used;
	}
	inn_rfb_decoder_free(decoder);
	g_clear_pointer(&watch.pixels, inn_pixel_buffer_unref);
	return 0;
}

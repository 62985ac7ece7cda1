/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine's screen as its clients see it (protocol/screen-protocol.h): the pixel file, in which
 * video memory and everything else that is shown lies, and the screen page.
 *
 * A display device is the source: it says what is shown and what has changed. Clients are told at
 * most once every 16 ms. Calls may come from any thread with the device lock held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocol/screen-protocol.h"

struct event_loop;
struct screen;
struct state_reader;
struct state_writer;

/* What a display device does for its screen. Main thread, device lock held. */
struct screen_source_ops {
	/*
	 * Somebody looks at the screen from now on, or nobody does. While nobody does, the device
	 * need not find out what has changed, nor tell.
	 */
	void (*watched)(void *device, bool watched);
	/* Brings the picture up to date and tells what has changed, whoever watches. */
	void (*refresh)(void *device);
	/* The size the guest is asked to use. -EOPNOTSUPP where it cannot be asked. */
	int (*resize)(void *device, uint32_t width, uint32_t height);
};

/*
 * pixel_bytes: of the pixel file, whole pages, at most SCREEN_MAX_PIXEL_BYTES; it takes memory only
 * where it is written. 0 or negative errno.
 */
int screen_create(struct event_loop *loop, uint64_t pixel_bytes, struct screen **ret_screen);
/* NULL is accepted. No memory slot may show the pixel file any more. */
void screen_destroy(struct screen *screen);

/* The pixel file, mapped, aligned to a page. Readable and writable at any time. */
uint8_t *screen_pixels(const struct screen *screen);
uint64_t screen_pixel_bytes(const struct screen *screen);
/* Borrowed; clients can neither write to them nor resize them. */
int screen_page_fd(const struct screen *screen);
int screen_pixels_fd(const struct screen *screen);

/* What is read by clients, for tests and for the device itself. */
const struct screen_page *screen_page(const struct screen *screen);

/*
 * device is passed to ops. Also while the machine runs: nobody watches the source before any more,
 * and the new one is told if somebody does.
 */
void screen_set_source(struct screen *screen, const struct screen_source_ops *ops, void *device);

/*
 * For the source. What is shown from now on; all of it counts as changed. generation is ignored.
 * The picture must lie in the pixel file and keep to the protocol's bounds.
 */
void screen_set_mode(struct screen *screen, const struct screen_mode *mode);
/* Nothing is shown. */
void screen_blank(struct screen *screen);
/* Part of the picture has changed. What lies outside of it is cut off. */
void screen_damage(struct screen *screen, uint32_t x, uint32_t y, uint32_t width, uint32_t height);
/* The pointer's image as the protocol has it, width * height pixels; NULL hides the pointer. */
void screen_set_cursor(struct screen *screen, const uint32_t *image, uint32_t width,
		       uint32_t height, uint32_t hot_x, uint32_t hot_y);
void screen_move_cursor(struct screen *screen, int32_t x, int32_t y);

/* The pointer to and from a machine's state. Problems are told the reader. */
void screen_cursor_save(const struct screen *screen, struct state_writer *writer);
void screen_cursor_load(struct screen *screen, struct state_reader *reader);

/* For the machine. changed is called while the screen is watched, on any thread. */
void screen_set_listener(struct screen *screen, void (*changed)(void *data), void *data);
void screen_watch(struct screen *screen, bool watched);
void screen_refresh(struct screen *screen);
int screen_resize(struct screen *screen, uint32_t width, uint32_t height);

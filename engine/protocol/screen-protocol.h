/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine's screen in memory that its clients map read-only: the screen page, which says what the
 * picture is, and the pixel file, which holds it. Pixels are never copied through the channel: in
 * most modes the guest draws straight into the pixel file.
 *
 * One writer (the VMM), any number of readers, no system call. Everything in the page but the
 * constant header is written between two increments of header.sequence, as in the statistics page
 * (protocol/statistics-protocol.h). Pixels change at any time; what has changed since a reader's
 * last copy of the page is told by the damage rectangles.
 *
 * A guest may have taken over its VMM: the reader believes no number without a bound and never
 * interprets pixels. All fields are little-endian, which is the host's order on every host of this
 * program.
 */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define SCREEN_MAGIC 0x4e524353594b4e49ULL /* "INKYSCRN" */

enum {
	SCREEN_MAJOR = 1, /* another major is refused */
	SCREEN_MINOR = 0,
	SCREEN_MAX_WIDTH = 8192, /* pixels */
	SCREEN_MAX_HEIGHT = 8192,
	SCREEN_MAX_STRIDE = 1 << 16, /* bytes */
	SCREEN_CURSOR_SIDE = 64,     /* pixels, each way, at most */
	SCREEN_DAMAGE_SLOTS = 64,    /* a power of two */
};

/* Bytes of the pixel file, at most. */
#define SCREEN_MAX_PIXEL_BYTES (512ULL << 20)

/* Bytes of a pixel in memory, lowest address first; X has no meaning. */
enum screen_format {
	SCREEN_FORMAT_BGRX = 1,
	SCREEN_FORMAT_RGBX = 2,
};

struct screen_header { /* constant, but for the sequence */
	uint64_t magic;
	uint16_t major, minor;
	uint32_t size; /* bytes of the page */
	uint64_t pixel_bytes;
	uint32_t sequence; /* sequence lock */
	uint8_t reserved[36];
};

/* What is shown. Width 0: nothing; then the rest has no meaning. */
struct screen_mode {
	uint32_t generation;    /* counts changes of this line */
	uint32_t width, height; /* pixels */
	uint32_t stride;        /* bytes from a row to the next, at least 4 * width */
	uint64_t offset;        /* of the first pixel in the pixel file, a multiple of 4 */
	uint32_t format;        /* enum screen_format */
	uint8_t reserved[36];
};

/* The guest's pointer. */
struct screen_cursor {
	uint32_t generation;    /* counts changes of everything here but the position */
	uint32_t visible;       /* 0 or 1 */
	uint32_t width, height; /* pixels, at most SCREEN_CURSOR_SIDE */
	uint32_t hot_x, hot_y;  /* inside the image */
	int32_t x, y;           /* of the hot spot on the screen, where the guest put it */
	uint8_t reserved[32];
	/* rows without gaps, bytes B, G, R, A with premultiplied alpha */
	uint32_t image[SCREEN_CURSOR_SIDE * SCREEN_CURSOR_SIDE];
};

/* Pixels, inside the mode of that time. */
struct screen_rectangle {
	uint16_t x, y, width, height;
};

/* Rectangle number n is in slot n % SCREEN_DAMAGE_SLOTS. */
struct screen_damage {
	uint32_t count; /* rectangles so far; wraps */
	uint8_t reserved[60];
	struct screen_rectangle slots[SCREEN_DAMAGE_SLOTS];
};

struct screen_page {
	struct screen_header header;
	struct screen_mode mode;
	struct screen_cursor cursor;
	struct screen_damage damage;
};

static_assert(sizeof(struct screen_header) == 64, "one line");
static_assert(sizeof(struct screen_mode) == 64, "one line");
static_assert(offsetof(struct screen_cursor, image) == 64, "one line, then the image");
static_assert(sizeof(struct screen_page) % 64 == 0, "whole lines");

/*
 * A reader's consistent copy of a page that somebody else writes, and may write wrongly. 0; -EAGAIN
 * when the writer kept changing it or died while it did; -EPROTO or, for another major version,
 * -EPROTONOSUPPORT when the page is not what it should be. *copy is only meaningful after 0: then
 * the mode's picture lies inside pixel_bytes (the size the reader has found the pixel file to
 * have), the cursor is within its bounds, and so is each rectangle within the mode. At most 64
 * tries, no system call.
 */
int screen_copy(const struct screen_page *shared, uint64_t pixel_bytes, struct screen_page *copy);

/*
 * What has changed since a reader saw damage number seen: fills rectangles and returns how many (0
 * to SCREEN_DAMAGE_SLOTS), or -1 when too much has happened to tell: all of the picture.
 */
int screen_damage_since(const struct screen_page *copy, uint32_t seen,
			struct screen_rectangle rectangles[SCREEN_DAMAGE_SLOTS]);

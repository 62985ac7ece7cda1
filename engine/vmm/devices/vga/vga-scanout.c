/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vga/vga-scanout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vga/vga-memory.h"
#include "devices/vga/vga-registers.h"
#include "display/screen.h"

/* Rectangles of one update: past these they are joined, so that readers keep up with the ring. */
enum { MAX_RECTANGLES = 16 };

struct rectangle {
	uint32_t x, y, width, height; /* height 0: none */
};

/* Rectangles on their way to the screen; the last one still grows. */
struct damage {
	struct screen *screen;
	unsigned int count;
	struct rectangle last;
};

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t greater(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static struct rectangle join(const struct rectangle *a, const struct rectangle *b)
{
	uint32_t right = greater(a->x + a->width, b->x + b->width);
	uint32_t bottom = greater(a->y + a->height, b->y + b->height);
	struct rectangle both = {.x = smaller(a->x, b->x), .y = smaller(a->y, b->y)};

	both.width = right - both.x;
	both.height = bottom - both.y;
	return both;
}

static void flush(struct damage *damage)
{
	const struct rectangle *last = &damage->last;

	if (last->height == 0)
		return;
	screen_damage(damage->screen, last->x, last->y, last->width, last->height);
	damage->count++;
	damage->last.height = 0;
}

/* From the top down. */
static void add(struct damage *damage, const struct rectangle *rectangle)
{
	const struct rectangle *last = &damage->last;
	bool below = last->x == rectangle->x && last->width == rectangle->width &&
		     last->y + last->height == rectangle->y;

	if (last->height > 0 && (below || damage->count >= MAX_RECTANGLES - 1)) {
		damage->last = join(last, rectangle);
		return;
	}
	flush(damage);
	damage->last = *rectangle;
}

uint64_t vga_scanout_pixel_bytes(uint32_t memory_size)
{
	return memory_size + (uint64_t)VGA_PICTURE_MAX_PIXELS * sizeof(uint32_t);
}

int vga_scanout_init(struct vga_scanout *scanout, struct screen *screen, uint32_t memory_size)
{
	*scanout = (struct vga_scanout){.screen = screen, .drawing = memory_size};
	scanout->cells = calloc(VGA_PICTURE_MAX_CELLS, sizeof(*scanout->cells));
	return scanout->cells ? 0 : -ENOMEM;
}

void vga_scanout_finish(struct vga_scanout *scanout)
{
	free(scanout->cells);
	scanout->cells = NULL;
}

static uint32_t *drawn_pixels(const struct vga_scanout *scanout, uint32_t x, uint32_t y)
{
	uint32_t *first = (uint32_t *)(void *)(screen_pixels(scanout->screen) + scanout->drawing);

	return first + (size_t)y * scanout->picture.width + x;
}

/* Somebody else may have used the screen since the last time. */
static void set_mode(const struct vga_scanout *scanout)
{
	const struct vga_picture *picture = &scanout->picture;
	bool linear = picture->kind == VGA_PICTURE_RGB32;
	struct screen_mode mode = {
		.generation = screen_page(scanout->screen)->mode.generation,
		.width = picture->width,
		.height = picture->height,
		.stride = linear ? picture->pitch : picture->width * (uint32_t)sizeof(uint32_t),
		.offset = linear ? picture->start : scanout->drawing,
		.format = SCREEN_FORMAT_BGRX,
	};

	if (memcmp(&mode, &screen_page(scanout->screen)->mode, sizeof(mode)) != 0)
		screen_set_mode(scanout->screen, &mode);
}

static void draw_row(struct vga_scanout *scanout, const struct vga_registers *registers,
		     const struct vga_memory *memory, uint32_t row, bool all, struct damage *damage)
{
	const struct vga_picture *picture = &scanout->picture;
	uint32_t columns = picture->text.columns, first = columns, last = 0;
	uint32_t width = vga_picture_cell_width(picture), height = vga_picture_cell_height(picture);
	vga_cell *cells = scanout->cells + (size_t)row * columns;
	struct rectangle rectangle;

	for (uint32_t column = 0; column < columns; column++) {
		vga_cell cell = vga_picture_cell(picture, memory, registers, row, column);

		if (cell == cells[column] && !all)
			continue;
		cells[column] = cell;
		vga_picture_draw_cell(picture, memory, cell,
				      drawn_pixels(scanout, column * width, row * height),
				      picture->width);
		first = smaller(first, column);
		last = column;
	}
	if (first > last)
		return;
	rectangle =
		(struct rectangle){first * width, row * height, (last - first + 1) * width, height};
	add(damage, &rectangle);
}

/* Text says itself what has changed: the cells are few. */
static void update_text(struct vga_scanout *scanout, const struct vga_registers *registers,
			const struct vga_memory *memory, bool all, struct damage *damage)
{
	for (uint32_t row = 0; row < scanout->picture.text.rows; row++)
		draw_row(scanout, registers, memory, row, all, damage);
}

/* Lines that show the same memory are drawn once. */
static void draw_line(struct vga_scanout *scanout, const struct vga_memory *memory, uint32_t line,
		      bool again)
{
	const struct vga_picture *picture = &scanout->picture;
	uint32_t *pixels = drawn_pixels(scanout, 0, line);

	if (picture->kind == VGA_PICTURE_RGB32)
		return;
	if (again)
		memcpy(pixels, pixels - picture->width, picture->width * sizeof(*pixels));
	else
		vga_picture_draw_line(picture, memory, line, pixels);
}

static void update_lines(struct vga_scanout *scanout, const struct vga_memory *memory, bool all,
			 struct damage *damage)
{
	const struct vga_picture *picture = &scanout->picture;
	uint32_t bytes = vga_picture_line_bytes(picture), before = UINT32_MAX;
	struct rectangle rectangle = {.width = picture->width, .height = 1};

	if (!all && !memory->changed)
		return;
	for (uint32_t line = 0; line < picture->height; line++) {
		uint32_t start = vga_picture_line_start(picture, line);

		if (all || vga_memory_is_marked(memory, start, bytes)) {
			draw_line(scanout, memory, line, start == before);
			rectangle.y = line;
			add(damage, &rectangle);
		}
		before = start;
	}
}

bool vga_scanout_update(struct vga_scanout *scanout, const struct vga_registers *registers,
			struct vga_memory *memory, bool all)
{
	struct damage damage = {.screen = scanout->screen};
	struct vga_picture picture;
	bool different;

	vga_picture_of(registers, memory->size, &picture);
	different = memcmp(&picture, &scanout->picture, sizeof(picture)) != 0;
	/* as bytes, so that they can be compared */
	memcpy(&scanout->picture, &picture, sizeof(picture));
	all = all || different;
	if (picture.kind == VGA_PICTURE_BLANK)
		screen_blank(scanout->screen);
	else
		set_mode(scanout);
	if (picture.kind == VGA_PICTURE_TEXT)
		update_text(scanout, registers, memory, all || memory->font_changed, &damage);
	else if (picture.kind != VGA_PICTURE_BLANK)
		update_lines(scanout, memory, all, &damage);
	flush(&damage);
	memory->font_changed = false;
	vga_memory_mark_none(memory);
	return different || damage.count > 0;
}

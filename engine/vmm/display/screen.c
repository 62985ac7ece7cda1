/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The screen page as its writer sees it, and when its readers are told. The files are made before
 * the sandbox is applied; afterwards nothing here makes a system call but to set its timer.
 */
#include "display/screen.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/checked-arithmetic.h"
#include "base/fd.h"
#include "loop/event-loop.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

/* The time between two calls of the listener: nobody sees more pictures a second. */
#define NOTICE_INTERVAL_NS 16000000ULL

struct shared_file {
	int fd;
	void *memory;
	uint64_t size;
};

struct screen {
	struct shared_file page_file;
	struct shared_file pixel_file;
	struct screen_page *page; /* in page_file */
	const struct screen_source_ops *source;
	void *device;
	void (*changed)(void *data);
	void *changed_data;
	bool watched;
	struct event_timer *notice_timer;
	bool notice_due; /* the timer is set */
	uint64_t noticed_ns;
};

/*
 * F_SEAL_FUTURE_WRITE comes after our own writable map: from then on nobody, not even with our
 * descriptor, can write to the file or map it for writing.
 */
static const int file_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;

static int shared_file_create(struct shared_file *file, const char *name, uint64_t size)
{
	file->fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (file->fd < 0)
		return -errno;
	if (ftruncate(file->fd, (off_t)size) < 0)
		return -errno;
	file->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
	if (file->memory == MAP_FAILED) {
		file->memory = NULL;
		return -errno;
	}
	file->size = size;
	/* A forked child would draw into its parent's picture. */
	if (madvise(file->memory, size, MADV_DONTFORK) < 0)
		return -errno;
	return fcntl(file->fd, F_ADD_SEALS, file_seals) < 0 ? -errno : 0;
}

static void shared_file_destroy(struct shared_file *file)
{
	if (file->memory)
		munmap(file->memory, file->size);
	fd_close(&file->fd);
}

static void begin(struct screen *screen)
{
	uint32_t *sequence = &screen->page->header.sequence;

	assert(!(*sequence & 1));
	__atomic_store_n(sequence, *sequence + 1, __ATOMIC_RELAXED);
	/* no write of the update may be seen before the sequence is odd */
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void end(struct screen *screen)
{
	uint32_t *sequence = &screen->page->header.sequence;

	__atomic_store_n(sequence, *sequence + 1, __ATOMIC_RELEASE);
}

static void tell(struct screen *screen)
{
	screen->noticed_ns = event_loop_now();
	screen->changed(screen->changed_data);
}

static void on_notice(void *data)
{
	struct screen *screen = data;

	screen->notice_due = false;
	if (screen->watched)
		tell(screen);
}

/* At once if the last notice is long enough ago, else when it will be. */
static void note_change(struct screen *screen)
{
	uint64_t earliest = screen->noticed_ns + NOTICE_INTERVAL_NS;

	if (!screen->watched || !screen->changed || screen->notice_due)
		return;
	if (event_loop_now() >= earliest) {
		tell(screen);
		return;
	}
	screen->notice_due = true;
	event_timer_set(screen->notice_timer, earliest);
}

static int create_files(struct screen *screen, uint64_t pixel_bytes)
{
	int r = shared_file_create(&screen->page_file, "innkeeper-screen",
				   sizeof(struct screen_page));

	if (r == 0)
		r = shared_file_create(&screen->pixel_file, "innkeeper-pixels", pixel_bytes);
	if (r < 0)
		return r;
	screen->page = screen->page_file.memory;
	screen->page->header = (struct screen_header){
		.magic = SCREEN_MAGIC,
		.major = SCREEN_MAJOR,
		.minor = SCREEN_MINOR,
		.size = sizeof(struct screen_page),
		.pixel_bytes = pixel_bytes,
	};
	return 0;
}

int screen_create(struct event_loop *loop, uint64_t pixel_bytes, struct screen **ret_screen)
{
	struct screen *screen = calloc(1, sizeof(*screen));
	int r;

	assert(pixel_bytes <= SCREEN_MAX_PIXEL_BYTES);
	if (!screen)
		return -ENOMEM;
	screen->page_file.fd = screen->pixel_file.fd = -1;
	r = create_files(screen, pixel_bytes);
	if (r == 0)
		r = event_loop_add_timer(loop, on_notice, screen, &screen->notice_timer);
	if (r < 0) {
		screen_destroy(screen);
		return r;
	}
	*ret_screen = screen;
	return 0;
}

void screen_destroy(struct screen *screen)
{
	if (!screen)
		return;
	event_timer_remove(screen->notice_timer);
	shared_file_destroy(&screen->pixel_file);
	shared_file_destroy(&screen->page_file);
	free(screen);
}

uint8_t *screen_pixels(const struct screen *screen)
{
	return screen->pixel_file.memory;
}

uint64_t screen_pixel_bytes(const struct screen *screen)
{
	return screen->pixel_file.size;
}

int screen_page_fd(const struct screen *screen)
{
	return screen->page_file.fd;
}

int screen_pixels_fd(const struct screen *screen)
{
	return screen->pixel_file.fd;
}

const struct screen_page *screen_page(const struct screen *screen)
{
	return screen->page;
}

void screen_set_source(struct screen *screen, const struct screen_source_ops *ops, void *device)
{
	if (screen->source && screen->watched)
		screen->source->watched(screen->device, false);
	screen->source = ops;
	screen->device = device;
	if (screen->watched)
		ops->watched(device, true);
}

void screen_set_mode(struct screen *screen, const struct screen_mode *mode)
{
	uint32_t generation = screen->page->mode.generation;

	assert(mode->width <= SCREEN_MAX_WIDTH && mode->height <= SCREEN_MAX_HEIGHT);
	assert(range_fits(mode->offset, (uint64_t)mode->stride * mode->height,
			  screen->pixel_file.size));
	begin(screen);
	screen->page->mode = *mode;
	screen->page->mode.generation = generation + 1;
	end(screen);
	note_change(screen);
}

void screen_blank(struct screen *screen)
{
	const struct screen_mode nothing = {.width = 0};

	if (screen->page->mode.width > 0)
		screen_set_mode(screen, &nothing);
}

/* How much of [from, from + length) is below the limit. */
static uint16_t cut(uint32_t from, uint32_t length, uint32_t limit)
{
	if (from >= limit)
		return 0;
	return (uint16_t)(length < limit - from ? length : limit - from);
}

void screen_damage(struct screen *screen, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	struct screen_damage *damage = &screen->page->damage;
	const struct screen_rectangle rectangle = {
		.x = (uint16_t)x,
		.y = (uint16_t)y,
		.width = cut(x, width, screen->page->mode.width),
		.height = cut(y, height, screen->page->mode.height),
	};

	if (rectangle.width == 0 || rectangle.height == 0)
		return;
	begin(screen);
	damage->slots[damage->count % SCREEN_DAMAGE_SLOTS] = rectangle;
	damage->count++;
	end(screen);
	note_change(screen);
}

void screen_set_cursor(struct screen *screen, const uint32_t *image, uint32_t width,
		       uint32_t height, uint32_t hot_x, uint32_t hot_y)
{
	struct screen_cursor *cursor = &screen->page->cursor;

	begin(screen);
	cursor->generation++;
	cursor->visible = image && hot_x < width && hot_y < height;
	if (cursor->visible) {
		assert(width <= SCREEN_CURSOR_SIDE && height <= SCREEN_CURSOR_SIDE);
		cursor->width = width;
		cursor->height = height;
		cursor->hot_x = hot_x;
		cursor->hot_y = hot_y;
		memcpy(cursor->image, image, (size_t)width * height * sizeof(*image));
	}
	end(screen);
	note_change(screen);
}

void screen_move_cursor(struct screen *screen, int32_t x, int32_t y)
{
	begin(screen);
	screen->page->cursor.x = x;
	screen->page->cursor.y = y;
	end(screen);
	note_change(screen);
}

static size_t image_size(const struct screen_cursor *cursor)
{
	return (size_t)cursor->width * cursor->height * sizeof(cursor->image[0]);
}

void screen_cursor_save(const struct screen *screen, struct state_writer *writer)
{
	const struct screen_cursor *cursor = &screen->page->cursor;

	state_writer_put32(writer, (uint32_t)cursor->x);
	state_writer_put32(writer, (uint32_t)cursor->y);
	state_writer_put_bool(writer, cursor->visible);
	if (!cursor->visible)
		return;
	state_writer_put8(writer, (uint8_t)cursor->width);
	state_writer_put8(writer, (uint8_t)cursor->height);
	state_writer_put8(writer, (uint8_t)cursor->hot_x);
	state_writer_put8(writer, (uint8_t)cursor->hot_y);
	state_writer_put_bytes(writer, cursor->image, image_size(cursor));
}

static void load_image(struct screen *screen, struct state_reader *reader)
{
	struct screen_cursor cursor = {.width = state_reader_get8(reader)};

	cursor.height = state_reader_get8(reader);
	cursor.hot_x = state_reader_get8(reader);
	cursor.hot_y = state_reader_get8(reader);
	if (!state_reader_check(reader,
				cursor.width <= SCREEN_CURSOR_SIDE &&
					cursor.height <= SCREEN_CURSOR_SIDE &&
					cursor.hot_x < cursor.width && cursor.hot_y < cursor.height,
				"the pointer is larger than it can be"))
		return;
	state_reader_get_bytes(reader, cursor.image, image_size(&cursor));
	screen_set_cursor(screen, cursor.image, cursor.width, cursor.height, cursor.hot_x,
			  cursor.hot_y);
}

void screen_cursor_load(struct screen *screen, struct state_reader *reader)
{
	uint32_t x = state_reader_get32(reader), y = state_reader_get32(reader);

	if (state_reader_get_bool(reader))
		load_image(screen, reader);
	if (state_reader_check(reader, x <= SCREEN_MAX_WIDTH && y <= SCREEN_MAX_HEIGHT,
			       "the pointer is where no screen is"))
		screen_move_cursor(screen, (int32_t)x, (int32_t)y);
}

void screen_set_listener(struct screen *screen, void (*changed)(void *data), void *data)
{
	screen->changed = changed;
	screen->changed_data = data;
}

void screen_watch(struct screen *screen, bool watched)
{
	if (screen->watched == watched)
		return;
	screen->watched = watched;
	if (screen->source)
		screen->source->watched(screen->device, watched);
}

void screen_refresh(struct screen *screen)
{
	if (screen->source)
		screen->source->refresh(screen->device);
}

int screen_resize(struct screen *screen, uint32_t width, uint32_t height)
{
	return screen->source ? screen->source->resize(screen->device, width, height) : -EOPNOTSUPP;
}

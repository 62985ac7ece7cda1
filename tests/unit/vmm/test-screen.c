/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "display/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loop/event-loop.h"

#define PIXEL_BYTES (1ULL << 20)

struct fixture {
	struct event_loop *loop;
	struct screen *screen;
	unsigned int notices, refreshes;
	bool watched, waiting;
	uint32_t width, height;
};

static void on_watched(void *data, bool watched)
{
	((struct fixture *)data)->watched = watched;
}

static void on_refresh(void *data)
{
	((struct fixture *)data)->refreshes++;
}

static int on_resize(void *data, uint32_t width, uint32_t height)
{
	struct fixture *f = data;

	f->width = width;
	f->height = height;
	return 0;
}

static const struct screen_source_ops source_ops = {on_watched, on_refresh, on_resize};

static void on_changed(void *data)
{
	struct fixture *f = data;

	f->notices++;
	if (f->waiting)
		event_loop_stop(f->loop, 0);
}

static void show(struct fixture *f, uint32_t width, uint32_t height)
{
	const struct screen_mode mode = {
		.width = width,
		.height = height,
		.stride = width * 4,
		.format = SCREEN_FORMAT_BGRX,
	};

	screen_set_mode(f->screen, &mode);
}

static void set_up(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(event_loop_create(&f->loop), ==, 0);
	g_assert_cmpint(screen_create(f->loop, PIXEL_BYTES, &f->screen), ==, 0);
	screen_set_source(f->screen, &source_ops, f);
	screen_set_listener(f->screen, on_changed, f);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	screen_destroy(f->screen);
	event_loop_destroy(f->loop);
}

/* What a client can do with the descriptors: look, and nothing else. */
static void test_sealed(struct fixture *f, gconstpointer data)
{
	const int fds[] = {screen_page_fd(f->screen), screen_pixels_fd(f->screen)};

	for (unsigned int i = 0; i < G_N_ELEMENTS(fds); i++) {
		void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fds[i], 0);

		g_assert_true(map != MAP_FAILED);
		munmap(map, 4096);
		g_assert_true(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fds[i], 0) ==
			      MAP_FAILED);
		g_assert_cmpint(pwrite(fds[i], "x", 1, 0), ==, -1);
		g_assert_cmpint(ftruncate(fds[i], 0), ==, -1);
	}
}

static void read_page(struct fixture *f, struct screen_page *copy)
{
	g_assert_cmpint(screen_copy(screen_page(f->screen), PIXEL_BYTES, copy), ==, 0);
}

static void test_picture(struct fixture *f, gconstpointer data)
{
	g_autofree struct screen_page *copy = g_new(struct screen_page, 1);
	struct screen_rectangle rectangles[SCREEN_DAMAGE_SLOTS];
	uint32_t image[4] = {1, 2, 3, 4};

	read_page(f, copy);
	g_assert_cmpuint(copy->mode.width, ==, 0);
	screen_damage(f->screen, 0, 0, 10, 10); /* of nothing */
	show(f, 100, 50);
	screen_damage(f->screen, 90, 40, 100, UINT32_MAX);
	screen_damage(f->screen, UINT32_MAX, 0, 1, 1);
	screen_set_cursor(f->screen, image, 2, 2, 1, 0);
	screen_move_cursor(f->screen, -3, 7);
	read_page(f, copy);
	g_assert_cmpuint(copy->mode.width, ==, 100);
	g_assert_cmpuint(copy->mode.generation, ==, 1);
	g_assert_cmpint(screen_damage_since(copy, 0, rectangles), ==, 1);
	g_assert_cmpuint(rectangles[0].x, ==, 90);
	g_assert_cmpuint(rectangles[0].width, ==, 10);
	g_assert_cmpuint(rectangles[0].height, ==, 10);
	g_assert_cmpuint(copy->cursor.visible, ==, 1);
	g_assert_cmpmem(copy->cursor.image, sizeof(image), image, sizeof(image));
	g_assert_cmpint(copy->cursor.x, ==, -3);
	screen_set_cursor(f->screen, NULL, 0, 0, 0, 0);
	screen_blank(f->screen);
	screen_blank(f->screen);
	read_page(f, copy);
	g_assert_cmpuint(copy->cursor.visible, ==, 0);
	g_assert_cmpuint(copy->mode.width, ==, 0);
	g_assert_cmpuint(copy->mode.generation, ==, 2);
}

/* Nobody is told who does not watch; who does is told at once, and then at most every 16 ms. */
static void test_notices(struct fixture *f, gconstpointer data)
{
	uint64_t start;

	show(f, 100, 50);
	g_assert_cmpuint(f->notices, ==, 0);
	g_assert_false(f->watched);
	screen_watch(f->screen, true);
	g_assert_true(f->watched);
	start = event_loop_now();
	screen_damage(f->screen, 0, 0, 1, 1);
	g_assert_cmpuint(f->notices, ==, 1);
	for (unsigned int i = 0; i < 100; i++)
		screen_damage(f->screen, 0, 0, 1, 1);
	/* All within 16 ms, unless this computer stood still. */
	if (event_loop_now() - start < 16000000)
		g_assert_cmpuint(f->notices, ==, 1);
}

static void test_late_notice(struct fixture *f, gconstpointer data)
{
	show(f, 100, 50);
	screen_watch(f->screen, true);
	for (unsigned int i = 0; i < 3; i++)
		screen_damage(f->screen, 0, 0, 1, 1);
	f->notices = 0;
	screen_damage(f->screen, 0, 0, 1, 1);
	if (f->notices == 0) {
		f->waiting = true;
		event_loop_run(f->loop); /* until the timer */
	}
	g_assert_cmpuint(f->notices, ==, 1);
	screen_watch(f->screen, false);
	g_assert_false(f->watched);
	screen_damage(f->screen, 0, 0, 1, 1);
	g_assert_cmpuint(f->notices, ==, 1);
}

static void test_asked(struct fixture *f, gconstpointer data)
{
	screen_refresh(f->screen);
	g_assert_cmpuint(f->refreshes, ==, 1);
	g_assert_cmpint(screen_resize(f->screen, 800, 600), ==, 0);
	g_assert_cmpuint(f->width, ==, 800);
	g_assert_cmpuint(f->height, ==, 600);
}

static void test_source(struct fixture *f, gconstpointer data)
{
	struct fixture second = {.watched = false};

	screen_set_source(f->screen, &source_ops, &second);
	g_assert_false(second.watched);
	screen_watch(f->screen, true);
	g_assert_true(second.watched);
	g_assert_false(f->watched);
	screen_set_source(f->screen, &source_ops, f);
	g_assert_true(f->watched);
	g_assert_false(second.watched);
	screen_refresh(f->screen);
	g_assert_cmpuint(f->refreshes, ==, 1);
	g_assert_cmpuint(second.refreshes, ==, 0);
}

#define ADD(name, function) \
	g_test_add("/screen/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("sealed", test_sealed);
	ADD("picture", test_picture);
	ADD("notices", test_notices);
	ADD("late-notice", test_late_notice);
	ADD("asked", test_asked);
	ADD("source", test_source);
	return g_test_run();
}

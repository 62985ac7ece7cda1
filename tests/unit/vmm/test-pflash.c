/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "bus/address-space.h"
#include "devices/devices.h"
#include "fake-memory-slots.h"
#include "loop/event-loop.h"
#include "state-block.h"

enum { SIZE = 16 << 10, BLOCK = 4096 };
#define GPA 0xffc00000ULL

struct fixture {
	struct address_space *mmio;
	struct fake_memory_slots slots;
	struct event_loop *loop;
	struct pflash *flash;
	int fd;
	unsigned int failures;
};

static void on_failed(void *data, int error)
{
	((struct fixture *)data)->failures++;
}

/* All bits are set, as on a fresh chip, but for the first byte. */
static void set_up(struct fixture *f, bool keep)
{
	struct pflash_store store = {.fd = -1, .failed = on_failed, .data = f};
	struct pflash_host host;
	uint8_t contents[SIZE];

	*f = (struct fixture){.fd = memfd_create("flash", MFD_CLOEXEC)};
	memset(contents, 0xff, sizeof(contents));
	contents[0] = 0x42;
	g_assert_cmpint(fd_write_at(f->fd, contents, SIZE, 0), ==, 0);
	fake_memory_slots_init(&f->slots);
	g_assert_cmpint(address_space_create(0, &f->mmio), ==, 0);
	g_assert_cmpint(event_loop_create(&f->loop), ==, 0);
	if (keep)
		store.fd = f->fd;
	host = (struct pflash_host){f->mmio, &f->slots.registry, f->loop};
	g_assert_cmpint(pflash_create(&host, GPA, SIZE, f->fd, &store, &f->flash), ==, 0);
	event_loop_lock(f->loop);
}

static void tear_down(struct fixture *f)
{
	event_loop_unlock(f->loop);
	pflash_destroy(f->flash);
	g_assert_cmpuint(f->slots.count, ==, 0);
	event_loop_destroy(f->loop);
	address_space_destroy(f->mmio);
	fd_close(&f->fd);
}

static void put(struct fixture *f, uint32_t offset, uint8_t value)
{
	address_space_write(f->mmio, GPA + offset, 1, value);
}

static uint8_t get(struct fixture *f, uint32_t offset)
{
	return (uint8_t)address_space_read(f->mmio, GPA + offset, 1);
}

static void program(struct fixture *f, uint32_t offset, uint8_t value)
{
	put(f, offset, 0x10);
	put(f, offset, value);
}

static uint8_t stored(struct fixture *f, uint32_t offset)
{
	uint8_t byte;

	g_assert_cmpint(fd_read_at(f->fd, &byte, 1, offset), ==, 0);
	return byte;
}

/* As firmware does it to tell flash from RAM and ROM. */
static void test_detection(void)
{
	struct fixture f;

	set_up(&f, false);
	put(&f, 0, 0x50);
	g_assert_cmphex(get(&f, 0), ==, 0x42);
	put(&f, 0, 0x70);
	g_assert_cmphex(get(&f, 0), ==, 0x00);
	put(&f, 0, 0xff);
	g_assert_cmphex(get(&f, 0), ==, 0x42);
	tear_down(&f);
}

static void test_program(void)
{
	struct fixture f;

	set_up(&f, false);
	program(&f, 100, 0x5a);
	g_assert_cmphex(get(&f, 100), ==, 0x5a);
	put(&f, 100, 0x40); /* the other command for it; bits can only be cleared */
	put(&f, 100, 0x0f);
	g_assert_cmphex(get(&f, 100), ==, 0x0a);
	put(&f, 0, 0x70);
	g_assert_cmphex(get(&f, 0), ==, 0x80);
	put(&f, 0, 0x50);
	g_assert_cmphex(get(&f, 0), ==, 0x00);
	tear_down(&f);
}

static void test_erase(void)
{
	struct fixture f;

	set_up(&f, false);
	program(&f, BLOCK - 1, 0);
	program(&f, BLOCK, 0);
	program(&f, 2 * BLOCK - 1, 0);
	program(&f, 2 * BLOCK, 0);
	put(&f, BLOCK + 7, 0x20);
	put(&f, BLOCK + 7, 0xd0);
	g_assert_cmphex(get(&f, BLOCK - 1), ==, 0);
	g_assert_cmphex(get(&f, BLOCK), ==, 0xff);
	g_assert_cmphex(get(&f, 2 * BLOCK - 1), ==, 0xff);
	g_assert_cmphex(get(&f, 2 * BLOCK), ==, 0);
	/* not confirmed: an error, and nothing else */
	put(&f, 0, 0x20);
	put(&f, 0, 0xff);
	put(&f, 0, 0x70);
	g_assert_cmphex(get(&f, 0), ==, 0xb0);
	put(&f, 0, 0xff);
	g_assert_cmphex(get(&f, 0), ==, 0x42);
	tear_down(&f);
}

static void test_buffer(void)
{
	struct fixture f;

	set_up(&f, false);
	put(&f, 8, 0xe8);
	put(&f, 8, 1); /* two bytes */
	put(&f, 8, 0x11);
	put(&f, SIZE - 1, 0x22);
	g_assert_cmphex(get(&f, 8), ==, 0xff);
	put(&f, 8, 0xd0);
	g_assert_cmphex(get(&f, 8), ==, 0x11);
	g_assert_cmphex(get(&f, SIZE - 1), ==, 0x22);
	put(&f, 8, 0xe8);
	put(&f, 8, 64); /* more than the buffer has */
	put(&f, 8, 0x70);
	g_assert_cmphex(get(&f, 0), ==, 0xb0);
	tear_down(&f);
}

static void test_identifier_and_reset(void)
{
	struct fixture f;

	set_up(&f, false);
	put(&f, 0, 0x90);
	g_assert_cmphex(get(&f, 0), ==, 0x89);
	g_assert_cmphex(get(&f, 1), ==, 0x18);
	g_assert_cmphex(get(&f, SIZE - 1), ==, 0);
	pflash_reset(f.flash);
	g_assert_cmphex(get(&f, 0), ==, 0x42);
	put(&f, 0, 0x10); /* the next byte would be data */
	pflash_reset(f.flash);
	put(&f, 0, 0x00);
	g_assert_cmphex(get(&f, 0), ==, 0x42);
	tear_down(&f);
}

static void test_kept(void)
{
	struct fixture f;

	set_up(&f, true);
	program(&f, 10, 0x0f);
	program(&f, SIZE - 1, 0x1e);
	g_assert_cmphex(stored(&f, 10), ==, 0xff);
	pflash_flush(f.flash);
	g_assert_cmphex(stored(&f, 10), ==, 0x0f);
	g_assert_cmphex(stored(&f, SIZE - 1), ==, 0x1e);
	tear_down(&f);
}

static void stop(void *data)
{
	event_loop_stop(data, 0);
}

/* Changes come to the file by themselves, without a flush. */
static void test_kept_in_time(void)
{
	struct event_timer *timer;
	struct fixture f;

	set_up(&f, true);
	program(&f, 10, 0x0f);
	g_assert_cmpint(event_loop_add_timer(f.loop, stop, f.loop, &timer), ==, 0);
	event_timer_set(timer, event_loop_now() + 200 * 1000000ULL);
	event_loop_unlock(f.loop);
	g_assert_cmpint(event_loop_run(f.loop), ==, 0);
	event_loop_lock(f.loop);
	g_assert_cmphex(stored(&f, 10), ==, 0x0f);
	tear_down(&f);
}

static void test_forgotten(void)
{
	struct fixture f;

	set_up(&f, false);
	program(&f, 10, 0x0f);
	pflash_flush(f.flash);
	g_assert_cmphex(stored(&f, 10), ==, 0xff);
	tear_down(&f);
}

/* A disk that is full: said once for each attempt, and kept until there is room. */
static void test_failure(void)
{
	struct fixture f;
	int saved;

	set_up(&f, true);
	program(&f, 10, 0x0f);
	saved = dup(f.fd);
	g_assert_cmpint(dup2(open("/dev/full", O_WRONLY | O_CLOEXEC), f.fd), ==, f.fd);
	pflash_flush(f.flash);
	g_assert_cmpuint(f.failures, ==, 1);
	g_assert_cmpint(dup2(saved, f.fd), ==, f.fd);
	fd_close(&saved);
	pflash_resume(f.flash);
	pflash_flush(f.flash);
	g_assert_cmpuint(f.failures, ==, 1);
	g_assert_cmphex(stored(&f, 10), ==, 0x0f);
	tear_down(&f);
}

/* A buffered write that is not confirmed yet, on a chip that shows its status. */
static void test_state(void)
{
	static struct state_block block;
	struct fixture f, other;

	set_up(&f, false);
	put(&f, 0, 0x70);
	put(&f, 100, 0xe8);
	put(&f, 100, 1); /* two bytes */
	put(&f, 100, 0x0f);
	put(&f, 101, 0x1e);
	STATE_BLOCK_SAVE(&block, pflash_save, f.flash);
	tear_down(&f);

	set_up(&other, false);
	STATE_BLOCK_LOAD(&block, pflash_load, other.flash);
	g_assert_cmphex(get(&other, 0), ==, 0x00);
	put(&other, 100, 0xd0);
	g_assert_cmphex(get(&other, 0), ==, 0x80);
	put(&other, 0, 0xff);
	g_assert_cmphex(get(&other, 0), ==, 0x42);
	g_assert_cmphex(get(&other, 100), ==, 0x0f);
	g_assert_cmphex(get(&other, 101), ==, 0x1e);
	STATE_BLOCK_REFUSE(&block, pflash_load, other.flash, 0, 3,
			   "the flash chip has no such command");
	STATE_BLOCK_REFUSE(&block, pflash_load, other.flash, 3, 65,
			   "the flash chip's buffer is not so large");
	STATE_BLOCK_REFUSE(&block, pflash_load, other.flash, 4, 1,
			   "the flash chip's buffer is not so large");
	STATE_BLOCK_REFUSE(&block, pflash_load, other.flash, 6, 0x40,
			   "the flash chip is not so large");
	tear_down(&other);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pflash/detection", test_detection);
	g_test_add_func("/pflash/program", test_program);
	g_test_add_func("/pflash/erase", test_erase);
	g_test_add_func("/pflash/buffer", test_buffer);
	g_test_add_func("/pflash/identifier-and-reset", test_identifier_and_reset);
	g_test_add_func("/pflash/kept", test_kept);
	g_test_add_func("/pflash/kept-in-time", test_kept_in_time);
	g_test_add_func("/pflash/forgotten", test_forgotten);
	g_test_add_func("/pflash/failure", test_failure);
	g_test_add_func("/pflash/state", test_state);
	return g_test_run();
}

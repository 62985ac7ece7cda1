/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virtio-gpu with a driver that behaves, and one that does not.
 */
#include "virtio/virtio-gpu.h"

#include <glib.h>
#include <linux/virtio_config.h>
#include <linux/virtio_gpu.h>
#include <string.h>

#include "display/screen.h"
#include "memory/guest-memory.h"
#include "state-block.h"
#include "virtio-pci-driver.h"
#include "virtio/virtio-device.h"

enum {
	DEVFN = TEST_MACHINE_DEVFN,
	COMMAND = TEST_MACHINE_BUFFERS_GPA,
	ANSWER = COMMAND + 0x2000,
	PICTURE = 0x80000, /* the guest's own picture */
	CONTROL = 0,
	CURSOR = 1,
	WIDTH = 64,
	HEIGHT = 32,
	PIXELS_OFFSET = 1 << 20,
	PIXELS_SIZE = 1 << 20,
};

struct fixture {
	struct test_machine machine;
	struct virtio_device *device;
	struct virtio_pci_driver driver;
	struct screen *screen;
	struct screen_page page;
	unsigned int takes;
	bool taken;
	uint32_t resize_width, resize_height;
	int resize_result;
};

static void on_taken(void *data, bool taken)
{
	struct fixture *f = data;

	f->taken = taken;
	f->takes++;
}

static void set_up(struct fixture *f)
{
	struct virtio_gpu_display display;

	test_machine_init(&f->machine);
	g_assert_cmpint(
		screen_create(f->machine.host.loop, PIXELS_OFFSET + PIXELS_SIZE, &f->screen), ==,
		0);
	display = (struct virtio_gpu_display){
		.screen = f->screen,
		.pixels_offset = PIXELS_OFFSET,
		.pixels_size = PIXELS_SIZE,
		.width = 1280,
		.height = 800,
		.taken = on_taken,
		.data = f,
	};
	g_assert_cmpint(virtio_gpu_create(&f->machine.host, DEVFN, 0x030000, &display, &f->device),
			==, 0);
}

static void tear_down(struct fixture *f)
{
	virtio_device_destroy(f->device);
	g_assert_false(f->taken);
	screen_destroy(f->screen);
	test_machine_finish(&f->machine);
}

static void run(void (*guest)(void *data))
{
	struct fixture *f = g_new0(struct fixture, 1);

	set_up(f);
	test_machine_run(&f->machine, guest, f);
	tear_down(f);
	g_free(f);
}

static void start(struct fixture *f)
{
	virtio_pci_driver_init(&f->driver, &f->machine, DEVFN);
	virtio_pci_driver_start(&f->driver, 1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_GPU_F_EDID,
				2);
}

static const struct screen_page *page(struct fixture *f)
{
	g_assert_cmpint(screen_copy(screen_page(f->screen), PIXELS_OFFSET + PIXELS_SIZE, &f->page),
			==, 0);
	return &f->page;
}

static void send(struct fixture *f, uint16_t queue, const void *command, uint32_t size,
		 uint32_t answer_size)
{
	const struct virtqueue_buffer buffers[] = {
		{COMMAND, size, false},
		{ANSWER, answer_size, true},
	};
	uint32_t written;

	g_assert_cmpint(guest_memory_write(f->machine.host.memory, COMMAND, command, size), ==, 0);
	virtqueue_driver_add(&f->driver.queues[queue], buffers, 2);
	virtio_pci_driver_kick(&f->driver, queue);
	virtio_pci_driver_wait(&f->driver, queue, &written);
	g_assert_cmpuint(written, <=, answer_size);
}

static void read_answer(struct fixture *f, void *answer, size_t size)
{
	g_assert_cmpint(guest_memory_read(f->machine.host.memory, ANSWER, answer, size), ==, 0);
}

/* The type of the answer to a command of the control queue. */
static uint32_t call(struct fixture *f, const void *command, uint32_t size)
{
	struct virtio_gpu_ctrl_hdr header;

	send(f, CONTROL, command, size, sizeof(struct virtio_gpu_resp_edid));
	read_answer(f, &header, sizeof(header));
	return header.type;
}

#define CALL(f, command) call(f, &(command), sizeof(command))

static uint32_t create(struct fixture *f, uint32_t id, uint32_t format, uint32_t width,
		       uint32_t height)
{
	const struct virtio_gpu_resource_create_2d command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
		.resource_id = id,
		.format = format,
		.width = width,
		.height = height,
	};

	return CALL(f, command);
}

struct attach_command {
	struct virtio_gpu_resource_attach_backing header;
	struct virtio_gpu_mem_entry entries[3];
};

/* The picture in three pieces whose borders are within rows. */
static struct attach_command attach_command(uint32_t id)
{
	return (struct attach_command){
		.header = {.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
			   .resource_id = id,
			   .nr_entries = 3},
		.entries = {{.addr = PICTURE + 0x4000, .length = 1000},
			    {.addr = PICTURE, .length = 3000},
			    {.addr = PICTURE + 0x8000, .length = WIDTH * HEIGHT * 4 - 4000}},
	};
}

static uint32_t attach(struct fixture *f, uint32_t id)
{
	struct attach_command command = attach_command(id);

	return CALL(f, command);
}

static uint32_t set_scanout(struct fixture *f, uint32_t id, struct virtio_gpu_rect r)
{
	const struct virtio_gpu_set_scanout command = {
		.hdr.type = VIRTIO_GPU_CMD_SET_SCANOUT,
		.r = r,
		.resource_id = id,
	};

	return CALL(f, command);
}

static uint32_t transfer(struct fixture *f, uint32_t id, struct virtio_gpu_rect r, uint64_t offset)
{
	const struct virtio_gpu_transfer_to_host_2d command = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
		.r = r,
		.offset = offset,
		.resource_id = id,
	};

	return CALL(f, command);
}

static uint32_t flush(struct fixture *f, uint32_t id, struct virtio_gpu_rect r)
{
	const struct virtio_gpu_resource_flush command = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH,
		.r = r,
		.resource_id = id,
	};

	return CALL(f, command);
}

static uint32_t simple(struct fixture *f, uint32_t type, uint32_t id)
{
	const struct virtio_gpu_resource_unref command = {.hdr.type = type, .resource_id = id};

	return CALL(f, command);
}

static const struct virtio_gpu_rect whole = {.width = WIDTH, .height = HEIGHT};

/* Draws into the pieces: each pixel says which it is. */
static void draw(struct fixture *f)
{
	const struct attach_command command = attach_command(1);
	uint32_t pixels[WIDTH * HEIGHT];
	const char *from = (const char *)pixels;

	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		pixels[i] = 0xff000000 | i;
	for (unsigned int i = 0; i < 3; i++) {
		g_assert_cmpint(guest_memory_write(f->machine.host.memory, command.entries[i].addr,
						   from, command.entries[i].length),
				==, 0);
		from += command.entries[i].length;
	}
}

static void set_up_picture(struct fixture *f)
{
	start(f);
	draw(f);
	g_assert_cmphex(create(f, 1, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, WIDTH, HEIGHT), ==,
			VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmphex(attach(f, 1), ==, VIRTIO_GPU_RESP_OK_NODATA);
}

static const uint32_t *picture(struct fixture *f)
{
	return (const uint32_t *)(const void *)(screen_pixels(f->screen) + page(f)->mode.offset);
}

static void guest_picture(void *data)
{
	struct fixture *f = data;
	struct screen_rectangle rectangles[SCREEN_DAMAGE_SLOTS];
	const struct virtio_gpu_rect part = {.x = 10, .y = 20, .width = 5, .height = 3};

	set_up_picture(f);
	g_assert_false(f->taken);
	g_assert_cmphex(set_scanout(f, 1, whole), ==, VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_true(f->taken);
	g_assert_cmpuint(page(f)->mode.width, ==, WIDTH);
	g_assert_cmpuint(page(f)->mode.format, ==, SCREEN_FORMAT_BGRX);
	g_assert_cmphex(transfer(f, 1, whole, 0), ==, VIRTIO_GPU_RESP_OK_NODATA);
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		g_assert_cmphex(picture(f)[i], ==, 0xff000000 | i);

	/* A part of the guest's picture into another part of ours. */
	g_assert_cmphex(transfer(f, 1, part, (2 * WIDTH + 1) * 4), ==, VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmphex(picture(f)[20 * WIDTH + 10], ==, 0xff000000 | (2 * WIDTH + 1));
	g_assert_cmphex(picture(f)[22 * WIDTH + 14], ==, 0xff000000 | (4 * WIDTH + 5));
	g_assert_cmphex(picture(f)[20 * WIDTH + 15], ==, 0xff000000 | (20 * WIDTH + 15));

	g_assert_cmphex(flush(f, 1, part), ==, VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmpint(screen_damage_since(page(f), 0, rectangles), ==, 1);
	g_assert_cmpuint(rectangles[0].x, ==, 10);
	g_assert_cmpuint(rectangles[0].height, ==, 3);

	/* The screen can show a part of a picture, and then only that is damaged. */
	g_assert_cmphex(set_scanout(f, 1, part), ==, VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmphex(picture(f)[0], ==, 0xff000000 | (2 * WIDTH + 1));
	g_assert_cmphex(flush(f, 1, whole), ==, VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmpint(screen_damage_since(page(f), 1, rectangles), ==, 1);
	g_assert_cmpuint(rectangles[0].x, ==, 0);
	g_assert_cmpuint(rectangles[0].width, ==, 5);

	/* What is shown no more is not shown. */
	g_assert_cmphex(simple(f, VIRTIO_GPU_CMD_RESOURCE_UNREF, 1), ==, VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmpuint(page(f)->mode.width, ==, 0);
	g_assert_true(f->taken);
	virtio_pci_driver_reset(&f->driver);
	g_assert_false(f->taken);
	g_assert_cmpuint(f->takes, ==, 2);
}

static void guest_refusals(void *data)
{
	struct fixture *f = data;
	struct attach_command bad = attach_command(1);
	struct virtio_gpu_rect outside = {.x = 1, .width = WIDTH, .height = HEIGHT};
	const uint32_t no_resource = VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	const uint32_t no_parameter = VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;

	start(f);
	g_assert_cmphex(create(f, 0, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 1, 1), ==, no_resource);
	g_assert_cmphex(create(f, 1, 99, 1, 1), ==, no_parameter);
	g_assert_cmphex(create(f, 1, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 0, 1), ==, no_parameter);
	g_assert_cmphex(create(f, 1, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 8193, 1), ==, no_parameter);
	g_assert_cmphex(create(f, 1, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 8192, 8192), ==,
			VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	g_assert_cmphex(attach(f, 1), ==, no_resource);
	g_assert_cmphex(transfer(f, 1, whole, 0), ==, no_resource);
	g_assert_cmphex(flush(f, 1, whole), ==, no_resource);
	g_assert_cmphex(set_scanout(f, 1, whole), ==, no_resource);
	g_assert_cmphex(simple(f, VIRTIO_GPU_CMD_RESOURCE_UNREF, 1), ==, no_resource);
	g_assert_cmphex(simple(f, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 1), ==, no_resource);
	g_assert_cmphex(simple(f, 0x4711, 1), ==, VIRTIO_GPU_RESP_ERR_UNSPEC);

	g_assert_cmphex(create(f, 1, VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM, WIDTH, HEIGHT), ==,
			VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmphex(create(f, 1, VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM, 1, 1), ==, no_resource);
	g_assert_cmphex(transfer(f, 1, whole, 0), ==, VIRTIO_GPU_RESP_ERR_UNSPEC); /* from where? */
	bad.entries[2].addr = TEST_MACHINE_MEMORY;
	g_assert_cmphex(CALL(f, bad), ==, no_parameter);
	bad.header.nr_entries = UINT32_MAX;
	g_assert_cmphex(CALL(f, bad), ==, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	bad.header.nr_entries = 4; /* more than it sends */
	g_assert_cmphex(CALL(f, bad), ==, VIRTIO_GPU_RESP_ERR_UNSPEC);
	bad.header.nr_entries = 0;
	g_assert_cmphex(CALL(f, bad), ==, no_parameter);
	g_assert_cmphex(attach(f, 1), ==, VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmphex(attach(f, 1), ==, VIRTIO_GPU_RESP_ERR_UNSPEC);
	g_assert_cmphex(transfer(f, 1, outside, 0), ==, no_parameter);
	g_assert_cmphex(transfer(f, 1, whole, 4), ==, VIRTIO_GPU_RESP_ERR_UNSPEC);
	g_assert_cmphex(transfer(f, 1, whole, UINT64_MAX - 10), ==, no_parameter);
	g_assert_cmphex(flush(f, 1, outside), ==, no_parameter);
	g_assert_cmphex(set_scanout(f, 1, outside), ==, no_parameter);
	outside = (struct virtio_gpu_rect){.x = UINT32_MAX, .width = 1, .height = 1};
	g_assert_cmphex(set_scanout(f, 1, outside), ==, no_parameter);
	/* A command cut short, and one whose answer has no room. */
	g_assert_cmphex(call(f, &bad, sizeof(struct virtio_gpu_ctrl_hdr)), ==,
			VIRTIO_GPU_RESP_ERR_UNSPEC);
	send(f, CONTROL, &bad, 3, 8);
	g_assert_false(f->taken);
}

static void guest_monitor(void *data)
{
	struct fixture *f = data;
	const struct virtio_gpu_ctrl_hdr info = {
		.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
		.flags = VIRTIO_GPU_FLAG_FENCE,
		.fence_id = 77,
	};
	struct virtio_gpu_cmd_get_edid get_edid = {.hdr.type = VIRTIO_GPU_CMD_GET_EDID};
	struct virtio_gpu_resp_display_info modes;
	struct virtio_gpu_resp_edid edid;
	uint8_t sum = 0;

	start(f);
	g_assert_cmphex(CALL(f, info), ==, VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	read_answer(f, &modes, sizeof(modes));
	g_assert_cmpuint(modes.hdr.fence_id, ==, 77);
	g_assert_cmpuint(modes.hdr.flags, ==, VIRTIO_GPU_FLAG_FENCE);
	g_assert_cmpuint(modes.pmodes[0].r.width, ==, 1280);
	g_assert_cmpuint(modes.pmodes[0].enabled, ==, 1);
	g_assert_cmpuint(modes.pmodes[1].enabled, ==, 0);
	g_assert_cmphex(CALL(f, get_edid), ==, VIRTIO_GPU_RESP_OK_EDID);
	read_answer(f, &edid, sizeof(edid));
	g_assert_cmpuint(edid.size, ==, 128);
	for (unsigned int i = 0; i < 128; i++)
		sum += edid.edid[i];
	g_assert_cmpuint(sum, ==, 0);
	get_edid.scanout = 1;
	g_assert_cmphex(CALL(f, get_edid), ==, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
}

static void resize_now(void *data)
{
	struct fixture *f = data;

	f->resize_result =
		virtio_gpu_screen_ops.resize(f->device, f->resize_width, f->resize_height);
}

/* The window has another size: the guest learns of it, and may follow. */
static void guest_resize(void *data)
{
	struct fixture *f = data;
	const struct virtio_gpu_ctrl_hdr info = {.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO};
	struct virtio_gpu_resp_display_info modes;
	uint64_t events;

	start(f);
	f->resize_width = 900;
	f->resize_height = 700;
	test_machine_call(&f->machine, resize_now, f);
	g_assert_cmpint(f->resize_result, ==, 0);
	events = test_machine_read(&f->machine, f->driver.device, 4);
	g_assert_cmphex(events, ==, VIRTIO_GPU_EVENT_DISPLAY);
	g_assert_cmpuint(f->machine.interrupts.sent[0x3f], ==, 1);
	test_machine_write(&f->machine, f->driver.device + 4, 4, events);
	g_assert_cmphex(test_machine_read(&f->machine, f->driver.device, 4), ==, 0);
	g_assert_cmphex(CALL(f, info), ==, VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	read_answer(f, &modes, sizeof(modes));
	g_assert_cmpuint(modes.pmodes[0].r.width, ==, 900);
	g_assert_cmpuint(modes.pmodes[0].r.height, ==, 700);
	f->resize_width = 8000; /* more than a monitor can say */
	test_machine_call(&f->machine, resize_now, f);
	g_assert_cmpint(f->resize_result, <, 0);
}

static void guest_cursor(void *data)
{
	struct fixture *f = data;
	struct virtio_gpu_update_cursor command = {
		.hdr.type = VIRTIO_GPU_CMD_UPDATE_CURSOR,
		.pos = {.x = 5, .y = 6},
		.resource_id = 1,
		.hot_x = 3,
		.hot_y = 4,
	};

	set_up_picture(f);
	g_assert_cmphex(transfer(f, 1, whole, 0), ==, VIRTIO_GPU_RESP_OK_NODATA);
	send(f, CURSOR, &command, sizeof(command), sizeof(command.hdr));
	g_assert_cmpuint(page(f)->cursor.visible, ==, 1);
	g_assert_cmpuint(page(f)->cursor.width, ==, WIDTH);
	g_assert_cmpuint(page(f)->cursor.height, ==, HEIGHT);
	g_assert_cmphex(page(f)->cursor.image[1], ==, 0xff000001);
	g_assert_cmpuint(page(f)->cursor.hot_y, ==, 4);
	g_assert_cmpint(page(f)->cursor.y, ==, 6);
	command.hdr.type = VIRTIO_GPU_CMD_MOVE_CURSOR;
	command.pos.x = 50;
	send(f, CURSOR, &command, sizeof(command), sizeof(command.hdr));
	g_assert_cmpint(page(f)->cursor.x, ==, 50);
	g_assert_cmphex(page(f)->cursor.image[1], ==, 0xff000001);
	command.hdr.type = VIRTIO_GPU_CMD_UPDATE_CURSOR;
	command.hot_x = WIDTH; /* outside */
	send(f, CURSOR, &command, sizeof(command), sizeof(command.hdr));
	g_assert_cmpuint(page(f)->cursor.visible, ==, 0);
	command.resource_id = 0;
	send(f, CURSOR, &command, sizeof(command), sizeof(command.hdr));
	g_assert_cmpuint(page(f)->cursor.visible, ==, 0);
}

static const struct virtio_gpu_rect shown = {.x = 10, .y = 20, .width = 5, .height = 3};

/* Two pictures with a gap before them, one of them on the screen, and a pointer. */
static void guest_before(void *data)
{
	struct fixture *f = data;
	const struct virtio_gpu_update_cursor cursor = {
		.hdr.type = VIRTIO_GPU_CMD_UPDATE_CURSOR,
		.pos = {.x = 5, .y = 6},
		.resource_id = 1,
		.hot_x = 3,
		.hot_y = 4,
	};

	set_up_picture(f);
	g_assert_cmphex(create(f, 2, VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM, 100, 100), ==,
			VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmphex(create(f, 3, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, WIDTH, HEIGHT), ==,
			VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmphex(attach(f, 3), ==, VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmphex(simple(f, VIRTIO_GPU_CMD_RESOURCE_UNREF, 2), ==, VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmphex(transfer(f, 3, whole, 0), ==, VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmphex(transfer(f, 1, whole, 0), ==, VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmphex(set_scanout(f, 3, shown), ==, VIRTIO_GPU_RESP_OK_NODATA);
	send(f, CURSOR, &cursor, sizeof(cursor), sizeof(cursor.hdr));
	f->resize_width = 900;
	f->resize_height = 700;
	test_machine_call(&f->machine, resize_now, f);
}

static void guest_after(void *data)
{
	struct fixture *f = data;
	const struct virtio_gpu_ctrl_hdr info = {.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO};
	struct virtio_gpu_resp_display_info modes;
	const uint32_t no_resource = VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;

	g_assert_cmpuint(page(f)->mode.width, ==, shown.width);
	g_assert_cmphex(picture(f)[0], ==, 0xff000000 | (20 * WIDTH + 10));
	g_assert_cmpuint(page(f)->cursor.visible, ==, 1);
	g_assert_cmphex(page(f)->cursor.image[1], ==, 0xff000001);
	g_assert_cmpuint(page(f)->cursor.hot_y, ==, 4);
	g_assert_cmpint(page(f)->cursor.x, ==, 5);
	g_assert_cmphex(test_machine_read(&f->machine, f->driver.device, 4), ==,
			VIRTIO_GPU_EVENT_DISPLAY);
	g_assert_cmphex(CALL(f, info), ==, VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	read_answer(f, &modes, sizeof(modes));
	g_assert_cmpuint(modes.pmodes[0].r.width, ==, 900);
	/* the guest's memory behind it is known */
	g_assert_cmphex(transfer(f, 3, shown, (2 * WIDTH + 1) * 4), ==, VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmphex(picture(f)[0], ==, 0xff000000 | (2 * WIDTH + 1));
	g_assert_cmphex(set_scanout(f, 1, whole), ==, VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmphex(picture(f)[7], ==, 0xff000007);
	g_assert_cmphex(simple(f, VIRTIO_GPU_CMD_RESOURCE_UNREF, 2), ==, no_resource);
	g_assert_cmphex(create(f, 1, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 1, 1), ==, no_resource);
	g_assert_cmphex(create(f, 4, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, WIDTH, HEIGHT), ==,
			VIRTIO_GPU_RESP_OK_NODATA);
}

static void test_state(void)
{
	struct fixture *f = g_new0(struct fixture, 1), *other = g_new0(struct fixture, 1);

	set_up(f);
	test_machine_run(&f->machine, guest_before, f);
	set_up(other);
	other->driver = f->driver;
	memcpy(screen_pixels(other->screen), screen_pixels(f->screen), PIXELS_OFFSET + PIXELS_SIZE);
	virtio_pci_driver_carry_over(&other->driver, f->device, &other->machine, other->device);
	g_assert_true(other->taken);
	tear_down(f);
	test_machine_run(&other->machine, guest_after, other);
	tear_down(other);
	g_free(other);
	g_free(f);
}

/* Back from the end: what is shown and the pointer, then the only picture's piece and place. */
enum {
	POINTER_SIZE = 9, /* hidden */
	SCANOUT_FROM_END = POINTER_SIZE + 20,
	PIECE_FROM_END = SCANOUT_FROM_END + 1 + 12,
	COUNT_FROM_END = PIECE_FROM_END + 4,
	PLACE_FROM_END = COUNT_FROM_END + 8,
	ID_FROM_END = PLACE_FROM_END + 16,
	EVENTS_FROM_END = ID_FROM_END + 8,
};

static void guest_one_picture(void *data)
{
	struct fixture *f = data;
	struct attach_command one = attach_command(1);

	start(f);
	g_assert_cmphex(create(f, 1, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, WIDTH, HEIGHT), ==,
			VIRTIO_GPU_RESP_OK_NODATA);
	one.header.nr_entries = 1;
	g_assert_cmphex(CALL(f, one), ==, VIRTIO_GPU_RESP_OK_NODATA);
	g_assert_cmphex(set_scanout(f, 1, whole), ==, VIRTIO_GPU_RESP_OK_NODATA);
}

static void assert_refused(struct state_block *block, size_t from_end, const char *problem)
{
	size_t at = (size_t)(block->reader.end - block->bytes) - STATE_BLOCK_PAYLOAD - from_end;
	struct fixture *other = g_new0(struct fixture, 1);

	set_up(other);
	STATE_BLOCK_REFUSE(block, virtio_device_load, other->device, at, 0x77, problem);
	tear_down(other);
	g_free(other);
}

static void test_false_state(void)
{
	static struct state_block block;
	struct fixture *f = g_new0(struct fixture, 1);

	set_up(f);
	test_machine_run(&f->machine, guest_one_picture, f);
	STATE_BLOCK_SAVE(&block, virtio_device_save, f->device);
	tear_down(f);
	set_up(f);
	STATE_BLOCK_LOAD(&block, virtio_device_load, f->device);
	tear_down(f);
	g_free(f);
	assert_refused(&block, SCANOUT_FROM_END, "the screen shows what there is not");
	assert_refused(&block, PIECE_FROM_END + 1 - 4,
		       "a picture of the guest's is outside memory");
	assert_refused(&block, COUNT_FROM_END - 2,
		       "pictures of the guest's are in too many pieces");
	assert_refused(&block, PLACE_FROM_END, "a picture of the guest's cannot be where it was");
	assert_refused(&block, EVENTS_FROM_END, "a monitor cannot be like that");
	assert_refused(&block, POINTER_SIZE - 1, "the pointer is where no screen is");
}

static void test_picture(void)
{
	run(guest_picture);
}

static void test_refusals(void)
{
	run(guest_refusals);
}

static void test_monitor(void)
{
	run(guest_monitor);
}

static void test_resize(void)
{
	run(guest_resize);
}

static void test_cursor(void)
{
	run(guest_cursor);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/virtio-gpu/picture", test_picture);
	g_test_add_func("/virtio-gpu/refusals", test_refusals);
	g_test_add_func("/virtio-gpu/monitor", test_monitor);
	g_test_add_func("/virtio-gpu/resize", test_resize);
	g_test_add_func("/virtio-gpu/cursor", test_cursor);
	g_test_add_func("/virtio-gpu/state", test_state);
	g_test_add_func("/virtio-gpu/false-state", test_false_state);
	return g_test_run();
}

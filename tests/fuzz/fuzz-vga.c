/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest that writes anything to a VGA's registers, by port and by memory, and to its window,
 * while somebody looks at the screen or asks for its picture. Readers of the screen check what they
 * get.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte-order.h"
#include "bus/address-space.h"
#include "devices/vga/vga.h"
#include "display/screen.h"
#include "fake-memory-slots.h"
#include "loop/event-loop.h"
#include "vga-driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	STEP_SIZE = 8, /* what (u8), width (u8), where (u16), u32 */
	MEMORY = 1 << 20,
	MAX_LOOKS = 4, /* a large picture takes its time */
};

enum step {
	STEP_PORT_WRITE,
	STEP_PORT_READ,
	STEP_VBE_WRITE,
	STEP_VBE_READ,
	STEP_AREA_WRITE,
	STEP_AREA_READ,
	STEP_WINDOW_WRITE,
	STEP_WINDOW_READ,
	STEP_WINDOW_FILL, /* long enough to be mapped */
	STEP_BAR_WRITE,
	STEP_MODE,
	STEP_FONT,
	STEP_LOOK,
	STEP_WATCH,
	STEP_LEND,
	STEP_RESET,
	STEP_RESIZE,
	STEP_NO_SLOTS,
	STEP_COUNT,
};

struct computer {
	struct vga_host host;
	struct fake_memory_slots slots;
	struct vga *vga;
	struct vga_driver driver;
	unsigned int looks;
};

static void out(void *data, uint16_t port, uint8_t value)
{
	address_space_write(((struct computer *)data)->host.ports, port, 1, value);
}

static uint8_t in(void *data, uint16_t port)
{
	return (uint8_t)address_space_read(((struct computer *)data)->host.ports, port, 1);
}

static void start(struct computer *computer)
{
	struct vga_host *host = &computer->host;
	int r;

	*computer = (struct computer){.driver = {out, in, computer}};
	fake_memory_slots_init(&computer->slots);
	host->slots = &computer->slots.registry;
	r = event_loop_create(&host->loop);
	assert(r == 0);
	r = address_space_create(0x10000, &host->ports);
	assert(r == 0);
	r = address_space_create(0, &host->mmio);
	assert(r == 0);
	r = screen_create(host->loop, vga_pixel_bytes(MEMORY), &host->screen);
	assert(r == 0);
	r = vga_create(host, MEMORY, 1024, 768, &computer->vga);
	assert(r == 0);
	screen_set_source(host->screen, &vga_screen_ops, computer->vga);
	r = memory_slot_map(vga_memory_slot(computer->vga), 0xD0000000);
	assert(r == 0);
}

static void stop(struct computer *computer)
{
	vga_destroy(computer->vga);
	assert(computer->slots.count == 0);
	screen_destroy(computer->host.screen);
	address_space_destroy(computer->host.mmio);
	address_space_destroy(computer->host.ports);
	event_loop_destroy(computer->host.loop);
}

/* What is shown keeps to the protocol, whatever the guest did. */
static void look(struct computer *computer)
{
	struct screen *screen = computer->host.screen;
	struct screen_page *copy = malloc(sizeof(*copy));

	assert(copy);
	if (computer->looks++ < MAX_LOOKS)
		screen_refresh(screen);
	assert(screen_copy(screen_page(screen), screen_pixel_bytes(screen), copy) == 0);
	free(copy);
}

static void fill(struct computer *computer, uint32_t offset, uint8_t value)
{
	for (uint32_t i = 0; i < 32; i++)
		address_space_write(computer->host.mmio, 0xA0000 + (offset + i) % 0x20000, 1,
				    value);
}

static void draw(struct computer *computer, uint32_t offset, uint32_t value)
{
	struct memory_slot *slot = vga_memory_slot(computer->vga);

	store_le32((uint8_t *)slot->host + offset, value);
	fake_memory_slot_dirty(slot, offset, 4);
}

static void set_mode(struct computer *computer, unsigned int number)
{
	static const struct vga_driver_mode *const modes[] = {
		&vga_driver_mode_3, &vga_driver_mode_4, &vga_driver_mode_12, &vga_driver_mode_13};

	vga_driver_set_mode(&computer->driver, modes[number % 4]);
}

static void set_font(struct computer *computer, bool begin)
{
	if (begin)
		vga_driver_begin_font(&computer->driver);
	else
		vga_driver_end_font(&computer->driver);
}

static void watch(struct computer *computer, bool watched)
{
	if (computer->looks++ < MAX_LOOKS)
		screen_watch(computer->host.screen, watched);
}

/* Somebody else has the screen for a while. */
static void lend(struct computer *computer)
{
	if (computer->looks++ >= MAX_LOOKS)
		return;
	screen_blank(computer->host.screen);
	screen_set_source(computer->host.screen, &vga_screen_ops, computer->vga);
}

static void access_registers(struct computer *computer, enum step what, unsigned int size,
			     uint16_t where, uint32_t value)
{
	struct address_space *ports = computer->host.ports;

	switch (what) {
	case STEP_PORT_WRITE:
		address_space_write(ports, 0x3B0 + where % 0x30, size, value);
		break;
	case STEP_PORT_READ:
		(void)address_space_read(ports, 0x3B0 + where % 0x30, size);
		break;
	case STEP_VBE_WRITE:
		address_space_write(ports, 0x1CE, 2, where);
		address_space_write(ports, 0x1CF + (value >> 16 & 1), 2, value);
		break;
	case STEP_VBE_READ:
		(void)address_space_read(ports, 0x1CE + where % 4, size);
		break;
	case STEP_AREA_WRITE:
		vga_registers_ops.write(computer->vga, where % (VGA_REGISTERS_SIZE - 8), size,
					value);
		break;
	default:
		(void)vga_registers_ops.read(computer->vga, where % (VGA_REGISTERS_SIZE - 8), size);
	}
}

static void take_step(struct computer *computer, const uint8_t *step)
{
	enum step what = step[0] % STEP_COUNT;
	unsigned int size = 1u << step[1] % 4;
	uint16_t where = load_le16(step + 2);
	uint32_t value = load_le32(step + 4);
	uint32_t offset = (uint32_t)where * 2 + step[1] / 4 % 2;

	switch (what) {
	case STEP_WINDOW_WRITE:
		address_space_write(computer->host.mmio, 0xA0000 + offset, size, value);
		break;
	case STEP_WINDOW_READ:
		(void)address_space_read(computer->host.mmio, 0xA0000 + offset, size);
		break;
	case STEP_WINDOW_FILL:
		fill(computer, offset, (uint8_t)value);
		break;
	case STEP_BAR_WRITE:
		draw(computer, where * 16u % (MEMORY - 4), value);
		break;
	case STEP_MODE:
		set_mode(computer, where);
		break;
	case STEP_FONT:
		set_font(computer, where & 1);
		break;
	case STEP_LOOK:
		look(computer);
		break;
	case STEP_WATCH:
		watch(computer, where & 1);
		break;
	case STEP_LEND:
		lend(computer);
		break;
	case STEP_RESET:
		vga_reset(computer->vga);
		break;
	case STEP_RESIZE:
		(void)screen_resize(computer->host.screen, where, value);
		break;
	case STEP_NO_SLOTS:
		computer->slots.map_error = where & 1 ? -1 : 0;
		break;
	default:
		access_registers(computer, what, size, where, value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct computer computer;

	start(&computer);
	for (size_t at = 0; size - at >= STEP_SIZE; at += STEP_SIZE)
		take_step(&computer, data + at);
	look(&computer);
	stop(&computer);
	return 0;
}

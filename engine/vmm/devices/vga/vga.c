/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vga/vga.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/address-space.h"
#include "bus/memory-slot.h"
#include "bus/posted-writes.h"
#include "devices/vga/vga-memory.h"
#include "devices/vga/vga-registers.h"
#include "devices/vga/vga-scanout.h"
#include "devices/vga/vga-window.h"
#include "display/edid.h"
#include "display/screen.h"
#include "loop/event-loop.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

enum {
	VBE_PORT_BASE = 0x1CE, /* index; data at the next two, of which one is aligned */
	VBE_PORT_COUNT = 4,

	/* in the registers as memory */
	AREA_EDID_END = 0x100,
	AREA_PORTS = 0x400, /* from 0x3C0 on */
	AREA_PORTS_END = 0x420,
	AREA_VBE = 0x500,
	AREA_VBE_END = AREA_VBE + 2 * VBE_REGISTER_COUNT,
	AREA_EXTENSION = 0x600,
	AREA_EXTENSION_END = 0x608,
	FIRST_PORT_OFFSET = 0x3C0 - VGA_PORT_BASE,

	/* looks without a change after which the pace slows, and slows again */
	CALM_LOOKS = 30,
	QUIET_LOOKS = CALM_LOOKS + 150,
};

#define PACE_BUSY_NS  16666667ULL
#define PACE_CALM_NS  33333333ULL
#define PACE_QUIET_NS 100000000ULL

struct vga {
	struct vga_host host;
	struct vga_registers registers;
	struct vga_memory memory;
	struct vga_window window;
	struct vga_scanout scanout;
	struct memory_slot *memory_slot;
	uint8_t edid[EDID_SIZE];
	bool claimed;

	struct event_timer *timer;
	bool watched;
	bool complete;       /* marks have been kept since everything was drawn last */
	unsigned int looks;  /* since the last change */
	uint64_t look_at_ns; /* when the timer fires; 0: not set */
};

uint64_t vga_pixel_bytes(uint32_t memory_size)
{
	return vga_scanout_pixel_bytes(memory_size);
}

/* Pages of video memory that the guest has written through the BAR. */
static void take_dirty(struct vga *vga)
{
	uint64_t words[VGA_DIRTY_WORDS] = {0};

	if (memory_slot_take_dirty(vga->memory_slot, words) < 0) {
		vga_memory_mark_all(&vga->memory);
		return;
	}
	for (unsigned int i = 0; i < VGA_DIRTY_WORDS; i++) {
		vga->memory.dirty[i] |= words[i];
		vga->memory.changed = vga->memory.changed || words[i];
	}
}

/* Whether the picture has changed. */
static bool look(struct vga *vga)
{
	bool all = !vga->complete;

	posted_writes_serve(vga->host.posted);
	vga_window_collect(&vga->window);
	/* text says itself what has changed, and what has just become graphics is drawn whole */
	if (vga->scanout.picture.kind > VGA_PICTURE_TEXT)
		take_dirty(vga);
	vga->complete = vga->watched;
	return vga_scanout_update(&vga->scanout, &vga->registers, &vga->memory, all);
}

static uint64_t pace(const struct vga *vga)
{
	if (vga->looks < CALM_LOOKS)
		return PACE_BUSY_NS;
	return vga->looks < QUIET_LOOKS ? PACE_CALM_NS : PACE_QUIET_NS;
}

static void set_timer(struct vga *vga)
{
	vga->look_at_ns = vga->watched ? event_loop_now() + pace(vga) : 0;
	event_timer_set(vga->timer, vga->look_at_ns);
}

static void look_and_go_on(struct vga *vga)
{
	vga->looks = look(vga) ? 0 : vga->looks + (vga->looks < QUIET_LOOKS);
	set_timer(vga);
}

static void on_timer(void *data)
{
	look_and_go_on(data);
}

/* A register has changed, and with it most likely the picture: back to the fast pace. */
static void note_change(struct vga *vga)
{
	bool slow = vga->looks >= CALM_LOOKS;

	vga->looks = 0;
	if (slow && vga->look_at_ns > 0)
		set_timer(vga);
}

static uint64_t ports_read(void *device, uint64_t offset, unsigned int size)
{
	struct vga *vga = device;
	uint64_t now = event_loop_now(), value = 0;

	for (unsigned int i = 0; i < size; i++) {
		uint64_t byte = vga_registers_read(&vga->registers, (unsigned int)offset + i, now);

		value |= byte << (8 * i);
	}
	return value;
}

static void ports_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct vga *vga = device;

	for (unsigned int i = 0; i < size; i++) {
		vga_registers_write(&vga->registers, (unsigned int)offset + i,
				    (uint8_t)(value >> (8 * i)));
		vga_window_update(&vga->window, &vga->registers);
	}
	note_change(vga);
}

static const struct address_range_ops ports_ops = {.read = ports_read, .write = ports_write};

static void write_vbe(struct vga *vga, unsigned int index, uint16_t value)
{
	struct vbe *vbe = &vga->registers.vbe;
	bool clear = vbe_write(vbe, index, value);

	/* the guest is out of the window before anything else happens to the memory */
	vga_window_update(&vga->window, &vga->registers);
	if (clear) {
		memset(vga->memory.bytes, 0, (size_t)vbe_pitch(vbe) * vbe->registers[VBE_HEIGHT]);
		vga_memory_mark_all(&vga->memory);
	}
	note_change(vga);
}

static uint64_t vbe_ports_read(void *device, uint64_t offset, unsigned int size)
{
	const struct vbe *vbe = &((struct vga *)device)->registers.vbe;
	uint64_t value = offset == 0 ? vbe->index : vbe_read(vbe, vbe->index);

	return size == 1 ? value & 0xff : value;
}

/* The registers are words; what is not one is not for them. */
static void vbe_ports_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct vga *vga = device;

	if (size != 2)
		return;
	if (offset == 0)
		vga->registers.vbe.index = (uint16_t)value;
	else
		write_vbe(vga, vga->registers.vbe.index, (uint16_t)value);
}

static const struct address_range_ops vbe_ports_ops = {
	.read = vbe_ports_read,
	.write = vbe_ports_write,
};

static uint64_t window_read(void *device, uint64_t offset, unsigned int size)
{
	struct vga *vga = device;
	uint64_t value = 0;

	for (unsigned int i = 0; i < size; i++) {
		uint64_t byte =
			vga_window_read(&vga->window, &vga->registers, (uint32_t)offset + i);

		value |= byte << (8 * i);
	}
	return value;
}

static void window_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct vga *vga = device;

	for (unsigned int i = 0; i < size; i++)
		vga_window_write(&vga->window, &vga->registers, (uint32_t)offset + i,
				 (uint8_t)(value >> (8 * i)));
}

static const struct address_range_ops window_ops = {.read = window_read, .write = window_write};

/* The extension: its own size, and a byte order, which is always little-endian. */
static uint8_t extension_byte(uint64_t at)
{
	if (at >= 4)
		return 0x1e;
	return at == 0 ? AREA_EXTENSION_END - AREA_EXTENSION : 0;
}

static uint8_t area_read_byte(struct vga *vga, uint64_t offset)
{
	const struct vbe *vbe = &vga->registers.vbe;
	unsigned int at = (unsigned int)offset;

	if (at < EDID_SIZE)
		return vga->edid[at];
	if (at < AREA_EDID_END)
		return 0;
	if (at >= AREA_PORTS && at < AREA_PORTS_END)
		return vga_registers_read(&vga->registers, at - AREA_PORTS + FIRST_PORT_OFFSET,
					  event_loop_now());
	if (at >= AREA_VBE && at < AREA_VBE_END)
		return (uint8_t)(vbe_read(vbe, (at - AREA_VBE) / 2) >> (8 * (at % 2)));
	if (at >= AREA_EXTENSION && at < AREA_EXTENSION_END)
		return extension_byte(at - AREA_EXTENSION);
	return 0xff;
}

static uint64_t area_read(void *device, uint64_t offset, unsigned int size)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < size; i++)
		value |= (uint64_t)area_read_byte(device, offset + i) << (8 * i);
	return value;
}

static void area_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	if (offset >= AREA_PORTS && offset + size <= AREA_PORTS_END)
		ports_write(device, offset - AREA_PORTS + FIRST_PORT_OFFSET, size, value);
	if (offset < AREA_VBE || offset + size > AREA_VBE_END || offset % 2 != 0)
		return;
	for (unsigned int at = 0; at + 2 <= size; at += 2)
		write_vbe(device, (unsigned int)(offset - AREA_VBE + at) / 2,
			  (uint16_t)(value >> (8 * at)));
}

const struct address_range_ops vga_registers_ops = {.read = area_read, .write = area_write};

static void on_watched(void *device, bool watched)
{
	struct vga *vga = device;

	vga->watched = watched;
	vga->complete = false;
	vga->looks = 0;
	if (watched)
		look_and_go_on(vga);
	else
		set_timer(vga);
}

static void on_refresh(void *device)
{
	(void)look(device);
}

/* The guest learns of it when it looks at the monitor again, at the latest when it starts. */
static int on_resize(void *device, uint32_t width, uint32_t height)
{
	struct vga *vga = device;

	if (!edid_size_is_valid(width, height) || width > VBE_MAX_SIDE || height > VBE_MAX_SIDE ||
	    (uint64_t)width * height * 4 > vga->memory.size)
		return -EOPNOTSUPP;
	edid_build(width, height, vga->edid);
	return 0;
}

const struct screen_source_ops vga_screen_ops = {
	.watched = on_watched,
	.refresh = on_refresh,
	.resize = on_resize,
};

struct memory_slot *vga_memory_slot(const struct vga *vga)
{
	return vga->memory_slot;
}

void vga_memory_moved(struct vga *vga)
{
	vga_memory_mark_all(&vga->memory);
	note_change(vga);
}

void vga_reset(struct vga *vga)
{
	vga_registers_reset(&vga->registers, vga->memory.size);
	vga_window_update(&vga->window, &vga->registers);
	vga->memory.latch = 0;
	note_change(vga);
}

static void release(struct vga *vga)
{
	if (!vga->claimed)
		return;
	address_space_remove(vga->host.ports, VGA_PORT_BASE);
	address_space_remove(vga->host.ports, VBE_PORT_BASE);
	address_space_remove(vga->host.mmio, VGA_WINDOW_BASE);
}

static int claim(struct vga *vga)
{
	const struct vga_host *host = &vga->host;
	int r = address_space_add(host->ports, VGA_PORT_BASE, VGA_PORT_COUNT, &ports_ops, vga);

	if (r < 0)
		return r;
	r = address_space_add(host->ports, VBE_PORT_BASE, VBE_PORT_COUNT, &vbe_ports_ops, vga);
	if (r < 0)
		goto remove_ports;
	r = address_space_add(host->mmio, VGA_WINDOW_BASE, VGA_WINDOW_SIZE, &window_ops, vga);
	if (r < 0)
		goto remove_vbe_ports;
	vga->claimed = true;
	return 0;

remove_vbe_ports:
	address_space_remove(host->ports, VBE_PORT_BASE);
remove_ports:
	address_space_remove(host->ports, VGA_PORT_BASE);
	return r;
}

/*
 * The palette, the cursor and where memory begins on the screen: nothing that changes what the
 * guest's own accesses to memory do. Refused, each write is an exit.
 */
static void post_writes(const struct vga_host *host)
{
	static const struct {
		uint16_t port, count;
	} ranges[] = {{0x3B4, 2}, {0x3C0, 1}, {0x3C8, 2}, {0x3D4, 2}};

	for (unsigned int i = 0; host->posted && i < sizeof(ranges) / sizeof(ranges[0]); i++)
		(void)posted_writes_add(host->posted, ranges[i].port, ranges[i].count);
}

static int create_parts(struct vga *vga)
{
	const struct vga_host *host = &vga->host;
	int r = vga_window_init(&vga->window, host->slots, &vga->memory);

	if (r == 0)
		r = vga_scanout_init(&vga->scanout, host->screen, vga->memory.size);
	if (r == 0)
		r = memory_slot_create(host->slots, vga->memory.bytes, vga->memory.size,
				       MEMORY_SLOT_TRACK_DIRTY, &vga->memory_slot);
	if (r == 0)
		r = event_loop_add_timer(host->loop, on_timer, vga, &vga->timer);
	return r == 0 ? claim(vga) : r;
}

int vga_create(const struct vga_host *host, uint32_t memory_size, uint32_t width, uint32_t height,
	       struct vga **ret_vga)
{
	struct vga *vga = calloc(1, sizeof(*vga));
	int r;

	assert(memory_size >= VGA_PLANES_SIZE && memory_size <= VGA_MEMORY_MAX &&
	       (memory_size & (memory_size - 1)) == 0);
	assert(screen_pixel_bytes(host->screen) >= vga_pixel_bytes(memory_size));
	if (!vga)
		return -ENOMEM;
	vga->host = *host;
	vga->memory.bytes = screen_pixels(host->screen);
	vga->memory.size = memory_size;
	edid_build(width, height, vga->edid);
	vga_registers_reset(&vga->registers, memory_size);
	r = create_parts(vga);
	if (r < 0) {
		vga_destroy(vga);
		return r;
	}
	post_writes(host);
	*ret_vga = vga;
	return 0;
}

void vga_destroy(struct vga *vga)
{
	if (!vga)
		return;
	release(vga);
	event_timer_remove(vga->timer);
	vga_window_finish(&vga->window);
	vga_scanout_finish(&vga->scanout);
	memory_slot_destroy(vga->memory_slot);
	free(vga);
}

void vga_save(struct vga *vga, struct state_writer *writer)
{
	vga_window_collect(&vga->window);
	vga_registers_save(&vga->registers, writer);
	state_writer_put32(writer, vga->memory.latch);
	state_writer_put_bytes(writer, vga->edid, sizeof(vga->edid));
}

int vga_load(struct vga *vga, struct state_reader *reader)
{
	struct vga_registers registers;
	uint8_t edid[EDID_SIZE];
	uint32_t latch;

	vga_registers_reset(&registers, vga->memory.size);
	vga_registers_load(&registers, reader);
	latch = state_reader_get32(reader);
	state_reader_get_bytes(reader, edid, sizeof(edid));
	if (state_reader_result(reader) < 0)
		return state_reader_result(reader);
	vga->registers = registers;
	vga->memory.latch = latch;
	memcpy(vga->edid, edid, sizeof(edid));
	vga_window_update(&vga->window, &vga->registers);
	vga_memory_moved(vga);
	vga->complete = false;
	return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A VGA with the modes of Bochs' display: the part that is the same whatever PCI function it sits
 * in. It claims the ports and the window at 0xA0000 and shows its picture on a screen; the function
 * gives it BARs for video memory and for its registers.
 *
 * Device lock held or before the vCPUs run.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct address_range_ops;
struct address_space;
struct event_loop;
struct memory_slot;
struct memory_slot_registry;
struct posted_writes;
struct screen;
struct screen_source_ops;
struct state_reader;
struct state_writer;
struct vga;

struct vga_host {
	struct address_space *ports, *mmio;
	struct memory_slot_registry *slots;
	struct posted_writes *posted; /* or NULL */
	struct event_loop *loop;
	struct screen *screen; /* with vga_pixel_bytes() or more; video memory is its beginning */
};

enum { VGA_REGISTERS_SIZE = 4096 };

/* What the screen's pixel file needs. memory_size: a power of two, 256 KiB to 64 MiB. */
uint64_t vga_pixel_bytes(uint32_t memory_size);

/* width, height: what the monitor prefers (edid.h). 0 or negative errno. */
int vga_create(const struct vga_host *host, uint32_t memory_size, uint32_t width, uint32_t height,
	       struct vga **ret_vga);
/* NULL is accepted. The BAR of the memory must be gone from the bus. */
void vga_destroy(struct vga *vga);
/* Power-on. */
void vga_reset(struct vga *vga);

/*
 * As in devices.h, without video memory: all that the guest has written is in it after vga_save(),
 * and it may come back before vga_load() or after, before the guest runs.
 */
enum { VGA_STATE_VERSION = 1 };
void vga_save(struct vga *vga, struct state_writer *writer);
int vga_load(struct vga *vga, struct state_reader *reader);

/* Video memory, for a BAR. */
struct memory_slot *vga_memory_slot(const struct vga *vga);
/* The BAR has moved: what was written before is not known page by page. */
void vga_memory_moved(struct vga *vga);
/*
 * The registers as memory, VGA_REGISTERS_SIZE bytes, device: the struct vga. The monitor's EDID at
 * 0, ports 0x3C0-0x3DF at 0x400, Bochs' registers at 0x500, two of QEMU's stdvga at 0x600.
 */
extern const struct address_range_ops vga_registers_ops;

/* For the screen whose source it is, device: the struct vga. */
extern const struct screen_source_ops vga_screen_ops;

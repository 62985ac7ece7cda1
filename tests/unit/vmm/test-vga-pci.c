/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vga/vga-pci.h"

#include <errno.h>
#include <glib.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "bus/address-space.h"
#include "devices/vga/vga.h"
#include "display/screen.h"
#include "fake-interrupts.h"
#include "fake-memory-slots.h"
#include "loop/event-loop.h"
#include "pci/pci-host-bridge.h"
#include "state-block.h"

enum { SLOT = 1 };

struct fixture {
	struct vga_host host;
	struct fake_interrupts interrupts;
	struct fake_memory_slots slots;
	struct pci_host_bridge *bridge;
	struct vga_pci_config config;
	struct vga_pci *vga;
};

static int make_bios(uint16_t device)
{
	uint8_t bytes[4096] = {0x55, 0xaa, [0x18] = 0x40, [0x40] = 'P', 'C', 'I', 'R'};
	int fd = memfd_create("bios", MFD_CLOEXEC);

	store_le16(bytes + 0x44, VGA_PCI_VENDOR);
	store_le16(bytes + 0x46, device);
	g_assert_cmpint(write(fd, bytes, sizeof(bytes)), ==, sizeof(bytes));
	return fd;
}

static void set_up(struct fixture *f, gconstpointer data)
{
	struct vga_host *host = &f->host;

	fake_memory_slots_init(&f->slots);
	fake_interrupts_init(&f->interrupts);
	host->slots = &f->slots.registry;
	g_assert_cmpint(event_loop_create(&host->loop), ==, 0);
	g_assert_cmpint(address_space_create(0x10000, &host->ports), ==, 0);
	g_assert_cmpint(address_space_create(0, &host->mmio), ==, 0);
	g_assert_cmpint(
		screen_create(host->loop, vga_pixel_bytes(VGA_PCI_MEMORY_SIZE), &host->screen), ==,
		0);
	g_assert_cmpint(pci_host_bridge_create(host->ports, host->mmio, &f->interrupts.controller,
					       &f->bridge),
			==, 0);
	f->config = (struct vga_pci_config){SLOT << 3, 1024, 768, make_bios(VGA_PCI_DEVICE)};
	g_assert_cmpint(vga_pci_create(host, f->bridge, &f->config, &f->vga), ==, 0);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	vga_pci_destroy(f->vga);
	g_assert_cmpuint(f->slots.count, ==, 0);
	close(f->config.bios_fd);
	pci_host_bridge_destroy(f->bridge);
	screen_destroy(f->host.screen);
	address_space_destroy(f->host.mmio);
	address_space_destroy(f->host.ports);
	event_loop_destroy(f->host.loop);
}

static void set(struct fixture *f, unsigned int offset, uint32_t value)
{
	address_space_write(f->host.ports, 0xCF8, 4, 0x80000000 | SLOT << 11 | offset);
	address_space_write(f->host.ports, 0xCFC, 4, value);
}

static uint32_t get(struct fixture *f, unsigned int offset)
{
	address_space_write(f->host.ports, 0xCF8, 4, 0x80000000 | SLOT << 11 | offset);
	return (uint32_t)address_space_read(f->host.ports, 0xCFC, 4);
}

static void test_function(struct fixture *f, gconstpointer data)
{
	g_assert_cmphex(get(f, PCI_VENDOR_ID), ==, 0x11111234);
	g_assert_cmphex(get(f, PCI_CLASS_REVISION) >> 8, ==, 0x030000);
	set(f, PCI_COMMAND, 0xffff);
	g_assert_cmphex(get(f, PCI_COMMAND) & 7, ==, 7);
	set(f, PCI_BASE_ADDRESS_0, 0xffffffff);
	g_assert_cmphex(get(f, PCI_BASE_ADDRESS_0), ==, 0xff000008); /* 16 MiB, prefetchable */
	set(f, PCI_BASE_ADDRESS_2, 0xffffffff);
	g_assert_cmphex(get(f, PCI_BASE_ADDRESS_2), ==, 0xfffff000);
	set(f, PCI_ROM_ADDRESS, 0xfffffffe);
	g_assert_cmphex(get(f, PCI_ROM_ADDRESS), ==, 0xfffff000);
}

static void test_bars(struct fixture *f, gconstpointer data)
{
	struct address_space *mmio = f->host.mmio;

	set(f, PCI_BASE_ADDRESS_0, 0xD0000000);
	set(f, PCI_BASE_ADDRESS_2, 0xE0000000);
	set(f, PCI_ROM_ADDRESS, 0xE0010001);
	set(f, PCI_COMMAND, PCI_COMMAND_MEMORY);
	address_space_write(mmio, 0xD0123456, 4, 0xcafe);
	g_assert_cmphex(load_le32(screen_pixels(f->host.screen) + 0x123456), ==, 0xcafe);
	g_assert_cmphex(address_space_read(mmio, 0xE0000500, 2), ==, 0xb0c5);
	g_assert_cmphex(address_space_read(mmio, 0xE0010000, 2), ==, 0xaa55);
	/* a mode, seen by the screen, and gone with a reset */
	address_space_write(mmio, 0xE0000502, 4, 1024 | 768 << 16);
	address_space_write(mmio, 0xE0000506, 4, 32 | 0x41 << 16);
	address_space_write(mmio, 0xE0000400, 1, 0x20);
	screen_refresh(f->host.screen);
	g_assert_cmpuint(screen_page(f->host.screen)->mode.width, ==, 1024);
	pci_host_bridge_reset(f->bridge);
	g_assert_cmphex(address_space_read(mmio, 0xE0000500, 2), ==, 0xffff);
	screen_refresh(f->host.screen);
	g_assert_cmpuint(screen_page(f->host.screen)->mode.width, ==, 0);
}

static void test_wrong_bios(struct fixture *f, gconstpointer data)
{
	int fd = make_bios(0x1050);
	struct vga_pci *vga = NULL;

	vga_pci_destroy(f->vga);
	f->vga = NULL;
	f->config.bios_fd = -1;
	g_assert_cmpint(vga_pci_create(&f->host, f->bridge, &f->config, &vga), ==, 0);
	f->vga = vga;
	set(f, PCI_ROM_ADDRESS, 0xfffffffe);
	g_assert_cmphex(get(f, PCI_ROM_ADDRESS), ==, 0); /* none */
	f->config.bios_fd = fd;
	g_assert_cmpint(vga_pci_create(&f->host, f->bridge, &f->config, &vga), ==, -ENOEXEC);
}

static void save(struct fixture *f, struct state_writer *writer)
{
	pci_host_bridge_save(f->bridge, writer);
	vga_pci_save(f->vga, writer);
}

static int load(struct fixture *f, struct state_reader *reader)
{
	int r = pci_host_bridge_load(f->bridge, reader);

	return r == 0 ? vga_pci_load(f->vga, reader) : r;
}

/* The BARs are where they were, and what they show is there. */
static void test_state(struct fixture *f, gconstpointer data)
{
	static struct state_block block;
	struct fixture other;

	set(f, PCI_BASE_ADDRESS_0, 0xD0000000);
	set(f, PCI_BASE_ADDRESS_2, 0xE0000000);
	set(f, PCI_COMMAND, PCI_COMMAND_MEMORY);
	address_space_write(f->host.mmio, 0xE0000502, 4, 1024 | 768 << 16);
	STATE_BLOCK_SAVE(&block, save, f);
	set_up(&other, NULL);
	STATE_BLOCK_LOAD(&block, load, &other);
	g_assert_cmphex(get(&other, PCI_BASE_ADDRESS_0), ==, 0xD0000008);
	address_space_write(other.host.mmio, 0xD0123456, 4, 0xcafe);
	g_assert_cmphex(load_le32(screen_pixels(other.host.screen) + 0x123456), ==, 0xcafe);
	g_assert_cmpuint(address_space_read(other.host.mmio, 0xE0000502, 2), ==, 1024);
	tear_down(&other, NULL);
}

#define ADD(name, function) \
	g_test_add("/vga-pci/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("function", test_function);
	ADD("bars", test_bars);
	ADD("wrong-bios", test_wrong_bios);
	ADD("state", test_state);
	return g_test_run();
}

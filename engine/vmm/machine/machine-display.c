/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-display.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "bus/posted-writes.h"
#include "devices/vga/vga-pci.h"
#include "devices/vga/vga.h"
#include "display/screen.h"
#include "machine/machine.h"
#include "virtio/virtio-gpu.h"
#include "virtio/virtio-pci.h"

enum {
	VIRTIO_VENDOR = 0x1AF4,
	VIRTIO_GPU_DEVICE = 0x1050,
	BIOS_DEBUG_PORT = 0x402, /* the adapter's BIOS talks to it; nobody is there */
};

/* For the pictures of a virtio-gpu's driver; they take memory when they are drawn. */
#define GPU_PIXEL_BYTES (256ULL << 20)

static int report(int r)
{
	if (r < 0)
		log_error("The display could not be set up: %s.", strerror(-r));
	return r;
}

static enum machine_rom bios_of(const struct machine *machine)
{
	return machine->config->display.model == DISPLAY_VIRTIO ? MACHINE_ROM_VIRTIO_VGA
								: MACHINE_ROM_VGA;
}

/* A BIOS runs the adapter's own; nothing else asks for it. */
static int open_bios(struct machine *machine, int *ret_fd)
{
	*ret_fd = -1;
	if (machine->config->firmware != FIRMWARE_BIOS)
		return 0;
	(void)posted_writes_add(machine->posted, BIOS_DEBUG_PORT, 1);
	*ret_fd = machine_rom_open(machine, bios_of(machine));
	if (*ret_fd < 0)
		log_error("%s cannot be read: %s.", machine_rom_name(bios_of(machine)),
			  strerror(-*ret_fd));
	return *ret_fd < 0 ? -EIO : 0;
}

static struct vga_host vga_host_of(const struct machine *machine)
{
	return (struct vga_host){
		.ports = machine->ports,
		.mmio = machine->mmio,
		.slots = machine->slots,
		.posted = machine->posted,
		.loop = machine->loop,
		.screen = machine->screen,
	};
}

static int create_vga(struct machine *machine, uint8_t devfn, int bios_fd)
{
	const struct vga_host host = vga_host_of(machine);
	const struct vga_pci_config config = {
		.devfn = devfn,
		.width = machine->config->display.width,
		.height = machine->config->display.height,
		.bios_fd = bios_fd,
	};

	return vga_pci_create(&host, machine->bridge, &config, &machine->display.adapter);
}

/* The driver of the virtio-gpu has come, or gone. */
static void on_taken(void *data, bool taken)
{
	struct machine *machine = data;

	if (taken)
		screen_set_source(machine->screen, &virtio_gpu_screen_ops, machine->display.gpu);
	else
		screen_set_source(machine->screen, &vga_screen_ops, machine->display.vga);
}

static void on_bar_moved(void *data, unsigned int index)
{
	struct machine *machine = data;

	if (index == VGA_PCI_MEMORY_BAR)
		vga_memory_moved(machine->display.vga);
}

static int create_gpu(struct machine *machine, uint8_t devfn)
{
	const struct virtio_host host = machine_virtio_host(machine);
	const struct virtio_gpu_display display = {
		.screen = machine->screen,
		.pixels_offset = vga_pixel_bytes(VGA_PCI_MEMORY_SIZE),
		.pixels_size = GPU_PIXEL_BYTES,
		.width = machine->config->display.width,
		.height = machine->config->display.height,
		.taken = on_taken,
		.data = machine,
	};

	return virtio_gpu_create(&host, devfn, VGA_PCI_CLASS, &display, &machine->display.gpu);
}

/* One function that is both. */
static int create_virtio_vga(struct machine *machine, uint8_t devfn, int bios_fd)
{
	const struct machine_display_config *config = &machine->config->display;
	const struct vga_host host = vga_host_of(machine);
	struct machine_display *display = &machine->display;
	int r = 0;

	if (bios_fd >= 0)
		r = pci_rom_init(&display->bios, machine->slots, bios_fd, VIRTIO_VENDOR,
				 VIRTIO_GPU_DEVICE);
	if (r == 0)
		r = vga_create(&host, VGA_PCI_MEMORY_SIZE, config->width, config->height,
			       &display->vga);
	if (r == 0)
		r = create_gpu(machine, devfn);
	if (r < 0)
		return r;
	vga_pci_add_bars(virtio_pci_function(display->gpu), display->vga, display->bios.slot);
	virtio_pci_set_bar_listener(display->gpu, on_bar_moved, machine);
	screen_set_source(machine->screen, &vga_screen_ops, display->vga);
	return 0;
}

static int create_adapter(struct machine *machine, uint8_t devfn)
{
	bool virtio = machine->config->display.model == DISPLAY_VIRTIO;
	int fd, r = open_bios(machine, &fd);

	if (r < 0)
		return r;
	r = virtio ? create_virtio_vga(machine, devfn, fd) : create_vga(machine, devfn, fd);
	if (r == -ENOEXEC)
		log_error("%s is not the BIOS of this display adapter.",
			  machine_rom_name(bios_of(machine)));
	else
		report(r);
	return r;
}

int machine_create_display(struct machine *machine, uint8_t devfn)
{
	uint64_t pixel_bytes = vga_pixel_bytes(VGA_PCI_MEMORY_SIZE);
	int r;

	if (machine->config->display.model == DISPLAY_NONE)
		return 0;
	if (machine->config->display.model == DISPLAY_VIRTIO)
		pixel_bytes += GPU_PIXEL_BYTES;
	r = report(screen_create(machine->loop, pixel_bytes, &machine->screen));
	return r == 0 ? create_adapter(machine, devfn) : r;
}

void machine_destroy_display(struct machine *machine)
{
	struct machine_display *display = &machine->display;

	vga_pci_destroy(display->adapter);
	virtio_device_destroy(display->gpu);
	vga_destroy(display->vga);
	pci_rom_finish(&display->bios);
	screen_destroy(machine->screen);
}

void machine_reset_display(struct machine *machine)
{
	if (machine->display.vga)
		vga_reset(machine->display.vga);
}

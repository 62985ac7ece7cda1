/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is said to be the state of a device of the board: the first byte chooses the device, the
 * rest is its section. What it makes of it is then used by a guest, and saved.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <linux/input-event-codes.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "board.h"
#include "devices/ahci.h"
#include "devices/ps2-devices.h"
#include "devices/ps2-port.h"
#include "devices/vga/vga.h"
#include "devices/vmgenid.h"
#include "display/input-router.h"
#include "display/screen.h"
#include "fake-block-backend.h"
#include "fake-memory-slots.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "protocol/input-protocol.h"
#include "state-block.h"
#include "virtio-pci-driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PORTS_TRIED = 4, FLASH = 0x1000000, FLASH_SIZE = 8 << 10 };
enum { DISK_SIZE = 8 << 20, CDROM_SIZE = 64 * 2048 - 1024, TURNS = 4, VIDEO_MEMORY = 16 << 20 };

struct device {
	struct board board;
	struct ps2_keyboard *keyboard;
	struct ps2_mouse *mouse;
	union {
		struct cmos_rtc *rtc;
		struct serial_16550 *serial;
		struct acpi_pm *pm;
		struct i8042 *controller;
		struct pflash *flash;
	};
};

static void take_output(void *data, const uint8_t *bytes, size_t length)
{
}

static void note_room(void *data)
{
}

/* A guest that reads and writes everything there is a few times. */
static void use(struct board *board, uint16_t first, uint16_t count)
{
	for (unsigned int round = 0; round < PORTS_TRIED; round++) {
		for (uint16_t port = first; port < first + count; port++) {
			(void)board_in(board, port, 1);
			board_out(board, port, 1, 0x35u * (round + 1) + port);
			(void)board_in(board, port, 1);
		}
	}
}

static int try_rtc(struct device *device, struct state_block *block)
{
	int r = cmos_rtc_create(device->board.ports, 1 << 30, 0, 1, &device->rtc);

	assert(r == 0);
	r = cmos_rtc_load(device->rtc, state_block_read(block));
	for (unsigned int i = 0; r == 0 && i < 128; i++) {
		board_out(&device->board, 0x70, 1, i);
		(void)board_in(&device->board, 0x71, 1);
		board_out(&device->board, 0x71, 1, 0xa5u + i);
	}
	if (r == 0)
		STATE_BLOCK_SAVE(block, cmos_rtc_save, device->rtc);
	cmos_rtc_destroy(device->rtc);
	return r;
}

static int try_serial(struct device *device, struct state_block *block)
{
	const struct serial_sink sink = {take_output, note_room, NULL};
	int r = serial_16550_create(device->board.ports, &device->board.interrupts,
				    SERIAL_COM1_PORT, SERIAL_COM1_GSI, &sink, &device->serial);

	assert(r == 0);
	r = serial_16550_load(device->serial, state_block_read(block));
	if (r == 0) {
		(void)serial_16550_input(device->serial, (const uint8_t *)"0123456789abcdef", 16);
		use(&device->board, SERIAL_COM1_PORT, 8);
		STATE_BLOCK_SAVE(block, serial_16550_save, device->serial);
	}
	serial_16550_destroy(device->serial);
	return r;
}

static int try_pm(struct device *device, struct state_block *block)
{
	struct system_requests requests = board_requests(&device->board);
	int r = acpi_pm_create(device->board.ports, &device->board.interrupts, &requests,
			       &device->pm);

	assert(r == 0);
	r = acpi_pm_load(device->pm, state_block_read(block));
	if (r == 0) {
		use(&device->board, ACPI_PM_BASE, 0x40);
		STATE_BLOCK_SAVE(block, acpi_pm_save, device->pm);
	}
	acpi_pm_destroy(device->pm);
	return r;
}

static void press_and_move(struct device *device)
{
	const struct input_event key = {INPUT_KEY, KEY_RIGHTCTRL, 1, 0, 0};
	const struct input_event motion = {INPUT_MOTION, 0, 300, -300, 0};

	ps2_keyboard_input_ops.handle(device->keyboard, &key);
	ps2_mouse_input_ops.handle(device->mouse, &motion);
}

/* Keyboard, mouse and controller one after the other from one section. */
static int load_ps2(struct device *device, struct state_block *block)
{
	struct state_reader *reader = state_block_read(block);
	int r = ps2_keyboard_load(device->keyboard, reader);

	if (r == 0)
		r = ps2_mouse_load(device->mouse, reader);
	return r == 0 ? i8042_load(device->controller, reader) : r;
}

static void save_ps2(struct device *device, struct state_writer *writer)
{
	ps2_keyboard_save(device->keyboard, writer);
	ps2_mouse_save(device->mouse, writer);
	i8042_save(device->controller, writer);
}

static int try_ps2(struct device *device, struct state_block *block)
{
	struct system_requests requests = board_requests(&device->board);
	int r = ps2_keyboard_create(&device->keyboard);

	assert(r == 0);
	r = ps2_mouse_create(&device->mouse);
	assert(r == 0);
	r = i8042_create(device->board.ports, &device->board.interrupts, &requests,
			 &device->controller);
	assert(r == 0);
	i8042_plug_in(device->controller, ps2_keyboard_port(device->keyboard),
		      ps2_mouse_port(device->mouse));
	r = load_ps2(device, block);
	if (r == 0) {
		press_and_move(device);
		use(&device->board, 0x60, 5);
		STATE_BLOCK_SAVE(block, save_ps2, device);
	}
	i8042_destroy(device->controller);
	ps2_mouse_destroy(device->mouse);
	ps2_keyboard_destroy(device->keyboard);
	return r;
}

/* Each command once, where each may end what is under way. */
static void use_flash(struct address_space *mmio)
{
	static const uint8_t written[] = {0x0f, 0xd0, 0xff, 0x70, 0xe8, 1, 2, 3, 0xd0, 0x20, 0xd0};

	for (unsigned int i = 0; i < sizeof(written); i++) {
		address_space_write(mmio, FLASH + i, 1, written[i]);
		(void)address_space_read(mmio, FLASH + FLASH_SIZE - 1, 1);
	}
}

static void create_flash(struct device *device, struct pflash_host *host,
			 struct fake_memory_slots *slots)
{
	struct pflash_store store = {.fd = -1};
	int fd = memfd_create("flash", MFD_CLOEXEC);
	int r = ftruncate(fd, FLASH_SIZE);

	assert(r == 0);
	fake_memory_slots_init(slots);
	host->slots = &slots->registry;
	r = address_space_create(0, &host->mmio);
	assert(r == 0);
	r = event_loop_create(&host->loop);
	assert(r == 0);
	r = pflash_create(host, FLASH, FLASH_SIZE, fd, &store, &device->flash);
	assert(r == 0);
	close(fd);
}

static int try_flash(struct device *device, struct state_block *block)
{
	struct fake_memory_slots slots;
	struct pflash_host host;
	int r;

	create_flash(device, &host, &slots);
	event_loop_lock(host.loop);
	r = pflash_load(device->flash, state_block_read(block));
	if (r == 0) {
		use_flash(host.mmio);
		STATE_BLOCK_SAVE(block, pflash_save, device->flash);
	}
	event_loop_unlock(host.loop);
	pflash_destroy(device->flash);
	event_loop_destroy(host.loop);
	address_space_destroy(host.mmio);
	return r;
}

static int try_vga(struct device *device, struct state_block *block)
{
	static struct screen_page copy;
	struct fake_memory_slots slots;
	struct vga_host host = {.ports = device->board.ports, .slots = &slots.registry};
	struct vga *vga;
	int r = event_loop_create(&host.loop);

	fake_memory_slots_init(&slots);
	assert(r == 0);
	r = address_space_create(0, &host.mmio);
	assert(r == 0);
	r = screen_create(host.loop, vga_pixel_bytes(VIDEO_MEMORY), &host.screen);
	assert(r == 0);
	r = vga_create(&host, VIDEO_MEMORY, 1280, 800, &vga);
	assert(r == 0);
	screen_set_source(host.screen, &vga_screen_ops, vga);
	r = vga_load(vga, state_block_read(block));
	if (r == 0) {
		for (unsigned int i = 0; i < 64; i++)
			address_space_write(host.mmio, 0xA0000 + 0x800 * i, 1, i);
		screen_refresh(host.screen);
		assert(screen_copy(screen_page(host.screen), screen_pixel_bytes(host.screen),
				   &copy) == 0);
		STATE_BLOCK_SAVE(block, vga_save, vga);
		use(&device->board, 0x3B0, 0x30);
	}
	vga_destroy(vga);
	screen_destroy(host.screen);
	address_space_destroy(host.mmio);
	event_loop_destroy(host.loop);
	return r;
}

struct sata {
	struct test_machine machine;
	struct ahci *ahci;
	struct block_backend *disk, *cdrom;
	unsigned int turns;
};

static void create_sata(struct sata *sata)
{
	static uint8_t disk[DISK_SIZE], cdrom[CDROM_SIZE];
	const struct virtio_host *host = &sata->machine.host;
	int r;

	test_machine_init(&sata->machine);
	fake_block_backend_create(disk, sizeof(disk), /* read_only= */ false, &sata->disk);
	fake_block_backend_create_removable(cdrom, sizeof(cdrom), /* loaded= */ true, &sata->cdrom);
	fake_block_backend_set_automatic(sata->disk, true);
	fake_block_backend_set_automatic(sata->cdrom, true);
	r = ahci_create(host->bridge, host->memory, host->loop, &sata->ahci);
	assert(r == 0);
	r = ahci_add_disk(sata->ahci, 0, sata->disk, "S-1");
	assert(r == 0);
	r = ahci_add_cdrom(sata->ahci, 2, sata->cdrom);
	assert(r == 0);
}

static void destroy_sata(struct sata *sata)
{
	ahci_destroy(sata->ahci);
	block_backend_destroy(sata->disk);
	block_backend_destroy(sata->cdrom);
	test_machine_finish(&sata->machine);
}

static void on_turn(void *data, uint32_t events)
{
	struct sata *sata = data;

	if (++sata->turns == TURNS)
		event_loop_stop(sata->machine.host.loop, 0);
}

/* The main thread takes what is issued, from memory with nothing in it. */
static void run_sata(struct sata *sata)
{
	struct event_loop *loop = sata->machine.host.loop;
	struct event_source *source;
	int fd = eventfd(1, EFD_CLOEXEC);
	int r = event_loop_add(loop, fd, EPOLLIN, on_turn, sata, &source);

	assert(r == 0);
	ahci_resume(sata->ahci);
	event_loop_run(loop);
	event_source_remove(source);
	close(fd);
}

static int try_sata(struct device *device, struct state_block *block)
{
	struct sata sata = {.turns = 0};
	int r;

	create_sata(&sata);
	r = ahci_load(sata.ahci, state_block_read(block));
	if (r == 0) {
		run_sata(&sata);
		assert(ahci_is_idle(sata.ahci));
		STATE_BLOCK_SAVE(block, ahci_save, sata.ahci);
	}
	destroy_sata(&sata);
	return r;
}

static int try_vmgenid(struct device *device, struct state_block *block)
{
	static const uint8_t uuid[VMGENID_SIZE] = {1};
	struct system_requests requests = board_requests(&device->board);
	struct guest_memory *memory;
	struct vmgenid *vmgenid;
	int r = guest_memory_create(2 << 20, &memory);

	assert(r == 0);
	r = acpi_pm_create(device->board.ports, &device->board.interrupts, &requests, &device->pm);
	assert(r == 0);
	r = vmgenid_create(memory, device->pm, FLASH_SIZE, uuid, &vmgenid);
	assert(r == 0);
	r = vmgenid_load(vmgenid, state_block_read(block));
	if (r == 0)
		STATE_BLOCK_SAVE(block, vmgenid_save, vmgenid);
	vmgenid_destroy(vmgenid);
	acpi_pm_destroy(device->pm);
	guest_memory_destroy(memory);
	return r;
}

static bool always_ready(void *data)
{
	return true;
}

static void note_released(void *data, const struct input_event *event)
{
	assert(input_event_validate(event) == 0 && event->x == 0);
}

static int try_router(struct device *device, struct state_block *block)
{
	static const struct input_device_ops ops = {always_ready, note_released};
	struct input_router *router;
	int r = input_router_create(NULL, &router);

	assert(r == 0);
	input_router_add(router, INPUT_DEVICE_KEYBOARD, &ops, NULL);
	input_router_add(router, INPUT_DEVICE_TABLET, &ops, NULL);
	r = input_router_load(router, state_block_read(block));
	if (r == 0)
		STATE_BLOCK_SAVE(block, input_router_save, router);
	input_router_destroy(router);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int (*const tries[])(struct device * device, struct state_block * block) = {
		try_rtc, try_serial, try_pm,      try_ps2,   try_flash,
		try_vga, try_sata,   try_vmgenid, try_router};
	static struct state_block block;
	struct device device;
	int r;

	if (size < 1 || size > STATE_BLOCK_SIZE / 2)
		return 0;
	state_writer_put_bytes(state_block_write(&block), data + 1, size - 1);
	state_block_written(&block);
	board_init(&device.board);
	r = tries[data[0] % G_N_ELEMENTS(tries)](&device, &block);
	assert(r == 0 || (r == -EPROTO && block.reader.problem));
	board_finish(&device.board);
	return 0;
}

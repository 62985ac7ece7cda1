/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The AHCI adapter as a whole: its PCI function (Intel ICH9 data sheet, device 31 function 2),
 * generic host control registers and interrupt. Section numbers are of AHCI 1.3.1.
 */
#include "devices/ahci.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/fd.h"
#include "bus/address-space.h"
#include "devices/ahci-drive.h"
#include "devices/ahci-port.h"
#include "loop/event-loop.h"
#include "pci/pci-device.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

/* Generic host control, section 3.1 */
enum {
	HOST_CAP = 0x00,
	HOST_GHC = 0x04,
	HOST_IS = 0x08,
	HOST_PI = 0x0C,
	HOST_VS = 0x10,
	PORTS_OFFSET = 0x100,
	REGISTERS_BAR = 5,
	REGISTERS_SIZE = 4096,

	/* configuration space */
	MAP = 0x90,
	MAP_AHCI = 0x40,
	PCS = 0x92, /* ports enabled, ports with a drive */
};

#define CAP_64_BIT        (1u << 31)
#define CAP_QUEUING       (1u << 30)
#define CAP_LIST_OVERRIDE (1u << 24)
#define CAP_GENERATION_2  (2u << 20)
#define CAP_AHCI_ONLY     (1u << 18)
#define CAP_SLOTS         ((AHCI_PORT_COMMANDS - 1u) << 8)
#define CAPABILITIES                                                                       \
	(CAP_64_BIT | CAP_QUEUING | CAP_LIST_OVERRIDE | CAP_GENERATION_2 | CAP_AHCI_ONLY | \
	 CAP_SLOTS | (AHCI_PORTS - 1u))
#define GHC_RESET      (1u << 0)
#define GHC_INTERRUPTS (1u << 1)
#define GHC_AHCI       (1u << 31)
#define VERSION        0x00010301u

static_assert(PORTS_OFFSET + AHCI_PORTS * AHCI_PORT_REGISTERS_SIZE <= REGISTERS_SIZE,
	      "every port has its registers");

struct ahci {
	struct pci_device function;
	struct ahci_port_host port_host;
	int work_fd; /* signalled when a port has something to do on the main thread */
	struct event_source *work;
	bool interrupts_enabled;
	uint32_t interrupt_status; /* a bit for each port */
	bool resetting;            /* until every port has settled */
	struct ahci_port *ports[AHCI_PORTS];
};

static const struct pci_device_identity identity = {
	.vendor = 0x8086,
	.device = 0x2922,
	.subsystem_vendor = 0x1AF4,
	.subsystem = 0x1100,
	.class_code = 0x010601,
	.revision = 2,
};

/* A port's bit stays set while the port asks for an interrupt. */
static void update_interrupt(void *data)
{
	struct ahci *ahci = data;

	for (unsigned int i = 0; i < AHCI_PORTS; i++) {
		if (ahci->ports[i] && ahci_port_interrupts(ahci->ports[i]))
			ahci->interrupt_status |= 1u << i;
	}
	pci_device_set_intx(&ahci->function, ahci->interrupts_enabled && ahci->interrupt_status);
}

static void schedule(void *data)
{
	fd_event_signal(((struct ahci *)data)->work_fd);
}

/* Reset, section 10.4.3 */

static bool settled(const struct ahci *ahci)
{
	for (unsigned int i = 0; i < AHCI_PORTS; i++) {
		if (ahci->ports[i] && ahci->ports[i]->stopping)
			return false;
	}
	return true;
}

static void on_settled(void *data)
{
	struct ahci *ahci = data;

	if (settled(ahci))
		ahci->resetting = false;
}

static void reset_host_registers(struct ahci *ahci)
{
	ahci->interrupts_enabled = false;
	ahci->interrupt_status = 0;
	update_interrupt(ahci);
}

static void start_reset(struct ahci *ahci)
{
	for (unsigned int i = 0; i < AHCI_PORTS; i++) {
		if (ahci->ports[i])
			ahci_port_reset(ahci->ports[i]);
	}
	reset_host_registers(ahci);
	ahci->resetting = !settled(ahci);
}

/* Registers */

static uint32_t implemented_ports(const struct ahci *ahci)
{
	uint32_t mask = 0;

	for (unsigned int i = 0; i < AHCI_PORTS; i++)
		mask |= ahci->ports[i] ? 1u << i : 0;
	return mask;
}

static uint32_t read_host(const struct ahci *ahci, uint64_t offset)
{
	switch (offset) {
	case HOST_CAP:
		return CAPABILITIES;
	case HOST_GHC:
		return GHC_AHCI | (ahci->interrupts_enabled ? GHC_INTERRUPTS : 0) |
		       (ahci->resetting ? GHC_RESET : 0);
	case HOST_IS:
		return ahci->interrupt_status;
	case HOST_PI:
		return implemented_ports(ahci);
	case HOST_VS:
		return VERSION;
	default:
		return 0;
	}
}

static void write_host(struct ahci *ahci, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case HOST_GHC:
		ahci->interrupts_enabled = value & GHC_INTERRUPTS;
		if (value & GHC_RESET)
			start_reset(ahci);
		else
			update_interrupt(ahci);
		break;
	case HOST_IS:
		ahci->interrupt_status &= ~value;
		update_interrupt(ahci);
		break;
	}
}

/* The port a register belongs to; NULL: none that is implemented. */
static struct ahci_port *port_at(const struct ahci *ahci, uint64_t offset)
{
	uint64_t port = (offset - PORTS_OFFSET) / AHCI_PORT_REGISTERS_SIZE;

	return port < AHCI_PORTS ? ahci->ports[port] : NULL;
}

static uint32_t read_register(const struct ahci *ahci, uint64_t offset)
{
	const struct ahci_port *port;

	if (offset < PORTS_OFFSET)
		return read_host(ahci, offset);
	port = port_at(ahci, offset);
	return port ? ahci_port_read(port, offset % AHCI_PORT_REGISTERS_SIZE) : 0;
}

static void write_register(struct ahci *ahci, uint64_t offset, uint32_t value)
{
	struct ahci_port *port;

	/* Nothing is heard before the reset is done. */
	if (ahci->resetting)
		return;
	if (offset < PORTS_OFFSET) {
		write_host(ahci, offset, value);
		return;
	}
	port = port_at(ahci, offset);
	if (port)
		ahci_port_write(port, offset % AHCI_PORT_REGISTERS_SIZE, value);
}

/* Any part of a register can be read, or two at once. */
static uint64_t registers_read(void *device, uint64_t offset, unsigned int size)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < size; i++) {
		uint64_t at = offset + i;
		uint32_t whole = read_register(device, at & ~3ULL);

		value |= (uint64_t)(whole >> 8 * (at % 4) & 0xff) << 8 * i;
	}
	return value;
}

/* Written only whole: a part of one is ignored. */
static void registers_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; offset % 4 == 0 && i + 4 <= size; i += 4)
		write_register(device, offset + i, (uint32_t)(value >> 8 * i));
}

static const struct address_range_ops register_ops = {
	.read = registers_read,
	.write = registers_write,
};

/* The function */

static struct ahci *from_function(struct pci_device *function)
{
	return (void *)((char *)function - offsetof(struct ahci, function));
}

static void reset_and_wait(struct ahci *ahci)
{
	for (unsigned int i = 0; i < AHCI_PORTS; i++) {
		if (ahci->ports[i])
			ahci_port_reset_and_wait(ahci->ports[i]);
	}
	reset_host_registers(ahci);
	ahci->resetting = false;
}

static void function_reset(struct pci_device *function)
{
	reset_and_wait(from_function(function));
}

static const struct pci_device_ops function_ops = {.reset = function_reset};

static int init_function(struct ahci *ahci, struct pci_host_bridge *bridge)
{
	int r = pci_device_init(&ahci->function, bridge, AHCI_DEVFN, &identity, &function_ops);

	if (r < 0)
		return r;
	pci_device_add_pin(&ahci->function);
	pci_device_add_bar(&ahci->function, REGISTERS_BAR, PCI_BAR_MEMORY_32, REGISTERS_SIZE,
			   &register_ops, ahci);
	pci_config_space_define(&ahci->function.config, MAP, 1, MAP_AHCI, 0);
	pci_config_space_define(&ahci->function.config, PCS, 1, 0, (1 << AHCI_PORTS) - 1);
	return 0;
}

/* Main thread */

static void on_work(void *data, uint32_t events)
{
	struct ahci *ahci = data;

	for (unsigned int i = 0; i < AHCI_PORTS; i++) {
		if (ahci->ports[i])
			ahci_port_process(ahci->ports[i]);
	}
}

/* Edge-triggered, so that the counter need not be read. */
static int create_work(struct ahci *ahci, struct event_loop *loop)
{
	ahci->work_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ahci->work_fd < 0)
		return -errno;
	return event_loop_add(loop, ahci->work_fd, EPOLLIN | EPOLLET, on_work, ahci, &ahci->work);
}

int ahci_create(struct pci_host_bridge *bridge, struct guest_memory *memory,
		struct event_loop *loop, struct ahci **ret_ahci)
{
	struct ahci *ahci = calloc(1, sizeof(*ahci));
	int r;

	if (!ahci)
		return -ENOMEM;
	ahci->port_host = (struct ahci_port_host){
		.memory = memory,
		.interrupt = update_interrupt,
		.schedule = schedule,
		.settled = on_settled,
		.adapter = ahci,
	};
	r = create_work(ahci, loop);
	if (r == 0)
		r = init_function(ahci, bridge);
	if (r < 0) {
		ahci_destroy(ahci);
		return r;
	}
	*ret_ahci = ahci;
	return 0;
}

void ahci_destroy(struct ahci *ahci)
{
	if (!ahci)
		return;
	/* What is under way would come back to a port that is gone. */
	reset_and_wait(ahci);
	for (unsigned int i = 0; i < AHCI_PORTS; i++)
		ahci_port_destroy(ahci->ports[i]);
	pci_device_finish(&ahci->function);
	event_source_remove(ahci->work);
	fd_close(&ahci->work_fd);
	free(ahci);
}

/* Drives */

static int add_drive(struct ahci *ahci, unsigned int port, struct ahci_drive *drive)
{
	int r = ahci_port_create(&ahci->port_host, port, drive, &ahci->ports[port]);

	if (r < 0) {
		drive->ops->destroy(drive);
		return r;
	}
	pci_config_space_define(&ahci->function.config, PCS + 1, 1, implemented_ports(ahci), 0);
	return 0;
}

int ahci_add_disk(struct ahci *ahci, unsigned int port, struct block_backend *backend,
		  const char *serial)
{
	struct ahci_drive *drive;
	int r;

	assert(port < AHCI_PORTS && !ahci->ports[port]);
	r = ata_disk_create(backend, serial, port, &drive);
	return r == 0 ? add_drive(ahci, port, drive) : r;
}

int ahci_add_cdrom(struct ahci *ahci, unsigned int port, struct block_backend *backend)
{
	struct ahci_drive *drive;
	int r;

	assert(port < AHCI_PORTS && !ahci->ports[port]);
	r = atapi_cdrom_create(backend, port, &drive);
	return r == 0 ? add_drive(ahci, port, drive) : r;
}

int ahci_cdrom_insert(struct ahci *ahci, unsigned int port, int fd, bool force)
{
	return atapi_cdrom_insert(ahci->ports[port]->drive, fd, force);
}

int ahci_cdrom_eject(struct ahci *ahci, unsigned int port, bool force)
{
	return atapi_cdrom_eject(ahci->ports[port]->drive, force);
}

bool ahci_cdrom_loaded(const struct ahci *ahci, unsigned int port)
{
	return atapi_cdrom_loaded(ahci->ports[port]->drive);
}

void ahci_pause(struct ahci *ahci)
{
	for (unsigned int i = 0; i < AHCI_PORTS; i++) {
		if (ahci->ports[i])
			ahci_port_pause(ahci->ports[i]);
	}
}

void ahci_resume(struct ahci *ahci)
{
	for (unsigned int i = 0; i < AHCI_PORTS; i++) {
		if (ahci->ports[i])
			ahci_port_resume(ahci->ports[i]);
	}
}

bool ahci_is_idle(const struct ahci *ahci)
{
	for (unsigned int i = 0; i < AHCI_PORTS; i++) {
		if (ahci->ports[i] && ahci->ports[i]->in_flight > 0)
			return false;
	}
	return true;
}

/* State */

void ahci_save(const struct ahci *ahci, struct state_writer *writer)
{
	assert(!ahci->resetting);
	pci_device_save(&ahci->function, writer);
	state_writer_put32(writer, implemented_ports(ahci));
	state_writer_put_bool(writer, ahci->interrupts_enabled);
	state_writer_put32(writer, ahci->interrupt_status);
	for (unsigned int i = 0; i < AHCI_PORTS; i++) {
		if (ahci->ports[i])
			ahci_port_save(ahci->ports[i], writer);
	}
}

static void load_ports(struct ahci *ahci, struct state_reader *reader)
{
	for (unsigned int i = 0; i < AHCI_PORTS; i++) {
		if (ahci->ports[i])
			ahci_port_load(ahci->ports[i], reader);
	}
}

int ahci_load(struct ahci *ahci, struct state_reader *reader)
{
	uint32_t ports = implemented_ports(ahci);

	ahci_pause(ahci);
	pci_device_load(&ahci->function, reader);
	if (!state_reader_check(reader, state_reader_get32(reader) == ports,
				"its drives are on other ports"))
		return state_reader_result(reader);
	ahci->interrupts_enabled = state_reader_get_bool(reader);
	ahci->interrupt_status = state_reader_get32(reader);
	state_reader_check(reader, !(ahci->interrupt_status & ~ports),
			   "a SATA port that does not exist has interrupted");
	load_ports(ahci, reader);
	if (state_reader_result(reader) == 0)
		update_interrupt(ahci);
	return state_reader_result(reader);
}

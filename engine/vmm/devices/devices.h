/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The devices of a PC that are not on a PCI bus: one create function each. All calls with the
 * device lock held or before the vCPUs run; destroy functions accept NULL and leave the bus to be
 * destroyed next. reset brings a device back to power-on.
 *
 * save and load are for a section of a machine's state that the caller has opened, of the version
 * the device names; load is for a device that no guest has used, and after that of the interrupt
 * chips: it raises the lines that are up. It checks what it reads as it does what a guest writes:
 * 0, or -EPROTO with the reason in the reader, and then the device is good for nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address_space;
struct event_loop;
struct interrupt_controller;
struct memory_slot_registry;
struct state_reader;
struct state_writer;

/*
 * What a guest can ask of the machine as a whole. Called with the device lock held on any thread:
 * the machine only takes note and acts later.
 */
struct system_requests {
	void (*power_off)(void *machine);
	void (*reset)(void *machine);
	void (*panicked)(void *machine);
	void (*debug_exit)(void *machine, int exit_status);
	void *machine;
};

/* The host's side of a serial port. */
struct serial_sink {
	/* Bytes the guest sends. They are taken at once, whatever becomes of them. */
	void (*output)(void *data, const uint8_t *bytes, size_t length);
	/* There is room for input again after serial_16550_input() took less than it was given. */
	void (*input_wanted)(void *data);
	void *data;
};

enum { SERIAL_COM1_PORT = 0x3F8, SERIAL_COM1_GSI = 4 };

struct serial_16550;
int serial_16550_create(struct address_space *ports, struct interrupt_controller *interrupts,
			uint16_t base_port, unsigned int gsi, const struct serial_sink *sink,
			struct serial_16550 **ret_serial);
void serial_16550_destroy(struct serial_16550 *serial);
void serial_16550_reset(struct serial_16550 *serial);
enum { SERIAL_16550_STATE_VERSION = 1 };
void serial_16550_save(const struct serial_16550 *serial, struct state_writer *writer);
int serial_16550_load(struct serial_16550 *serial, struct state_reader *reader);
/* Bytes for the guest to receive; returns how many were taken. */
size_t serial_16550_input(struct serial_16550 *serial, const uint8_t *bytes, size_t length);

struct cmos_rtc;
/* low and high: bytes of RAM below and from 4 GiB, for firmware. */
int cmos_rtc_create(struct address_space *ports, uint64_t low, uint64_t high, unsigned int vcpus,
		    struct cmos_rtc **ret_rtc);
void cmos_rtc_destroy(struct cmos_rtc *rtc);
enum { CMOS_RTC_STATE_VERSION = 1 };
void cmos_rtc_save(const struct cmos_rtc *rtc, struct state_writer *writer);
int cmos_rtc_load(struct cmos_rtc *rtc, struct state_reader *reader);

struct i8042;
struct ps2_port;
/* Without keyboard and mouse: see i8042_plug_in(). */
int i8042_create(struct address_space *ports, struct interrupt_controller *interrupts,
		 const struct system_requests *requests, struct i8042 **ret_controller);
void i8042_destroy(struct i8042 *controller);
/* What is plugged in is reset with it. */
void i8042_reset(struct i8042 *controller);
/* Before the vCPUs run. Borrowed; must outlive the guest. */
void i8042_plug_in(struct i8042 *controller, struct ps2_port *keyboard, struct ps2_port *mouse);
/* Without what is plugged in: see ps2-devices.h. */
enum { I8042_STATE_VERSION = 1 };
void i8042_save(const struct i8042 *controller, struct state_writer *writer);
int i8042_load(struct i8042 *controller, struct state_reader *reader);

enum { ACPI_PM_BASE = 0x600, ACPI_SCI_GSI = 9 };

struct acpi_pm;
int acpi_pm_create(struct address_space *ports, struct interrupt_controller *interrupts,
		   const struct system_requests *requests, struct acpi_pm **ret_pm);
void acpi_pm_destroy(struct acpi_pm *pm);
void acpi_pm_reset(struct acpi_pm *pm);
/* The guest's system is asked to shut down, if it listens. */
void acpi_pm_press_power_button(struct acpi_pm *pm);
/* A general-purpose event (of the DSDT's \_GPE), below ACPI_PM_EVENTS. */
enum { ACPI_PM_EVENTS = 64 };
void acpi_pm_raise_event(struct acpi_pm *pm, unsigned int event);
enum { ACPI_PM_STATE_VERSION = 1 };
void acpi_pm_save(const struct acpi_pm *pm, struct state_writer *writer);
int acpi_pm_load(struct acpi_pm *pm, struct state_reader *reader);

struct fast_reset;
int fast_reset_create(struct address_space *ports, const struct system_requests *requests,
		      struct fast_reset **ret_reset);
void fast_reset_destroy(struct fast_reset *reset);

struct pflash_host {
	struct address_space *mmio;
	struct memory_slot_registry *slots;
	struct event_loop *loop;
};
/* Where changes are kept. */
struct pflash_store {
	int fd; /* borrowed; -1: nowhere */
	/* They could not be. They are tried again after pflash_resume(). */
	void (*failed)(void *data, int error);
	void *data;
};

struct pflash;
/*
 * A flash chip of size bytes (in units of 4 KiB, at most 8 MiB) at gpa, with the contents of a file
 * that is borrowed for the time of the call. 0, -EINVAL when the file has another size.
 */
int pflash_create(const struct pflash_host *host, uint64_t gpa, uint64_t size, int fd,
		  const struct pflash_store *store, struct pflash **ret_flash);
void pflash_destroy(struct pflash *flash);
void pflash_reset(struct pflash *flash);
/* Main thread: changes are in the file when it returns. Lets the device lock go meanwhile. */
void pflash_flush(struct pflash *flash);
void pflash_resume(struct pflash *flash);
/* Borrowed. */
const void *pflash_contents(const struct pflash *flash);
uint64_t pflash_size(const struct pflash *flash);
/* Without the contents: those are in the chip it is loaded into already, as in the file. */
enum { PFLASH_STATE_VERSION = 1 };
void pflash_save(const struct pflash *flash, struct state_writer *writer);
int pflash_load(struct pflash *flash, struct state_reader *reader);

struct pvpanic;
int pvpanic_create(struct address_space *ports, const struct system_requests *requests,
		   struct pvpanic **ret_pvpanic);
void pvpanic_destroy(struct pvpanic *pvpanic);

struct debug_exit;
int debug_exit_create(struct address_space *ports, const struct system_requests *requests,
		      struct debug_exit **ret_exit);
void debug_exit_destroy(struct debug_exit *exit);

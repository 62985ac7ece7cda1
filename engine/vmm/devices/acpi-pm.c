/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ACPI fixed hardware (ACPI 6.4, section 4.8) where an ICH9 has it after firmware: the PM1 event
 * and control blocks, the power management timer and a general-purpose event block. The machine
 * is always in ACPI mode. The timer's carry is not signalled: systems read the timer instead.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "bus/address-space.h"
#include "bus/interrupt.h"
#include "devices/devices.h"
#include "loop/event-loop.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

enum {
	PORTS = 0x80,

	PM1_STATUS = 0x00,
	PM1_ENABLE = 0x02,
	PM1_CONTROL = 0x04,
	PM_TIMER = 0x08,
	GPE0_STATUS = 0x20,
	GPE0_ENABLE = 0x28,
	SMI_ENABLE = 0x30,
	GPE0_BYTES = ACPI_PM_EVENTS / 8, /* of status, then as many of enable */

	PM1_TIMER = 1 << 0,
	PM1_GLOBAL = 1 << 5,
	PM1_POWER_BUTTON = 1 << 8,
	PM1_RTC = 1 << 10,
	/* All can be enabled, as systems insist on; only the power button ever occurs. */
	PM1_EVENTS = PM1_TIMER | PM1_GLOBAL | PM1_POWER_BUTTON | PM1_RTC,

	CONTROL_SCI = 1 << 0, /* ACPI mode */
	CONTROL_SLEEP_TYPE_SHIFT = 10,
	CONTROL_SLEEP_TYPE_MASK = 7,
	CONTROL_SLEEP = 1 << 13,
	CONTROL_WRITABLE = CONTROL_SLEEP_TYPE_MASK << CONTROL_SLEEP_TYPE_SHIFT | 1 << 1,
	SLEEP_TYPE_S5 = 0, /* as the DSDT's \_S5 says */

	SMI_ENABLE_APMC = 1 << 5, /* firmware then does not look for SMM */
};

#define PM_TIMER_HZ   3579545ULL
#define PM_TIMER_MASK 0xffffffULL /* 24 bits */
#define NS_PER_SECOND 1000000000ULL

/* What is saved, besides the timer. */
struct acpi_pm_state {
	uint16_t status, enable, control;
	uint8_t gpe0[2 * GPE0_BYTES]; /* status, enable */
};

struct acpi_pm {
	struct interrupt_controller *interrupts;
	struct system_requests requests;
	struct acpi_pm_state state;
	uint32_t timer_offset; /* ticks the guest's timer is ahead, for one that was saved */
	bool line;             /* level of the system control interrupt */
};

static void update_interrupt(struct acpi_pm *pm)
{
	const struct acpi_pm_state *state = &pm->state;
	bool line = state->status & state->enable & PM1_EVENTS;

	for (unsigned int i = 0; i < GPE0_BYTES; i++)
		line = line || (state->gpe0[i] & state->gpe0[GPE0_BYTES + i]);
	if (line == pm->line)
		return;
	pm->line = line;
	interrupt_line_set(pm->interrupts, ACPI_SCI_GSI, line);
}

/* Ticks since the host started: none can tell when its clock began. */
static uint32_t timer_value(const struct acpi_pm *pm)
{
	uint64_t now = event_loop_now();
	uint64_t ticks = now / NS_PER_SECOND * PM_TIMER_HZ +
			 now % NS_PER_SECOND * PM_TIMER_HZ / NS_PER_SECOND;

	return (uint32_t)((ticks + pm->timer_offset) & PM_TIMER_MASK);
}

static uint8_t read_byte(const struct acpi_pm *pm, uint64_t offset)
{
	const struct acpi_pm_state *state = &pm->state;
	unsigned int shift = 8 * (offset & 1);

	if (offset >= GPE0_STATUS && offset < GPE0_STATUS + sizeof(state->gpe0))
		return state->gpe0[offset - GPE0_STATUS];
	switch (offset & ~1ULL) {
	case PM1_STATUS:
		return (uint8_t)(state->status >> shift);
	case PM1_ENABLE:
		return (uint8_t)(state->enable >> shift);
	case PM1_CONTROL:
		return (uint8_t)((state->control | CONTROL_SCI) >> shift);
	case SMI_ENABLE:
		return shift ? 0 : SMI_ENABLE_APMC;
	default:
		return 0;
	}
}

static uint64_t pm_read(void *device, uint64_t offset, unsigned int size)
{
	uint64_t value = 0;

	/* The timer has to be read as one: its bytes belong together. */
	if (offset >= PM_TIMER && offset + size <= PM_TIMER + 4)
		return timer_value(device) >> (8 * (offset - PM_TIMER)) &
		       (~0ULL >> (64 - 8 * size));
	for (unsigned int i = 0; i < size; i++)
		value |= (uint64_t)read_byte(device, offset + i) << (8 * i);
	return value;
}

static void write_control(struct acpi_pm *pm, uint8_t value, unsigned int shift)
{
	struct acpi_pm_state *state = &pm->state;
	uint16_t written = (uint16_t)(value << shift);
	unsigned int sleep_type;

	state->control = (state->control & ~(0xff << shift)) | (written & CONTROL_WRITABLE);
	sleep_type = state->control >> CONTROL_SLEEP_TYPE_SHIFT & CONTROL_SLEEP_TYPE_MASK;
	if ((written & CONTROL_SLEEP) && sleep_type == SLEEP_TYPE_S5)
		pm->requests.power_off(pm->requests.machine);
}

static void write_gpe0(struct acpi_pm_state *state, uint64_t at, uint8_t value)
{
	if (at < GPE0_BYTES)
		state->gpe0[at] &= (uint8_t)~value; /* writing 1 clears */
	else
		state->gpe0[at] = value;
}

static void write_byte(struct acpi_pm *pm, uint64_t offset, uint8_t value)
{
	struct acpi_pm_state *state = &pm->state;
	unsigned int shift = 8 * (offset & 1);
	uint16_t lane = (uint16_t)(0xff << shift), written = (uint16_t)(value << shift);

	if (offset >= GPE0_STATUS && offset < GPE0_STATUS + sizeof(state->gpe0))
		write_gpe0(state, offset - GPE0_STATUS, value);
	else if ((offset & ~1ULL) == PM1_STATUS)
		state->status &= (uint16_t)~written; /* writing 1 clears */
	else if ((offset & ~1ULL) == PM1_ENABLE)
		state->enable = (state->enable & ~lane) | (written & PM1_EVENTS);
	else if ((offset & ~1ULL) == PM1_CONTROL)
		write_control(pm, value, shift);
}

static void pm_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct acpi_pm *pm = device;

	for (unsigned int i = 0; i < size; i++)
		write_byte(pm, offset + i, (uint8_t)(value >> (8 * i)));
	update_interrupt(pm);
}

static const struct address_range_ops pm_ops = {.read = pm_read, .write = pm_write};

void acpi_pm_press_power_button(struct acpi_pm *pm)
{
	pm->state.status |= PM1_POWER_BUTTON;
	update_interrupt(pm);
}

void acpi_pm_raise_event(struct acpi_pm *pm, unsigned int event)
{
	assert(event < ACPI_PM_EVENTS);
	pm->state.gpe0[event / 8] |= (uint8_t)(1 << event % 8);
	update_interrupt(pm);
}

void acpi_pm_reset(struct acpi_pm *pm)
{
	pm->state = (struct acpi_pm_state){0};
	update_interrupt(pm);
}

int acpi_pm_create(struct address_space *ports, struct interrupt_controller *interrupts,
		   const struct system_requests *requests, struct acpi_pm **ret_pm)
{
	struct acpi_pm *pm = calloc(1, sizeof(*pm));
	int r;

	if (!pm)
		return -ENOMEM;
	pm->interrupts = interrupts;
	pm->requests = *requests;
	r = address_space_add(ports, ACPI_PM_BASE, PORTS, &pm_ops, pm);
	if (r < 0) {
		free(pm);
		return r;
	}
	*ret_pm = pm;
	return 0;
}

void acpi_pm_destroy(struct acpi_pm *pm)
{
	free(pm);
}

void acpi_pm_save(const struct acpi_pm *pm, struct state_writer *writer)
{
	state_writer_put16(writer, pm->state.status);
	state_writer_put16(writer, pm->state.enable);
	state_writer_put16(writer, pm->state.control);
	state_writer_put_bytes(writer, pm->state.gpe0, sizeof(pm->state.gpe0));
	state_writer_put32(writer, timer_value(pm));
}

/* The timer goes on from where it was: systems compare it with their other clocks. */
int acpi_pm_load(struct acpi_pm *pm, struct state_reader *reader)
{
	struct acpi_pm_state state = {.status = state_reader_get16(reader)};
	uint32_t timer;

	state.enable = state_reader_get16(reader);
	state.control = state_reader_get16(reader);
	state_reader_get_bytes(reader, state.gpe0, sizeof(state.gpe0));
	timer = state_reader_get32(reader);
	state_reader_check(reader,
			   !(state.enable & ~PM1_EVENTS) && !(state.status & ~PM1_EVENTS) &&
				   !(state.control & ~CONTROL_WRITABLE),
			   "power management has no such bits");
	if (!state_reader_check(reader, timer <= PM_TIMER_MASK,
				"the power management timer does not go so far"))
		return state_reader_result(reader);
	pm->state = state;
	pm->timer_offset += timer - timer_value(pm);
	update_interrupt(pm);
	return 0;
}

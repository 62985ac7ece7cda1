/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * National Semiconductor PC16550D: universal asynchronous receiver/transmitter with FIFOs (data
 * sheet of June 1995). The line is infinitely fast: what is written has been sent.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/address-space.h"
#include "bus/interrupt.h"
#include "devices/devices.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

enum {
	PORTS = 8,
	FIFO_SIZE = 16,

	/* registers by offset; DLAB: with the divisor latch access bit set */
	RBR_THR = 0, /* receive, transmit; DLAB: divisor low */
	IER = 1,     /* DLAB: divisor high */
	IIR_FCR = 2,
	LCR = 3,
	MCR = 4,
	LSR = 5,
	MSR = 6,
	SCR = 7,

	IER_RECEIVED = 1 << 0,
	IER_THR_EMPTY = 1 << 1,
	IER_LINE_STATUS = 1 << 2,
	IER_MODEM_STATUS = 1 << 3,
	IER_WRITABLE = 0x0f,

	IIR_NONE = 0x01,
	IIR_MODEM_STATUS = 0x00,
	IIR_THR_EMPTY = 0x02,
	IIR_RECEIVED = 0x04,
	IIR_TIMEOUT = 0x0c,
	IIR_LINE_STATUS = 0x06,
	IIR_FIFOS = 0xc0,

	FCR_ENABLE = 1 << 0,
	FCR_CLEAR_RECEIVER = 1 << 1,
	FCR_TRIGGER_SHIFT = 6,
	FCR_KEPT = FCR_ENABLE | 3 << FCR_TRIGGER_SHIFT,

	LCR_DLAB = 1 << 7,

	MCR_DTR = 1 << 0,
	MCR_RTS = 1 << 1,
	MCR_OUT1 = 1 << 2,
	MCR_OUT2 = 1 << 3, /* on a PC: connects the interrupt */
	MCR_LOOP = 1 << 4,
	MCR_WRITABLE = 0x1f,

	LSR_DATA_READY = 1 << 0,
	LSR_OVERRUN = 1 << 1,
	LSR_THR_EMPTY = 1 << 5,
	LSR_TRANSMITTER_EMPTY = 1 << 6,

	MSR_DELTA_CTS = 1 << 0,
	MSR_DELTA_DSR = 1 << 1,
	MSR_RING_ENDED = 1 << 2,
	MSR_DELTA_DCD = 1 << 3,
	MSR_DELTAS = 0x0f,
	MSR_CTS = 1 << 4,
	MSR_DSR = 1 << 5,
	MSR_RI = 1 << 6,
	MSR_DCD = 1 << 7,
};

/* What is saved. */
struct serial_state {
	uint8_t ier, fcr, lcr, mcr, scr;
	uint8_t msr_delta;
	uint16_t divisor;
	bool overrun;
	bool thr_empty_pending;
	uint8_t fifo[FIFO_SIZE];
	uint8_t fifo_head, fifo_count;
};

struct serial_16550 {
	struct interrupt_controller *interrupts;
	unsigned int gsi;
	struct serial_sink sink;
	struct serial_state state;
	bool line;        /* level of the interrupt line */
	bool input_waits; /* the host had more than there was room for */
};

static unsigned int fifo_capacity(const struct serial_state *state)
{
	return state->fcr & FCR_ENABLE ? FIFO_SIZE : 1;
}

static unsigned int receive_trigger(const struct serial_state *state)
{
	static const uint8_t levels[] = {1, 4, 8, 14};

	return state->fcr & FCR_ENABLE ? levels[state->fcr >> FCR_TRIGGER_SHIFT] : 1;
}

/* The pending interrupt of the highest priority (data sheet, table III). */
static unsigned int pending_interrupt(const struct serial_state *state)
{
	if ((state->ier & IER_LINE_STATUS) && state->overrun)
		return IIR_LINE_STATUS;
	if ((state->ier & IER_RECEIVED) && state->fifo_count >= receive_trigger(state))
		return IIR_RECEIVED;
	/* Fewer than the trigger level wait: on this line four character times pass at once. */
	if ((state->ier & IER_RECEIVED) && state->fifo_count > 0)
		return IIR_TIMEOUT;
	if ((state->ier & IER_THR_EMPTY) && state->thr_empty_pending)
		return IIR_THR_EMPTY;
	if ((state->ier & IER_MODEM_STATUS) && state->msr_delta)
		return IIR_MODEM_STATUS;
	return IIR_NONE;
}

static void update_interrupt(struct serial_16550 *serial)
{
	const struct serial_state *state = &serial->state;
	bool connected = (state->mcr & MCR_OUT2) && !(state->mcr & MCR_LOOP);
	bool line = connected && pending_interrupt(state) != IIR_NONE;

	if (line == serial->line)
		return;
	serial->line = line;
	interrupt_line_set(serial->interrupts, serial->gsi, line);
}

static bool receive(struct serial_state *state, uint8_t byte)
{
	if (state->fifo_count >= fifo_capacity(state))
		return false;
	state->fifo[(state->fifo_head + state->fifo_count) % FIFO_SIZE] = byte;
	state->fifo_count++;
	return true;
}

static void offer_room(struct serial_16550 *serial)
{
	if (!serial->input_waits)
		return;
	serial->input_waits = false;
	serial->sink.input_wanted(serial->sink.data);
}

static uint8_t read_received(struct serial_16550 *serial)
{
	struct serial_state *state = &serial->state;
	uint8_t byte;

	if (state->fifo_count == 0)
		return 0;
	byte = state->fifo[state->fifo_head];
	state->fifo_head = (state->fifo_head + 1) % FIFO_SIZE;
	state->fifo_count--;
	if (state->fifo_count == 0)
		offer_room(serial);
	return byte;
}

static void transmit(struct serial_16550 *serial, uint8_t byte)
{
	struct serial_state *state = &serial->state;

	if (!(state->mcr & MCR_LOOP))
		serial->sink.output(serial->sink.data, &byte, 1);
	else if (!receive(state, byte))
		state->overrun = true;
	state->thr_empty_pending = true;
}

/* In loopback the modem control outputs are the modem status inputs (data sheet, 8.6). */
static uint8_t modem_lines(const struct serial_state *state)
{
	uint8_t lines = 0;

	if (!(state->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	if (state->mcr & MCR_RTS)
		lines |= MSR_CTS;
	if (state->mcr & MCR_DTR)
		lines |= MSR_DSR;
	if (state->mcr & MCR_OUT1)
		lines |= MSR_RI;
	if (state->mcr & MCR_OUT2)
		lines |= MSR_DCD;
	return lines;
}

static void write_modem_control(struct serial_state *state, uint8_t value)
{
	uint8_t before = modem_lines(state), changed;

	state->mcr = value & MCR_WRITABLE;
	changed = before ^ modem_lines(state);
	if (changed & MSR_CTS)
		state->msr_delta |= MSR_DELTA_CTS;
	if (changed & MSR_DSR)
		state->msr_delta |= MSR_DELTA_DSR;
	if (changed & MSR_DCD)
		state->msr_delta |= MSR_DELTA_DCD;
	if ((changed & MSR_RI) && (before & MSR_RI))
		state->msr_delta |= MSR_RING_ENDED;
}

static void write_fifo_control(struct serial_16550 *serial, uint8_t value)
{
	struct serial_state *state = &serial->state;
	bool toggled = (state->fcr ^ value) & FCR_ENABLE;

	if (toggled || (value & FCR_CLEAR_RECEIVER))
		state->fifo_count = 0;
	state->fcr = value & FCR_KEPT;
	offer_room(serial);
}

static void write_interrupt_enable(struct serial_state *state, uint8_t value)
{
	/* Enabling it while the transmitter is empty, as it always is, raises it. */
	if ((value & IER_THR_EMPTY) && !(state->ier & IER_THR_EMPTY))
		state->thr_empty_pending = true;
	state->ier = value & IER_WRITABLE;
}

static uint8_t read_interrupt_identification(struct serial_state *state)
{
	unsigned int pending = pending_interrupt(state);

	if (pending == IIR_THR_EMPTY)
		state->thr_empty_pending = false;
	return (uint8_t)(pending | (state->fcr & FCR_ENABLE ? IIR_FIFOS : 0));
}

static uint8_t read_line_status(struct serial_state *state)
{
	uint8_t status = LSR_THR_EMPTY | LSR_TRANSMITTER_EMPTY;

	if (state->fifo_count > 0)
		status |= LSR_DATA_READY;
	if (state->overrun)
		status |= LSR_OVERRUN;
	state->overrun = false;
	return status;
}

static uint8_t read_modem_status(struct serial_state *state)
{
	uint8_t status = modem_lines(state) | state->msr_delta;

	state->msr_delta = 0;
	return status;
}

static uint8_t read_register(struct serial_16550 *serial, uint64_t offset)
{
	struct serial_state *state = &serial->state;
	bool divisor = state->lcr & LCR_DLAB;

	switch (offset) {
	case RBR_THR:
		return divisor ? (uint8_t)state->divisor : read_received(serial);
	case IER:
		return divisor ? (uint8_t)(state->divisor >> 8) : state->ier;
	case IIR_FCR:
		return read_interrupt_identification(state);
	case LCR:
		return state->lcr;
	case MCR:
		return state->mcr;
	case LSR:
		return read_line_status(state);
	case MSR:
		return read_modem_status(state);
	default:
		return state->scr;
	}
}

static void write_register(struct serial_16550 *serial, uint64_t offset, uint8_t value)
{
	struct serial_state *state = &serial->state;
	bool divisor = state->lcr & LCR_DLAB;

	switch (offset) {
	case RBR_THR:
		if (divisor)
			state->divisor = (state->divisor & 0xff00) | value;
		else
			transmit(serial, value);
		break;
	case IER:
		if (divisor)
			state->divisor = (uint16_t)((state->divisor & 0xff) | value << 8);
		else
			write_interrupt_enable(state, value);
		break;
	case IIR_FCR:
		write_fifo_control(serial, value);
		break;
	case LCR:
		state->lcr = value;
		break;
	case MCR:
		write_modem_control(state, value);
		offer_room(serial);
		break;
	case SCR:
		state->scr = value;
		break;
	}
}

/* The chip has an 8-bit bus: a wider access takes the registers one after the other. */
static uint64_t serial_read(void *device, uint64_t offset, unsigned int size)
{
	struct serial_16550 *serial = device;
	uint64_t value = 0;

	for (unsigned int i = 0; i < size; i++)
		value |= (uint64_t)read_register(serial, offset + i) << (8 * i);
	update_interrupt(serial);
	return value;
}

static void serial_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct serial_16550 *serial = device;

	for (unsigned int i = 0; i < size; i++)
		write_register(serial, offset + i, (uint8_t)(value >> (8 * i)));
	update_interrupt(serial);
}

static const struct address_range_ops serial_ops = {.read = serial_read, .write = serial_write};

size_t serial_16550_input(struct serial_16550 *serial, const uint8_t *bytes, size_t length)
{
	size_t taken = 0;

	/* In loopback the receiver is off the line. */
	while (taken < length && !(serial->state.mcr & MCR_LOOP) &&
	       receive(&serial->state, bytes[taken]))
		taken++;
	serial->input_waits = taken < length;
	update_interrupt(serial);
	return taken;
}

void serial_16550_reset(struct serial_16550 *serial)
{
	serial->state = (struct serial_state){.divisor = 1};
	update_interrupt(serial);
	offer_room(serial);
}

int serial_16550_create(struct address_space *ports, struct interrupt_controller *interrupts,
			uint16_t base_port, unsigned int gsi, const struct serial_sink *sink,
			struct serial_16550 **ret_serial)
{
	struct serial_16550 *serial = calloc(1, sizeof(*serial));
	int r;

	if (!serial)
		return -ENOMEM;
	serial->interrupts = interrupts;
	serial->gsi = gsi;
	serial->sink = *sink;
	serial->state.divisor = 1;
	r = address_space_add(ports, base_port, PORTS, &serial_ops, serial);
	if (r < 0) {
		free(serial);
		return r;
	}
	*ret_serial = serial;
	return 0;
}

void serial_16550_destroy(struct serial_16550 *serial)
{
	free(serial);
}

void serial_16550_save(const struct serial_16550 *serial, struct state_writer *writer)
{
	const struct serial_state *state = &serial->state;

	state_writer_put8(writer, state->ier);
	state_writer_put8(writer, state->fcr);
	state_writer_put8(writer, state->lcr);
	state_writer_put8(writer, state->mcr);
	state_writer_put8(writer, state->scr);
	state_writer_put8(writer, state->msr_delta);
	state_writer_put16(writer, state->divisor);
	state_writer_put_bool(writer, state->overrun);
	state_writer_put_bool(writer, state->thr_empty_pending);
	state_writer_put8(writer, state->fifo_head);
	state_writer_put8(writer, state->fifo_count);
	state_writer_put_bytes(writer, state->fifo, sizeof(state->fifo));
}

static bool registers_possible(const struct serial_state *state)
{
	return !(state->ier & ~IER_WRITABLE) && !(state->fcr & ~FCR_KEPT) &&
	       !(state->mcr & ~MCR_WRITABLE) && !(state->msr_delta & ~MSR_DELTAS);
}

int serial_16550_load(struct serial_16550 *serial, struct state_reader *reader)
{
	struct serial_state state = {.ier = state_reader_get8(reader)};

	state.fcr = state_reader_get8(reader);
	state.lcr = state_reader_get8(reader);
	state.mcr = state_reader_get8(reader);
	state.scr = state_reader_get8(reader);
	state.msr_delta = state_reader_get8(reader);
	state.divisor = state_reader_get16(reader);
	state.overrun = state_reader_get_bool(reader);
	state.thr_empty_pending = state_reader_get_bool(reader);
	state.fifo_head = state_reader_get8(reader);
	state.fifo_count = state_reader_get8(reader);
	state_reader_get_bytes(reader, state.fifo, sizeof(state.fifo));
	state_reader_check(reader, registers_possible(&state), "the serial port has no such bits");
	if (!state_reader_check(reader,
				state.fifo_head < FIFO_SIZE &&
					state.fifo_count <= fifo_capacity(&state),
				"the serial port cannot hold so much"))
		return state_reader_result(reader);
	serial->state = state;
	update_interrupt(serial);
	return 0;
}

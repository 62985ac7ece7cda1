/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest that writes anything to the small devices of a PC's port space, in any width: serial
 * port, clock, ACPI power management, port 0x92, panic notice and debug exit, while somebody types
 * on the serial line and presses the power button.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>

#include "base/byte-order.h"
#include "board.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEP_SIZE = 8 /* what (u8), width (u8), device (u8), port of it (u8), u32 */ };

enum step { STEP_WRITE, STEP_READ, STEP_TYPE, STEP_POWER_BUTTON, STEP_RESET, STEP_COUNT };

static const struct {
	uint16_t first, count;
} devices[] = {
	{SERIAL_COM1_PORT, 8}, {0x70, 2}, {ACPI_PM_BASE, 0x80}, {0x92, 1}, {0x505, 1}, {0xf4, 4},
};

enum { DEVICES = sizeof(devices) / sizeof(devices[0]) };

struct computer {
	struct board board;
	struct serial_16550 *serial;
	struct cmos_rtc *rtc;
	struct acpi_pm *pm;
	struct fast_reset *fast_reset;
	struct pvpanic *pvpanic;
	struct debug_exit *debug_exit;
	size_t output;
	unsigned int bytes_written; /* to the serial port, at most */
};

static void on_output(void *data, const uint8_t *bytes, size_t length)
{
	((struct computer *)data)->output += length;
}

static void on_input_wanted(void *data)
{
}

static void start(struct computer *computer)
{
	struct board *board = &computer->board;
	const struct serial_sink sink = {on_output, on_input_wanted, computer};
	struct system_requests requests = board_requests(board);
	int r;

	*computer = (struct computer){.output = 0};
	board_init(board);
	r = serial_16550_create(board->ports, &board->interrupts, SERIAL_COM1_PORT, SERIAL_COM1_GSI,
				&sink, &computer->serial);
	assert(r == 0);
	r = cmos_rtc_create(board->ports, 3ULL << 30, 5ULL << 30, 4, &computer->rtc);
	assert(r == 0);
	r = acpi_pm_create(board->ports, &board->interrupts, &requests, &computer->pm);
	assert(r == 0);
	r = fast_reset_create(board->ports, &requests, &computer->fast_reset);
	assert(r == 0);
	r = pvpanic_create(board->ports, &requests, &computer->pvpanic);
	assert(r == 0);
	r = debug_exit_create(board->ports, &requests, &computer->debug_exit);
	assert(r == 0);
}

static void stop(struct computer *computer)
{
	debug_exit_destroy(computer->debug_exit);
	pvpanic_destroy(computer->pvpanic);
	fast_reset_destroy(computer->fast_reset);
	acpi_pm_destroy(computer->pm);
	cmos_rtc_destroy(computer->rtc);
	serial_16550_destroy(computer->serial);
	board_finish(&computer->board);
}

/* No line stays up, whatever was asked for before. */
static void reset(struct computer *computer)
{
	serial_16550_reset(computer->serial);
	acpi_pm_reset(computer->pm);
	assert(!computer->board.lines[SERIAL_COM1_GSI] && !computer->board.lines[ACPI_SCI_GSI]);
}

static void type(struct computer *computer, const uint8_t *step)
{
	size_t length = step[1] % 5;

	assert(serial_16550_input(computer->serial, step + 4 - length, length) <= length);
}

static void take_step(struct computer *computer, const uint8_t *step)
{
	unsigned int device = step[2] % DEVICES, width = 1u << step[1] % 4;
	uint16_t port = (uint16_t)(devices[device].first + step[3] % devices[device].count);

	switch (step[0] % STEP_COUNT) {
	case STEP_WRITE:
		board_out(&computer->board, port, width, load_le32(step + 4));
		computer->bytes_written += device == 0 ? width : 0;
		break;
	case STEP_READ:
		(void)board_in(&computer->board, port, width);
		break;
	case STEP_TYPE:
		type(computer, step);
		break;
	case STEP_POWER_BUTTON:
		acpi_pm_press_power_button(computer->pm);
		break;
	case STEP_RESET:
		reset(computer);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct computer computer;

	start(&computer);
	for (size_t at = 0; size - at >= STEP_SIZE; at += STEP_SIZE)
		take_step(&computer, data + at);
	assert(computer.output <= computer.bytes_written);
	assert(computer.board.debug_exit_status >= 0 && computer.board.debug_exit_status <= 0xff);
	reset(&computer);
	stop(&computer);
	return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "board.h"
#include "state-block.h"

enum { DATA = 0x3f8, IER = 0x3f9, IIR = 0x3fa, LCR = 0x3fb, MCR = 0x3fc, LSR = 0x3fd, MSR = 0x3fe };

struct fixture {
	struct board board;
	struct serial_16550 *serial;
	char output[64];
	size_t output_length;
	unsigned int input_wanted;
};

static void on_output(void *data, const uint8_t *bytes, size_t length)
{
	struct fixture *f = data;

	memcpy(f->output + f->output_length, bytes, length);
	f->output_length += length;
}

static void on_input_wanted(void *data)
{
	((struct fixture *)data)->input_wanted++;
}

static void set_up(struct fixture *f, gconstpointer data)
{
	const struct serial_sink sink = {on_output, on_input_wanted, f};

	memset(f, 0, sizeof(*f));
	board_init(&f->board);
	g_assert_cmpint(serial_16550_create(f->board.ports, &f->board.interrupts, DATA, 4, &sink,
					    &f->serial),
			==, 0);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	serial_16550_destroy(f->serial);
	board_finish(&f->board);
}

static unsigned int in(struct fixture *f, uint16_t port)
{
	return (unsigned int)board_in(&f->board, port, 1);
}

static void out(struct fixture *f, uint16_t port, uint8_t value)
{
	board_out(&f->board, port, 1, value);
}

static size_t input(struct fixture *f, const char *text)
{
	return serial_16550_input(f->serial, (const uint8_t *)text, strlen(text));
}

static void test_output(struct fixture *f, gconstpointer data)
{
	g_assert_cmphex(in(f, LSR), ==, 0x60);
	for (const char *c = "hello"; *c; c++)
		out(f, DATA, (uint8_t)*c);
	g_assert_cmpstr(f->output, ==, "hello");
	g_assert_cmpuint(f->board.changes[4], ==, 0); /* no interrupt was asked for */
}

static void test_divisor(struct fixture *f, gconstpointer data)
{
	out(f, LCR, 0x80);
	out(f, DATA, 0x0c);
	out(f, IER, 0x01);
	g_assert_cmphex(in(f, DATA), ==, 0x0c);
	g_assert_cmphex(in(f, IER), ==, 0x01);
	out(f, LCR, 0x03);
	g_assert_cmphex(in(f, IER), ==, 0);
	g_assert_cmpuint(f->output_length, ==, 0);
	out(f, 0x3ff, 0x5a);
	g_assert_cmphex(in(f, 0x3ff), ==, 0x5a); /* scratch */
}

static void test_fifo_detection(struct fixture *f, gconstpointer data)
{
	g_assert_cmphex(in(f, IIR), ==, 0x01);
	out(f, IIR, 0x01);
	g_assert_cmphex(in(f, IIR), ==, 0xc1);
}

static void test_receive(struct fixture *f, gconstpointer data)
{
	out(f, IIR, 0x01); /* FIFOs on */
	out(f, IER, 0x01);
	g_assert_cmpuint(input(f, "ab"), ==, 2);
	g_assert_false(f->board.lines[4]); /* OUT2 connects the interrupt */
	out(f, MCR, 0x08);
	g_assert_true(f->board.lines[4]);
	g_assert_cmphex(in(f, IIR), ==, 0xc4);
	g_assert_cmphex(in(f, LSR), ==, 0x61);
	g_assert_cmphex(in(f, DATA), ==, 'a');
	g_assert_true(f->board.lines[4]);
	g_assert_cmphex(in(f, DATA), ==, 'b');
	g_assert_false(f->board.lines[4]);
	g_assert_cmphex(in(f, LSR), ==, 0x60);
}

static void test_receive_below_trigger(struct fixture *f, gconstpointer data)
{
	out(f, IIR, 0xc1); /* trigger at 14 */
	out(f, IER, 0x01);
	out(f, MCR, 0x08);
	g_assert_cmpuint(input(f, "x"), ==, 1);
	g_assert_true(f->board.lines[4]);
	g_assert_cmphex(in(f, IIR), ==, 0xcc); /* character timeout */
}

static void test_flow_control(struct fixture *f, gconstpointer data)
{
	g_assert_cmpuint(input(f, "ab"), ==, 1); /* without FIFOs there is room for one */
	g_assert_cmpuint(f->input_wanted, ==, 0);
	g_assert_cmphex(in(f, DATA), ==, 'a');
	g_assert_cmpuint(f->input_wanted, ==, 1);
	out(f, IIR, 0x01);
	g_assert_cmpuint(input(f, "0123456789abcdefg"), ==, 16);
	for (int i = 0; i < 15; i++)
		in(f, DATA);
	g_assert_cmpuint(f->input_wanted, ==, 1);
	in(f, DATA);
	g_assert_cmpuint(f->input_wanted, ==, 2);
	g_assert_cmphex(in(f, DATA), ==, 0); /* nothing is left: no byte, no call */
	g_assert_cmpuint(f->input_wanted, ==, 2);
}

static void test_transmit_interrupt(struct fixture *f, gconstpointer data)
{
	out(f, MCR, 0x08);
	out(f, IER, 0x02);
	g_assert_true(f->board.lines[4]); /* the holding register is empty */
	g_assert_cmphex(in(f, IIR), ==, 0x02);
	g_assert_false(f->board.lines[4]); /* reading it has told */
	out(f, DATA, 'x');
	g_assert_true(f->board.lines[4]);
	out(f, IER, 0x00);
	g_assert_false(f->board.lines[4]);
}

static void test_loopback(struct fixture *f, gconstpointer data)
{
	out(f, MCR, 0x1a);
	g_assert_cmphex(in(f, MSR) & 0xf0, ==, 0x90); /* as kernels test for a UART */
	out(f, DATA, 'q');
	g_assert_cmpuint(f->output_length, ==, 0);
	g_assert_cmpuint(input(f, "z"), ==, 0);
	g_assert_cmphex(in(f, DATA), ==, 'q');
	g_assert_false(f->board.lines[4]);
	out(f, MCR, 0x08);
	g_assert_cmpuint(f->input_wanted, ==, 1); /* the line is heard again */
	g_assert_cmphex(in(f, MSR) & 0xf0, ==, 0xb0);
}

static void test_modem_interrupt(struct fixture *f, gconstpointer data)
{
	out(f, IER, 0x08);
	out(f, MCR, 0x18); /* loopback: carrier by OUT2, but neither CTS nor DSR */
	g_assert_cmphex(in(f, IIR), ==, 0x00);
	g_assert_cmphex(in(f, MSR), ==, 0x83);
	g_assert_cmphex(in(f, IIR), ==, 0x01);
}

static void test_wide_access(struct fixture *f, gconstpointer data)
{
	out(f, LCR, 0x80);
	board_out(&f->board, DATA, 2, 0x0180);
	g_assert_cmphex(board_in(&f->board, DATA, 2), ==, 0x0180);
}

static void test_reset(struct fixture *f, gconstpointer data)
{
	out(f, MCR, 0x08);
	out(f, IER, 0x01);
	g_assert_cmpuint(input(f, "ab"), ==, 1);
	g_assert_true(f->board.lines[4]);
	serial_16550_reset(f->serial);
	g_assert_false(f->board.lines[4]);
	g_assert_cmphex(in(f, IER), ==, 0);
	g_assert_cmpuint(f->input_wanted, ==, 1);
}

/* Half a line received, a divisor half set, interrupts wanted and one up. */
static void test_state(struct fixture *f, gconstpointer data)
{
	static struct state_block block;
	struct fixture other;

	out(f, IIR, 0xc1); /* FIFOs, interrupt at 14 */
	out(f, MCR, 0x0b);
	out(f, IER, 0x05);
	g_assert_cmpuint(input(f, "abcde"), ==, 5);
	g_assert_cmphex(in(f, DATA), ==, 'a');
	out(f, 0x3ff, 0x5a);
	out(f, LCR, 0x80);
	out(f, IER, 0x12);
	g_assert_true(f->board.lines[4]);
	STATE_BLOCK_SAVE(&block, serial_16550_save, f->serial);

	set_up(&other, NULL);
	STATE_BLOCK_LOAD(&block, serial_16550_load, other.serial);
	g_assert_true(other.board.lines[4]);
	g_assert_cmphex(in(&other, IER), ==, 0x12);
	out(&other, LCR, 0x03);
	g_assert_cmphex(in(&other, IER), ==, 0x05);
	g_assert_cmphex(in(&other, IIR), ==, 0xcc);
	for (const char *c = "bcde"; *c; c++)
		g_assert_cmphex(in(&other, DATA), ==, *c);
	g_assert_false(other.board.lines[4]);
	g_assert_cmphex(in(&other, 0x3ff), ==, 0x5a);
	STATE_BLOCK_REFUSE(&block, serial_16550_load, other.serial, 0, 0x10,
			   "the serial port has no such bits");
	STATE_BLOCK_REFUSE(&block, serial_16550_load, other.serial, 10, 16,
			   "the serial port cannot hold so much");
	STATE_BLOCK_REFUSE(&block, serial_16550_load, other.serial, 11, 17,
			   "the serial port cannot hold so much");
	STATE_BLOCK_REFUSE(&block, serial_16550_load, other.serial, 1, 0, /* without FIFOs */
			   "the serial port cannot hold so much");
	tear_down(&other, NULL);
}

#define ADD(name, function) \
	g_test_add("/serial-16550/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("output", test_output);
	ADD("divisor", test_divisor);
	ADD("fifo-detection", test_fifo_detection);
	ADD("receive", test_receive);
	ADD("receive-below-trigger", test_receive_below_trigger);
	ADD("flow-control", test_flow_control);
	ADD("transmit-interrupt", test_transmit_interrupt);
	ADD("loopback", test_loopback);
	ADD("modem-interrupt", test_modem_interrupt);
	ADD("wide-access", test_wide_access);
	ADD("reset", test_reset);
	ADD("state", test_state);
	return g_test_run();
}

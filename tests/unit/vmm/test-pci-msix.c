/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/pci-msix.h"

#include <errno.h>
#include <glib.h>
#include <linux/pci_regs.h>

#include "bus/address-space.h"
#include "fake-interrupts.h"
#include "pci/pci-config-space.h"
#include "state-block.h"

enum { VECTORS = 67, CAPABILITY = 0x40 };

struct fixture {
	struct pci_config_space config;
	struct fake_interrupts interrupts;
	struct pci_msix *msix;
};

static void set_up(struct fixture *fixture)
{
	pci_config_space_init(&fixture->config);
	fake_interrupts_init(&fixture->interrupts);
	g_assert_cmpint(pci_msix_create(&fixture->config, &fixture->interrupts.controller, VECTORS,
					1, &fixture->msix),
			==, 0);
}

static void tear_down(struct fixture *fixture)
{
	pci_msix_destroy(fixture->msix);
	g_assert_cmpuint(fixture->interrupts.messages, ==, 0);
}

static void write_table(struct fixture *fixture, unsigned int vector, unsigned int field,
			unsigned int size, uint64_t value)
{
	pci_msix_range_ops.write(fixture->msix, vector * PCI_MSIX_ENTRY_SIZE + field, size, value);
}

static uint64_t read_table(struct fixture *fixture, unsigned int vector, unsigned int field,
			   unsigned int size)
{
	return pci_msix_range_ops.read(fixture->msix, vector * PCI_MSIX_ENTRY_SIZE + field, size);
}

static uint64_t pending(struct fixture *fixture, unsigned int offset, unsigned int size)
{
	return pci_msix_range_ops.read(fixture->msix, PCI_MSIX_PENDING_OFFSET + offset, size);
}

static void set_flags(struct fixture *fixture, uint16_t flags)
{
	pci_config_space_write(&fixture->config, CAPABILITY + PCI_MSIX_FLAGS, 2, flags);
	pci_msix_update(fixture->msix);
}

static void set_up_vector(struct fixture *fixture, unsigned int vector)
{
	write_table(fixture, vector, PCI_MSIX_ENTRY_LOWER_ADDR, 8, 0xFEE00000 + 0x1000 * vector);
	write_table(fixture, vector, PCI_MSIX_ENTRY_DATA, 4, vector);
	write_table(fixture, vector, PCI_MSIX_ENTRY_VECTOR_CTRL, 4, 0);
}

static void test_capability(void)
{
	struct fixture fixture;

	set_up(&fixture);
	g_assert_cmphex(pci_config_space_read(&fixture.config, CAPABILITY, 1), ==, PCI_CAP_ID_MSIX);
	g_assert_cmphex(pci_config_space_read(&fixture.config, CAPABILITY + PCI_MSIX_FLAGS, 2), ==,
			VECTORS - 1);
	g_assert_cmphex(pci_config_space_read(&fixture.config, CAPABILITY + PCI_MSIX_TABLE, 4), ==,
			1);
	g_assert_cmphex(pci_config_space_read(&fixture.config, CAPABILITY + PCI_MSIX_PBA, 4), ==,
			PCI_MSIX_PENDING_OFFSET + 1);
	/* Only enable and function mask can be written. */
	set_flags(&fixture, 0xffff);
	g_assert_cmphex(pci_config_space_read(&fixture.config, CAPABILITY + PCI_MSIX_FLAGS, 2), ==,
			(VECTORS - 1) | PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	tear_down(&fixture);
}

static void test_table(void)
{
	struct fixture fixture;

	set_up(&fixture);
	/* At power-on every vector is masked. */
	for (unsigned int i = 0; i < VECTORS; i++)
		g_assert_cmphex(read_table(&fixture, i, PCI_MSIX_ENTRY_VECTOR_CTRL, 4), ==,
				PCI_MSIX_ENTRY_CTRL_MASKBIT);
	write_table(&fixture, 5, PCI_MSIX_ENTRY_LOWER_ADDR, 8, 0x1122334455667788);
	write_table(&fixture, 5, PCI_MSIX_ENTRY_DATA, 8, 0xffffffff99aabbcc);
	g_assert_cmphex(read_table(&fixture, 5, PCI_MSIX_ENTRY_UPPER_ADDR, 4), ==, 0x11223344);
	g_assert_cmphex(read_table(&fixture, 5, PCI_MSIX_ENTRY_DATA, 4), ==, 0x99aabbcc);
	g_assert_cmphex(read_table(&fixture, 5, PCI_MSIX_ENTRY_VECTOR_CTRL, 4), ==, 1);
	g_assert_cmphex(read_table(&fixture, 5, 3, 2), ==, 0x4455);
	/* Beyond the table and the pending bits: nothing, and no harm. */
	write_table(&fixture, VECTORS - 1, 12, 8, ~0ULL);
	write_table(&fixture, VECTORS, 0, 8, ~0ULL);
	g_assert_cmphex(read_table(&fixture, VECTORS, 0, 8), ==, 0);
	pci_msix_range_ops.write(fixture.msix, PCI_MSIX_BAR_SIZE - 8, 8, ~0ULL);
	g_assert_cmphex(pci_msix_range_ops.read(fixture.msix, PCI_MSIX_BAR_SIZE - 8, 8), ==, 0);
	tear_down(&fixture);
}

static void test_event_fd(void)
{
	struct fixture fixture;

	set_up(&fixture);
	fixture.interrupts.event_fd = 77;
	set_flags(&fixture, PCI_MSIX_FLAGS_ENABLE);
	g_assert_cmpint(pci_msix_event_fd(fixture.msix, 3), ==, -1);
	set_up_vector(&fixture, 3);
	g_assert_cmpint(pci_msix_event_fd(fixture.msix, 3), ==, 77);
	/* Masked, a signal is kept. */
	write_table(&fixture, 3, PCI_MSIX_ENTRY_VECTOR_CTRL, 4, 1);
	g_assert_cmpint(pci_msix_event_fd(fixture.msix, 3), ==, 77);
	g_assert_cmpint(pci_msix_event_fd(fixture.msix, VECTORS), ==, -1);
	g_assert_cmpuint(pci_msix_capability(fixture.msix), ==, CAPABILITY);
	tear_down(&fixture);
}

static void test_send(void)
{
	struct fixture fixture;

	set_up(&fixture);
	set_up_vector(&fixture, 3);
	/* Nothing exists in the kernel before the guest wants it. */
	g_assert_cmpuint(fixture.interrupts.messages, ==, 0);
	set_flags(&fixture, PCI_MSIX_FLAGS_ENABLE);
	g_assert_true(pci_msix_enabled(fixture.msix));
	g_assert_cmpuint(fixture.interrupts.messages, ==, 1);
	pci_msix_notify(fixture.msix, 3);
	g_assert_cmpuint(fixture.interrupts.sent[3], ==, 1);
	g_assert_cmphex(fixture.interrupts.last_address, ==, 0xFEE03000);
	g_assert_cmphex(pending(&fixture, 0, 8), ==, 0);
	/* Sending again asks for no new route. */
	fixture.interrupts.routings = 0;
	pci_msix_notify(fixture.msix, 3);
	g_assert_cmpuint(fixture.interrupts.sent[3], ==, 2);
	g_assert_cmpuint(fixture.interrupts.routings, ==, 0);
	/* Moved to another CPU while unmasked. */
	write_table(&fixture, 3, PCI_MSIX_ENTRY_LOWER_ADDR, 4, 0xFEE07000);
	pci_msix_notify(fixture.msix, 3);
	g_assert_cmphex(fixture.interrupts.last_address, ==, 0xFEE07000);
	pci_msix_notify(fixture.msix, VECTORS);
	pci_msix_notify(fixture.msix, 0xffff);
	tear_down(&fixture);
}

static void test_vector_mask(void)
{
	struct fixture fixture;

	set_up(&fixture);
	set_flags(&fixture, PCI_MSIX_FLAGS_ENABLE);
	set_up_vector(&fixture, 66);
	write_table(&fixture, 66, PCI_MSIX_ENTRY_VECTOR_CTRL, 4, 1);
	g_assert_cmpuint(fixture.interrupts.routed, ==, 0);
	pci_msix_notify(fixture.msix, 66);
	pci_msix_notify(fixture.msix, 66);
	g_assert_cmpuint(fixture.interrupts.sent[66], ==, 0);
	g_assert_cmphex(pending(&fixture, 8, 8), ==, 1 << 2);
	g_assert_cmphex(pending(&fixture, 8, 1), ==, 1 << 2);
	/* Once, however often it fired. */
	write_table(&fixture, 66, PCI_MSIX_ENTRY_VECTOR_CTRL, 4, 0);
	g_assert_cmpuint(fixture.interrupts.sent[66], ==, 1);
	g_assert_cmphex(pending(&fixture, 8, 8), ==, 0);
	tear_down(&fixture);
}

static void test_function_mask(void)
{
	struct fixture fixture;

	set_up(&fixture);
	set_up_vector(&fixture, 0);
	set_up_vector(&fixture, 1);
	set_flags(&fixture, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	pci_msix_notify(fixture.msix, 1);
	g_assert_cmphex(pending(&fixture, 0, 4), ==, 2);
	set_flags(&fixture, PCI_MSIX_FLAGS_ENABLE);
	g_assert_cmpuint(fixture.interrupts.sent[0], ==, 0);
	g_assert_cmpuint(fixture.interrupts.sent[1], ==, 1);
	g_assert_cmpuint(fixture.interrupts.routed, ==, 2);
	set_flags(&fixture, 0);
	g_assert_cmpuint(fixture.interrupts.routed, ==, 0);
	g_assert_false(pci_msix_enabled(fixture.msix));
	tear_down(&fixture);
}

/* Out of descriptors on the host: late, not lost. */
static void test_no_message(void)
{
	struct fixture fixture;

	set_up(&fixture);
	fixture.interrupts.create_error = -EMFILE;
	set_flags(&fixture, PCI_MSIX_FLAGS_ENABLE);
	set_up_vector(&fixture, 2);
	pci_msix_notify(fixture.msix, 2);
	g_assert_cmphex(pending(&fixture, 0, 4), ==, 4);
	fixture.interrupts.create_error = 0;
	pci_msix_notify(fixture.msix, 2);
	g_assert_cmpuint(fixture.interrupts.sent[2], ==, 1);
	tear_down(&fixture);
}

static void test_reset(void)
{
	struct fixture fixture;

	set_up(&fixture);
	set_up_vector(&fixture, 2);
	pci_msix_notify(fixture.msix, 4);
	set_flags(&fixture, PCI_MSIX_FLAGS_ENABLE);
	pci_config_space_reset(&fixture.config);
	pci_msix_reset(fixture.msix);
	g_assert_cmpuint(fixture.interrupts.routed, ==, 0);
	g_assert_cmphex(pending(&fixture, 0, 8), ==, 0);
	g_assert_cmphex(read_table(&fixture, 2, PCI_MSIX_ENTRY_DATA, 8), ==, 1ULL << 32);
	tear_down(&fixture);
}

static void save_both(struct fixture *fixture, struct state_writer *writer)
{
	pci_config_space_save(&fixture->config, writer);
	pci_msix_save(fixture->msix, writer);
}

static int load_both(struct fixture *fixture, struct state_reader *reader)
{
	pci_config_space_load(&fixture->config, reader);
	pci_msix_load(fixture->msix, reader);
	return state_reader_result(reader);
}

/* One vector in use, one masked with its interrupt pending. */
static void test_state(void)
{
	static struct state_block block;
	struct fixture fixture, other;

	set_up(&fixture);
	set_flags(&fixture, PCI_MSIX_FLAGS_ENABLE);
	set_up_vector(&fixture, 3);
	set_up_vector(&fixture, 66);
	write_table(&fixture, 66, PCI_MSIX_ENTRY_VECTOR_CTRL, 4, 1);
	pci_msix_notify(fixture.msix, 66);
	STATE_BLOCK_SAVE(&block, save_both, &fixture);
	tear_down(&fixture);

	set_up(&other);
	STATE_BLOCK_LOAD(&block, load_both, &other);
	g_assert_true(pci_msix_enabled(other.msix));
	g_assert_cmpuint(other.interrupts.sent[66], ==, 0);
	g_assert_cmphex(pending(&other, 8, 1), ==, 1 << 2);
	pci_msix_notify(other.msix, 3);
	g_assert_cmpuint(other.interrupts.sent[3], ==, 1);
	write_table(&other, 66, PCI_MSIX_ENTRY_VECTOR_CTRL, 4, 0);
	g_assert_cmpuint(other.interrupts.sent[66], ==, 1);
	g_assert_cmphex(read_table(&other, 66, PCI_MSIX_ENTRY_LOWER_ADDR, 4), ==,
			0xFEE00000 + 0x1000 * 66);
	STATE_BLOCK_REFUSE(&block, load_both, &other, 256 + 16, 2, "a value is neither yes nor no");
	tear_down(&other);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pci-msix/capability", test_capability);
	g_test_add_func("/pci-msix/table", test_table);
	g_test_add_func("/pci-msix/event-fd", test_event_fd);
	g_test_add_func("/pci-msix/send", test_send);
	g_test_add_func("/pci-msix/vector-mask", test_vector_mask);
	g_test_add_func("/pci-msix/function-mask", test_function_mask);
	g_test_add_func("/pci-msix/no-message", test_no_message);
	g_test_add_func("/pci-msix/reset", test_reset);
	g_test_add_func("/pci-msix/state", test_state);
	return g_test_run();
}

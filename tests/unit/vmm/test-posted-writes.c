/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Played with a ring of the test's own; with KVM's in test-vcpu.c.
 */
#include "bus/posted-writes.h"

#include <errno.h>
#include <glib.h>
#include <linux/kvm.h>
#include <string.h>

#include "bus/address-space.h"

enum {
	PORT = 0x3C8,
	AREA = 3 * 4096,
	ENTRIES =
		(4096 - sizeof(struct kvm_coalesced_mmio_ring)) / sizeof(struct kvm_coalesced_mmio),
};

struct fixture {
	struct address_space *ports;
	struct posted_writes *posted;
	char *area;
	struct kvm_coalesced_mmio_ring *ring;
	GString *log;
};

static uint64_t read_port(void *device, uint64_t offset, unsigned int size)
{
	return 0;
}

static void write_port(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	g_string_append_printf(((struct fixture *)device)->log, "%u:%u=%x ", (unsigned int)offset,
			       size, (unsigned int)value);
}

static const struct address_range_ops ops = {read_port, write_port};

static void set_up(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(address_space_create(0x10000, &f->ports), ==, 0);
	g_assert_cmpint(address_space_add(f->ports, PORT, 2, &ops, f), ==, 0);
	g_assert_cmpint(posted_writes_create(-1, f->ports, &f->posted), ==, 0);
	f->area = g_malloc0(AREA);
	f->ring = (void *)(f->area + 2 * 4096);
	f->log = g_string_new(NULL);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	g_string_free(f->log, TRUE);
	posted_writes_destroy(f->posted);
	address_space_destroy(f->ports);
	g_free(f->area);
}

static void put(struct fixture *f, uint16_t port, uint32_t length, uint32_t value)
{
	struct kvm_coalesced_mmio *entry = &f->ring->coalesced_mmio[f->ring->last];

	*entry = (struct kvm_coalesced_mmio){.phys_addr = port, .len = length, .pio = 1};
	memcpy(entry->data, &value, sizeof(value));
	f->ring->last = (f->ring->last + 1) % ENTRIES;
}

static void test_order(struct fixture *f, gconstpointer data)
{
	put(f, PORT, 1, 7);
	posted_writes_serve(f->posted); /* no area yet */
	g_assert_cmpstr(f->log->str, ==, "");
	posted_writes_set_area(f->posted, f->area, AREA);
	put(f, PORT + 1, 1, 0xabcd);
	put(f, PORT, 2, 0x1234);
	posted_writes_serve(f->posted);
	posted_writes_serve(f->posted);
	g_assert_cmpstr(f->log->str, ==, "0:1=7 1:1=cd 0:2=1234 ");
	g_assert_cmpuint(f->ring->first, ==, f->ring->last);
	posted_writes_serve(NULL);
}

static void test_wraps(struct fixture *f, gconstpointer data)
{
	posted_writes_set_area(f->posted, f->area, AREA);
	f->ring->first = f->ring->last = ENTRIES - 1;
	put(f, PORT, 1, 1);
	put(f, PORT, 1, 2);
	posted_writes_serve(f->posted);
	g_assert_cmpstr(f->log->str, ==, "0:1=1 0:1=2 ");
	g_assert_cmpuint(f->ring->first, ==, 1);
}

static void test_none(struct fixture *f, gconstpointer data)
{
	posted_writes_set_area(f->posted, f->area, 2 * 4096); /* no ring in it */
	put(f, PORT, 1, 1);
	posted_writes_serve(f->posted);
	g_assert_cmpstr(f->log->str, ==, "");
	g_assert_cmpint(posted_writes_add(f->posted, PORT, 1), ==, -EOPNOTSUPP); /* no KVM */
}

#define ADD(name, function) \
	g_test_add("/posted-writes/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("order", test_order);
	ADD("wraps", test_wraps);
	ADD("none", test_none);
	return g_test_run();
}

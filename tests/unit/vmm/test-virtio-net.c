/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtio/virtio-devices.h"

#include <errno.h>
#include <glib.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fake-net-backend.h"
#include "memory/guest-memory.h"
#include "virtio-pci-driver.h"
#include "virtio/virtio-device.h"

#define RING_FEATURES                                                   \
	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_EVENT_IDX | \
	 1ULL << VIRTIO_RING_F_INDIRECT_DESC)
#define FEATURES                                                                  \
	(RING_FEATURES | 1ULL << VIRTIO_NET_F_MAC | 1ULL << VIRTIO_NET_F_STATUS | \
	 1ULL << VIRTIO_NET_F_MRG_RXBUF | 1ULL << VIRTIO_NET_F_CTRL_VQ |          \
	 1ULL << VIRTIO_NET_F_CTRL_RX | 1ULL << VIRTIO_NET_F_CTRL_RX_EXTRA |      \
	 1ULL << VIRTIO_NET_F_CTRL_MAC_ADDR)
#define OFFLOADS                                                             \
	(1ULL << VIRTIO_NET_F_CSUM | 1ULL << VIRTIO_NET_F_HOST_TSO4 |        \
	 1ULL << VIRTIO_NET_F_HOST_TSO6 | 1ULL << VIRTIO_NET_F_HOST_ECN |    \
	 1ULL << VIRTIO_NET_F_GUEST_CSUM | 1ULL << VIRTIO_NET_F_GUEST_TSO4 | \
	 1ULL << VIRTIO_NET_F_GUEST_TSO6 | 1ULL << VIRTIO_NET_F_GUEST_ECN)

enum {
	DEVFN = TEST_MACHINE_DEVFN,
	RECEIVE,
	TRANSMIT,
	CONTROL,
	QUEUES = 3,
	HEADER_SIZE = 12,
	BUFFERS = 0x100000, /* guest-physical, of receive buffers */
	OUTGOING = 0x200000,
	COMMAND = 0x300000,
};
enum { Q_RECEIVE = 0, Q_TRANSMIT = 1, Q_CONTROL = 2 };

static const uint8_t mac[VIRTIO_NET_MAC_SIZE] = {0x52, 0x54, 0x00, 0x01, 0x02, 0x03};
static const uint8_t other[VIRTIO_NET_MAC_SIZE] = {0x52, 0x54, 0x00, 0x99, 0x99, 0x99};

struct fixture {
	struct test_machine machine;
	struct fake_net_backend fake;
	struct virtio_device *device;
	struct virtio_pci_driver driver;
	/* for calls on the main thread */
	struct virtio_net_hdr_v1 header;
	bool has_header, taken, up;
	uint8_t frame[NET_FRAME_MAX];
	uint32_t length;
	unsigned int room;
};

static void run_with(bool offloads, uint16_t mtu, void (*guest)(void *data))
{
	struct fixture *fixture = g_new0(struct fixture, 1);

	test_machine_init(&fixture->machine);
	fake_net_backend_init(&fixture->fake, offloads, mtu);
	g_assert_cmpint(virtio_net_create(&fixture->machine.host, DEVFN, &fixture->fake.backend,
					  mac, &fixture->device),
			==, 0);
	test_machine_run(&fixture->machine, guest, fixture);
	virtio_device_destroy(fixture->device);
	test_machine_finish(&fixture->machine);
	g_free(fixture);
}

static void run(void (*guest)(void *data))
{
	run_with(false, 0, guest);
}

static void start(struct fixture *fixture, uint64_t features)
{
	virtio_pci_driver_init(&fixture->driver, &fixture->machine, DEVFN);
	virtio_pci_driver_start(&fixture->driver, features, QUEUES);
}

static uint64_t config(struct fixture *fixture, size_t offset, unsigned int size)
{
	return test_machine_read(&fixture->machine, fixture->driver.device + offset, size);
}

static struct guest_memory *memory_of(struct fixture *fixture)
{
	return fixture->machine.host.memory;
}

/* Calls on the main thread */

static void deliver_now(void *data)
{
	struct fixture *fixture = data;

	fixture->taken = fake_net_backend_deliver(&fixture->fake,
						  fixture->has_header ? &fixture->header : NULL,
						  fixture->frame, fixture->length);
}

/* A frame to a card of that address; whether there was room. */
static bool deliver(struct fixture *fixture, const uint8_t destination[6], uint32_t length)
{
	memset(fixture->frame, 0x5a, length);
	memcpy(fixture->frame, destination, 6);
	fixture->frame[length - 1] = 0xe7;
	fixture->length = length;
	test_machine_call(&fixture->machine, deliver_now, fixture);
	return fixture->taken;
}

static void set_link_now(void *data)
{
	struct fixture *fixture = data;

	virtio_net_set_link(fixture->device, fixture->up);
}

static void set_carrier_now(void *data)
{
	struct fixture *fixture = data;

	net_backend_set_carrier(&fixture->fake.backend, fixture->up);
}

static void make_room_now(void *data)
{
	struct fixture *fixture = data;

	fake_net_backend_make_room(&fixture->fake, fixture->room);
}

static void pause_now(void *data)
{
	virtio_device_pause(((struct fixture *)data)->device);
}

static void resume_now(void *data)
{
	virtio_device_resume(((struct fixture *)data)->device);
}

static void nothing_now(void *data)
{
}

/* What the device was notified of before has been served when this returns. */
static void settle(struct fixture *fixture)
{
	for (int i = 0; i < 4; i++)
		test_machine_call(&fixture->machine, nothing_now, fixture);
}

/* The guest's side of the queues */

static void give_buffers(struct fixture *fixture, unsigned int count, uint32_t size)
{
	for (unsigned int i = 0; i < count; i++) {
		const struct virtqueue_buffer buffer = {BUFFERS + (uint64_t)i * 4096, size, true};

		virtqueue_driver_add(&fixture->driver.queues[Q_RECEIVE], &buffer, 1);
	}
	virtio_pci_driver_kick(&fixture->driver, Q_RECEIVE);
	settle(fixture);
}

/* A frame in two buffers behind its header. */
static void send_frame(struct fixture *fixture, const struct virtio_net_hdr_v1 *header,
		       uint32_t length)
{
	static const struct virtio_net_hdr_v1 zero;
	const struct virtqueue_buffer buffers[] = {
		{OUTGOING, HEADER_SIZE + 3, false},
		{OUTGOING + HEADER_SIZE + 3, length - 3, false},
	};

	guest_memory_write(memory_of(fixture), OUTGOING, header ? header : &zero, HEADER_SIZE);
	virtqueue_driver_add(&fixture->driver.queues[Q_TRANSMIT], buffers, 2);
}

static bool collect(struct fixture *fixture, uint16_t queue, uint32_t *ret_written)
{
	uint16_t head;

	return virtqueue_driver_collect(&fixture->driver.queues[queue], &head, ret_written);
}

static uint8_t command(struct fixture *fixture, uint8_t class, uint8_t number, const void *data,
		       uint32_t size)
{
	const struct virtio_net_ctrl_hdr header = {class, number};
	const struct virtqueue_buffer buffers[] = {
		{COMMAND, sizeof(header), false},
		{COMMAND + 16, size, false},
		{COMMAND + 8192, 1, true},
	};
	uint8_t result = 0xee;
	uint32_t written;

	guest_memory_write(memory_of(fixture), COMMAND, &header, sizeof(header));
	guest_memory_write(memory_of(fixture), COMMAND + 16, data, size);
	guest_memory_write(memory_of(fixture), COMMAND + 8192, &result, 1);
	virtqueue_driver_add(&fixture->driver.queues[Q_CONTROL], buffers, 3);
	virtio_pci_driver_kick(&fixture->driver, Q_CONTROL);
	virtio_pci_driver_wait(&fixture->driver, Q_CONTROL, &written);
	guest_memory_read(memory_of(fixture), COMMAND + 8192, &result, 1);
	return result;
}

static void guest_configuration(void *data)
{
	struct fixture *fixture = data;
	uint64_t features;

	virtio_pci_driver_init(&fixture->driver, &fixture->machine, DEVFN);
	features = virtio_pci_driver_features(&fixture->driver);
	g_assert_cmphex(features & FEATURES, ==, FEATURES);
	g_assert_cmphex(features & (OFFLOADS | 1ULL << VIRTIO_NET_F_MTU), ==, 0);
	for (unsigned int i = 0; i < sizeof(mac); i++)
		g_assert_cmphex(config(fixture, i, 1), ==, mac[i]);
	g_assert_cmpuint(config(fixture, offsetof(struct virtio_net_config, status), 2), ==,
			 VIRTIO_NET_S_LINK_UP);
	g_assert_cmpuint(fixture->fake.statistics.link, ==, 1);
}

static void test_configuration(void)
{
	run(guest_configuration);
}

static void guest_tap_configuration(void *data)
{
	struct fixture *fixture = data;
	uint64_t features;

	virtio_pci_driver_init(&fixture->driver, &fixture->machine, DEVFN);
	features = virtio_pci_driver_features(&fixture->driver);
	g_assert_cmphex(features & OFFLOADS, ==, OFFLOADS);
	g_assert_true(features >> VIRTIO_NET_F_MTU & 1);
	g_assert_cmpuint(config(fixture, offsetof(struct virtio_net_config, mtu), 2), ==, 9000);
}

static void test_tap_configuration(void)
{
	run_with(true, 9000, guest_tap_configuration);
}

static void guest_transmit(void *data)
{
	struct fixture *fixture = data;
	uint32_t written;

	start(fixture, FEATURES);
	for (int i = 0; i < 40; i++)
		send_frame(fixture, NULL, 200);
	virtio_pci_driver_kick(&fixture->driver, Q_TRANSMIT);
	for (int i = 0; i < 40; i++)
		virtio_pci_driver_wait(&fixture->driver, Q_TRANSMIT, &written);
	g_assert_cmpuint(fixture->fake.count, ==, 40);
	/* One batch, one notification. */
	g_assert_cmpuint(fixture->fake.calls, ==, 1);
	g_assert_cmpuint(fixture->driver.kicks, ==, 1);
	g_assert_cmpuint(fixture->fake.packets[0].length, ==, 200);
	g_assert_cmpuint(fixture->fake.statistics.sent_packets, ==, 40);
}

static void test_transmit(void)
{
	run(guest_transmit);
}

static void guest_transmit_malformed(void *data)
{
	struct fixture *fixture = data;
	struct virtio_net_hdr_v1 header = {.gso_type = VIRTIO_NET_HDR_GSO_TCPV4};
	const struct virtqueue_buffer tiny = {OUTGOING, HEADER_SIZE + NET_FRAME_MIN - 1, false};
	const struct virtqueue_buffer huge = {OUTGOING, HEADER_SIZE + NET_FRAME_MAX + 1, false};
	const struct virtqueue_buffer writable = {OUTGOING, 100, true};
	uint32_t written;

	start(fixture, FEATURES);
	send_frame(fixture, NULL, 100);
	virtqueue_driver_add(&fixture->driver.queues[Q_TRANSMIT], &tiny, 1);
	virtqueue_driver_add(&fixture->driver.queues[Q_TRANSMIT], &huge, 1);
	virtqueue_driver_add(&fixture->driver.queues[Q_TRANSMIT], &writable, 1);
	virtio_pci_driver_kick(&fixture->driver, Q_TRANSMIT);
	for (int i = 0; i < 4; i++)
		virtio_pci_driver_wait(&fixture->driver, Q_TRANSMIT, &written);
	/* Segmentation was not negotiated. */
	send_frame(fixture, &header, 100);
	virtio_pci_driver_kick(&fixture->driver, Q_TRANSMIT);
	virtio_pci_driver_wait(&fixture->driver, Q_TRANSMIT, &written);
	send_frame(fixture, NULL, 101);
	virtio_pci_driver_kick(&fixture->driver, Q_TRANSMIT);
	virtio_pci_driver_wait(&fixture->driver, Q_TRANSMIT, &written);
	g_assert_cmpuint(fixture->fake.count, ==, 2);
	g_assert_cmpuint(fixture->fake.packets[1].length, ==, 101);
	g_assert_cmpuint(fixture->fake.statistics.send_drops, ==, 4);
	g_assert_false(virtio_pci_driver_status(&fixture->driver) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void test_transmit_malformed(void)
{
	run(guest_transmit_malformed);
}

static void guest_transmit_full(void *data)
{
	struct fixture *fixture = data;
	uint32_t written;

	fixture->room = 3;
	start(fixture, FEATURES);
	test_machine_call(&fixture->machine, make_room_now, fixture);
	for (int i = 0; i < 10; i++)
		send_frame(fixture, NULL, 100 + (uint32_t)i);
	virtio_pci_driver_kick(&fixture->driver, Q_TRANSMIT);
	for (int i = 0; i < 3; i++)
		virtio_pci_driver_wait(&fixture->driver, Q_TRANSMIT, &written);
	settle(fixture);
	g_assert_false(collect(fixture, Q_TRANSMIT, &written));
	/* A pause and its end change nothing. */
	test_machine_call(&fixture->machine, pause_now, fixture);
	test_machine_call(&fixture->machine, resume_now, fixture);
	settle(fixture);
	g_assert_false(collect(fixture, Q_TRANSMIT, &written));
	fixture->room = 100;
	test_machine_call(&fixture->machine, make_room_now, fixture);
	for (int i = 0; i < 7; i++)
		virtio_pci_driver_wait(&fixture->driver, Q_TRANSMIT, &written);
	for (uint32_t i = 0; i < 10; i++)
		g_assert_cmpuint(fixture->fake.packets[i].length, ==, 100 + i);
	/* The card is notified again, as before. */
	send_frame(fixture, NULL, 300);
	virtio_pci_driver_kick(&fixture->driver, Q_TRANSMIT);
	virtio_pci_driver_wait(&fixture->driver, Q_TRANSMIT, &written);
	g_assert_cmpuint(fixture->fake.statistics.send_drops, ==, 0);
}

static void test_transmit_full(void)
{
	run(guest_transmit_full);
}

static void guest_receive(void *data)
{
	struct fixture *fixture = data;
	struct virtio_net_hdr_v1 header;
	uint32_t written;
	uint8_t last;

	start(fixture, FEATURES);
	give_buffers(fixture, 4, 2048);
	g_assert_cmpuint(fixture->fake.asked, >, 0);
	g_assert_true(deliver(fixture, mac, 1000));
	g_assert_true(collect(fixture, Q_RECEIVE, &written));
	g_assert_cmpuint(written, ==, HEADER_SIZE + 1000);
	guest_memory_read(memory_of(fixture), BUFFERS, &header, sizeof(header));
	g_assert_cmpuint(header.num_buffers, ==, 1);
	g_assert_cmpuint(header.flags, ==, 0);
	guest_memory_read(memory_of(fixture), BUFFERS + HEADER_SIZE + 999, &last, 1);
	g_assert_cmphex(last, ==, 0xe7);
	g_assert_cmpuint(fixture->fake.statistics.received_packets, ==, 1);
	g_assert_cmpuint(fixture->fake.statistics.received_bytes, ==, 1000);
}

static void test_receive(void)
{
	run(guest_receive);
}

/* A frame in several buffers, and one there is no room for until the guest gives more. */
static void guest_receive_merged(void *data)
{
	struct fixture *fixture = data;
	struct virtio_net_hdr_v1 header;
	uint32_t written[3];
	uint8_t last;

	start(fixture, FEATURES);
	give_buffers(fixture, 4, 1000);
	g_assert_true(deliver(fixture, mac, 2500));
	for (int i = 0; i < 3; i++)
		g_assert_true(collect(fixture, Q_RECEIVE, &written[i]));
	g_assert_cmpuint(written[0], ==, 1000);
	g_assert_cmpuint(written[1], ==, 1000);
	g_assert_cmpuint(written[2], ==, HEADER_SIZE + 500);
	guest_memory_read(memory_of(fixture), BUFFERS, &header, sizeof(header));
	g_assert_cmpuint(header.num_buffers, ==, 3);
	guest_memory_read(memory_of(fixture), BUFFERS + 2 * 4096 + HEADER_SIZE + 499, &last, 1);
	g_assert_cmphex(last, ==, 0xe7);

	/* One is left, of three that are needed. */
	g_assert_false(deliver(fixture, mac, 2500));
	g_assert_false(collect(fixture, Q_RECEIVE, &written[0]));
	fixture->fake.asked = 0;
	give_buffers(fixture, 1, 1000);
	g_assert_cmpuint(fixture->fake.asked, ==, 1); /* it was notified of that one */
	g_assert_false(deliver(fixture, mac, 2500));
	give_buffers(fixture, 1, 1000);
	g_assert_cmpuint(fixture->fake.asked, ==, 2);
	g_assert_true(deliver(fixture, mac, 2500));
	for (int i = 0; i < 3; i++)
		g_assert_true(collect(fixture, Q_RECEIVE, &written[i]));
	g_assert_cmpuint(fixture->fake.statistics.receive_drops, ==, 0);
}

static void test_receive_merged(void)
{
	run(guest_receive_merged);
}

static void guest_receive_unmerged(void *data)
{
	struct fixture *fixture = data;
	uint32_t written;

	start(fixture, FEATURES & ~(1ULL << VIRTIO_NET_F_MRG_RXBUF));
	give_buffers(fixture, 2, 1526);
	/* Too large for any: lost and counted, and in nobody's way. */
	g_assert_true(deliver(fixture, mac, 1515));
	g_assert_cmpuint(fixture->fake.statistics.receive_drops, ==, 1);
	g_assert_true(deliver(fixture, mac, 1514));
	g_assert_true(collect(fixture, Q_RECEIVE, &written));
	g_assert_cmpuint(written, ==, 1526);
}

static void test_receive_unmerged(void)
{
	run(guest_receive_unmerged);
}

static void guest_receive_nowhere(void *data)
{
	struct fixture *fixture = data;
	const struct virtqueue_buffer readable = {BUFFERS, 2048, false};

	virtio_pci_driver_init(&fixture->driver, &fixture->machine, DEVFN);
	g_assert_false(deliver(fixture, mac, 100)); /* no driver yet */
	start(fixture, FEATURES);
	g_assert_false(deliver(fixture, mac, 100));
	test_machine_call(&fixture->machine, pause_now, fixture);
	give_buffers(fixture, 1, 2048);
	g_assert_false(deliver(fixture, mac, 100)); /* nothing changes in a paused guest */
	fixture->fake.asked = 0;
	test_machine_call(&fixture->machine, resume_now, fixture);
	settle(fixture);
	g_assert_cmpuint(fixture->fake.asked, ==, 1);
	g_assert_true(deliver(fixture, mac, 100));
	/* A buffer that is not for writing breaks the device, until it is reset. */
	virtqueue_driver_add(&fixture->driver.queues[Q_RECEIVE], &readable, 1);
	g_assert_false(deliver(fixture, mac, 100));
	g_assert_true(virtio_pci_driver_status(&fixture->driver) & VIRTIO_CONFIG_S_NEEDS_RESET);
	virtio_pci_driver_reset(&fixture->driver);
	start(fixture, FEATURES);
	give_buffers(fixture, 1, 2048);
	g_assert_true(deliver(fixture, mac, 100));
}

static void test_receive_nowhere(void)
{
	run(guest_receive_nowhere);
}

static void guest_filter(void *data)
{
	struct fixture *fixture = data;
	static const uint8_t tables[4 + 4 + 6] = {0, 0, 0, 0, 1, 0, 0, 0, 0x33, 0x33, 0, 0, 0, 1};
	static const uint8_t wanted[6] = {0x33, 0x33, 0, 0, 0, 1};
	static const uint8_t unwanted[6] = {0x33, 0x33, 0, 0, 0, 2};
	const uint8_t off = 0;

	start(fixture, FEATURES);
	give_buffers(fixture, 8, 2048);
	g_assert_true(deliver(fixture, other, 100)); /* promiscuous until told otherwise */
	g_assert_cmpuint(fixture->fake.statistics.received_packets, ==, 1);
	g_assert_cmpint(command(fixture, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, &off, 1),
			==, VIRTIO_NET_OK);
	g_assert_cmpint(command(fixture, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, tables,
				sizeof(tables)),
			==, VIRTIO_NET_OK);
	g_assert_true(deliver(fixture, other, 100));
	g_assert_true(deliver(fixture, unwanted, 100));
	g_assert_cmpuint(fixture->fake.statistics.receive_filtered, ==, 2);
	g_assert_true(deliver(fixture, mac, 100));
	g_assert_true(deliver(fixture, wanted, 100));
	g_assert_cmpuint(fixture->fake.statistics.received_packets, ==, 3);
	/* Another address for the card, until it is reset. */
	g_assert_cmpint(
		command(fixture, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, other, 6), ==,
		VIRTIO_NET_OK);
	g_assert_cmphex(config(fixture, 3, 1), ==, 0x99);
	g_assert_true(deliver(fixture, other, 100));
	g_assert_cmpuint(fixture->fake.statistics.received_packets, ==, 4);
	/* What nobody knows is refused. */
	g_assert_cmpint(command(fixture, VIRTIO_NET_CTRL_RX, 200, &off, 1), ==, VIRTIO_NET_ERR);
	g_assert_cmpint(command(fixture, VIRTIO_NET_CTRL_MQ, 0, &off, 1), ==, VIRTIO_NET_ERR);
	g_assert_cmpint(command(fixture, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, tables,
				sizeof(tables) - 1),
			==, VIRTIO_NET_ERR);
	virtio_pci_driver_reset(&fixture->driver);
	g_assert_cmphex(config(fixture, 3, 1), ==, mac[3]);
}

static void test_filter(void)
{
	run(guest_filter);
}

static unsigned int config_interrupts(struct fixture *fixture)
{
	return fixture->machine.interrupts.sent[0x3f];
}

static void guest_link(void *data)
{
	struct fixture *fixture = data;
	const size_t status = offsetof(struct virtio_net_config, status);
	uint32_t written;

	start(fixture, FEATURES);
	give_buffers(fixture, 4, 2048);
	test_machine_call(&fixture->machine, set_link_now, fixture);
	g_assert_cmpuint(config(fixture, status, 2), ==, 0);
	g_assert_cmpuint(config_interrupts(fixture), ==, 1);
	g_assert_cmpuint(fixture->fake.statistics.link, ==, 0);
	/* Frames are lost both ways. */
	g_assert_true(deliver(fixture, mac, 100));
	g_assert_cmpuint(fixture->fake.statistics.receive_drops, ==, 1);
	send_frame(fixture, NULL, 100);
	virtio_pci_driver_kick(&fixture->driver, Q_TRANSMIT);
	virtio_pci_driver_wait(&fixture->driver, Q_TRANSMIT, &written);
	g_assert_cmpuint(fixture->fake.statistics.send_drops, ==, 1);
	g_assert_cmpuint(fixture->fake.count, ==, 0);

	/* In again, but there is nothing at the other end for a while. */
	test_machine_call(&fixture->machine, set_carrier_now, fixture);
	fixture->up = true;
	test_machine_call(&fixture->machine, set_link_now, fixture);
	g_assert_cmpuint(config(fixture, status, 2), ==, 0);
	g_assert_cmpuint(config_interrupts(fixture), ==, 1);
	test_machine_call(&fixture->machine, set_carrier_now, fixture);
	g_assert_cmpuint(config(fixture, status, 2), ==, VIRTIO_NET_S_LINK_UP);
	g_assert_cmpuint(config_interrupts(fixture), ==, 2);
	g_assert_cmpuint(fixture->fake.statistics.link, ==, 1);
}

static void test_link(void)
{
	run(guest_link);
}

static void guest_offloads(void *data)
{
	struct fixture *fixture = data;
	const uint64_t some = 1ULL << VIRTIO_NET_F_GUEST_CSUM | 1ULL << VIRTIO_NET_F_GUEST_TSO4;
	struct virtio_net_hdr_v1 header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM | 0x80,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.gso_size = 1448,
		.num_buffers = 7,
	};
	uint32_t written;

	start(fixture,
	      FEATURES | some | 1ULL << VIRTIO_NET_F_CSUM | 1ULL << VIRTIO_NET_F_HOST_TSO4);
	give_buffers(fixture, 4, 2048);
	g_assert_cmphex(fixture->fake.offloads, ==, some);
	send_frame(fixture, &header, 3000);
	virtio_pci_driver_kick(&fixture->driver, Q_TRANSMIT);
	virtio_pci_driver_wait(&fixture->driver, Q_TRANSMIT, &written);
	g_assert_cmpuint(fixture->fake.count, ==, 1);
	g_assert_cmpuint(fixture->fake.packets[0].header.gso_size, ==, 1448);
	g_assert_cmphex(fixture->fake.packets[0].header.flags, ==, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	g_assert_cmpuint(fixture->fake.packets[0].header.num_buffers, ==, 0);

	fixture->has_header = true;
	fixture->header = header;
	g_assert_true(deliver(fixture, mac, 1000));
	guest_memory_read(memory_of(fixture), BUFFERS, &header, sizeof(header));
	g_assert_cmpuint(header.gso_type, ==, VIRTIO_NET_HDR_GSO_TCPV4);
	g_assert_cmpuint(header.num_buffers, ==, 1);
	/* What the guest has not agreed to take it does not get. */
	fixture->header.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
	g_assert_true(deliver(fixture, mac, 1000));
	g_assert_cmpuint(fixture->fake.statistics.receive_drops, ==, 1);
}

static void test_offloads(void)
{
	run_with(true, 1500, guest_offloads);
}

/* The kernel serves the pair */

static void lend_with(int error, void (*guest)(void *data))
{
	struct fixture *fixture = g_new0(struct fixture, 1);

	test_machine_init(&fixture->machine);
	fake_net_backend_init(&fixture->fake, true, 1500);
	fixture->fake.backend.lends = true;
	fixture->fake.lend_error = error;
	g_assert_cmpint(virtio_net_create(&fixture->machine.host, DEVFN, &fixture->fake.backend,
					  mac, &fixture->device),
			==, 0);
	test_machine_run(&fixture->machine, guest, fixture);
	virtio_device_destroy(fixture->device);
	g_assert_false(fixture->fake.lent);
	test_machine_finish(&fixture->machine);
	g_free(fixture);
}

static void send_through_kernel(struct fixture *fixture)
{
	unsigned int calls = fixture->fake.calls;
	uint32_t written;

	send_frame(fixture, NULL, 200);
	virtio_pci_driver_kick(&fixture->driver, Q_TRANSMIT);
	settle(fixture);
	g_assert_cmpuint(fixture->fake.calls, ==, calls);
	g_assert_cmpuint(fake_net_backend_serve_ring(&fixture->fake, NET_RING_TRANSMIT, 0), ==, 1);
	g_assert_true(collect(fixture, Q_TRANSMIT, &written));
}

static void send_through_card(struct fixture *fixture)
{
	uint32_t written;

	g_assert_false(fixture->fake.lent);
	send_frame(fixture, NULL, 200);
	virtio_pci_driver_kick(&fixture->driver, Q_TRANSMIT);
	virtio_pci_driver_wait(&fixture->driver, Q_TRANSMIT, &written);
}

static void guest_lent(void *data)
{
	struct fixture *fixture = data;
	const struct net_ring *ring = &fixture->fake.rings[NET_RING_TRANSMIT];
	const struct virtqueue_driver *queue = &fixture->driver.queues[Q_TRANSMIT];

	start(fixture, FEATURES);
	settle(fixture);
	g_assert_true(fixture->fake.lent);
	g_assert_cmphex(fixture->fake.features, ==, FEATURES);
	g_assert_cmpuint(ring->size, ==, 256);
	g_assert_cmpuint(ring->next_available, ==, 0);
	g_assert_true(ring->descriptors ==
		      guest_memory_at(memory_of(fixture), queue->descriptor_gpa, 16));
	g_assert_true(ring->used == guest_memory_at(memory_of(fixture), queue->used_gpa, 4));
	for (int i = 0; i < 3; i++)
		send_through_kernel(fixture);
	g_assert_cmpuint(fixture->fake.starts, ==, 1);
	/* The control queue is the card's own. */
	g_assert_cmpint(command(fixture, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, "", 1), ==,
			VIRTIO_NET_OK);
}

static void test_lent(void)
{
	lend_with(0, guest_lent);
}

/* Cable and pause: the card goes on where the kernel was, and the other way round. */
static void guest_taken_back(void *data)
{
	struct fixture *fixture = data;

	start(fixture, FEATURES);
	settle(fixture);
	send_through_kernel(fixture);
	fixture->up = false;
	test_machine_call(&fixture->machine, set_link_now, fixture);
	send_through_card(fixture);
	g_assert_cmpuint(fixture->fake.statistics.send_drops, ==, 1);
	fixture->up = true;
	test_machine_call(&fixture->machine, set_link_now, fixture);
	g_assert_true(fixture->fake.lent);
	g_assert_cmpuint(fixture->fake.rings[NET_RING_TRANSMIT].next_available, ==, 2);
	send_through_kernel(fixture);

	test_machine_call(&fixture->machine, pause_now, fixture);
	g_assert_false(fixture->fake.lent);
	test_machine_call(&fixture->machine, resume_now, fixture);
	settle(fixture);
	g_assert_true(fixture->fake.lent);
	g_assert_cmpuint(fixture->fake.rings[NET_RING_TRANSMIT].next_available, ==, 3);
	send_through_kernel(fixture);

	fixture->up = false;
	test_machine_call(&fixture->machine, set_carrier_now, fixture);
	g_assert_false(fixture->fake.lent);
}

static void test_taken_back(void)
{
	lend_with(0, guest_taken_back);
}

static void guest_lent_reset(void *data)
{
	struct fixture *fixture = data;

	start(fixture, FEATURES);
	settle(fixture);
	send_through_kernel(fixture);
	virtio_pci_driver_reset(&fixture->driver);
	g_assert_false(fixture->fake.lent);
	/* It does not say how many buffers a frame took. */
	start(fixture, FEATURES & ~(1ULL << VIRTIO_NET_F_MRG_RXBUF));
	settle(fixture);
	send_through_card(fixture);
	start(fixture, FEATURES);
	settle(fixture);
	g_assert_true(fixture->fake.lent);
	g_assert_cmpuint(fixture->fake.rings[NET_RING_TRANSMIT].next_available, ==, 0);
	send_through_kernel(fixture);
}

static void test_lent_reset(void)
{
	lend_with(0, guest_lent_reset);
}

/* Once is enough, until the next driver. */
static void guest_refused(void *data)
{
	struct fixture *fixture = data;

	start(fixture, FEATURES);
	settle(fixture);
	send_through_card(fixture);
	send_through_card(fixture);
	g_assert_cmpuint(fixture->fake.starts, ==, 1);
	g_assert_cmpuint(fixture->fake.count, ==, 2);
	fixture->fake.lend_error = 0;
	start(fixture, FEATURES);
	settle(fixture);
	g_assert_true(fixture->fake.lent);
}

static void test_refused(void)
{
	lend_with(-EINVAL, guest_refused);
}

static void guest_lent_fault(void *data)
{
	struct fixture *fixture = data;

	start(fixture, FEATURES);
	settle(fixture);
	g_assert_cmpint(eventfd_write(fixture->fake.error_fd, 1), ==, 0);
	settle(fixture);
	g_assert_false(fixture->fake.lent);
	g_assert_true(virtio_pci_driver_status(&fixture->driver) & VIRTIO_CONFIG_S_NEEDS_RESET);
	start(fixture, FEATURES);
	settle(fixture);
	send_through_kernel(fixture);
}

static void test_lent_fault(void)
{
	lend_with(0, guest_lent_fault);
}

/* Through this process without a message's eventfd, and past it with one. */
static void guest_lent_interrupts(void *data)
{
	struct fixture *fixture = data;
	const unsigned int *sent = fixture->machine.interrupts.sent;
	int call_fd = eventfd(0, EFD_NONBLOCK);

	start(fixture, FEATURES);
	settle(fixture);
	g_assert_cmpint(eventfd_write(fixture->fake.rings[NET_RING_RECEIVE].call_fd, 1), ==, 0);
	settle(fixture);
	g_assert_cmpuint(sent[0x40 + Q_RECEIVE], ==, 1);
	/* The driver turns messages off and on. */
	fixture->machine.interrupts.event_fd = call_fd;
	virtio_pci_driver_enable_msix(&fixture->driver, QUEUES);
	settle(fixture);
	g_assert_true(fixture->fake.lent);
	g_assert_cmpuint(fixture->fake.starts, >, 1);
	g_assert_cmpint(fixture->fake.rings[NET_RING_RECEIVE].call_fd, ==, call_fd);
	send_through_kernel(fixture);
	virtio_pci_driver_reset(&fixture->driver);
	close(call_fd);
}

static void test_lent_interrupts(void)
{
	lend_with(0, guest_lent_interrupts);
}

static void create(struct fixture *fixture)
{
	test_machine_init(&fixture->machine);
	fake_net_backend_init(&fixture->fake, /* offloads= */ false, /* mtu= */ 0);
	g_assert_cmpint(virtio_net_create(&fixture->machine.host, DEVFN, &fixture->fake.backend,
					  mac, &fixture->device),
			==, 0);
}

static void destroy(struct fixture *fixture)
{
	virtio_device_destroy(fixture->device);
	test_machine_finish(&fixture->machine);
}

static void guest_before(void *data)
{
	struct fixture *fixture = data;

	start(fixture, FEATURES);
	fixture->up = false;
	test_machine_call(&fixture->machine, set_link_now, fixture);
}

static void guest_after(void *data)
{
	const size_t status = offsetof(struct virtio_net_config, status);
	struct fixture *fixture = data;

	g_assert_cmpuint(config(fixture, status, 2), ==, 0);
	fixture->up = true;
	test_machine_call(&fixture->machine, set_link_now, fixture);
	g_assert_cmpuint(config(fixture, status, 2), ==, VIRTIO_NET_S_LINK_UP);
}

/* A card without its cable is one without it in another machine. */
static void test_state(void)
{
	g_autofree struct fixture *fixture = g_new0(struct fixture, 1);
	g_autofree struct fixture *next = g_new0(struct fixture, 1);

	create(fixture);
	test_machine_run(&fixture->machine, guest_before, fixture);
	create(next);
	next->driver = fixture->driver;
	virtio_pci_driver_carry_over(&next->driver, fixture->device, &next->machine, next->device);
	destroy(fixture);
	test_machine_run(&next->machine, guest_after, next);
	destroy(next);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/virtio-net/configuration", test_configuration);
	g_test_add_func("/virtio-net/tap-configuration", test_tap_configuration);
	g_test_add_func("/virtio-net/transmit", test_transmit);
	g_test_add_func("/virtio-net/transmit-malformed", test_transmit_malformed);
	g_test_add_func("/virtio-net/transmit-full", test_transmit_full);
	g_test_add_func("/virtio-net/receive", test_receive);
	g_test_add_func("/virtio-net/receive-merged", test_receive_merged);
	g_test_add_func("/virtio-net/receive-unmerged", test_receive_unmerged);
	g_test_add_func("/virtio-net/receive-nowhere", test_receive_nowhere);
	g_test_add_func("/virtio-net/filter", test_filter);
	g_test_add_func("/virtio-net/link", test_link);
	g_test_add_func("/virtio-net/offloads", test_offloads);
	g_test_add_func("/virtio-net/lent/frames", test_lent);
	g_test_add_func("/virtio-net/lent/taken-back", test_taken_back);
	g_test_add_func("/virtio-net/lent/reset", test_lent_reset);
	g_test_add_func("/virtio-net/lent/refused", test_refused);
	g_test_add_func("/virtio-net/lent/fault", test_lent_fault);
	g_test_add_func("/virtio-net/lent/interrupts", test_lent_interrupts);
	g_test_add_func("/virtio-net/state", test_state);
	return g_test_run();
}

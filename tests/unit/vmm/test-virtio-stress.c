/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Drivers that sleep until they are interrupted, against devices that sleep until they are
 * notified, with many requests and every pace: whoever is not woken once sleeps for good, and the
 * test says which of them it is. With -m slow there are a million frames each way.
 */
#include <endian.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "block-driver.h"
#include "block/block-backend.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "net/net-backend.h"
#include "net/net-stream.h"
#include "protocol/statistics-protocol.h"
#include "virtio/virtio-device.h"

enum {
	DEVFN = TEST_MACHINE_DEVFN,
	FIRST_VECTOR = 0x40, /* the message of queue 0 */
	STALL_US = 10 * G_USEC_PER_SEC,
	NAP_US = 20,
	SEED = 20,
};

static unsigned int how_many(unsigned int quick, unsigned int slow)
{
	return g_test_slow() ? slow : quick;
}

/* Sleeping until an interrupt */

struct sleeper {
	struct fake_interrupts *interrupts;
	unsigned int queues;
	unsigned int seen; /* interrupts */
};

static unsigned int interrupts_of(const struct sleeper *sleeper)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < sleeper->queues; i++)
		sum += __atomic_load_n(&sleeper->interrupts->sent[FIRST_VECTOR + i],
				       __ATOMIC_ACQUIRE);
	return sum;
}

/* Before the last look at the queues: interrupts from here on end the sleep. */
static void prepare_to_sleep(struct sleeper *sleeper)
{
	sleeper->seen = interrupts_of(sleeper);
}

/* False: nothing came. */
static bool sleep_until_interrupt(struct sleeper *sleeper)
{
	int64_t deadline = g_get_monotonic_time() + STALL_US;

	while (interrupts_of(sleeper) == sleeper->seen) {
		if (g_get_monotonic_time() > deadline)
			return false;
		g_usleep(NAP_US);
	}
	return true;
}

/* Frames: a number and a pattern behind the Ethernet header */

enum {
	HEADER_SIZE = 12,
	NUMBER_OFFSET = NET_FRAME_MIN,
	SHORTEST = NUMBER_OFFSET + 5,
	SMALL = 1514,
	PREFIX_SIZE = 4,
};

static const uint8_t mac[6] = {0x52, 0x54, 0x00, 0x01, 0x02, 0x03};

/* Mostly short ones; now and then the largest there is, or near it. */
static uint32_t length_of(uint32_t number)
{
	uint32_t mixed = number * 2654435761u >> 8;

	if (number % 61 == 0)
		return NET_FRAME_MAX - mixed % 3000;
	if (number % 3 == 0)
		return SHORTEST + mixed % (SMALL - SHORTEST);
	return SHORTEST + mixed % 100;
}

static void make_frame(uint8_t *frame, uint32_t number)
{
	uint32_t length = length_of(number);

	memset(frame, 0, NET_FRAME_MIN);
	memcpy(frame, mac, sizeof(mac));
	memcpy(frame + NUMBER_OFFSET, &number, sizeof(number));
	frame[length - 1] = (uint8_t)(number * 7);
}

static void check_frame(const uint8_t *frame, uint32_t length, uint32_t number)
{
	uint32_t found;

	g_assert_cmpuint(length, ==, length_of(number));
	memcpy(&found, frame + NUMBER_OFFSET, sizeof(found));
	g_assert_cmpuint(found, ==, number);
	g_assert_cmpuint(frame[length - 1], ==, (uint8_t)(number * 7));
}

/* The other end of the card's connection, with a thread each way */

struct net_case {
	const char *name;
	bool event_idx, mergeable;
	int socket_buffer; /* 0: as it comes */
};

struct net_fixture {
	const struct net_case *which;
	uint32_t frames; /* each way */
	int peer;
	struct test_machine machine;
	struct nic_statistics statistics;
	struct net_backend *backend;
	struct virtio_device *device;
	struct virtio_pci_driver driver;
	struct sleeper sleeper;
	/* the guest's */
	uint32_t added, returned; /* frames sent */
	uint16_t slot_of[256];    /* by head */
	uint16_t free_slots[256];
	unsigned int free_small, free_large;
	uint64_t buffer_of[256]; /* by head */
	uint32_t received;
	unsigned int parts_left; /* of a frame that is in several buffers */
	uint32_t part_bytes;
	uint8_t whole[NET_FRAME_MAX];
	/* the peer's, for what is told of a stall */
	uint32_t peer_received, peer_sent;
};

static void nap_sometimes(GRand *random)
{
	if (g_rand_int_range(random, 0, 200) == 0)
		g_usleep((gulong)g_rand_int_range(random, 1, 2000));
}

/* What the guest sends, read in pieces of any size. */
static void *read_frames(void *data)
{
	struct net_fixture *fixture = data;
	GRand *random = g_rand_new_with_seed(SEED);
	g_autofree uint8_t *bytes = g_malloc(2 * (PREFIX_SIZE + NET_FRAME_MAX));
	size_t have = 0;

	while (fixture->peer_received < fixture->frames) {
		size_t most = (size_t)g_rand_int_range(random, 1, NET_FRAME_MAX);
		ssize_t n;
		uint32_t length;

		nap_sometimes(random);
		n = recv(fixture->peer, bytes + have, most, 0);
		g_assert_cmpint(n, >, 0);
		have += (size_t)n;
		while (have >= PREFIX_SIZE) {
			memcpy(&length, bytes, sizeof(length));
			length = be32toh(length);
			if (have < PREFIX_SIZE + length)
				break;
			check_frame(bytes + PREFIX_SIZE, length, fixture->peer_received);
			have -= PREFIX_SIZE + length;
			memmove(bytes, bytes + PREFIX_SIZE + length, have);
			__atomic_add_fetch(&fixture->peer_received, 1, __ATOMIC_RELEASE);
		}
	}
	g_rand_free(random);
	return NULL;
}

static void write_all(int fd, const uint8_t *bytes, size_t length, GRand *random)
{
	while (length > 0) {
		size_t piece = (size_t)g_rand_int_range(random, 1, 40000);
		ssize_t n = send(fd, bytes, MIN(piece, length), MSG_NOSIGNAL);

		g_assert_cmpint(n, >, 0);
		bytes += n;
		length -= (size_t)n;
	}
}

static void *write_frames(void *data)
{
	struct net_fixture *fixture = data;
	GRand *random = g_rand_new_with_seed(SEED + 1);
	g_autofree uint8_t *bytes = g_malloc0(PREFIX_SIZE + NET_FRAME_MAX);

	for (uint32_t number = 0; number < fixture->frames; number++) {
		uint32_t prefix = htobe32(length_of(number));

		nap_sometimes(random);
		memcpy(bytes, &prefix, sizeof(prefix));
		make_frame(bytes + PREFIX_SIZE, number);
		write_all(fixture->peer, bytes, PREFIX_SIZE + length_of(number), random);
		__atomic_add_fetch(&fixture->peer_sent, 1, __ATOMIC_RELEASE);
	}
	g_rand_free(random);
	return NULL;
}

/* The guest's driver of the card */

enum {
	Q_RECEIVE,
	Q_TRANSMIT,
	NET_QUEUES = 3,
	/* guest-physical */
	RECEIVE_AREA = 0x100000,
	SMALL_AREA = 0x280000,
	LARGE_AREA = 0x300000,
	PART_SIZE = 2048, /* of a mergeable buffer */
	LARGE_SIZE = HEADER_SIZE + NET_FRAME_MAX,
	SMALL_SLOTS = 112,
	LARGE_SLOTS = 8,
	MERGEABLE_BUFFERS = 256,
	WHOLE_BUFFERS = 20,
};

static uint8_t *memory_at(struct net_fixture *fixture, uint64_t gpa, size_t length)
{
	return guest_memory_at(fixture->machine.host.memory, gpa, length);
}

/* Slots for small frames, then for large ones. */
static uint64_t slot_gpa(unsigned int slot)
{
	return slot < SMALL_SLOTS ? SMALL_AREA + slot * 2048ULL
				  : LARGE_AREA + (slot - SMALL_SLOTS) * 0x11000ULL;
}

static bool take_slot(struct net_fixture *fixture, uint32_t length, uint16_t *ret_slot)
{
	if (length > SMALL) {
		if (fixture->free_large == 0)
			return false;
		*ret_slot = fixture->free_slots[SMALL_SLOTS + --fixture->free_large];
		return true;
	}
	if (fixture->free_small == 0)
		return false;
	*ret_slot = fixture->free_slots[--fixture->free_small];
	return true;
}

static void give_slot(struct net_fixture *fixture, uint16_t slot)
{
	if (slot < SMALL_SLOTS)
		fixture->free_slots[fixture->free_small++] = slot;
	else
		fixture->free_slots[SMALL_SLOTS + fixture->free_large++] = slot;
}

static bool add_frame(struct net_fixture *fixture)
{
	uint32_t length = length_of(fixture->added);
	struct virtqueue_buffer buffers[2];
	uint16_t slot, head;
	uint64_t gpa;

	if (!take_slot(fixture, length, &slot))
		return false;
	gpa = slot_gpa(slot);
	make_frame(memory_at(fixture, gpa + HEADER_SIZE, length), fixture->added);
	buffers[0] = (struct virtqueue_buffer){gpa, HEADER_SIZE, false};
	buffers[1] = (struct virtqueue_buffer){gpa + HEADER_SIZE, length, false};
	head = virtqueue_driver_add(&fixture->driver.queues[Q_TRANSMIT], buffers, 2);
	fixture->slot_of[head] = slot;
	fixture->added++;
	return true;
}

/* Whether anything could be done. */
static bool send_frames(struct net_fixture *fixture, unsigned int burst)
{
	struct virtqueue_driver *queue = &fixture->driver.queues[Q_TRANSMIT];
	bool progress = false;
	uint32_t written;
	uint16_t head;

	while (virtqueue_driver_collect(queue, &head, &written)) {
		give_slot(fixture, fixture->slot_of[head]);
		fixture->returned++;
		progress = true;
	}
	while (burst-- > 0 && fixture->added < fixture->frames && add_frame(fixture))
		progress = true;
	virtio_pci_driver_kick(&fixture->driver, Q_TRANSMIT);
	return progress;
}

static void add_receive_buffer(struct net_fixture *fixture, uint64_t gpa)
{
	uint32_t size = fixture->which->mergeable ? PART_SIZE : LARGE_SIZE;
	uint16_t head = virtqueue_driver_add(&fixture->driver.queues[Q_RECEIVE],
					     &(struct virtqueue_buffer){gpa, size, true}, 1);

	fixture->buffer_of[head] = gpa;
}

/* A buffer of the next frame, of which the first says how many there are. */
static void take_part(struct net_fixture *fixture, const uint8_t *buffer, uint32_t written)
{
	const struct virtio_net_hdr_v1 *header = (const void *)buffer;

	if (fixture->parts_left == 0) {
		g_assert_cmpuint(written, >=, HEADER_SIZE);
		fixture->parts_left = le16toh(header->num_buffers);
		fixture->part_bytes = 0;
		buffer += HEADER_SIZE;
		written -= HEADER_SIZE;
	}
	g_assert_cmpuint(fixture->part_bytes + written, <=, NET_FRAME_MAX);
	memcpy(fixture->whole + fixture->part_bytes, buffer, written);
	fixture->part_bytes += written;
	if (--fixture->parts_left == 0)
		check_frame(fixture->whole, fixture->part_bytes, fixture->received++);
}

/* Whether anything could be done. Buffers go back some at a time, as Linux does it. */
static bool receive_frames(struct net_fixture *fixture, unsigned int most)
{
	struct virtqueue_driver *queue = &fixture->driver.queues[Q_RECEIVE];
	uint64_t empty[256];
	unsigned int count = 0;
	uint32_t written;
	uint16_t head;

	while (count < most && virtqueue_driver_collect(queue, &head, &written)) {
		take_part(fixture, memory_at(fixture, fixture->buffer_of[head], LARGE_SIZE),
			  written);
		empty[count++] = fixture->buffer_of[head];
	}
	for (unsigned int i = 0; i < count; i++)
		add_receive_buffer(fixture, empty[i]);
	virtio_pci_driver_kick(&fixture->driver, Q_RECEIVE);
	return count > 0;
}

static void enable_interrupts(struct net_fixture *fixture, bool enable)
{
	for (unsigned int i = 0; i < 2; i++) {
		if (enable)
			virtqueue_driver_enable_interrupt(&fixture->driver.queues[i]);
		else
			virtqueue_driver_disable_interrupt(&fixture->driver.queues[i]);
	}
}

static void tell_stall(struct net_fixture *fixture)
{
	g_error("%s: nobody goes on: the guest sent %u, got back %u and received %u of %u frames; "
		"the other end received %u and sent %u",
		fixture->which->name, fixture->added, fixture->returned, fixture->received,
		fixture->frames, __atomic_load_n(&fixture->peer_received, __ATOMIC_ACQUIRE),
		__atomic_load_n(&fixture->peer_sent, __ATOMIC_ACQUIRE));
}

static void start_net_driver(struct net_fixture *fixture)
{
	uint64_t features = 1ULL << VIRTIO_F_VERSION_1;
	bool mergeable = fixture->which->mergeable;
	unsigned int buffers = mergeable ? MERGEABLE_BUFFERS : WHOLE_BUFFERS;

	if (fixture->which->event_idx)
		features |= 1ULL << VIRTIO_RING_F_EVENT_IDX;
	if (mergeable)
		features |= 1ULL << VIRTIO_NET_F_MRG_RXBUF;
	virtio_pci_driver_init(&fixture->driver, &fixture->machine, DEVFN);
	virtio_pci_driver_start(&fixture->driver, features, NET_QUEUES);
	for (uint16_t slot = 0; slot < SMALL_SLOTS + LARGE_SLOTS; slot++)
		give_slot(fixture, slot);
	for (unsigned int i = 0; i < buffers; i++)
		add_receive_buffer(fixture,
				   RECEIVE_AREA + i * (mergeable ? PART_SIZE : 0x11000ULL));
	virtio_pci_driver_kick(&fixture->driver, Q_RECEIVE);
}

static bool net_guest_is_done(const struct net_fixture *fixture)
{
	return fixture->returned == fixture->frames && fixture->received == fixture->frames;
}

static void net_guest(void *data)
{
	struct net_fixture *fixture = data;
	GRand *random = g_rand_new_with_seed(SEED + 2);

	start_net_driver(fixture);
	while (!net_guest_is_done(fixture)) {
		unsigned int burst = (unsigned int)g_rand_int_range(random, 1, 130);
		bool sent = send_frames(fixture, burst);

		nap_sometimes(random);
		if (receive_frames(fixture, burst) || sent)
			continue;
		prepare_to_sleep(&fixture->sleeper);
		enable_interrupts(fixture, true);
		if (!send_frames(fixture, burst) && !receive_frames(fixture, burst) &&
		    !sleep_until_interrupt(&fixture->sleeper))
			tell_stall(fixture);
		enable_interrupts(fixture, false);
	}
	g_rand_free(random);
}

static void connect_peer(struct net_fixture *fixture)
{
	int pair[2], size = fixture->which->socket_buffer;

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
	for (unsigned int i = 0; i < 2 && size > 0; i++)
		g_assert_cmpint(setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), ==,
				0);
	fixture->peer = pair[0];
	g_assert_cmpint(net_stream_connect(fixture->backend, pair[1]), ==, 0);
}

static void test_net(gconstpointer data)
{
	struct net_fixture *fixture = g_new0(struct net_fixture, 1);
	const struct virtio_host *host = &fixture->machine.host;
	GThread *reader, *writer;

	fixture->which = data;
	fixture->frames = how_many(6000, 1000000);
	test_machine_init(&fixture->machine);
	fixture->sleeper = (struct sleeper){&fixture->machine.interrupts, NET_QUEUES, 0};
	g_assert_cmpint(net_stream_create(host->loop, &fixture->statistics, &fixture->backend), ==,
			0);
	g_assert_cmpint(virtio_net_create(host, DEVFN, fixture->backend, mac, &fixture->device), ==,
			0);
	connect_peer(fixture);
	reader = g_thread_new("reader", read_frames, fixture);
	writer = g_thread_new("writer", write_frames, fixture);
	test_machine_run(&fixture->machine, net_guest, fixture);
	g_thread_join(reader);
	g_thread_join(writer);
	g_assert_cmpuint(fixture->statistics.send_drops, ==, 0);
	g_assert_cmpuint(fixture->statistics.receive_drops, ==, 0);
	virtio_device_destroy(fixture->device);
	net_backend_destroy(fixture->backend);
	test_machine_finish(&fixture->machine);
	close(fixture->peer);
	g_free(fixture);
}

/* A disk */

enum { DISK_SIZE = 4 << 20, SECTOR = 512, LONGEST = 16 * SECTOR };

struct block_fixture {
	bool event_idx;
	unsigned int requests;
	struct test_machine machine;
	struct block_backend *backend;
	struct disk_statistics statistics;
	struct virtio_device *device;
	struct virtio_pci_driver driver;
	struct sleeper sleeper;
	unsigned int added, returned;
	uint16_t slot_of[256]; /* by head */
	uint64_t sector_of[BLOCK_DRIVER_SLOTS];
	uint32_t length_of[BLOCK_DRIVER_SLOTS]; /* 0: a flush */
	uint16_t free_slots[BLOCK_DRIVER_SLOTS];
	unsigned int free_count;
};

/* What each sector of the disk begins with. */
static uint64_t mark_of(uint64_t sector)
{
	return sector * 0x9e3779b97f4a7c15ULL;
}

static int marked_file(void)
{
	g_autofree char *path = g_build_filename(g_get_tmp_dir(), "innkeeper-XXXXXX", NULL);
	int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(g_unlink(path), ==, 0);
	g_assert_cmpint(ftruncate(fd, DISK_SIZE), ==, 0);
	for (uint64_t sector = 0; sector < DISK_SIZE / SECTOR; sector++) {
		uint64_t mark = mark_of(sector);

		g_assert_cmpint(fd_write_at(fd, &mark, sizeof(mark), sector * SECTOR), ==, 0);
	}
	return fd;
}

static void add_request(struct block_fixture *fixture, GRand *random)
{
	uint16_t slot = fixture->free_slots[--fixture->free_count];
	uint32_t length = (uint32_t)g_rand_int_range(random, 1, LONGEST / SECTOR + 1) * SECTOR;
	uint64_t sector = (uint64_t)g_rand_int_range(random, 0, (DISK_SIZE - LONGEST) / SECTOR);
	bool flush = g_rand_int_range(random, 0, 500) == 0;
	uint16_t head = block_driver_add(&fixture->driver, slot,
					 flush ? VIRTIO_BLK_T_FLUSH : VIRTIO_BLK_T_IN,
					 flush ? 0 : sector, flush ? 0 : length);

	fixture->slot_of[head] = slot;
	fixture->sector_of[slot] = sector;
	fixture->length_of[slot] = flush ? 0 : length;
	fixture->added++;
}

static void check_request(struct block_fixture *fixture, uint16_t slot)
{
	const char *data = guest_memory_at(fixture->machine.host.memory, block_driver_data(slot),
					   BLOCK_DRIVER_DATA_SIZE);

	g_assert_cmpint(block_driver_status(&fixture->driver, slot), ==, VIRTIO_BLK_S_OK);
	for (uint32_t at = 0; at < fixture->length_of[slot]; at += SECTOR) {
		uint64_t mark;

		memcpy(&mark, data + at, sizeof(mark));
		g_assert_cmphex(mark, ==, mark_of(fixture->sector_of[slot] + at / SECTOR));
	}
	fixture->free_slots[fixture->free_count++] = slot;
	fixture->returned++;
}

/* Whether anything could be done. */
static bool work_disk(struct block_fixture *fixture, GRand *random)
{
	struct virtqueue_driver *queue = &fixture->driver.queues[0];
	int burst = g_rand_int_range(random, 1, BLOCK_DRIVER_SLOTS);
	bool progress = false;
	uint32_t written;
	uint16_t head;

	while (virtqueue_driver_collect(queue, &head, &written)) {
		check_request(fixture, fixture->slot_of[head]);
		progress = true;
	}
	while (burst-- > 0 && fixture->free_count > 0 && fixture->added < fixture->requests) {
		add_request(fixture, random);
		progress = true;
	}
	virtio_pci_driver_kick(&fixture->driver, 0);
	return progress;
}

static void block_guest(void *data)
{
	struct block_fixture *fixture = data;
	struct virtqueue_driver *queue = &fixture->driver.queues[0];
	uint64_t features = 1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_BLK_F_FLUSH;
	GRand *random = g_rand_new_with_seed(SEED);

	if (fixture->event_idx)
		features |= 1ULL << VIRTIO_RING_F_EVENT_IDX;
	virtio_pci_driver_init(&fixture->driver, &fixture->machine, DEVFN);
	virtio_pci_driver_start(&fixture->driver, features, 1);
	while (fixture->returned < fixture->requests) {
		nap_sometimes(random);
		if (work_disk(fixture, random))
			continue;
		prepare_to_sleep(&fixture->sleeper);
		virtqueue_driver_enable_interrupt(queue);
		if (!work_disk(fixture, random) && !sleep_until_interrupt(&fixture->sleeper))
			g_error("nobody goes on: %u requests were made, %u of %u have returned",
				fixture->added, fixture->returned, fixture->requests);
		virtqueue_driver_disable_interrupt(queue);
	}
	g_rand_free(random);
}

static void test_block(gconstpointer data)
{
	struct block_fixture *fixture = g_new0(struct block_fixture, 1);
	const struct virtio_host *host = &fixture->machine.host;

	fixture->event_idx = GPOINTER_TO_INT(data);
	fixture->requests = how_many(6000, 1000000);
	test_machine_init(&fixture->machine);
	fixture->sleeper = (struct sleeper){&fixture->machine.interrupts, 1, 0};
	for (uint16_t slot = 0; slot < BLOCK_DRIVER_SLOTS; slot++)
		fixture->free_slots[fixture->free_count++] = slot;
	g_assert_cmpint(block_backend_create_raw(marked_file(), /* read_only= */ false, host->loop,
						 &fixture->statistics, &fixture->backend),
			==, 0);
	g_assert_cmpint(
		virtio_block_create(host, DEVFN, fixture->backend, "disk-0", &fixture->device), ==,
		0);
	test_machine_run(&fixture->machine, block_guest, fixture);
	virtio_device_destroy(fixture->device);
	block_backend_destroy(fixture->backend);
	test_machine_finish(&fixture->machine);
	g_free(fixture);
}

int main(int argc, char **argv)
{
	static const struct net_case net_cases[] = {
		{"event-indices", true, true, 0},
		{"flags", false, true, 0},
		{"event-indices-small-socket", true, true, 8192},
		{"flags-small-socket", false, true, 8192},
		{"event-indices-whole-buffers", true, false, 0},
		{"flags-whole-buffers", false, false, 8192},
	};

	g_test_init(&argc, &argv, NULL);
	for (unsigned int i = 0; i < G_N_ELEMENTS(net_cases); i++) {
		g_autofree char *path = g_strdup_printf("/virtio-stress/net/%s", net_cases[i].name);

		g_test_add_data_func(path, &net_cases[i], test_net);
	}
	g_test_add_data_func("/virtio-stress/block/event-indices", GINT_TO_POINTER(true),
			     test_block);
	g_test_add_data_func("/virtio-stress/block/flags", GINT_TO_POINTER(false), test_block);
	return g_test_run();
}

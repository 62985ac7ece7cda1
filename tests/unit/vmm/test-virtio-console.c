/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtio/virtio-devices.h"

#include <errno.h>
#include <glib.h>
#include <linux/sockios.h>
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "state-block.h"
#include "virtio-pci-driver.h"

#define AGENT         "org.qemu.guest_agent.0"
#define OTHER         "org.innkeeper.other"
#define RING_FEATURES (1ULL << VIRTIO_F_VERSION_1)
#define FEATURES      (RING_FEATURES | 1ULL << VIRTIO_CONSOLE_F_MULTIPORT)

enum { DEVFN = TEST_MACHINE_DEVFN, BUFFERS = TEST_MACHINE_BUFFERS_GPA, BUFFER_SIZE = 4096 };
enum { CONTROL_IN = 2, CONTROL_OUT = 3, AGENT_IN = 4, AGENT_OUT = 5, QUEUES = 8 };
enum { OUT_BUFFER = 0x100000, CONTROL_BUFFER = 0x200000, LARGE = 1 << 20, TIMEOUT_MS = 10000 };
enum { POLLS = 100000, POLL_US = 100 };

struct fixture {
	struct test_machine machine;
	struct virtio_device *device;
	struct virtio_pci_driver driver;
	const char *attach_name;
	int attach_fd, attach_result;
	int peer_fd;
};

static const char *const both[] = {AGENT, OTHER};

static void create(struct fixture *fixture, const char *const *names, unsigned int count)
{
	test_machine_init(&fixture->machine);
	g_assert_cmpint(virtio_console_create(&fixture->machine.host, DEVFN, names, count,
					      &fixture->device),
			==, 0);
}

static void destroy(struct fixture *fixture)
{
	virtio_device_destroy(fixture->device);
	test_machine_finish(&fixture->machine);
}

static void run_with(const char *const *names, unsigned int count, void (*guest)(void *data))
{
	g_autofree struct fixture *fixture = g_new0(struct fixture, 1);

	create(fixture, names, count);
	test_machine_run(&fixture->machine, guest, fixture);
	destroy(fixture);
}

static void run(void (*guest)(void *data))
{
	run_with(both, G_N_ELEMENTS(both), guest);
}

static unsigned char *at(struct fixture *fixture, uint64_t gpa, size_t length)
{
	return guest_memory_at(fixture->machine.host.memory, gpa, length);
}

/* Each descriptor of each queue has a buffer of its own. */
static uint64_t buffer_gpa(uint16_t queue, uint16_t head)
{
	return BUFFERS + ((uint64_t)queue * 16 + head % 16) * BUFFER_SIZE;
}

static void add_room(struct fixture *fixture, uint16_t queue, unsigned int count)
{
	struct virtqueue_driver *ring = &fixture->driver.queues[queue];

	for (unsigned int i = 0; i < count; i++) {
		uint16_t next = ring->free[ring->free_count - 1];
		struct virtqueue_buffer buffer = {buffer_gpa(queue, next), BUFFER_SIZE, true};

		virtqueue_driver_add(ring, &buffer, 1);
	}
	virtio_pci_driver_kick(&fixture->driver, queue);
}

static uint16_t add_output(struct fixture *fixture, uint16_t queue, const void *data,
			   uint32_t length)
{
	uint64_t gpa = queue == CONTROL_OUT ? CONTROL_BUFFER : OUT_BUFFER;
	struct virtqueue_buffer buffer = {gpa, length, false};
	uint16_t head;

	memcpy(at(fixture, gpa, length), data, length);
	head = virtqueue_driver_add(&fixture->driver.queues[queue], &buffer, 1);
	virtio_pci_driver_kick(&fixture->driver, queue);
	return head;
}

static void send_out(struct fixture *fixture, uint16_t queue, const void *data, uint32_t length)
{
	uint32_t written;

	add_output(fixture, queue, data, length);
	virtio_pci_driver_wait(&fixture->driver, queue, &written);
}

static void say(struct fixture *fixture, uint32_t id, uint16_t event, uint16_t value)
{
	const struct virtio_console_control control = {htole32(id), htole16(event), htole16(value)};

	send_out(fixture, CONTROL_OUT, &control, sizeof(control));
}

/* The next control message; the text behind it, if any, in the answer. */
static char *hear(struct fixture *fixture, uint32_t id, uint16_t event, uint16_t value)
{
	struct virtio_console_control control;
	uint32_t written;
	uint16_t head = virtio_pci_driver_wait(&fixture->driver, CONTROL_IN, &written);
	const unsigned char *message = at(fixture, buffer_gpa(CONTROL_IN, head), BUFFER_SIZE);

	g_assert_cmpuint(written, >=, sizeof(control));
	memcpy(&control, message, sizeof(control));
	g_assert_cmpuint(le32toh(control.id), ==, id);
	g_assert_cmpuint(le16toh(control.event), ==, event);
	g_assert_cmpuint(le16toh(control.value), ==, value);
	return g_strndup((const char *)message + sizeof(control), written - sizeof(control));
}

static void hear_only(struct fixture *fixture, uint32_t id, uint16_t event, uint16_t value)
{
	g_autofree char *text = hear(fixture, id, event, value);

	g_assert_cmpstr(text, ==, "");
}

static void expect_silence(struct fixture *fixture, uint16_t queue)
{
	uint32_t written;
	uint16_t head;

	/* Whatever the device had to say it has said by the time this is answered. */
	say(fixture, 99, VIRTIO_CONSOLE_PORT_OPEN, 0);
	g_assert_false(virtqueue_driver_collect(&fixture->driver.queues[queue], &head, &written));
}

static void start(struct fixture *fixture)
{
	virtio_pci_driver_init(&fixture->driver, &fixture->machine, DEVFN);
	virtio_pci_driver_start(&fixture->driver, FEATURES, QUEUES);
	add_room(fixture, CONTROL_IN, 8);
	say(fixture, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
}

/* As a driver finds its ports. */
static void discover(struct fixture *fixture)
{
	g_autofree char *name = NULL;

	start(fixture);
	hear_only(fixture, 1, VIRTIO_CONSOLE_PORT_ADD, 1);
	hear_only(fixture, 2, VIRTIO_CONSOLE_PORT_ADD, 1);
	say(fixture, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	name = hear(fixture, 1, VIRTIO_CONSOLE_PORT_NAME, 1);
	g_assert_cmpstr(name, ==, AGENT);
	add_room(fixture, CONTROL_IN, 3);
}

static void attach_now(void *data)
{
	struct fixture *fixture = data;

	fixture->attach_result =
		virtio_console_attach(fixture->device, fixture->attach_name, fixture->attach_fd);
}

static int attach(struct fixture *fixture, const char *name, int ends[2])
{
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
			==, 0);
	fixture->attach_name = name;
	fixture->attach_fd = ends[1];
	test_machine_call(&fixture->machine, attach_now, fixture);
	if (fixture->attach_result < 0)
		close(ends[1]);
	return fixture->attach_result;
}

static void receive(int fd, char *bytes, size_t length)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	while (length > 0) {
		ssize_t got;

		g_assert_cmpint(poll(&wait, 1, TIMEOUT_MS), ==, 1);
		got = recv(fd, bytes, length, 0);
		g_assert_cmpint(got, >, 0);
		bytes += got;
		length -= (size_t)got;
	}
}

static void guest_discovery(void *data)
{
	struct fixture *fixture = data;
	g_autofree char *name = NULL;
	int ends[2];

	discover(fixture);
	g_assert_cmpuint(
		test_machine_read(&fixture->machine,
				  fixture->driver.device +
					  offsetof(struct virtio_console_config, max_nr_ports),
				  4),
		==, 3);
	/* One who connects before the guest has found the port is told of then. */
	g_assert_cmpint(attach(fixture, OTHER, ends), ==, 0);
	expect_silence(fixture, CONTROL_IN);
	say(fixture, 2, VIRTIO_CONSOLE_PORT_READY, 1);
	name = hear(fixture, 2, VIRTIO_CONSOLE_PORT_NAME, 1);
	g_assert_cmpstr(name, ==, OTHER);
	hear_only(fixture, 2, VIRTIO_CONSOLE_PORT_OPEN, 1);
	close(ends[0]);
}

static void test_discovery(void)
{
	run(guest_discovery);
}

static void guest_data(void *data)
{
	struct fixture *fixture = data;
	char bytes[16] = "";
	uint32_t written;
	uint16_t head;
	int ends[2], second[2];

	discover(fixture);
	/* Nobody there: dropped. */
	send_out(fixture, AGENT_OUT, "lost", 4);
	g_assert_cmpint(attach(fixture, "no such port", second), ==, -ENODEV);
	close(second[0]);
	g_assert_cmpint(attach(fixture, AGENT, ends), ==, 0);
	hear_only(fixture, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	g_assert_cmpint(attach(fixture, AGENT, second), ==, -EBUSY);
	close(second[0]);
	send_out(fixture, AGENT_OUT, "hello", 5);
	receive(ends[0], bytes, 5);
	g_assert_cmpmem(bytes, 5, "hello", 5);
	/* The guest's program is not there yet: the words wait. */
	add_room(fixture, AGENT_IN, 2);
	g_assert_cmpint(write(ends[0], "good day", 8), ==, 8);
	expect_silence(fixture, AGENT_IN);
	say(fixture, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	head = virtio_pci_driver_wait(&fixture->driver, AGENT_IN, &written);
	g_assert_cmpmem(at(fixture, buffer_gpa(AGENT_IN, head), written), written, "good day", 8);
	/* The peer goes, and its last words arrive before that is told. */
	g_assert_cmpint(write(ends[0], "bye", 3), ==, 3);
	close(ends[0]);
	hear_only(fixture, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	head = virtio_pci_driver_wait(&fixture->driver, AGENT_IN, &written);
	g_assert_cmpmem(at(fixture, buffer_gpa(AGENT_IN, head), written), written, "bye", 3);
	/* The next one may come. */
	g_assert_cmpint(attach(fixture, AGENT, ends), ==, 0);
	hear_only(fixture, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	close(ends[0]);
	g_assert_cmpuint(fixture->driver.exits, ==, 0);
}

static void test_data(void)
{
	run(guest_data);
}

/* A peer that does not read makes the guest wait, and nothing is lost or stored. */
static void guest_back_pressure(void *data)
{
	struct fixture *fixture = data;
	g_autofree char *sent = g_malloc(LARGE);
	g_autofree char *received = g_malloc(LARGE);
	uint32_t written;
	uint16_t head;
	int ends[2];

	for (size_t i = 0; i < LARGE; i++)
		sent[i] = (char)(i * 7 + i / 4096);
	discover(fixture);
	g_assert_cmpint(attach(fixture, AGENT, ends), ==, 0);
	add_output(fixture, AGENT_OUT, sent, LARGE);
	expect_silence(fixture, AGENT_OUT);
	receive(ends[0], received, LARGE);
	virtio_pci_driver_wait(&fixture->driver, AGENT_OUT, &written);
	g_assert_cmpmem(received, LARGE, sent, LARGE);

	/* The other way round: a guest without room makes the peer wait. */
	say(fixture, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	for (size_t at_byte = 0, got = 0; got < LARGE;) {
		ssize_t n = write(ends[0], sent + at_byte, LARGE - at_byte);

		at_byte += n > 0 ? (size_t)n : 0;
		add_room(fixture, AGENT_IN, 1);
		head = virtio_pci_driver_wait(&fixture->driver, AGENT_IN, &written);
		g_assert_cmpmem(at(fixture, buffer_gpa(AGENT_IN, head), written), written,
				sent + got, written);
		got += written;
	}
	close(ends[0]);
}

static void test_back_pressure(void)
{
	run(guest_back_pressure);
}

/* A peer that hangs up frees the guest; so does a reset, and the peer stays then. */
static void guest_interrupted(void *data)
{
	struct fixture *fixture = data;
	g_autofree char *sent = g_malloc0(LARGE);
	char bytes[5];
	uint32_t written;
	int ends[2];

	discover(fixture);
	g_assert_cmpint(attach(fixture, AGENT, ends), ==, 0);
	hear_only(fixture, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	add_output(fixture, AGENT_OUT, sent, LARGE);
	expect_silence(fixture, AGENT_OUT);
	close(ends[0]);
	virtio_pci_driver_wait(&fixture->driver, AGENT_OUT, &written);
	hear_only(fixture, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);

	g_assert_cmpint(attach(fixture, AGENT, ends), ==, 0);
	add_output(fixture, AGENT_OUT, sent, LARGE);
	expect_silence(fixture, AGENT_OUT);
	discover(fixture);
	hear_only(fixture, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	while (recv(ends[0], sent, LARGE, 0) > 0)
		;
	send_out(fixture, AGENT_OUT, "again", 5);
	receive(ends[0], bytes, 5);
	g_assert_cmpmem(bytes, 5, "again", 5);
	close(ends[0]);
}

static void test_interrupted(void)
{
	run(guest_interrupted);
}

/* One that was there while the guest did not listen gives way when it has gone. */
static void guest_replaced(void *data)
{
	struct fixture *fixture = data;
	int ends[2];

	discover(fixture);
	for (unsigned int i = 0; i < 3; i++) {
		g_assert_cmpint(attach(fixture, AGENT, ends), ==, 0);
		close(ends[0]);
	}
}

static void test_replaced(void)
{
	run(guest_replaced);
}

/* Senseless messages are ignored, thousands of sensible ones are owed one answer each. */
static void guest_flood(void *data)
{
	struct fixture *fixture = data;
	const struct virtio_console_control senseless[] = {
		{htole32(0), htole16(VIRTIO_CONSOLE_PORT_READY), htole16(1)},
		{htole32(3), htole16(VIRTIO_CONSOLE_PORT_READY), htole16(1)},
		{htole32(UINT32_MAX), htole16(VIRTIO_CONSOLE_PORT_OPEN), htole16(1)},
		{htole32(1), htole16(UINT16_MAX), htole16(1)},
		{htole32(1), htole16(VIRTIO_CONSOLE_PORT_READY), htole16(0)},
		{htole32(0), htole16(VIRTIO_CONSOLE_DEVICE_READY), htole16(0)},
	};

	discover(fixture);
	for (unsigned int i = 0; i < G_N_ELEMENTS(senseless); i++)
		send_out(fixture, CONTROL_OUT, &senseless[i], sizeof(senseless[i]));
	send_out(fixture, CONTROL_OUT, &senseless[0], 3);
	expect_silence(fixture, CONTROL_IN);
	for (unsigned int i = 0; i < 2000; i++)
		say(fixture, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	/* What had room is told, what had none is told once. */
	for (unsigned int i = 0; i < 4; i++) {
		hear_only(fixture, 1, VIRTIO_CONSOLE_PORT_ADD, 1);
		hear_only(fixture, 2, VIRTIO_CONSOLE_PORT_ADD, 1);
	}
	add_room(fixture, CONTROL_IN, 8);
	hear_only(fixture, 1, VIRTIO_CONSOLE_PORT_ADD, 1);
	hear_only(fixture, 2, VIRTIO_CONSOLE_PORT_ADD, 1);
	expect_silence(fixture, CONTROL_IN);
	g_assert_cmpuint(virtio_pci_driver_status(&fixture->driver) & VIRTIO_CONFIG_S_NEEDS_RESET,
			 ==, 0);
}

static void test_flood(void)
{
	run(guest_flood);
}

/* A driver without control queues, as firmware's, has port 0. */
static void guest_console(void *data)
{
	struct fixture *fixture = data;
	char bytes[5];
	uint32_t written;
	uint16_t head;
	int ends[2];

	virtio_pci_driver_init(&fixture->driver, &fixture->machine, DEVFN);
	virtio_pci_driver_start(&fixture->driver, RING_FEATURES, 2);
	g_assert_cmpint(attach(fixture, VIRTIO_CONSOLE_FIRST, ends), ==, 0);
	send_out(fixture, 1, "login", 5);
	receive(ends[0], bytes, 5);
	g_assert_cmpmem(bytes, 5, "login", 5);
	g_assert_cmpint(write(ends[0], "root\n", 5), ==, 5);
	add_room(fixture, 0, 1);
	head = virtio_pci_driver_wait(&fixture->driver, 0, &written);
	g_assert_cmpmem(at(fixture, buffer_gpa(0, head), written), written, "root\n", 5);
	close(ends[0]);

	/* And one with them is told that it is a console. */
	virtio_pci_driver_start(&fixture->driver, FEATURES, 4);
	add_room(fixture, CONTROL_IN, 8);
	say(fixture, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	hear_only(fixture, 0, VIRTIO_CONSOLE_PORT_ADD, 1);
	say(fixture, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	hear_only(fixture, 0, VIRTIO_CONSOLE_CONSOLE_PORT, 1);
}

static void test_console(void)
{
	static const char *const names[] = {VIRTIO_CONSOLE_FIRST};

	run_with(names, 1, guest_console);
}

static void wait_until_read(int fd)
{
	int unread = 1;

	for (unsigned int i = 0; unread > 0; i++) {
		g_assert_cmpuint(i, <, POLLS);
		g_usleep(POLL_US);
		g_assert_cmpint(ioctl(fd, SIOCOUTQ, &unread), ==, 0);
	}
}

/* Saved while the guest has no room for the peer's words, and the peer none for its own. */
static void guest_before(void *data)
{
	struct fixture *fixture = data;
	g_autofree char *sent = g_malloc0(LARGE);
	int ends[2];

	discover(fixture);
	g_assert_cmpint(attach(fixture, AGENT, ends), ==, 0);
	hear_only(fixture, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	say(fixture, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	g_assert_cmpint(write(ends[0], "good day", 8), ==, 8);
	wait_until_read(ends[0]);
	add_output(fixture, AGENT_OUT, sent, LARGE);
	expect_silence(fixture, AGENT_OUT);
	fixture->peer_fd = ends[0];
}

/* What came from the peer arrives, and then it has gone with what it did not take. */
static void guest_after(void *data)
{
	struct fixture *fixture = data;
	char bytes[5];
	uint32_t written;
	uint16_t head;
	int ends[2];

	hear_only(fixture, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	virtio_pci_driver_wait(&fixture->driver, AGENT_OUT, &written);
	add_room(fixture, AGENT_IN, 1);
	head = virtio_pci_driver_wait(&fixture->driver, AGENT_IN, &written);
	g_assert_cmpmem(at(fixture, buffer_gpa(AGENT_IN, head), written), written, "good day", 8);
	/* the port that nobody had been at is not spoken of */
	expect_silence(fixture, CONTROL_IN);
	g_assert_cmpint(attach(fixture, AGENT, ends), ==, 0);
	hear_only(fixture, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	send_out(fixture, AGENT_OUT, "again", 5);
	receive(ends[0], bytes, 5);
	g_assert_cmpmem(bytes, 5, "again", 5);
	close(ends[0]);
}

static void test_state(void)
{
	g_autofree struct fixture *fixture = g_new0(struct fixture, 1);
	g_autofree struct fixture *other = g_new0(struct fixture, 1);

	create(fixture, both, G_N_ELEMENTS(both));
	test_machine_run(&fixture->machine, guest_before, fixture);
	create(other, both, G_N_ELEMENTS(both));
	other->driver = fixture->driver;
	virtio_device_pause(fixture->device);
	g_assert_true(virtio_device_is_still(fixture->device));
	virtio_pci_driver_carry_over(&other->driver, fixture->device, &other->machine,
				     other->device);
	destroy(fixture);
	close(fixture->peer_fd);
	test_machine_run(&other->machine, guest_after, other);
	destroy(other);
}

static void test_other_ports(void)
{
	static const char *const renamed[] = {AGENT, OTHER "2"};
	static struct state_block block;
	struct fixture fixture, other;

	create(&fixture, both, G_N_ELEMENTS(both));
	STATE_BLOCK_SAVE(&block, virtio_device_save, fixture.device);
	STATE_BLOCK_LOAD(&block, virtio_device_load, fixture.device);
	create(&other, renamed, G_N_ELEMENTS(renamed));
	g_assert_cmpint(virtio_device_load(other.device, state_block_read(&block)), ==, -EPROTO);
	g_assert_cmpstr(block.reader.problem, ==, "its console ports are others");
	destroy(&other);
	create(&other, renamed, 1);
	g_assert_cmpint(virtio_device_load(other.device, state_block_read(&block)), ==, -EPROTO);
	destroy(&other);
	destroy(&fixture);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/virtio-console/discovery", test_discovery);
	g_test_add_func("/virtio-console/data", test_data);
	g_test_add_func("/virtio-console/back-pressure", test_back_pressure);
	g_test_add_func("/virtio-console/interrupted", test_interrupted);
	g_test_add_func("/virtio-console/replaced", test_replaced);
	g_test_add_func("/virtio-console/flood", test_flood);
	g_test_add_func("/virtio-console/console", test_console);
	g_test_add_func("/virtio-console/state", test_state);
	g_test_add_func("/virtio-console/other-ports", test_other_ports);
	return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtio/virtio-devices.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_vsock.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "memory/guest-memory.h"
#include "virtio-pci-driver.h"

enum { DEVFN = TEST_MACHINE_DEVFN, BUFFERS = TEST_MACHINE_BUFFERS_GPA, BUFFER_SIZE = 4096 };
enum { RX, TX, EVENTS, QUEUES, ROOMS = 64 };
enum { CID = 42, HOST_CID = 2, PORT = 5000, GUEST_PORT = 1025, ROOM = 64 << 10 };
enum { PACKET = 0x200000, EVENT = 0x210000, TIMEOUT_MS = 10000 };

struct fixture {
	struct test_machine machine;
	struct virtio_device *device;
	struct virtio_pci_driver driver;
	char *folder;
	struct sockaddr_un address;
	/* of the packet heard last */
	struct virtio_vsock_hdr heard;
	const char *payload;
	/* of the machine that was saved */
	uint32_t host_port;
	int program_fd;
	bool event_room;
};

static int listen_at(struct fixture *fixture, const char *folder)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	fixture->address.sun_family = AF_UNIX;
	g_snprintf(fixture->address.sun_path, sizeof(fixture->address.sun_path), "%s/vsock",
		   folder);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&fixture->address, sizeof(fixture->address)),
			==, 0);
	g_assert_cmpint(listen(fd, 4), ==, 0);
	return fd;
}

static void create(struct fixture *fixture)
{
	fixture->folder = g_dir_make_tmp("vsock-XXXXXX", NULL);
	test_machine_init(&fixture->machine);
	g_assert_cmpint(virtio_vsock_create(&fixture->machine.host, DEVFN, CID,
					    listen_at(fixture, fixture->folder), &fixture->device),
			==, 0);
}

static void destroy(struct fixture *fixture)
{
	virtio_device_destroy(fixture->device);
	test_machine_finish(&fixture->machine);
	g_assert_cmpint(g_unlink(fixture->address.sun_path), ==, 0);
	g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
	g_free(fixture->folder);
}

static void run(void (*guest)(void *data))
{
	g_autofree struct fixture *fixture = g_new0(struct fixture, 1);

	create(fixture);
	test_machine_run(&fixture->machine, guest, fixture);
	destroy(fixture);
}

static unsigned char *at(struct fixture *fixture, uint64_t gpa, size_t length)
{
	return guest_memory_at(fixture->machine.host.memory, gpa, length);
}

static void add_room(struct fixture *fixture)
{
	struct virtqueue_driver *ring = &fixture->driver.queues[RX];
	uint16_t next = ring->free[ring->free_count - 1];
	struct virtqueue_buffer buffer = {BUFFERS + (uint64_t)next * BUFFER_SIZE, BUFFER_SIZE,
					  true};

	virtqueue_driver_add(ring, &buffer, 1);
	virtio_pci_driver_kick(&fixture->driver, RX);
}

static void start(struct fixture *fixture)
{
	virtio_pci_driver_init(&fixture->driver, &fixture->machine, DEVFN);
	virtio_pci_driver_start(&fixture->driver,
				1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_EVENT_IDX,
				QUEUES);
	for (unsigned int i = 0; i < ROOMS; i++)
		add_room(fixture);
}

/* Sends a packet as the header says, with what is behind it in memory. */
static void say_raw(struct fixture *fixture, const struct virtio_vsock_hdr *header,
		    const void *payload, uint32_t length)
{
	struct virtqueue_buffer buffer = {PACKET, (uint32_t)sizeof(*header) + length, false};
	uint32_t written;

	memcpy(at(fixture, PACKET, sizeof(*header)), header, sizeof(*header));
	if (payload)
		memcpy(at(fixture, PACKET + sizeof(*header), length), payload, length);
	virtqueue_driver_add(&fixture->driver.queues[TX], &buffer, 1);
	virtio_pci_driver_kick(&fixture->driver, TX);
	virtio_pci_driver_wait(&fixture->driver, TX, &written);
}

static struct virtio_vsock_hdr header(uint32_t host_port, uint16_t op, uint32_t length)
{
	return (struct virtio_vsock_hdr){
		.src_cid = htole64(CID),
		.dst_cid = htole64(HOST_CID),
		.src_port = htole32(GUEST_PORT),
		.dst_port = htole32(host_port),
		.len = htole32(length),
		.type = htole16(VIRTIO_VSOCK_TYPE_STREAM),
		.op = htole16(op),
		.buf_alloc = htole32(ROOM),
	};
}

static void say(struct fixture *fixture, uint32_t host_port, uint16_t op, uint32_t flags)
{
	struct virtio_vsock_hdr packet = header(host_port, op, 0);

	packet.flags = htole32(flags);
	say_raw(fixture, &packet, NULL, 0);
}

static void say_bytes(struct fixture *fixture, uint32_t host_port, const char *bytes,
		      uint32_t length)
{
	struct virtio_vsock_hdr packet = header(host_port, VIRTIO_VSOCK_OP_RW, length);

	say_raw(fixture, &packet, bytes, length);
}

/* The next packet, which has to be of that kind; its host port. */
static uint32_t hear(struct fixture *fixture, uint16_t op)
{
	uint32_t written;
	uint16_t head = virtio_pci_driver_wait(&fixture->driver, RX, &written);
	const unsigned char *packet =
		at(fixture, BUFFERS + (uint64_t)head * BUFFER_SIZE, BUFFER_SIZE);

	g_assert_cmpuint(written, >=, sizeof(fixture->heard));
	memcpy(&fixture->heard, packet, sizeof(fixture->heard));
	fixture->payload = (const char *)packet + sizeof(fixture->heard);
	g_assert_cmpuint(le16toh(fixture->heard.op), ==, op);
	g_assert_cmpuint(le32toh(fixture->heard.len), ==, written - sizeof(fixture->heard));
	g_assert_cmpuint(le64toh(fixture->heard.src_cid), ==, HOST_CID);
	g_assert_cmpuint(le64toh(fixture->heard.dst_cid), ==, CID);
	g_assert_cmpuint(le32toh(fixture->heard.dst_port), ==, GUEST_PORT);
	return le32toh(fixture->heard.src_port);
}

static void expect_silence(struct fixture *fixture)
{
	uint32_t written;
	uint16_t head;

	g_assert_false(virtqueue_driver_collect(&fixture->driver.queues[RX], &head, &written));
}

static void settle(void *data)
{
}

/* A program on the host. */
static int program(struct fixture *fixture, const char *words)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(connect(fd, (struct sockaddr *)&fixture->address, sizeof(fixture->address)),
			==, 0);
	g_assert_cmpint(write(fd, words, strlen(words)), ==, strlen(words));
	return fd;
}

static void expect_bytes(int fd, const char *expected)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	char byte;

	for (; *expected; expected++) {
		g_assert_cmpint(poll(&wait, 1, TIMEOUT_MS), ==, 1);
		g_assert_cmpint(read(fd, &byte, 1), ==, 1);
		g_assert_cmpint(byte, ==, *expected);
	}
}

static void expect_end(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	char byte;

	g_assert_cmpint(poll(&wait, 1, TIMEOUT_MS), ==, 1);
	g_assert_cmpint(read(fd, &byte, 1), <=, 0);
}

static int connect_to_guest(struct fixture *fixture, uint32_t *ret_host_port)
{
	g_autofree char *answer = NULL;
	int fd = program(fixture, "CONNECT 1025\n");

	*ret_host_port = hear(fixture, VIRTIO_VSOCK_OP_REQUEST);
	answer = g_strdup_printf("OK %u\n", *ret_host_port);
	say(fixture, *ret_host_port, VIRTIO_VSOCK_OP_RESPONSE, 0);
	expect_bytes(fd, answer);
	return fd;
}

static void guest_from_host(void *data)
{
	struct fixture *fixture = data;
	uint32_t host_port;
	int fd;

	start(fixture);
	g_assert_cmpuint(test_machine_read(&fixture->machine, fixture->driver.device, 8), ==, CID);
	/* What follows the line is for the guest, even if it was early. */
	fd = program(fixture, "CONNECT 1025\nearly");
	host_port = hear(fixture, VIRTIO_VSOCK_OP_REQUEST);
	g_assert_cmpuint(le32toh(fixture->heard.buf_alloc), ==, ROOM);
	say(fixture, host_port, VIRTIO_VSOCK_OP_RESPONSE, 0);
	hear(fixture, VIRTIO_VSOCK_OP_RW);
	g_assert_cmpmem(fixture->payload, le32toh(fixture->heard.len), "early", 5);
	say_bytes(fixture, host_port, "hello", 5);
	expect_bytes(fd, "OK ");
	while (TRUE) {
		char byte;

		g_assert_cmpint(read(fd, &byte, 1), ==, 1);
		if (byte == '\n')
			break;
	}
	expect_bytes(fd, "hello");
	say(fixture, host_port, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
	hear(fixture, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	g_assert_cmpuint(le32toh(fixture->heard.fwd_cnt), ==, 5);
	/* The program only ends its half. */
	g_assert_cmpint(shutdown(fd, SHUT_WR), ==, 0);
	hear(fixture, VIRTIO_VSOCK_OP_SHUTDOWN);
	g_assert_cmpuint(le32toh(fixture->heard.flags), ==, VIRTIO_VSOCK_SHUTDOWN_SEND);
	say_bytes(fixture, host_port, "more", 4);
	expect_bytes(fd, "more");
	/* The guest ends all of it and is told that it may forget it. */
	say(fixture, host_port, VIRTIO_VSOCK_OP_SHUTDOWN,
	    VIRTIO_VSOCK_SHUTDOWN_SEND | VIRTIO_VSOCK_SHUTDOWN_RCV);
	hear(fixture, VIRTIO_VSOCK_OP_RST);
	expect_end(fd);
	close(fd);
	g_assert_cmpuint(fixture->driver.exits, ==, 0);
}

static void test_from_host(void)
{
	run(guest_from_host);
}

static void guest_refused(void *data)
{
	static const char *const bad[] = {"HELLO\n",
					  "CONNECT\n",
					  "CONNECT -1\n",
					  "CONNECT 1 2\n",
					  "CONNECT 4294967295\n",
					  "LISTEN x\n",
					  "CONNECT 000000000000000000000000000000001\n"};
	struct fixture *fixture = data;
	uint32_t host_port;
	int fd, second;

	/* Before there is a driver nobody can be reached. */
	fd = program(fixture, "CONNECT 1025\n");
	expect_end(fd);
	close(fd);
	start(fixture);
	for (unsigned int i = 0; i < G_N_ELEMENTS(bad); i++) {
		fd = program(fixture, bad[i]);
		expect_end(fd);
		close(fd);
	}
	/* The guest has nobody there. */
	fd = program(fixture, "CONNECT 1025\n");
	host_port = hear(fixture, VIRTIO_VSOCK_OP_REQUEST);
	say(fixture, host_port, VIRTIO_VSOCK_OP_RST, 0);
	expect_end(fd);
	close(fd);
	/* One listener a port. */
	fd = program(fixture, "LISTEN 5000\n");
	expect_bytes(fd, "OK 5000\n");
	second = program(fixture, "LISTEN 5000\n");
	expect_end(second);
	close(second);
	close(fd);
}

static void test_refused(void)
{
	run(guest_refused);
}

static int receive_connection(int listener)
{
	struct pollfd wait = {.fd = listener, .events = POLLIN};
	char line[32] = "", control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {line, sizeof(line) - 1};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	int fd;

	g_assert_cmpint(poll(&wait, 1, TIMEOUT_MS), ==, 1);
	g_assert_cmpint(recvmsg(listener, &message, MSG_CMSG_CLOEXEC), >, 0);
	g_assert_cmpstr(line, ==, "FROM 1025\n");
	g_assert_nonnull(CMSG_FIRSTHDR(&message));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static void guest_to_host(void *data)
{
	struct fixture *fixture = data;
	int listener, fd;

	start(fixture);
	say(fixture, PORT, VIRTIO_VSOCK_OP_REQUEST, 0);
	g_assert_cmpuint(hear(fixture, VIRTIO_VSOCK_OP_RST), ==, PORT);
	listener = program(fixture, "LISTEN 5000\n");
	expect_bytes(listener, "OK 5000\n");
	say(fixture, PORT, VIRTIO_VSOCK_OP_REQUEST, 0);
	g_assert_cmpuint(hear(fixture, VIRTIO_VSOCK_OP_RESPONSE), ==, PORT);
	fd = receive_connection(listener);
	say_bytes(fixture, PORT, "question", 8);
	expect_bytes(fd, "question");
	g_assert_cmpint(write(fd, "answer", 6), ==, 6);
	hear(fixture, VIRTIO_VSOCK_OP_RW);
	g_assert_cmpmem(fixture->payload, le32toh(fixture->heard.len), "answer", 6);
	/* The guest ends its half, the program the rest. */
	say(fixture, PORT, VIRTIO_VSOCK_OP_SHUTDOWN, VIRTIO_VSOCK_SHUTDOWN_SEND);
	expect_end(fd);
	close(fd);
	hear(fixture, VIRTIO_VSOCK_OP_SHUTDOWN);
	g_assert_cmpuint(le32toh(fixture->heard.flags), ==, 3);
	say(fixture, PORT, VIRTIO_VSOCK_OP_RST, 0);
	expect_silence(fixture);
	/* A listener that goes is no listener. */
	close(listener);
	test_machine_call(&fixture->machine, settle, NULL);
	say(fixture, PORT, VIRTIO_VSOCK_OP_REQUEST, 0);
	hear(fixture, VIRTIO_VSOCK_OP_RST);
}

static void test_to_host(void)
{
	run(guest_to_host);
}

/* Both sides send no more than the other has room for. */
static void guest_credit(void *data)
{
	struct fixture *fixture = data;
	g_autofree char *bytes = g_malloc0(ROOM);
	struct virtio_vsock_hdr update;
	uint32_t host_port, heard = 0, more = 0;
	int fd;

	start(fixture);
	fd = connect_to_guest(fixture, &host_port);
	update = header(host_port, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	update.buf_alloc = htole32(1000);
	say_raw(fixture, &update, NULL, 0);
	g_assert_cmpint(write(fd, bytes, 1500), ==, 1500);
	while (heard < 1000) {
		hear(fixture, VIRTIO_VSOCK_OP_RW);
		heard += le32toh(fixture->heard.len);
	}
	g_assert_cmpuint(heard, ==, 1000);
	test_machine_call(&fixture->machine, settle, NULL);
	expect_silence(fixture);
	/* One that says it took what it was not sent gets nothing for it. */
	update.fwd_cnt = htole32(5000);
	say_raw(fixture, &update, NULL, 0);
	expect_silence(fixture);
	update.fwd_cnt = htole32(1000);
	say_raw(fixture, &update, NULL, 0);
	hear(fixture, VIRTIO_VSOCK_OP_RW);
	g_assert_cmpuint(le32toh(fixture->heard.len), ==, 500);

	/* The program does not read: the socket and then the buffer fill up. */
	do {
		say_bytes(fixture, host_port, bytes, 1024);
		more += 1024;
		say(fixture, host_port, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
		hear(fixture, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
		add_room(fixture);
	} while (more - le32toh(fixture->heard.fwd_cnt) < ROOM);
	/* That was all there is room for, so this is too much. */
	say_bytes(fixture, host_port, bytes, 1);
	hear(fixture, VIRTIO_VSOCK_OP_RST);
	close(fd);
}

static void test_credit(void)
{
	run(guest_credit);
}

static void guest_hostile(void *data)
{
	struct fixture *fixture = data;
	struct virtio_vsock_hdr packet;
	uint32_t host_port;
	int fd;

	start(fixture);
	/* Of no connection: answered with a reset, or not at all. */
	packet = header(PORT, VIRTIO_VSOCK_OP_RW, UINT32_MAX);
	say_raw(fixture, &packet, "x", 1);
	hear(fixture, VIRTIO_VSOCK_OP_RST);
	packet.dst_cid = htole64(7);
	say_raw(fixture, &packet, "x", 1);
	packet = header(PORT, VIRTIO_VSOCK_OP_RW, 0);
	packet.src_cid = htole64(HOST_CID);
	say_raw(fixture, &packet, NULL, 0);
	say(fixture, PORT, VIRTIO_VSOCK_OP_RST, 0);
	expect_silence(fixture);
	/* In a connection: it ends. */
	for (unsigned int i = 0; i < 5; i++) {
		fd = connect_to_guest(fixture, &host_port);
		packet = header(host_port, VIRTIO_VSOCK_OP_RW, 2);
		if (i == 0)
			packet.len = htole32(UINT32_MAX);
		else if (i == 1)
			packet.type = htole16(VIRTIO_VSOCK_TYPE_SEQPACKET);
		else if (i == 2)
			packet.op = htole16(77);
		else if (i == 3)
			packet.op = htole16(VIRTIO_VSOCK_OP_RESPONSE);
		else
			packet.op = htole16(VIRTIO_VSOCK_OP_REQUEST);
		say_raw(fixture, &packet, "x", 1);
		g_assert_cmpuint(hear(fixture, VIRTIO_VSOCK_OP_RST), ==, host_port);
		expect_end(fd);
		close(fd);
	}
	g_assert_cmpuint(virtio_pci_driver_status(&fixture->driver) & VIRTIO_CONFIG_S_NEEDS_RESET,
			 ==, 0);
}

static void test_hostile(void)
{
	run(guest_hostile);
}

/* Answers for which there is no room wait, and with them the packets that want more of them. */
static void guest_flood(void *data)
{
	struct fixture *fixture = data;
	struct virtqueue_driver *ring = &fixture->driver.queues[TX];
	struct virtqueue_buffer buffer = {PACKET, sizeof(struct virtio_vsock_hdr), false};
	const struct virtio_vsock_hdr packet = header(PORT, VIRTIO_VSOCK_OP_RW, 0);
	uint32_t written;

	start(fixture);
	memcpy(at(fixture, PACKET, sizeof(packet)), &packet, sizeof(packet));
	for (unsigned int i = 0; i < 128; i++)
		virtqueue_driver_add(ring, &buffer, 1);
	virtio_pci_driver_kick(&fixture->driver, TX);
	for (unsigned int i = 0; i < 128; i++) {
		hear(fixture, VIRTIO_VSOCK_OP_RST);
		add_room(fixture);
	}
	for (unsigned int i = 0; i < 128; i++)
		virtio_pci_driver_wait(&fixture->driver, TX, &written);
	expect_silence(fixture);
}

static void test_flood(void)
{
	run(guest_flood);
}

/* More connections than there are places, none of which the guest answers; a reset ends them. */
static void guest_many(void *data)
{
	struct fixture *fixture = data;
	uint32_t host_port;
	int fds[64], fd;

	start(fixture);
	for (unsigned int i = 0; i < G_N_ELEMENTS(fds); i++) {
		fds[i] = program(fixture, "CONNECT 1025\n");
		hear(fixture, VIRTIO_VSOCK_OP_REQUEST);
		add_room(fixture);
	}
	fd = program(fixture, "CONNECT 1025\n");
	expect_end(fd);
	close(fd);
	/* One that gives up makes room for another. */
	close(fds[5]);
	fds[5] = program(fixture, "CONNECT 1025\n");
	hear(fixture, VIRTIO_VSOCK_OP_REQUEST);
	start(fixture);
	for (unsigned int i = 0; i < G_N_ELEMENTS(fds); i++) {
		expect_end(fds[i]);
		close(fds[i]);
	}
	fd = connect_to_guest(fixture, &host_port);
	close(fd);
}

static void test_many(void)
{
	run(guest_many);
}

static void add_event_room(struct fixture *fixture)
{
	const struct virtqueue_buffer buffer = {EVENT, sizeof(struct virtio_vsock_event), true};

	memset(at(fixture, EVENT, buffer.length), 0xff, buffer.length);
	virtqueue_driver_add(&fixture->driver.queues[EVENTS], &buffer, 1);
	virtio_pci_driver_kick(&fixture->driver, EVENTS);
}

static void guest_before(void *data)
{
	struct fixture *fixture = data;

	start(fixture);
	fixture->program_fd = connect_to_guest(fixture, &fixture->host_port);
	if (fixture->event_room)
		add_event_room(fixture);
}

/* The guest hears that its connections are gone; new ones are not taken for old ones. */
static void guest_after(void *data)
{
	struct fixture *fixture = data;
	uint32_t written, host_port;
	int fd;

	if (!fixture->event_room)
		add_event_room(fixture);
	virtio_pci_driver_wait(&fixture->driver, EVENTS, &written);
	g_assert_cmpuint(written, ==, sizeof(struct virtio_vsock_event));
	g_assert_cmphex(*(uint32_t *)(void *)at(fixture, EVENT, written), ==,
			VIRTIO_VSOCK_EVENT_TRANSPORT_RESET);
	say_bytes(fixture, fixture->host_port, "still there?", 12);
	g_assert_cmpuint(hear(fixture, VIRTIO_VSOCK_OP_RST), ==, fixture->host_port);
	fd = connect_to_guest(fixture, &host_port);
	g_assert_cmpuint(host_port, ==, fixture->host_port + 1);
	/* once */
	add_event_room(fixture);
	say_bytes(fixture, host_port, "hello", 5);
	expect_bytes(fd, "hello");
	close(fd);
}

static void go_on(bool event_room)
{
	g_autofree struct fixture *fixture = g_new0(struct fixture, 1);
	g_autofree struct fixture *other = g_new0(struct fixture, 1);
	uint32_t written;
	uint16_t head;

	create(fixture);
	fixture->event_room = other->event_room = event_room;
	test_machine_run(&fixture->machine, guest_before, fixture);
	create(other);
	other->driver = fixture->driver;
	other->host_port = fixture->host_port;
	virtio_pci_driver_carry_over(&other->driver, fixture->device, &other->machine,
				     other->device);
	destroy(fixture);
	close(fixture->program_fd);
	test_machine_run(&other->machine, guest_after, other);
	g_assert_false(virtqueue_driver_collect(&other->driver.queues[EVENTS], &head, &written));
	destroy(other);
}

static void test_state(void)
{
	go_on(false);
	go_on(true);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/virtio-vsock/from-host", test_from_host);
	g_test_add_func("/virtio-vsock/refused", test_refused);
	g_test_add_func("/virtio-vsock/to-host", test_to_host);
	g_test_add_func("/virtio-vsock/credit", test_credit);
	g_test_add_func("/virtio-vsock/hostile", test_hostile);
	g_test_add_func("/virtio-vsock/flood", test_flood);
	g_test_add_func("/virtio-vsock/many", test_many);
	g_test_add_func("/virtio-vsock/state", test_state);
	return g_test_run();
}

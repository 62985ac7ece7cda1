/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The real control server over a fake machine in a thread of its own, and clients that behave, die
 * or lie. Linked with --wrap to count what each thread writes and how often the server wakes up.
 */
#include "control/control-server.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <linux/input-event-codes.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd-passing.h"
#include "base/fd.h"
#include "fake-vmm.h"
#include "protocol/screen-protocol.h"
#include "raw-client.h"

enum { MAX_CLIENTS = 16 };

static atomic_uint writes;
static atomic_uint wakeups;

ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
int __real_epoll_wait(int fd, struct epoll_event *events, int max, int timeout);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int max, int timeout);

ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
	writes++;
	return __real_write(fd, bytes, size);
}

int __wrap_epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	int r = __real_epoll_wait(fd, events, max, timeout);

	wakeups++;
	return r;
}

static void set_up(struct fake_vmm *vmm, gconstpointer data)
{
	fake_vmm_start(vmm);
}

static void tear_down(struct fake_vmm *vmm, gconstpointer data)
{
	fake_vmm_stop(vmm);
}

static unsigned int count_open_fds(void)
{
	unsigned int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* The server serves a new client, so it has dealt with everything that came before. */
static void assert_serves(struct fake_vmm *vmm)
{
	struct raw_client client;

	raw_client_open(&client, vmm->path);
	g_assert_cmpint(raw_client_call(&client, CONTROL_PING, 0), ==, 0);
	raw_client_close(&client);
}

/* The server gives up a descriptor some turns after we do. */
static void assert_fds_settle(struct fake_vmm *vmm, unsigned int expected)
{
	for (int i = 0; i < 100 && count_open_fds() != expected; i++)
		g_usleep(10000);
	g_assert_cmpuint(count_open_fds(), ==, expected);
}

static int temporary_file(int flags)
{
	g_autofree char *path = g_build_filename(g_get_tmp_dir(), "innkeeper-XXXXXX", NULL);
	int created = g_mkstemp(path), fd = open(path, flags | O_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	close(created);
	g_unlink(path);
	return fd;
}

/* The page is the server thread's; the device lock makes it ours for a moment. */
static struct statistics_status read_status(struct fake_vmm *vmm)
{
	struct statistics_status status;

	event_loop_lock(vmm->loop);
	status = vmm->machine.page->status;
	event_loop_unlock(vmm->loop);
	return status;
}

static void test_commands(struct fake_vmm *vmm, gconstpointer data)
{
	struct raw_client client;

	raw_client_open(&client, vmm->path);
	g_assert_cmpint(raw_client_call(&client, CONTROL_PING, 0), ==, 0);
	g_assert_cmpint(raw_client_call(&client, CONTROL_PAUSE, 0), ==, 0);
	g_assert_cmpuint(read_status(vmm).state, ==, VMM_STATE_PAUSED);
	g_assert_cmpint(raw_client_call(&client, CONTROL_SHUTDOWN, 0), ==, -EINVAL);
	g_assert_cmpint(raw_client_call(&client, CONTROL_RESUME, 0), ==, 0);
	g_assert_cmpuint(read_status(vmm).state, ==, VMM_STATE_RUNNING);
	g_assert_cmpint(raw_client_call(&client, CONTROL_RESET, 0), ==, 0);
	g_assert_cmpuint(read_status(vmm).resets, ==, 1);
	g_assert_cmpint(raw_client_call(&client, 4711, 0), ==, -EOPNOTSUPP);
	g_assert_cmpint(raw_client_call(&client, CONTROL_WATCH, 1), ==, -EINVAL);
	g_assert_cmpuint(vmm->machine.operations, ==, 4);
	raw_client_close(&client);
}

static void test_screen(struct fake_vmm *vmm, gconstpointer data)
{
	g_autofree struct screen_page *copy = g_new(struct screen_page, 1);
	struct raw_client watcher, other;
	struct control_event event;
	struct screen_page *page;
	int fds[CONTROL_SCREEN_FDS];

	raw_client_open(&watcher, vmm->path);
	raw_client_open(&other, vmm->path);
	g_assert_cmpint(raw_client_open_screen(&watcher, fds), ==, 0);
	page = mmap(NULL, sizeof(*page), PROT_READ, MAP_SHARED, fds[CONTROL_SCREEN_PAGE], 0);
	g_assert_true(page != MAP_FAILED);
	g_assert_cmpint(raw_client_call(&watcher, CONTROL_WATCH_SCREEN, 1), ==, 0);
	g_assert_true(vmm->machine.screen_watched);
	g_assert_cmpint(raw_client_call(&other, CONTROL_REFRESH_SCREEN, 0), ==, 0);
	g_assert_true(raw_client_event(&watcher, &event));
	g_assert_cmpuint(event.type, ==, CONTROL_EVENT_SCREEN);
	g_assert_cmpint(screen_copy(page, FAKE_MACHINE_PIXEL_BYTES, copy), ==, 0);
	g_assert_cmpuint(copy->damage.count, ==, 1);
	g_assert_cmpuint(other.rings.events.memory->producer, ==, 0);

	/* A client that dies watches no more. */
	raw_client_close(&watcher);
	assert_serves(vmm);
	for (int i = 0; i < 500 && vmm->machine.screen_watched; i++)
		g_usleep(10000);
	g_assert_false(vmm->machine.screen_watched);
	munmap(page, sizeof(*page));
	for (unsigned int i = 0; i < CONTROL_SCREEN_FDS; i++)
		fd_close(&fds[i]);
	raw_client_close(&other);
}

static void wait_for_snapshots(struct fake_vmm *vmm, uint64_t count)
{
	for (int i = 0; i < 2000 && read_status(vmm).snapshots < count; i++)
		g_usleep(1000);
	g_assert_cmpuint(read_status(vmm).snapshots, ==, count);
}

static void assert_event(struct raw_client *client, enum control_event_type type)
{
	struct control_event event;

	g_assert_true(raw_client_event(client, &event));
	g_assert_cmpuint(event.type, ==, type);
}

/* With what has been staged, once. */
static void test_snapshot(struct fake_vmm *vmm, gconstpointer data)
{
	struct raw_client client, other;
	int layer = temporary_file(O_RDWR), memory = temporary_file(O_RDWR);
	char written[32] = "";

	raw_client_open(&client, vmm->path);
	raw_client_open(&other, vmm->path);
	g_assert_cmpint(raw_client_call(&client, CONTROL_SNAPSHOT, 0), ==, 0);
	g_assert_cmpuint(client.last_reply.value, ==, FAKE_MACHINE_PAUSE_US);
	g_assert_cmpuint(client.last_reply.number, ==, 0);
	g_assert_cmpint(raw_client_stage_memory(&client, layer), ==, 0);
	g_assert_cmpint(raw_client_stage_memory(&client, memory), ==, 0); /* in its place */
	g_assert_cmpint(raw_client_stage_layer(&client, 0, layer), ==, 0);
	/* what a client has staged is its own */
	g_assert_cmpint(raw_client_call(&other, CONTROL_SNAPSHOT, 0), ==, 0);
	g_assert_cmpuint(vmm->machine.layers, ==, 0);
	g_assert_cmpint(raw_client_call(&client, CONTROL_SNAPSHOT, CONTROL_SNAPSHOT_HOLD), ==, 0);
	g_assert_cmpuint(client.last_reply.number, ==, 1);
	g_assert_cmpint(raw_client_call(&client, CONTROL_SNAPSHOT, 0), ==, -EALREADY);
	wait_for_snapshots(vmm, 1);
	assert_event(&client, CONTROL_EVENT_STATE);
	assert_event(&client, CONTROL_EVENT_SNAPSHOT);
	assert_event(&other, CONTROL_EVENT_STATE);
	assert_event(&other, CONTROL_EVENT_SNAPSHOT);
	g_assert_cmpint(read_status(vmm).snapshot_status, ==, 0);
	g_assert_cmpuint(read_status(vmm).state, ==, VMM_STATE_PAUSED);
	g_assert_cmpuint(vmm->machine.layers, ==, 1);
	g_assert_cmpint(pread(memory, written, sizeof(written), 0), >, 0);
	g_assert_cmpstr(written, ==, FAKE_MACHINE_MEMORY);
	g_assert_cmpint(raw_client_call(&client, CONTROL_SNAPSHOT, 0), ==, 0);
	g_assert_cmpuint(client.last_reply.number, ==, 0);
	g_assert_cmpuint(vmm->machine.layers, ==, 1);
	raw_client_close(&client);
	raw_client_close(&other);
	close(layer);
	close(memory);
}

/* A clone gets what was staged for it, whatever that is, once. */
static void test_clone(struct fake_vmm *vmm, gconstpointer data)
{
	struct raw_client client, other;
	int event = eventfd(0, EFD_CLOEXEC), arguments = temporary_file(O_RDONLY);
	unsigned int before = count_open_fds();

	raw_client_open(&client, vmm->path);
	raw_client_open(&other, vmm->path);
	g_assert_cmpint(raw_client_call(&client, CONTROL_CLONE, 1), ==, -EINVAL);
	g_assert_cmpint(raw_client_call(&client, CONTROL_CLONE, 0), ==, -EINVAL);
	g_assert_cmpint(raw_client_stage_arguments(&client, arguments), ==, 0);
	g_assert_cmpint(raw_client_stage_file(&client, 0, event), ==, 0);
	g_assert_cmpint(raw_client_stage_file(&client, 0, event), ==, 0); /* in its place */
	g_assert_cmpint(raw_client_stage_file(&client, CONTROL_MAX_FILES - 1, event), ==, 0);
	g_assert_cmpint(raw_client_call(&other, CONTROL_CLONE, 0), ==, -EINVAL);
	g_assert_cmpint(raw_client_call(&client, CONTROL_CLONE, 0), ==, 0);
	g_assert_cmpuint(client.last_reply.value, ==, FAKE_MACHINE_PAUSE_US);
	g_assert_cmpuint(client.last_reply.number, ==, 1);
	g_assert_cmpuint(vmm->machine.files, ==, 2);
	assert_event(&client, CONTROL_EVENT_CLONE);
	assert_event(&other, CONTROL_EVENT_CLONE);
	g_assert_cmpint(raw_client_call(&client, CONTROL_CLONE, 0), ==, -EINVAL);
	/* what is staged goes with its client */
	g_assert_cmpint(raw_client_stage_file(&client, 1, event), ==, 0);
	raw_client_close(&client);
	raw_client_close(&other);
	assert_fds_settle(vmm, before);
	close(event);
	close(arguments);
}

/* Only files that can be written, and they go with their client. */
static void test_staging(struct fake_vmm *vmm, gconstpointer data)
{
	struct raw_client client;
	int good = temporary_file(O_RDWR), read_only = temporary_file(O_RDONLY);
	int write_only = temporary_file(O_WRONLY), event = eventfd(0, EFD_CLOEXEC);
	unsigned int before = count_open_fds();

	raw_client_open(&client, vmm->path);
	g_assert_cmpint(raw_client_stage_memory(&client, read_only), ==, -EINVAL);
	g_assert_cmpint(raw_client_stage_layer(&client, 0, write_only), ==, -EINVAL);
	g_assert_cmpint(raw_client_stage_layer(&client, 0, event), ==, -EINVAL);
	for (uint32_t disk = 0; disk < CONTROL_MAX_DRIVES; disk++)
		g_assert_cmpint(raw_client_stage_layer(&client, disk, good), ==, 0);
	g_assert_cmpint(raw_client_call(&client, CONTROL_SNAPSHOT, 0), ==, -ENODEV);
	g_assert_cmpint(raw_client_stage_layer(&client, 0, good), ==, 0);
	raw_client_close(&client);
	assert_fds_settle(vmm, before);
	close(good);
	close(read_only);
	close(write_only);
	close(event);
}

static void wait_for_inputs(struct fake_vmm *vmm, unsigned int count)
{
	while (vmm->machine.inputs < count)
		g_usleep(1000);
	g_assert_cmpuint(vmm->machine.inputs, ==, count);
}

static void test_input(struct fake_vmm *vmm, gconstpointer data)
{
	struct raw_client client;

	raw_client_open(&client, vmm->path);
	raw_client_push_input(&client, INPUT_KEY, KEY_A, 1, 0);
	raw_client_push_input(&client, INPUT_POSITION, 0, 100, INPUT_POSITION_MAX);
	raw_client_push_input(&client, INPUT_WHEEL, 0, 0, -1);
	raw_client_push_input(&client, INPUT_KEY, KEY_A, 0, 0);
	raw_client_ring(&client);
	wait_for_inputs(vmm, 4);
	g_assert_cmpint(vmm->machine.held, ==, 0);
	g_assert_cmpint(vmm->machine.pointer_x, ==, 100);
	g_assert_cmpint(vmm->machine.pointer_y, ==, INPUT_POSITION_MAX);

	/* A full ring is more than a turn's work. */
	for (uint32_t i = 0; i < client.rings.inputs.slot_count; i++)
		raw_client_push_input(&client, INPUT_MOTION, 0, 1, 1);
	raw_client_ring(&client);
	wait_for_inputs(vmm, 4 + client.rings.inputs.slot_count);
	raw_client_close(&client);
}

/* What a client holds down comes up when it has gone, and nothing of what others hold. */
static void test_held_keys(struct fake_vmm *vmm, gconstpointer data)
{
	struct raw_client leaver, stayer;

	raw_client_open(&leaver, vmm->path);
	raw_client_open(&stayer, vmm->path);
	raw_client_push_input(&leaver, INPUT_KEY, KEY_LEFTCTRL, 1, 0);
	raw_client_push_input(&leaver, INPUT_KEY, KEY_LEFTCTRL, 1, 0); /* repeats */
	raw_client_push_input(&leaver, INPUT_BUTTON, BTN_TASK, 1, 0);
	raw_client_push_input(&leaver, INPUT_KEY, KEY_B, 1, 0);
	raw_client_push_input(&leaver, INPUT_KEY, KEY_B, 0, 0);
	raw_client_ring(&leaver);
	wait_for_inputs(vmm, 5);
	raw_client_push_input(&stayer, INPUT_BUTTON, BTN_LEFT, 1, 0);
	raw_client_ring(&stayer);
	wait_for_inputs(vmm, 6);

	raw_client_close(&leaver);
	wait_for_inputs(vmm, 8);
	g_assert_cmpuint(vmm->machine.last_code, ==, BTN_TASK);
	g_assert_cmpint(raw_client_call(&stayer, CONTROL_PING, 0), ==, 0);
	g_assert_cmpuint(vmm->machine.inputs, ==, 8);
	raw_client_close(&stayer);
	wait_for_inputs(vmm, 9);
	g_assert_cmpuint(vmm->machine.last_code, ==, BTN_LEFT);
}

/* An event that is none ends the client, which gives up what it held. */
static void test_input_lies(struct fake_vmm *vmm, gconstpointer data)
{
	const struct input_event lies[] = {
		{.type = 77},
		{.type = INPUT_KEY, .code = KEY_RESERVED, .x = 1},
		{.type = INPUT_KEY, .code = 0xffff, .x = 1},
		{.type = INPUT_KEY, .code = KEY_A, .x = 2},
		{.type = INPUT_BUTTON, .code = KEY_A, .x = 1},
		{.type = INPUT_POSITION, .x = INPUT_POSITION_MAX + 1},
		{.type = INPUT_WHEEL, .y = INT32_MIN},
	};
	struct raw_client witness;
	unsigned int inputs = 0;

	raw_client_open(&witness, vmm->path);
	for (size_t i = 0; i < G_N_ELEMENTS(lies); i++) {
		struct raw_client liar;

		raw_client_open(&liar, vmm->path);
		raw_client_push_input(&liar, INPUT_KEY, KEY_A, 1, 0);
		g_assert_cmpint(ring_push(&liar.rings.inputs, &lies[i]), ==, 0);
		raw_client_ring(&liar);
		raw_client_expect_loss(&liar);
		raw_client_close(&liar);
		inputs += 2;
		wait_for_inputs(vmm, inputs);
		g_assert_cmpint(vmm->machine.held, ==, 0);
		g_assert_cmpint(raw_client_call(&witness, CONTROL_PING, 0), ==, 0);
	}
	raw_client_close(&witness);
}

/* The reply is there although the process may end as soon as the operation has been carried out. */
static void test_reply_before_end(struct fake_vmm *vmm, gconstpointer data)
{
	const struct {
		enum control_operation operation;
		enum vmm_end_reason reason;
	} *end = data;
	struct raw_client client;
	uint64_t id;

	raw_client_open(&client, vmm->path);
	raw_client_push(&client, end->operation, 0);
	raw_client_ring(&client);
	g_assert_cmpint(fake_vmm_join(vmm), ==, 0);
	control_server_destroy(g_steal_pointer(&vmm->machine.server));
	g_assert_cmpint(raw_client_reply(&client, &id), ==, 0);
	g_assert_cmpuint(id, ==, client.last_id);
	g_assert_cmpuint(read_status(vmm).end_reason, ==, end->reason);
	raw_client_close(&client);
}

static void test_several_clients(struct fake_vmm *vmm, gconstpointer data)
{
	struct raw_client clients[3];
	struct control_event event;

	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++)
		raw_client_open(&clients[i], vmm->path);
	g_assert_cmpint(raw_client_call(&clients[1], CONTROL_PAUSE, 0), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++) {
		g_assert_true(raw_client_event(&clients[i], &event));
		g_assert_cmpuint(event.type, ==, CONTROL_EVENT_STATE);
		raw_client_close(&clients[i]);
	}
}

static void test_watch(struct fake_vmm *vmm, gconstpointer data)
{
	struct raw_client first, second;

	raw_client_open(&first, vmm->path);
	raw_client_open(&second, vmm->path);
	g_assert_cmpint(raw_client_call(&first, CONTROL_WATCH, 5000), ==, 0);
	g_assert_cmpuint(vmm->machine.watch_interval_ms, ==, 5000);
	g_assert_cmpint(raw_client_call(&second, CONTROL_WATCH, 1000), ==, 0);
	g_assert_cmpuint(vmm->machine.watch_interval_ms, ==, 1000);
	g_assert_cmpint(raw_client_call(&first, CONTROL_WATCH, 2000), ==, 0);
	g_assert_cmpuint(vmm->machine.watch_interval_ms, ==, 1000);

	raw_client_close(&second); /* without a word */
	while (vmm->machine.watch_interval_ms != 2000)
		g_usleep(1000);
	g_assert_cmpint(raw_client_call(&first, CONTROL_WATCH, 0), ==, 0);
	g_assert_cmpuint(vmm->machine.watch_interval_ms, ==, 0);
	raw_client_close(&first);
}

static void test_client_limit(struct fake_vmm *vmm, gconstpointer data)
{
	struct raw_client clients[MAX_CLIENTS], late;
	int r;

	for (size_t i = 0; i < MAX_CLIENTS; i++)
		raw_client_open(&clients[i], vmm->path);
	raw_client_connect(&late, vmm->path);
	g_assert_cmpint(raw_client_hello(&late), ==, -EBUSY);
	raw_client_expect_loss(&late);
	raw_client_close(&late);

	raw_client_close(&clients[5]);
	do {
		raw_client_connect(&clients[5], vmm->path);
		r = raw_client_hello(&clients[5]);
		if (r == -EBUSY) /* the server has not noticed yet */
			raw_client_close(&clients[5]);
	} while (r == -EBUSY);
	g_assert_cmpint(r, ==, 0);
	for (size_t i = 0; i < MAX_CLIENTS; i++)
		raw_client_close(&clients[i]);
}

static void test_serial(struct fake_vmm *vmm, gconstpointer data)
{
	struct raw_client client;
	char bytes[64] = "";
	unsigned int before;
	int ends[2];

	raw_client_open(&client, vmm->path);
	before = count_open_fds();
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
	g_assert_cmpint(raw_client_attach_serial(&client, ends[1]), ==, -EINVAL); /* blocking */
	fd_set_nonblocking(ends[1], 1);
	g_assert_cmpint(raw_client_attach_serial(&client, ends[1]), ==, 0);
	fd_close(&ends[1]);
	g_assert_cmpint(recv(ends[0], bytes, sizeof(bytes), 0), ==, strlen(FAKE_MACHINE_BANNER));
	g_assert_cmpstr(bytes, ==, FAKE_MACHINE_BANNER);
	g_assert_cmpint(send(ends[0], "ls\n", 3, 0), ==, 3);
	g_assert_cmpint(recv(ends[0], bytes, sizeof(bytes), 0), ==, 3);
	fd_close(&ends[0]);
	while (vmm->machine.serial_attached)
		g_usleep(1000);

	/* something that is no stream is refused, and nothing else happens */
	g_assert_cmpint(raw_client_attach_serial(&client, client.socket), ==, -EINVAL);
	g_assert_cmpint(raw_client_attach_serial(&client, client.statistics_fd), ==, -ENOTSOCK);
	g_assert_cmpint(raw_client_call(&client, CONTROL_PING, 0), ==, 0);
	assert_fds_settle(vmm, before);
	raw_client_close(&client);
}

static void test_media(struct fake_vmm *vmm, gconstpointer data)
{
	const struct fake_machine *machine = &vmm->machine;
	int fd = memfd_create("cd", MFD_CLOEXEC);
	struct raw_client client;
	unsigned int before;

	g_assert_cmpint(ftruncate(fd, 4096), ==, 0);
	raw_client_open(&client, vmm->path);
	before = count_open_fds();
	g_assert_cmpint(raw_client_insert(&client, FAKE_MACHINE_LOCKED_DRIVE, fd), ==, 0);
	g_assert_cmpuint(machine->media[FAKE_MACHINE_LOCKED_DRIVE], ==, 4096);
	g_assert_cmpint(ftruncate(fd, 8192), ==, 0);
	g_assert_cmpint(raw_client_insert(&client, FAKE_MACHINE_LOCKED_DRIVE, fd), ==, -EBUSY);
	g_assert_cmpint(raw_client_call(&client, CONTROL_EJECT, FAKE_MACHINE_LOCKED_DRIVE), ==,
			-EBUSY);
	g_assert_cmpuint(machine->media[FAKE_MACHINE_LOCKED_DRIVE], ==, 4096);
	g_assert_cmpint(raw_client_insert(&client, FAKE_MACHINE_LOCKED_DRIVE | CONTROL_FORCED, fd),
			==, 0);
	g_assert_cmpuint(machine->media[FAKE_MACHINE_LOCKED_DRIVE], ==, 8192);
	g_assert_cmpint(raw_client_insert(&client, FAKE_MACHINE_FREE_DRIVE, fd), ==, 0);
	g_assert_cmpint(raw_client_call(&client, CONTROL_EJECT, FAKE_MACHINE_FREE_DRIVE), ==, 0);
	g_assert_cmpuint(machine->media[FAKE_MACHINE_FREE_DRIVE], ==, 0);
	g_assert_cmpint(raw_client_insert(&client, FAKE_MACHINE_DRIVES, fd), ==, -ENODEV);
	g_assert_cmpint(raw_client_call(&client, CONTROL_EJECT, FAKE_MACHINE_DRIVES), ==, -ENODEV);
	assert_fds_settle(vmm, before);
	fd_close(&fd);
	raw_client_close(&client);
}

/* A client that dies takes with it only what it brought. */
static void test_death_at_each_step(struct fake_vmm *vmm, gconstpointer data)
{
	enum { CONNECTED, GREETED, ATTACH_SENT, ATTACHED, COMMANDED, SERIAL, STEPS };
	unsigned int before;

	assert_serves(vmm);
	g_usleep(100000);
	before = count_open_fds();
	for (int step = CONNECTED; step < STEPS; step++) {
		struct raw_client client;
		int ends[2] = {-1, -1};

		raw_client_connect(&client, vmm->path);
		if (step >= GREETED)
			g_assert_cmpint(raw_client_hello(&client), ==, 0);
		if (step == ATTACH_SENT)
			g_assert_cmpint(fd_passing_send(client.socket, &client.attach,
							sizeof(client.attach), client.fds,
							CONTROL_ATTACH_FDS),
					==, 0);
		if (step >= ATTACHED)
			g_assert_cmpint(raw_client_attach(&client), ==, 0);
		if (step == COMMANDED) {
			raw_client_push(&client, CONTROL_RESET, 0);
			raw_client_ring(&client);
		}
		if (step == SERIAL) {
			g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends),
					==, 0);
			g_assert_cmpint(raw_client_attach_serial(&client, ends[1]), ==, 0);
			fd_close(&ends[0]);
			fd_close(&ends[1]);
		}
		raw_client_close(&client);
		assert_serves(vmm);
	}
	assert_fds_settle(vmm, before);
}

/* What a client can attach with that it should not. */
enum attach_lie {
	/* the memory */
	UNSEALED,
	HALF_SEALED,
	READ_ONLY,
	SIZE_DIFFERS,
	SHORT_FILE, /* an access to its end would be SIGBUS */
	TOO_SMALL,
	TOO_LARGE,
	LAYOUT_MAGIC,
	LAYOUT_MAJOR,
	LAYOUT_OUTSIDE,
	/* the doorbells */
	BLOCKING,
	PIPE,
	SOCKET,
	TIMER,
	EPOLL,
	REGULAR_FILE,
	N_ATTACH_LIES,
};

static void replace_fd(struct raw_client *client, int index, int fd)
{
	g_assert_cmpint(fd, >=, 0);
	fd_close(&client->fds[index]);
	client->fds[index] = fd;
}

static void lie_about_memory(struct raw_client *client, enum attach_lie lie)
{
	int fd = memfd_create("lie", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int seals = F_SEAL_SHRINK | F_SEAL_GROW;
	struct control_layout layout = control_layout_make();

	if (lie == UNSEALED)
		seals = 0;
	else if (lie == HALF_SEALED)
		seals = F_SEAL_GROW;
	else if (lie == READ_ONLY)
		seals |= F_SEAL_WRITE;
	else if (lie == TOO_SMALL)
		layout.size = sizeof(layout) - 1;
	else if (lie == TOO_LARGE)
		layout.size = CONTROL_MAX_MEMORY + 4096;
	else if (lie == LAYOUT_MAGIC)
		layout.magic++;
	else if (lie == LAYOUT_MAJOR)
		layout.major++;
	else if (lie == LAYOUT_OUTSIDE)
		layout.events.offset += 1 << 16;
	g_assert_cmpint(pwrite(fd, &layout, sizeof(layout), 0), ==, sizeof(layout));
	g_assert_cmpint(ftruncate(fd, lie == SHORT_FILE ? 4096 : layout.size), ==, 0);
	g_assert_cmpint(fcntl(fd, F_ADD_SEALS, seals), ==, 0);
	client->attach.size = layout.size + (lie == SIZE_DIFFERS ? 64 : 0);
	replace_fd(client, CONTROL_ATTACH_MEMORY, fd);
}

/* Something else than a doorbell, and as much like one as it can be. */
static int make_false_doorbell(enum attach_lie lie, const char *file)
{
	int ends[2];
	int fd;

	switch (lie) {
	case BLOCKING:
		return eventfd(0, EFD_CLOEXEC);
	case PIPE:
		g_assert_cmpint(pipe2(ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
		fd_close(&ends[0]);
		return ends[1];
	case SOCKET:
		return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	case TIMER:
		return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	case EPOLL:
		fd = epoll_create1(EPOLL_CLOEXEC);
		fd_set_nonblocking(fd, 1);
		return fd;
	default:
		return open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
	}
}

static void assert_attach_loses(struct fake_vmm *vmm, enum attach_lie lie, int index)
{
	char *file = g_build_filename(vmm->directory, "file", NULL);
	struct raw_client liar;

	raw_client_connect(&liar, vmm->path);
	g_assert_cmpint(raw_client_hello(&liar), ==, 0);
	if (lie < BLOCKING)
		lie_about_memory(&liar, lie);
	else
		replace_fd(&liar, index, make_false_doorbell(lie, file));
	g_assert_cmpint(raw_client_attach(&liar), <, 0);
	raw_client_expect_loss(&liar);
	raw_client_close(&liar);
	g_unlink(file);
	g_free(file);
}

static void test_attach_lies(struct fake_vmm *vmm, gconstpointer data)
{
	struct raw_client witness;
	unsigned int before;

	raw_client_open(&witness, vmm->path);
	before = count_open_fds();
	for (enum attach_lie lie = 0; lie < N_ATTACH_LIES; lie++) {
		for (int index = 0; index < CONTROL_ATTACH_FDS; index++)
			assert_attach_loses(vmm, lie, index);
		g_assert_cmpint(raw_client_call(&witness, CONTROL_PING, 0), ==, 0);
	}
	assert_fds_settle(vmm, before);
	raw_client_close(&witness);
}

/* A message that must cost the client its channel. */
static void assert_message_loses(struct fake_vmm *vmm, bool attached,
				 enum control_message_type type, size_t size, size_t fd_count)
{
	struct {
		struct control_message message;
		uint64_t more;
	} bytes = {.message = control_message_make(type, 1)};
	struct raw_client liar;
	int fds[8];

	raw_client_connect(&liar, vmm->path);
	g_assert_cmpint(raw_client_hello(&liar), ==, 0);
	if (attached)
		g_assert_cmpint(raw_client_attach(&liar), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
		fds[i] = liar.fds[i % CONTROL_ATTACH_FDS];
	bytes.message.size = liar.attach.size;
	g_assert_cmpint(fd_passing_send(liar.socket, &bytes, size, fds, fd_count), ==, 0);
	raw_client_expect_loss(&liar);
	raw_client_close(&liar);
}

static void test_message_lies(struct fake_vmm *vmm, gconstpointer data)
{
	const size_t size = sizeof(struct control_message);
	struct raw_client witness;
	unsigned int before;

	raw_client_open(&witness, vmm->path);
	before = count_open_fds();
	assert_message_loses(vmm, false, CONTROL_MESSAGE_ATTACH, size, 2);
	assert_message_loses(vmm, false, CONTROL_MESSAGE_ATTACH, size, 4);
	assert_message_loses(vmm, false, CONTROL_MESSAGE_ATTACH, size, 8);
	assert_message_loses(vmm, false, CONTROL_MESSAGE_ATTACH, size, 0);
	assert_message_loses(vmm, false, CONTROL_MESSAGE_ATTACH, size - 1, 3);
	assert_message_loses(vmm, false, CONTROL_MESSAGE_ATTACH, size + 1, 3);
	assert_message_loses(vmm, false, CONTROL_MESSAGE_ATTACH, 0, 3);
	assert_message_loses(vmm, false, CONTROL_MESSAGE_ATTACH_SERIAL, size, 1);
	assert_message_loses(vmm, false, CONTROL_MESSAGE_HELLO, size, 1);
	assert_message_loses(vmm, true, CONTROL_MESSAGE_ATTACH, size, 3); /* again */
	assert_message_loses(vmm, true, CONTROL_MESSAGE_ATTACH_SERIAL, size, 0);
	assert_message_loses(vmm, true, CONTROL_MESSAGE_ATTACH_SERIAL, size, 2);
	assert_message_loses(vmm, true, CONTROL_MESSAGE_RESULT, size, 0);
	assert_message_loses(vmm, true, (enum control_message_type)77, size, 0);
	g_assert_cmpint(raw_client_call(&witness, CONTROL_PING, 0), ==, 0);
	assert_fds_settle(vmm, before);
	raw_client_close(&witness);
}

/* Fills the command ring again and again without taking a reply. */
static void push_too_many(struct raw_client *client)
{
	const struct control_command ping = {.operation = CONTROL_PING};

	for (uint32_t i = 0; i <= client->rings.replies.slot_count; i++) {
		while (ring_push(&client->rings.commands, &ping) == -EAGAIN)
			raw_client_ring(client);
	}
	raw_client_ring(client);
}

static void test_ring_lies(struct fake_vmm *vmm, gconstpointer data)
{
	enum {
		COMMAND_INDEX,
		INPUT_INDEX,
		REPLY_INDEX,
		EVENT_INDEX,
		TOO_MANY_COMMANDS,
		N_RING_LIES
	};
	struct raw_client witness;

	raw_client_open(&witness, vmm->path);
	for (int lie = 0; lie < N_RING_LIES; lie++) {
		struct raw_client liar;

		raw_client_open(&liar, vmm->path);
		/* a reset needs a reply and makes an event */
		if (lie != TOO_MANY_COMMANDS)
			raw_client_push(&liar, CONTROL_RESET, 0);
		if (lie == COMMAND_INDEX)
			liar.rings.commands.memory->producer = 1u << 30;
		else if (lie == INPUT_INDEX)
			liar.rings.inputs.memory->producer = 1u << 30;
		else if (lie == REPLY_INDEX)
			liar.rings.replies.memory->consumer = 5;
		else if (lie == EVENT_INDEX)
			liar.rings.events.memory->consumer = 5;
		else
			push_too_many(&liar);
		fd_event_signal(liar.fds[CONTROL_ATTACH_VMM_DOORBELL]);
		raw_client_expect_loss(&liar);
		raw_client_close(&liar);
		g_assert_cmpint(raw_client_call(&witness, CONTROL_PING, 0), ==, 0);
	}
	raw_client_close(&witness);
}

struct flood {
	struct raw_client client;
	atomic_bool stop;
};

static gpointer flood_doorbell(gpointer data)
{
	struct flood *flood = data;

	while (!flood->stop)
		fd_event_signal(flood->client.fds[CONTROL_ATTACH_VMM_DOORBELL]);
	return NULL;
}

/* Doorbells without commands, as fast as a thread can. */
static void test_doorbell_flood(struct fake_vmm *vmm, gconstpointer data)
{
	struct flood flood = {.stop = false};
	struct raw_client witness;
	GThread *thread;

	raw_client_open(&flood.client, vmm->path);
	raw_client_open(&witness, vmm->path);
	thread = g_thread_new("flood", flood_doorbell, &flood);
	for (int i = 0; i < 500; i++)
		g_assert_cmpint(raw_client_call(&witness, CONTROL_PING, 0), ==, 0);
	flood.stop = true;
	g_thread_join(thread);
	raw_client_close(&flood.client);
	raw_client_close(&witness);
}

/* Messages whose answers are never read, until the server has enough. */
static void test_message_flood(struct fake_vmm *vmm, gconstpointer data)
{
	struct control_message message = control_message_make(CONTROL_MESSAGE_ATTACH_SERIAL, 1);
	struct raw_client liar;
	int r;

	raw_client_open(&liar, vmm->path);
	do
		r = fd_passing_send(liar.socket, &message, sizeof(message), &liar.statistics_fd, 1);
	while (r == 0 || r == -EAGAIN);
	g_assert_true(r == -EPIPE || r == -ECONNRESET);
	raw_client_close(&liar);
	assert_serves(vmm);
}

/* A client that sleeps through its events loses some, and blocks nobody. */
static void test_events_are_lossy(struct fake_vmm *vmm, gconstpointer data)
{
	struct raw_client sleeper, worker;
	struct control_event event;
	uint32_t received = 0;

	raw_client_open(&sleeper, vmm->path);
	raw_client_open(&worker, vmm->path);
	for (int i = 0; i < 1000; i++)
		g_assert_cmpint(raw_client_call(&worker, CONTROL_RESET, 0), ==, 0);
	while (ring_pop(&sleeper.rings.events, &event) == 1)
		received++;
	g_assert_cmpuint(received, ==, sleeper.rings.events.slot_count);
	g_assert_cmpuint(ring_dropped(&sleeper.rings.events), ==, 1000 - received);
	g_assert_cmpint(raw_client_call(&sleeper, CONTROL_PING, 0), ==, 0);
	raw_client_close(&sleeper);
	raw_client_close(&worker);
}

/* Waits until the server has asked for a doorbell, so that it certainly sleeps. */
static void wait_until_asleep(struct raw_client *client)
{
	while (!__atomic_load_n(&client->rings.commands.memory->need_wakeup, __ATOMIC_ACQUIRE))
		g_thread_yield();
	g_usleep(20000);
}

static void test_costs(struct fake_vmm *vmm, gconstpointer data)
{
	enum { BATCH = 64 };
	struct raw_client client;
	unsigned int before;
	uint64_t id;

	raw_client_open(&client, vmm->path);

	/* idle */
	wait_until_asleep(&client);
	before = wakeups;
	g_usleep(300000);
	g_assert_cmpuint(wakeups - before, ==, 0);

	/* one command: a doorbell there, and one back */
	g_assert_cmpint(ring_prepare_sleep(&client.rings.replies), ==, 0);
	before = writes;
	g_assert_cmpint(raw_client_call(&client, CONTROL_PING, 0), ==, 0);
	g_assert_cmpuint(writes - before, <=, 2);

	/* 64 commands: the same */
	wait_until_asleep(&client);
	g_assert_cmpint(ring_prepare_sleep(&client.rings.replies), ==, 0);
	before = writes;
	for (int i = 0; i < BATCH; i++)
		raw_client_push(&client, CONTROL_PING, 0);
	raw_client_ring(&client);
	for (int i = 0; i < BATCH; i++)
		g_assert_cmpint(raw_client_reply(&client, &id), ==, 0);
	g_assert_cmpuint(writes - before, <=, 2);

	/* a key that is pressed and released: one doorbell there and none back */
	wait_until_asleep(&client);
	g_assert_cmpint(ring_prepare_sleep(&client.rings.replies), ==, 0);
	before = writes;
	raw_client_push_input(&client, INPUT_KEY, KEY_A, 1, 0);
	raw_client_push_input(&client, INPUT_KEY, KEY_A, 0, 0);
	raw_client_ring(&client);
	wait_for_inputs(vmm, 2);
	g_usleep(20000);
	g_assert_cmpuint(writes - before, ==, 1);
	raw_client_close(&client);
}

/* Out of descriptors, the server neither spins nor forgets who waits. */
static void test_no_descriptors_left(struct fake_vmm *vmm, gconstpointer data)
{
	struct rlimit old, tight;
	struct raw_client client;
	unsigned int before;
	int filler[128];
	size_t count = 0;

	assert_serves(vmm);
	g_usleep(100000);
	getrlimit(RLIMIT_NOFILE, &old);
	tight = old;
	tight.rlim_cur = 64;
	setrlimit(RLIMIT_NOFILE, &tight);
	while (count < G_N_ELEMENTS(filler) && (filler[count] = dup(0)) >= 0)
		count++;
	/* what the client needs; the server's accept() then finds nothing */
	for (int i = 0; i < 1 + CONTROL_ATTACH_FDS; i++)
		fd_close(&filler[--count]);
	raw_client_connect(&client, vmm->path);
	before = wakeups;
	g_usleep(450000);
	g_assert_cmpuint(wakeups - before, >=, 2);
	g_assert_cmpuint(wakeups - before, <=, 12);
	while (count > 0)
		fd_close(&filler[--count]);
	setrlimit(RLIMIT_NOFILE, &old);
	g_assert_cmpint(raw_client_hello(&client), ==, 0);
	raw_client_close(&client);
}

/* The child of another user: 0 if it is told -EACCES. */
static int connect_as_nobody(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct control_message message;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	if (setresuid(65534, 65534, 65534) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    recv(fd, &message, sizeof(message), 0) != sizeof(message))
		return 1;
	return message.type == CONTROL_MESSAGE_RESULT && message.status == -EACCES ? 0 : 2;
}

static void test_other_user(struct fake_vmm *vmm, gconstpointer data)
{
	pid_t pid;
	int status;

	if (geteuid() != 0) {
		g_test_skip("only root can become somebody else");
		return;
	}
	g_chmod(vmm->directory, 0755);
	g_chmod(vmm->path, 0777);
	pid = fork();
	if (pid == 0)
		_exit(connect_as_nobody(vmm->path));
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status));
	g_assert_cmpint(WEXITSTATUS(status), ==, 0);
	assert_serves(vmm);
}

static const struct {
	enum control_operation operation;
	enum vmm_end_reason reason;
} ends[] = {
	{CONTROL_SHUTDOWN, VMM_END_GUEST_POWER_OFF},
	{CONTROL_POWER_OFF, VMM_END_FORCED_OFF},
};

#define ADD(path, data, function) \
	g_test_add("/control-server/" path, struct fake_vmm, data, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("commands", NULL, test_commands);
	ADD("screen", NULL, test_screen);
	ADD("snapshot", NULL, test_snapshot);
	ADD("clone", NULL, test_clone);
	ADD("staging", NULL, test_staging);
	ADD("input", NULL, test_input);
	ADD("held-keys", NULL, test_held_keys);
	ADD("input-lies", NULL, test_input_lies);
	ADD("reply-before-end/shutdown", &ends[0], test_reply_before_end);
	ADD("reply-before-end/power-off", &ends[1], test_reply_before_end);
	ADD("several-clients", NULL, test_several_clients);
	ADD("watch", NULL, test_watch);
	ADD("client-limit", NULL, test_client_limit);
	ADD("serial", NULL, test_serial);
	ADD("media", NULL, test_media);
	ADD("death-at-each-step", NULL, test_death_at_each_step);
	ADD("attach-lies", NULL, test_attach_lies);
	ADD("message-lies", NULL, test_message_lies);
	ADD("ring-lies", NULL, test_ring_lies);
	ADD("doorbell-flood", NULL, test_doorbell_flood);
	ADD("message-flood", NULL, test_message_flood);
	ADD("events-are-lossy", NULL, test_events_are_lossy);
	ADD("costs", NULL, test_costs);
	ADD("no-descriptors-left", NULL, test_no_descriptors_left);
	ADD("other-user", NULL, test_other_user);
	return g_test_run();
}

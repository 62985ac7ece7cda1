/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "control/control-server.h"
#include "control/statistics-page.h"
#include "display/screen.h"
#include "protocol/input-protocol.h"

#define SNAPSHOT_NS 20000000ULL

static void set_state(struct fake_machine *machine, enum vmm_state state)
{
	statistics_page_set_state(machine->page, state, VMM_END_NONE, 0, NULL);
	control_server_announce_state(machine->server);
}

static enum exit_status exit_status_of(enum vmm_end_reason reason)
{
	switch (reason) {
	case VMM_END_RESET:
		return EXIT_STATUS_RESET;
	case VMM_END_PANIC:
	case VMM_END_CRASH:
		return EXIT_STATUS_GUEST_CRASH;
	case VMM_END_HOST_ERROR:
		return EXIT_STATUS_HOST_ERROR;
	default:
		return EXIT_STATUS_POWER_OFF;
	}
}

void fake_machine_end(struct fake_machine *machine, enum vmm_end_reason reason)
{
	const char *text = reason == VMM_END_HOST_ERROR ? "The script ended it." : NULL;
	int error = reason == VMM_END_HOST_ERROR ? -EIO : 0;

	statistics_page_set_state(machine->page, VMM_STATE_ENDED, reason, error, text);
	control_server_announce_state(machine->server);
	event_loop_stop(machine->loop, exit_status_of(reason));
}

static int fake_shutdown(void *data)
{
	struct fake_machine *machine = data;

	machine->operations++;
	if (machine->page->status.state != VMM_STATE_RUNNING)
		return -EINVAL;
	fake_machine_end(machine, VMM_END_GUEST_POWER_OFF);
	return 0;
}

static int fake_power_off(void *data)
{
	struct fake_machine *machine = data;

	machine->operations++;
	fake_machine_end(machine, VMM_END_FORCED_OFF);
	return 0;
}

static int fake_reset(void *data)
{
	struct fake_machine *machine = data;

	machine->operations++;
	statistics_page_begin(machine->page);
	machine->page->status.resets++;
	statistics_page_end(machine->page);
	control_server_announce_state(machine->server);
	return 0;
}

static int fake_pause(void *data)
{
	struct fake_machine *machine = data;

	machine->operations++;
	if (machine->page->status.state != VMM_STATE_PAUSED)
		set_state(machine, VMM_STATE_PAUSED);
	return 0;
}

static int fake_resume(void *data)
{
	struct fake_machine *machine = data;

	machine->operations++;
	if (machine->page->status.state != VMM_STATE_RUNNING)
		set_state(machine, VMM_STATE_RUNNING);
	return 0;
}

static int fake_set_link(void *data, unsigned int nic, bool up)
{
	struct fake_machine *machine = data;

	machine->operations++;
	if (nic >= FAKE_MACHINE_NICS)
		return -ENODEV;
	machine->page->nics[nic].link = up;
	return 0;
}

static int fake_grow_disk(void *data, unsigned int disk, uint64_t size)
{
	struct fake_machine *machine = data;

	machine->operations++;
	if (disk == FAKE_MACHINE_DISKS)
		return -EOPNOTSUPP;
	return disk < FAKE_MACHINE_DISKS ? 0 : -ENODEV;
}

static unsigned int count_layers(const struct control_snapshot *snapshot)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < CONTROL_MAX_DRIVES; i++) {
		if (snapshot->layers[i] >= 0)
			count++;
	}
	return count;
}

static int fake_snapshot(void *data, struct control_snapshot *snapshot)
{
	struct fake_machine *machine = data;
	unsigned int layers = count_layers(snapshot);

	machine->operations++;
	if (machine->memory_fd >= 0)
		return -EALREADY;
	if (layers > FAKE_MACHINE_DISKS || (layers > 0 && snapshot->layers[0] < 0))
		return -ENODEV;
	machine->layers += layers;
	snapshot->pause_us = FAKE_MACHINE_PAUSE_US;
	if (snapshot->hold)
		set_state(machine, VMM_STATE_PAUSED);
	if (snapshot->memory < 0)
		return 0;
	snapshot->number = machine->page->status.snapshots + 1;
	machine->memory_fd = snapshot->memory;
	snapshot->memory = -1;
	event_timer_set(machine->snapshot_timer, event_loop_now() + SNAPSHOT_NS);
	return 0;
}

/* In the child: what is not to be inherited is closed on exec. */
static _Noreturn void run_clone(const struct control_clone *clone, char **argv)
{
	int high[CONTROL_MAX_FILES];

	for (int i = 0; i < CONTROL_MAX_FILES; i++)
		high[i] = fcntl(clone->files[i], F_DUPFD_CLOEXEC, CONTROL_MAX_FILES);
	for (int i = 0; i < CONTROL_MAX_FILES; i++) {
		if (high[i] >= 0)
			(void)dup2(high[i], i);
	}
	execv("/proc/self/exe", argv);
	_exit(EXIT_STATUS_HOST_ERROR);
}

static int start_clone(const struct control_clone *clone)
{
	static char bytes[CONTROL_MAX_ARGUMENTS + 1];
	static char *argv[CONTROL_MAX_FILES];
	ssize_t length = pread(clone->arguments, bytes, CONTROL_MAX_ARGUMENTS, 0);
	pid_t pid;
	int argc = 0;

	for (ssize_t at = 0; at < length && argc + 1 < CONTROL_MAX_FILES; argc++) {
		argv[argc] = bytes + at;
		at += (ssize_t)strlen(argv[argc]) + 1;
	}
	argv[argc] = NULL;
	pid = fork();
	if (pid == 0)
		run_clone(clone, argv);
	return pid < 0 ? -errno : 0;
}

static int fake_clone(void *data, struct control_snapshot *snapshot, struct control_clone *clone)
{
	struct fake_machine *machine = data;
	unsigned int layers = count_layers(snapshot);

	machine->operations++;
	if (clone->arguments < 0)
		return -EINVAL;
	if (layers > FAKE_MACHINE_DISKS)
		return -ENODEV;
	machine->layers += layers;
	for (unsigned int i = 0; i < CONTROL_MAX_FILES; i++)
		machine->files += clone->files[i] >= 0;
	snapshot->pause_us = FAKE_MACHINE_PAUSE_US;
	snapshot->number = machine->page->status.clones + 1;
	if (machine->starts_clones && start_clone(clone) < 0)
		return -EAGAIN;
	statistics_page_begin(machine->page);
	machine->page->status.clones++;
	machine->page->status.clone_status = machine->files > 0 ? 0 : -EPROTO;
	statistics_page_end(machine->page);
	control_server_announce_clone(machine->server);
	return 0;
}

static void on_memory_written(void *data)
{
	struct fake_machine *machine = data;
	const size_t length = strlen(FAKE_MACHINE_MEMORY);
	ssize_t written = write(machine->memory_fd, FAKE_MACHINE_MEMORY, length);

	fd_close(&machine->memory_fd);
	statistics_page_begin(machine->page);
	machine->page->status.snapshots++;
	machine->page->status.snapshot_status = written == (ssize_t)length ? 0 : -ENOSPC;
	statistics_page_end(machine->page);
	control_server_announce_snapshot(machine->server);
}

static int fake_set_balloon(void *data, uint64_t bytes)
{
	struct fake_machine *machine = data;

	machine->operations++;
	if (bytes > machine->page->memory.guest_bytes)
		return -EINVAL;
	statistics_page_begin(machine->page);
	machine->page->memory.balloon_target = bytes;
	machine->page->memory.balloon_bytes = bytes;
	statistics_page_end(machine->page);
	return 0;
}

static void detach_serial(struct fake_machine *machine)
{
	event_source_remove(machine->serial_source);
	machine->serial_source = NULL;
	fd_close(&machine->serial_fd);
	machine->serial_attached = false;
}

static void echo(void *data, uint32_t events)
{
	struct fake_machine *machine = data;
	char bytes[256];
	ssize_t n = recv(machine->serial_fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || send(machine->serial_fd, bytes, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) != n)
		detach_serial(machine);
}

static int fake_attach_serial(void *data, int fd)
{
	struct fake_machine *machine = data;
	int r;

	machine->operations++;
	detach_serial(machine);
	r = event_loop_add(machine->loop, fd, EPOLLIN, echo, machine, &machine->serial_source);
	if (r < 0)
		return r;
	machine->serial_fd = fd;
	machine->serial_attached = true;
	(void)send(fd, FAKE_MACHINE_BANNER, strlen(FAKE_MACHINE_BANNER),
		   MSG_DONTWAIT | MSG_NOSIGNAL);
	return 0;
}

static int fake_attach_port(void *data, const char *name, int fd)
{
	return strcmp(name, FAKE_MACHINE_PORT) == 0 ? fake_attach_serial(data, fd) : -ENODEV;
}

static int open_drive(struct fake_machine *machine, unsigned int drive, bool force)
{
	machine->operations++;
	if (drive >= FAKE_MACHINE_DRIVES)
		return -ENODEV;
	if (force || machine->media[drive] == 0 || drive == FAKE_MACHINE_FREE_DRIVE)
		return 0;
	if (drive == FAKE_MACHINE_LOCKED_DRIVE || machine->asked++ % 2 == 0)
		return -EBUSY;
	return 0;
}

static int fake_insert(void *data, unsigned int drive, int fd, bool force)
{
	struct fake_machine *machine = data;
	off_t size = lseek(fd, 0, SEEK_END);
	int r = size > 0 ? open_drive(machine, drive, force) : -ENODATA;

	if (r < 0)
		return r;
	machine->media[drive] = (unsigned int)size;
	fd_close(&fd);
	return 0;
}

static int fake_eject(void *data, unsigned int drive, bool force)
{
	struct fake_machine *machine = data;
	int r = open_drive(machine, drive, force);

	if (r == 0)
		machine->media[drive] = 0;
	return r;
}

static void sample(void *data)
{
	struct fake_machine *machine = data;
	uint64_t now = event_loop_now();
	uint64_t interval_ns = machine->watch_interval_ms * 1000000ULL;

	statistics_page_begin(machine->page);
	machine->page->status.sampled_ns = now;
	for (size_t i = 0; i < FAKE_MACHINE_VCPUS; i++) {
		machine->page->vcpus[i].run_ns += interval_ns / 2;
		machine->page->vcpus[i].exits += 100;
	}
	statistics_page_end(machine->page);
	statistics_add(&machine->page->disks[0].read_bytes, 4096);
	event_timer_set(machine->sample_timer, now + interval_ns);
}

static void fake_watch(void *data, uint32_t interval_ms)
{
	struct fake_machine *machine = data;
	uint64_t now = event_loop_now();

	machine->watch_interval_ms = interval_ms;
	event_timer_set(machine->sample_timer, interval_ms ? now + interval_ms * 1000000ULL : 0);
}

/* It has run for a while, half busy, and nobody has watched it. */
static void give_past(struct statistics_page *page)
{
	const uint64_t now = event_loop_now();
	const uint64_t step = now / (2 * FAKE_MACHINE_PAST); /* since this computer started */

	for (uint64_t i = 0; i < FAKE_MACHINE_PAST; i++) {
		page->status.sampled_ns = now - (FAKE_MACHINE_PAST - i) * step;
		for (size_t vcpu = 0; vcpu < FAKE_MACHINE_VCPUS; vcpu++)
			page->vcpus[vcpu].run_ns = i * step / 2;
		statistics_page_add_to_history(page);
	}
}

static void show(struct fake_machine *machine, uint32_t width, uint32_t height)
{
	const struct screen_mode mode = {
		.width = width,
		.height = height,
		.stride = width * 4,
		.format = SCREEN_FORMAT_BGRX,
	};

	screen_set_mode(machine->screen, &mode);
}

static void source_watched(void *data, bool watched)
{
	struct fake_machine *machine = data;

	machine->screen_watched = watched;
}

static void source_refresh(void *data)
{
	struct fake_machine *machine = data;
	const struct screen_mode *mode = &screen_page(machine->screen)->mode;
	uint32_t *pixels = (uint32_t *)(void *)screen_pixels(machine->screen);

	machine->colour += 0x010203;
	for (uint32_t i = 0; i < mode->width * mode->height; i++)
		pixels[i] = machine->colour;
	screen_damage(machine->screen, 0, 0, mode->width, mode->height);
}

static int source_resize(void *data, uint32_t width, uint32_t height)
{
	if ((uint64_t)width * height * 4 > FAKE_MACHINE_PIXEL_BYTES)
		return -EINVAL;
	show(data, width, height);
	return 0;
}

static const struct screen_source_ops source_ops = {
	.watched = source_watched,
	.refresh = source_refresh,
	.resize = source_resize,
};

static void on_screen_changed(void *data)
{
	struct fake_machine *machine = data;

	control_server_announce_screen(machine->server);
}

static int create_screen(struct fake_machine *machine)
{
	int r = screen_create(machine->loop, FAKE_MACHINE_PIXEL_BYTES, &machine->screen);

	if (r < 0)
		return r;
	screen_set_source(machine->screen, &source_ops, machine);
	screen_set_listener(machine->screen, on_screen_changed, machine);
	show(machine, FAKE_MACHINE_WIDTH, FAKE_MACHINE_HEIGHT);
	return 0;
}

static int fake_open_screen(void *data, int ret_fds[CONTROL_SCREEN_FDS])
{
	const struct fake_machine *machine = data;

	ret_fds[CONTROL_SCREEN_PAGE] = screen_page_fd(machine->screen);
	ret_fds[CONTROL_SCREEN_PIXELS] = screen_pixels_fd(machine->screen);
	return 0;
}

static int fake_watch_screen(void *data, bool watched)
{
	screen_watch(((struct fake_machine *)data)->screen, watched);
	return 0;
}

static int fake_refresh_screen(void *data)
{
	screen_refresh(((struct fake_machine *)data)->screen);
	return 0;
}

static int fake_resize_screen(void *data, uint32_t width, uint32_t height)
{
	return screen_resize(((struct fake_machine *)data)->screen, width, height);
}

/* What is pressed can be read on the serial line. */
static void tell_key(struct fake_machine *machine, const struct input_event *event)
{
	char line[32];
	int length = snprintf(line, sizeof(line), "key %u %d\n", event->code, event->x);

	if (machine->serial_attached)
		(void)send(machine->serial_fd, line, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int fake_input(void *data, const struct input_event *event)
{
	struct fake_machine *machine = data;

	switch ((enum input_type)event->type) {
	case INPUT_KEY:
	case INPUT_BUTTON:
		machine->last_code = event->code;
		machine->held += event->x ? 1 : -1;
		tell_key(machine, event);
		if (event->x && event->code == machine->ending_key)
			fake_machine_end(machine, machine->ending_reason);
		break;
	case INPUT_POSITION:
		machine->pointer_x = event->x;
		machine->pointer_y = event->y;
		break;
	case INPUT_MOTION:
	case INPUT_WHEEL:
		break;
	}
	machine->inputs++; /* last: whoever waits for it sees the rest */
	return -ENODEV;    /* which must not matter */
}

static const struct control_operations fake_operations = {
	.shutdown = fake_shutdown,
	.power_off = fake_power_off,
	.reset = fake_reset,
	.pause = fake_pause,
	.resume = fake_resume,
	.set_link = fake_set_link,
	.set_balloon = fake_set_balloon,
	.attach_serial = fake_attach_serial,
	.attach_port = fake_attach_port,
	.insert = fake_insert,
	.eject = fake_eject,
	.grow_disk = fake_grow_disk,
	.snapshot = fake_snapshot,
	.clone = fake_clone,
	.open_screen = fake_open_screen,
	.watch_screen = fake_watch_screen,
	.refresh_screen = fake_refresh_screen,
	.resize_screen = fake_resize_screen,
	.input = fake_input,
	.watch = fake_watch,
};

int fake_machine_init(struct fake_machine *machine, struct event_loop *loop, int listen_fd)
{
	int r;

	memset(machine, 0, sizeof(*machine));
	machine->loop = loop;
	machine->serial_fd = machine->memory_fd = -1;
	r = statistics_page_create(FAKE_MACHINE_VCPUS, FAKE_MACHINE_DISKS, FAKE_MACHINE_NICS,
				   &machine->page, &machine->statistics_fd);
	if (r < 0)
		return r;
	r = event_loop_add_timer(loop, sample, machine, &machine->sample_timer);
	if (r == 0)
		r = event_loop_add_timer(loop, on_memory_written, machine,
					 &machine->snapshot_timer);
	if (r == 0)
		r = create_screen(machine);
	if (r < 0)
		return r;
	give_past(machine->page);
	statistics_page_begin(machine->page);
	machine->page->memory.guest_bytes = 512ULL << 20;
	machine->page->memory.resident_bytes = 100ULL << 20;
	machine->page->status.state = VMM_STATE_RUNNING;
	for (unsigned int i = 0; i < FAKE_MACHINE_NICS; i++)
		machine->page->nics[i].link = true;
	statistics_page_end(machine->page);
	return control_server_create(loop, listen_fd, machine->statistics_fd, &fake_operations,
				     machine, &machine->server);
}

void fake_machine_finish(struct fake_machine *machine)
{
	control_server_destroy(machine->server);
	detach_serial(machine);
	event_timer_remove(machine->sample_timer);
	event_timer_remove(machine->snapshot_timer);
	fd_close(&machine->memory_fd);
	screen_destroy(machine->screen);
	fd_close(&machine->statistics_fd);
	munmap(machine->page, sizeof(struct statistics_area));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-run-state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/words.h"
#include "control/control-server.h"
#include "control/statistics-page.h"
#include "devices/serial-line.h"
#include "display/screen.h"
#include "loop/event-loop.h"
#include "machine/machine-clone.h"
#include "machine/machine-drives.h"
#include "machine/machine-hold.h"
#include "machine/machine-input.h"
#include "machine/machine-reset.h"
#include "machine/machine-restore.h"
#include "machine/machine-snapshot.h"
#include "machine/machine.h"
#include "machine/statistics-sampler.h"
#include "protocol/exit-status.h"

#define NO_TEXT NULL

static void set_state(struct machine *machine, enum vmm_state state, enum vmm_end_reason reason,
		      int error, const char *text)
{
	machine->state = state;
	statistics_page_set_state(machine->statistics, state, reason, error, text);
	if (machine->control)
		control_server_announce_state(machine->control);
}

void machine_start(struct machine *machine)
{
	statistics_page_begin(machine->statistics);
	machine->statistics->status.started_ns = statistics_sampler_boot_time();
	statistics_page_end(machine->statistics);
	set_state(machine, VMM_STATE_RUNNING, VMM_END_NONE, 0, NO_TEXT);
	if (machine->goes_on)
		machine_go_on(machine);
	else
		machine_unpark_vcpus(machine);
}

int machine_pause(struct machine *machine)
{
	if (machine->state == VMM_STATE_ENDED)
		return -EINVAL;
	if (machine->state != VMM_STATE_RUNNING)
		return 0;
	machine_stop_parts(machine);
	set_state(machine, VMM_STATE_PAUSED, VMM_END_NONE, 0, NO_TEXT);
	return 0;
}

void machine_stay_held(struct machine *machine)
{
	if (machine->state != VMM_STATE_PAUSED)
		set_state(machine, VMM_STATE_PAUSED, VMM_END_NONE, 0, NO_TEXT);
}

int machine_resume(struct machine *machine)
{
	if (machine->state == VMM_STATE_ENDED)
		return -EINVAL;
	if (machine->state == VMM_STATE_RUNNING)
		return 0;
	set_state(machine, VMM_STATE_RUNNING, VMM_END_NONE, 0, NO_TEXT);
	machine_go_on(machine);
	return 0;
}

int machine_press_power_button(struct machine *machine)
{
	if (machine->state != VMM_STATE_RUNNING)
		return -EINVAL;
	acpi_pm_press_power_button(machine->pm);
	return 0;
}

/* The status as it is in the statistics page, which ends with the last client. */
static void write_end_record(const struct machine *machine)
{
	const struct statistics_status *status = &machine->statistics->status;

	if (machine->end_record_fd >= 0 &&
	    write(machine->end_record_fd, status, sizeof(*status)) != (ssize_t)sizeof(*status))
		log_warning("How the machine ended could not be written down: %s.",
			    strerror(errno));
}

void machine_end(struct machine *machine, enum vmm_end_reason reason, int exit_status, int error,
		 const char *text)
{
	if (machine->state == VMM_STATE_ENDED)
		return;
	if (machine->state == VMM_STATE_RUNNING)
		machine_stop_parts(machine);
	statistics_sampler_take(machine->sampler);
	set_state(machine, VMM_STATE_ENDED, reason, error, text);
	write_end_record(machine);
	if (text)
		log_error("%s", text);
	event_loop_stop(machine->loop, exit_status);
}

void machine_force_off(void *machine)
{
	machine_end(machine, VMM_END_FORCED_OFF, EXIT_STATUS_POWER_OFF, 0, NO_TEXT);
}

/* What is left of the old guest in memory stays there, as in a PC; the boot files come anew. */
static void reset_now(struct machine *machine)
{
	bool was_running = machine->state == VMM_STATE_RUNNING;
	int r;

	if (was_running)
		machine_stop_parts(machine);
	machine_restore_close(machine); /* what was in memory is of no use any more */
	machine_requests_clear(&machine->requests);
	r = machine_reset_parts(machine);
	if (r < 0) {
		machine_end(machine, VMM_END_HOST_ERROR, EXIT_STATUS_HOST_ERROR, r,
			    N_("The machine could not be reset."));
		return;
	}
	statistics_page_begin(machine->statistics);
	machine->statistics->status.resets++;
	statistics_page_end(machine->statistics);
	/* One whose disk is full stays stopped: the reset threw its requests away. */
	if (was_running)
		machine_go_on(machine);
	if (machine->control)
		control_server_announce_state(machine->control);
}

int machine_reset(struct machine *machine)
{
	if (machine->state == VMM_STATE_ENDED)
		return -EINVAL;
	if (machine->config->no_reboot)
		machine_end(machine, VMM_END_RESET, EXIT_STATUS_RESET, 0, NO_TEXT);
	else
		reset_now(machine);
	return 0;
}

/* A chipset makes a reset of it. Who wants no resets learns that the guest did not ask for one. */
static void reset_by_triple_fault(struct machine *machine, const char *text)
{
	if (machine->config->no_reboot)
		machine_end(machine, VMM_END_CRASH, EXIT_STATUS_RESET, 0, text);
	else
		(void)machine_reset(machine);
}

static void stop_for_storage(struct machine *machine, int error)
{
	char text[STATISTICS_TEXT_SIZE];

	if (machine->state != VMM_STATE_RUNNING)
		return;
	machine_stop_parts(machine);
	snprintf(text, sizeof(text),
		 "The machine is paused: a disk could not be written (%s). Nothing is lost; make "
		 "room, then resume it.",
		 strerror(-error));
	set_state(machine, VMM_STATE_STORAGE_ERROR, VMM_END_NONE, error, text);
	log_warning("%s", text);
}

void machine_serve_requests(void *data)
{
	struct machine *machine = data;
	struct machine_request_taken taken;

	if (!machine_requests_take(&machine->requests, &taken))
		return;
	switch (taken.request) {
	case REQUEST_DEBUG_EXIT:
		machine_end(machine, VMM_END_GUEST_POWER_OFF, taken.value, 0, NO_TEXT);
		break;
	case REQUEST_PANIC:
		machine_end(machine, VMM_END_PANIC, EXIT_STATUS_GUEST_CRASH, 0,
			    N_("The guest's system has crashed: it reported a panic."));
		break;
	case REQUEST_CRASH:
		machine_end(machine, VMM_END_CRASH, EXIT_STATUS_GUEST_CRASH, taken.value,
			    taken.text);
		break;
	case REQUEST_HOST_ERROR:
		machine_end(machine, VMM_END_HOST_ERROR, EXIT_STATUS_HOST_ERROR, taken.value,
			    taken.text);
		break;
	case REQUEST_POWER_OFF:
		machine_end(machine, VMM_END_GUEST_POWER_OFF, EXIT_STATUS_POWER_OFF, 0, NO_TEXT);
		break;
	case REQUEST_TRIPLE_FAULT:
		reset_by_triple_fault(machine, taken.text);
		break;
	case REQUEST_RESET:
		(void)machine_reset(machine);
		break;
	case REQUEST_STORAGE_ERROR:
		stop_for_storage(machine, taken.value);
		break;
	case REQUEST_COUNT:
		break;
	}
}

static int control_shutdown(void *machine)
{
	return machine_press_power_button(machine);
}

static int control_power_off(void *machine)
{
	machine_force_off(machine);
	return 0;
}

static int control_reset(void *machine)
{
	return machine_reset(machine);
}

static int control_pause(void *machine)
{
	return machine_pause(machine);
}

static int control_resume(void *machine)
{
	return machine_resume(machine);
}

static int control_set_link(void *machine, unsigned int nic, bool up)
{
	return machine_net_set_link(machine, nic, up);
}

static int control_grow_disk(void *machine, unsigned int disk, uint64_t size)
{
	return machine_grow_disk(machine, disk, size);
}

static int control_snapshot(void *data, struct control_snapshot *snapshot)
{
	return machine_snapshot_take(data, snapshot);
}

static int control_clone(void *data, struct control_snapshot *snapshot, struct control_clone *clone)
{
	return machine_clone_take(data, snapshot, clone);
}

static int control_set_balloon(void *data, uint64_t bytes)
{
	struct machine *machine = data;

	if (!machine->balloon)
		return -ENODEV;
	if (bytes > machine->config->memory)
		return -EINVAL;
	virtio_balloon_set_target(machine->balloon, bytes);
	return 0;
}

static int control_attach_serial(void *data, int fd)
{
	struct machine *machine = data;

	return serial_line_attach_socket(machine->serial_line, fd);
}

static int control_attach_port(void *data, const char *name, int fd)
{
	struct machine *machine = data;

	return machine->console ? virtio_console_attach(machine->console, name, fd) : -ENODEV;
}

static int control_insert(void *machine, unsigned int drive, int fd, bool force)
{
	return machine_insert_medium(machine, drive, fd, force);
}

static int control_eject(void *machine, unsigned int drive, bool force)
{
	return machine_eject_medium(machine, drive, force);
}

static int control_open_screen(void *data, int ret_fds[CONTROL_SCREEN_FDS])
{
	struct machine *machine = data;

	if (!machine->screen)
		return -ENODEV;
	ret_fds[CONTROL_SCREEN_PAGE] = screen_page_fd(machine->screen);
	ret_fds[CONTROL_SCREEN_PIXELS] = screen_pixels_fd(machine->screen);
	return 0;
}

static int control_watch_screen(void *data, bool watched)
{
	struct machine *machine = data;

	if (!machine->screen)
		return -ENODEV;
	screen_watch(machine->screen, watched);
	return 0;
}

static int control_refresh_screen(void *data)
{
	struct machine *machine = data;

	if (!machine->screen)
		return -ENODEV;
	screen_refresh(machine->screen);
	return 0;
}

static int control_resize_screen(void *data, uint32_t width, uint32_t height)
{
	struct machine *machine = data;

	return machine->screen ? screen_resize(machine->screen, width, height) : -ENODEV;
}

static int control_input(void *machine, const struct input_event *event)
{
	return machine_input(machine, event);
}

static void control_watch(void *data, uint32_t interval_ms)
{
	struct machine *machine = data;

	statistics_sampler_watch(machine->sampler, interval_ms);
}

const struct control_operations machine_control_operations = {
	.shutdown = control_shutdown,
	.power_off = control_power_off,
	.reset = control_reset,
	.pause = control_pause,
	.resume = control_resume,
	.set_link = control_set_link,
	.set_balloon = control_set_balloon,
	.attach_serial = control_attach_serial,
	.attach_port = control_attach_port,
	.insert = control_insert,
	.eject = control_eject,
	.grow_disk = control_grow_disk,
	.snapshot = control_snapshot,
	.clone = control_clone,
	.open_screen = control_open_screen,
	.watch_screen = control_watch_screen,
	.refresh_screen = control_refresh_screen,
	.resize_screen = control_resize_screen,
	.input = control_input,
	.watch = control_watch,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-clone.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "control/control-server.h"
#include "control/statistics-page.h"
#include "loop/event-loop.h"
#include "machine/clone-arguments.h"
#include "machine/clone-process.h"
#include "machine/machine-hold.h"
#include "machine/machine-image.h"
#include "machine/machine-layers.h"
#include "machine/machine.h"
#include "memory/guest-memory.h"
#include "protocol/exit-status.h"

#define NS_PER_US 1000ULL

struct machine_clones {
	struct clone_process *list;
	uint32_t started; /* also those that have not said yet how it went */
};

/* One that is being made; in the copy it stays for as long as that lives. */
struct clone_plan {
	struct machine *original;
	struct clone_arguments arguments;
	struct machine_image image;
	uint64_t begin_ns;
};

/* In the copy */

static int run_clone(struct machine *clone)
{
	int exit_status = event_loop_run(clone->loop);

	machine_destroy(clone);
	return exit_status;
}

static int go_on(struct clone_job *job, void *data)
{
	struct clone_plan *plan = data;
	struct machine_origin origin = {
		.memory = plan->original->memory,
		.system_fd = job->system_fd,
		.is_confined = plan->original->is_confined,
		.begun_ns = plan->begin_ns,
	};
	struct machine *clone;
	int r;

	memcpy(origin.roms, job->roms, sizeof(origin.roms));
	machine_image_describe(&plan->image, &origin.contents);
	guest_memory_keep_shared(origin.memory);
	r = machine_create_from(&plan->arguments.config, &origin, &clone);
	if (r == 0)
		r = machine_begin(clone);
	clone_process_tell(job, r);
	machine_image_finish(&plan->image);
	return r < 0 ? EXIT_STATUS_HOST_ERROR : run_clone(clone);
}

/* In the original */

static void on_began(void *data, int status)
{
	struct machine *machine = data;

	statistics_page_begin(machine->statistics);
	machine->statistics->status.clones++;
	machine->statistics->status.clone_status = status;
	statistics_page_end(machine->statistics);
	if (machine->control)
		control_server_announce_clone(machine->control);
}

int machine_clones_prepare(struct machine *machine)
{
	machine->clones = calloc(1, sizeof(*machine->clones));
	return machine->clones ? 0 : -ENOMEM;
}

void machine_clones_finish(struct machine *machine)
{
	if (!machine->clones)
		return;
	clone_processes_forget(&machine->clones->list);
	free(machine->clones);
}

static int start_process(struct clone_plan *plan, const struct control_clone *clone)
{
	struct machine *machine = plan->original;
	struct clone_job job = {
		.system_fd = machine->vm.system_fd,
		.run = go_on,
		.data = plan,
	};
	int r;

	memcpy(job.roms, machine->roms, sizeof(job.roms));
	memcpy(job.files, clone->files, sizeof(job.files));
	r = clone_process_start(machine->loop, &job, on_began, machine, &machine->clones->list);
	if (r == 0)
		guest_memory_keep_shared(machine->memory);
	return r;
}

/* While the machine is held. Nothing has changed where this fails. */
static int clone_held(struct clone_plan *plan, struct control_snapshot *snapshot,
		      const struct control_clone *clone)
{
	uint64_t disks;
	int r = machine_layers_push(plan->original, snapshot, &disks);

	if (r < 0)
		return r;
	r = machine_image_take(&plan->image, plan->original);
	if (r == 0)
		r = start_process(plan, clone);
	if (r < 0)
		machine_layers_pop(plan->original, disks);
	else
		snapshot->number = ++plan->original->clones->started;
	return r;
}

static int hold_and_clone(struct clone_plan *plan, struct control_snapshot *snapshot,
			  const struct control_clone *clone)
{
	struct machine *machine = plan->original;
	bool was_running = machine->state == VMM_STATE_RUNNING;
	int r = machine_hold(machine, &plan->begin_ns);

	if (r < 0)
		return r;
	r = clone_held(plan, snapshot, clone);
	machine_release(machine);
	if (was_running)
		snapshot->pause_us = (event_loop_now() - plan->begin_ns) / NS_PER_US;
	return r;
}

int machine_clone_take(struct machine *machine, struct control_snapshot *snapshot,
		       struct control_clone *clone)
{
	struct clone_plan plan = {.original = machine};
	int r;

	/* one after the other, so that each is told of by its number */
	if (machine->clones->started != machine->statistics->status.clones)
		return -EALREADY;
	r = clone_arguments_read(&plan.arguments, machine->config, clone);

	if (r < 0)
		return r;
	r = machine_layers_prepare(machine, snapshot);
	if (r == 0)
		r = machine_image_prepare(&plan.image, machine);
	if (r == 0)
		r = hold_and_clone(&plan, snapshot, clone);
	/* the copy has its own */
	machine_image_finish(&plan.image);
	clone_arguments_finish(&plan.arguments);
	return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-hold.h"

#include <errno.h>
#include <stdbool.h>

#include "block/block-backend.h"
#include "bus/posted-writes.h"
#include "cpu/vcpu-state.h"
#include "devices/fw-cfg.h"
#include "loop/event-loop.h"
#include "machine/machine-drives.h"
#include "machine/machine-run-state.h"
#include "machine/machine.h"
#include "machine/statistics-sampler.h"

/* A disk of this computer that wakes up from its sleep takes longer; nobody would want to wait. */
#define DRAIN_TIME_NS 2000000000ULL

/*
 * A vCPU may be serving an access, for which it needs the device lock, or be about to note a
 * request: both end before it parks.
 */
void machine_park_vcpus(struct machine *machine)
{
	uint64_t count = machine->config->cpus;

	for (uint64_t i = 0; i < count; i++)
		vcpu_ask_to_stop(machine->vcpus[i]);
	event_loop_unlock(machine->loop);
	for (uint64_t i = 0; i < count; i++)
		vcpu_wait_until_parked(machine->vcpus[i]);
	event_loop_lock(machine->loop);
	posted_writes_serve(machine->posted);
}

void machine_unpark_vcpus(struct machine *machine)
{
	for (uint64_t i = 0; i < machine->config->cpus; i++)
		vcpu_run(machine->vcpus[i]);
}

enum { QUICK_DEVICES = 7 };

/* The devices that are done with a request when they have taken it; NULL where there is none. */
static struct virtio_device *quick_device(const struct machine *machine, unsigned int number)
{
	struct virtio_device *const devices[QUICK_DEVICES] = {
		machine->rng,         machine->balloon,  machine->console, machine->vsock,
		machine->display.gpu, machine->keyboard, machine->tablet};

	return devices[number];
}

static void pause_parts(struct machine *machine)
{
	machine_park_vcpus(machine);
	for (unsigned int i = 0; i < QUICK_DEVICES; i++) {
		if (quick_device(machine, i))
			virtio_device_pause(quick_device(machine, i));
	}
	machine_pause_drives(machine);
	machine_net_pause(machine);
}

/* What is under way besides requests to disks. */
static void finish_work(struct machine *machine)
{
	if (machine->fw_cfg)
		fw_cfg_drain(machine->fw_cfg);
	if (machine->variables)
		pflash_flush(machine->variables);
}

void machine_stop_parts(struct machine *machine)
{
	pause_parts(machine);
	(void)machine_drain_drives(machine, BLOCK_BACKEND_FOREVER);
	finish_work(machine);
}

void machine_go_on(struct machine *machine)
{
	machine_resume_drives(machine);
	machine_net_resume(machine);
	for (unsigned int i = 0; i < QUICK_DEVICES; i++) {
		if (quick_device(machine, i))
			virtio_device_resume(quick_device(machine, i));
	}
	if (machine->variables)
		pflash_resume(machine->variables);
	for (uint64_t i = 0; i < machine->config->cpus; i++)
		vcpu_excuse_pause(machine->vcpus[i]);
	statistics_sampler_forgive(machine->sampler);
	machine_unpark_vcpus(machine);
}

/* Whether a device would have to be saved in the middle of something. */
static bool parts_are_still(const struct machine *machine)
{
	bool still = !machine->ahci || ahci_is_idle(machine->ahci);

	for (unsigned int i = 0; i < QUICK_DEVICES; i++)
		still = still && (!quick_device(machine, i) ||
				  virtio_device_is_still(quick_device(machine, i)));
	for (unsigned int i = 0; i < machine->config->disk_count; i++)
		still = still && (!machine->disks[i].device ||
				  virtio_device_is_still(machine->disks[i].device));
	for (unsigned int i = 0; i < machine->config->net.nic_count; i++)
		still = still && virtio_device_is_still(machine->nics[i].device);
	return still;
}

/* Of a machine whose parts are paused. */
static int settle(struct machine *machine)
{
	int r = machine_drain_drives(machine, event_loop_now() + DRAIN_TIME_NS);

	if (r < 0)
		return r;
	finish_work(machine);
	/* What came up meanwhile would be lost, or is a reason not to. */
	return machine_requests_pending(&machine->requests) || !parts_are_still(machine) ? -EBUSY
											 : 0;
}

static int check_state(const struct machine *machine)
{
	switch (machine->state) {
	case VMM_STATE_RUNNING:
	case VMM_STATE_PAUSED:
		return 0;
	case VMM_STATE_STORAGE_ERROR:
		return -ENOSPC;
	case VMM_STATE_STARTING:
	case VMM_STATE_ENDED:
		break;
	}
	return -EINVAL;
}

int machine_hold(struct machine *machine, uint64_t *ret_begin_ns)
{
	int r;

	/* Most of what may take time is done while the guest runs. */
	if (machine->variables)
		pflash_flush(machine->variables);
	machine_serve_requests(machine);
	r = check_state(machine);
	if (r < 0)
		return r;
	*ret_begin_ns = event_loop_now();
	if (machine->state == VMM_STATE_RUNNING)
		pause_parts(machine);
	r = settle(machine);
	if (r < 0)
		machine_release(machine);
	return r;
}

void machine_release(struct machine *machine)
{
	if (machine->state == VMM_STATE_RUNNING)
		machine_go_on(machine);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/statistics-sampler.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "control/control-server.h"
#include "control/statistics-page.h"
#include "cpu/vcpu-state.h"
#include "loop/event-loop.h"
#include "machine/kvm-counters.h"
#include "machine/machine-hold.h"
#include "machine/machine-net.h"
#include "machine/machine.h"

#define US                 1000ULL
#define MS                 1000000ULL
#define HISTORY_INTERVAL   (60 * 1000 * MS)
#define UNRESPONSIVE_AFTER (10 * 1000 * MS)
#define FIRST_EXIT_STEP    (MS / 5)
#define FIRST_EXIT_WAIT    (10 * 1000 * MS)

enum { FASTEST_MS = 10 };

struct statistics_sampler {
	struct machine *machine;
	struct event_timer *timer;
	struct event_timer *first_exit_timer;
	uint64_t interval_ns; /* 0: nobody watches */
	uint64_t history_ns;  /* when the history gets its next sample */
	int statm_fd;         /* /proc/self/statm */
	uint64_t own_bytes;   /* anonymous memory of the process beside the guest's */
	int *counter_fds;     /* one per vCPU; NULL where KVM has no counters */
	bool has_layout;
	struct kvm_counter_layout layout;
	uint64_t progress;    /* interrupts and halts of all vCPUs at the last sample */
	uint64_t progress_ns; /* when that last changed, or was excused */
};

uint64_t statistics_sampler_boot_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

/*
 * Anonymous memory the process holds: resident less shared pages, of which guest RAM is all but a
 * little. One read whatever the guest's size (smaps and mincore() cost by the page).
 */
static uint64_t anonymous_bytes(const struct statistics_sampler *sampler)
{
	unsigned long long size, resident, shared;
	char line[128];
	ssize_t length = pread(sampler->statm_fd, line, sizeof(line) - 1, 0);

	if (length <= 0)
		return 0;
	line[length] = '\0';
	if (sscanf(line, "%llu %llu %llu", &size, &resident, &shared) != 3 || shared > resident)
		return 0;
	return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void close_counters(struct statistics_sampler *sampler)
{
	for (uint64_t i = 0; sampler->counter_fds && i < sampler->machine->config->cpus; i++)
		fd_close(&sampler->counter_fds[i]);
	free(sampler->counter_fds);
	sampler->counter_fds = NULL;
}

/*
 * Before the vCPUs run: KVM would let us wait for one that does until it leaves the guest. Without
 * counters the guest runs all the same; they read 0.
 */
static void open_counters(struct statistics_sampler *sampler)
{
	struct machine *machine = sampler->machine;
	uint64_t count = machine->config->cpus;

	sampler->counter_fds = calloc(count, sizeof(*sampler->counter_fds));
	for (uint64_t i = 0; sampler->counter_fds && i < count; i++)
		sampler->counter_fds[i] = -1;
	for (uint64_t i = 0; sampler->counter_fds && i < count; i++) {
		sampler->counter_fds[i] = kvm_counters_open(vcpu_fd(machine->vcpus[i]));
		if (sampler->counter_fds[i] < 0)
			close_counters(sampler);
	}
}

/* Where they are is only looked for by the first sample. */
static void find_counters(struct statistics_sampler *sampler)
{
	if (!sampler->counter_fds || sampler->has_layout)
		return;
	sampler->has_layout = true;
	if (kvm_counters_find(sampler->counter_fds[0], &sampler->layout) < 0)
		close_counters(sampler);
}

static uint64_t sample_vcpu(struct statistics_sampler *sampler, uint64_t number)
{
	struct machine *machine = sampler->machine;
	struct statistics_vcpu *line = &machine->statistics->vcpus[number];
	uint64_t values[KVM_COUNTERS];

	line->run_ns = vcpu_cpu_time_ns(machine->vcpus[number]);
	if (!sampler->counter_fds ||
	    kvm_counters_read(sampler->counter_fds[number], &sampler->layout, values) < 0)
		return 0;
	line->exits = values[KVM_COUNTER_EXITS];
	line->halts = values[KVM_COUNTER_HALTS];
	line->interrupts = values[KVM_COUNTER_INTERRUPTS];
	return line->halts + line->interrupts;
}

/* Returns the sum of what shows that a guest lives. */
static uint64_t sample(struct statistics_sampler *sampler)
{
	struct machine *machine = sampler->machine;
	struct statistics_page *page = machine->statistics;
	uint64_t held = anonymous_bytes(sampler), progress = 0;

	find_counters(sampler);
	machine_net_count(machine);
	statistics_page_begin(page);
	page->status.sampled_ns = event_loop_now();
	page->memory.resident_bytes = held > sampler->own_bytes ? held - sampler->own_bytes : 0;
	for (uint64_t i = 0; i < machine->config->cpus; i++)
		progress += sample_vcpu(sampler, i);
	statistics_page_end(page);
	return progress;
}

static uint64_t count_exits(struct statistics_sampler *sampler)
{
	uint64_t values[KVM_COUNTERS], exits = 0;

	find_counters(sampler);
	for (uint64_t i = 0; sampler->counter_fds && i < sampler->machine->config->cpus; i++) {
		if (kvm_counters_read(sampler->counter_fds[i], &sampler->layout, values) == 0)
			exits += values[KVM_COUNTER_EXITS];
	}
	return exits;
}

/* KVM serves most exits without a word to us: it is asked again and again until there is one. */
static void on_first_exit_timer(void *data)
{
	struct statistics_sampler *sampler = data;
	struct machine *machine = sampler->machine;
	uint64_t now = event_loop_now(), elapsed = now - machine->begun_ns;

	if (count_exits(sampler) > 0) {
		statistics_page_begin(machine->statistics);
		machine->statistics->status.first_exit_us = (uint32_t)(elapsed / US);
		statistics_page_end(machine->statistics);
	} else if (sampler->counter_fds && elapsed < FIRST_EXIT_WAIT) {
		event_timer_set(sampler->first_exit_timer, now + FIRST_EXIT_STEP);
	}
}

static void set_unresponsive(struct machine *machine, bool unresponsive)
{
	struct statistics_page *page = machine->statistics;

	if (page->status.unresponsive == unresponsive)
		return;
	statistics_page_begin(page);
	page->status.unresponsive = unresponsive;
	statistics_page_end(page);
	if (machine->control)
		control_server_announce_state(machine->control);
}

/* Whether an interrupt could get through to any vCPU. Stops them for a moment to look. */
static bool is_reachable(struct machine *machine)
{
	bool any = false;

	machine_park_vcpus(machine);
	for (uint64_t i = 0; i < machine->config->cpus && !any; i++) {
		bool started, reachable;

		/* What cannot be read is not held against the guest. */
		any = vcpu_is_reachable(machine->vcpus[i], &started, &reachable) < 0 || reachable;
	}
	machine_unpark_vcpus(machine);
	return any;
}

/*
 * No interrupt and no halt for 10 s may be an idle guest, deep asleep, or one whose interrupts the
 * processor delivers without KVM counting them: only then are its vCPUs looked at.
 */
static void judge(struct statistics_sampler *sampler, uint64_t progress)
{
	struct machine *machine = sampler->machine;
	uint64_t now = event_loop_now();

	if (progress != sampler->progress) {
		sampler->progress = progress;
		sampler->progress_ns = now;
		set_unresponsive(machine, false);
	} else if (now - sampler->progress_ns >= UNRESPONSIVE_AFTER) {
		bool reachable = is_reachable(machine);

		if (reachable)
			sampler->progress_ns = now;
		set_unresponsive(machine, !reachable);
	}
}

static void add_to_history(struct statistics_sampler *sampler)
{
	statistics_page_add_to_history(sampler->machine->statistics);
	sampler->history_ns = event_loop_now() + HISTORY_INTERVAL;
}

void statistics_sampler_take(struct statistics_sampler *sampler)
{
	uint64_t progress = sample(sampler);

	if (sampler->machine->statistics->status.sampled_ns >= sampler->history_ns)
		add_to_history(sampler);
	/* Only for somebody: the guest has to work for it. */
	if (sampler->interval_ns != 0 && sampler->machine->balloon)
		virtio_balloon_ask_statistics(sampler->machine->balloon);
	if (sampler->machine->state == VMM_STATE_RUNNING && sampler->counter_fds)
		judge(sampler, progress);
}

static void arm(struct statistics_sampler *sampler)
{
	uint64_t next = event_loop_now() + sampler->interval_ns;

	if (sampler->interval_ns == 0 || next > sampler->history_ns)
		next = sampler->history_ns;
	event_timer_set(sampler->timer, next);
}

static void on_timer(void *data)
{
	struct statistics_sampler *sampler = data;

	statistics_sampler_take(sampler);
	arm(sampler);
}

void statistics_sampler_forgive(struct statistics_sampler *sampler)
{
	sampler->progress_ns = event_loop_now();
	set_unresponsive(sampler->machine, false);
}

void statistics_sampler_watch(struct statistics_sampler *sampler, uint32_t interval_ms)
{
	sampler->interval_ns = interval_ms * MS;
	if (interval_ms > 0 && interval_ms < FASTEST_MS)
		sampler->interval_ns = FASTEST_MS * MS;
	if (interval_ms > 0)
		statistics_sampler_take(sampler);
	arm(sampler);
}

void statistics_sampler_start(struct statistics_sampler *sampler)
{
	uint64_t now = event_loop_now();

	open_counters(sampler);
	/* Nothing has happened yet: what the first minute is compared with. */
	statistics_page_begin(sampler->machine->statistics);
	sampler->machine->statistics->status.sampled_ns = now;
	statistics_page_end(sampler->machine->statistics);
	add_to_history(sampler);
	sampler->progress_ns = now;
	arm(sampler);
	event_timer_set(sampler->first_exit_timer, now);
}

int statistics_sampler_create(struct machine *machine, struct statistics_sampler **ret_sampler)
{
	struct statistics_sampler *sampler = calloc(1, sizeof(*sampler));
	int r;

	if (!sampler)
		return -ENOMEM;
	sampler->machine = machine;
	/* One that is confined already can open nothing: it does not know. */
	sampler->statm_fd =
		machine->is_confined ? -1 : open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	sampler->own_bytes = anonymous_bytes(sampler);
	r = event_loop_add_timer(machine->loop, on_timer, sampler, &sampler->timer);
	if (r == 0)
		r = event_loop_add_timer(machine->loop, on_first_exit_timer, sampler,
					 &sampler->first_exit_timer);
	if (r < 0) {
		statistics_sampler_destroy(sampler);
		return r;
	}
	*ret_sampler = sampler;
	return 0;
}

void statistics_sampler_destroy(struct statistics_sampler *sampler)
{
	if (!sampler)
		return;
	close_counters(sampler);
	event_timer_remove(sampler->timer);
	event_timer_remove(sampler->first_exit_timer);
	fd_close(&sampler->statm_fd);
	free(sampler);
}

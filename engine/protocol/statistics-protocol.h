/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The statistics page: what a VMM tells about itself in memory that its clients map read-only.
 *
 * One writer (the VMM), any number of readers, no system call. Fields named "live" are single
 * 64-bit counters that their owner thread adds to with relaxed atomics: each is exact on its own.
 * Everything else is written by the main thread between two increments of header.sequence, which
 * is odd while a write is going on (a sequence lock). A reader copies, checks the sequence, tries
 * again at most 64 times and otherwise keeps its last good copy.
 *
 * Behind the page lies the history: once a minute, watched or not, the VMM adds a sample to a ring,
 * so that a client that comes later can show the past hour. It is under the same sequence lock.
 *
 * A guest may have taken over its VMM: the reader believes no count or offset without a bound.
 * All fields are little-endian, which is the host's order on every host of this program.
 */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define STATISTICS_MAGIC 0x54415453594b4e49ULL /* "INKYSTAT" */

enum {
	STATISTICS_MAJOR = 1, /* another major is refused */
	/* fields are only added at the end of lines; 1: the history; 2: snapshots; 3: clones */
	STATISTICS_MINOR = 3,
	STATISTICS_MAX_VCPUS = 256,
	STATISTICS_MAX_DISKS = 32,
	STATISTICS_MAX_NICS = 8,
	STATISTICS_LATENCY_BUCKETS = 24, /* bucket n: [2^n, 2^(n+1)) microseconds; first from 0 */
	STATISTICS_TEXT_SIZE = 256,
	STATISTICS_HISTORY_SAMPLES = 64, /* an hour and a little */
};

enum vmm_state {
	VMM_STATE_STARTING = 0,
	VMM_STATE_RUNNING = 1,
	VMM_STATE_PAUSED = 2,        /* by a client */
	VMM_STATE_STORAGE_ERROR = 3, /* paused by the VMM: a write could not be stored */
	VMM_STATE_ENDED = 4,         /* see end_reason; the process is about to exit */
};

enum vmm_end_reason {
	VMM_END_NONE = 0,
	VMM_END_GUEST_POWER_OFF = 1,
	VMM_END_FORCED_OFF = 2, /* by a client or a signal */
	VMM_END_RESET = 3,      /* with --no-reboot */
	VMM_END_PANIC = 4,      /* the guest said so (pvpanic) */
	VMM_END_CRASH = 5,      /* triple fault with --no-reboot, or a state KVM cannot run */
	VMM_END_HOST_ERROR = 6,
};

struct statistics_header {
	uint64_t magic;
	uint16_t major, minor;
	uint32_t size;       /* bytes of the whole file: the page and what lies behind it */
	uint32_t vcpu_count; /* lines in use of each kind */
	uint32_t disk_count;
	uint32_t sequence; /* sequence lock */
	uint32_t pid;
	uint32_t nic_count;
	uint8_t reserved[28];
};

struct statistics_status {
	uint32_t state;        /* enum vmm_state */
	uint32_t end_reason;   /* enum vmm_end_reason */
	int32_t error;         /* negative errno of a storage or host error, else 0 */
	uint32_t unresponsive; /* 1: no vCPU has taken an interrupt or halted for 10 s */
	uint64_t started_ns;   /* CLOCK_BOOTTIME when the guest first ran */
	uint64_t resets;
	uint64_t sampled_ns;     /* CLOCK_MONOTONIC of the last sample of the sampled fields */
	uint64_t snapshots;      /* whose memory has been written, or could not be */
	int32_t snapshot_status; /* of the last of them: 0 or negative errno */
	uint32_t first_exit_us;  /* from the program's beginning, of a clone from the moment it was
				    made in, until a vCPU first left the guest; 0: it has not yet,
				    or KVM does not say */
	uint32_t clones;         /* that have begun to run, or could not */
	int32_t clone_status;    /* of the last of them: 0 or negative errno */
	char text[STATISTICS_TEXT_SIZE]; /* UTF-8, NUL-terminated: why, for a person; "" if none */
};

struct statistics_vcpu {
	/* live, by the vCPU thread: returns from KVM_RUN by reason */
	uint64_t exits_port;
	uint64_t exits_mmio;
	uint64_t exits_signal;
	uint64_t exits_other;
	/* sampled by the main thread */
	uint64_t run_ns;     /* CPU time of the vCPU thread */
	uint64_t halts;      /* KVM's count of HLT exits */
	uint64_t exits;      /* KVM's count of all exits, in the kernel too */
	uint64_t interrupts; /* KVM's count of injected interrupts */
};

struct statistics_memory {
	uint64_t guest_bytes;    /* what the guest was given */
	uint64_t resident_bytes; /* sampled: how much of it this computer holds */
	uint64_t balloon_target; /* what the guest is asked to give up, bytes */
	/* live */
	uint64_t balloon_bytes;  /* what the guest says it has given up */
	uint64_t reported_bytes; /* free pages the guest has handed back so far, some repeatedly */
	uint8_t reserved[24];
};

/* What the guest's own system says about its memory, if it says anything. Bytes, but for faults. */
struct statistics_guest_memory {
	uint64_t answered_ns; /* CLOCK_MONOTONIC of its last answer, 0: never; the rest is as of
				 then */
	uint64_t total, free;
	uint64_t available; /* what programs could have without swapping */
	uint64_t caches;    /* of files */
	uint64_t swapped_in, swapped_out;
	uint64_t major_faults, minor_faults;
	uint8_t reserved[56];
};

struct disk_statistics { /* live */
	uint64_t read_operations, read_bytes;
	uint64_t write_operations, write_bytes;
	uint64_t flush_operations, discard_operations;
	uint64_t errors;
	uint64_t in_flight;
	uint64_t read_latency[STATISTICS_LATENCY_BUCKETS];
	uint64_t write_latency[STATISTICS_LATENCY_BUCKETS];
};

struct nic_statistics { /* live; frames, and bytes without any header but Ethernet's */
	uint64_t received_packets, received_bytes; /* by the guest */
	uint64_t receive_drops;    /* the guest could not take them, or the cable was out */
	uint64_t receive_filtered; /* to addresses the guest does not listen to */
	uint64_t sent_packets, sent_bytes;
	uint64_t send_drops; /* malformed, or there was nobody to take them */
	uint64_t link;       /* 1: the guest sees a cable with something at its other end */
};

struct statistics_page {
	struct statistics_header header;
	struct statistics_status status;
	struct statistics_memory memory;
	struct statistics_guest_memory guest_memory;
	struct statistics_vcpu vcpus[STATISTICS_MAX_VCPUS];
	struct disk_statistics disks[STATISTICS_MAX_DISKS];
	struct nic_statistics nics[STATISTICS_MAX_NICS];
};

/* Sums over all vCPUs and disks since the machine started, but for resident_bytes. */
struct statistics_history_sample {
	uint64_t sampled_ns; /* CLOCK_MONOTONIC, later than that of the sample before */
	uint64_t resident_bytes;
	uint64_t read_operations, read_bytes;
	uint64_t write_operations, write_bytes;
	uint64_t exits_io; /* port I/O and MMIO */
	uint64_t exits_other;
	uint64_t halts, interrupts;
	uint8_t reserved[48];
};

/* Sample number n is in slot n % STATISTICS_HISTORY_SAMPLES, in both arrays. */
struct statistics_history {
	uint64_t count; /* samples ever taken */
	uint8_t reserved[56];
	struct statistics_history_sample samples[STATISTICS_HISTORY_SAMPLES];
	uint64_t run_ns[STATISTICS_MAX_VCPUS][STATISTICS_HISTORY_SAMPLES];
};

/* The whole file. */
struct statistics_area {
	struct statistics_page page;
	struct statistics_history history;
};

/* The number of the oldest sample there is, of history->count. */
static inline uint64_t statistics_history_first(const struct statistics_history *history)
{
	return history->count > STATISTICS_HISTORY_SAMPLES
		       ? history->count - STATISTICS_HISTORY_SAMPLES
		       : 0;
}

static_assert(sizeof(struct statistics_header) == 64, "one line");
static_assert(sizeof(struct statistics_status) == 64 + STATISTICS_TEXT_SIZE, "five lines");
static_assert(sizeof(struct statistics_memory) == 64, "one line");
static_assert(sizeof(struct statistics_guest_memory) == 128, "two lines");
static_assert(sizeof(struct statistics_vcpu) == 64, "one line per vCPU");
static_assert(sizeof(struct disk_statistics) % 64 == 0, "whole lines");
static_assert(sizeof(struct statistics_history_sample) == 128, "two lines");
static_assert(offsetof(struct statistics_area, history) % 64 == 0, "whole lines");
static_assert(sizeof(struct nic_statistics) == 64, "one line per NIC");

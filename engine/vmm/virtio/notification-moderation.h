/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When a device wants to hear of requests: of each, or of several at once.
 *
 * A device that answers quickly is notified of each request of a guest that has many under way, and
 * interrupts it for each: that guest is busy with leaving and being interrupted, and never gets to
 * give it two at once. So a stream of requests is tried in batches: the driver is to notify of the
 * so-manieth only, and all of them are answered with one interrupt. Nothing is held back in the
 * device, what waits is in the queue still.
 *
 * A batch has to come in less time than the same number of requests took one by one, or it was in
 * vain: then the device takes what there is, asks for less, and rests from trying for more.
 * So who has one request under way at a time is served as without this, but for a small and bounded
 * share of the time, and no request waits for longer than NOTIFICATION_MODERATION_MAX_WAIT_NS.
 *
 * Knows no queue and reads no clock: now_ns is the caller's (CLOCK_MONOTONIC).
 */
#pragma once

#include <stdint.h>

#define NOTIFICATION_MODERATION_MAX_WAIT_NS 2000000ULL

enum {
	NOTIFICATION_MODERATION_FIRST = 4, /* the smallest batch that is tried */
	/* An eighth of a queue of 128: a larger one saves little more, and the guest needs others
	 * to add while the device is busy with this one. */
	NOTIFICATION_MODERATION_MOST = 16,
};

struct notification_moderation {
	unsigned int wanted;  /* requests; 1: hear of each */
	unsigned int proven;  /* what was wanted and came in time; wanted, unless that has grown */
	unsigned int batches; /* that came in time, since the gap is known */
	unsigned int stream;  /* requests heard of one by one, with no pause between them */
	uint64_t gap_ns;      /* the average between those */
	uint64_t last_ns;     /* the round before */
	uint64_t wait_ns, deadline_ns; /* for a batch that is wanted */
	unsigned int rest; /* after growing in vain: so many times as long as that took */
	uint64_t rest_until_ns;
};

/* Hears of each at first. */
void notification_moderation_init(struct notification_moderation *moderation);

/*
 * The device has taken what was there, at the beginning of a round: count requests, perhaps none.
 * Returns for how many it should be notified next, which is to be seen to before it looks away;
 * when that is more than 1, it has to look at moderation->deadline_ns in any case.
 */
unsigned int notification_moderation_next(struct notification_moderation *moderation,
					  unsigned int count, uint64_t now_ns);

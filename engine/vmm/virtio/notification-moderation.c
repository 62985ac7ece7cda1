/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See notification-moderation.h.
 */
#include "virtio/notification-moderation.h"

#include <stdbool.h>

enum {
	FIRST = NOTIFICATION_MODERATION_FIRST,
	MOST = NOTIFICATION_MODERATION_MOST,
	STREAM = 32,       /* requests without a pause: enough to know the gap between them */
	GAP_WEIGHT = 8,    /* of the average, to 1 of the next */
	BATCHES = 1024,    /* in time: then the gap is looked at again, it may be another by now */
	REST_AT_FIRST = 8, /* at most an eighth of the time is lost to a guest that changes often */
	REST_AT_MOST = 128, /* and less than one per cent to one that has nothing for a batch */
};

/*
 * Longer between two requests is no gap in a stream but a pause: with less than a thousand requests
 * a second nobody is busy with notifications.
 */
#define PAUSE_NS 1000000ULL

void notification_moderation_init(struct notification_moderation *moderation)
{
	*moderation = (struct notification_moderation){
		.wanted = 1,
		.proven = 1,
		.rest = REST_AT_FIRST,
	};
}

static void hear_of_each(struct notification_moderation *moderation)
{
	moderation->wanted = 1;
	moderation->proven = 1;
	moderation->stream = 0;
	moderation->batches = 0;
}

static void measure(struct notification_moderation *moderation, unsigned int count, uint64_t now_ns)
{
	uint64_t gap_ns = now_ns - moderation->last_ns;

	if (gap_ns > PAUSE_NS) {
		moderation->stream = 0;
		return;
	}
	gap_ns /= count;
	if (moderation->stream == 0)
		moderation->gap_ns = gap_ns;
	else
		moderation->gap_ns = (moderation->gap_ns * (GAP_WEIGHT - 1) + gap_ns) / GAP_WEIGHT;
	moderation->stream += count;
}

static void grow(struct notification_moderation *moderation)
{
	moderation->wanted = moderation->wanted < FIRST ? FIRST : 2 * moderation->wanted;
	if (moderation->wanted > MOST)
		moderation->wanted = MOST;
}

/* Less than it takes to hear of each: a batch that saves nothing does not come in time. */
static void set_deadline(struct notification_moderation *moderation, uint64_t now_ns)
{
	uint64_t wait_ns = moderation->gap_ns * moderation->wanted * 3 / 4;

	if (wait_ns > NOTIFICATION_MODERATION_MAX_WAIT_NS)
		wait_ns = NOTIFICATION_MODERATION_MAX_WAIT_NS;
	moderation->wait_ns = wait_ns;
	moderation->deadline_ns = now_ns + wait_ns;
}

static void give_up(struct notification_moderation *moderation, unsigned int count, uint64_t now_ns)
{
	bool grown = moderation->wanted > moderation->proven;
	unsigned int rest = grown ? moderation->rest : REST_AT_FIRST;

	if (now_ns + rest * moderation->wait_ns > moderation->rest_until_ns)
		moderation->rest_until_ns = now_ns + rest * moderation->wait_ns;
	if (grown && rest < REST_AT_MOST)
		moderation->rest *= 2;
	moderation->wanted = count;
	if (grown && count > 0 && count < moderation->proven)
		moderation->wanted = moderation->proven;
	moderation->proven = moderation->wanted;
	if (moderation->wanted <= 1)
		hear_of_each(moderation);
}

static void came_in_time(struct notification_moderation *moderation, bool rested)
{
	if (moderation->wanted > moderation->proven)
		moderation->rest = REST_AT_FIRST;
	moderation->proven = moderation->wanted;
	if (++moderation->batches == BATCHES) {
		hear_of_each(moderation);
		moderation->rest_until_ns = 0;
	} else if (rested) {
		grow(moderation);
	}
}

unsigned int notification_moderation_next(struct notification_moderation *moderation,
					  unsigned int count, uint64_t now_ns)
{
	bool rested = now_ns >= moderation->rest_until_ns;

	if (moderation->wanted == 1) {
		if (count > 0)
			measure(moderation, count, now_ns);
		if (moderation->stream >= STREAM && rested)
			grow(moderation);
	} else if (count >= moderation->wanted) {
		came_in_time(moderation, rested);
	} else if (now_ns >= moderation->deadline_ns) {
		give_up(moderation, count, now_ns);
	}
	moderation->last_ns = now_ns;
	set_deadline(moderation, now_ns);
	return moderation->wanted;
}

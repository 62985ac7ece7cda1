/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clusters that nothing in the file points to any more become free: after what was under way to or
 * from them has ended, and after their place in the file was given up. Only then are their counts
 * lowered, so that they are not allocated before. One that cannot be given back is lost, not more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block/layered-disk-private.h"

enum stage {
	WAIT,  /* for transfers that were begun before */
	COUNT, /* what has other users keeps its place */
	PUNCH,
	WAIT_PUNCHED,
	FREE,
};

struct punch {
	struct block_transfer transfer;
	struct give_back *give_back;
};

struct give_back {
	struct layered_operation work;
	bool running;
	enum stage stage;
	struct offsets offsets; /* under way, in their order */
	size_t index, unused;   /* of those: the first ones, after COUNT */
	struct offsets next;
	struct punch *punches;
};

int layered_give_back_create(struct layered_disk *disk)
{
	disk->give_back = calloc(1, sizeof(*disk->give_back));
	return disk->give_back ? 0 : -ENOMEM;
}

void layered_give_back_destroy(struct layered_disk *disk)
{
	if (!disk->give_back)
		return;
	free(disk->give_back->offsets.at);
	free(disk->give_back->next.at);
	free(disk->give_back);
}

static int compare(const void *a, const void *b)
{
	uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

	return first < second ? -1 : first > second;
}

static int count_users(struct layered_disk *disk, struct give_back *give_back)
{
	struct qcow2_refcounts *refcounts = &layered_disk_top(disk)->refcounts;
	const uint64_t *at = give_back->offsets.at;

	while (give_back->index < give_back->offsets.count) {
		uint64_t offset = at[give_back->index], users;
		uint64_t cluster = offset >> refcounts->layout->cluster_bits;
		size_t same = 1;
		int r = qcow2_refcounts_get(refcounts, cluster, &users);

		while (give_back->index + same < give_back->offsets.count &&
		       at[give_back->index + same] == offset)
			same++;
		if (r == 0 && users > same)
			r = qcow2_refcounts_set(refcounts, cluster, users - same);
		else if (r == 0 && users > 0)
			give_back->offsets.at[give_back->unused++] = offset;
		if (r < 0)
			return r;
		give_back->index += same;
	}
	return 0;
}

static void on_punched(struct block_transfer *transfer, int result)
{
	struct give_back *give_back = ((struct punch *)transfer)->give_back;

	(void)result; /* nothing is lost where the file system cannot do that */
	layered_part_ends(give_back->work.disk, &give_back->work, 0);
}

/* Clusters that lie in a row are punched together. */
static void punch(struct layered_disk *disk, struct give_back *give_back)
{
	uint64_t size = layered_disk_top(disk)->layout.cluster_size;
	struct block_transfer *last = NULL;
	size_t count = 0;

	give_back->punches = calloc(give_back->unused, sizeof(*give_back->punches));
	if (!give_back->punches)
		return;
	for (size_t i = 0; i < give_back->unused; i++) {
		uint64_t offset = give_back->offsets.at[i];

		if (last && last->offset + last->length == offset) {
			last->length += size;
			continue;
		}
		give_back->punches[count].give_back = give_back;
		last = &give_back->punches[count++].transfer;
		*last = (struct block_transfer){
			.operation = BLOCK_DISCARD,
			.fd = disk->layers[0].fd,
			.offset = offset,
			.length = size,
			.complete = on_punched,
		};
	}
	for (size_t i = 0; i < count; i++) {
		layered_part_begins(&give_back->work);
		block_transfers_start(disk->transfers, &give_back->punches[i].transfer);
	}
}

static int free_clusters(struct layered_disk *disk, struct give_back *give_back)
{
	struct qcow2_refcounts *refcounts = &layered_disk_top(disk)->refcounts;

	while (give_back->index < give_back->unused) {
		uint64_t offset = give_back->offsets.at[give_back->index];
		int r = layered_store_room(disk);

		if (r == 0)
			r = qcow2_refcounts_set(refcounts,
						offset >> refcounts->layout->cluster_bits, 0);
		if (r < 0)
			return r;
		give_back->index++;
	}
	return 0;
}

static int step(struct layered_disk *disk, struct layered_operation *work)
{
	struct give_back *give_back = (struct give_back *)work;
	int r = 0;

	if (give_back->stage == WAIT && disk->parts[1 - disk->epoch] > 0)
		return -EAGAIN;
	if (give_back->stage == WAIT)
		give_back->stage = COUNT;
	if (give_back->stage == COUNT) {
		r = count_users(disk, give_back);
		if (r < 0)
			return r;
		give_back->index = 0;
		give_back->stage = PUNCH;
	}
	if (give_back->stage == PUNCH && give_back->unused > 0)
		punch(disk, give_back);
	if (give_back->stage == PUNCH)
		give_back->stage = WAIT_PUNCHED;
	if (give_back->stage == WAIT_PUNCHED && work->pending > 0)
		return -EAGAIN;
	give_back->stage = FREE;
	return free_clusters(disk, give_back);
}

static void begin(struct layered_disk *disk);

static void on_given_back(struct layered_operation *work, int result)
{
	struct give_back *give_back = (struct give_back *)work;

	(void)result;
	free(give_back->punches);
	free(give_back->offsets.at);
	give_back->punches = NULL;
	give_back->offsets = (struct offsets){NULL, 0};
	give_back->running = false;
	if (give_back->next.count > 0)
		begin(work->disk);
}

static void begin(struct layered_disk *disk)
{
	struct give_back *give_back = disk->give_back;

	give_back->running = true;
	give_back->offsets = give_back->next;
	give_back->next = (struct offsets){NULL, 0};
	give_back->index = 0;
	give_back->unused = 0;
	give_back->stage = WAIT;
	qsort(give_back->offsets.at, give_back->offsets.count, sizeof(uint64_t), compare);
	/* Those of the epoch before the one that ends now have all ended. */
	disk->epoch = 1 - disk->epoch;
	give_back->work = (struct layered_operation){.step = step, .complete = on_given_back};
	layered_begin(disk, &give_back->work);
}

void layered_give_back(struct layered_disk *disk, size_t count)
{
	struct give_back *give_back = disk->give_back;
	struct qcow2_refcounts *refcounts = &layered_disk_top(disk)->refcounts;
	size_t have = give_back->next.count;
	uint64_t *all;

	if (count == 0)
		return;
	all = reallocarray(give_back->next.at, have + count, sizeof(*all));
	/* Without memory the next store does it. */
	if (!all)
		return;
	memcpy(all + have, refcounts->released, count * sizeof(*all));
	give_back->next = (struct offsets){all, have + count};
	refcounts->released_count -= count;
	memmove(refcounts->released, refcounts->released + count,
		refcounts->released_count * sizeof(*refcounts->released));
	if (!give_back->running)
		begin(disk);
}

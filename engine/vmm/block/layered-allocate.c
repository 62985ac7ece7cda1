/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing where the top has no place of its own yet. New clusters are filled whole (or whole
 * subclusters): what the guest does not write comes from the layers below. Only when all of it has
 * been written do entries point there, so the old is read until then, and nothing else may change
 * these clusters meanwhile.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/iov.h"
#include "block/layered-disk-private.h"

enum { MAX_CLUSTERS = 256 };

/* What goes before or behind the guest's bytes. */
struct filling {
	struct layered_operation read;
	struct allocation *allocation;
	uint64_t length;
	bool absent;    /* zeroes where the file has none yet: nothing is written */
	uint8_t *bytes; /* NULL: zeroes */
	struct iovec iov;
};

struct allocation {
	struct allocation *next;
	struct layered_disk *disk;
	struct layered_operation *operation;
	uint64_t position, length; /* of the operation's bytes */
	struct qcow2_piece piece;  /* the first; the only one, when it has a place already */
	uint64_t start, end;       /* of the disk: whole clusters */
	struct qcow2_range range;  /* of the disk: what has data afterwards */
	uint64_t host;             /* of the first cluster */
	bool fresh;                /* the file ended before it */
	struct filling head, tail;
	unsigned int unfilled;
	unsigned int epoch;
	int error;
	struct block_transfer transfer;
	struct iovec *iov;
	uint8_t *bounced;
	struct layered_operation link; /* sets the entries */
};

static struct allocation *of_link(struct layered_operation *link)
{
	return (void *)((char *)link - offsetof(struct allocation, link));
}

static struct allocation *of_transfer(struct block_transfer *transfer)
{
	return (void *)((char *)transfer - offsetof(struct allocation, transfer));
}

static struct filling *of_read(struct layered_operation *read)
{
	return (void *)((char *)read - offsetof(struct filling, read));
}

bool layered_is_allocating(const struct layered_disk *disk, uint64_t offset, uint64_t length)
{
	for (const struct allocation *other = disk->allocations; other; other = other->next) {
		if (offset < other->end && other->start < offset + length)
			return true;
	}
	return false;
}

/* The end */

/* New clusters that nothing points to are free at once; one that cannot be is lost, not more. */
static void free_cluster(struct qcow2_image *image, uint64_t host)
{
	if (qcow2_refcounts_set(&image->refcounts, host >> image->layout.cluster_bits, 0) < 0)
		(void)qcow2_refcounts_release(&image->refcounts, host);
}

static void remove_from_list(struct layered_disk *disk, const struct allocation *allocation)
{
	struct allocation **link = &disk->allocations;

	while (*link != allocation)
		link = &(*link)->next;
	*link = allocation->next;
}

static void drop_filling(struct layered_disk *disk, struct filling *filling)
{
	if (filling->bytes)
		disk->filled -= (size_t)filling->length;
	free(filling->bytes);
}

static void end(struct allocation *allocation, int result)
{
	struct layered_disk *disk = allocation->disk;
	struct layered_operation *operation = allocation->operation;
	struct qcow2_image *image = layered_disk_top(disk);
	uint64_t length = allocation->end - allocation->start;

	for (uint64_t at = allocation->link.position; result < 0 && at < length;
	     at += image->layout.cluster_size) {
		if (allocation->host != allocation->piece.host)
			free_cluster(image, allocation->host + at);
	}
	remove_from_list(disk, allocation);
	drop_filling(disk, &allocation->head);
	drop_filling(disk, &allocation->tail);
	free(allocation->bounced);
	free(allocation->iov);
	free(allocation);
	layered_part_ends(disk, operation, result);
}

static void on_linked(struct layered_operation *link, int result)
{
	end(of_link(link), result);
}

/* The part of the range that is in that cluster. */
static struct qcow2_range range_in_cluster(const struct allocation *allocation, uint64_t start)
{
	uint64_t size = layered_disk_top(allocation->disk)->layout.cluster_size;
	uint64_t from = allocation->range.offset, to = from + allocation->range.length;

	if (from < start)
		from = start;
	if (to > start + size)
		to = start + size;
	return (struct qcow2_range){from, to - from};
}

static int link_clusters(struct layered_disk *disk, struct layered_operation *link)
{
	struct allocation *allocation = of_link(link);
	struct qcow2_image *image = layered_disk_top(disk);
	uint64_t size = image->layout.cluster_size;
	int r = 0;

	while (link->position < allocation->end - allocation->start) {
		uint64_t start = allocation->start + link->position;
		struct qcow2_piece piece;

		r = layered_store_room(disk);
		if (r == 0)
			r = qcow2_piece_find(image, start, size, &piece);
		if (r == 0)
			r = qcow2_image_set_entry(
				image, start,
				qcow2_piece_entry(image, &piece,
						  range_in_cluster(allocation, start),
						  allocation->host + link->position));
		if (r < 0)
			return r;
		link->position += size;
	}
	if (allocation->host != allocation->piece.host)
		r = qcow2_image_release_entry(image, allocation->piece.entry.descriptor);
	return r;
}

static void on_written(struct block_transfer *transfer, int result)
{
	struct allocation *allocation = of_transfer(transfer);

	allocation->disk->parts[allocation->epoch]--;
	if (result < 0) {
		end(allocation, result);
		return;
	}
	allocation->link = (struct layered_operation){
		.step = link_clusters,
		.complete = on_linked,
	};
	layered_begin(allocation->disk, &allocation->link);
}

/* Writing */

static unsigned int count_filling(const struct filling *filling)
{
	if (filling->length == 0 || filling->absent)
		return 0;
	return filling->bytes ? 1
			      : (unsigned int)((filling->length + LAYERED_ZEROES_SIZE - 1) /
					       LAYERED_ZEROES_SIZE);
}

static unsigned int add_filling(const struct filling *filling, struct iovec *iov)
{
	unsigned int count = count_filling(filling);
	uint64_t left = filling->length;

	if (count > 0 && filling->bytes) {
		iov[0] = (struct iovec){filling->bytes, (size_t)filling->length};
		return 1;
	}
	for (unsigned int i = 0; i < count; i++) {
		size_t n = left < LAYERED_ZEROES_SIZE ? (size_t)left : LAYERED_ZEROES_SIZE;

		iov[i] = (struct iovec){(void *)layered_zeroes, n};
		left -= n;
	}
	return count;
}

/* More elements than the kernel takes at once. */
static int bounce(struct allocation *allocation, uint64_t length)
{
	struct block_transfer *transfer = &allocation->transfer;

	allocation->bounced = malloc((size_t)length);
	if (!allocation->bounced)
		return -ENOMEM;
	iov_read(allocation->iov, transfer->iov_count, 0, allocation->bounced, (size_t)length);
	allocation->iov[0] = (struct iovec){allocation->bounced, (size_t)length};
	transfer->iov_count = 1;
	return 0;
}

static int collect(struct allocation *allocation, uint64_t length)
{
	const struct layered_operation *operation = allocation->operation;
	unsigned int data = iov_slice(operation->iov, operation->iov_count, allocation->position,
				      allocation->length, NULL);
	unsigned int count =
		count_filling(&allocation->head) + data + count_filling(&allocation->tail);
	struct iovec *iov = calloc(count, sizeof(*iov));

	if (!iov)
		return -ENOMEM;
	allocation->iov = iov;
	allocation->transfer.iov = iov;
	allocation->transfer.iov_count = count;
	iov += add_filling(&allocation->head, iov);
	iov += iov_slice(operation->iov, operation->iov_count, allocation->position,
			 allocation->length, iov);
	add_filling(&allocation->tail, iov);
	return count > IOV_MAX ? bounce(allocation, length) : 0;
}

static void write_clusters(struct allocation *allocation)
{
	struct layered_disk *disk = allocation->disk;
	uint64_t from = allocation->range.offset, to = from + allocation->range.length;
	int r = allocation->error;

	if (allocation->head.absent)
		from += allocation->head.length;
	if (allocation->tail.absent)
		to -= allocation->tail.length;
	if (r == 0)
		r = collect(allocation, to - from);
	if (r < 0) {
		end(allocation, r);
		return;
	}
	allocation->transfer.operation = BLOCK_WRITE;
	allocation->transfer.fd = disk->layers[0].fd;
	allocation->transfer.offset = allocation->host + (from - allocation->start);
	allocation->transfer.length = to - from;
	allocation->transfer.complete = on_written;
	allocation->epoch = disk->epoch;
	disk->parts[disk->epoch]++;
	block_transfers_start(disk->transfers, &allocation->transfer);
}

/* Filling */

static void filled(struct allocation *allocation, int result)
{
	if (result < 0 && allocation->error == 0)
		allocation->error = result;
	if (--allocation->unfilled == 0)
		write_clusters(allocation);
}

static void on_filled(struct layered_operation *read, int result)
{
	struct filling *filling = of_read(read);

	filled(filling->allocation, result);
}

static bool is_zero(struct layered_disk *disk, uint64_t offset, uint64_t length)
{
	struct extent extent;

	return layered_locate(disk, offset, length, &extent) == 0 && extent.kind == EXTENT_ZERO &&
	       extent.length == length;
}

static void fill(struct allocation *allocation, struct filling *filling, uint64_t offset,
		 uint64_t length)
{
	struct layered_disk *disk = allocation->disk;
	/* Whatever it was, a subcluster that is filled was none of the data in place. */
	bool nothing = length == 0 || is_zero(disk, offset, length);

	filling->allocation = allocation;
	filling->length = length;
	filling->absent = nothing && allocation->fresh;
	if (nothing)
		return;
	filling->bytes = malloc((size_t)length);
	if (!filling->bytes) {
		allocation->error = -ENOMEM;
		return;
	}
	disk->filled += (size_t)length;
	filling->iov = (struct iovec){filling->bytes, (size_t)length};
	filling->read = (struct layered_operation){
		.operation = BLOCK_READ,
		.offset = offset,
		.length = length,
		.iov = &filling->iov,
		.iov_count = 1,
		.complete = on_filled,
		.step = layered_read,
	};
	allocation->unfilled++;
	layered_begin(disk, &filling->read);
}

static void fill_both(struct allocation *allocation)
{
	uint64_t from = allocation->operation->offset + allocation->position;
	uint64_t to = from + allocation->length;
	uint64_t range_end = allocation->range.offset + allocation->range.length;

	allocation->unfilled = 1; /* until both have been begun */
	fill(allocation, &allocation->head, allocation->range.offset,
	     from - allocation->range.offset);
	fill(allocation, &allocation->tail, to, range_end - to);
	filled(allocation, 0);
}

/* The beginning */

/* Whether a cluster has no place, so that it can go with others that have none. */
static bool has_no_place(const struct qcow2_piece *piece)
{
	return piece->host == 0 && !(piece->entry.descriptor & QCOW2_ENTRY_COMPRESSED);
}

/* How many bytes from the piece on go to new clusters in a row. */
static uint64_t find_run(struct layered_disk *disk, const struct qcow2_piece *piece,
			 uint64_t length)
{
	struct qcow2_image *image = layered_disk_top(disk);
	uint64_t run = piece->length;
	struct qcow2_piece next;

	if (!has_no_place(piece))
		return run;
	for (unsigned int count = 1; run < length && count < MAX_CLUSTERS; count++) {
		if (qcow2_piece_find(image, piece->offset + run, length - run, &next) < 0 ||
		    !has_no_place(&next) ||
		    layered_is_allocating(disk, next.cluster_start, image->layout.cluster_size))
			break;
		run += next.length;
	}
	return run;
}

/* As much of it as there is place for in a row. */
static int allocate_host(struct allocation *allocation)
{
	struct qcow2_image *image = layered_disk_top(allocation->disk);
	uint64_t size = image->layout.cluster_size, file_size = image->layout.file_size;
	uint64_t wanted = (allocation->end - allocation->start) / size, count;
	int r;

	if (allocation->piece.in_place) {
		allocation->host = allocation->piece.host;
		return 0;
	}
	r = qcow2_refcounts_allocate_up_to(&image->refcounts, wanted, &allocation->host, &count);
	if (r < 0)
		return r;
	allocation->fresh = allocation->host >= file_size;
	if (count < wanted) {
		allocation->end = allocation->start + count * size;
		allocation->length = allocation->end - allocation->piece.offset;
	}
	return 0;
}

static void set_range(struct allocation *allocation)
{
	const struct qcow2_image *image = layered_disk_top(allocation->disk);
	uint64_t unit = (uint64_t)1 << image->layout.subcluster_bits;
	uint64_t from = allocation->piece.offset, to = from + allocation->length;

	if (qcow2_piece_moves(&allocation->piece))
		allocation->range = qcow2_piece_extend(image, &allocation->piece);
	else
		allocation->range = (struct qcow2_range){
			from & ~(unit - 1),
			((to + unit - 1) & ~(unit - 1)) - (from & ~(unit - 1)),
		};
}

static int begin(struct allocation *allocation, struct layered_operation *operation, uint64_t run)
{
	struct layered_disk *disk = allocation->disk;
	uint64_t size = layered_disk_top(disk)->layout.cluster_size;
	int r;

	allocation->operation = operation;
	allocation->position = operation->position;
	allocation->length = run;
	allocation->start = allocation->piece.cluster_start;
	allocation->end = (allocation->piece.offset + run + size - 1) & ~(size - 1);
	r = allocate_host(allocation);
	if (r < 0)
		return r;
	set_range(allocation);
	allocation->next = disk->allocations;
	disk->allocations = allocation;
	layered_part_begins(operation);
	operation->position += allocation->length;
	fill_both(allocation);
	return 0;
}

int layered_allocate(struct layered_disk *disk, struct layered_operation *operation,
		     const struct qcow2_piece *piece)
{
	uint64_t size = layered_disk_top(disk)->layout.cluster_size;
	struct allocation *allocation;
	int r;

	if (disk->corrupt)
		return -EUCLEAN;
	if (layered_is_allocating(disk, piece->cluster_start, size) ||
	    disk->filled > LAYERED_MAX_BUFFERED)
		return -EAGAIN;
	r = layered_store_room(disk);
	if (r < 0)
		return r;
	allocation = calloc(1, sizeof(*allocation));
	if (!allocation)
		return -ENOMEM;
	allocation->disk = disk;
	allocation->piece = *piece;
	r = begin(allocation, operation,
		  find_run(disk, piece, operation->length - operation->position));
	if (r < 0)
		free(allocation);
	return r;
}

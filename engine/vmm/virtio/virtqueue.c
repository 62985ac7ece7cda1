/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Split virtqueues, device side: see virtqueue.h. Section numbers are of virtio 1.2.
 */
#include "virtio/virtqueue.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "memory/guest-memory.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

/* Positions in the 16-bit fields of the two rings. */
enum { RING_FLAGS = 0, RING_INDEX = 1, RING_ENTRIES = 2 };

enum { USED_ENTRY_WORDS = sizeof(struct vring_used_elem) / sizeof(uint16_t) };

static int fault(struct virtqueue *queue, const char *reason)
{
	queue->fault = reason;
	return -EPROTO;
}

static uint16_t load_field(const uint16_t *field)
{
	return le16toh(__atomic_load_n(field, __ATOMIC_ACQUIRE));
}

static void store_field(uint16_t *field, uint16_t value)
{
	__atomic_store_n(field, htole16(value), __ATOMIC_RELEASE);
}

static bool usable(const struct virtqueue *queue)
{
	return queue->ready && !queue->fault;
}

void virtqueue_init(struct virtqueue *queue, struct guest_memory *memory, uint16_t max_size)
{
	assert(max_size > 0 && max_size <= VIRTQUEUE_MAX_SIZE && !(max_size & (max_size - 1)));
	memset(queue, 0, sizeof(*queue));
	queue->memory = memory;
	queue->max_size = max_size;
	queue->size = max_size;
}

void virtqueue_reset(struct virtqueue *queue)
{
	virtqueue_init(queue, queue->memory, queue->max_size);
}

/* Section 2.7: sizes and alignments of the three parts. */
int virtqueue_enable(struct virtqueue *queue, bool indirect, bool event_idx)
{
	size_t size = queue->size;

	if (size == 0 || size > queue->max_size || (size & (size - 1)))
		return fault(queue, "queue size is not a power of two in range");
	if (queue->descriptor_gpa % 16 || queue->available_gpa % 2 || queue->used_gpa % 4)
		return fault(queue, "queue is not aligned");
	queue->available = guest_memory_at(queue->memory, queue->available_gpa,
					   (RING_ENTRIES + size + 1) * sizeof(uint16_t));
	queue->used =
		guest_memory_at(queue->memory, queue->used_gpa,
				(RING_ENTRIES + size * USED_ENTRY_WORDS + 1) * sizeof(uint16_t));
	if (!queue->available || !queue->used ||
	    !guest_memory_at(queue->memory, queue->descriptor_gpa,
			     size * sizeof(struct vring_desc)))
		return fault(queue, "queue is outside memory");
	queue->indirect = indirect;
	queue->event_idx = event_idx;
	queue->interrupt_always = true;
	queue->ready = true;
	return 0;
}

/* A descriptor, copied once. The table has been checked to be in memory. */
static int read_descriptor(const struct virtqueue *queue, uint64_t table, unsigned int index,
			   struct vring_desc *ret_descriptor)
{
	struct vring_desc raw;
	int r = guest_memory_read(queue->memory, table + index * sizeof(raw), &raw, sizeof(raw));

	if (r < 0)
		return r;
	ret_descriptor->addr = le64toh(raw.addr);
	ret_descriptor->len = le32toh(raw.len);
	ret_descriptor->flags = le16toh(raw.flags);
	ret_descriptor->next = le16toh(raw.next);
	return 0;
}

static int append(struct virtqueue *queue, const struct vring_desc *descriptor, struct iovec *iov,
		  struct virtqueue_chain *chain)
{
	unsigned int count = chain->readable_count + chain->writable_count;
	bool writable = descriptor->flags & VRING_DESC_F_WRITE;
	void *host;

	if (!writable && chain->writable_count > 0)
		return fault(queue, "readable descriptor after a writable one");
	if (descriptor->len == 0)
		return 0;
	if (count == queue->max_size)
		return fault(queue, "descriptor chain is longer than the queue");
	host = guest_memory_at(queue->memory, descriptor->addr, descriptor->len);
	if (!host)
		return fault(queue, "buffer is outside memory");
	iov[count] = (struct iovec){host, descriptor->len};
	if (writable) {
		chain->writable_count++;
		chain->writable_length += descriptor->len;
	} else {
		chain->readable_count++;
		chain->readable_length += descriptor->len;
	}
	return 0;
}

/* Section 2.7.5.3: the table replaces the descriptor; it has no further tables in it. */
static int open_indirect(struct virtqueue *queue, const struct vring_desc *descriptor,
			 unsigned int *ret_entries)
{
	uint32_t length = descriptor->len;

	if (!queue->indirect)
		return fault(queue, "indirect descriptors were not negotiated");
	if (descriptor->flags & VRING_DESC_F_NEXT)
		return fault(queue, "indirect descriptor is not the last");
	if (length == 0 || length % sizeof(struct vring_desc) ||
	    length / sizeof(struct vring_desc) > queue->max_size)
		return fault(queue, "size of an indirect table is out of range");
	if (!guest_memory_at(queue->memory, descriptor->addr, length))
		return fault(queue, "indirect table is outside memory");
	*ret_entries = length / sizeof(struct vring_desc);
	return 0;
}

static int walk_chain(struct virtqueue *queue, uint16_t head, struct iovec *iov,
		      struct virtqueue_chain *chain)
{
	uint64_t table = queue->descriptor_gpa;
	unsigned int entries = queue->size;
	unsigned int index = head;
	unsigned int steps = 0;
	bool inside = false; /* an indirect table */

	for (;;) {
		struct vring_desc descriptor;
		int r;

		if (index >= entries)
			return fault(queue, "descriptor index is out of range");
		/* A chain without a loop is no longer than the table it is in. */
		if (steps++ == entries)
			return fault(queue, "descriptor chain has a loop");
		r = read_descriptor(queue, table, index, &descriptor);
		if (r < 0)
			return fault(queue, "descriptor is outside memory");
		if (descriptor.flags & VRING_DESC_F_INDIRECT) {
			if (inside)
				return fault(queue, "indirect table inside an indirect table");
			r = open_indirect(queue, &descriptor, &entries);
			if (r < 0)
				return r;
			table = descriptor.addr;
			index = 0;
			steps = 0;
			inside = true;
			continue;
		}
		r = append(queue, &descriptor, iov, chain);
		if (r < 0)
			return r;
		if (!(descriptor.flags & VRING_DESC_F_NEXT))
			return 0;
		index = descriptor.next;
	}
}

int virtqueue_pop(struct virtqueue *queue, struct iovec *iov, struct virtqueue_chain *ret_chain)
{
	struct virtqueue_chain chain = {0};
	uint16_t waiting;
	int r;

	if (!usable(queue))
		return queue->fault ? -EPROTO : 0;
	/* Acquire: the entries are read after the index that covers them. */
	waiting = (uint16_t)(load_field(&queue->available[RING_INDEX]) - queue->next_available);
	if (waiting == 0)
		return 0;
	if (waiting > queue->size)
		return fault(queue, "available index is out of range");
	if ((uint16_t)(queue->next_available - queue->next_used) >= queue->size)
		return fault(queue, "more requests than the queue holds");
	chain.head =
		load_field(&queue->available[RING_ENTRIES + queue->next_available % queue->size]);
	r = walk_chain(queue, chain.head, iov, &chain);
	if (r < 0)
		return r;
	queue->next_available++;
	*ret_chain = chain;
	return 1;
}

void virtqueue_unpop(struct virtqueue *queue, unsigned int count)
{
	if (!usable(queue))
		return;
	assert(count <= (uint16_t)(queue->next_available - queue->next_used));
	queue->next_available = (uint16_t)(queue->next_available - count);
}

void virtqueue_take_back(struct virtqueue *queue, uint16_t next_available)
{
	if (!usable(queue))
		return;
	queue->next_available = next_available;
	queue->next_used = next_available;
	queue->published_used = next_available;
	queue->interrupt_always = true;
}

void virtqueue_push(struct virtqueue *queue, uint16_t head, uint32_t written)
{
	struct vring_used_elem element = {.id = htole32(head), .len = htole32(written)};

	if (!usable(queue))
		return;
	assert(queue->next_used != queue->next_available);
	memcpy(&queue->used[RING_ENTRIES + queue->next_used % queue->size * USED_ENTRY_WORDS],
	       &element, sizeof(element));
	queue->next_used++;
}

/* Sections 2.7.7.2 and 2.7.10. */
static bool wants_interrupt(struct virtqueue *queue)
{
	uint16_t before = queue->interrupted_used;
	bool always = queue->interrupt_always;

	if (!queue->event_idx)
		return !(load_field(&queue->available[RING_FLAGS]) & VRING_AVAIL_F_NO_INTERRUPT);
	queue->interrupted_used = queue->next_used;
	queue->interrupt_always = false;
	return always || vring_need_event(load_field(&queue->available[RING_ENTRIES + queue->size]),
					  queue->next_used, before);
}

bool virtqueue_publish(struct virtqueue *queue)
{
	if (!usable(queue) || queue->published_used == queue->next_used)
		return false;
	/* Release: the guest sees the entries before the index that covers them. */
	store_field(&queue->used[RING_INDEX], queue->next_used);
	queue->published_used = queue->next_used;
	/* The guest stores used_event, then looks at the index; here it is the other way round. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return wants_interrupt(queue);
}

void virtqueue_disable_notification(struct virtqueue *queue)
{
	/* With event indices the event just stays where it is, behind the guest. */
	if (usable(queue) && !queue->event_idx)
		store_field(&queue->used[RING_FLAGS], VRING_USED_F_NO_NOTIFY);
}

bool virtqueue_enable_notification_at(struct virtqueue *queue, unsigned int count)
{
	uint16_t *available_event;

	if (!usable(queue))
		return false;
	if (!queue->event_idx)
		count = 1;
	available_event = &queue->used[RING_ENTRIES + queue->size * USED_ENTRY_WORDS];
	if (queue->event_idx)
		store_field(available_event, (uint16_t)(queue->next_available + count - 1));
	else
		store_field(&queue->used[RING_FLAGS], 0);
	/*
	 * The driver may have added a buffer after our last look and before this store, without
	 * notifying (section 2.7.9.1), so look once more.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return (uint16_t)(load_field(&queue->available[RING_INDEX]) - queue->next_available) >=
	       count;
}

bool virtqueue_enable_notification(struct virtqueue *queue)
{
	return virtqueue_enable_notification_at(queue, 1);
}

unsigned int virtqueue_outstanding(const struct virtqueue *queue)
{
	return (uint16_t)(queue->next_available - queue->next_used);
}

void virtqueue_save(const struct virtqueue *queue, struct state_writer *writer)
{
	state_writer_put16(writer, queue->size);
	state_writer_put64(writer, queue->descriptor_gpa);
	state_writer_put64(writer, queue->available_gpa);
	state_writer_put64(writer, queue->used_gpa);
	state_writer_put_bool(writer, queue->ready);
	state_writer_put_bool(writer, queue->fault);
	state_writer_put16(writer, queue->next_available);
	state_writer_put16(writer, queue->next_used);
	state_writer_put16(writer, queue->published_used);
	state_writer_put16(writer, queue->interrupted_used);
	state_writer_put_bool(writer, queue->interrupt_always);
}

static void load_positions(struct virtqueue *queue, struct state_reader *reader)
{
	queue->next_available = state_reader_get16(reader);
	queue->next_used = state_reader_get16(reader);
	queue->published_used = state_reader_get16(reader);
	queue->interrupted_used = state_reader_get16(reader);
	queue->interrupt_always = state_reader_get_bool(reader);
	state_reader_check(reader,
			   virtqueue_outstanding(queue) <= queue->size &&
				   (uint16_t)(queue->next_used - queue->published_used) <=
					   queue->size,
			   "a queue of a virtio device has more in it than it holds");
}

void virtqueue_load(struct virtqueue *queue, struct state_reader *reader, bool indirect,
		    bool event_idx)
{
	bool ready, faulty;

	virtqueue_reset(queue);
	queue->size = state_reader_get16(reader);
	queue->descriptor_gpa = state_reader_get64(reader);
	queue->available_gpa = state_reader_get64(reader);
	queue->used_gpa = state_reader_get64(reader);
	ready = state_reader_get_bool(reader);
	faulty = state_reader_get_bool(reader);
	if (ready)
		state_reader_check(reader, virtqueue_enable(queue, indirect, event_idx) == 0,
				   "a queue of a virtio device cannot be where it says");
	load_positions(queue, reader);
	if (faulty)
		queue->fault = "it was broken when it was saved";
}

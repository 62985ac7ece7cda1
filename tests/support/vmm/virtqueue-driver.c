/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See virtqueue-driver.h.
 */
#include "virtqueue-driver.h"

/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <endian.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "memory/guest-memory.h"

static uint16_t *field(const struct virtqueue_driver *driver, uint64_t gpa)
{
	uint16_t *host = guest_memory_at(driver->memory, gpa, sizeof(*host));

	assert(host);
	return host;
}

static uint16_t load(const struct virtqueue_driver *driver, uint64_t gpa)
{
	return __atomic_load_n(field(driver, gpa), __ATOMIC_ACQUIRE);
}

static void store(const struct virtqueue_driver *driver, uint64_t gpa, uint16_t value)
{
	__atomic_store_n(field(driver, gpa), value, __ATOMIC_RELEASE);
}

static uint64_t used_event_gpa(const struct virtqueue_driver *driver)
{
	return driver->available_gpa + 4 + 2 * (uint64_t)driver->size;
}

static uint64_t available_event_gpa(const struct virtqueue_driver *driver)
{
	return driver->used_gpa + 4 + 8 * (uint64_t)driver->size;
}

void virtqueue_driver_init(struct virtqueue_driver *driver, struct guest_memory *memory,
			   uint64_t base, uint16_t size, bool event_idx)
{
	uint64_t end;

	memset(driver, 0, sizeof(*driver));
	driver->memory = memory;
	driver->size = size;
	driver->event_idx = event_idx;
	driver->descriptor_gpa = base;
	driver->available_gpa = base + 16 * (uint64_t)size;
	driver->used_gpa = (used_event_gpa(driver) + 2 + 3) & ~3ULL;
	end = available_event_gpa(driver) + 2;
	memset(guest_memory_at(memory, base, end - base), 0, end - base);
	for (uint16_t i = size; i > 0; i--)
		driver->free[driver->free_count++] = i - 1;
}

void virtqueue_driver_set_descriptor(struct virtqueue_driver *driver, uint64_t table,
				     uint16_t index, uint64_t gpa, uint32_t length, uint16_t flags,
				     uint16_t next)
{
	struct vring_desc descriptor = {
		.addr = htole64(gpa),
		.len = htole32(length),
		.flags = htole16(flags),
		.next = htole16(next),
	};
	int r = guest_memory_write(driver->memory, table + index * sizeof(descriptor), &descriptor,
				   sizeof(descriptor));

	assert(r == 0);
}

void virtqueue_driver_set_available_index(struct virtqueue_driver *driver, uint16_t index)
{
	driver->next_available = index;
	store(driver, driver->available_gpa + 2, index);
}

void virtqueue_driver_make_available(struct virtqueue_driver *driver, uint16_t head)
{
	uint16_t index = driver->next_available;

	store(driver, driver->available_gpa + 4 + 2 * (uint64_t)(index % driver->size), head);
	virtqueue_driver_set_available_index(driver, index + 1);
}

static uint16_t flags_of(const struct virtqueue_buffer *buffer, bool last)
{
	return (buffer->writable ? VRING_DESC_F_WRITE : 0) | (last ? 0 : VRING_DESC_F_NEXT);
}

uint16_t virtqueue_driver_add(struct virtqueue_driver *driver,
			      const struct virtqueue_buffer *buffers, unsigned int count)
{
	uint16_t head = driver->free[driver->free_count - 1];

	assert(count > 0 && count <= driver->free_count);
	for (unsigned int i = 0; i < count; i++) {
		uint16_t index = driver->free[--driver->free_count];
		bool last = i + 1 == count;

		virtqueue_driver_set_descriptor(driver, driver->descriptor_gpa, index,
						buffers[i].gpa, buffers[i].length,
						flags_of(&buffers[i], last),
						last ? 0 : driver->free[driver->free_count - 1]);
	}
	driver->chain_length[head] = (uint16_t)count;
	virtqueue_driver_make_available(driver, head);
	return head;
}

uint16_t virtqueue_driver_add_indirect(struct virtqueue_driver *driver, uint64_t table,
				       const struct virtqueue_buffer *buffers, unsigned int count)
{
	uint16_t head = driver->free[--driver->free_count];

	for (unsigned int i = 0; i < count; i++)
		virtqueue_driver_set_descriptor(
			driver, table, (uint16_t)i, buffers[i].gpa, buffers[i].length,
			flags_of(&buffers[i], i + 1 == count), (uint16_t)(i + 1));
	virtqueue_driver_set_descriptor(driver, driver->descriptor_gpa, head, table,
					count * (uint32_t)sizeof(struct vring_desc),
					VRING_DESC_F_INDIRECT, 0);
	driver->chain_length[head] = 1;
	virtqueue_driver_make_available(driver, head);
	return head;
}

bool virtqueue_driver_needs_kick(struct virtqueue_driver *driver)
{
	uint16_t before = driver->kicked;

	driver->kicked = driver->next_available;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (before == driver->next_available)
		return false;
	if (driver->event_idx)
		return vring_need_event(load(driver, available_event_gpa(driver)),
					driver->next_available, before);
	return !(load(driver, driver->used_gpa) & VRING_USED_F_NO_NOTIFY);
}

/* Descriptors of a chain follow their next fields, which a device never changes. */
static void free_chain(struct virtqueue_driver *driver, uint16_t head)
{
	uint16_t indices[256];
	uint16_t index = head;

	for (unsigned int i = 0; i < driver->chain_length[head]; i++) {
		indices[i] = index;
		index = load(driver, driver->descriptor_gpa + 16 * (uint64_t)index + 14);
	}
	for (unsigned int i = driver->chain_length[head]; i > 0; i--)
		driver->free[driver->free_count++] = indices[i - 1];
	driver->chain_length[head] = 0;
}

bool virtqueue_driver_collect(struct virtqueue_driver *driver, uint16_t *ret_head,
			      uint32_t *ret_written)
{
	struct vring_used_elem element;
	uint64_t gpa = driver->used_gpa + 4 + 8 * (uint64_t)(driver->next_used % driver->size);

	if (load(driver, driver->used_gpa + 2) == driver->next_used)
		return false;
	guest_memory_read(driver->memory, gpa, &element, sizeof(element));
	driver->next_used++;
	*ret_head = (uint16_t)le32toh(element.id);
	*ret_written = le32toh(element.len);
	assert(*ret_head < driver->size && driver->chain_length[*ret_head] > 0);
	free_chain(driver, *ret_head);
	return true;
}

void virtqueue_driver_set_used_event(struct virtqueue_driver *driver, uint16_t ahead)
{
	store(driver, used_event_gpa(driver), driver->next_used + ahead);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void virtqueue_driver_enable_interrupt(struct virtqueue_driver *driver)
{
	virtqueue_driver_set_used_event(driver, 0);
	store(driver, driver->available_gpa, 0);
}

void virtqueue_driver_disable_interrupt(struct virtqueue_driver *driver)
{
	store(driver, driver->available_gpa, VRING_AVAIL_F_NO_INTERRUPT);
}

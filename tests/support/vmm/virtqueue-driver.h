/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest's side of a split virtqueue (virtio 1.2, section 2.7), for tests: well-behaved through
 * virtqueue_driver_add() and collect(), and as ill-behaved as a test likes through the rest.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct guest_memory;

struct virtqueue_driver {
	struct guest_memory *memory;
	uint16_t size;
	bool event_idx;
	uint64_t descriptor_gpa, available_gpa, used_gpa;
	uint16_t free[256]; /* descriptors, a stack */
	uint16_t free_count;
	uint16_t chain_length[256]; /* by head */
	uint16_t next_available, next_used;
	uint16_t kicked; /* next_available at the last kick */
};

struct virtqueue_buffer {
	uint64_t gpa;
	uint32_t length;
	bool writable;
};

/* Lays the rings out one after the other from base (16-aligned) on and clears them. */
void virtqueue_driver_init(struct virtqueue_driver *driver, struct guest_memory *memory,
			   uint64_t base, uint16_t size, bool event_idx);

/* Makes a chain of the buffers available; its head. Never more than the queue has free. */
uint16_t virtqueue_driver_add(struct virtqueue_driver *driver,
			      const struct virtqueue_buffer *buffers, unsigned int count);
/* The same through a table of indirect descriptors at table. */
uint16_t virtqueue_driver_add_indirect(struct virtqueue_driver *driver, uint64_t table,
				       const struct virtqueue_buffer *buffers, unsigned int count);
/* Whether the device wants to be notified of what was added since the last time. */
bool virtqueue_driver_needs_kick(struct virtqueue_driver *driver);

/* The next request the device has returned; false when there is none. */
bool virtqueue_driver_collect(struct virtqueue_driver *driver, uint16_t *ret_head,
			      uint32_t *ret_written);
/* When to interrupt: at the next request returned, or (without event indices) never. */
void virtqueue_driver_enable_interrupt(struct virtqueue_driver *driver);
void virtqueue_driver_disable_interrupt(struct virtqueue_driver *driver);
/* Event indices: interrupt when the device returns the so-manieth from here, 0 being the next. */
void virtqueue_driver_set_used_event(struct virtqueue_driver *driver, uint16_t ahead);

/* Raw. table: where the descriptor table is, the queue's own or an indirect one. */
void virtqueue_driver_set_descriptor(struct virtqueue_driver *driver, uint64_t table,
				     uint16_t index, uint64_t gpa, uint32_t length, uint16_t flags,
				     uint16_t next);
void virtqueue_driver_make_available(struct virtqueue_driver *driver, uint16_t head);
void virtqueue_driver_set_available_index(struct virtqueue_driver *driver, uint16_t index);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pictures a virtio-gpu's driver makes (virtio 1.2, section 5.7): two-dimensional resources,
 * the guest's memory behind each, and our copies of them in the pixel file.
 *
 * Every number comes from the guest. Results are the device's answers (VIRTIO_GPU_RESP_...). Main
 * thread, device lock held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "display/pixel-area.h"

struct guest_memory;
struct screen;
struct state_reader;
struct state_writer;
struct virtio_gpu_mem_entry;

enum {
	GPU_MAX_RESOURCES = PIXEL_AREA_MAX_PIECES,
	GPU_MAX_BACKING_ENTRIES = 1 << 16, /* of all resources together: half a gigabyte in pages */
	GPU_BYTES_PER_PIXEL = 4,
};

struct gpu_rectangle {
	uint32_t x, y, width, height;
};

struct gpu_resource {
	uint32_t id;            /* 0: none */
	uint32_t format;        /* enum screen_format */
	uint32_t width, height; /* pixels */
	uint64_t offset;        /* of our copy in the pixel file, rows without gaps */
	struct gpu_backing_entry {
		uint64_t gpa;
		uint32_t length;
	} * backing; /* NULL: none */
	uint32_t backing_count;
};

struct gpu_resources {
	struct guest_memory *memory; /* borrowed */
	struct screen *screen;       /* borrowed */
	struct pixel_area area;
	uint32_t backing_total;
	struct gpu_resource table[GPU_MAX_RESOURCES];
};

/* [offset, offset + size) of the screen's pixel file is ours. */
void gpu_resources_init(struct gpu_resources *resources, struct guest_memory *memory,
			struct screen *screen, uint64_t offset, uint64_t size);
/* Forgets all of them. */
void gpu_resources_clear(struct gpu_resources *resources);

/* NULL: there is none. */
struct gpu_resource *gpu_resources_find(struct gpu_resources *resources, uint32_t id);

/* format: enum virtio_gpu_formats. */
uint32_t gpu_resources_create(struct gpu_resources *resources, uint32_t id, uint32_t format,
			      uint32_t width, uint32_t height);
void gpu_resources_destroy(struct gpu_resources *resources, struct gpu_resource *resource);

/* entries: little-endian, as the guest sent them. */
uint32_t gpu_resource_attach(struct gpu_resources *resources, struct gpu_resource *resource,
			     const struct virtio_gpu_mem_entry *entries, uint32_t count);
void gpu_resource_detach(struct gpu_resources *resources, struct gpu_resource *resource);

/*
 * To and from a machine's state, without our copies: they are in the pixel file, at the same place.
 * load is for a table that is empty; problems are told the reader.
 */
void gpu_resources_save(const struct gpu_resources *resources, struct state_writer *writer);
void gpu_resources_load(struct gpu_resources *resources, struct state_reader *reader);

/* Whether the rectangle lies in the resource and is not empty. */
bool gpu_resource_contains(const struct gpu_resource *resource,
			   const struct gpu_rectangle *rectangle);
/* Copies a rectangle from the guest's memory, in which its first pixel is offset bytes in. */
uint32_t gpu_resource_transfer(const struct gpu_resources *resources,
			       const struct gpu_resource *resource,
			       const struct gpu_rectangle *rectangle, uint64_t offset);

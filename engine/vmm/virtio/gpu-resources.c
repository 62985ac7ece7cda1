/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtio/gpu-resources.h"

#include <endian.h>
#include <linux/virtio_gpu.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked-arithmetic.h"
#include "display/screen.h"
#include "memory/guest-memory.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

void gpu_resources_init(struct gpu_resources *resources, struct guest_memory *memory,
			struct screen *screen, uint64_t offset, uint64_t size)
{
	memset(resources, 0, sizeof(*resources));
	resources->memory = memory;
	resources->screen = screen;
	pixel_area_init(&resources->area, offset, size);
}

struct gpu_resource *gpu_resources_find(struct gpu_resources *resources, uint32_t id)
{
	for (unsigned int i = 0; id != 0 && i < GPU_MAX_RESOURCES; i++) {
		if (resources->table[i].id == id)
			return &resources->table[i];
	}
	return NULL;
}

static struct gpu_resource *find_free(struct gpu_resources *resources)
{
	for (unsigned int i = 0; i < GPU_MAX_RESOURCES; i++) {
		if (resources->table[i].id == 0)
			return &resources->table[i];
	}
	return NULL;
}

/* 0 for formats that screens do not have. */
static uint32_t screen_format_of(uint32_t format)
{
	switch (format) {
	case VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM:
	case VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM:
		return SCREEN_FORMAT_BGRX;
	case VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM:
	case VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM:
		return SCREEN_FORMAT_RGBX;
	}
	return 0;
}

static bool size_valid(uint32_t width, uint32_t height)
{
	return width > 0 && width <= SCREEN_MAX_WIDTH && height > 0 && height <= SCREEN_MAX_HEIGHT;
}

uint32_t gpu_resources_create(struct gpu_resources *resources, uint32_t id, uint32_t format,
			      uint32_t width, uint32_t height)
{
	struct gpu_resource *resource = find_free(resources);
	uint64_t offset;

	if (id == 0 || gpu_resources_find(resources, id))
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	if (screen_format_of(format) == 0 || !size_valid(width, height))
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	if (!resource ||
	    pixel_area_take(&resources->area, (uint64_t)width * height * GPU_BYTES_PER_PIXEL,
			    &offset) < 0)
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	*resource = (struct gpu_resource){
		.id = id,
		.format = screen_format_of(format),
		.width = width,
		.height = height,
		.offset = offset,
	};
	return VIRTIO_GPU_RESP_OK_NODATA;
}

void gpu_resources_destroy(struct gpu_resources *resources, struct gpu_resource *resource)
{
	gpu_resource_detach(resources, resource);
	pixel_area_give_back(&resources->area, resource->offset);
	resource->id = 0;
}

void gpu_resources_clear(struct gpu_resources *resources)
{
	for (unsigned int i = 0; i < GPU_MAX_RESOURCES; i++) {
		if (resources->table[i].id != 0)
			gpu_resources_destroy(resources, &resources->table[i]);
	}
}

/* Written only when every entry lies in guest memory. */
static bool read_entries(const struct gpu_resources *resources,
			 const struct virtio_gpu_mem_entry *entries, uint32_t count,
			 struct gpu_backing_entry *backing)
{
	for (uint32_t i = 0; i < count; i++) {
		backing[i].gpa = le64toh(entries[i].addr);
		backing[i].length = le32toh(entries[i].length);
		if (!guest_memory_at(resources->memory, backing[i].gpa, backing[i].length))
			return false;
	}
	return true;
}

uint32_t gpu_resource_attach(struct gpu_resources *resources, struct gpu_resource *resource,
			     const struct virtio_gpu_mem_entry *entries, uint32_t count)
{
	struct gpu_backing_entry *backing;

	if (resource->backing || count == 0)
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	if (count > GPU_MAX_BACKING_ENTRIES - resources->backing_total)
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	backing = calloc(count, sizeof(*backing));
	if (!backing)
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	if (!read_entries(resources, entries, count, backing)) {
		free(backing);
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	resource->backing = backing;
	resource->backing_count = count;
	resources->backing_total += count;
	return VIRTIO_GPU_RESP_OK_NODATA;
}

void gpu_resource_detach(struct gpu_resources *resources, struct gpu_resource *resource)
{
	free(resource->backing);
	resource->backing = NULL;
	resources->backing_total -= resource->backing_count;
	resource->backing_count = 0;
}

static void save_resource(const struct gpu_resource *resource, struct state_writer *writer)
{
	state_writer_put32(writer, resource->id);
	state_writer_put32(writer, resource->format);
	state_writer_put32(writer, resource->width);
	state_writer_put32(writer, resource->height);
	state_writer_put64(writer, resource->offset);
	state_writer_put32(writer, resource->backing_count);
	for (uint32_t i = 0; i < resource->backing_count; i++) {
		state_writer_put64(writer, resource->backing[i].gpa);
		state_writer_put32(writer, resource->backing[i].length);
	}
}

void gpu_resources_save(const struct gpu_resources *resources, struct state_writer *writer)
{
	uint32_t count = 0;

	for (unsigned int i = 0; i < GPU_MAX_RESOURCES; i++)
		count += resources->table[i].id != 0;
	state_writer_put32(writer, count);
	for (unsigned int i = 0; i < GPU_MAX_RESOURCES; i++) {
		if (resources->table[i].id != 0)
			save_resource(&resources->table[i], writer);
	}
}

/* Its place, where our copy is already. */
static bool take_place(struct gpu_resources *resources, const struct gpu_resource *resource)
{
	bool exists =
		resource->format == SCREEN_FORMAT_BGRX || resource->format == SCREEN_FORMAT_RGBX;

	return exists && resource->id != 0 && !gpu_resources_find(resources, resource->id) &&
	       size_valid(resource->width, resource->height) &&
	       pixel_area_take_at(&resources->area, resource->offset,
				  (uint64_t)resource->width * resource->height *
					  GPU_BYTES_PER_PIXEL) == 0;
}

static bool load_entry(const struct gpu_resources *resources, struct gpu_backing_entry *entry,
		       struct state_reader *reader)
{
	entry->gpa = state_reader_get64(reader);
	entry->length = state_reader_get32(reader);
	return state_reader_check(reader,
				  guest_memory_at(resources->memory, entry->gpa, entry->length),
				  "a picture of the guest's is outside memory");
}

static void load_backing(struct gpu_resources *resources, struct gpu_resource *resource,
			 uint32_t count, struct state_reader *reader)
{
	bool fine = state_reader_check(reader,
				       count <= GPU_MAX_BACKING_ENTRIES - resources->backing_total,
				       "pictures of the guest's are in too many pieces");

	if (!fine || count == 0)
		return;
	resource->backing = calloc(count, sizeof(*resource->backing));
	if (!state_reader_check(reader, resource->backing, "there is no memory for it"))
		return;
	resource->backing_count = count;
	resources->backing_total += count;
	for (uint32_t i = 0; fine && i < count; i++)
		fine = load_entry(resources, &resource->backing[i], reader);
}

static bool load_resource(struct gpu_resources *resources, struct gpu_resource *place,
			  struct state_reader *reader)
{
	struct gpu_resource resource = {.id = state_reader_get32(reader)};
	uint32_t count;

	resource.format = state_reader_get32(reader);
	resource.width = state_reader_get32(reader);
	resource.height = state_reader_get32(reader);
	resource.offset = state_reader_get64(reader);
	count = state_reader_get32(reader);
	if (!state_reader_check(reader, take_place(resources, &resource),
				"a picture of the guest's cannot be where it was"))
		return false;
	*place = resource;
	load_backing(resources, place, count, reader);
	return state_reader_result(reader) == 0;
}

void gpu_resources_load(struct gpu_resources *resources, struct state_reader *reader)
{
	uint32_t count = state_reader_get32(reader);
	bool fine = state_reader_check(reader, count <= GPU_MAX_RESOURCES,
				       "the guest has more pictures than it can have");

	for (uint32_t i = 0; fine && i < count; i++)
		fine = load_resource(resources, &resources->table[i], reader);
}

bool gpu_resource_contains(const struct gpu_resource *resource,
			   const struct gpu_rectangle *rectangle)
{
	return rectangle->width > 0 && rectangle->height > 0 &&
	       range_fits(rectangle->x, rectangle->width, resource->width) &&
	       range_fits(rectangle->y, rectangle->height, resource->height);
}

/* A place in the guest's memory of a resource, moving forward. */
struct backing_cursor {
	const struct gpu_resources *resources;
	const struct gpu_resource *resource;
	uint32_t index;  /* entry */
	uint64_t before; /* bytes in the entries before it */
};

/* The entry that has the byte at offset; false: none. */
static bool seek(struct backing_cursor *cursor, uint64_t offset)
{
	while (cursor->index < cursor->resource->backing_count) {
		uint32_t length = cursor->resource->backing[cursor->index].length;

		if (offset - cursor->before < length)
			return true;
		cursor->before += length;
		cursor->index++;
	}
	return false;
}

/* offset never goes back. Stops short where the guest's memory ends. */
static bool copy_row(struct backing_cursor *cursor, uint64_t offset, uint8_t *to, size_t length)
{
	while (length > 0) {
		const struct gpu_backing_entry *entry;
		uint64_t within, piece;

		if (!seek(cursor, offset))
			return false;
		entry = &cursor->resource->backing[cursor->index];
		within = offset - cursor->before;
		piece = entry->length - within < length ? entry->length - within : length;
		if (guest_memory_read(cursor->resources->memory, entry->gpa + within, to, piece) <
		    0)
			return false;
		offset += piece;
		to += piece;
		length -= piece;
	}
	return true;
}

uint32_t gpu_resource_transfer(const struct gpu_resources *resources,
			       const struct gpu_resource *resource,
			       const struct gpu_rectangle *rectangle, uint64_t offset)
{
	struct backing_cursor cursor = {.resources = resources, .resource = resource};
	uint64_t stride = (uint64_t)resource->width * GPU_BYTES_PER_PIXEL;
	uint8_t *to = screen_pixels(resources->screen) + resource->offset + rectangle->y * stride +
		      (uint64_t)rectangle->x * GPU_BYTES_PER_PIXEL;
	uint64_t end;

	/* so that no offset below wraps */
	if (!checked_add(offset, stride * rectangle->height, &end))
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	for (uint32_t row = 0; row < rectangle->height; row++) {
		if (!copy_row(&cursor, offset + row * stride, to + row * stride,
			      (size_t)rectangle->width * GPU_BYTES_PER_PIXEL))
			return VIRTIO_GPU_RESP_ERR_UNSPEC;
	}
	return VIRTIO_GPU_RESP_OK_NODATA;
}

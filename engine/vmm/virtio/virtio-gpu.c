/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A graphics adapter for pictures the guest's processor draws (virtio 1.2, section 5.7, without
 * 3D): one screen, a pointer, and a monitor that says what size it would like to show.
 */
#include "virtio/virtio-gpu.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_gpu.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#include "base/iov.h"
#include "display/edid.h"
#include "display/screen.h"
#include "state/state-reader.h"
#include "state/state-writer.h"
#include "virtio/gpu-resources.h"
#include "virtio/virtio-device.h"
#include "virtio/virtio-pci.h"

enum {
	CONTROL_QUEUE,
	CURSOR_QUEUE,
	CONTROL_QUEUE_SIZE = VIRTQUEUE_MAX_SIZE,
	CURSOR_QUEUE_SIZE = 16,
	COMMANDS_PER_TURN = 32,
	BYTES_PER_TURN = 32 << 20, /* copied from the guest; the last command may be longer */
};

struct virtio_gpu {
	struct virtio_device device; /* first */
	struct virtio_gpu_display display;
	struct virtio_gpu_config config; /* little-endian */
	struct gpu_resources resources;
	/* what the screen shows */
	bool taken;
	uint32_t scanout_resource; /* 0: nothing */
	struct gpu_rectangle scanout;
	uint64_t moved; /* bytes copied in this turn */
};

/* A request being served: what the guest sent, and where the answer goes. */
struct gpu_request {
	const struct iovec *iov;
	unsigned int readable_count;
	const struct iovec *answer_iov;
	unsigned int answer_count;
	struct virtio_gpu_ctrl_hdr header; /* copied once */
};

/* The largest answer there is. */
union gpu_answer {
	struct virtio_gpu_ctrl_hdr header;
	struct virtio_gpu_resp_display_info display_info;
	struct virtio_gpu_resp_edid edid;
};

/* Copies a command whole; false: the guest sent less. */
static bool take(const struct gpu_request *request, void *command, size_t size)
{
	return iov_read(request->iov, request->readable_count, 0, command, size) == size;
}

static struct gpu_rectangle rectangle_of(const struct virtio_gpu_rect *r)
{
	return (struct gpu_rectangle){
		.x = le32toh(r->x),
		.y = le32toh(r->y),
		.width = le32toh(r->width),
		.height = le32toh(r->height),
	};
}

static void set_taken(struct virtio_gpu *gpu, bool taken)
{
	if (gpu->taken == taken)
		return;
	gpu->taken = taken;
	gpu->display.taken(gpu->display.data, taken);
}

static void show_nothing(struct virtio_gpu *gpu)
{
	gpu->scanout_resource = 0;
	if (gpu->taken)
		screen_blank(gpu->display.screen);
}

static uint32_t create_2d(struct virtio_gpu *gpu, const struct gpu_request *request)
{
	struct virtio_gpu_resource_create_2d command;

	if (!take(request, &command, sizeof(command)))
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	return gpu_resources_create(&gpu->resources, le32toh(command.resource_id),
				    le32toh(command.format), le32toh(command.width),
				    le32toh(command.height));
}

static uint32_t unref(struct virtio_gpu *gpu, const struct gpu_request *request)
{
	struct virtio_gpu_resource_unref command;
	struct gpu_resource *resource;

	if (!take(request, &command, sizeof(command)))
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	resource = gpu_resources_find(&gpu->resources, le32toh(command.resource_id));
	if (!resource)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	if (resource->id == gpu->scanout_resource)
		show_nothing(gpu);
	gpu_resources_destroy(&gpu->resources, resource);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static void show(struct virtio_gpu *gpu, const struct gpu_resource *resource,
		 const struct gpu_rectangle *part)
{
	uint32_t stride = resource->width * GPU_BYTES_PER_PIXEL;
	const struct screen_mode mode = {
		.width = part->width,
		.height = part->height,
		.stride = stride,
		.offset = resource->offset + (uint64_t)part->y * stride +
			  (uint64_t)part->x * GPU_BYTES_PER_PIXEL,
		.format = resource->format,
	};

	set_taken(gpu, true);
	gpu->scanout_resource = resource->id;
	gpu->scanout = *part;
	screen_set_mode(gpu->display.screen, &mode);
}

static uint32_t set_scanout(struct virtio_gpu *gpu, const struct gpu_request *request)
{
	struct virtio_gpu_set_scanout command;
	struct gpu_rectangle part;
	struct gpu_resource *resource;

	if (!take(request, &command, sizeof(command)))
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	if (le32toh(command.scanout_id) != 0)
		return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
	if (le32toh(command.resource_id) == 0) {
		show_nothing(gpu);
		return VIRTIO_GPU_RESP_OK_NODATA;
	}
	resource = gpu_resources_find(&gpu->resources, le32toh(command.resource_id));
	if (!resource)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	part = rectangle_of(&command.r);
	if (!gpu_resource_contains(resource, &part))
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	show(gpu, resource, &part);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* What of a rectangle of the resource is on the screen, in pixels of the screen. */
static void damage(struct virtio_gpu *gpu, const struct gpu_rectangle *changed)
{
	const struct gpu_rectangle *shown = &gpu->scanout;
	uint32_t left = changed->x > shown->x ? changed->x : shown->x;
	uint32_t top = changed->y > shown->y ? changed->y : shown->y;
	uint32_t right = changed->x + changed->width;
	uint32_t bottom = changed->y + changed->height;

	if (right > left && bottom > top)
		screen_damage(gpu->display.screen, left - shown->x, top - shown->y, right - left,
			      bottom - top);
}

static uint32_t flush(struct virtio_gpu *gpu, const struct gpu_request *request)
{
	struct virtio_gpu_resource_flush command;
	struct gpu_resource *resource;
	struct gpu_rectangle part;

	if (!take(request, &command, sizeof(command)))
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	resource = gpu_resources_find(&gpu->resources, le32toh(command.resource_id));
	if (!resource)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	part = rectangle_of(&command.r);
	if (!gpu_resource_contains(resource, &part))
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	if (resource->id == gpu->scanout_resource)
		damage(gpu, &part);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static uint32_t transfer(struct virtio_gpu *gpu, const struct gpu_request *request)
{
	struct virtio_gpu_transfer_to_host_2d command;
	const struct gpu_resource *resource;
	struct gpu_rectangle part;

	if (!take(request, &command, sizeof(command)))
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	resource = gpu_resources_find(&gpu->resources, le32toh(command.resource_id));
	if (!resource)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	part = rectangle_of(&command.r);
	if (!gpu_resource_contains(resource, &part))
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	gpu->moved += (uint64_t)part.width * part.height * GPU_BYTES_PER_PIXEL;
	return gpu_resource_transfer(&gpu->resources, resource, &part, le64toh(command.offset));
}

static uint32_t attach_entries(struct virtio_gpu *gpu, const struct gpu_request *request,
			       struct gpu_resource *resource, uint32_t count)
{
	const size_t size = count * sizeof(struct virtio_gpu_mem_entry);
	struct virtio_gpu_mem_entry *entries = malloc(size);
	uint32_t answer = VIRTIO_GPU_RESP_ERR_UNSPEC;

	if (!entries)
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	if (iov_read(request->iov, request->readable_count,
		     sizeof(struct virtio_gpu_resource_attach_backing), entries, size) == size)
		answer = gpu_resource_attach(&gpu->resources, resource, entries, count);
	free(entries);
	return answer;
}

static uint32_t attach_backing(struct virtio_gpu *gpu, const struct gpu_request *request)
{
	struct virtio_gpu_resource_attach_backing command;
	struct gpu_resource *resource;
	uint32_t count;

	if (!take(request, &command, sizeof(command)))
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	resource = gpu_resources_find(&gpu->resources, le32toh(command.resource_id));
	if (!resource)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	count = le32toh(command.nr_entries);
	if (count == 0)
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	if (count > GPU_MAX_BACKING_ENTRIES)
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	return attach_entries(gpu, request, resource, count);
}

static uint32_t detach_backing(struct virtio_gpu *gpu, const struct gpu_request *request)
{
	struct virtio_gpu_resource_detach_backing command;
	struct gpu_resource *resource;

	if (!take(request, &command, sizeof(command)))
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	resource = gpu_resources_find(&gpu->resources, le32toh(command.resource_id));
	if (!resource)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	gpu_resource_detach(&gpu->resources, resource);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static size_t get_display_info(const struct virtio_gpu *gpu, union gpu_answer *answer)
{
	struct virtio_gpu_display_one *one = &answer->display_info.pmodes[0];

	answer->header.type = VIRTIO_GPU_RESP_OK_DISPLAY_INFO;
	one->r.width = htole32(gpu->display.width);
	one->r.height = htole32(gpu->display.height);
	one->enabled = htole32(1);
	return sizeof(answer->display_info);
}

static size_t get_edid(const struct virtio_gpu *gpu, const struct gpu_request *request,
		       union gpu_answer *answer)
{
	struct virtio_gpu_cmd_get_edid command;

	answer->header.type = VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	if (!take(request, &command, sizeof(command)) || le32toh(command.scanout) != 0)
		return sizeof(answer->header);
	answer->header.type = VIRTIO_GPU_RESP_OK_EDID;
	answer->edid.size = htole32(EDID_SIZE);
	edid_build(gpu->display.width, gpu->display.height, answer->edid.edid);
	return sizeof(answer->edid);
}

/* The answer's size; its type is in the host's order until it is sent. */
static size_t execute(struct virtio_gpu *gpu, const struct gpu_request *request,
		      union gpu_answer *answer)
{
	switch (le32toh(request->header.type)) {
	case VIRTIO_GPU_CMD_GET_DISPLAY_INFO:
		return get_display_info(gpu, answer);
	case VIRTIO_GPU_CMD_GET_EDID:
		return get_edid(gpu, request, answer);
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_2D:
		answer->header.type = create_2d(gpu, request);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_UNREF:
		answer->header.type = unref(gpu, request);
		break;
	case VIRTIO_GPU_CMD_SET_SCANOUT:
		answer->header.type = set_scanout(gpu, request);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_FLUSH:
		answer->header.type = flush(gpu, request);
		break;
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D:
		answer->header.type = transfer(gpu, request);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
		answer->header.type = attach_backing(gpu, request);
		break;
	case VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING:
		answer->header.type = detach_backing(gpu, request);
		break;
	default:
		answer->header.type = VIRTIO_GPU_RESP_ERR_UNSPEC;
	}
	return sizeof(answer->header);
}

/* Bytes a picture of a pointer has; the alpha of one without is what its fourth byte says. */
static void update_cursor(struct virtio_gpu *gpu, const struct virtio_gpu_update_cursor *command)
{
	const struct gpu_resource *resource =
		gpu_resources_find(&gpu->resources, le32toh(command->resource_id));
	uint32_t image[SCREEN_CURSOR_SIDE * SCREEN_CURSOR_SIDE];
	size_t pixels;

	if (!resource || resource->width > SCREEN_CURSOR_SIDE ||
	    resource->height > SCREEN_CURSOR_SIDE) {
		screen_set_cursor(gpu->display.screen, NULL, 0, 0, 0, 0);
		return;
	}
	pixels = (size_t)resource->width * resource->height;
	memcpy(image, screen_pixels(gpu->display.screen) + resource->offset,
	       pixels * sizeof(image[0]));
	for (size_t i = 0; resource->format == SCREEN_FORMAT_RGBX && i < pixels; i++)
		image[i] =
			(image[i] & 0xff00ff00) | (image[i] & 0xff) << 16 | (image[i] >> 16 & 0xff);
	screen_set_cursor(gpu->display.screen, image, resource->width, resource->height,
			  le32toh(command->hot_x), le32toh(command->hot_y));
}

static int32_t coordinate(__le32 value)
{
	uint32_t number = le32toh(value);

	return number <= SCREEN_MAX_WIDTH ? (int32_t)number : 0;
}

static void execute_cursor(struct virtio_gpu *gpu, const struct gpu_request *request)
{
	struct virtio_gpu_update_cursor command;

	if (!take(request, &command, sizeof(command)) || le32toh(command.pos.scanout_id) != 0)
		return;
	if (le32toh(request->header.type) == VIRTIO_GPU_CMD_UPDATE_CURSOR)
		update_cursor(gpu, &command);
	else if (le32toh(request->header.type) != VIRTIO_GPU_CMD_MOVE_CURSOR)
		return;
	screen_move_cursor(gpu->display.screen, coordinate(command.pos.x),
			   coordinate(command.pos.y));
}

/* Everything is done when it is answered, so every fence is reached (section 5.7.6.7). */
static uint32_t send_answer(const struct gpu_request *request, union gpu_answer *answer,
			    size_t size)
{
	const struct virtio_gpu_ctrl_hdr *header = &request->header;

	answer->header.type = htole32(answer->header.type);
	if (le32toh(header->flags) & VIRTIO_GPU_FLAG_FENCE) {
		answer->header.flags = htole32(VIRTIO_GPU_FLAG_FENCE);
		answer->header.fence_id = header->fence_id;
		answer->header.ctx_id = header->ctx_id;
	}
	return (uint32_t)iov_write(request->answer_iov, request->answer_count, 0, answer, size);
}

/* Returns how much of the answer there was room for. */
static uint32_t serve(struct virtio_gpu *gpu, unsigned int queue, const struct iovec *iov,
		      const struct virtqueue_chain *chain)
{
	union gpu_answer answer;
	struct gpu_request request = {
		.iov = iov,
		.readable_count = chain->readable_count,
		.answer_iov = iov + chain->readable_count,
		.answer_count = chain->writable_count,
	};

	memset(&answer, 0, sizeof(answer));
	if (!take(&request, &request.header, sizeof(request.header)))
		return 0;
	if (queue == CURSOR_QUEUE) {
		execute_cursor(gpu, &request);
		answer.header.type = VIRTIO_GPU_RESP_OK_NODATA;
		return send_answer(&request, &answer, sizeof(answer.header));
	}
	return send_answer(&request, &answer, execute(gpu, &request, &answer));
}

static bool virtio_gpu_process(struct virtio_device *device, unsigned int index)
{
	struct virtio_gpu *gpu = (struct virtio_gpu *)device;
	struct virtqueue *queue = &device->queues[index];
	struct iovec iov[CONTROL_QUEUE_SIZE];
	struct virtqueue_chain chain;
	unsigned int left = COMMANDS_PER_TURN;
	int r = 0;

	gpu->moved = 0;
	virtqueue_disable_notification(queue);
	do {
		while (left > 0 && (r = virtqueue_pop(queue, iov, &chain)) > 0) {
			virtqueue_push(queue, chain.head, serve(gpu, index, iov, &chain));
			left = gpu->moved < BYTES_PER_TURN ? left - 1 : 0;
		}
	} while (virtqueue_enable_notification(queue) && left > 0);
	virtio_device_publish(device, index);
	if (r < 0)
		virtio_device_set_broken(device, queue->fault);
	return left == 0;
}

static void virtio_gpu_write_config(struct virtio_device *device, uint64_t offset,
				    unsigned int size, uint64_t value)
{
	struct virtio_gpu *gpu = (struct virtio_gpu *)device;

	if (offset == offsetof(struct virtio_gpu_config, events_clear) && size == 4)
		gpu->config.events_read &= ~htole32((uint32_t)value);
}

/* A driver may come back, or none: then whoever had the screen before has it again. */
static bool virtio_gpu_stop(struct virtio_device *device)
{
	struct virtio_gpu *gpu = (struct virtio_gpu *)device;

	gpu->config.events_read = 0;
	show_nothing(gpu);
	screen_set_cursor(gpu->display.screen, NULL, 0, 0, 0, 0);
	gpu_resources_clear(&gpu->resources);
	set_taken(gpu, false);
	return true;
}

static void virtio_gpu_destroy(struct virtio_device *device)
{
	free(device);
}

static void virtio_gpu_save(const struct virtio_device *device, struct state_writer *writer)
{
	const struct virtio_gpu *gpu = (const struct virtio_gpu *)device;

	state_writer_put32(writer, gpu->display.width);
	state_writer_put32(writer, gpu->display.height);
	state_writer_put32(writer, le32toh(gpu->config.events_read));
	gpu_resources_save(&gpu->resources, writer);
	state_writer_put_bool(writer, gpu->taken);
	if (!gpu->taken)
		return;
	state_writer_put32(writer, gpu->scanout_resource);
	state_writer_put32(writer, gpu->scanout.x);
	state_writer_put32(writer, gpu->scanout.y);
	state_writer_put32(writer, gpu->scanout.width);
	state_writer_put32(writer, gpu->scanout.height);
	screen_cursor_save(gpu->display.screen, writer);
}

/* The screen is the driver's, whether it shows something or nothing. */
static void load_scanout(struct virtio_gpu *gpu, struct state_reader *reader)
{
	uint32_t id = state_reader_get32(reader);
	struct gpu_resource *resource = gpu_resources_find(&gpu->resources, id);
	struct gpu_rectangle part = {.x = state_reader_get32(reader)};

	part.y = state_reader_get32(reader);
	part.width = state_reader_get32(reader);
	part.height = state_reader_get32(reader);
	if (!state_reader_check(reader,
				id == 0 || (resource && gpu_resource_contains(resource, &part)),
				"the screen shows what there is not"))
		return;
	set_taken(gpu, true);
	if (resource)
		show(gpu, resource, &part);
	screen_cursor_load(gpu->display.screen, reader);
}

static void virtio_gpu_load(struct virtio_device *device, struct state_reader *reader)
{
	struct virtio_gpu *gpu = (struct virtio_gpu *)device;
	uint32_t width = state_reader_get32(reader), height = state_reader_get32(reader);
	uint32_t events = state_reader_get32(reader);

	if (!state_reader_check(reader,
				edid_size_is_valid(width, height) &&
					!(events & ~(uint32_t)VIRTIO_GPU_EVENT_DISPLAY),
				"a monitor cannot be like that"))
		return;
	gpu->display.width = width;
	gpu->display.height = height;
	gpu->config.events_read = htole32(events);
	gpu_resources_load(&gpu->resources, reader);
	if (state_reader_get_bool(reader))
		load_scanout(gpu, reader);
}

static const struct virtio_device_ops virtio_gpu_ops = {
	.process = virtio_gpu_process,
	.write_config = virtio_gpu_write_config,
	.stop = virtio_gpu_stop,
	.destroy = virtio_gpu_destroy,
	.save = virtio_gpu_save,
	.load = virtio_gpu_load,
};

/* What is shown is what the driver has flushed: always current. */
static void gpu_watched(void *device, bool watched)
{
}

static void gpu_refresh(void *device)
{
}

static int gpu_resize(void *device, uint32_t width, uint32_t height)
{
	struct virtio_gpu *gpu = device;

	if (!edid_size_is_valid(width, height))
		return -EINVAL;
	gpu->display.width = width;
	gpu->display.height = height;
	gpu->config.events_read |= htole32(VIRTIO_GPU_EVENT_DISPLAY);
	virtio_device_config_changed(&gpu->device);
	return 0;
}

const struct screen_source_ops virtio_gpu_screen_ops = {
	.watched = gpu_watched,
	.refresh = gpu_refresh,
	.resize = gpu_resize,
};

int virtio_gpu_create(const struct virtio_host *host, uint8_t devfn, uint32_t class_code,
		      const struct virtio_gpu_display *display, struct virtio_device **ret_device)
{
	struct virtio_gpu *gpu = calloc(1, sizeof(*gpu));
	int r;

	if (!gpu)
		return -ENOMEM;
	gpu->display = *display;
	gpu->config.num_scanouts = htole32(1);
	gpu_resources_init(&gpu->resources, host->memory, display->screen, display->pixels_offset,
			   display->pixels_size);
	virtio_device_init(&gpu->device, &virtio_gpu_ops, VIRTIO_ID_GPU, 1ULL << VIRTIO_GPU_F_EDID);
	gpu->device.config = &gpu->config;
	gpu->device.config_size = sizeof(gpu->config);
	virtio_device_add_queue(&gpu->device, host->memory, CONTROL_QUEUE_SIZE);
	virtio_device_add_queue(&gpu->device, host->memory, CURSOR_QUEUE_SIZE);
	r = virtio_pci_create(host, devfn, class_code, &gpu->device);
	if (r < 0) {
		free(gpu);
		return r;
	}
	*ret_device = &gpu->device;
	return 0;
}

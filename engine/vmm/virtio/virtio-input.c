/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input devices (virtio 1.2, section 5.8): a keyboard, and a tablet whose positions are those on
 * the screen. What they send are Linux input events (linux/input-event-codes.h).
 *
 * What the guest has no buffers for waits here, up to a bound. Presses and motion are lost when it
 * is near; what lets go of a key or button may use the rest, so that nothing stays down.
 */
#include "virtio/virtio-input.h"

#include <endian.h>
#include <errno.h>
#include <linux/input-event-codes.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_input.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/input-protocol.h"
#include "state/state-reader.h"
#include "state/state-writer.h"
#include "virtio/virtio-device.h"
#include "virtio/virtio-pci.h"

enum {
	EVENT_QUEUE,
	STATUS_QUEUE,
	QUEUE_SIZE = 64,
	STATUS_PER_TURN = 64,
	MAX_WAITING = 256, /* events */
	WAITING_FOR_RELEASES = 64,
	GROUP_SIZE = 3, /* events of one input event, at most */
	CLASS_KEYBOARD = 0x090000,
	CLASS_OTHER_INPUT = 0x098000,
	BUS_VIRTUAL_ID = 0x06, /* BUS_VIRTUAL of linux/input.h */
	VENDOR = 0x1af4,
};

struct virtio_input {
	struct virtio_device device; /* first */
	bool tablet;
	uint8_t select, subselect; /* what the driver asks for in the configuration */
	struct virtio_input_config config;
	struct virtio_input_event waiting[MAX_WAITING];
	unsigned int first, count;
};

static void set_string(struct virtio_input_config *config, const char *text)
{
	config->size = (uint8_t)strlen(text);
	memcpy(config->u.string, text, config->size);
}

static void set_bit(struct virtio_input_config *config, unsigned int bit)
{
	config->u.bitmap[bit / 8] |= (uint8_t)(1u << bit % 8);
	if (config->size < bit / 8 + 1)
		config->size = (uint8_t)(bit / 8 + 1);
}

static void set_bits(struct virtio_input_config *config, unsigned int first, unsigned int last)
{
	for (unsigned int bit = first; bit <= last; bit++)
		set_bit(config, bit);
}

static void show_keyboard_events(struct virtio_input_config *config, uint8_t type)
{
	switch (type) {
	case EV_KEY:
		set_bits(config, KEY_ESC, BTN_MISC - 1);
		set_bits(config, KEY_OK, INPUT_MAX_KEY);
		break;
	case EV_LED:
		set_bits(config, LED_NUML, LED_SCROLLL);
		break;
	case EV_REP: /* the guest repeats by itself */
		set_bits(config, REP_DELAY, REP_PERIOD);
		break;
	}
}

static void show_tablet_events(struct virtio_input_config *config, uint8_t type)
{
	switch (type) {
	case EV_KEY:
		set_bits(config, BTN_LEFT, BTN_TASK);
		break;
	case EV_REL:
		set_bit(config, REL_WHEEL);
		set_bit(config, REL_HWHEEL);
		break;
	case EV_ABS:
		set_bits(config, ABS_X, ABS_Y);
		break;
	}
}

static void show_axis(struct virtio_input_config *config, uint8_t axis)
{
	if (axis > ABS_Y)
		return;
	config->size = sizeof(config->u.abs);
	config->u.abs.max = htole32(INPUT_POSITION_MAX);
}

static void show_ids(struct virtio_input *input, struct virtio_input_config *config)
{
	config->size = sizeof(config->u.ids);
	config->u.ids = (struct virtio_input_devids){
		.bustype = htole16(BUS_VIRTUAL_ID),
		.vendor = htole16(VENDOR),
		.product = htole16(input->tablet ? 2 : 1),
		.version = htole16(1),
	};
}

/* Section 5.8.4: the answer to what is selected; size 0 where there is nothing. */
static void show(struct virtio_input *input)
{
	struct virtio_input_config *config = &input->config;

	memset(config, 0, sizeof(*config));
	config->select = input->select;
	config->subsel = input->subselect;
	switch (input->select) {
	case VIRTIO_INPUT_CFG_ID_NAME:
		set_string(config, input->tablet ? "Innkeeper Tablet" : "Innkeeper Keyboard");
		break;
	case VIRTIO_INPUT_CFG_ID_DEVIDS:
		show_ids(input, config);
		break;
	case VIRTIO_INPUT_CFG_EV_BITS:
		if (input->tablet)
			show_tablet_events(config, input->subselect);
		else
			show_keyboard_events(config, input->subselect);
		break;
	case VIRTIO_INPUT_CFG_ABS_INFO:
		if (input->tablet)
			show_axis(config, input->subselect);
		break;
	}
}

static void virtio_input_write_config(struct virtio_device *device, uint64_t offset,
				      unsigned int size, uint64_t value)
{
	struct virtio_input *input = (struct virtio_input *)device;

	for (unsigned int i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * i);

		if (offset + i == offsetof(struct virtio_input_config, select))
			input->select = byte;
		else if (offset + i == offsetof(struct virtio_input_config, subsel))
			input->subselect = byte;
	}
	show(input);
}

/* Copies an event into a request's buffer, which is too small only by the driver's fault. */
static bool fill(const struct iovec *iov, const struct virtqueue_chain *chain,
		 const struct virtio_input_event *event)
{
	const char *from = (const char *)event;
	size_t left = sizeof(*event);

	if (chain->writable_length < sizeof(*event))
		return false;
	for (unsigned int i = chain->readable_count; left > 0; i++) {
		size_t length = iov[i].iov_len < left ? iov[i].iov_len : left;

		memcpy(iov[i].iov_base, from, length);
		from += length;
		left -= length;
	}
	return true;
}

/* Gives the guest what waits, as far as there are buffers. */
static void deliver(struct virtio_input *input)
{
	struct virtqueue *queue = &input->device.queues[EVENT_QUEUE];
	struct iovec iov[QUEUE_SIZE];
	struct virtqueue_chain chain;
	int r = 1;

	virtqueue_disable_notification(queue);
	while (input->count > 0 && (r = virtqueue_pop(queue, iov, &chain)) > 0) {
		bool filled = fill(iov, &chain, &input->waiting[input->first]);

		virtqueue_push(queue, chain.head, filled ? sizeof(struct virtio_input_event) : 0);
		if (!filled)
			continue;
		input->first = (input->first + 1) % MAX_WAITING;
		input->count--;
	}
	/* New buffers are only of interest to what waits. */
	if (r == 0 && virtqueue_enable_notification(queue))
		input->device.transport->ops->schedule(input->device.transport, EVENT_QUEUE);
	virtio_device_publish(&input->device, EVENT_QUEUE);
	if (r < 0)
		virtio_device_set_broken(&input->device, queue->fault);
}

/* Lights of the keyboard: nothing here shows them. */
static bool take_status(struct virtio_device *device)
{
	struct virtqueue *queue = &device->queues[STATUS_QUEUE];
	struct iovec iov[QUEUE_SIZE];
	struct virtqueue_chain chain;
	unsigned int taken = 0;
	int r = 0;

	virtqueue_disable_notification(queue);
	do {
		while (taken < STATUS_PER_TURN && (r = virtqueue_pop(queue, iov, &chain)) > 0) {
			virtqueue_push(queue, chain.head, 0);
			taken++;
		}
	} while (virtqueue_enable_notification(queue) && taken < STATUS_PER_TURN);
	virtio_device_publish(device, STATUS_QUEUE);
	if (r < 0)
		virtio_device_set_broken(device, queue->fault);
	return taken >= STATUS_PER_TURN;
}

static bool virtio_input_process(struct virtio_device *device, unsigned int queue)
{
	if (queue == STATUS_QUEUE)
		return take_status(device);
	deliver((struct virtio_input *)device);
	return false;
}

/* What waited was for the driver that is gone. */
static bool virtio_input_stop(struct virtio_device *device)
{
	struct virtio_input *input = (struct virtio_input *)device;

	input->count = 0;
	input->select = input->subselect = 0;
	show(input);
	return true;
}

static void virtio_input_destroy(struct virtio_device *device)
{
	free(device);
}

static void virtio_input_save(const struct virtio_device *device, struct state_writer *writer)
{
	const struct virtio_input *input = (const struct virtio_input *)device;

	state_writer_put8(writer, input->select);
	state_writer_put8(writer, input->subselect);
	state_writer_put16(writer, (uint16_t)input->count);
	for (unsigned int i = 0; i < input->count; i++)
		state_writer_put_bytes(writer, &input->waiting[(input->first + i) % MAX_WAITING],
				       sizeof(input->waiting[0]));
}

static void virtio_input_load(struct virtio_device *device, struct state_reader *reader)
{
	struct virtio_input *input = (struct virtio_input *)device;
	uint16_t count;

	input->select = state_reader_get8(reader);
	input->subselect = state_reader_get8(reader);
	count = state_reader_get16(reader);
	if (!state_reader_check(reader, count <= MAX_WAITING,
				"more events wait for an input device than can"))
		return;
	state_reader_get_bytes(reader, input->waiting, count * sizeof(input->waiting[0]));
	input->first = 0;
	input->count = count;
	show(input);
}

static const struct virtio_device_ops virtio_input_ops = {
	.process = virtio_input_process,
	.write_config = virtio_input_write_config,
	.stop = virtio_input_stop,
	.destroy = virtio_input_destroy,
	.save = virtio_input_save,
	.load = virtio_input_load,
};

struct event_group {
	struct virtio_input_event events[GROUP_SIZE];
	unsigned int count;
	bool releases;
};

static void add(struct event_group *group, uint16_t type, uint16_t code, int32_t value)
{
	group->events[group->count++] = (struct virtio_input_event){
		.type = htole16(type),
		.code = htole16(code),
		.value = htole32((uint32_t)value),
	};
}

static void add_wheel(struct event_group *group, const struct input_event *event)
{
	if (event->y != 0)
		add(group, EV_REL, REL_WHEEL, event->y);
	if (event->x != 0)
		add(group, EV_REL, REL_HWHEEL, event->x);
}

/* Empty for what this device does not do. */
static struct event_group translate(const struct virtio_input *input,
				    const struct input_event *event)
{
	struct event_group group = {.count = 0};

	switch ((enum input_type)event->type) {
	case INPUT_KEY:
	case INPUT_BUTTON:
		add(&group, EV_KEY, event->code, event->x);
		group.releases = event->x == 0;
		break;
	case INPUT_POSITION:
		add(&group, EV_ABS, ABS_X, event->x);
		add(&group, EV_ABS, ABS_Y, event->y);
		break;
	case INPUT_WHEEL:
		add_wheel(&group, event);
		break;
	case INPUT_MOTION:
		break;
	}
	if (group.count > 0)
		add(&group, EV_SYN, SYN_REPORT, 0);
	return group;
}

static bool virtio_input_ready(void *device)
{
	return virtio_device_running(device);
}

static void virtio_input_handle(void *device, const struct input_event *event)
{
	struct virtio_input *input = device;
	struct event_group group = translate(input, event);
	unsigned int limit = group.releases ? MAX_WAITING : MAX_WAITING - WAITING_FOR_RELEASES;

	if (input->count + group.count > limit)
		return;
	for (unsigned int i = 0; i < group.count; i++)
		input->waiting[(input->first + input->count++) % MAX_WAITING] = group.events[i];
	if (!input->device.paused)
		deliver(input);
}

const struct input_device_ops virtio_input_input_ops = {
	.ready = virtio_input_ready,
	.handle = virtio_input_handle,
};

static int create(const struct virtio_host *host, uint8_t devfn, bool tablet,
		  struct virtio_device **ret_device)
{
	struct virtio_input *input = calloc(1, sizeof(*input));
	int r;

	if (!input)
		return -ENOMEM;
	virtio_device_init(&input->device, &virtio_input_ops, VIRTIO_ID_INPUT, 0);
	input->tablet = tablet;
	input->device.config = &input->config;
	input->device.config_size = sizeof(input->config);
	virtio_device_add_queue(&input->device, host->memory, QUEUE_SIZE);
	virtio_device_add_queue(&input->device, host->memory, QUEUE_SIZE);
	show(input);
	r = virtio_pci_create(host, devfn, tablet ? CLASS_OTHER_INPUT : CLASS_KEYBOARD,
			      &input->device);
	if (r < 0) {
		free(input);
		return r;
	}
	*ret_device = &input->device;
	return 0;
}

int virtio_keyboard_create(const struct virtio_host *host, uint8_t devfn,
			   struct virtio_device **ret_device)
{
	return create(host, devfn, /* tablet= */ false, ret_device);
}

int virtio_tablet_create(const struct virtio_host *host, uint8_t devfn,
			 struct virtio_device **ret_device)
{
	return create(host, devfn, /* tablet= */ true, ret_device);
}

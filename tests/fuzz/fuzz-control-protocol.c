/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What either side of the control channel is sent: a message with some descriptors, or channel
 * memory, whose rings are then emptied as both sides would. Input: which of them, and the bytes.
 */
#include "protocol/control-protocol.h"
#include "protocol/input-protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_MEMORY = 1 << 16 };

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void fuzz_message(const uint8_t *data, size_t size)
{
	struct control_message message;
	int r;

	if (size != sizeof(message) + 1)
		return;
	memcpy(&message, data + 1, sizeof(message));
	r = control_message_validate(&message, data[0] >> 1, data[0] & 1);
	must(r == 0 || r == -EPROTO || r == -EPROTONOSUPPORT);
	if (r == 0) {
		must(data[0] >> 1 <= CONTROL_MAX_FDS);
		must(message.status <= 0);
		if (message.type == CONTROL_MESSAGE_STAGE_LAYER)
			must(message.drive < CONTROL_MAX_DRIVES);
		if (message.type == CONTROL_MESSAGE_STAGE_FILE)
			must(message.drive < CONTROL_MAX_FILES);
	}
}

static void take_commands(struct ring *commands, struct ring *replies)
{
	struct control_command command;

	while (ring_pop(commands, &command) == 1) {
		struct control_reply reply = {.id = command.id};

		reply.status = control_command_validate(&command);
		must(control_status_valid(reply.status));
		if (ring_push(replies, &reply) < 0)
			return;
	}
}

static void take_replies(struct ring *replies)
{
	struct control_reply reply;

	while (ring_pop(replies, &reply) == 1)
		(void)control_status_valid(reply.status);
}

static void take_events(struct ring *events)
{
	struct control_event event;

	while (ring_pop(events, &event) == 1)
		;
}

static void take_inputs(struct ring *inputs)
{
	struct input_event event;

	while (ring_pop(inputs, &event) == 1)
		(void)input_event_validate(&event);
}

static void fuzz_memory(const uint8_t *data, size_t size)
{
	struct control_layout layout;
	struct control_rings vmm, client;
	void *memory;

	if (size < sizeof(layout))
		return;
	/* as long as it says it is, with zeroes behind the input */
	memcpy(&layout, data, sizeof(layout));
	if (layout.size < size || layout.size > MAX_MEMORY)
		layout.size = (uint32_t)size;
	memory = aligned_alloc(64, (layout.size + 63) & ~63u);
	must(memory);
	memset(memory, 0, layout.size);
	memcpy(memory, data, size);
	if (control_layout_read(memory, layout.size, &layout) == 0) {
		control_rings_init(&vmm, memory, &layout);
		control_rings_init(&client, memory, &layout);
		take_replies(&client.replies);
		take_events(&client.events);
		take_inputs(&vmm.inputs);
		take_commands(&vmm.commands, &vmm.replies);
	}
	free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 1)
		fuzz_message(data + 1, size - 1);
	else
		fuzz_memory(data + 1, size - 1);
	return 0;
}

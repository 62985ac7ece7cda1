/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making and checking what a VMM and its clients say to each other.
 */
#include "protocol/control-protocol.h"

#include <errno.h>
#include <string.h>

#include "base/checked-arithmetic.h"
#include "protocol/statistics-protocol.h"
#include "protocol/input-protocol.h"
#include "protocol/screen-protocol.h"

enum {
	AREA_ALIGNMENT = 64,
	COMMAND_SLOTS = 256,
	REPLY_SLOTS = 256,
	EVENT_SLOTS = 256,
	INPUT_SLOTS = 1024,
	MAX_ERRNO = 4095, /* the kernel's own bound of an errno */
};

struct control_message control_message_make(enum control_message_type type, uint64_t id)
{
	return (struct control_message){
		.magic = CONTROL_MAGIC,
		.major = CONTROL_MAJOR,
		.minor = CONTROL_MINOR,
		.type = type,
		.id = id,
	};
}

/* How many descriptors a side sends with a message; -1 where it does not send such a message. */
static int message_fds(uint32_t type, enum control_side sender)
{
	if (sender == CONTROL_SIDE_VMM) {
		switch (type) {
		case CONTROL_MESSAGE_HELLO:
			return 1;
		case CONTROL_MESSAGE_RESULT:
			return 0;
		case CONTROL_MESSAGE_SCREEN:
			return CONTROL_SCREEN_FDS;
		}
		return -1;
	}
	switch (type) {
	case CONTROL_MESSAGE_ATTACH:
		return CONTROL_ATTACH_FDS;
	case CONTROL_MESSAGE_ATTACH_SERIAL:
	case CONTROL_MESSAGE_ATTACH_PORT:
	case CONTROL_MESSAGE_INSERT:
	case CONTROL_MESSAGE_STAGE_LAYER:
	case CONTROL_MESSAGE_STAGE_MEMORY:
	case CONTROL_MESSAGE_STAGE_FILE:
	case CONTROL_MESSAGE_STAGE_ARGUMENTS:
		return 1;
	case CONTROL_MESSAGE_OPEN_SCREEN:
		return 0;
	}
	return -1;
}

static bool name_valid(const char name[CONTROL_NAME_SIZE])
{
	return name[0] != '\0' && memchr(name, '\0', CONTROL_NAME_SIZE);
}

int control_message_validate(const struct control_message *message, size_t fd_count,
			     enum control_side sender)
{
	int fds;

	if (message->magic != CONTROL_MAGIC)
		return -EPROTO;
	if (message->major != CONTROL_MAJOR)
		return -EPROTONOSUPPORT;
	fds = message_fds(message->type, sender);
	if (fds < 0 || fd_count != (size_t)fds)
		return -EPROTO;
	if (message->type == CONTROL_MESSAGE_ATTACH_PORT && !name_valid(message->name))
		return -EPROTO;
	if (message->type == CONTROL_MESSAGE_INSERT &&
	    (message->drive & ~CONTROL_FORCED) >= CONTROL_MAX_DRIVES)
		return -EPROTO;
	if (message->type == CONTROL_MESSAGE_STAGE_LAYER && message->drive >= CONTROL_MAX_DRIVES)
		return -EPROTO;
	if (message->type == CONTROL_MESSAGE_STAGE_FILE && message->drive >= CONTROL_MAX_FILES)
		return -EPROTO;
	return control_status_valid(message->status) ? 0 : -EPROTO;
}

static struct control_area make_area(uint32_t *end, uint32_t slots, size_t slot_size)
{
	struct control_area area = {.offset = *end, .slots = slots};

	*end += (uint32_t)ring_size(slots, slot_size);
	return area;
}

struct control_layout control_layout_make(void)
{
	struct control_layout layout = {
		.magic = CONTROL_MAGIC,
		.major = CONTROL_MAJOR,
		.minor = CONTROL_MINOR,
	};
	uint32_t end = sizeof(layout);

	layout.commands = make_area(&end, COMMAND_SLOTS, sizeof(struct control_command));
	layout.replies = make_area(&end, REPLY_SLOTS, sizeof(struct control_reply));
	layout.events = make_area(&end, EVENT_SLOTS, sizeof(struct control_event));
	layout.inputs = make_area(&end, INPUT_SLOTS, sizeof(struct input_event));
	layout.size = end;
	return layout;
}

/* Whether an area is well formed and lies in [*end, size); moves *end behind it. */
static bool area_valid(const struct control_area *area, size_t slot_size, uint64_t *end,
		       uint64_t size)
{
	size_t length;

	if (!ring_slot_count_valid(area->slots) || area->offset % AREA_ALIGNMENT != 0)
		return false;
	length = ring_size(area->slots, slot_size);
	if (area->offset < *end || !range_fits(area->offset, length, size))
		return false;
	*end = area->offset + length;
	return true;
}

static int layout_validate(const struct control_layout *layout, uint64_t size)
{
	uint64_t end = sizeof(*layout);

	if (layout->magic != CONTROL_MAGIC)
		return -EPROTO;
	if (layout->major != CONTROL_MAJOR)
		return -EPROTONOSUPPORT;
	if (layout->size != size)
		return -EPROTO;
	if (!area_valid(&layout->commands, sizeof(struct control_command), &end, size) ||
	    !area_valid(&layout->replies, sizeof(struct control_reply), &end, size) ||
	    !area_valid(&layout->events, sizeof(struct control_event), &end, size) ||
	    !area_valid(&layout->inputs, sizeof(struct input_event), &end, size))
		return -EPROTO;
	return 0;
}

int control_layout_read(const void *memory, size_t size, struct control_layout *ret_layout)
{
	const uint64_t *from = memory;
	uint64_t words[sizeof(struct control_layout) / sizeof(uint64_t)];
	struct control_layout layout;
	int r;

	/* atomic: the compiler must not read again what the peer may have changed since */
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		words[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	memcpy(&layout, words, sizeof(layout));

	r = layout_validate(&layout, size);
	if (r < 0)
		return r;
	*ret_layout = layout;
	return 0;
}

void control_rings_init(struct control_rings *rings, void *memory,
			const struct control_layout *layout)
{
	char *base = memory;

	ring_init(&rings->commands, base + layout->commands.offset, layout->commands.slots,
		  sizeof(struct control_command));
	ring_init(&rings->replies, base + layout->replies.offset, layout->replies.slots,
		  sizeof(struct control_reply));
	ring_init(&rings->events, base + layout->events.offset, layout->events.slots,
		  sizeof(struct control_event));
	ring_init(&rings->inputs, base + layout->inputs.offset, layout->inputs.slots,
		  sizeof(struct input_event));
}

static bool within(uint64_t value, uint64_t least, uint64_t most)
{
	return value >= least && value <= most;
}

static bool screen_size_valid(const uint64_t arguments[2])
{
	return within(arguments[0], CONTROL_MIN_SCREEN_SIDE, SCREEN_MAX_WIDTH) &&
	       within(arguments[1], CONTROL_MIN_SCREEN_SIDE, SCREEN_MAX_HEIGHT);
}

int control_command_validate(const struct control_command *command)
{
	const uint64_t *arguments = command->arguments;

	switch (command->operation) {
	case CONTROL_PING:
	case CONTROL_SHUTDOWN:
	case CONTROL_POWER_OFF:
	case CONTROL_RESET:
	case CONTROL_PAUSE:
	case CONTROL_RESUME:
	case CONTROL_REFRESH_SCREEN:
		return 0;
	case CONTROL_WATCH:
		return arguments[0] == 0 || within(arguments[0], CONTROL_MIN_WATCH_MS,
						   CONTROL_MAX_WATCH_MS)
			       ? 0
			       : -EINVAL;
	case CONTROL_WATCH_SCREEN:
		return arguments[0] <= 1 ? 0 : -EINVAL;
	case CONTROL_SET_LINK:
		return arguments[0] < STATISTICS_MAX_NICS && arguments[1] <= 1 ? 0 : -EINVAL;
	case CONTROL_EJECT:
		return arguments[0] < CONTROL_MAX_DRIVES && arguments[1] <= 1 ? 0 : -EINVAL;
	case CONTROL_GROW_DISK:
		return arguments[0] < CONTROL_MAX_DRIVES ? 0 : -EINVAL;
	case CONTROL_CLONE:
		return arguments[0] == 0 ? 0 : -EINVAL;
	case CONTROL_SNAPSHOT:
		return (arguments[0] & ~(uint64_t)CONTROL_SNAPSHOT_HOLD) == 0 ? 0 : -EINVAL;
	case CONTROL_RESIZE_SCREEN:
		return screen_size_valid(arguments) ? 0 : -EINVAL;
	case CONTROL_SET_BALLOON:
		return arguments[0] % CONTROL_BALLOON_STEP == 0 &&
				       arguments[0] <= CONTROL_MAX_BALLOON
			       ? 0
			       : -EINVAL;
	}
	return -EOPNOTSUPP;
}

bool control_status_valid(int32_t status)
{
	return status <= 0 && status >= -MAX_ERRNO;
}

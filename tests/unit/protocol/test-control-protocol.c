/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/control-protocol.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

static void test_messages(void)
{
	const struct {
		enum control_side sender;
		enum control_message_type type;
		size_t fds;
	} valid[] = {
		{CONTROL_SIDE_VMM, CONTROL_MESSAGE_HELLO, 1},
		{CONTROL_SIDE_VMM, CONTROL_MESSAGE_RESULT, 0},
		{CONTROL_SIDE_CLIENT, CONTROL_MESSAGE_ATTACH, 3},
		{CONTROL_SIDE_CLIENT, CONTROL_MESSAGE_ATTACH_SERIAL, 1},
		{CONTROL_SIDE_CLIENT, CONTROL_MESSAGE_OPEN_SCREEN, 0},
		{CONTROL_SIDE_VMM, CONTROL_MESSAGE_SCREEN, CONTROL_SCREEN_FDS},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(valid); i++) {
		struct control_message message = control_message_make(valid[i].type, 7);
		enum control_side other = valid[i].sender == CONTROL_SIDE_VMM ? CONTROL_SIDE_CLIENT
									      : CONTROL_SIDE_VMM;

		for (size_t fds = 0; fds <= CONTROL_MAX_FDS; fds++)
			g_assert_cmpint(control_message_validate(&message, fds, valid[i].sender),
					==, fds == valid[i].fds ? 0 : -EPROTO);
		g_assert_cmpint(control_message_validate(&message, valid[i].fds, other), ==,
				-EPROTO);
	}
}

static void test_port_names(void)
{
	struct control_message message = control_message_make(CONTROL_MESSAGE_ATTACH_PORT, 7);

	g_assert_cmpint(control_message_validate(&message, 1, CONTROL_SIDE_CLIENT), ==, -EPROTO);
	strcpy(message.name, "org.qemu.guest_agent.0");
	for (size_t fds = 0; fds <= CONTROL_MAX_FDS; fds++)
		g_assert_cmpint(control_message_validate(&message, fds, CONTROL_SIDE_CLIENT), ==,
				fds == 1 ? 0 : -EPROTO);
	g_assert_cmpint(control_message_validate(&message, 1, CONTROL_SIDE_VMM), ==, -EPROTO);
	memset(message.name, 'x', sizeof(message.name));
	g_assert_cmpint(control_message_validate(&message, 1, CONTROL_SIDE_CLIENT), ==, -EPROTO);
	message.name[sizeof(message.name) - 1] = '\0';
	g_assert_cmpint(control_message_validate(&message, 1, CONTROL_SIDE_CLIENT), ==, 0);
}

static void test_drives(void)
{
	struct control_message message = control_message_make(CONTROL_MESSAGE_INSERT, 7);

	for (size_t fds = 0; fds <= CONTROL_MAX_FDS; fds++)
		g_assert_cmpint(control_message_validate(&message, fds, CONTROL_SIDE_CLIENT), ==,
				fds == 1 ? 0 : -EPROTO);
	g_assert_cmpint(control_message_validate(&message, 1, CONTROL_SIDE_VMM), ==, -EPROTO);
	message.drive = (CONTROL_MAX_DRIVES - 1) | CONTROL_FORCED;
	g_assert_cmpint(control_message_validate(&message, 1, CONTROL_SIDE_CLIENT), ==, 0);
	message.drive = CONTROL_MAX_DRIVES;
	g_assert_cmpint(control_message_validate(&message, 1, CONTROL_SIDE_CLIENT), ==, -EPROTO);
}

static void test_staging(void)
{
	struct control_message message = control_message_make(CONTROL_MESSAGE_STAGE_LAYER, 1);

	message.drive = CONTROL_MAX_DRIVES - 1;
	g_assert_cmpint(control_message_validate(&message, 1, CONTROL_SIDE_CLIENT), ==, 0);
	g_assert_cmpint(control_message_validate(&message, 0, CONTROL_SIDE_CLIENT), ==, -EPROTO);
	g_assert_cmpint(control_message_validate(&message, 1, CONTROL_SIDE_VMM), ==, -EPROTO);
	message.drive = CONTROL_MAX_DRIVES;
	g_assert_cmpint(control_message_validate(&message, 1, CONTROL_SIDE_CLIENT), ==, -EPROTO);
	message.drive = CONTROL_FORCED;
	g_assert_cmpint(control_message_validate(&message, 1, CONTROL_SIDE_CLIENT), ==, -EPROTO);
	message = control_message_make(CONTROL_MESSAGE_STAGE_FILE, 1);
	message.drive = CONTROL_MAX_FILES - 1;
	g_assert_cmpint(control_message_validate(&message, 1, CONTROL_SIDE_CLIENT), ==, 0);
	message.drive = CONTROL_MAX_FILES;
	g_assert_cmpint(control_message_validate(&message, 1, CONTROL_SIDE_CLIENT), ==, -EPROTO);
	message = control_message_make(CONTROL_MESSAGE_STAGE_ARGUMENTS, 1);
	g_assert_cmpint(control_message_validate(&message, 1, CONTROL_SIDE_CLIENT), ==, 0);
	g_assert_cmpint(control_message_validate(&message, 1, CONTROL_SIDE_VMM), ==, -EPROTO);
	message = control_message_make(CONTROL_MESSAGE_STAGE_MEMORY, 1);
	g_assert_cmpint(control_message_validate(&message, 1, CONTROL_SIDE_CLIENT), ==, 0);
	g_assert_cmpint(control_message_validate(&message, 2, CONTROL_SIDE_CLIENT), ==, -EPROTO);
}

static void test_message_lies(void)
{
	struct control_message message = control_message_make(CONTROL_MESSAGE_RESULT, 1);

	message.status = 1;
	g_assert_cmpint(control_message_validate(&message, 0, CONTROL_SIDE_VMM), ==, -EPROTO);
	message.status = INT32_MIN;
	g_assert_cmpint(control_message_validate(&message, 0, CONTROL_SIDE_VMM), ==, -EPROTO);
	message.status = -EBUSY;
	g_assert_cmpint(control_message_validate(&message, 0, CONTROL_SIDE_VMM), ==, 0);

	message.minor = UINT16_MAX; /* a later minor version is fine */
	g_assert_cmpint(control_message_validate(&message, 0, CONTROL_SIDE_VMM), ==, 0);
	message.major++;
	message.type = 99; /* whatever else it says */
	g_assert_cmpint(control_message_validate(&message, 0, CONTROL_SIDE_VMM), ==,
			-EPROTONOSUPPORT);
	message.magic++;
	g_assert_cmpint(control_message_validate(&message, 0, CONTROL_SIDE_VMM), ==, -EPROTO);

	message = control_message_make((enum control_message_type)99, 1);
	g_assert_cmpint(control_message_validate(&message, 0, CONTROL_SIDE_VMM), ==, -EPROTO);
	g_assert_cmpint(control_message_validate(&message, 0, CONTROL_SIDE_CLIENT), ==, -EPROTO);
}

/* Memory of the size that layout says, starting with it. */
static void *make_memory(const struct control_layout *layout, size_t size)
{
	void *memory = aligned_alloc(64, (size + 63) & ~(size_t)63);

	memset(memory, 0, size);
	memcpy(memory, layout, sizeof(*layout));
	return memory;
}

static int read_layout(const struct control_layout *layout)
{
	struct control_layout copy;
	size_t size = control_layout_make().size;
	void *memory = make_memory(layout, size);
	int r = control_layout_read(memory, size, &copy);

	free(memory);
	if (r == 0)
		g_assert_cmpmem(&copy, sizeof(copy), layout, sizeof(*layout));
	return r;
}

static void test_layout(void)
{
	struct control_layout layout = control_layout_make();
	struct control_rings rings;
	struct control_event event = {.type = CONTROL_EVENT_STATE};
	void *memory = make_memory(&layout, layout.size);

	g_assert_cmpint(read_layout(&layout), ==, 0);
	g_assert_cmpuint(layout.size, <=, CONTROL_MAX_MEMORY);

	/* the last byte of the last ring is inside (a sanitizer sees one that is not) */
	control_rings_init(&rings, memory, &layout);
	for (uint32_t i = 0; i < layout.events.slots; i++)
		g_assert_cmpint(ring_push(&rings.events, &event), ==, 0);
	g_assert_cmpint(ring_push(&rings.events, &event), ==, -EAGAIN);
	free(memory);
}

static void test_layout_lies(void)
{
	const struct control_layout good = control_layout_make();
	struct control_layout bad;

#define LIE(field, lie, expected)                                 \
	do {                                                      \
		bad = good;                                       \
		bad.field = (lie);                                \
		g_assert_cmpint(read_layout(&bad), ==, expected); \
	} while (0)

	LIE(magic, 0, -EPROTO);
	LIE(major, CONTROL_MAJOR + 1, -EPROTONOSUPPORT);
	LIE(minor, CONTROL_MINOR + 1, 0);
	LIE(size, good.size - 64, -EPROTO);
	LIE(size, UINT32_MAX, -EPROTO);
	LIE(commands.offset, 0, -EPROTO);                        /* over the layout */
	LIE(commands.offset, good.commands.offset + 8, -EPROTO); /* not aligned */
	LIE(commands.slots, 0, -EPROTO);
	LIE(commands.slots, 3, -EPROTO);
	LIE(commands.slots, UINT32_MAX, -EPROTO);
	LIE(commands.slots, good.commands.slots * 2, -EPROTO); /* into the replies */
	LIE(replies.offset, good.commands.offset, -EPROTO);    /* over the commands */
	LIE(events.offset, good.events.offset + 64, -EPROTO);  /* into the inputs */
	LIE(inputs.offset, good.inputs.offset + 64, -EPROTO);  /* over the end */
	LIE(inputs.offset, UINT32_MAX & ~63u, -EPROTO);
	LIE(inputs.slots, RING_MAX_SLOTS, -EPROTO);
	LIE(events.slots, RING_MAX_SLOTS, -EPROTO);
	LIE(events.slots, good.events.slots / 2, 0);
#undef LIE
}

static void test_commands(void)
{
	struct control_command command = {.id = UINT64_MAX};

	for (uint32_t operation = CONTROL_PING; operation <= CONTROL_RESUME; operation++) {
		command.operation = operation;
		g_assert_cmpint(control_command_validate(&command), ==, 0);
	}
	command.operation = 0;
	g_assert_cmpint(control_command_validate(&command), ==, -EOPNOTSUPP);
	command.operation = UINT32_MAX;
	g_assert_cmpint(control_command_validate(&command), ==, -EOPNOTSUPP);
}

static void test_watch_interval(void)
{
	const struct {
		uint64_t interval_ms;
		int expected;
	} cases[] = {
		{0, 0},
		{CONTROL_MIN_WATCH_MS, 0},
		{CONTROL_MAX_WATCH_MS, 0},
		{CONTROL_MIN_WATCH_MS - 1, -EINVAL},
		{CONTROL_MAX_WATCH_MS + 1, -EINVAL},
		{(1ULL << 32) + CONTROL_MIN_WATCH_MS, -EINVAL},
		{UINT64_MAX, -EINVAL},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct control_command command = {
			.operation = CONTROL_WATCH,
			.arguments = {cases[i].interval_ms},
		};

		g_assert_cmpint(control_command_validate(&command), ==, cases[i].expected);
	}
}

static void test_arguments(void)
{
	const struct {
		uint32_t operation;
		uint64_t arguments[2];
		int expected;
	} cases[] = {
		{CONTROL_REFRESH_SCREEN, {0, 0}, 0},
		{CONTROL_WATCH_SCREEN, {0, 0}, 0},
		{CONTROL_WATCH_SCREEN, {1, 0}, 0},
		{CONTROL_WATCH_SCREEN, {2, 0}, -EINVAL},
		{CONTROL_GROW_DISK, {0}, 0},
		{CONTROL_GROW_DISK, {63}, 0},
		{CONTROL_GROW_DISK, {64}, -EINVAL},
		{CONTROL_CLONE, {0}, 0},
		{CONTROL_CLONE, {1}, -EINVAL},
		{CONTROL_SNAPSHOT, {0}, 0},
		{CONTROL_SNAPSHOT, {CONTROL_SNAPSHOT_HOLD}, 0},
		{CONTROL_SNAPSHOT, {2}, -EINVAL},
		{CONTROL_SNAPSHOT, {1ULL << 32}, -EINVAL},
		{CONTROL_SET_LINK, {0, 0}, 0},
		{CONTROL_SET_LINK, {7, 1}, 0},
		{CONTROL_SET_LINK, {8, 1}, -EINVAL},
		{CONTROL_SET_LINK, {0, 2}, -EINVAL},
		{CONTROL_EJECT, {0, 0}, 0},
		{CONTROL_EJECT, {CONTROL_MAX_DRIVES - 1, 1}, 0},
		{CONTROL_EJECT, {CONTROL_MAX_DRIVES, 0}, -EINVAL},
		{CONTROL_EJECT, {0, 2}, -EINVAL},
		{CONTROL_RESIZE_SCREEN, {1024, 768}, 0},
		{CONTROL_RESIZE_SCREEN, {8192, 8192}, 0},
		{CONTROL_RESIZE_SCREEN, {8193, 768}, -EINVAL},
		{CONTROL_RESIZE_SCREEN, {1024, 63}, -EINVAL},
		{CONTROL_RESIZE_SCREEN, {(1ULL << 32) + 1024, 768}, -EINVAL},
		{CONTROL_SET_BALLOON, {0, 0}, 0},
		{CONTROL_SET_BALLOON, {4096, 0}, 0},
		{CONTROL_SET_BALLOON, {CONTROL_MAX_BALLOON, 0}, 0},
		{CONTROL_SET_BALLOON, {CONTROL_MAX_BALLOON + 4096, 0}, -EINVAL},
		{CONTROL_SET_BALLOON, {4095, 0}, -EINVAL},
		{CONTROL_SET_BALLOON, {UINT64_MAX, 0}, -EINVAL},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct control_command command = {
			.operation = cases[i].operation,
			.arguments = {cases[i].arguments[0], cases[i].arguments[1]},
		};

		g_assert_cmpint(control_command_validate(&command), ==, cases[i].expected);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/control-protocol/messages", test_messages);
	g_test_add_func("/control-protocol/port-names", test_port_names);
	g_test_add_func("/control-protocol/drives", test_drives);
	g_test_add_func("/control-protocol/staging", test_staging);
	g_test_add_func("/control-protocol/message-lies", test_message_lies);
	g_test_add_func("/control-protocol/layout", test_layout);
	g_test_add_func("/control-protocol/layout-lies", test_layout_lies);
	g_test_add_func("/control-protocol/commands", test_commands);
	g_test_add_func("/control-protocol/watch-interval", test_watch_interval);
	g_test_add_func("/control-protocol/arguments", test_arguments);
	return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See fake-interrupts.h.
 */
#include "fake-interrupts.h"

/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct fake_message {
	struct interrupt_message message;
	bool routed;
	struct msi_message route;
};

static void set_line(struct interrupt_controller *controller, unsigned int gsi, bool level)
{
	struct fake_interrupts *interrupts = (struct fake_interrupts *)controller;

	assert(gsi < FAKE_INTERRUPTS_LINES);
	interrupts->rises += level && !interrupts->lines[gsi];
	interrupts->lines[gsi] = level;
}

static int message_create(struct interrupt_controller *controller,
			  struct interrupt_message **ret_message)
{
	struct fake_interrupts *interrupts = (struct fake_interrupts *)controller;
	struct fake_message *message;

	if (interrupts->create_error)
		return interrupts->create_error;
	message = calloc(1, sizeof(*message));
	if (!message)
		return -ENOMEM;
	message->message.controller = controller;
	interrupts->messages++;
	*ret_message = &message->message;
	return 0;
}

static int message_route(struct interrupt_message *base, const struct msi_message *route)
{
	struct fake_interrupts *interrupts = (struct fake_interrupts *)base->controller;
	struct fake_message *message = (struct fake_message *)base;

	interrupts->routed -= message->routed;
	message->routed = route != NULL;
	if (route)
		message->route = *route;
	interrupts->routed += message->routed;
	interrupts->routings++;
	return 0;
}

static void message_send(struct interrupt_message *base)
{
	struct fake_interrupts *interrupts = (struct fake_interrupts *)base->controller;
	struct fake_message *message = (struct fake_message *)base;

	if (!message->routed)
		return;
	interrupts->last_address = message->route.address;
	__atomic_add_fetch(&interrupts->sent[message->route.data % FAKE_INTERRUPTS_MESSAGES], 1,
			   __ATOMIC_RELEASE);
}

static int message_event_fd(struct interrupt_message *base)
{
	return ((struct fake_interrupts *)base->controller)->event_fd;
}

static void message_destroy(struct interrupt_message *base)
{
	struct fake_interrupts *interrupts = (struct fake_interrupts *)base->controller;
	struct fake_message *message = (struct fake_message *)base;

	interrupts->messages--;
	interrupts->routed -= message->routed;
	free(message);
}

static const struct interrupt_controller_ops ops = {
	.set_line = set_line,
	.message_create = message_create,
	.message_route = message_route,
	.message_send = message_send,
	.message_event_fd = message_event_fd,
	.message_destroy = message_destroy,
};

void fake_interrupts_init(struct fake_interrupts *interrupts)
{
	memset(interrupts, 0, sizeof(*interrupts));
	interrupts->controller.ops = &ops;
	interrupts->event_fd = -1;
}

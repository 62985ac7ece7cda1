/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Interrupts through KVM's in-kernel PICs, IOAPIC and local APICs (KVM API: KVM_IRQ_LINE,
 * KVM_SET_GSI_ROUTING, KVM_IRQFD). Each message owns one global system interrupt above the pins
 * and an eventfd; KVM takes the routes only as one whole table.
 */
#include <assert.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "bus/interrupt.h"

enum {
	PIC_PINS = 16,
	IOAPIC_PINS = 24,
	FIRST_MESSAGE_GSI = 24,
	MAX_MESSAGES = 1024,
	PIN_ROUTES = PIC_PINS + IOAPIC_PINS,
};
/* KVM_MAX_IRQ_ROUTES of the kernel */
static_assert(PIN_ROUTES + MAX_MESSAGES <= 4096, "the table fits");

struct kvm_message {
	struct interrupt_message message; /* first */
	unsigned int gsi;
	int event_fd; /* -1 until it is first routed */
	bool attached;
	bool has_route; /* route is in KVM's table; it stays there while masked */
	struct msi_message route;
};

struct interrupt_kvm {
	struct interrupt_controller controller; /* first */
	int vm_fd;
	struct kvm_message *messages[MAX_MESSAGES]; /* by GSI; NULL: free */
	unsigned int message_limit;                 /* one above the highest in use */
};

static struct interrupt_kvm *controller_of(struct interrupt_message *message)
{
	return (struct interrupt_kvm *)message->controller;
}

static void kvm_set_line(struct interrupt_controller *controller, unsigned int gsi, bool level)
{
	struct interrupt_kvm *self = (struct interrupt_kvm *)controller;
	struct kvm_irq_level line = {.irq = gsi, .level = level};

	(void)ioctl(self->vm_fd, KVM_IRQ_LINE, &line);
}

static unsigned int add_pin(struct kvm_irq_routing_entry *entries, unsigned int count,
			    unsigned int gsi, unsigned int chip, unsigned int pin)
{
	entries[count] = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = {.irqchip = chip, .pin = pin},
	};
	return count + 1;
}

/* As PCs are wired: the timer, interrupt 0 of the PIC, is pin 2 of the IOAPIC (see the MADT). */
static unsigned int add_pins(struct kvm_irq_routing_entry *entries)
{
	unsigned int count = 0;

	for (unsigned int gsi = 0; gsi < PIC_PINS; gsi++) {
		unsigned int chip = gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE;

		count = add_pin(entries, count, gsi, chip, gsi % 8);
	}
	for (unsigned int gsi = 0; gsi < IOAPIC_PINS; gsi++) {
		if (gsi != 2)
			count = add_pin(entries, count, gsi, KVM_IRQCHIP_IOAPIC,
					gsi == 0 ? 2 : gsi);
	}
	return count;
}

static int set_routes(struct interrupt_kvm *self)
{
	size_t most = PIN_ROUTES + self->message_limit;
	struct kvm_irq_routing *table =
		calloc(1, sizeof(*table) + most * sizeof(table->entries[0]));
	int r = 0;

	if (!table)
		return -ENOMEM;
	table->nr = add_pins(table->entries);
	for (unsigned int i = 0; i < self->message_limit; i++) {
		const struct kvm_message *message = self->messages[i];

		if (!message || !message->has_route)
			continue;
		table->entries[table->nr++] = (struct kvm_irq_routing_entry){
			.gsi = message->gsi,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi.address_lo = (uint32_t)message->route.address,
			.u.msi.address_hi = (uint32_t)(message->route.address >> 32),
			.u.msi.data = message->route.data,
		};
	}
	if (ioctl(self->vm_fd, KVM_SET_GSI_ROUTING, table) < 0)
		r = -errno;
	free(table);
	return r;
}

static int set_attached(struct kvm_message *message, bool attached)
{
	struct kvm_irqfd irqfd = {
		.fd = (uint32_t)message->event_fd,
		.gsi = message->gsi,
		.flags = attached ? 0 : KVM_IRQFD_FLAG_DEASSIGN,
	};

	if (message->attached == attached)
		return 0;
	if (ioctl(controller_of(&message->message)->vm_fd, KVM_IRQFD, &irqfd) < 0)
		return -errno;
	message->attached = attached;
	return 0;
}

static int kvm_message_create(struct interrupt_controller *controller,
			      struct interrupt_message **ret_message)
{
	struct interrupt_kvm *self = (struct interrupt_kvm *)controller;
	struct kvm_message *message;
	unsigned int slot = 0;

	while (slot < MAX_MESSAGES && self->messages[slot])
		slot++;
	if (slot == MAX_MESSAGES)
		return -ENOSPC;
	message = calloc(1, sizeof(*message));
	if (!message)
		return -ENOMEM;
	message->message.controller = controller;
	message->gsi = FIRST_MESSAGE_GSI + slot;
	message->event_fd = -1;
	self->messages[slot] = message;
	if (slot >= self->message_limit)
		self->message_limit = slot + 1;
	*ret_message = &message->message;
	return 0;
}

/* Setting the table makes every vCPU wait for a grace period: only when the route has changed. */
static int update_route(struct kvm_message *message, const struct msi_message *route)
{
	if (message->has_route && message->route.address == route->address &&
	    message->route.data == route->data)
		return 0;
	message->has_route = true;
	message->route = *route;
	return set_routes(controller_of(&message->message));
}

static int kvm_message_route(struct interrupt_message *base, const struct msi_message *route)
{
	struct kvm_message *message = (struct kvm_message *)base;
	int r;

	if (!route)
		return set_attached(message, false);
	if (message->event_fd < 0) {
		message->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (message->event_fd < 0)
			return -errno;
	}
	r = update_route(message, route);
	return r < 0 ? r : set_attached(message, true);
}

static void kvm_message_send(struct interrupt_message *base)
{
	struct kvm_message *message = (struct kvm_message *)base;

	if (message->attached)
		fd_event_signal(message->event_fd);
}

/* KVM looks at the eventfd's counter when it is attached. */
static int kvm_message_event_fd(struct interrupt_message *base)
{
	return ((struct kvm_message *)base)->event_fd;
}

/* The route of a message that is gone stays in KVM's table until the next change: it is harmless
 * without an irqfd. */
static void kvm_message_destroy(struct interrupt_message *base)
{
	struct kvm_message *message = (struct kvm_message *)base;
	struct interrupt_kvm *self = controller_of(base);

	(void)set_attached(message, false);
	fd_close(&message->event_fd);
	self->messages[message->gsi - FIRST_MESSAGE_GSI] = NULL;
	while (self->message_limit > 0 && !self->messages[self->message_limit - 1])
		self->message_limit--;
	free(message);
}

static const struct interrupt_controller_ops kvm_ops = {
	.set_line = kvm_set_line,
	.message_create = kvm_message_create,
	.message_route = kvm_message_route,
	.message_send = kvm_message_send,
	.message_event_fd = kvm_message_event_fd,
	.message_destroy = kvm_message_destroy,
};

int interrupt_kvm_create(int vm_fd, struct interrupt_controller **ret_controller)
{
	struct interrupt_kvm *self = calloc(1, sizeof(*self));
	int r;

	if (!self)
		return -ENOMEM;
	self->controller.ops = &kvm_ops;
	self->vm_fd = vm_fd;
	r = set_routes(self);
	if (r < 0) {
		free(self);
		return r;
	}
	*ret_controller = &self->controller;
	return 0;
}

void interrupt_kvm_destroy(struct interrupt_controller *controller)
{
	free(controller);
}

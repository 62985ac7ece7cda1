/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Interrupts from devices to the guest, behind a seam: KVM's in-kernel chips in the product
 * (interrupt-kvm.c), a recorder in unit tests and fuzzers.
 *
 * Global system interrupts 0-23 are the pins of the IOAPIC (0-15 also of the PICs). Message
 * signalled interrupts each own an irqfd, attached while they are routed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct interrupt_controller;
struct interrupt_message;

/* What a device writes to raise an MSI: PCI Local Bus 3.0, section 6.8. */
struct msi_message {
	uint64_t address;
	uint32_t data;
};

struct interrupt_controller_ops {
	void (*set_line)(struct interrupt_controller *controller, unsigned int gsi, bool level);
	int (*message_create)(struct interrupt_controller *controller,
			      struct interrupt_message **ret_message);
	int (*message_route)(struct interrupt_message *message, const struct msi_message *route);
	void (*message_send)(struct interrupt_message *message);
	int (*message_event_fd)(struct interrupt_message *message);
	void (*message_destroy)(struct interrupt_message *message);
};

/* The first member of every implementation. */
struct interrupt_controller {
	const struct interrupt_controller_ops *ops;
};
struct interrupt_message {
	struct interrupt_controller *controller;
};

/* Drives a pin. Any thread. */
static inline void interrupt_line_set(struct interrupt_controller *controller, unsigned int gsi,
				      bool level)
{
	controller->ops->set_line(controller, gsi, level);
}

/* A message that goes nowhere until it is routed. 0 or negative errno. */
static inline int interrupt_message_create(struct interrupt_controller *controller,
					   struct interrupt_message **ret_message)
{
	return controller->ops->message_create(controller, ret_message);
}

/* Where the message goes; NULL takes it off (masked). Device lock held. 0 or negative errno. */
static inline int interrupt_message_route(struct interrupt_message *message,
					  const struct msi_message *route)
{
	return message->controller->ops->message_route(message, route);
}

/* Raises it once. Only while routed; otherwise nothing happens. Device lock held. */
static inline void interrupt_message_send(struct interrupt_message *message)
{
	message->controller->ops->message_send(message);
}

/*
 * An eventfd that raises it as often as it is signalled; while it is not routed a signal is kept
 * for when it is. -1 before it was first routed, or where there is none.
 */
static inline int interrupt_message_event_fd(struct interrupt_message *message)
{
	return message->controller->ops->message_event_fd(message);
}

/* NULL is accepted. */
static inline void interrupt_message_destroy(struct interrupt_message *message)
{
	if (message)
		message->controller->ops->message_destroy(message);
}

/* The in-kernel chips of a VM that has KVM_CREATE_IRQCHIP done. vm_fd stays the caller's. */
int interrupt_kvm_create(int vm_fd, struct interrupt_controller **ret_controller);
void interrupt_kvm_destroy(struct interrupt_controller *controller);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The PCI transport (virtio 1.2, section 4.1), modern interface only: a function with all virtio
 * structures in a 64-bit BAR 4, MSI-X in BAR 1 with a vector for configuration changes and one per
 * queue, INTA# for drivers without MSI-X.
 *
 * A driver's notification signals an eventfd without leaving the kernel; the event loop then has
 * the device process the queue.
 */
#pragma once

#include <stdint.h>

struct pci_device;
struct virtio_device;
struct virtio_host;

/*
 * Places the device at devfn and makes itself its transport. class_code: 24 bits, as PCI has them.
 * 0 or negative errno; the device is untouched then.
 */
int virtio_pci_create(const struct virtio_host *host, uint8_t devfn, uint32_t class_code,
		      struct virtio_device *device);

/*
 * The function of a device that virtio_pci_create() has placed, for BARs of the device's own (0, 2
 * and 3, and the expansion ROM, are free) before the guest runs. Borrowed.
 */
struct pci_device *virtio_pci_function(struct virtio_device *device);
/* Called when a BAR has moved, with the device lock held on any thread. */
void virtio_pci_set_bar_listener(struct virtio_device *device,
				 void (*moved)(void *data, unsigned int index), void *data);

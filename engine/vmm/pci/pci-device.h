/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One PCI function: configuration space, memory BARs, MSI-X or an interrupt pin. Embedded in the
 * device that it is the PCI side of. All calls with the device lock held or before the vCPUs run.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pci/pci-bar.h"
#include "pci/pci-config-space.h"

struct pci_device;
struct pci_host_bridge;
struct pci_msix;
struct state_reader;
struct state_writer;

/* Each may be NULL. */
struct pci_device_ops {
	/* The guest is about to read these bytes of configuration space. */
	void (*config_reading)(struct pci_device *device, unsigned int offset, unsigned int size);
	/* The guest has written these bytes. */
	void (*config_written)(struct pci_device *device, unsigned int offset, unsigned int size);
	/* The BAR answers at bars[index].mapped now (0: nowhere). */
	void (*bar_moved)(struct pci_device *device, unsigned int index);
	/* Registers and BARs are in their power-on state again; the device follows. */
	void (*reset)(struct pci_device *device);
};

struct pci_device_identity {
	uint16_t vendor, device;
	uint16_t subsystem_vendor, subsystem;
	uint32_t class_code; /* 24 bits: class, subclass, programming interface */
	uint8_t revision;
};

struct pci_device {
	const struct pci_device_ops *ops;
	struct pci_host_bridge *bridge;
	uint8_t devfn; /* slot << 3 | function */
	struct pci_config_space config;
	struct pci_bar bars[PCI_BAR_COUNT];
	struct pci_msix *msix; /* owned; NULL: none */
	bool intx;             /* what the device asks of its pin */
	bool line;             /* what the bridge has been told */
};

/* Places the function on bus 0. 0, -EEXIST when there is one, -EINVAL for a bad devfn. */
int pci_device_init(struct pci_device *device, struct pci_host_bridge *bridge, uint8_t devfn,
		    const struct pci_device_identity *identity, const struct pci_device_ops *ops);
/* Takes it off the bus. Also for one that pci_device_init() refused. */
void pci_device_finish(struct pci_device *device);

/* Before the guest runs: a BAR (pci_bar_init()), or MSI-X in a 32-bit BAR of its own. */
void pci_device_add_bar(struct pci_device *device, unsigned int index, enum pci_bar_kind kind,
			uint64_t size, const struct address_range_ops *ops, void *range_device);
/* As pci_bar_init_memory(). */
void pci_device_add_memory_bar(struct pci_device *device, unsigned int index,
			       enum pci_bar_kind kind, struct memory_slot *slot);
int pci_device_add_msix(struct pci_device *device, unsigned int vectors, unsigned int bar);
/* Before the guest runs: the function signals by INTA# when it does not use MSI-X. */
void pci_device_add_pin(struct pci_device *device);

/* Drives INTA#. Held back while the guest has disabled it or uses MSI-X. */
void pci_device_set_intx(struct pci_device *device, bool level);

/* The guest's accesses. size: 1 to 8. */
uint64_t pci_device_config_read(struct pci_device *device, unsigned int offset, unsigned int size);
/* True when the write may have freed or claimed addresses. */
bool pci_device_config_write(struct pci_device *device, unsigned int offset, unsigned int size,
			     uint64_t value);
/* Tries again to claim what the BARs say; see pci-bar.h. */
void pci_device_update_bars(struct pci_device *device);
void pci_device_reset(struct pci_device *device);

/*
 * To and from a machine's state, between what pci_host_bridge_load() has begun and the guest's
 * first instruction. A BAR answers again where it did, and nowhere where it did not: one that
 * another is in the way of waits for the guest's next move, as it did before. The device follows
 * through bar_moved; config_written and reset are not called.
 */
void pci_device_save(const struct pci_device *device, struct state_writer *writer);
void pci_device_load(struct pci_device *device, struct state_reader *reader);
/* The BARs answer nowhere, until they are updated or loaded. */
void pci_device_unmap_bars(struct pci_device *device);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * MSI-X (PCI Local Bus 3.0, section 6.8.2): a table of messages and an array of pending bits in a
 * memory BAR, and what is sent when a vector fires.
 *
 * A vector's interrupt message is created when the guest first unmasks it, so vectors that no
 * driver uses cost nothing. All calls with the device lock held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct interrupt_controller;
struct pci_config_space;
struct pci_msix;
struct state_reader;
struct state_writer;

enum {
	PCI_MSIX_MAX_VECTORS = 128,
	PCI_MSIX_BAR_SIZE = 4096,
	PCI_MSIX_PENDING_OFFSET = 2048, /* the table is at the start of the BAR */
};

/* Adds the capability for a table in the BAR with this index. 0, -ENOSPC or -ENOMEM. */
int pci_msix_create(struct pci_config_space *config, struct interrupt_controller *interrupts,
		    unsigned int vectors, unsigned int bar, struct pci_msix **ret_msix);
/* NULL is accepted. */
void pci_msix_destroy(struct pci_msix *msix);

unsigned int pci_msix_vectors(const struct pci_msix *msix);
/* Whether the guest uses MSI-X: then the function's INTx pin is silent. */
bool pci_msix_enabled(const struct pci_msix *msix);

/* Sends the vector's message, or makes it pending while masked. Nothing for one out of range. */
void pci_msix_notify(struct pci_msix *msix, unsigned int vector);

/*
 * The eventfd that sends the vector's message while it is not masked; a signal meanwhile is kept.
 * -1 for a vector that has never been unmasked. Stays as long as the function is there.
 */
int pci_msix_event_fd(const struct pci_msix *msix, unsigned int vector);
/* Offset of the capability. */
unsigned int pci_msix_capability(const struct pci_msix *msix);

/* The guest wrote configuration space, or it was reset: the masks may have changed. */
void pci_msix_update(struct pci_msix *msix);
/* Table and pending bits to their power-on state. */
void pci_msix_reset(struct pci_msix *msix);

/* To and from a machine's state; load after that of configuration space, before the guest runs. */
void pci_msix_save(const struct pci_msix *msix, struct state_writer *writer);
void pci_msix_load(struct pci_msix *msix, struct state_reader *reader);

/* The BAR. offset + size is at most PCI_MSIX_BAR_SIZE; any width, any alignment. */
extern const struct address_range_ops pci_msix_range_ops;

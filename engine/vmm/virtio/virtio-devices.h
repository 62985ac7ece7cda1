/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One create function per virtio device (virtio 1.2). Each places a PCI function on bus 0 and
 * lives until virtio_device_destroy(). All with the device lock held or before the vCPUs run.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct block_backend;
struct event_loop;
struct guest_memory;
struct interrupt_controller;
struct ioeventfd_registry;
struct net_backend;
struct pci_host_bridge;
struct state_reader;
struct state_writer;
struct statistics_page;
struct virtio_device;

/* What every virtio device stands on; borrowed, must outlive the device. */
struct virtio_host {
	struct pci_host_bridge *bridge;
	struct guest_memory *memory;
	struct interrupt_controller *interrupts;
	struct ioeventfd_registry *ioeventfds;
	struct event_loop *loop;
};

enum {
	VIRTIO_BLOCK_SERIAL_LENGTH = 20,
	VIRTIO_NET_MAC_SIZE = 6,
	VIRTIO_CONSOLE_MAX_PORTS = 8,  /* port 0 is one of them, whether it is there or not */
	VIRTIO_CONSOLE_NAME_SIZE = 64, /* bytes with the NUL */
};

/* The name of a port that is a console (port 0), after what Linux calls it. */
#define VIRTIO_CONSOLE_FIRST "hvc0"

/* devfn: slot << 3 | function. 0 or negative errno. */
int virtio_rng_create(const struct virtio_host *host, uint8_t devfn,
		      struct virtio_device **ret_device);
int virtio_keyboard_create(const struct virtio_host *host, uint8_t devfn,
			   struct virtio_device **ret_device);
int virtio_tablet_create(const struct virtio_host *host, uint8_t devfn,
			 struct virtio_device **ret_device);
/* serial: at most VIRTIO_BLOCK_SERIAL_LENGTH bytes, or NULL. The backend stays the caller's. */
int virtio_block_create(const struct virtio_host *host, uint8_t devfn,
			struct block_backend *backend, const char *serial,
			struct virtio_device **ret_device);
/* Tells the guest that the backend has grown, if it has; see block_backend_grow(). Main thread. */
int virtio_block_grow(struct virtio_device *device, uint64_t size);
/* The cable is in. The backend stays the caller's. */
int virtio_net_create(const struct virtio_host *host, uint8_t devfn, struct net_backend *backend,
		      const uint8_t mac[VIRTIO_NET_MAC_SIZE], struct virtio_device **ret_device);
/* Puts the cable in or takes it out: without it frames are lost both ways. */
void virtio_net_set_link(struct virtio_device *device, bool up);
/* page: where its counts go. */
int virtio_balloon_create(const struct virtio_host *host, uint8_t devfn,
			  struct statistics_page *page, struct virtio_device **ret_device);
/* Asks the guest to give up so much: a multiple of 4096, at most its memory. Main thread. */
void virtio_balloon_set_target(struct virtio_device *balloon, uint64_t bytes);
/* Asks the guest how it uses its memory, at most once a second; it answers later. Main thread. */
void virtio_balloon_ask_statistics(struct virtio_device *balloon);
/*
 * Ports by their names, each at most once; the strings are copied. At most VIRTIO_CONSOLE_MAX_PORTS
 * less one besides VIRTIO_CONSOLE_FIRST.
 */
int virtio_console_create(const struct virtio_host *host, uint8_t devfn, const char *const *names,
			  unsigned int count, struct virtio_device **ret_device);
/*
 * Connects the other end of a stream socket to a port; fd is taken over on success. 0, -ENODEV: no
 * such port, -EBUSY: somebody is connected already. Main thread.
 */
int virtio_console_attach(struct virtio_device *console, const char *name, int fd);
/*
 * guest_cid: the guest's address, 3 to 0xfffffffe. listen_fd: where programs of this computer
 * connect (vsock-host.h), taken over in every case; -1: none, so that nothing is reached.
 */
int virtio_vsock_create(const struct virtio_host *host, uint8_t devfn, uint32_t guest_cid,
			int listen_fd, struct virtio_device **ret_device);

/* NULL is accepted. */
void virtio_device_destroy(struct virtio_device *device);

/* Stops taking requests from the queues until resumed; what was taken completes (pause, drain). */
void virtio_device_pause(struct virtio_device *device);
void virtio_device_resume(struct virtio_device *device);
/* Whether it can be saved: no request is under way, and no reset. */
bool virtio_device_is_still(const struct virtio_device *device);

/*
 * To and from a section of a machine's state, for each kind of device with all that is its own.
 * Nothing is under way; main thread, vCPUs stopped. load is for a device that no guest has used,
 * after the memory and pci_host_bridge_load(), and leaves it paused. It checks what it reads as it
 * does what a guest writes: 0, or -EPROTO with the reason in the reader, and then the device is
 * only good for being destroyed.
 */
enum { VIRTIO_DEVICE_STATE_VERSION = 1 };
void virtio_device_save(const struct virtio_device *device, struct state_writer *writer);
int virtio_device_load(struct virtio_device *device, struct state_reader *reader);

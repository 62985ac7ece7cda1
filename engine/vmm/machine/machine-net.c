/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-net.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "config.h"
#include "machine/machine.h"
#include "net/net-backend.h"
#include "net/net-passt.h"
#include "net/net-stream.h"
#include "net/net-tap.h"
#include "net/vhost-net.h"
#include "pci/pci-device.h"
#include "virtio/virtio-pci.h"

#define KEEPER_PROGRAM "innkeeper-net"

enum {
	DEVFN_SHIFT = 3,
	CHANNEL_FD = 3, /* in the keeper */
	VIRTIO_VENDOR = 0x1AF4,
	VIRTIO_NET_DEVICE = 0x1041,
};

extern char **environ;

static_assert((int)MACHINE_MAX_NICS <= (int)STATISTICS_MAX_NICS,
	      "every card has its line in the statistics page");

static void on_notice(void *data, const char *text)
{
	log_warning("%s", text);
}

static struct nic_statistics *statistics_of(struct machine *machine, unsigned int number)
{
	return &machine->statistics->nics[number];
}

/* User networking */

/* channel: is taken over. */
static int connect_passt(struct machine *machine, unsigned int number, int channel)
{
	struct machine_nic *nic = &machine->nics[number];
	char text[NET_KEEPER_TEXT_SIZE];
	int r = net_stream_create(machine->loop, statistics_of(machine, number), &nic->backend);

	if (r < 0) {
		fd_close(&channel);
		return r;
	}
	r = net_passt_create(machine->loop, channel, nic->backend, on_notice, machine, text,
			     &nic->passt);
	if (r == -ENOTCONN)
		log_error("%s", text);
	else if (r < 0)
		log_error("Networking for this machine could not be set up: its helper %s.",
			  r == -ETIMEDOUT ? "did not answer" : "ended too early");
	return r;
}

/* $INNKEEPER_NET, or the one beside this program. */
static void find_keeper(char path[PATH_MAX])
{
	const char *chosen = getenv("INNKEEPER_NET");
	ssize_t length;
	char *name;

	if (chosen && *chosen) {
		snprintf(path, PATH_MAX, "%s", chosen);
		return;
	}
	length = readlink("/proc/self/exe", path, PATH_MAX - sizeof(KEEPER_PROGRAM));
	path[length > 0 ? length : 0] = '\0';
	name = strrchr(path, '/');
	strcpy(name ? name + 1 : path, KEEPER_PROGRAM);
}

/* No thread has been made yet. channel: the keeper's end. */
static int spawn_keeper(const struct machine_nic_config *config, int channel)
{
	char path[PATH_MAX], number[12];
	const char *argv[4 + 2 * MACHINE_MAX_FORWARDS] = {path, "--channel", number};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	unsigned int count = 3;
	sigset_t none;
	pid_t pid;
	int error;

	find_keeper(path);
	snprintf(number, sizeof(number), "%d", CHANNEL_FD);
	for (unsigned int i = 0; i < config->forward_count; i++) {
		argv[count++] = "--forward";
		argv[count++] = config->forwards[i];
	}
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_adddup2(&actions, channel, CHANNEL_FD);
	error = posix_spawn(&pid, path, &actions, &attributes, (char *const *)(uintptr_t)argv,
			    environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		log_error("The program that connects machines to the network, %s, cannot be "
			  "started: %s.",
			  path, strerror(error));
	return -error;
}

static int create_user(struct machine *machine, unsigned int number)
{
	int pair[2], moved, r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	/* Not where it is to be in the keeper, or it would be closed there. */
	moved = fcntl(pair[1], F_DUPFD_CLOEXEC, CHANNEL_FD + 1);
	r = moved < 0 ? -errno : spawn_keeper(&machine->config->net.nics[number], moved);
	fd_close(&moved);
	fd_close(&pair[1]);
	if (r == 0)
		return connect_passt(machine, number, pair[0]);
	fd_close(&pair[0]);
	return r;
}

/* Tap interfaces */

/* Where this computer has it and lets us: otherwise the card's frames go through this process. */
static void add_vhost(struct machine *machine, struct net_backend *backend)
{
	int fd = open("/dev/vhost-net", O_RDWR | O_CLOEXEC);
	struct vhost_net *vhost;

	if (fd < 0)
		return;
	if (vhost_net_create(fd, machine->memory, &vhost) < 0)
		fd_close(&fd);
	else if (net_tap_set_vhost(backend, vhost) < 0)
		vhost_net_destroy(vhost);
}

/* fd: is taken over. */
static int connect_tap(struct machine *machine, unsigned int number, int fd)
{
	int r = net_tap_create(fd, machine->loop, statistics_of(machine, number),
			       &machine->nics[number].backend);

	if (r < 0) {
		log_error("A tap interface cannot be used: %s.",
			  r == -EINVAL ? "it was opened without the header IFF_VNET_HDR"
				       : strerror(-r));
		fd_close(&fd);
		return r;
	}
	add_vhost(machine, machine->nics[number].backend);
	return 0;
}

static int create_tap(struct machine *machine, unsigned int number)
{
	const char *interface = machine->config->net.nics[number].interface;
	int fd = net_tap_open(interface);

	switch (fd) {
	case -ENODEV:
		log_error("There is no network interface %s; make it with \"ip tuntap add %s mode "
			  "tap\".",
			  interface, interface);
		break;
	case -EINVAL:
		log_error("The network interface %s is not a tap interface.", interface);
		break;
	case -EBUSY:
		log_error("The network interface %s is in use by another program.", interface);
		break;
	case -EPERM:
	case -EACCES:
		log_error("You may not use the network interface %s; it has to be made for you: "
			  "\"ip tuntap add %s mode tap user NAME\".",
			  interface, interface);
		break;
	case -ENOENT:
		log_error("There is no /dev/net/tun; load the kernel module tun.");
		break;
	default:
		if (fd >= 0)
			return connect_tap(machine, number, fd);
		log_error("The network interface %s cannot be used: %s.", interface, strerror(-fd));
	}
	return fd;
}

/* An inherited descriptor: a keeper's channel, a stream of frames, or a tap interface. */
static int create_from_fd(struct machine *machine, unsigned int number)
{
	int fd = machine->config->net.nics[number].fd, type, r;
	socklen_t length = sizeof(type);

	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		log_error("The file descriptor %d is not open.", fd);
		return -EIO;
	}
	if (net_tap_is(fd))
		return connect_tap(machine, number, fd);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0) {
		log_error("The file descriptor %d is neither a socket nor a tap interface.", fd);
		return -EIO;
	}
	if (type == SOCK_SEQPACKET)
		return connect_passt(machine, number, fd);
	r = net_stream_create(machine->loop, statistics_of(machine, number),
			      &machine->nics[number].backend);
	if (r == 0)
		r = net_stream_connect(machine->nics[number].backend, fd);
	if (r < 0)
		log_error("The file descriptor %d cannot carry frames: %s.", fd, strerror(-r));
	return r;
}

/* All of it */

static int create_backend(struct machine *machine, unsigned int number)
{
	switch (machine->config->net.nics[number].kind) {
	case NET_USER:
		return create_user(machine, number);
	case NET_TAP:
		return create_tap(machine, number);
	case NET_FD:
		return create_from_fd(machine, number);
	}
	return -EINVAL;
}

/* UEFI knows the card by itself, only less well; it also starts where there is no such file. */
static int load_boot_rom(struct machine *machine, struct pci_rom *rom)
{
	int fd = machine_rom_open(machine, MACHINE_ROM_NETWORK);
	int r = fd < 0 ? fd
		       : pci_rom_init(rom, machine->slots, fd, VIRTIO_VENDOR, VIRTIO_NET_DEVICE);

	if (r == -ENOENT && machine->config->firmware == FIRMWARE_UEFI)
		return 0;
	if (r < 0)
		log_error("Machines start from the network with %s, which cannot be used (%s); "
			  "install the package ipxe-qemu again.",
			  machine_rom_name(MACHINE_ROM_NETWORK),
			  r == -ENOEXEC ? "it is not for this network card" : strerror(-r));
	return r;
}

/* Firmware waits for what is on a card, so only those that are in the order have it. */
static int add_boot_rom(struct machine *machine, unsigned int number)
{
	struct machine_nic *nic = &machine->nics[number];
	int r;

	if (machine->config->firmware == FIRMWARE_NONE ||
	    !boot_order_names(machine->config->boot_order, "net", number))
		return 0;
	r = load_boot_rom(machine, &nic->boot_rom);
	if (nic->boot_rom.slot)
		pci_device_add_memory_bar(virtio_pci_function(nic->device), PCI_BAR_ROM,
					  PCI_BAR_EXPANSION_ROM, nic->boot_rom.slot);
	return r;
}

int machine_net_create(struct machine *machine, const struct virtio_host *host, unsigned int slot)
{
	const struct machine_net_config *config = &machine->config->net;

	for (unsigned int i = 0; i < config->nic_count; i++) {
		struct machine_nic *nic = &machine->nics[i];
		int r = create_backend(machine, i);

		if (r < 0)
			return r;
		r = virtio_net_create(host, (uint8_t)((slot + i) << DEVFN_SHIFT), nic->backend,
				      config->nics[i].mac, &nic->device);
		if (r < 0) {
			log_error("A network card could not be set up: %s.", strerror(-r));
			return r;
		}
		r = add_boot_rom(machine, i);
		if (r < 0)
			return r;
		boot_devices_add_nic(&machine->boot_devices, i, slot + i);
		virtio_net_set_link(nic->device, !config->nics[i].link_down);
	}
	return 0;
}

void machine_net_destroy(struct machine *machine)
{
	for (unsigned int i = 0; i < MACHINE_MAX_NICS; i++) {
		struct machine_nic *nic = &machine->nics[i];

		virtio_device_destroy(nic->device);
		pci_rom_finish(&nic->boot_rom);
		net_passt_destroy(nic->passt);
		net_backend_destroy(nic->backend);
	}
}

void machine_net_pause(struct machine *machine)
{
	for (unsigned int i = 0; i < machine->config->net.nic_count; i++)
		virtio_device_pause(machine->nics[i].device);
}

void machine_net_resume(struct machine *machine)
{
	for (unsigned int i = 0; i < machine->config->net.nic_count; i++)
		virtio_device_resume(machine->nics[i].device);
}

void machine_net_count(struct machine *machine)
{
	for (unsigned int i = 0; i < machine->config->net.nic_count; i++)
		net_backend_count(machine->nics[i].backend);
}

int machine_net_set_link(struct machine *machine, unsigned int nic, bool up)
{
	if (nic >= machine->config->net.nic_count)
		return -ENODEV;
	virtio_net_set_link(machine->nics[nic].device, up);
	return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See fake-vhost.h.
 */
#include "fake-vhost.h"

#include <errno.h>
#include <glib.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>

struct fake_vhost fake_vhost = {.fd = -1};

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

void fake_vhost_init(void)
{
	memset(&fake_vhost, 0, sizeof(fake_vhost));
	fake_vhost.fd = eventfd(0, EFD_CLOEXEC);
	fake_vhost.offered = UINT64_MAX;
	for (unsigned int i = 0; i < FAKE_VHOST_RINGS; i++)
		fake_vhost.rings[i] = (struct fake_vhost_ring){
			.kick_fd = -1, .call_fd = -1, .error_fd = -1, .backend = -1};
}

static void set_memory(const struct vhost_memory *table)
{
	g_assert_cmpuint(table->nregions, <=, FAKE_VHOST_REGIONS);
	fake_vhost.region_count = table->nregions;
	memcpy(fake_vhost.regions, table->regions, table->nregions * sizeof(table->regions[0]));
}

/* The kernel refuses to move what is in use. */
static void assert_stopped(const struct fake_vhost_ring *ring)
{
	g_assert_cmpint(ring->backend, ==, -1);
}

/* Requests about the whole device. False: it is about a ring. */
static bool serve_device(unsigned long request, void *argument)
{
	switch (request) {
	case VHOST_SET_OWNER:
		fake_vhost.owned = true;
		return true;
	case VHOST_GET_FEATURES:
		*(uint64_t *)argument = fake_vhost.offered;
		return true;
	case VHOST_SET_FEATURES:
		fake_vhost.features = *(const uint64_t *)argument;
		return true;
	case VHOST_SET_MEM_TABLE:
		set_memory(argument);
		return true;
	default:
		return false;
	}
}

static void serve_ring(unsigned long request, struct fake_vhost_ring *ring, void *argument)
{
	struct vhost_vring_state *state = argument;
	int fd = ((const struct vhost_vring_file *)argument)->fd;

	switch (request) {
	case VHOST_SET_VRING_NUM:
		assert_stopped(ring);
		ring->size = state->num;
		break;
	case VHOST_SET_VRING_BASE:
		assert_stopped(ring);
		ring->base = state->num;
		break;
	case VHOST_GET_VRING_BASE:
		state->num = ring->base;
		break;
	case VHOST_SET_VRING_ADDR:
		ring->address = *(const struct vhost_vring_addr *)argument;
		break;
	case VHOST_SET_VRING_KICK:
		ring->kick_fd = fd;
		break;
	case VHOST_SET_VRING_CALL:
		ring->call_fd = fd;
		break;
	case VHOST_SET_VRING_ERR:
		ring->error_fd = fd;
		break;
	case VHOST_NET_SET_BACKEND:
		ring->backend = fd;
		break;
	default:
		g_assert_not_reached();
	}
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	unsigned int index;
	void *argument;
	va_list list;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	if (fd != fake_vhost.fd)
		return __real_ioctl(fd, request, argument);
	if (request == fake_vhost.refused && fake_vhost.refused_ring == 0) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (serve_device(request, argument))
		return 0;
	index = ((const struct vhost_vring_state *)argument)->index;
	g_assert_cmpuint(index, <, FAKE_VHOST_RINGS);
	if (request == fake_vhost.refused && fake_vhost.refused_ring == index + 1) {
		errno = EOPNOTSUPP;
		return -1;
	}
	serve_ring(request, &fake_vhost.rings[index], argument);
	return 0;
}

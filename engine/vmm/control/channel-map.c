/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checking and mapping the descriptors a client attaches with.
 */
#include "control/channel-map.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

void channel_map_init(struct channel_map *map)
{
	*map = (struct channel_map){.own_doorbell = -1, .peer_doorbell = -1};
}

/*
 * Only a memory file can have seals. With these two it cannot shrink under us, so no access to the
 * map can end in SIGBUS.
 */
static int check_memory(int fd, uint32_t size)
{
	const int required = F_SEAL_SHRINK | F_SEAL_GROW;
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat status;

	if (seals < 0 || (seals & required) != required)
		return -EPROTO;
	if (size < sizeof(struct control_layout) || size > CONTROL_MAX_MEMORY)
		return -EPROTO;
	if (fstat(fd, &status) < 0)
		return -errno;
	return status.st_size == (off_t)size ? 0 : -EPROTO;
}

/*
 * Nothing in the kernel's interface says "this is an eventfd". It is an inode without a type, and
 * of these only an eventfd takes eight zero bytes, which leave its counter as it was.
 */
static int check_doorbell(int fd)
{
	const int required = O_RDWR | O_NONBLOCK;
	const uint64_t zero = 0;
	int flags = fcntl(fd, F_GETFL);
	struct stat status;

	if (flags < 0 || (flags & (O_ACCMODE | O_NONBLOCK)) != required)
		return -EPROTO;
	if (fstat(fd, &status) < 0)
		return -errno;
	if ((status.st_mode & S_IFMT) != 0)
		return -EPROTO;
	return write(fd, &zero, sizeof(zero)) == (ssize_t)sizeof(zero) ? 0 : -EPROTO;
}

static int check_descriptors(const int fds[CONTROL_ATTACH_FDS], uint32_t size)
{
	int r = check_memory(fds[CONTROL_ATTACH_MEMORY], size);

	if (r == 0)
		r = check_doorbell(fds[CONTROL_ATTACH_VMM_DOORBELL]);
	if (r == 0)
		r = check_doorbell(fds[CONTROL_ATTACH_CLIENT_DOORBELL]);
	return r;
}

static int map_rings(struct channel_map *map, int memory_fd, uint32_t size)
{
	struct control_layout layout;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
	int r;

	if (memory == MAP_FAILED)
		return -errno;
	r = control_layout_read(memory, size, &layout);
	if (r < 0) {
		munmap(memory, size);
		return r;
	}
	/* a forked child has no business with clients */
	(void)madvise(memory, size, MADV_DONTFORK);
	map->memory = memory;
	map->size = size;
	control_rings_init(&map->rings, memory, &layout);
	return 0;
}

int channel_map_open(struct channel_map *map, const int fds[CONTROL_ATTACH_FDS], uint32_t size)
{
	int memory_fd = fds[CONTROL_ATTACH_MEMORY];
	int own_doorbell = fds[CONTROL_ATTACH_VMM_DOORBELL];
	int peer_doorbell = fds[CONTROL_ATTACH_CLIENT_DOORBELL];
	int r = check_descriptors(fds, size);

	if (r == 0)
		r = map_rings(map, memory_fd, size);
	fd_close(&memory_fd);
	if (r < 0) {
		fd_close(&own_doorbell);
		fd_close(&peer_doorbell);
		return r;
	}
	map->own_doorbell = own_doorbell;
	map->peer_doorbell = peer_doorbell;
	return 0;
}

void channel_map_close(struct channel_map *map)
{
	if (map->memory)
		munmap(map->memory, map->size);
	fd_close(&map->own_doorbell);
	fd_close(&map->peer_doorbell);
	channel_map_init(map);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_close(int *fd)
{
	int saved_errno = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved_errno;
}

int fd_set_nonblocking(int fd, int nonblocking)
{
	int before = fcntl(fd, F_GETFL);
	int flags = nonblocking ? before | O_NONBLOCK : before & ~O_NONBLOCK;

	if (before < 0)
		return -errno;
	/* who may not change any may find it as it has to be */
	return flags != before && fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

int fd_read_at(int fd, void *buffer, size_t length, uint64_t offset)
{
	char *at = buffer;

	while (length > 0) {
		ssize_t n = pread(fd, at, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		at += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

int fd_write_at(int fd, const void *buffer, size_t length, uint64_t offset)
{
	const char *at = buffer;

	while (length > 0) {
		ssize_t n = pwrite(fd, at, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

int fd_regular_size(int fd, uint64_t *ret_size)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	*ret_size = (uint64_t)status.st_size;
	return 0;
}

void fd_event_signal(int event_fd)
{
	uint64_t one = 1;

	while (write(event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

uint64_t fd_event_drain(int event_fd)
{
	uint64_t count = 0;

	while (read(event_fd, &count, sizeof(count)) < 0) {
		if (errno != EINTR)
			return 0;
	}
	return count;
}

void fd_set_lock(int fd, short kind)
{
	struct flock lock = {.l_type = kind, .l_whence = SEEK_SET};

	(void)fcntl(fd, F_OFD_SETLK, &lock);
}

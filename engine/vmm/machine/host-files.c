/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/host-files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

enum { BACKLOG = 8, NEW_FILE_MODE = 0600 };

void file_reference_name(const struct file_reference *file, char name[FILE_NAME_SIZE])
{
	if (file->path)
		snprintf(name, FILE_NAME_SIZE, "%s", file->path);
	else
		snprintf(name, FILE_NAME_SIZE, "The file descriptor %d", file->fd);
}

static int take_over(int fd, int *ret_fd)
{
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		log_error("The file descriptor %d is not open.", fd);
		return -EIO;
	}
	*ret_fd = fd;
	return 0;
}

static void log_open_error(const char *path, bool write, int error)
{
	switch (error) {
	case ENOENT:
		log_error("%s does not exist.", path);
		break;
	case EACCES:
	case EPERM:
	case EROFS:
		log_error("%s cannot be %s: %s.", path, write ? "written to" : "read",
			  strerror(error));
		break;
	default:
		log_error("%s cannot be opened: %s.", path, strerror(error));
	}
}

int host_file_open(const struct file_reference *file, int flags, int *ret_fd)
{
	int fd;

	*ret_fd = -1;
	if (file->fd >= 0)
		return take_over(file->fd, ret_fd);
	if (!file->path)
		return 0;
	fd = open(file->path, flags | O_CLOEXEC | O_NOCTTY, NEW_FILE_MODE);
	if (fd < 0) {
		log_open_error(file->path, (flags & O_ACCMODE) != O_RDONLY, errno);
		return -EIO;
	}
	*ret_fd = fd;
	return 0;
}

/* Whether there is a socket that nobody listens on: it refuses. */
static bool is_left_behind(const struct sockaddr_un *address, int type)
{
	struct stat status;
	bool refused;
	int fd;

	if (lstat(address->sun_path, &status) < 0 || !S_ISSOCK(status.st_mode))
		return false;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	refused = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
		  errno == ECONNREFUSED;
	fd_close(&fd);
	return refused;
}

static int bind_and_listen(int fd, const struct sockaddr_un *address, int type)
{
	int r = bind(fd, (const struct sockaddr *)address, sizeof(*address));

	if (r < 0 && errno == EADDRINUSE && is_left_behind(address, type)) {
		(void)unlink(address->sun_path);
		r = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	}
	if (r < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return 0;
}

int host_file_listen(const struct file_reference *file, int type, int *ret_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, r;

	*ret_fd = -1;
	if (file->fd >= 0)
		return take_over(file->fd, ret_fd);
	if (!file->path)
		return 0;
	if (strlen(file->path) >= sizeof(address.sun_path)) {
		log_error("%s is too long for the name of a socket.", file->path);
		return -EIO;
	}
	strcpy(address.sun_path, file->path);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = fd < 0 ? -errno : bind_and_listen(fd, &address, type);
	if (r < 0) {
		log_error("Clients cannot be listened for at %s: %s.", file->path, strerror(-r));
		fd_close(&fd);
		return -EIO;
	}
	*ret_fd = fd;
	return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net-keeper/host-port.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

enum {
	TRIES = 20,
	TRY_MS = 100,
	PROGRAM_SIZE = 64,
	TCP_STATE_LISTEN = 0x0a, /* as /proc/net/tcp has it */
};

union any_address {
	struct sockaddr generic;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t make_address(const struct port_forward *forward, int family, uint16_t port,
			      union any_address *address)
{
	memset(address, 0, sizeof(*address));
	address->generic.sa_family = (sa_family_t)family;
	if (family == AF_INET) {
		address->v4.sin_port = htons(port);
		if (forward->address[0])
			(void)inet_pton(AF_INET, forward->address, &address->v4.sin_addr);
		return sizeof(address->v4);
	}
	address->v6.sin6_port = htons(port);
	if (forward->address[0])
		(void)inet_pton(AF_INET6, forward->address, &address->v6.sin6_addr);
	return sizeof(address->v6);
}

/* 0 or the errno of what stands in the way. */
static int try_family(const struct port_forward *forward, int family, uint16_t port)
{
	union any_address address;
	socklen_t length = make_address(forward, family, port, &address);
	int fd = socket(family, (forward->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	const int on = 1;
	int error = 0;

	if (fd < 0)
		return 0; /* without the family there is nothing to bind */
	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (!forward->udp) /* what closed connections leave behind is no hindrance */
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &address.generic, length) < 0 || (!forward->udp && listen(fd, 1) < 0))
		error = errno;
	fd_close(&fd);
	return error;
}

static int try_port(const struct port_forward *forward, uint16_t port)
{
	bool v6 = strchr(forward->address, ':');
	int error = 0;

	if (!v6)
		error = try_family(forward, AF_INET, port);
	if (error == 0 && (v6 || !forward->address[0]))
		error = try_family(forward, AF_INET6, port);
	return error;
}

/* Who has it, as far as /proc tells */

/* The inode of a socket at the port in one table of /proc/net, 0 for none. */
static unsigned long find_inode(const char *table, bool udp, uint16_t port)
{
	FILE *file = fopen(table, "re");
	unsigned long found = 0;
	char line[512];

	while (file && !found && fgets(line, sizeof(line), file)) {
		unsigned int local, state;
		unsigned long inode;

		if (sscanf(line,
			   "%*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %lu",
			   &local, &state, &inode) == 3 &&
		    local == port && (udp || state == TCP_STATE_LISTEN))
			found = inode;
	}
	if (file)
		fclose(file);
	return found;
}

static bool holds(const char *process, const char *link)
{
	char path[300], target[64];
	DIR *folder;
	struct dirent *entry;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%s/fd", process);
	folder = opendir(path);
	while (folder && !found && (entry = readdir(folder))) {
		ssize_t length =
			readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);

		if (length < 0)
			continue;
		target[length] = '\0';
		found = strcmp(target, link) == 0;
	}
	if (folder)
		closedir(folder);
	return found;
}

static void name_program(const char *process, char program[PROGRAM_SIZE])
{
	char path[300], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/comm", process);
	file = fopen(path, "re");
	if (file && fgets(name, sizeof(name), file))
		name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
	snprintf(program, PROGRAM_SIZE, " by %s (process %.10s)", name[0] ? name : "a program",
		 process);
}

/* "" where it is not known. */
static void find_program(const struct port_forward *forward, uint16_t port,
			 char program[PROGRAM_SIZE])
{
	unsigned long inode =
		find_inode(forward->udp ? "/proc/net/udp" : "/proc/net/tcp", forward->udp, port);
	char link[64];
	struct dirent *entry;
	DIR *processes;

	program[0] = '\0';
	if (!inode)
		inode = find_inode(forward->udp ? "/proc/net/udp6" : "/proc/net/tcp6", forward->udp,
				   port);
	snprintf(link, sizeof(link), "socket:[%lu]", inode);
	processes = inode ? opendir("/proc") : NULL;
	while (processes && !program[0] && (entry = readdir(processes))) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    holds(entry->d_name, link))
			name_program(entry->d_name, program);
	}
	if (processes)
		closedir(processes);
}

static void describe(const struct port_forward *forward, uint16_t port, int error,
		     char text[NET_KEEPER_TEXT_SIZE])
{
	const char *protocol = forward->udp ? "UDP" : "TCP";
	char program[PROGRAM_SIZE];

	switch (error) {
	case EADDRINUSE:
		find_program(forward, port, program);
		snprintf(text, NET_KEEPER_TEXT_SIZE,
			 "The %s port %u of this computer, which is to lead to the machine, is in "
			 "use%s; end that, or forward another port.",
			 protocol, port, program);
		break;
	case EACCES:
		snprintf(text, NET_KEEPER_TEXT_SIZE,
			 "You may not use the %s port %u of this computer; forward one from 1024 "
			 "on.",
			 protocol, port);
		break;
	default:
		snprintf(text, NET_KEEPER_TEXT_SIZE,
			 "The %s port %u of this computer cannot be forwarded to the machine: %s.",
			 protocol, port, strerror(error));
	}
}

bool host_port_check(const struct port_forward *forward, char text[NET_KEEPER_TEXT_SIZE])
{
	for (unsigned int port = forward->first; port <= forward->last; port++) {
		int error = try_port(forward, (uint16_t)port);

		for (int i = 0; i < TRIES && error == EADDRINUSE; i++) {
			(void)poll(NULL, 0, TRY_MS);
			error = try_port(forward, (uint16_t)port);
		}
		if (error) {
			describe(forward, (uint16_t)port, error, text);
			return false;
		}
	}
	return true;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a client says that a clone shall be, with files under some numbers.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/control-server.h"
#include "machine/clone-arguments.h"

enum { FIRST = 3, LAST = 12, SOCKET = 5 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct machine_config original = {.memory = 64 << 20, .cpus = 2};

static int files_of_clone(struct control_clone *clone, int ends[2])
{
	int file = memfd_create("file", MFD_CLOEXEC);

	assert(file >= 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	for (int i = 0; i < CONTROL_MAX_FILES; i++)
		clone->files[i] = i >= FIRST && i <= LAST ? file : -1;
	clone->files[SOCKET] = ends[0];
	return file;
}

/* Whatever it has been told, a clone is one of this machine and opens nothing. */
static void check(const struct clone_arguments *arguments)
{
	const struct machine_config *config = &arguments->config;

	assert(config->memory == original.memory && config->cpus == original.cpus);
	assert(!config->control.path && !config->kernel.path && !config->restore.path);
	for (unsigned int i = 0; i < config->disk_count; i++) {
		for (unsigned int j = 0; j < config->disks[i].layer_count; j++)
			assert(!config->disks[i].layers[j].file.path);
	}
	for (unsigned int i = 0; i < config->net.nic_count; i++)
		assert(config->net.nics[i].kind == NET_FD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct control_clone clone;
	struct clone_arguments arguments;
	int ends[2], file = files_of_clone(&clone, ends);

	clone.arguments = memfd_create("arguments", MFD_CLOEXEC);
	assert(clone.arguments >= 0 && write(clone.arguments, data, size) == (ssize_t)size);
	if (clone_arguments_read(&arguments, &original, &clone) == 0) {
		check(&arguments);
		clone_arguments_finish(&arguments);
	}
	close(clone.arguments);
	close(file);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

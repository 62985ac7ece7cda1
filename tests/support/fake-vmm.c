/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-vmm.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void must(bool condition)
{
	if (!condition)
		abort();
}

int fake_vmm_listen(struct fake_vmm *vmm)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(vmm->directory, "/tmp/fake-vmm-XXXXXX");
	must(mkdtemp(vmm->directory));
	snprintf(vmm->path, sizeof(vmm->path), "%s/socket", vmm->directory);
	strcpy(address.sun_path, vmm->path);
	must(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	must(listen(fd, 64) == 0);
	return fd;
}

static void *run_loop(void *data)
{
	struct fake_vmm *vmm = data;

	return (void *)(intptr_t)event_loop_run(vmm->loop);
}

void fake_vmm_start(struct fake_vmm *vmm)
{
	must(event_loop_create(&vmm->loop) == 0);
	must(fake_machine_init(&vmm->machine, vmm->loop, fake_vmm_listen(vmm)) == 0);
	must(pthread_create(&vmm->thread, NULL, run_loop, vmm) == 0);
	vmm->running = true;
}

int fake_vmm_join(struct fake_vmm *vmm)
{
	void *result;

	must(pthread_join(vmm->thread, &result) == 0);
	vmm->running = false;
	return (int)(intptr_t)result;
}

void fake_vmm_unlisten(struct fake_vmm *vmm)
{
	unlink(vmm->path);
	rmdir(vmm->directory);
}

void fake_vmm_stop(struct fake_vmm *vmm)
{
	if (vmm->running) {
		event_loop_stop(vmm->loop, 0);
		fake_vmm_join(vmm);
	}
	fake_machine_finish(&vmm->machine);
	event_loop_destroy(vmm->loop);
	fake_vmm_unlisten(vmm);
}

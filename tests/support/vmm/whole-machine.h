/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A whole machine inside the test, with a kernel of a few instructions on a real /dev/kvm. The test
 * is its main thread.
 */
#pragma once

#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "machine/machine-config.h"
#include "machine/machine-run-state.h"
#include "machine/machine.h"
#include "payload-kernel.h"

struct whole_machine {
	char **argv; /* the strings the configuration is made of */
	char **words;
	struct machine_config config;
	struct machine *machine;
	int kernel_fd;
};

/* options: as on the command line, besides the kernel. Created, not started. */
static inline void whole_machine_create(struct whole_machine *whole, const void *code,
					size_t code_length, const char *options)
{
	g_autofree char *line = NULL;
	uint8_t image[PAYLOAD_KERNEL_SIZE];
	char text[MACHINE_TEXT_SIZE];
	int argc;

	memset(whole, 0, sizeof(*whole));
	payload_kernel_make(image, code, code_length);
	whole->kernel_fd = memfd_create("kernel", 0);
	g_assert_cmpint(write(whole->kernel_fd, image, sizeof(image)), ==, sizeof(image));
	line = g_strdup_printf("innkeeper-vmm --kernel fd=%d %s", whole->kernel_fd, options);
	g_assert_true(g_shell_parse_argv(line, &argc, &whole->argv, NULL));
	/* they are put into another order */
	whole->words = g_memdup2(whole->argv, (gsize)(argc + 1) * sizeof(char *));
	if (machine_config_parse(argc, whole->words, &whole->config, text) != MACHINE_CONFIG_VALID)
		g_error("%s", text);
#ifdef __SANITIZE_ADDRESS__
	/* it makes system calls of its own in every thread */
	whole->config.sandbox = SANDBOX_OFF;
#endif
	g_assert_cmpint(machine_create(&whole->config, &whole->machine), ==, 0);
}

static inline void whole_machine_destroy(struct whole_machine *whole)
{
	machine_destroy(whole->machine);
	g_strfreev(whole->argv);
	g_free(whole->words);
}

/* Runs it, without the loop and without the sandbox, and holds the device lock from here on. */
static inline void whole_machine_start(struct whole_machine *whole)
{
	for (uint64_t i = 0; i < whole->config.cpus; i++)
		g_assert_cmpint(vcpu_start_thread(whole->machine->vcpus[i]), ==, 0);
	event_loop_lock(whole->machine->loop);
	machine_start(whole->machine);
}

/* What callbacks and vCPUs need the device lock for gets its turn. */
static inline void whole_machine_yield(struct whole_machine *whole)
{
	event_loop_unlock(whole->machine->loop);
	g_usleep(1000);
	event_loop_lock(whole->machine->loop);
}

static inline void whole_machine_stop(struct whole_machine *whole)
{
	machine_force_off(whole->machine);
	event_loop_unlock(whole->machine->loop);
}

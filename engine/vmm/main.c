/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * innkeeper-vmm: runs one virtual machine. Command line to configuration, to machine, to sandbox,
 * to exit status.
 */
#include <malloc.h>
#include <stdio.h>

#include "base/log.h"
#include "config.h"
#include "machine/machine-config.h"
#include "machine/machine.h"
#include "protocol/exit-status.h"

static int run(const struct machine_config *config)
{
	struct machine *machine;
	int exit_status;

	if (machine_create(config, &machine) < 0)
		return EXIT_STATUS_HOST_ERROR;
	exit_status = machine_run(machine);
	machine_destroy(machine);
	return exit_status;
}

int main(int argc, char **argv)
{
	char text[MACHINE_TEXT_SIZE];
	struct machine_config config;

	/* One heap for all threads: each further one would be memory held for nothing. */
	mallopt(M_ARENA_MAX, 1);
	log_set_program("innkeeper-vmm");
	switch (machine_config_parse(argc, argv, &config, text)) {
	case MACHINE_CONFIG_HELP:
		fputs(machine_config_usage, stdout);
		return EXIT_STATUS_POWER_OFF;
	case MACHINE_CONFIG_VERSION:
		puts("innkeeper-vmm " VERSION);
		return EXIT_STATUS_POWER_OFF;
	case MACHINE_CONFIG_INVALID:
		log_error("%s", text);
		return EXIT_STATUS_USAGE;
	case MACHINE_CONFIG_VALID:
		break;
	}
	return run(&config);
}

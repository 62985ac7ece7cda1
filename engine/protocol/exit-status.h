/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How an innkeeper-vmm process ends, by its exit status.
 */
#pragma once

enum exit_status {
	EXIT_STATUS_POWER_OFF = 0,  /* the guest powered off, or was forced off */
	EXIT_STATUS_HOST_ERROR = 1, /* something on the host; one sentence on standard error */
	EXIT_STATUS_USAGE = 2,
	EXIT_STATUS_RESET = 3,       /* a reset while --no-reboot was given */
	EXIT_STATUS_GUEST_CRASH = 4, /* the guest panicked or the CPU could not go on */
};

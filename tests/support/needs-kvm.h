/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For tests that run a guest: where there is no KVM they are skipped, with the reason.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_SKIPPED = 77 };

static inline void need_kvm(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		printf("1..0 # SKIP /dev/kvm: %s\n", strerror(errno));
		exit(EXIT_SKIPPED);
	}
	close(fd);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Doorbell addresses without KVM (bus/ioeventfd.h): the test writes to them.
 */
#pragma once

#include <stdbool.h>

#include "bus/ioeventfd.h"

enum { FAKE_IOEVENTFDS_MAX = 16 };

struct fake_ioeventfds {
	struct ioeventfd_registry registry;
	struct {
		uint64_t gpa;
		int fd;
	} entries[FAKE_IOEVENTFDS_MAX];
	unsigned int count;
	int add_error; /* what adding answers, if not 0 */
};

void fake_ioeventfds_init(struct fake_ioeventfds *ioeventfds);
/* As a guest's write: false when no eventfd is registered there, so that it is an exit. */
bool fake_ioeventfds_write(struct fake_ioeventfds *ioeventfds, uint64_t gpa);

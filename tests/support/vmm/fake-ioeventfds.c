/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See fake-ioeventfds.h.
 */
#include "fake-ioeventfds.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"

static int add(struct ioeventfd_registry *registry, uint64_t gpa, int event_fd)
{
	struct fake_ioeventfds *ioeventfds = (struct fake_ioeventfds *)registry;

	if (ioeventfds->add_error)
		return ioeventfds->add_error;
	for (unsigned int i = 0; i < ioeventfds->count; i++) {
		if (ioeventfds->entries[i].gpa == gpa)
			return -EEXIST;
	}
	if (ioeventfds->count == FAKE_IOEVENTFDS_MAX)
		return -ENOSPC;
	ioeventfds->entries[ioeventfds->count].gpa = gpa;
	ioeventfds->entries[ioeventfds->count++].fd = event_fd;
	return 0;
}

static int remove_entry(struct ioeventfd_registry *registry, uint64_t gpa, int event_fd)
{
	struct fake_ioeventfds *ioeventfds = (struct fake_ioeventfds *)registry;

	for (unsigned int i = 0; i < ioeventfds->count; i++) {
		if (ioeventfds->entries[i].gpa == gpa && ioeventfds->entries[i].fd == event_fd) {
			ioeventfds->entries[i] = ioeventfds->entries[--ioeventfds->count];
			return 0;
		}
	}
	return -ENOENT;
}

static const struct ioeventfd_registry_ops ops = {.add = add, .remove = remove_entry};

void fake_ioeventfds_init(struct fake_ioeventfds *ioeventfds)
{
	memset(ioeventfds, 0, sizeof(*ioeventfds));
	ioeventfds->registry.ops = &ops;
}

bool fake_ioeventfds_write(struct fake_ioeventfds *ioeventfds, uint64_t gpa)
{
	for (unsigned int i = 0; i < ioeventfds->count; i++) {
		if (ioeventfds->entries[i].gpa == gpa) {
			fd_event_signal(ioeventfds->entries[i].fd);
			return true;
		}
	}
	return false;
}

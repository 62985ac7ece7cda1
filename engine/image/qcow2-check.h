/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the refcounts of a qcow2 image are what its tables say, snapshots included.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "image/image-problem.h"

struct qcow2_check_report {
	uint64_t corruptions; /* clusters and entries by which data is wrong, or will be */
	uint64_t leaks;       /* clusters that are counted more often than they are used */
	bool leaks_unknown;   /* there are bitmaps, which are not followed; leaks is 0 */
	uint64_t clusters_used;
};

/*
 * fd is only read; nobody writes the file meanwhile. Broken tables are counted, not a problem.
 * *ret_error: negative errno with IMAGE_SYSTEM_ERROR.
 */
enum image_problem qcow2_check(int fd, struct qcow2_check_report *ret_report, int *ret_error);

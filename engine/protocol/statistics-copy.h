/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A reader's consistent copy of a statistics page that somebody else writes, and may write wrongly.
 */
#pragma once

#include "protocol/statistics-protocol.h"

/*
 * Copies a shared page by its sequence lock and checks the copy. 0; -EAGAIN when the writer kept
 * changing it or died while it did; -EPROTO or, for another major version, -EPROTONOSUPPORT when
 * the page is not what it should be. *copy is only meaningful after 0: then counts are bounded and
 * lines beyond them zero, state and reason are known ones, no part of memory is larger than all of
 * it, and the text is terminated (but may be invalid UTF-8). At most 64 tries, no system call.
 */
int statistics_copy(const struct statistics_page *shared, struct statistics_page *copy);

/*
 * The same for the history of a page that has one, which its file's size tells. After 0 the times
 * of its samples rise and none is later than the page's last sample; times of vCPUs that the
 * machine does not have are zero.
 */
int statistics_copy_history(const struct statistics_area *shared, struct statistics_history *copy);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens the files of a configuration before the sandbox closes, and says in a sentence what is
 * wrong with one that cannot be opened.
 */
#pragma once

#include "machine/machine-config.h"

enum { FILE_NAME_SIZE = 300 };

/* How a person knows the file: its path, or "file descriptor 5". */
void file_reference_name(const struct file_reference *file, char name[FILE_NAME_SIZE]);

/*
 * A descriptor of the caller's own, -1 for a file that was not given, or -EIO after logging why.
 * An inherited descriptor is taken over as it is.
 */
int host_file_open(const struct file_reference *file, int flags, int *ret_fd);
/*
 * A listening socket of that type (SOCK_SEQPACKET, SOCK_STREAM); one that was left behind at the
 * path is replaced.
 */
int host_file_listen(const struct file_reference *file, int type, int *ret_fd);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Open-file-description locks (fcntl(2)) on whole files: held by everybody who has the
 * descriptor, across fork and exec, and gone with the last of them however it ends.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  INN_FILE_LOCK_SHARED,    /* needs a readable descriptor */
  INN_FILE_LOCK_EXCLUSIVE, /* needs a writable descriptor */
} InnFileLockKind;

/* 0 or a positive errno; EAGAIN: somebody else holds it. */
int inn_file_lock (int fd, InnFileLockKind kind);
/* The same, but gives who is about to let go of it some seconds for that: a process that ends does
 * not close all that it has in one moment, and the files of its io_uring stay open until the kernel
 * comes to take that down. Not for the main thread. */
int inn_file_lock_patiently (int fd, InnFileLockKind kind);
/* The same, but waits as long as it takes. */
int inn_file_lock_wait (int fd, InnFileLockKind kind);
/* Whether another open file description holds any lock, or an exclusive one. */
gboolean inn_file_lock_is_held (int fd);
gboolean inn_file_lock_is_held_exclusively (int fd);

G_END_DECLS

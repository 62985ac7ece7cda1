/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnRuntimeDirectory: where the sockets of running VMMs are. A reference-counted value; any
 * thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _InnRuntimeDirectory InnRuntimeDirectory;

/* $XDG_RUNTIME_DIR/innkeeper, or a folder below the cache folder where that is not set. */
char *inn_runtime_directory_get_default_path (void);

/* Makes the folder when needed, for this user alone. */
InnRuntimeDirectory *inn_runtime_directory_open (const char *path, GError **error);
InnRuntimeDirectory *inn_runtime_directory_ref (InnRuntimeDirectory *self);
void inn_runtime_directory_unref (InnRuntimeDirectory *self);

const char *inn_runtime_directory_get_path (const InnRuntimeDirectory *self);

/* The path to connect to for that machine. It always fits a socket address: where the folder's
 * own path is too long it goes through a descriptor of this process and is good only in it. */
char *inn_runtime_directory_get_socket (const InnRuntimeDirectory *self, const char *uuid);

/* A listening SOCK_SEQPACKET socket there, close-on-exec, in place of any before; or -1. Only the
 * holder of the machine's lock may call this. */
int
inn_runtime_directory_listen (const InnRuntimeDirectory *self, const char *uuid, GError **error);
/* The same for the programs that reach the guest through its vsock device: a SOCK_STREAM socket at
 * the machine's UUID with “.vsock” behind it (vmm/virtio/vsock-host.h says how it is talked to). */
int inn_runtime_directory_listen_vsock (const InnRuntimeDirectory *self,
                                        const char *uuid,
                                        GError **error);
/* Removes the sockets of a machine that is deleted. */
void inn_runtime_directory_forget (const InnRuntimeDirectory *self, const char *uuid);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnRuntimeDirectory, inn_runtime_directory_unref)

G_END_DECLS

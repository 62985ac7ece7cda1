/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnDirectoryWatch: tells at once when a file of some folders appears, is replaced, closed after
 * writing or removed (inotify(7)). Unlike GFileMonitor it does not wake for every write that a
 * guest does to a disk. Lives in the thread-default main context it was made in.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _InnDirectoryWatch InnDirectoryWatch;

/* @folder and @name say what changed; both NULL: events were lost, look at everything again. */
typedef void (*InnDirectoryWatchFunc) (const char *folder, const char *name, gpointer user_data);

/* NULL when the system gives no more inotify instances. */
InnDirectoryWatch *inn_directory_watch_new (InnDirectoryWatchFunc func, gpointer user_data);
/* No call of the function comes after this. */
void inn_directory_watch_free (InnDirectoryWatch *self);

/* Watches @folder until it is gone. Doing so twice is harmless. */
gboolean inn_directory_watch_add (InnDirectoryWatch *self, const char *folder);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnDirectoryWatch, inn_directory_watch_free)

G_END_DECLS

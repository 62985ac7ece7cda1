/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnThreadProgress: takes the word of a worker thread about how far its copy is to the main
 * context that the work was started from, and the wish to stop the other way.
 */
#pragma once

#include <gio/gio.h>

#include "image/image-copy.h"

G_BEGIN_DECLS

/* From 0 to 1. */
typedef void (*InnGuestProgress) (double fraction, gpointer data);

typedef struct _InnThreadProgress InnThreadProgress;

/* @func and @cancellable may be NULL. @func is called in the thread-default main context of now. */
InnThreadProgress *
inn_thread_progress_new (InnGuestProgress func, gpointer data, GCancellable *cancellable);
/* In the thread that made it, when the worker is done: no call of the function comes after this. */
void inn_thread_progress_free (InnThreadProgress *self);

/* For the worker. */
const struct image_progress *inn_thread_progress_get (InnThreadProgress *self);

G_END_DECLS

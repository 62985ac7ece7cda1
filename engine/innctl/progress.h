/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What takes long: how far it is, where a person sees it, and a way to stop it.
 */
#pragma once

#include "disk-copy.h"
#include "innctl.h"

G_BEGIN_DECLS

/* From begin to end Ctrl+C cancels what is done with @cancellable, instead of ending the program.
 */
typedef struct
{
  GCancellable *cancellable;
  gboolean visible; /* standard error is a terminal */
  int percent;      /* told last; -1: nothing */
  guint signals[2];
} InnctlProgress;

void innctl_progress_begin (InnctlProgress *self);
/* Tells how far it is, from 0 to 1, to a person. Any thread. */
void innctl_progress_tell (double fraction, gpointer self);
void innctl_progress_end (InnctlProgress *self);

/* Copies a disk, with progress. */
InnctlStatus innctl_copy_disk (const InnDiskCopy *copy);

G_END_DECLS

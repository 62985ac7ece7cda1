/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots that exist only in memory.
 */
#pragma once

#include "model/snapshots.h"

G_BEGIN_DECLS

#define FAKE_TYPE_SNAPSHOTS (fake_snapshots_get_type ())
G_DECLARE_FINAL_TYPE (FakeSnapshots, fake_snapshots, FAKE, SNAPSHOTS, InnSnapshots)

/* Makes the clone @name: the id of the new machine, transfer full. */
typedef char *(*FakeCloner) (InnCloneKind kind, const char *name, gpointer data);

/* None at first. */
FakeSnapshots *fake_snapshots_new (FakeCloner cloner, gpointer data);

/*
 * Six of them; "update" is current:
 *   fresh - login - tools - update
 *                       \ kernel - kept
 * @now_us: when they are looked at. @pictures: a folder with pictures NAME.png of those names, or
 * NULL.
 */
void fake_snapshots_fill (FakeSnapshots *self, gint64 now_us, const char *pictures);
/* Whether later ones have memory. */
void fake_snapshots_set_running (FakeSnapshots *self, gboolean running);
/* What is done takes this long. */
void fake_snapshots_set_delay (FakeSnapshots *self, guint milliseconds);
/* Whatever is done ends with this error; NULL: it works again. */
void fake_snapshots_set_error (FakeSnapshots *self, const GError *error);
/* It cannot be gone back to for that reason, a sentence. */
void fake_snapshots_damage (FakeSnapshots *self, const char *id, const char *trouble);
/* NULL: it can be done again. */
void
fake_snapshots_refuse (FakeSnapshots *self, InnSnapshotOperation operation, const char *reason);
void fake_snapshots_refuse_clone (FakeSnapshots *self, InnCloneKind kind, const char *reason);

G_END_DECLS

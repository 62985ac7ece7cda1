/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One process runs a machine: a lock on the file "lock" in the machine's folder. The VMM inherits
 * the descriptor, so the lock is held exactly while a VMM lives. The file also says which process
 * that is, for people and for ending one that does not answer. Those who need the machine to stay
 * off share the lock meanwhile. Any thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Takes the lock of the machine in @folder. Returns a close-on-exec descriptor that holds it, or
 * -1: INN_ENGINE_ERROR_BUSY when somebody else does, INN_ENGINE_ERROR_NOT_FOUND when the folder
 * is gone. @name is for the message.
 */
int inn_machine_lock_acquire (const char *folder, const char *name, GError **error);

/* The same, shared with others who call this: while the descriptor is open the machine is not
 * started, and does not count as running either. */
int inn_machine_lock_keep_off (const char *folder, const char *name, GError **error);

/* Notes that process @pid has inherited @lock_fd. */
void inn_machine_lock_set_holder (int lock_fd, GPid pid);
/* The same by somebody else: @pid is known to have the lock of the machine in @folder. */
void inn_machine_lock_note_holder (const char *folder, GPid pid);

/* Whether the machine runs. */
gboolean inn_machine_lock_is_held (const char *folder);

/* The process that holds it, or 0 when nobody does or it cannot be told for certain. */
GPid inn_machine_lock_get_holder (const char *folder);

G_END_DECLS

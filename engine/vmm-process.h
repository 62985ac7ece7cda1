/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting one VMM process. It gets a session of its own, so that neither Ctrl+C nor the end of
 * the starter stops a guest; everything it prints goes to the machine's log. Blocks; any thread.
 */
#pragma once

#include <gio/gio.h>

#include "control-channel.h"
#include "machine-description.h"
#include "runtime-directory.h"

G_BEGIN_DECLS

/* What to start and where; borrowed during the call. */
typedef struct
{
  const InnMachineDescription *description;
  const InnMachineDescription *defined; /* what its definition has to be; NULL: the same */
  const char *memory;                   /* the file it goes on from, or NULL */
  gboolean disposable;                  /* what it writes is gone when it ends */
  const char *folder;                   /* of the machine */
  const char *log_path;                 /* its folder is made when needed */
  InnRuntimeDirectory *runtime;
} InnVmmRequest;

/*
 * Locks the machine, opens everything, notes the start and spawns. The process may still end with
 * a complaint before it answers on its socket. Exactly one of several callers wins; the others get
 * INN_ENGINE_ERROR_BUSY. *@ret_started names the run in the run record.
 */
GSubprocess *
inn_vmm_process_start (const InnVmmRequest *request, gint64 *ret_started, GError **error);

/* What a clone of a running machine needs, whose VMM comes of the original's. */
typedef struct
{
  GArray *files;  /* of InnControlFile, its log among them; all are closed with the array */
  GArray *shared; /* of int: those of them that others may read too, and which are not locked yet */
  int arguments_fd; /* a file of its command line, as CONTROL_CLONE wants it */
} InnVmmStaging;

/* As inn_vmm_process_start(), but for a clone: nothing is spawned. @lock_fd: of the machine. */
gboolean inn_vmm_process_stage (const InnVmmRequest *request,
                                int lock_fd,
                                InnVmmStaging *ret_staging,
                                GError **error);
/* The original writes none of them any more: locks what has to stay as it is. */
void inn_vmm_staging_lock (const InnVmmStaging *self);
/* Also of zeros. */
void inn_vmm_staging_clear (InnVmmStaging *self);

/* What a VMM that was started for @request and ended at once has printed, as one sentence that
 * names files by their paths; NULL when it printed nothing. */
char *inn_vmm_process_read_complaint (const InnVmmRequest *request);

/* The program: $INNKEEPER_VMM, or the one of this build tree, or the installed one. */
char *inn_vmm_process_find_program (void);
/* The same whatever $INNKEEPER_VMM says. */
const char *inn_vmm_process_get_default_program (void);

/*
 * Ends the process that holds the lock of the machine in @folder and that no longer listens to
 * its socket. FALSE when nobody is known to hold it.
 */
gboolean inn_vmm_process_kill (const char *folder);

G_END_DECLS

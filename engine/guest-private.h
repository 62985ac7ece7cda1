/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the guest*.c files and engine.c share of InnGuest.
 */
#pragma once

#include "guest.h"
#include "machine-store.h"
#include "runtime-directory.h"

G_BEGIN_DECLS

typedef struct _InnGuestMerge InnGuestMerge;

struct _InnGuest
{
  GObject parent_instance;

  char *uuid;
  char *folder;
  char *log_path;
  InnMachineStore *store;
  InnRuntimeDirectory *runtime;

  /* As last read from the files. */
  char *name;
  InnMachineDescription *description; /* NULL: it cannot be used, and why is in trouble */
  char *trouble;
  gboolean is_saved; /* the next start goes on where it was */
  char *current_snapshot;
  InnRunRecord record;

  /* The running guest. */
  InnControlChannel *channel;
  GCancellable *attaching; /* while a channel is being opened */
  guint attach_timeout_id;
  guint retry_id; /* a VMM holds the lock, but did not answer yet */
  guint retries;
  char *unreachable;   /* why, once that lasts */
  gboolean distrusted; /* it broke the protocol: no other word with this VMM */
  gint64 run_started;  /* names the run that the channel belongs to */
  guint ending_id;     /* the channel is closed, the process is on its way out */
  guint ending_polls;
  InnRunEnd end; /* how, while it ends */
  char *end_text;
  gboolean shutting_down; /* the guest was asked and did not refuse */
  guint shutting_down_id;
  guint watch_ms;
  struct statistics_page *page; /* where the state is read from; too large for a stack */

  /* Operations under way. */
  GTask *start_task;    /* its data is guest-start.c's */
  GSubprocess *process; /* of the start task */
  GPtrArray *off_tasks; /* of GTask: finish when the guest is off */
  guint kill_id;
  InnGuestMerge *merge; /* of layers, while it is under way */
  gboolean merge_owed;  /* what it writes can be merged once it is off */

  InnGuestState state;
  char *text;
  gboolean disposable;
  gboolean settled;
};

InnGuest *inn_guest_new (const char *uuid,
                         InnMachineStore *store,
                         InnRuntimeDirectory *runtime,
                         const char *log_dir);
/* Looks at the machine's files and, when it runs and is not attached yet, attaches. */
void inn_guest_refresh (InnGuest *self);
/* Lets go of the VMM, which runs on. The guest is of no use after. */
void inn_guest_detach (InnGuest *self);

/* Reads the record of the last run again. */
void inn_guest_load_record (InnGuest *self);
/* What a running VMM, or one that has just ended, says about itself; NULL for nothing. */
char *inn_guest_describe_running (InnGuest *self);

/* Starts opening a channel to the VMM that holds the machine's lock. */
void inn_guest_attach (InnGuest *self);
/* Makes the properties say what the fields say. */
void inn_guest_update (InnGuest *self);
void inn_guest_set_shutting_down (InnGuest *self, gboolean shutting_down);

/* Whether it is being started disposably. */
gboolean inn_guest_starts_disposable (InnGuest *self);

/* The operations hear of these: a start found no VMM to talk to; the VMM said what it does; the
 * machine is off. */
void inn_guest_attach_refused (InnGuest *self, const GError *error);
void inn_guest_state_told (InnGuest *self);
void inn_guest_went_off (InnGuest *self);
/* The machine is off again: a start that is not finished yet is. */
void inn_guest_end_start (InnGuest *self);
/* Why nothing can be asked of it now. */
void inn_guest_set_not_running_error (InnGuest *self, GError **error);
/* Ends @task with what @error of the channel means to a person. */
void inn_guest_fail_task (GTask *task, InnGuest *self, const GError *error);
/* Runs @function in a worker thread, for a task of its own whose data is @task, and then @callback.
 */
void inn_guest_run_in_thread (InnGuest *self,
                              GTask *task,
                              GTaskThreadFunc function,
                              GAsyncReadyCallback callback);
/* What becomes of the guest that a snapshot was taken of. */
typedef enum
{
  INN_LIVE_RUN_ON,
  INN_LIVE_SAVE, /* it ends, and the next start goes on where it was */
  INN_LIVE_KEEP, /* it ends, to make room for what is restored */
} InnLivePurpose;

/* Takes a snapshot of what runs; @task, which is taken over, ends with an InnSnapshotRecord. */
void inn_guest_take_live_snapshot (InnGuest *self,
                                   GTask *task,
                                   const char *name,
                                   const char *note,
                                   InnLivePurpose purpose);
/* What the channel says of a snapshot or clone is a sentence, but not an error of ours. */
GError *inn_guest_convert_error (InnGuest *self, const GError *error);
/* Makes a live clone; @task, which is taken over and has no data, ends with the new UUID. */
void inn_guest_clone_live (InnGuest *self, GTask *task, const char *name);
/* How long the guest stood still for it; 0 of any other clone. */
guint64 inn_guest_get_clone_pause (GTask *task);
/* There is a machine more. */
void inn_guest_tell_cloned (InnGuest *self, const char *uuid);
/* Ends what runs, restores, and starts again; @task, which is taken over, ends with a boolean. */
void inn_guest_restore_running (InnGuest *self, GTask *task, const char *id, gboolean keep_present);
/* The machine is off: merges what had to wait for that. */
void inn_guest_merge_owed (InnGuest *self);
/* Lets a merge of layers stop soon; those who wait for it hear so. */
void inn_guest_abandon_merge (InnGuest *self);
/* Ends all operations with an error, for detaching. */
void inn_guest_abandon_operations (InnGuest *self);

G_END_DECLS

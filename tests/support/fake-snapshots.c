/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots in memory.
 */
#include "fake-snapshots.h"

#include "model/error.h"

#define GIB            (G_GUINT64_CONSTANT (1) << 30)
#define MIB            (G_GUINT64_CONSTANT (1) << 20)
#define PAUSE_US       3100
#define PROGRESS_STEPS 20

struct _FakeSnapshots
{
  InnSnapshots parent_instance;

  FakeCloner cloner;
  gpointer cloner_data;
  GPtrArray *stored; /* of InnSnapshot */
  char *current;
  gboolean running;
  guint delay;
  guint n_made;
  GError *error;
  char *refusals[INN_SNAPSHOT_CHANGE + 1];
  char *clone_refusals[INN_CLONE_N];
};

G_DEFINE_FINAL_TYPE (FakeSnapshots, fake_snapshots, INN_TYPE_SNAPSHOTS)

/* What is under way: the data of a task. */
typedef struct
{
  void (*finish) (FakeSnapshots *self, GTask *task);
  InnSnapshot *snapshot;
  char *name;
  char *note;
  gboolean keep_present;
  InnCloneKind kind;
  InnProgressFunc progress;
  gpointer progress_data;
  guint step;
} Work;

static void
work_free (gpointer data)
{
  Work *work = data;

  g_clear_object (&work->snapshot);
  g_free (work->name);
  g_free (work->note);
  g_free (work);
}

static void
publish (FakeSnapshots *self)
{
  GPtrArray *copies = g_ptr_array_new ();
  InnSnapshotSpace space = { .free = 212 * GIB, .present = 214 * MIB };

  for (guint i = 0; i < self->stored->len; i++)
    {
      InnSnapshot *snapshot = g_ptr_array_index (self->stored, i);
      const InnSnapshotFacts *facts = inn_snapshot_get_facts (snapshot);

      space.used += facts->size;
      g_ptr_array_add (copies, inn_snapshot_new (inn_snapshot_get_id (snapshot), facts));
    }
  inn_snapshots_update (INN_SNAPSHOTS (self), copies, self->current, &space);
}

static guint
find_stored (FakeSnapshots *self, const char *id)
{
  for (guint i = 0; i < self->stored->len; i++)
    if (g_str_equal (inn_snapshot_get_id (g_ptr_array_index (self->stored, i)), id))
      return i;
  return G_MAXUINT;
}

static void
replace_stored (FakeSnapshots *self, guint index, const InnSnapshotFacts *facts)
{
  InnSnapshot *before = g_ptr_array_index (self->stored, index);

  self->stored->pdata[index] = inn_snapshot_new (inn_snapshot_get_id (before), facts);
  g_object_unref (before);
}

/* Returns its id. */
static const char *
add_present (FakeSnapshots *self, const char *name, const char *note, gboolean kept)
{
  g_autofree char *id = g_strdup_printf ("made-%u", ++self->n_made);
  const InnSnapshotFacts facts = { .name = name,
                                   .note = note,
                                   .time = g_get_real_time (),
                                   .parent = self->current,
                                   .running = self->running,
                                   .kept = kept,
                                   .size_known = TRUE,
                                   .size = self->running ? 1200 * MIB : 90 * MIB,
                                   .memory_size = self->running ? 1110 * MIB : 0,
                                   .disk_size = 90 * MIB,
                                   .pause_us = self->running ? PAUSE_US : 0 };
  InnSnapshot *snapshot = inn_snapshot_new (id, &facts);

  g_ptr_array_add (self->stored, snapshot);
  return inn_snapshot_get_id (snapshot);
}

static void
set_current (FakeSnapshots *self, const char *id)
{
  char *copy = g_strdup (id);

  g_free (self->current);
  self->current = copy;
}

/* ---- what is done ---- */

static void
finish_take (FakeSnapshots *self, GTask *task)
{
  Work *work = g_task_get_task_data (task);
  g_autofree char *chosen = g_strdup_printf ("Snapshot %u", self->stored->len + 1);
  const char *id = add_present (self, work->name != NULL ? work->name : chosen, work->note, FALSE);

  set_current (self, id);
  publish (self);
  g_task_return_pointer (task, g_object_ref (inn_snapshots_find (INN_SNAPSHOTS (self), id)),
                         g_object_unref);
}

static void
finish_restore (FakeSnapshots *self, GTask *task)
{
  Work *work = g_task_get_task_data (task);

  if (work->keep_present)
    add_present (self, "Kept before restoring", NULL, /* kept= */ TRUE);
  set_current (self, inn_snapshot_get_id (work->snapshot));
  publish (self);
  g_task_return_boolean (task, TRUE);
}

static void
finish_delete (FakeSnapshots *self, GTask *task)
{
  Work *work = g_task_get_task_data (task);
  const char *id = inn_snapshot_get_id (work->snapshot);
  g_autofree char *parent = g_strdup (inn_snapshot_get_parent (work->snapshot));

  for (guint i = 0; i < self->stored->len; i++)
    {
      InnSnapshotFacts facts = *inn_snapshot_get_facts (g_ptr_array_index (self->stored, i));

      if (g_strcmp0 (facts.parent, id) != 0)
        continue;
      facts.parent = parent;
      replace_stored (self, i, &facts);
    }
  if (g_strcmp0 (self->current, id) == 0)
    set_current (self, parent);
  g_ptr_array_remove_index (self->stored, find_stored (self, id));
  publish (self);
  g_task_return_boolean (task, TRUE);
}

static void
finish_change (FakeSnapshots *self, GTask *task)
{
  Work *work = g_task_get_task_data (task);
  const guint index = find_stored (self, inn_snapshot_get_id (work->snapshot));
  InnSnapshotFacts facts = *inn_snapshot_get_facts (g_ptr_array_index (self->stored, index));

  if (work->name != NULL)
    facts.name = work->name;
  if (work->note != NULL)
    facts.note = work->note;
  replace_stored (self, index, &facts);
  publish (self);
  g_task_return_boolean (task, TRUE);
}

static void
finish_clone (FakeSnapshots *self, GTask *task)
{
  Work *work = g_task_get_task_data (task);

  g_task_return_pointer (task, self->cloner (work->kind, work->name, self->cloner_data), g_free);
}

static gboolean
on_step (gpointer user_data)
{
  GTask *task = user_data;
  FakeSnapshots *self = g_task_get_source_object (task);
  Work *work = g_task_get_task_data (task);

  if (g_task_return_error_if_cancelled (task))
    return G_SOURCE_REMOVE;
  if (++work->step < PROGRESS_STEPS)
    {
      if (work->progress != NULL)
        work->progress ((double)work->step / PROGRESS_STEPS, work->progress_data);
      return G_SOURCE_CONTINUE;
    }
  if (self->error != NULL)
    g_task_return_error (task, g_error_copy (self->error));
  else
    work->finish (self, task);
  return G_SOURCE_REMOVE;
}

/* Takes @task over. */
static void
begin (FakeSnapshots *self, GTask *task)
{
  g_timeout_add_full (G_PRIORITY_DEFAULT, self->delay / PROGRESS_STEPS, on_step, task,
                      g_object_unref);
}

static Work *
add_work (GTask *task, void (*finish) (FakeSnapshots *self, GTask *task), InnSnapshot *snapshot)
{
  Work *work = g_new0 (Work, 1);

  work->finish = finish;
  g_set_object (&work->snapshot, snapshot);
  g_task_set_task_data (task, work, work_free);
  return work;
}

static void
fake_snapshots_take_async (InnSnapshots *snapshots,
                           const char *name,
                           const char *note,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  GTask *task = g_task_new (snapshots, cancellable, callback, user_data);
  Work *work = add_work (task, finish_take, NULL);

  work->name = g_strdup (name);
  work->note = g_strdup (note);
  begin (FAKE_SNAPSHOTS (snapshots), task);
}

static InnSnapshot *
fake_snapshots_take_finish (InnSnapshots *snapshots,
                            GAsyncResult *result,
                            guint64 *ret_pause_us,
                            GError **error)
{
  InnSnapshot *snapshot = g_task_propagate_pointer (G_TASK (result), error);

  if (snapshot != NULL)
    *ret_pause_us = inn_snapshot_get_facts (snapshot)->pause_us;
  return snapshot;
}

static void
fake_snapshots_restore_async (InnSnapshots *snapshots,
                              InnSnapshot *snapshot,
                              gboolean keep_present,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  GTask *task = g_task_new (snapshots, cancellable, callback, user_data);

  add_work (task, finish_restore, snapshot)->keep_present = keep_present;
  begin (FAKE_SNAPSHOTS (snapshots), task);
}

static void
fake_snapshots_delete_async (InnSnapshots *snapshots,
                             InnSnapshot *snapshot,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  GTask *task = g_task_new (snapshots, cancellable, callback, user_data);

  add_work (task, finish_delete, snapshot);
  begin (FAKE_SNAPSHOTS (snapshots), task);
}

static void
fake_snapshots_change_async (InnSnapshots *snapshots,
                             InnSnapshot *snapshot,
                             const char *name,
                             const char *note,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  FakeSnapshots *self = FAKE_SNAPSHOTS (snapshots);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Work *work = add_work (task, finish_change, snapshot);

  work->name = g_strdup (name);
  work->note = g_strdup (note);
  if (self->error != NULL)
    g_task_return_error (task, g_error_copy (self->error));
  else
    finish_change (self, task);
}

static gboolean
fake_snapshots_finish (InnSnapshots *snapshots, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
fake_snapshots_clone_async (InnSnapshots *snapshots,
                            InnCloneKind kind,
                            const char *name,
                            InnSnapshot *snapshot,
                            InnProgressFunc progress,
                            gpointer progress_data,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  GTask *task = g_task_new (snapshots, cancellable, callback, user_data);
  Work *work = add_work (task, finish_clone, snapshot);

  work->kind = kind;
  work->name = g_strdup (name);
  work->progress = progress;
  work->progress_data = progress_data;
  begin (FAKE_SNAPSHOTS (snapshots), task);
}

static char *
fake_snapshots_clone_finish (InnSnapshots *snapshots,
                             GAsyncResult *result,
                             guint64 *ret_pause_us,
                             GError **error)
{
  const Work *work = g_task_get_task_data (G_TASK (result));

  if (work->kind == INN_CLONE_LIVE)
    *ret_pause_us = PAUSE_US;
  return g_task_propagate_pointer (G_TASK (result), error);
}

static const char *
fake_snapshots_get_refusal (InnSnapshots *snapshots,
                            InnSnapshotOperation operation,
                            InnSnapshot *snapshot)
{
  return FAKE_SNAPSHOTS (snapshots)->refusals[operation];
}

static const char *
fake_snapshots_get_clone_refusal (InnSnapshots *snapshots, InnCloneKind kind, InnSnapshot *snapshot)
{
  FakeSnapshots *self = FAKE_SNAPSHOTS (snapshots);

  if (self->clone_refusals[kind] != NULL)
    return self->clone_refusals[kind];
  if (kind != INN_CLONE_LIVE)
    return NULL;
  if (snapshot != NULL)
    return inn_snapshot_get_facts (snapshot)->running ? NULL : "This snapshot has no memory";
  return self->running ? NULL : "The machine is off";
}

static guint64
fake_snapshots_get_clone_size (InnSnapshots *snapshots, InnCloneKind kind, InnSnapshot *snapshot)
{
  return kind == INN_CLONE_FULL ? 18 * GIB + 400 * MIB : 0;
}

static void
fake_snapshots_finalize (GObject *object)
{
  FakeSnapshots *self = FAKE_SNAPSHOTS (object);

  g_ptr_array_unref (self->stored);
  g_free (self->current);
  g_clear_error (&self->error);
  for (guint i = 0; i < G_N_ELEMENTS (self->refusals); i++)
    g_free (self->refusals[i]);
  for (guint i = 0; i < G_N_ELEMENTS (self->clone_refusals); i++)
    g_free (self->clone_refusals[i]);

  G_OBJECT_CLASS (fake_snapshots_parent_class)->finalize (object);
}

static void
fake_snapshots_class_init (FakeSnapshotsClass *klass)
{
  InnSnapshotsClass *snapshots_class = INN_SNAPSHOTS_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = fake_snapshots_finalize;
  snapshots_class->get_refusal = fake_snapshots_get_refusal;
  snapshots_class->get_clone_refusal = fake_snapshots_get_clone_refusal;
  snapshots_class->take_async = fake_snapshots_take_async;
  snapshots_class->take_finish = fake_snapshots_take_finish;
  snapshots_class->restore_async = fake_snapshots_restore_async;
  snapshots_class->delete_async = fake_snapshots_delete_async;
  snapshots_class->change_async = fake_snapshots_change_async;
  snapshots_class->finish = fake_snapshots_finish;
  snapshots_class->clone_async = fake_snapshots_clone_async;
  snapshots_class->clone_finish = fake_snapshots_clone_finish;
  snapshots_class->get_clone_size = fake_snapshots_get_clone_size;
}

static void
fake_snapshots_init (FakeSnapshots *self)
{
  self->stored = g_ptr_array_new_with_free_func (g_object_unref);
}

FakeSnapshots *
fake_snapshots_new (FakeCloner cloner, gpointer data)
{
  FakeSnapshots *self = g_object_new (FAKE_TYPE_SNAPSHOTS, NULL);

  self->cloner = cloner;
  self->cloner_data = data;
  publish (self);
  return self;
}

static const struct
{
  const char *id;
  const char *parent;
  const char *name;
  const char *note;
  guint hours_ago;
  gboolean kept;
  guint memory, disk; /* MiB */
} examples[] = {
  { "fresh", NULL, "Fresh installation", "", 192, FALSE, 0, 922 },
  { "login", "fresh", "First login", "", 190, FALSE, 980, 249 },
  { "tools", "login", "Toolchain installed", "Compiler and debugger.", 28, FALSE, 0, 640 },
  { "kernel", "tools", "Kernel 6.10 experiment", "", 21, FALSE, 1100, 948 },
  { "kept", "kernel", "Kept before restoring", "", 3, TRUE, 1024, 307 },
  { "update", "tools", "Before update",
    "Clean system, all tests pass. Go back here if the new kernel breaks Wi-Fi.", 1, FALSE, 1024,
    84 },
};

void
fake_snapshots_fill (FakeSnapshots *self, gint64 now_us, const char *pictures)
{
  g_return_if_fail (FAKE_IS_SNAPSHOTS (self));

  for (guint i = 0; i < G_N_ELEMENTS (examples); i++)
    {
      g_autofree char *file = g_strdup_printf ("%s.png", examples[i].id);
      g_autofree char *path = pictures != NULL ? g_build_filename (pictures, file, NULL) : NULL;
      const InnSnapshotFacts facts = { .name = examples[i].name,
                                       .note = examples[i].note,
                                       .time = now_us - examples[i].hours_ago * G_TIME_SPAN_HOUR,
                                       .parent = examples[i].parent,
                                       .running = examples[i].memory > 0,
                                       .kept = examples[i].kept,
                                       .size_known = TRUE,
                                       .size = (examples[i].memory + examples[i].disk) * MIB,
                                       .memory_size = examples[i].memory * MIB,
                                       .disk_size = examples[i].disk * MIB,
                                       .pause_us = examples[i].memory > 0 ? PAUSE_US : 0,
                                       .picture = path };

      g_ptr_array_add (self->stored, inn_snapshot_new (examples[i].id, &facts));
    }
  set_current (self, "update");
  publish (self);
}

void
fake_snapshots_set_running (FakeSnapshots *self, gboolean running)
{
  self->running = running;
}

void
fake_snapshots_set_delay (FakeSnapshots *self, guint milliseconds)
{
  self->delay = milliseconds;
}

void
fake_snapshots_set_error (FakeSnapshots *self, const GError *error)
{
  g_clear_error (&self->error);
  self->error = error != NULL ? g_error_copy (error) : NULL;
}

void
fake_snapshots_damage (FakeSnapshots *self, const char *id, const char *trouble)
{
  const guint index = find_stored (self, id);
  InnSnapshotFacts facts;

  g_return_if_fail (index != G_MAXUINT);

  facts = *inn_snapshot_get_facts (g_ptr_array_index (self->stored, index));
  facts.trouble = trouble;
  replace_stored (self, index, &facts);
  publish (self);
}

void
fake_snapshots_refuse (FakeSnapshots *self, InnSnapshotOperation operation, const char *reason)
{
  g_free (self->refusals[operation]);
  self->refusals[operation] = g_strdup (reason);
}

void
fake_snapshots_refuse_clone (FakeSnapshots *self, InnCloneKind kind, const char *reason)
{
  g_free (self->clone_refusals[kind]);
  self->clone_refusals[kind] = g_strdup (reason);
}

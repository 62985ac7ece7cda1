/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The snapshots of a machine: the list, and the order of what is asked for.
 */
#include "model/snapshots.h"

#include <glib/gi18n.h>

#include "model/error.h"

/* One thing that is asked for: the data of its task. */
typedef struct
{
  InnSnapshotOperation operation;
  InnSnapshot *snapshot; /* NULL for TAKE */
  char *name;
  char *note;
  gboolean keep_present;
  guint64 pause_us;
  GCancellable *cancellable; /* what the back end hears of */
  GCancellable *given;       /* the caller's, or NULL */
  gulong given_id;
} Request;

typedef struct
{
  InnCloneKind kind;
  InnSnapshot *snapshot;
  char *name;
  InnProgressFunc progress;
  gpointer progress_data;
  GDestroyNotify destroy;
  guint64 pause_us;
  GCancellable *cancellable;
  GCancellable *given;
  gulong given_id;
} Clone;

typedef struct
{
  GPtrArray *snapshots; /* of InnSnapshot, oldest first */
  char *current;
  InnSnapshotSpace space;
  char *refusal;         /* of everything, or NULL */
  GQueue tasks;          /* of GTask: what is asked for; the first is under way */
  GTask *clone;          /* under way; borrowed, or NULL */
  double clone_progress; /* of it */
} InnSnapshotsPrivate;

static void inn_snapshots_list_model_init (GListModelInterface *iface);

G_DEFINE_TYPE_WITH_CODE (InnSnapshots,
                         inn_snapshots,
                         G_TYPE_OBJECT,
                         G_ADD_PRIVATE (InnSnapshots)
                             G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL,
                                                    inn_snapshots_list_model_init))

#define PRIVATE(self) ((InnSnapshotsPrivate *)inn_snapshots_get_instance_private (self))

enum
{
  UPDATED,
  ACTIVITY,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static GType
inn_snapshots_get_item_type (GListModel *model)
{
  return INN_TYPE_SNAPSHOT;
}

static guint
inn_snapshots_get_n_items (GListModel *model)
{
  return PRIVATE (INN_SNAPSHOTS (model))->snapshots->len;
}

static gpointer
inn_snapshots_get_item (GListModel *model, guint position)
{
  GPtrArray *snapshots = PRIVATE (INN_SNAPSHOTS (model))->snapshots;

  return position < snapshots->len ? g_object_ref (g_ptr_array_index (snapshots, position)) : NULL;
}

static void
inn_snapshots_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = inn_snapshots_get_item_type;
  iface->get_n_items = inn_snapshots_get_n_items;
  iface->get_item = inn_snapshots_get_item;
}

static void
inn_snapshots_finalize (GObject *object)
{
  InnSnapshotsPrivate *priv = PRIVATE (INN_SNAPSHOTS (object));

  g_ptr_array_unref (priv->snapshots);
  g_free (priv->current);
  g_free (priv->refusal);

  G_OBJECT_CLASS (inn_snapshots_parent_class)->finalize (object);
}

static void
inn_snapshots_class_init (InnSnapshotsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = inn_snapshots_finalize;

  signals[UPDATED] = g_signal_new ("updated", INN_TYPE_SNAPSHOTS, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
  signals[ACTIVITY] = g_signal_new ("activity", INN_TYPE_SNAPSHOTS, G_SIGNAL_RUN_LAST, 0, NULL,
                                    NULL, NULL, G_TYPE_NONE, 0);
}

static void
inn_snapshots_init (InnSnapshots *self)
{
  PRIVATE (self)->snapshots = g_ptr_array_new_with_free_func (g_object_unref);
}

InnSnapshots *
inn_snapshots_new_refusing (const char *reason)
{
  InnSnapshots *self = g_object_new (INN_TYPE_SNAPSHOTS, NULL);

  PRIVATE (self)->refusal = g_strdup (reason);
  return self;
}

static InnSnapshot *
find (GPtrArray *snapshots, const char *id)
{
  for (guint i = 0; i < snapshots->len; i++)
    if (g_str_equal (inn_snapshot_get_id (g_ptr_array_index (snapshots, i)), id))
      return g_ptr_array_index (snapshots, i);
  return NULL;
}

InnSnapshot *
inn_snapshots_find (InnSnapshots *self, const char *id)
{
  g_return_val_if_fail (INN_IS_SNAPSHOTS (self), NULL);

  return id != NULL ? find (PRIVATE (self)->snapshots, id) : NULL;
}

const char *
inn_snapshots_get_current (InnSnapshots *self)
{
  g_return_val_if_fail (INN_IS_SNAPSHOTS (self), NULL);

  return PRIVATE (self)->current;
}

const InnSnapshotSpace *
inn_snapshots_get_space (InnSnapshots *self)
{
  g_return_val_if_fail (INN_IS_SNAPSHOTS (self), NULL);

  return &PRIVATE (self)->space;
}

static gboolean
is_gone (InnSnapshots *self, InnSnapshot *snapshot)
{
  return snapshot != NULL
         && find (PRIVATE (self)->snapshots, inn_snapshot_get_id (snapshot)) != snapshot;
}

const char *
inn_snapshots_get_refusal (InnSnapshots *self,
                           InnSnapshotOperation operation,
                           InnSnapshot *snapshot)
{
  g_return_val_if_fail (INN_IS_SNAPSHOTS (self), NULL);
  g_return_val_if_fail (operation == INN_SNAPSHOT_TAKE || snapshot != NULL, NULL);

  if (PRIVATE (self)->refusal != NULL)
    return PRIVATE (self)->refusal;
  if (is_gone (self, snapshot))
    return _ ("The snapshot is gone");
  return INN_SNAPSHOTS_GET_CLASS (self)->get_refusal (self, operation, snapshot);
}

const char *
inn_snapshots_get_clone_refusal (InnSnapshots *self, InnCloneKind kind, InnSnapshot *snapshot)
{
  g_return_val_if_fail (INN_IS_SNAPSHOTS (self), NULL);

  if (PRIVATE (self)->refusal != NULL)
    return PRIVATE (self)->refusal;
  if (is_gone (self, snapshot))
    return _ ("The snapshot is gone");
  if (PRIVATE (self)->clone != NULL)
    return _ ("Another clone is being made");
  return INN_SNAPSHOTS_GET_CLASS (self)->get_clone_refusal (self, kind, snapshot);
}

gboolean
inn_snapshots_get_clone_size (InnSnapshots *self,
                              InnCloneKind kind,
                              InnSnapshot *snapshot,
                              guint64 *ret_size)
{
  InnSnapshotsClass *klass;
  guint64 size = G_MAXUINT64;

  g_return_val_if_fail (INN_IS_SNAPSHOTS (self), FALSE);

  klass = INN_SNAPSHOTS_GET_CLASS (self);
  if (klass->get_clone_size != NULL)
    size = klass->get_clone_size (self, kind, snapshot);
  if (size == G_MAXUINT64)
    return FALSE;

  *ret_size = size;
  return TRUE;
}

/* ---- take, restore, delete, change ---- */

static void
on_given_cancelled (GCancellable *given, gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
}

/* One that is cancelled when @given (may be NULL) is, or by us. */
static GCancellable *
follow_cancellable (GCancellable *given, gulong *ret_id)
{
  GCancellable *own = g_cancellable_new ();

  if (given != NULL)
    *ret_id = g_cancellable_connect (given, G_CALLBACK (on_given_cancelled), g_object_ref (own),
                                     g_object_unref);
  return own;
}

static void
request_free (gpointer data)
{
  Request *request = data;

  g_cancellable_disconnect (request->given, request->given_id);
  g_clear_object (&request->given);
  g_clear_object (&request->snapshot);
  g_object_unref (request->cancellable);
  g_free (request->name);
  g_free (request->note);
  g_free (request);
}

static GTask *
new_task (InnSnapshots *self,
          InnSnapshotOperation operation,
          InnSnapshot *snapshot,
          GCancellable *cancellable,
          GAsyncReadyCallback callback,
          gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Request *request = g_new0 (Request, 1);

  request->operation = operation;
  g_set_object (&request->snapshot, snapshot);
  g_set_object (&request->given, cancellable);
  request->cancellable = follow_cancellable (cancellable, &request->given_id);
  g_task_set_task_data (task, request, request_free);
  /* What has been done has been done, whether or not it was cancelled meanwhile. */
  g_task_set_check_cancellable (task, FALSE);
  return task;
}

/* What was possible when it was asked for may not be when its turn comes. */
static gboolean
check (InnSnapshots *self, const Request *request, GError **error)
{
  const char *refusal = inn_snapshots_get_refusal (self, request->operation, request->snapshot);

  if (refusal != NULL)
    {
      g_set_error (error, INN_ERROR, INN_ERROR_NOT_SUPPORTED, "%s.", refusal);
      return FALSE;
    }
  return !g_cancellable_set_error_if_cancelled (request->cancellable, error);
}

static void begin_next (InnSnapshots *self);

/* The task at the head is over; it is returned to who asked after others can see that. */
static GTask *
pop_first (InnSnapshots *self)
{
  GTask *task = g_queue_pop_head (&PRIVATE (self)->tasks);

  begin_next (self);
  g_signal_emit (self, signals[ACTIVITY], 0);
  return task;
}

static void
on_taken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnSnapshots *self = INN_SNAPSHOTS (source);
  GError *error = NULL;
  guint64 pause_us = 0;
  InnSnapshot *snapshot
      = INN_SNAPSHOTS_GET_CLASS (self)->take_finish (self, result, &pause_us, &error);
  g_autoptr (GTask) task = pop_first (self);
  Request *request = g_task_get_task_data (task);

  request->pause_us = pause_us;
  if (snapshot != NULL)
    g_task_return_pointer (task, snapshot, g_object_unref);
  else
    g_task_return_error (task, error);
}

/* Takes over @error, NULL for success. */
static void
return_done (GTask *task, GError *error)
{
  if (error == NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_first_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnSnapshots *self = INN_SNAPSHOTS (source);
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  INN_SNAPSHOTS_GET_CLASS (self)->finish (self, result, &error);
  task = pop_first (self);
  return_done (task, error);
}

static void
begin (InnSnapshots *self, const Request *request)
{
  InnSnapshotsClass *klass = INN_SNAPSHOTS_GET_CLASS (self);

  if (request->operation == INN_SNAPSHOT_TAKE)
    klass->take_async (self, request->name, request->note, request->cancellable, on_taken, NULL);
  else if (request->operation == INN_SNAPSHOT_RESTORE)
    klass->restore_async (self, request->snapshot, request->keep_present, request->cancellable,
                          on_first_done, NULL);
  else
    klass->delete_async (self, request->snapshot, request->cancellable, on_first_done, NULL);
}

static void
begin_next (InnSnapshots *self)
{
  GTask *task = g_queue_peek_head (&PRIVATE (self)->tasks);
  GError *error = NULL;

  if (task == NULL)
    return;
  if (check (self, g_task_get_task_data (task), &error))
    {
      begin (self, g_task_get_task_data (task));
      return;
    }

  task = pop_first (self);
  g_task_return_error (task, error);
  g_object_unref (task);
}

/* Takes @task over. */
static void
push_task (InnSnapshots *self, GTask *task)
{
  InnSnapshotsPrivate *priv = PRIVATE (self);

  g_queue_push_tail (&priv->tasks, task);
  if (g_queue_get_length (&priv->tasks) > 1)
    return;

  begin_next (self);
  g_signal_emit (self, signals[ACTIVITY], 0);
}

void
inn_snapshots_take_async (InnSnapshots *self,
                          const char *name,
                          const char *note,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task;
  Request *request;

  g_return_if_fail (INN_IS_SNAPSHOTS (self));

  task = new_task (self, INN_SNAPSHOT_TAKE, NULL, cancellable, callback, user_data);
  request = g_task_get_task_data (task);
  request->name = g_strdup (name);
  request->note = g_strdup (note);
  push_task (self, task);
}

InnSnapshot *
inn_snapshots_take_finish (InnSnapshots *self,
                           GAsyncResult *result,
                           guint64 *ret_pause_us,
                           GError **error)
{
  Request *request;

  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  request = g_task_get_task_data (G_TASK (result));
  if (ret_pause_us != NULL)
    *ret_pause_us = request->pause_us;
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
inn_snapshots_restore_async (InnSnapshots *self,
                             InnSnapshot *snapshot,
                             gboolean keep_present,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  GTask *task;
  Request *request;

  g_return_if_fail (INN_IS_SNAPSHOTS (self));
  g_return_if_fail (INN_IS_SNAPSHOT (snapshot));

  task = new_task (self, INN_SNAPSHOT_RESTORE, snapshot, cancellable, callback, user_data);
  request = g_task_get_task_data (task);
  request->keep_present = keep_present;
  push_task (self, task);
}

gboolean
inn_snapshots_restore_finish (InnSnapshots *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

void
inn_snapshots_delete_async (InnSnapshots *self,
                            InnSnapshot *snapshot,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_return_if_fail (INN_IS_SNAPSHOTS (self));
  g_return_if_fail (INN_IS_SNAPSHOT (snapshot));

  push_task (self,
             new_task (self, INN_SNAPSHOT_DELETE, snapshot, cancellable, callback, user_data));
}

gboolean
inn_snapshots_delete_finish (InnSnapshots *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
on_changed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  INN_SNAPSHOTS_GET_CLASS (source)->finish (INN_SNAPSHOTS (source), result, &error);
  return_done (task, error);
}

void
inn_snapshots_change_async (InnSnapshots *self,
                            InnSnapshot *snapshot,
                            const char *name,
                            const char *note,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (INN_IS_SNAPSHOTS (self));
  g_return_if_fail (INN_IS_SNAPSHOT (snapshot));

  task = new_task (self, INN_SNAPSHOT_CHANGE, snapshot, cancellable, callback, user_data);
  if (check (self, g_task_get_task_data (task), &error))
    INN_SNAPSHOTS_GET_CLASS (self)->change_async (self, snapshot, name, note, cancellable,
                                                  on_changed, g_steal_pointer (&task));
  else
    g_task_return_error (task, error);
}

gboolean
inn_snapshots_change_finish (InnSnapshots *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
inn_snapshots_get_activity (InnSnapshots *self,
                            InnSnapshotOperation *ret_operation,
                            InnSnapshot **ret_snapshot)
{
  GTask *task;
  Request *request;

  g_return_val_if_fail (INN_IS_SNAPSHOTS (self), FALSE);

  task = g_queue_peek_head (&PRIVATE (self)->tasks);
  if (task == NULL)
    return FALSE;

  request = g_task_get_task_data (task);
  if (ret_operation != NULL)
    *ret_operation = request->operation;
  if (ret_snapshot != NULL)
    *ret_snapshot = request->snapshot;
  return TRUE;
}

void
inn_snapshots_cancel (InnSnapshots *self)
{
  GTask *task;
  Request *request;

  g_return_if_fail (INN_IS_SNAPSHOTS (self));

  task = g_queue_peek_head (&PRIVATE (self)->tasks);
  if (task == NULL)
    return;

  request = g_task_get_task_data (task);
  g_cancellable_cancel (request->cancellable);
}

/* ---- clones ---- */

static void
clone_free (gpointer data)
{
  Clone *clone = data;

  if (clone->destroy != NULL)
    clone->destroy (clone->progress_data);
  g_cancellable_disconnect (clone->given, clone->given_id);
  g_clear_object (&clone->given);
  g_clear_object (&clone->snapshot);
  g_object_unref (clone->cancellable);
  g_free (clone->name);
  g_free (clone);
}

static void
on_clone_progress (double fraction, gpointer user_data)
{
  GTask *task = user_data;
  InnSnapshots *self = g_task_get_source_object (task);
  Clone *clone = g_task_get_task_data (task);

  PRIVATE (self)->clone_progress = CLAMP (fraction, 0, 1);
  if (clone->progress != NULL)
    clone->progress (PRIVATE (self)->clone_progress, clone->progress_data);
  g_signal_emit (self, signals[ACTIVITY], 0);
}

static void
on_cloned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnSnapshots *self = INN_SNAPSHOTS (source);
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  Clone *clone = g_task_get_task_data (task);
  char *id = INN_SNAPSHOTS_GET_CLASS (self)->clone_finish (self, result, &clone->pause_us, &error);

  PRIVATE (self)->clone = NULL;
  g_signal_emit (self, signals[ACTIVITY], 0);
  if (id != NULL)
    g_task_return_pointer (task, id, g_free);
  else
    g_task_return_error (task, error);
}

static void
begin_clone (InnSnapshots *self, GTask *task)
{
  Clone *clone = g_task_get_task_data (task);

  PRIVATE (self)->clone = task;
  PRIVATE (self)->clone_progress = 0;
  INN_SNAPSHOTS_GET_CLASS (self)->clone_async (self, clone->kind, clone->name, clone->snapshot,
                                               on_clone_progress, task, clone->cancellable,
                                               on_cloned, g_object_ref (task));
  g_signal_emit (self, signals[ACTIVITY], 0);
}

void
inn_snapshots_clone_async (InnSnapshots *self,
                           InnCloneKind kind,
                           const char *name,
                           InnSnapshot *snapshot,
                           InnProgressFunc progress,
                           gpointer progress_data,
                           GDestroyNotify destroy,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  const char *refusal;
  Clone *clone;

  g_return_if_fail (INN_IS_SNAPSHOTS (self));
  g_return_if_fail (name != NULL);

  refusal = inn_snapshots_get_clone_refusal (self, kind, snapshot);
  task = g_task_new (self, cancellable, callback, user_data);
  clone = g_new0 (Clone, 1);
  *clone = (Clone){ .kind = kind,
                    .name = g_strdup (name),
                    .progress = progress,
                    .progress_data = progress_data,
                    .destroy = destroy };
  g_set_object (&clone->snapshot, snapshot);
  g_set_object (&clone->given, cancellable);
  clone->cancellable = follow_cancellable (cancellable, &clone->given_id);
  g_task_set_task_data (task, clone, clone_free);
  g_task_set_check_cancellable (task, FALSE);
  if (refusal != NULL)
    g_task_return_new_error (task, INN_ERROR, INN_ERROR_NOT_SUPPORTED, "%s.", refusal);
  else
    begin_clone (self, task);
}

char *
inn_snapshots_clone_finish (InnSnapshots *self,
                            GAsyncResult *result,
                            guint64 *ret_pause_us,
                            GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  if (ret_pause_us != NULL)
    *ret_pause_us = ((const Clone *)g_task_get_task_data (G_TASK (result)))->pause_us;
  return g_task_propagate_pointer (G_TASK (result), error);
}

double
inn_snapshots_get_clone_progress (InnSnapshots *self)
{
  g_return_val_if_fail (INN_IS_SNAPSHOTS (self), -1);

  return PRIVATE (self)->clone != NULL ? PRIVATE (self)->clone_progress : -1;
}

void
inn_snapshots_cancel_clone (InnSnapshots *self)
{
  Clone *clone;

  g_return_if_fail (INN_IS_SNAPSHOTS (self));

  if (PRIVATE (self)->clone == NULL)
    return;
  clone = g_task_get_task_data (PRIVATE (self)->clone);
  g_cancellable_cancel (clone->cancellable);
}

/* ---- updates ---- */

static int
compare_times (gconstpointer left, gconstpointer right)
{
  InnSnapshot *const *a = left;
  InnSnapshot *const *b = right;
  const gint64 time_a = inn_snapshot_get_facts (*a)->time;
  const gint64 time_b = inn_snapshot_get_facts (*b)->time;

  if (time_a != time_b)
    return time_a < time_b ? -1 : 1;
  return g_strcmp0 (inn_snapshot_get_id (*a), inn_snapshot_get_id (*b));
}

/* Puts the objects that others may hold in the places of new ones. */
static void
keep_objects (InnSnapshots *self, GPtrArray *snapshots)
{
  for (guint i = 0; i < snapshots->len; i++)
    {
      InnSnapshot *fresh = g_ptr_array_index (snapshots, i);
      InnSnapshot *kept = find (PRIVATE (self)->snapshots, inn_snapshot_get_id (fresh));

      if (kept == NULL)
        continue;
      snapshots->pdata[i] = g_object_ref (kept);
      inn_snapshot_update (kept, fresh);
      g_object_unref (fresh);
    }
}

/* Tells of the part between what stayed at both ends. */
static void
replace_snapshots (InnSnapshots *self, GPtrArray *snapshots)
{
  InnSnapshotsPrivate *priv = PRIVATE (self);
  g_autoptr (GPtrArray) before = priv->snapshots;
  const guint shorter = MIN (before->len, snapshots->len);
  guint start = 0, end = 0;

  while (start < shorter && before->pdata[start] == snapshots->pdata[start])
    start++;
  while (end < shorter - start
         && before->pdata[before->len - 1 - end] == snapshots->pdata[snapshots->len - 1 - end])
    end++;

  priv->snapshots = snapshots;
  if (before->len != start + end || snapshots->len != start + end)
    g_list_model_items_changed (G_LIST_MODEL (self), start, before->len - start - end,
                                snapshots->len - start - end);
}

void
inn_snapshots_update (InnSnapshots *self,
                      GPtrArray *snapshots,
                      const char *current,
                      const InnSnapshotSpace *space)
{
  InnSnapshotsPrivate *priv;

  g_return_if_fail (INN_IS_SNAPSHOTS (self));
  g_return_if_fail (snapshots != NULL);

  priv = PRIVATE (self);
  g_ptr_array_set_free_func (snapshots, g_object_unref);
  g_ptr_array_sort (snapshots, compare_times);
  keep_objects (self, snapshots);
  g_free (priv->current);
  priv->current = g_strdup (current);
  priv->space = space != NULL ? *space : (InnSnapshotSpace){ 0 };
  replace_snapshots (self, snapshots);
  g_signal_emit (self, signals[UPDATED], 0);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes chains of layers shorter. Of two layers, the upper of which alone builds on the lower, one
 * is written that shows the same and is then renamed over the upper one: whoever names that, or has
 * it open, sees no difference. The lower one is collected after.
 *
 * Nothing is locked while the copy is written, so that a machine can be started meanwhile; what it
 * was made of is looked at again before the rename.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine-error.h"
#include "file-lock.h"
#include "folder.h"
#include "image/qcow2-create.h"
#include "layer-scan.h"
#include "layer-store-private.h"
#include "machine-lock.h"
#include "run-record.h"

#define CLUSTER_BITS 16
#define WHOLE        ((uint64_t)1 << 20) /* of the progress of one pair */

typedef struct
{
  char *lower;
  char *upper;
  char *below;        /* what the lower one builds on, or NULL */
  char *writer;       /* UUID of the machine that writes the upper one, or NULL */
  gint64 run;         /* its last one */
  struct stat status; /* of the upper one */
  char *merged;       /* the new file */
  int fd;
} Pair;

/* The progress of all pairs, made of that of each. */
typedef struct
{
  const struct image_progress *progress;
  guint done, count;
} Overall;

static void
pair_clear (Pair *pair)
{
  if (pair->merged != NULL)
    g_unlink (pair->merged);
  fd_close (&pair->fd);
  g_free (pair->lower);
  g_free (pair->upper);
  g_free (pair->below);
  g_free (pair->writer);
  g_free (pair->merged);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pair, pair_clear)

static gboolean
can_merge (const InnLayer *lower, const InnLayer *upper)
{
  return lower != NULL && lower->n_named == 0 && lower->n_children == 1 && lower->trouble == NULL
         && upper->trouble == NULL && upper->n_items > 0;
}

static gboolean
is_running (const InnLayerStore *self, const char *uuid)
{
  g_autofree char *folder = inn_machine_store_get_folder (self->machines, uuid);

  return inn_machine_lock_is_held (folder);
}

static gint64
get_last_run (const InnLayerStore *self, const char *uuid)
{
  g_autofree char *folder = inn_machine_store_get_folder (self->machines, uuid);
  g_auto (InnRunRecord) record = { 0 };

  inn_run_record_load (&record, folder);
  return record.started;
}

/* From above: what is below, and may be large, is then copied once. */
static gboolean
is_uppermost (const InnLayer *upper)
{
  return upper->n_named > 0 || upper->n_children != 1;
}

/* FALSE: there is none but those in @tried, which came to nothing. */
static gboolean
find_pair (const InnLayerStore *self, const InnLayerScan *scan, GHashTable *tried, Pair *pair)
{
  const GPtrArray *layers = inn_layer_scan_get_layers (scan);

  for (guint i = 0; i < layers->len; i++)
    {
      const InnLayer *upper = g_ptr_array_index (layers, i);
      const InnLayer *lower
          = upper->backing != NULL ? inn_layer_scan_find (scan, upper->backing) : NULL;

      if (!can_merge (lower, upper) || !is_uppermost (upper)
          || g_hash_table_contains (tried, upper->name)
          || (upper->writer != NULL && is_running (self, upper->writer)))
        continue;

      pair->lower = inn_layer_store_get_path (self, lower->name);
      pair->upper = inn_layer_store_get_path (self, upper->name);
      pair->below = g_strdup (lower->backing);
      pair->writer = g_strdup (upper->writer);
      return TRUE;
    }

  return FALSE;
}

static guint
count_pairs (const InnLayerScan *scan)
{
  const GPtrArray *layers = inn_layer_scan_get_layers (scan);
  guint count = 0;

  for (guint i = 0; i < layers->len; i++)
    {
      const InnLayer *upper = g_ptr_array_index (layers, i);

      count += upper->backing != NULL
               && can_merge (inn_layer_scan_find (scan, upper->backing), upper);
    }

  return count;
}

/* With the lock. */
static gboolean
begin_pair (InnLayerStore *self, Pair *pair, GError **error)
{
  struct qcow2_create_options options = {
    .version = 3,
    .cluster_bits = CLUSTER_BITS,
    .backing_file = pair->below,
    .backing_format = pair->below != NULL ? inn_layer_store_get_format (pair->below) : NULL,
  };
  struct image_chain *chain
      = inn_layer_store_open_chain (pair->upper, "qcow2", IMAGE_READ_ONLY, error);
  int r;

  if (chain == NULL)
    return FALSE;
  options.virtual_size = image_chain_layer (chain, 0)->size;
  image_chain_close (chain);

  pair->run = pair->writer != NULL ? get_last_run (self, pair->writer) : 0;
  r = stat (pair->upper, &pair->status) < 0 ? -errno : 0;
  if (r == 0)
    {
      pair->merged = inn_layer_store_add_file (self, &pair->fd, error);
      if (pair->merged == NULL)
        return FALSE;
      r = qcow2_create (pair->fd, &options);
    }
  if (r < 0)
    inn_folder_set_error (error, pair->upper, -r);

  return r == 0;
}

static bool
on_moved (void *data, uint64_t done, uint64_t total)
{
  const Overall *overall = data;
  const uint64_t part = total > 0 ? (uint64_t)((double)done / (double)total * WHOLE) : 0;

  return overall->progress == NULL
         || overall->progress->moved (overall->progress->data, overall->done * WHOLE + part,
                                      MAX (overall->count, overall->done + 1) * WHOLE);
}

static gboolean
copy_pair (const Pair *pair, Overall *overall, GError **error)
{
  const struct image_progress progress = { .moved = on_moved, .data = overall };
  struct image_chain *source
      = inn_layer_store_open_chain (pair->upper, "qcow2", IMAGE_READ_ONLY, error);
  struct image_chain *target = NULL;
  int r = 0;

  if (source != NULL)
    target = inn_layer_store_open_chain (pair->merged, "qcow2", IMAGE_READ_WRITE, error);
  if (target != NULL)
    r = image_copy (source, 2, image_chain_image (target), -1, &progress);
  if (r < 0)
    inn_layer_store_set_copy_error (error, pair->upper, r);
  image_chain_close (target);
  image_chain_close (source);

  return target != NULL && r == 0;
}

/* With the lock: whether the copy is still what the two layers are. */
static gboolean
is_unchanged (const InnLayerStore *self, const Pair *pair)
{
  g_autoptr (InnLayerScan) scan = inn_layer_scan_new (self->machines);
  const InnLayer *upper = inn_layer_scan_find (scan, inn_layer_store_get_name (pair->upper));
  const InnLayer *lower = inn_layer_scan_find (scan, inn_layer_store_get_name (pair->lower));
  struct stat status;

  return inn_layer_scan_check_complete (scan, NULL) && upper != NULL && can_merge (lower, upper)
         && g_strcmp0 (upper->backing, lower->name) == 0
         && g_strcmp0 (lower->backing, pair->below) == 0
         && (upper->writer == NULL || g_strcmp0 (upper->writer, pair->writer) == 0)
         && (pair->writer == NULL || get_last_run (self, pair->writer) == pair->run)
         && stat (pair->upper, &status) == 0 && status.st_ino == pair->status.st_ino
         && status.st_size == pair->status.st_size
         && status.st_mtim.tv_sec == pair->status.st_mtim.tv_sec
         && status.st_mtim.tv_nsec == pair->status.st_mtim.tv_nsec;
}

static gboolean
put_in_place (InnLayerStore *self, Pair *pair, GError **error)
{
  struct stat status;

  if (stat (pair->upper, &status) < 0 || fchmod (pair->fd, status.st_mode & 0777) < 0
      || fsync (pair->fd) < 0 || g_rename (pair->merged, pair->upper) < 0)
    {
      inn_folder_set_error (error, pair->upper, errno);
      return FALSE;
    }

  g_clear_pointer (&pair->merged, g_free);
  return inn_folder_sync (self->folder, error);
}

/* With the lock. A machine that writes the upper layer cannot start meanwhile. */
static gboolean
finish_pair (InnLayerStore *self, Pair *pair, guint *merged, GError **error)
{
  g_autofree char *folder = NULL;
  gboolean done = TRUE;
  int machine_lock = -1;

  if (pair->writer != NULL)
    {
      folder = inn_machine_store_get_folder (self->machines, pair->writer);
      machine_lock = inn_machine_lock_keep_off (folder, pair->writer, NULL);
    }
  if ((pair->writer == NULL || machine_lock >= 0) && is_unchanged (self, pair))
    {
      done = put_in_place (self, pair, error);
      *merged += done;
    }
  fd_close (&machine_lock);

  return done && inn_layer_store_collect (self, error);
}

/* With the lock, which is given up while the copy is written: *@lock. */
static gboolean
merge_pair (InnLayerStore *self,
            Pair *pair,
            Overall *overall,
            guint *merged,
            int *lock,
            GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (!begin_pair (self, pair, error))
    return FALSE;

  fd_close (lock);
  copy_pair (pair, overall, &local_error);
  *lock = inn_machine_store_lock (self->machines, error);
  if (*lock < 0)
    return FALSE;
  if (local_error == NULL)
    return finish_pair (self, pair, merged, error);
  /* What a machine writes meanwhile cannot be read. */
  if (!g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      && !is_unchanged (self, pair))
    return TRUE;

  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/* With the lock. */
static gboolean
merge_all (InnLayerStore *self,
           const struct image_progress *progress,
           guint *merged,
           int *lock,
           GError **error)
{
  g_autoptr (GHashTable) tried = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Overall overall = { .progress = progress };

  for (;; overall.done++)
    {
      g_autoptr (InnLayerScan) scan = inn_layer_scan_new (self->machines);
      g_auto (Pair) pair = { .fd = -1 };
      guint before;

      if (!inn_layer_scan_check_complete (scan, error))
        return FALSE;
      if (overall.count == 0)
        overall.count = count_pairs (scan);
      if (!find_pair (self, scan, tried, &pair))
        return TRUE;
      before = *merged;
      if (!merge_pair (self, &pair, &overall, merged, lock, error))
        return FALSE;
      if (*merged == before)
        g_hash_table_add (tried, g_strdup (inn_layer_store_get_name (pair.upper)));
    }
}

gboolean
inn_layer_store_merge (InnLayerStore *self,
                       const struct image_progress *progress,
                       guint *ret_merged,
                       GError **error)
{
  g_autofree char *turn_path = inn_layer_store_get_path (self, ".merge");
  gboolean done = TRUE;
  int lock, turn;

  *ret_merged = 0;
  if (!g_file_test (self->folder, G_FILE_TEST_IS_DIR))
    return TRUE;

  lock = inn_machine_store_lock (self->machines, error);
  if (lock < 0)
    return FALSE;
  turn = g_open (turn_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (turn >= 0 && inn_file_lock (turn, INN_FILE_LOCK_EXCLUSIVE) == 0)
    done = inn_layer_store_collect (self, error)
           && merge_all (self, progress, ret_merged, &lock, error);
  fd_close (&lock);
  fd_close (&turn);

  return done;
}

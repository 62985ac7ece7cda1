/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Few calls when there is little to see: two, and two more for each domain with snapshots. */
#include "model/libvirt/libvirt-watch.h"

#include <string.h>

#include "model/libvirt/domain-snapshot-list.h"
#include "model/libvirt/libvirt-connection-private.h"
#include "model/libvirt/libvirt-error.h"

#define INTERVAL_SECONDS 2

struct _InnLibvirtWatch
{
  InnLibvirtConnection *connection; /* the owner */
  guint timer;
  gboolean busy; /* a look is under way */
};

InnLibvirtWatch *
inn_libvirt_watch_new (InnLibvirtConnection *connection)
{
  InnLibvirtWatch *self = g_new0 (InnLibvirtWatch, 1);

  self->connection = connection;
  return self;
}

void
inn_libvirt_watch_free (InnLibvirtWatch *self)
{
  inn_libvirt_watch_stop (self);
  g_free (self);
}

/* What is to be seen of one machine: texts in any order. */

static void
add_snapshot (GPtrArray *sights, const char *id)
{
  g_ptr_array_add (sights, g_strconcat ("snapshot ", id, NULL));
}

static void
add_current (GPtrArray *sights, const char *id)
{
  if (id != NULL)
    g_ptr_array_add (sights, g_strconcat ("current ", id, NULL));
}

static void
add_saved (GPtrArray *sights)
{
  g_ptr_array_add (sights, g_strdup ("saved"));
}

static int
compare_texts (gconstpointer left, gconstpointer right)
{
  return strcmp (*(char *const *)left, *(char *const *)right);
}

/* @left may be NULL: there is nothing. */
static gboolean
are_equal (GPtrArray *left, GPtrArray *right)
{
  if (left == NULL || left->len != right->len)
    return (left == NULL ? 0 : left->len) == right->len;
  g_ptr_array_sort (left, compare_texts);
  g_ptr_array_sort (right, compare_texts);
  for (guint i = 0; i < left->len; i++)
    if (!g_str_equal (left->pdata[i], right->pdata[i]))
      return FALSE;
  return TRUE;
}

/* ---- in the worker ---- */

/* What is seen of that domain, in the table of all. */
static GPtrArray *
get_sights (GHashTable *seen, virDomainPtr domain)
{
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  GPtrArray *sights;

  virDomainGetUUIDString (domain, uuid);
  sights = g_hash_table_lookup (seen, uuid);
  if (sights == NULL)
    {
      sights = g_ptr_array_new_with_free_func (g_free);
      g_hash_table_insert (seen, g_strdup (uuid), sights);
    }
  return sights;
}

static void
look_at_snapshots (GHashTable *seen, virDomainPtr domain)
{
  GPtrArray *sights = get_sights (seen, domain);
  virDomainSnapshotPtr *snapshots = NULL;
  int n = virDomainListAllSnapshots (domain, &snapshots, /* flags= */ 0);
  g_autoptr (virDomainSnapshot) current = virDomainSnapshotCurrent (domain, /* flags= */ 0);

  for (int i = 0; i < n; i++)
    {
      add_snapshot (sights, virDomainSnapshotGetName (snapshots[i]));
      virDomainSnapshotFree (snapshots[i]);
    }
  free (snapshots);
  add_current (sights, current != NULL ? virDomainSnapshotGetName (current) : NULL);
}

static void
look_at_saved (GHashTable *seen, virDomainPtr domain)
{
  add_saved (get_sights (seen, domain));
}

/* FALSE when the driver cannot list them. */
static gboolean
look_for (virConnectPtr connection,
          unsigned int flag,
          GHashTable *seen,
          void (*look_at) (GHashTable *seen, virDomainPtr domain))
{
  virDomainPtr *domains = NULL;
  int n = virConnectListAllDomains (connection, &domains, flag);

  for (int i = 0; i < n; i++)
    {
      look_at (seen, domains[i]);
      virDomainFree (domains[i]);
    }
  free (domains);
  return n >= 0;
}

static gpointer
look_work (gpointer connection, GError **error)
{
  const unsigned int saved
      = VIR_CONNECT_LIST_DOMAINS_INACTIVE | VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE;
  g_autoptr (GHashTable) seen
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);

  if (look_for (connection, VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, seen, look_at_snapshots)
      && look_for (connection, saved, seen, look_at_saved))
    return g_steal_pointer (&seen);
  inn_libvirt_take_error (error);
  return NULL;
}

/* ---- in the main thread ---- */

/* What is known of it. */
static GPtrArray *
list_known (InnMachine *machine)
{
  InnSnapshots *snapshots = inn_machine_get_snapshots (machine);
  const guint n = g_list_model_get_n_items (G_LIST_MODEL (snapshots));
  GPtrArray *sights = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (InnSnapshot) snapshot = g_list_model_get_item (G_LIST_MODEL (snapshots), i);

      add_snapshot (sights, inn_snapshot_get_id (snapshot));
    }
  add_current (sights, inn_snapshots_get_current (snapshots));
  if (inn_machine_get_state (machine) == INN_MACHINE_SAVED)
    add_saved (sights);
  return sights;
}

/* The task has kept the connection, and so the watch, alive. What changed meanwhile is read once
 * more for nothing. */
static void
on_looked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnLibvirtWatch *self = user_data;
  g_autoptr (GHashTable) seen = g_task_propagate_pointer (G_TASK (result), NULL);
  const guint n = g_list_model_get_n_items (G_LIST_MODEL (source));

  self->busy = FALSE;
  for (guint i = 0; seen != NULL && i < n; i++)
    {
      g_autoptr (InnMachine) machine = g_list_model_get_item (G_LIST_MODEL (source), i);
      g_autoptr (GPtrArray) known = list_known (machine);
      const char *uuid = inn_machine_get_id (machine);

      if (!are_equal (g_hash_table_lookup (seen, uuid), known))
        inn_libvirt_connection_refresh (self->connection, uuid);
    }
}

static void
close_connection (gpointer connection)
{
  virConnectClose (connection);
}

static gboolean
on_timer (gpointer user_data)
{
  InnLibvirtWatch *self = user_data;
  virConnectPtr connection;
  GTask *task;

  if (self->busy)
    return G_SOURCE_CONTINUE;
  connection = inn_libvirt_connection_ref_handle (self->connection, NULL);
  if (connection == NULL)
    return G_SOURCE_CONTINUE;

  self->busy = TRUE;
  task = g_task_new (self->connection, NULL, on_looked, self);
  g_task_set_task_data (task, connection, close_connection);
  inn_libvirt_worker_push (inn_libvirt_connection_get_worker (self->connection), task, look_work,
                           (GDestroyNotify)g_hash_table_unref);
  return G_SOURCE_CONTINUE;
}

void
inn_libvirt_watch_start (InnLibvirtWatch *self)
{
  if (self->timer == 0)
    self->timer = g_timeout_add_seconds (INTERVAL_SECONDS, on_timer, self);
}

void
inn_libvirt_watch_stop (InnLibvirtWatch *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
}

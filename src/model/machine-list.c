/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whatever changes, the wanted order is computed anew and compared with the one shown; what is
 * different in the middle is announced as one change. Lists are short, so this is cheap, and there
 * is no incremental state that could go wrong.
 */
#include "model/machine-list.h"

#include "model/connection.h"

struct _InnMachineList
{
  GObject parent_instance;

  GListModel *connections;
  GPtrArray *watched_connections;
  GPtrArray *watched_machines;
  GPtrArray *shown;
  GStrv words; /* case folded; NULL: no filter */
};

typedef struct
{
  InnMachine *machine;
  guint place;
  char *key;
} Entry;

static void inn_machine_list_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (InnMachineList,
                               inn_machine_list,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL,
                                                      inn_machine_list_list_model_init))

static GType
inn_machine_list_get_item_type (GListModel *model)
{
  return INN_TYPE_MACHINE;
}

static guint
inn_machine_list_get_n_items (GListModel *model)
{
  return INN_MACHINE_LIST (model)->shown->len;
}

static gpointer
inn_machine_list_get_item (GListModel *model, guint position)
{
  GPtrArray *shown = INN_MACHINE_LIST (model)->shown;

  return position < shown->len ? g_object_ref (g_ptr_array_index (shown, position)) : NULL;
}

static void
inn_machine_list_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = inn_machine_list_get_item_type;
  iface->get_n_items = inn_machine_list_get_n_items;
  iface->get_item = inn_machine_list_get_item;
}

static char *
fold (const char *text)
{
  g_autofree char *normal = g_utf8_normalize (text, -1, G_NORMALIZE_ALL);

  return g_utf8_casefold (normal != NULL ? normal : text, -1);
}

static gboolean
matches (InnMachineList *self, InnMachine *machine)
{
  g_autofree char *name = NULL;

  if (self->words == NULL)
    return TRUE;

  name = fold (inn_machine_get_name (machine));
  for (guint i = 0; self->words[i] != NULL; i++)
    if (strstr (name, self->words[i]) == NULL)
      return FALSE;
  return TRUE;
}

static void
entry_clear (gpointer data)
{
  Entry *entry = data;

  g_object_unref (entry->machine);
  g_free (entry->key);
}

static int
compare_entries (gconstpointer a, gconstpointer b)
{
  const Entry *left = a, *right = b;
  int order;

  if (left->place != right->place)
    return left->place < right->place ? -1 : 1;
  order = strcmp (left->key, right->key);
  if (order != 0)
    return order;
  return g_strcmp0 (inn_machine_get_id (left->machine), inn_machine_get_id (right->machine));
}

static void
collect_place (InnMachineList *self, guint place, GArray *entries)
{
  g_autoptr (GListModel) machines = g_list_model_get_item (self->connections, place);
  guint n = g_list_model_get_n_items (machines);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (InnMachine) machine = g_list_model_get_item (machines, i);

      if (matches (self, machine))
        {
          /* Sorts "disk 9" before "disk 10". */
          g_autofree char *folded = fold (inn_machine_get_name (machine));
          Entry entry
              = { g_steal_pointer (&machine), place, g_utf8_collate_key_for_filename (folded, -1) };

          g_array_append_val (entries, entry);
        }
    }
}

static GPtrArray *
collect (InnMachineList *self)
{
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  GPtrArray *machines = g_ptr_array_new_with_free_func (g_object_unref);
  guint n = g_list_model_get_n_items (self->connections);

  g_array_set_clear_func (entries, entry_clear);
  for (guint place = 0; place < n; place++)
    collect_place (self, place, entries);
  g_array_sort (entries, compare_entries);
  for (guint i = 0; i < entries->len; i++)
    g_ptr_array_add (machines, g_object_ref (g_array_index (entries, Entry, i).machine));
  return machines;
}

static void
update (InnMachineList *self)
{
  g_autoptr (GPtrArray) before = g_steal_pointer (&self->shown);
  guint start = 0, before_end = before->len, end;

  self->shown = collect (self);
  end = self->shown->len;
  while (start < MIN (before_end, end)
         && g_ptr_array_index (before, start) == g_ptr_array_index (self->shown, start))
    start++;
  while (before_end > start && end > start
         && g_ptr_array_index (before, before_end - 1) == g_ptr_array_index (self->shown, end - 1))
    {
      before_end--;
      end--;
    }
  if (before_end > start || end > start)
    g_list_model_items_changed (G_LIST_MODEL (self), start, before_end - start, end - start);
}

static void
unwatch_all (InnMachineList *self, GPtrArray *objects)
{
  for (guint i = 0; i < objects->len; i++)
    g_signal_handlers_disconnect_by_data (g_ptr_array_index (objects, i), self);
  g_ptr_array_set_size (objects, 0);
}

static void
watch_machines (InnMachineList *self)
{
  unwatch_all (self, self->watched_machines);
  for (guint i = 0; i < self->watched_connections->len; i++)
    {
      GListModel *machines = g_ptr_array_index (self->watched_connections, i);
      guint n = g_list_model_get_n_items (machines);

      for (guint j = 0; j < n; j++)
        {
          InnMachine *machine = g_list_model_get_item (machines, j);

          g_signal_connect_object (machine, "notify::name", G_CALLBACK (update), self,
                                   G_CONNECT_SWAPPED);
          g_ptr_array_add (self->watched_machines, machine);
        }
    }
}

static void
on_machines_changed (InnMachineList *self)
{
  watch_machines (self);
  update (self);
}

static void
on_connections_changed (InnMachineList *self)
{
  guint n = g_list_model_get_n_items (self->connections);

  unwatch_all (self, self->watched_connections);
  for (guint i = 0; i < n; i++)
    {
      GListModel *connection = g_list_model_get_item (self->connections, i);

      g_signal_connect_object (connection, "items-changed", G_CALLBACK (on_machines_changed), self,
                               G_CONNECT_SWAPPED);
      g_ptr_array_add (self->watched_connections, connection);
    }
  on_machines_changed (self);
}

static void
inn_machine_list_dispose (GObject *object)
{
  InnMachineList *self = INN_MACHINE_LIST (object);

  unwatch_all (self, self->watched_machines);
  unwatch_all (self, self->watched_connections);
  if (self->connections != NULL)
    g_signal_handlers_disconnect_by_data (self->connections, self);
  g_clear_object (&self->connections);

  G_OBJECT_CLASS (inn_machine_list_parent_class)->dispose (object);
}

static void
inn_machine_list_finalize (GObject *object)
{
  InnMachineList *self = INN_MACHINE_LIST (object);

  g_ptr_array_unref (self->watched_machines);
  g_ptr_array_unref (self->watched_connections);
  g_ptr_array_unref (self->shown);
  g_strfreev (self->words);

  G_OBJECT_CLASS (inn_machine_list_parent_class)->finalize (object);
}

static void
inn_machine_list_class_init (InnMachineListClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = inn_machine_list_dispose;
  object_class->finalize = inn_machine_list_finalize;
}

static void
inn_machine_list_init (InnMachineList *self)
{
  self->watched_connections = g_ptr_array_new_with_free_func (g_object_unref);
  self->watched_machines = g_ptr_array_new_with_free_func (g_object_unref);
  self->shown = g_ptr_array_new_with_free_func (g_object_unref);
}

InnMachineList *
inn_machine_list_new (GListModel *connections)
{
  InnMachineList *self;

  g_return_val_if_fail (G_IS_LIST_MODEL (connections), NULL);

  self = g_object_new (INN_TYPE_MACHINE_LIST, NULL);
  self->connections = g_object_ref (connections);
  g_signal_connect_object (connections, "items-changed", G_CALLBACK (on_connections_changed), self,
                           G_CONNECT_SWAPPED);
  on_connections_changed (self);
  return self;
}

void
inn_machine_list_set_filter (InnMachineList *self, const char *filter)
{
  g_return_if_fail (INN_IS_MACHINE_LIST (self));

  g_clear_pointer (&self->words, g_strfreev);
  if (filter != NULL && *filter != '\0')
    {
      g_autofree char *folded = fold (filter);

      self->words = g_strsplit_set (folded, " \t", -1);
    }
  update (self);
}

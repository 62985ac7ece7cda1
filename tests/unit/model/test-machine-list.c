/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/machine-list.h"

#include "model/connection.h"

/* The least a place and a machine can be. */

#define TEST_TYPE_MACHINE (test_machine_get_type ())
G_DECLARE_FINAL_TYPE (TestMachine, test_machine, TEST, MACHINE, InnMachine)

struct _TestMachine
{
  InnMachine parent_instance;
};

G_DEFINE_FINAL_TYPE (TestMachine, test_machine, INN_TYPE_MACHINE)

static void
test_machine_class_init (TestMachineClass *klass)
{
}

static void
test_machine_init (TestMachine *self)
{
}

#define TEST_TYPE_CONNECTION (test_connection_get_type ())
G_DECLARE_FINAL_TYPE (TestConnection, test_connection, TEST, CONNECTION, InnConnection)

struct _TestConnection
{
  InnConnection parent_instance;
};

G_DEFINE_FINAL_TYPE (TestConnection, test_connection, INN_TYPE_CONNECTION)

static void
test_connection_class_init (TestConnectionClass *klass)
{
}

static void
test_connection_init (TestConnection *self)
{
}

static InnMachine *
add (InnConnection *connection, const char *name)
{
  g_autoptr (InnMachine) machine = g_object_new (TEST_TYPE_MACHINE, "id", name, "name", name, NULL);

  inn_connection_add_machine (connection, machine);
  return machine;
}

typedef struct
{
  GListStore *connections;
  InnConnection *here, *there;
  InnMachineList *list;
  GPtrArray *mirror;
} Fixture;

/* Follows the announcements only: it must end up the same. */
static void
on_items_changed (GListModel *model, guint position, guint removed, guint added, GPtrArray *mirror)
{
  if (removed > 0)
    g_ptr_array_remove_range (mirror, position, removed);
  for (guint i = 0; i < added; i++)
    g_ptr_array_insert (mirror, (int)(position + i), g_list_model_get_item (model, position + i));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->connections = g_list_store_new (INN_TYPE_CONNECTION);
  fixture->here = g_object_new (TEST_TYPE_CONNECTION, "title", "here", NULL);
  fixture->there = g_object_new (TEST_TYPE_CONNECTION, "title", "there", NULL);
  g_list_store_append (fixture->connections, fixture->here);
  g_list_store_append (fixture->connections, fixture->there);
  fixture->list = inn_machine_list_new (G_LIST_MODEL (fixture->connections));
  fixture->mirror = g_ptr_array_new_with_free_func (g_object_unref);
  g_signal_connect (fixture->list, "items-changed", G_CALLBACK (on_items_changed), fixture->mirror);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->list);
  g_object_unref (fixture->connections);
  g_assert_finalize_object (fixture->here);
  g_assert_finalize_object (fixture->there);
  g_ptr_array_unref (fixture->mirror);
}

static void
assert_names (Fixture *fixture, const char *expected)
{
  GListModel *model = G_LIST_MODEL (fixture->list);
  g_autoptr (GString) names = g_string_new (NULL);

  g_assert_cmpuint (fixture->mirror->len, ==, g_list_model_get_n_items (model));
  for (guint i = 0; i < fixture->mirror->len; i++)
    {
      g_autoptr (InnMachine) machine = g_list_model_get_item (model, i);

      g_assert_true (machine == g_ptr_array_index (fixture->mirror, i));
      g_string_append_printf (names, "%s%s", i > 0 ? "," : "", inn_machine_get_name (machine));
    }
  g_assert_cmpstr (names->str, ==, expected);
}

static void
test_order (Fixture *fixture, gconstpointer data)
{
  InnMachine *machine;

  assert_names (fixture, "");
  add (fixture->there, "alpha");
  add (fixture->here, "disk 10");
  add (fixture->here, "disk 9");
  machine = add (fixture->here, "Beta");
  assert_names (fixture, "Beta,disk 9,disk 10,alpha");
  inn_machine_set_name (machine, "zeta");
  assert_names (fixture, "disk 9,disk 10,zeta,alpha");
  inn_connection_remove_machine (fixture->here, machine);
  assert_names (fixture, "disk 9,disk 10,alpha");
}

static void
test_places (Fixture *fixture, gconstpointer data)
{
  InnMachine *machine = add (fixture->here, "a");

  add (fixture->there, "b");
  g_list_store_remove (fixture->connections, 0);
  assert_names (fixture, "b");
  /* Nobody listens to what has left. */
  inn_machine_set_name (machine, "c");
  add (fixture->here, "d");
  assert_names (fixture, "b");
  g_list_store_append (fixture->connections, fixture->here);
  assert_names (fixture, "b,c,d");
}

static void
test_filter (Fixture *fixture, gconstpointer data)
{
  InnMachine *machine = add (fixture->here, "Fedora Workstation");

  add (fixture->here, "Debian 12");
  add (fixture->there, "ÉCOLE debian");
  inn_machine_list_set_filter (fixture->list, "DEBIAN");
  assert_names (fixture, "Debian 12,ÉCOLE debian");
  inn_machine_list_set_filter (fixture->list, " 12 deb");
  assert_names (fixture, "Debian 12");
  inn_machine_list_set_filter (fixture->list, "école");
  assert_names (fixture, "ÉCOLE debian");
  inn_machine_set_name (machine, "École");
  assert_names (fixture, "École,ÉCOLE debian");
  inn_machine_list_set_filter (fixture->list, "");
  assert_names (fixture, "Debian 12,École,ÉCOLE debian");
}

/* What a machine says through its base class. */
static void
test_machine_reasons (Fixture *fixture, gconstpointer data)
{
  InnMachine *machine = add (fixture->here, "a");
  const char *reason = "unset";

  g_assert_true (inn_machine_get_connection (machine) == fixture->here);
  g_assert_true (inn_machine_can (machine, INN_OPERATION_START, &reason));
  g_assert_null (reason);
  inn_machine_set_state (machine, INN_MACHINE_RUNNING, NULL);
  g_assert_false (inn_machine_can (machine, INN_OPERATION_START, &reason));
  g_assert_cmpint (g_utf8_strlen (reason, -1), <=, 45);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/machine-list/order", Fixture, NULL, set_up, test_order, tear_down);
  g_test_add ("/machine-list/places", Fixture, NULL, set_up, test_places, tear_down);
  g_test_add ("/machine-list/filter", Fixture, NULL, set_up, test_filter, tear_down);
  g_test_add ("/machine/reasons", Fixture, NULL, set_up, test_machine_reasons, tear_down);
  return g_test_run ();
}

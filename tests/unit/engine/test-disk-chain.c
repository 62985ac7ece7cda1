/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-chain.h"

#include <string.h>

#include "disk-fixture.h"
#include "disk-image.h"
#include "engine-error.h"

static InnMachineDescription *
describe (const char *first, const char *second)
{
  g_autofree char *text = g_strdup_printf (
      "<domain><name>pc</name><memory>65536</memory><vcpu>1</vcpu><os><kernel>/k</kernel></os>"
      "<devices><disk><driver type='qcow2'/><source file='%s'/><target dev='vda'/></disk>"
      "<disk><source file='%s'/><target dev='vdb'/></disk>"
      "<disk device='cdrom'><target dev='sda'/></disk></devices></domain>",
      first, second);

  return inn_machine_description_parse (text, strlen (text), NULL);
}

static void
assert_layer (const GArray *layers, guint index, const char *path, gboolean qcow2)
{
  const InnDiskLayer *layer = &g_array_index (layers, InnDiskLayer, index);

  g_assert_cmpstr (layer->path, ==, path);
  g_assert_cmpint (layer->qcow2, ==, qcow2);
}

static void
test_read (DiskFixture *f, gconstpointer data)
{
  g_autofree char *raw = disk_fixture_write (f, "base", f->disk, DISK_SIZE);
  g_autofree char *middle = disk_fixture_get_path (f, "middle");
  g_autofree char *top = disk_fixture_get_path (f, "top");
  g_autoptr (InnMachineDescription) description = describe (top, raw);
  g_autoptr (GPtrArray) chains = NULL;
  g_autoptr (GError) error = NULL;

  if (!disk_fixture_has_qemu_img ())
    return;
  disk_fixture_run (f, "qemu-img create -q -f qcow2 -F raw -b base middle");
  disk_fixture_run (f, "qemu-img create -q -f qcow2 -F qcow2 -b middle top");
  chains = inn_disk_chain_read_all (description, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (chains->len, ==, 3);
  g_assert_cmpuint (((GArray *)chains->pdata[0])->len, ==, 2);
  assert_layer (chains->pdata[0], 0, middle, TRUE);
  assert_layer (chains->pdata[0], 1, raw, FALSE);
  g_assert_cmpuint (((GArray *)chains->pdata[1])->len, ==, 0);
  g_assert_cmpuint (((GArray *)chains->pdata[2])->len, ==, 0);
  g_assert_true (inn_disk_chain_has (top, raw));
  g_assert_true (inn_disk_chain_has (top, top));
  g_assert_false (inn_disk_chain_has (middle, top));

  disk_fixture_run (f, "rm middle");
  g_assert_null (inn_disk_chain_read_all (description, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, middle));
  g_assert_false (inn_disk_chain_has (top, raw));
}

static void
assert_not_grown (const char *path, guint64 size, gboolean check, InnEngineError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (inn_disk_image_grow_qcow2 (path, &size, check, &error));
  g_assert_error (error, INN_ENGINE_ERROR, (int)code);
}

static void
test_grow (DiskFixture *f, gconstpointer data)
{
  g_autofree char *top = disk_fixture_get_path (f, "top");
  g_autofree char *base = disk_fixture_write (f, "base", f->disk, DISK_SIZE);
  guint64 size = DISK_SIZE + 1;
  g_autoptr (GError) error = NULL;

  if (!disk_fixture_has_qemu_img ())
    return;
  g_assert_true (inn_disk_chain_has (base, base));
  disk_fixture_run (f, "qemu-img create -q -f qcow2 -F raw -b base top");
  g_assert_true (inn_disk_image_grow_qcow2 (top, &size, /* check= */ TRUE, &error));
  g_assert_cmpuint (size, ==, DISK_SIZE + DISK_MIB);
  assert_not_grown (top, DISK_SIZE / 2, TRUE, INN_ENGINE_ERROR_INVALID);
  g_assert_true (inn_disk_image_grow_qcow2 (top, &size, /* check= */ FALSE, &error));
  g_assert_no_error (error);
  assert_not_grown (top, DISK_SIZE, FALSE, INN_ENGINE_ERROR_INVALID);
  disk_fixture_run (f, "qemu-img check -q -f qcow2 top");
  disk_fixture_run (f, "qemu-img create -q -f qcow2 top 4M");
  disk_fixture_run (f, "qemu-img snapshot -c one top");
  assert_not_grown (top, DISK_SIZE, FALSE, INN_ENGINE_ERROR_NOT_SUPPORTED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/disk-chain/" name, DiskFixture, NULL, disk_fixture_set_up, function,               \
              disk_fixture_tear_down)
  ADD ("read", test_read);
  ADD ("grow", test_grow);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/new-machine.h"

#include <string.h>
#include <sys/stat.h>

#include "model/error.h"
#include "model/medium-probe.h"
#include "temporary-directory.h"
#include "tiny-kernel.h"

#define MIB         (G_GUINT64_CONSTANT (1) << 20)
#define HOST_MEMORY (4096 * MIB)

typedef struct
{
  char *folder;
  char *kernel;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = temporary_directory_new ();
  fixture->kernel = tiny_kernel_write (fixture->folder);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_free (fixture->kernel);
  temporary_directory_free (fixture->folder);
}

static InnNewMachine *
describe (Fixture *fixture)
{
  InnNewMachine *machine = inn_new_machine_new ();

  machine->name = g_strdup ("web");
  machine->medium = INN_MEDIUM_KERNEL;
  machine->medium_path = g_strdup (fixture->kernel);
  machine->memory = 512 * MIB;
  machine->vcpus = 2;
  return machine;
}

static void
assert_refused (const InnNewMachine *machine, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (inn_new_machine_validate (machine, HOST_MEMORY, 8, &error));
  g_assert_error (error, INN_ERROR, code);
  g_assert_cmpstr (error->message, !=, "");
}

static void
test_names (void)
{
  g_autofree char *longest = g_strnfill (64, 'a');
  g_autofree char *too_long = g_strnfill (65, 'a');
  const char *good[] = { "a", "Debian 12", "Büro", "…", "a.b", longest };
  const char *bad[]
      = { NULL, "", ".", "..", "a/b", "a\nb", "a\x7f", "\xff\xfe", "a\xc2\x85", too_long };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (inn_new_machine_check_name (good[i], NULL));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (inn_new_machine_check_name (bad[i], &error));
      g_assert_error (error, INN_ERROR, INN_ERROR_INVALID);
    }
}

static void
test_copy (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnNewMachine) machine = describe (fixture);
  g_autoptr (InnNewMachine) copy = NULL;

  machine->initrd_path = g_strdup ("/initrd");
  machine->cmdline = g_strdup ("quiet");
  copy = inn_new_machine_copy (machine);
  g_clear_pointer (&machine, inn_new_machine_free);
  g_assert_cmpstr (copy->name, ==, "web");
  g_assert_cmpstr (copy->medium_path, ==, fixture->kernel);
  g_assert_cmpstr (copy->initrd_path, ==, "/initrd");
  g_assert_cmpstr (copy->cmdline, ==, "quiet");
  g_assert_cmpuint (copy->memory, ==, 512 * MIB);
  g_assert_cmpuint (copy->vcpus, ==, 2);
}

static void
test_resources (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnNewMachine) machine = describe (fixture);
  g_autoptr (GError) error = NULL;

  inn_new_machine_validate (machine, HOST_MEMORY, 8, &error);
  g_assert_no_error (error);
  machine->memory = 64 * MIB - 1;
  assert_refused (machine, INN_ERROR_INVALID);
  machine->memory = HOST_MEMORY + 1;
  assert_refused (machine, INN_ERROR_INVALID);
  machine->memory = HOST_MEMORY;
  machine->vcpus = 0;
  assert_refused (machine, INN_ERROR_INVALID);
  machine->vcpus = 9;
  assert_refused (machine, INN_ERROR_INVALID);
  machine->vcpus = 8;
  machine->disk_size = 1000;
  assert_refused (machine, INN_ERROR_INVALID);
  machine->disk_size = G_MAXUINT64;
  assert_refused (machine, INN_ERROR_INVALID);
  machine->disk_size = 20 * 1024 * MIB;
  g_assert_true (inn_new_machine_validate (machine, HOST_MEMORY, 8, NULL));
}

static void
test_files (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnNewMachine) machine = describe (fixture);
  g_autofree char *fifo = g_build_filename (fixture->folder, "fifo", NULL);

  machine->medium = INN_MEDIUM_ISO;
  assert_refused (machine, INN_ERROR_INVALID);
  machine->medium = INN_MEDIUM_DISK;
  assert_refused (machine, INN_ERROR_INVALID);

  machine->medium = INN_MEDIUM_KERNEL;
  machine->initrd_path = g_strdup ("/nonexistent/initrd");
  assert_refused (machine, INN_ERROR_INVALID);
  g_free (machine->initrd_path);
  machine->initrd_path = g_strdup (fixture->kernel);
  machine->cmdline = g_strdup ("console=ttyS0\nroot=/dev/vda");
  assert_refused (machine, INN_ERROR_INVALID);
  g_free (machine->cmdline);
  machine->cmdline = g_strnfill (2048, 'x');
  assert_refused (machine, INN_ERROR_INVALID);
  machine->cmdline[2047] = '\0';
  g_assert_true (inn_new_machine_validate (machine, HOST_MEMORY, 8, NULL));

  /* Nobody ever writes into it: looking must not wait. */
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_free (machine->medium_path);
  machine->medium_path = g_steal_pointer (&fifo);
  assert_refused (machine, INN_ERROR_INVALID);
  g_free (machine->medium_path);
  machine->medium_path = g_strdup (fixture->folder);
  assert_refused (machine, INN_ERROR_INVALID);
  g_clear_pointer (&machine->medium_path, g_free);
  assert_refused (machine, INN_ERROR_INVALID);
}

/* Real media, by the packages they come from. */
static void
test_real_media (void)
{
  const char *iso = "/usr/lib/grub-rescue/grub-rescue-cdrom.iso";
  g_autoptr (GError) error = NULL;

  if (!g_file_test (iso, G_FILE_TEST_EXISTS))
    {
      g_test_skip ("grub-rescue-pc is not installed");
      return;
    }
  g_assert_cmpint (inn_new_machine_probe_medium (iso, NULL, &error), ==, INN_MEDIUM_ISO);
  g_assert_no_error (error);
}

static void
assert_kind (const guint8 *data, gsize length, InnMediumKind kind)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (inn_medium_probe (data, length, &error), ==, kind);
  if (kind == INN_MEDIUM_NONE)
    g_assert_error (error, INN_ERROR, INN_ERROR_INVALID);
  else
    g_assert_no_error (error);
}

static void
test_iso (void)
{
  g_autofree guint8 *data = g_malloc0 (INN_MEDIUM_PROBE_SIZE);
  guint8 *descriptor = data + 16 * 2048;

  /* A hybrid image has a partition table, too. */
  data[510] = 0x55;
  data[511] = 0xaa;
  data[446 + 4] = 0x17;
  memcpy (descriptor,
          "\x01"
          "CD001\x01",
          7);
  memcpy (descriptor + 2048,
          "\x00"
          "CD001\x01"
          "EL TORITO SPECIFICATION",
          30);
  memcpy (descriptor + 4096,
          "\xff"
          "CD001\x01",
          7);
  assert_kind (data, INN_MEDIUM_PROBE_SIZE, INN_MEDIUM_ISO);
  g_assert_cmpuint (inn_medium_probe_iso_size (data, INN_MEDIUM_PROBE_SIZE), ==, 0);
  memcpy (descriptor + 80, "\x00\x00\x20\x00", 4);
  memcpy (descriptor + 128, "\x00\x08", 2);
  g_assert_cmpuint (inn_medium_probe_iso_size (data, INN_MEDIUM_PROBE_SIZE), ==, (guint64)1 << 32);
  g_assert_cmpuint (inn_medium_probe_iso_size (data, 17 * 2048 - 1), ==, 0);
  /* What comes behind the terminator does not count. */
  descriptor[2048] = 0xff;
  assert_kind (data, INN_MEDIUM_PROBE_SIZE, INN_MEDIUM_NONE);
  descriptor[2048] = 0;
  assert_kind (data, 17 * 2048, INN_MEDIUM_NONE);
}

static void
test_disks (void)
{
  guint8 data[8192] = { 0 };

  assert_kind (data, 0, INN_MEDIUM_NONE);
  assert_kind (data, sizeof data, INN_MEDIUM_NONE);
  data[510] = 0x55;
  data[511] = 0xaa;
  assert_kind (data, sizeof data, INN_MEDIUM_NONE); /* nothing on it */
  data[446 + 4] = 0x83;
  assert_kind (data, sizeof data, INN_MEDIUM_DISK);
  data[446 + 16] = 0x12; /* no boot flag: code, not a table */
  assert_kind (data, sizeof data, INN_MEDIUM_NONE);
  memcpy (data + 4096, "EFI PART", 8);
  assert_kind (data, sizeof data, INN_MEDIUM_DISK);
  memset (data, 0, sizeof data);
  memcpy (data, "QFI\xfb", 4);
  assert_kind (data, sizeof data, INN_MEDIUM_QCOW2);
  memcpy (data, "KDMV", 4);
  assert_kind (data, sizeof data, INN_MEDIUM_FOREIGN);
  memcpy (data, "vhdxfile", 8);
  assert_kind (data, sizeof data, INN_MEDIUM_FOREIGN);
  memcpy (data, "conectix", 8);
  assert_kind (data, sizeof data, INN_MEDIUM_FOREIGN);
  memset (data, 0, 8);
  memcpy (data + 257, "ustar", 5);
  assert_kind (data, sizeof data, INN_MEDIUM_NONE);
  memcpy (data + 64, "\x7f\x10\xda\xbe", 4);
  assert_kind (data, sizeof data, INN_MEDIUM_FOREIGN);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/new-machine/names", test_names);
  g_test_add ("/new-machine/copy", Fixture, NULL, set_up, test_copy, tear_down);
  g_test_add ("/new-machine/resources", Fixture, NULL, set_up, test_resources, tear_down);
  g_test_add ("/new-machine/files", Fixture, NULL, set_up, test_files, tear_down);
  g_test_add_func ("/new-machine/real-media", test_real_media);
  g_test_add_func ("/medium-probe/iso", test_iso);
  g_test_add_func ("/medium-probe/disks", test_disks);
  return g_test_run ();
}

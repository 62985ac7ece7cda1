/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/medium-info.h"

#include <string.h>

#include <glib/gstdio.h>

#include "model/error.h"
#include "model/host-load.h"
#include "temporary-directory.h"
#include "tiny-kernel.h"

static char *folder;

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static InnMediumInfo *
query (const char *path, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_medium_info_query_async (path, NULL, on_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return inn_medium_info_query_finish (result, error);
}

static void
put_text (guint8 *field, gsize size, const char *text)
{
  memset (field, ' ', size);
  memcpy (field, text, strlen (text));
}

/* A database of its own, so that the test depends on no release of osinfo-db. */
#define SYSTEM(inside) "<libosinfo version='0.0.1'>" inside "</libosinfo>"

static const char testos_1[] = SYSTEM (
    "<os id='http://example.org/testos/1'><short-id>testos1</short-id><name>Test OS 1</name>"
    "<media arch='x86_64'><iso><volume-id>TESTOS-1</volume-id><system-id>LINUX</system-id></iso>"
    "</media>"
    "<resources arch='all'><recommended><ram>67108864</ram></recommended></resources>"
    "<resources arch='x86_64'><recommended><ram>100663296</ram><storage>9663676416</storage>"
    "</recommended></resources></os>");

static const char testos_live[] = SYSTEM (
    "<os id='http://example.org/testos/live'><short-id>testoslive</short-id>"
    "<name>Test OS Live</name>"
    "<media arch='x86_64' live='true'><iso><volume-id>TESTOS-LIVE</volume-id></iso></media>"
    "<firmware arch='x86_64' type='efi'/>"
    "<firmware arch='x86_64' type='bios' supported='false'/>"
    "<resources arch='all'><minimum><n-cpus>64</n-cpus><ram>1125899906842624</ram>"
    "<storage>3221225472</storage></minimum></resources></os>");

static void
write_database (void)
{
  g_autofree char *database = g_build_filename (folder, "osinfo", NULL);
  g_autofree char *vendor = g_build_filename (database, "os", "example.org", NULL);
  g_autofree char *nowhere = g_build_filename (folder, "nowhere", NULL);

  g_mkdir_with_parents (vendor, 0700);
  g_free (temporary_directory_add_file (vendor, "testos-1.xml", testos_1, -1));
  g_free (temporary_directory_add_file (vendor, "testos-live.xml", testos_live, -1));
  g_setenv ("OSINFO_SYSTEM_DIR", database, TRUE);
  g_setenv ("OSINFO_LOCAL_DIR", nowhere, TRUE);
  g_setenv ("OSINFO_USER_DIR", nowhere, TRUE);
}

/* An image of which only the volume descriptors are there (ECMA-119 section 8.4). */
static char *
write_iso (const char *name, const char *system, const char *volume)
{
  static guint8 image[64 * 1024];
  guint8 *primary = image + 16 * 2048;

  memset (image, 0, sizeof image);
  memcpy (primary,
          "\x01"
          "CD001\x01",
          7);
  put_text (primary + 8, 32, system);
  put_text (primary + 40, 32, volume);
  primary[80] = sizeof image / 2048;
  primary[87] = sizeof image / 2048;
  memset (primary + 190, ' ', 128 * 4);
  memcpy (primary + 2048,
          "\x00"
          "CD001\x01"
          "EL TORITO SPECIFICATION",
          30);
  memcpy (primary + 4096,
          "\xff"
          "CD001\x01",
          7);
  return temporary_directory_add_file (folder, name, image, sizeof image);
}

static void
test_known (void)
{
  g_autofree char *path = write_iso ("t.iso", "LINUX", "TESTOS-1-DVD");
  g_autoptr (GError) error = NULL;
  g_autoptr (InnMediumInfo) info = query (path, &error);

  g_assert_no_error (error);
  g_assert_cmpint (info->kind, ==, INN_MEDIUM_ISO);
  g_assert_true (info->known);
  g_assert_cmpstr (info->name, ==, "Test OS 1");
  g_assert_cmpstr (info->title, ==, "Test OS 1 installer");
  /* The architecture's own recommendation, not the one for all. */
  g_assert_cmpuint (info->memory, ==, 96 << 20);
  g_assert_nonnull (strstr (info->memory_reason, "recommends 96\u202fMiB"));
  g_assert_cmpuint (info->disk_size, ==, G_GUINT64_CONSTANT (9) << 30);
  g_assert_nonnull (strstr (info->disk_reason, "recommends 9\u202fGiB"));
  g_assert_cmpint (info->firmware, ==, INN_MACHINE_FIRMWARE_BIOS);
  g_assert_cmpuint (info->vcpus, >=, 1);
  g_assert_cmpuint (info->vcpus, <=, inn_host_get_processors ());
}

/* Where nothing is recommended, the minimum has to do; nothing asks for more than there is. */
static void
test_minimum (void)
{
  g_autofree char *path = write_iso ("l.iso", "LINUX", "TESTOS-LIVE");
  g_autoptr (InnMediumInfo) info = query (path, NULL);

  g_assert_cmpstr (info->title, ==, "Test OS Live live system");
  g_assert_cmpuint (info->memory, <=, inn_host_get_memory () / 2);
  g_assert_nonnull (strstr (info->memory_reason, "Half"));
  g_assert_nonnull (strstr (info->disk_reason, "at least 3\u202fGiB"));
  g_assert_cmpuint (info->vcpus, ==, inn_host_get_processors ());
}

/* A system that BIOS cannot start gets UEFI. */
static void
test_firmware (void)
{
  g_autofree char *path = write_iso ("f.iso", "LINUX", "TESTOS-LIVE");
  g_autoptr (InnMediumInfo) info = query (path, NULL);

  g_assert_cmpint (info->firmware, ==, INN_MACHINE_FIRMWARE_UEFI);
  g_assert_cmpstr (info->firmware_reason, ==, "Test OS Live needs UEFI");
}

static void
test_network (void)
{
  g_autoptr (InnMediumInfo) info = inn_medium_info_new_network ();

  g_assert_cmpint (info->kind, ==, INN_MEDIUM_NETWORK);
  g_assert_cmpint (info->firmware, ==, INN_MACHINE_FIRMWARE_UEFI);
  g_assert_cmpuint (info->disk_size, >, 0);
  g_assert_cmpuint (info->memory, <=, inn_host_get_memory () / 2);
  g_assert_cmpstr (info->name, !=, "");
}

static void
test_unknown (void)
{
  g_autofree char *path = write_iso ("my.rescue.iso", "ODD", "NOBODY KNOWS THIS");
  g_autoptr (GError) error = NULL;
  g_autoptr (InnMediumInfo) info = query (path, &error);

  g_assert_no_error (error);
  g_assert_false (info->known);
  g_assert_cmpstr (info->title, ==, "my.rescue");
  g_assert_cmpuint (info->disk_size, >, 0);
}

/* Newer than the database: the medium says itself what it is. */
static void
test_volume_title (void)
{
  static const struct
  {
    const char *volume, *title;
  } media[] = {
    { "Debian 12.5.0 amd64 n", "Debian 12.5.0" },
    { "Fedora-S-dvd-x86_64-40", "Fedora-S-dvd" },
    { "NEW_OS_7_X64FRE", "new" },
    { "amd64", "new" },
    { "Odd\001 1 amd64", "new" },
    { "\377\376 1 amd64", "new" },
    { "", "new" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (media); i++)
    {
      g_autofree char *path = write_iso ("new.iso", "ODD", media[i].volume);
      g_autoptr (InnMediumInfo) info = query (path, NULL);

      g_assert_false (info->known);
      g_assert_cmpstr (info->title, ==, media[i].title);
      g_assert_cmpstr (info->name, ==, media[i].title);
    }
}

static void
test_kernel (void)
{
  g_autofree char *path = tiny_kernel_write (folder);
  g_autoptr (GError) error = NULL;
  g_autoptr (InnMediumInfo) info = query (path, &error);

  g_assert_no_error (error);
  g_assert_cmpint (info->kind, ==, INN_MEDIUM_KERNEL);
  g_assert_cmpstr (info->name, ==, "tiny-kernel");
  g_assert_cmpuint (info->disk_size, ==, 0);
  g_assert_cmpuint (info->memory, >, 0);
}

/* Only the RAM disk of this very kernel, not that of another version. */
static void
test_initrd (void)
{
  g_autofree char *kernel = tiny_kernel_write (folder);
  g_autofree char *mine = g_build_filename (folder, "vmlinuz-6.1.0-9", NULL);
  g_autofree char *right = NULL;
  g_autoptr (InnMediumInfo) without = NULL;
  g_autoptr (InnMediumInfo) with = NULL;

  g_free (temporary_directory_add_file (folder, "initrd.img-6.1.0-8", "other", -1));
  g_free (temporary_directory_add_file (folder, "initrd.gz", "plain", -1));
  g_assert_cmpint (g_rename (kernel, mine), ==, 0);
  without = query (mine, NULL);
  g_assert_cmpstr (without->title, ==, "vmlinuz-6.1.0-9");
  g_assert_null (without->initrd_path);

  right = temporary_directory_add_file (folder, "initrd.img-6.1.0-9", "right", -1);
  with = query (mine, NULL);
  g_assert_cmpstr (with->initrd_path, ==, right);
}

static void
test_no_medium (void)
{
  g_autofree char *path = temporary_directory_add_file (folder, "letter.txt", "Dear guest,", -1);
  g_autoptr (GError) error = NULL;

  g_assert_null (query (path, &error));
  g_assert_error (error, INN_ERROR, INN_ERROR_INVALID);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = temporary_directory_new ();
  write_database ();
  g_test_add_func ("/medium-info/known", test_known);
  g_test_add_func ("/medium-info/minimum", test_minimum);
  g_test_add_func ("/medium-info/firmware", test_firmware);
  g_test_add_func ("/medium-info/network", test_network);
  g_test_add_func ("/medium-info/unknown", test_unknown);
  g_test_add_func ("/medium-info/volume-title", test_volume_title);
  g_test_add_func ("/medium-info/kernel", test_kernel);
  g_test_add_func ("/medium-info/initrd", test_initrd);
  g_test_add_func ("/medium-info/no-medium", test_no_medium);
  status = g_test_run ();
  temporary_directory_free (folder);
  return status;
}

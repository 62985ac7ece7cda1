/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "counting-guest.h"

#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "boot-sector.h"
#include "guest-snapshots.h"

enum
{
  DISK_SIZE = 1 << 20,
};

#define UUID "0f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a11"

/*
 * xor ax, ax; mov ds, ax; mov es, ax; mov byte [0x9000], '0'
 * mov dx, 0x3f8; mov al, '!'; out dx, al
 * again: mov dx, 0x3fd
 * wait: in al, dx; test al, 1; jz wait; mov dl, 0xf8; in al, dx; out dx, al (echoes what it got)
 * mov ax, 0x201; mov bx, 0x8000; mov cx, 2; mov dx, 0x80; int 0x13 (reads the sector)
 * mov dx, 0x3f8; mov al, [0x8000]; add al, '0'; out dx, al; mov al, [0x9000]; out dx, al
 * inc byte [0x9000]; inc byte [0x8000]; mov ax, 0x301; mov dx, 0x80; int 0x13 (writes it)
 * mov dx, 0x3f8; mov al, '>'; out dx, al; jmp again
 */
static const char counter[] = "\x31\xc0\x8e\xd8\x8e\xc0\xc6\x06\x00\x90\x30" BOOT_SECTOR_PUT (
    "!") "\xba\xfd\x03"
         "\xec\xa8\x01\x74\xfb\xb2\xf8\xec\xee"
         "\xb8\x01\x02\xbb\x00\x80\xb9\x02\x00\xba\x80\x00\xcd\x13"
         "\xba\xf8\x03\xa0\x00\x80\x04\x30\xee\xa0\x00\x90\xee"
         "\xfe\x06\x00\x90\xfe\x06\x00\x80\xb8\x01\x03\xba\x80\x00\xcd\x13"
         "\xba\xf8\x03\xb0\x3e\xee\xeb\xc1";

/* ---- fixture ---- */

static void
open_engine (CountingFixture *fixture)
{
  g_autoptr (GError) error = NULL;

  fixture->engine
      = inn_engine_new (fixture->base.data_dir, fixture->base.state_dir, fixture->base.runtime_dir);
  inn_engine_open (fixture->engine, &error);
  g_assert_no_error (error);
}

static void
close_engine (CountingFixture *fixture)
{
  inn_engine_close (fixture->engine);
  g_clear_object (&fixture->engine);
}

void
counting_fixture_set_up (CountingFixture *fixture, gconstpointer data)
{
  engine_fixture_set_up (&fixture->base, data);
  open_engine (fixture);
}

void
counting_fixture_tear_down (CountingFixture *fixture, gconstpointer data)
{
  close_engine (fixture);
  engine_fixture_tear_down (&fixture->base, data);
}

InnGuest *
counting_fixture_reopen (CountingFixture *fixture, const char *uuid)
{
  g_autofree char *kept = g_strdup (uuid); /* it may be the guest's */

  close_engine (fixture);
  open_engine (fixture);
  return inn_engine_find (fixture->engine, kept);
}

static gboolean
is_of_runs (const char *name)
{
  return g_str_equal (name, "lock") || g_str_equal (name, ".lock") || g_str_equal (name, "last-run")
         || g_str_equal (name, "end-status") || g_str_equal (name, "started.xml");
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

static void
sum_folder (GString *sum, const char *path)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *below = g_build_filename (path, g_ptr_array_index (names, i), NULL);
      g_autofree char *bytes = NULL;
      g_autofree char *digest = NULL;
      gsize length = 0;

      if (is_of_runs (g_ptr_array_index (names, i)))
        continue;
      if (g_file_get_contents (below, &bytes, &length, NULL))
        digest = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guchar *)bytes, length);
      g_string_append_printf (sum, "%s %s\n", below, digest != NULL ? digest : "folder");
      if (g_file_test (below, G_FILE_TEST_IS_DIR))
        sum_folder (sum, below);
    }
}

char *
counting_fixture_sum (CountingFixture *fixture)
{
  GString *sum = g_string_new (NULL);

  sum_folder (sum, fixture->base.data_dir);
  return g_string_free (sum, FALSE);
}

/* ---- guests ---- */

static void
write_disk (const char *path)
{
  g_autofree guint8 *image = g_malloc0 (DISK_SIZE);

  boot_sector_make (image, counter, sizeof counter - 1);
  g_assert_true (g_file_set_contents (path, (char *)image, DISK_SIZE, NULL));
}

InnGuest *
counting_guest_create (CountingFixture *fixture)
{
  g_autofree char *disk
      = g_build_filename (fixture->base.data_dir, "machines", UUID, "disk-1.raw", NULL);
  g_autofree char *xml = g_strdup_printf (
      "<domain><name>one</name><uuid>" UUID "</uuid><memory unit='MiB'>32</memory><vcpu>1</vcpu>"
      "<os><type arch='x86_64'>hvm</type><boot dev='hd'/></os><devices><disk type='file' "
      "device='disk'><driver type='raw'/><source file='%s'/><target dev='vda' bus='virtio'/></disk>"
      "</devices></domain>",
      disk);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (InnGuest) guest = NULL;

  inn_engine_define_async (fixture->engine, xml, strlen (xml), NULL, engine_fixture_take_result,
                           &result);
  engine_fixture_await (&result);
  guest = inn_engine_define_finish (fixture->engine, result, &error);
  g_assert_no_error (error);
  write_disk (disk);
  return inn_engine_find (fixture->engine, UUID);
}

void
counting_guest_start (InnGuest *guest, gboolean disposable)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  /* It tells that it listens when it boots. */
  g_object_set_data (G_OBJECT (guest), "listens",
                     GINT_TO_POINTER (inn_guest_get_state (guest) == INN_GUEST_SAVED));
  if (disposable)
    inn_guest_start_disposable_async (guest, NULL, engine_fixture_take_result, &result);
  else
    inn_guest_start_async (guest, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  inn_guest_start_finish (guest, result, &error);
  g_assert_no_error (error);
}

typedef struct
{
  int fd;
  char question; /* another one each time: a client is told what was told before, too */
  gboolean listens;
  gboolean asked;
  GString *told;
} Listening;

/* What is sent before the guest listens would be for its BIOS. */
static void
ask (Listening *listening)
{
  if (listening->asked || !(listening->listens || strchr (listening->told->str, '!') != NULL))
    return;

  g_assert_cmpint (write (listening->fd, &listening->question, 1), ==, 1);
  listening->asked = TRUE;
}

static gboolean
on_told (int fd, GIOCondition condition, gpointer data)
{
  Listening *listening = data;
  char bytes[256];
  ssize_t length = read (fd, bytes, sizeof bytes);

  if (length > 0)
    g_string_append_len (listening->told, bytes, length);
  ask (listening);
  return G_SOURCE_CONTINUE;
}

/* The first answer; the BIOS's own words may come before. */
static const char *
find_answer (const Listening *listening)
{
  const char *answer = strchr (listening->told->str, listening->question);

  while (answer != NULL && strlen (answer) >= 4 && answer[3] != '>')
    answer = strchr (answer + 1, listening->question);
  return answer != NULL && strlen (answer) >= 4 ? answer : NULL;
}

static gboolean
has_told (Listening *listening)
{
  return find_answer (listening) != NULL;
}

static gboolean
is_running (InnGuest *guest)
{
  return inn_guest_get_state (guest) == INN_GUEST_RUNNING;
}

char *
counting_guest_count (InnGuest *guest)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  static char question = 'A';
  Listening listening = { .question = question++, .told = g_string_new (NULL) };
  char *round;
  guint tell;

  ENGINE_FIXTURE_WAIT (is_running, guest);
  inn_guest_open_serial_async (guest, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  listening.fd = inn_guest_open_serial_finish (guest, result, &error);
  g_assert_no_error (error);
  listening.listens = g_object_get_data (G_OBJECT (guest), "listens") != NULL;
  ask (&listening);
  tell = g_unix_fd_add (listening.fd, G_IO_IN, on_told, &listening);
  ENGINE_FIXTURE_WAIT (has_told, &listening);
  round = g_strndup (find_answer (&listening) + 1, 2);
  g_source_remove (tell);
  close (listening.fd);
  g_string_free (listening.told, TRUE);

  return round;
}

void
counting_guest_save (InnGuest *guest)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_guest_save_async (guest, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  inn_guest_save_finish (guest, result, &error);
  g_assert_no_error (error);
}

void
counting_guest_power_off (InnGuest *guest)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_guest_call_async (guest, INN_CONTROL_POWER_OFF, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  inn_guest_call_finish (guest, result, &error);
  g_assert_no_error (error);
}

static gboolean
is_off (InnGuest *guest)
{
  return !inn_guest_is_active (guest);
}

void
counting_guest_kill (InnGuest *guest)
{
  g_autofree struct statistics_page *page = g_new0 (struct statistics_page, 1);

  g_assert_true (inn_guest_read_statistics (guest, page));
  g_assert_cmpint (kill ((GPid)page->header.pid, SIGKILL), ==, 0);
  ENGINE_FIXTURE_WAIT (is_off, guest);
}

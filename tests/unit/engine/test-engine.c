/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The engine with a VMM that plays its part without a guest. Two engines in one process stand for
 * the window and the command line: they share nothing but files and sockets.
 */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "engine-fixture.h"
#include "engine.h"
#include "machine-description-network.h"
#include "machine-lock.h"

static InnEngine *
open_engine (EngineFixture *fixture)
{
  InnEngine *engine = inn_engine_new (fixture->data_dir, fixture->state_dir, fixture->runtime_dir);
  g_autoptr (GError) error = NULL;

  inn_engine_open (engine, &error);
  g_assert_no_error (error);
  return engine;
}

static void
close_engine (InnEngine *engine)
{
  inn_engine_close (engine);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (engine)), ==, 0);
  g_assert_finalize_object (engine);
}

/* The scripted VMM with more options, or any script, in place of the VMM. */
static void
use_vmm (EngineFixture *fixture, const char *script)
{
  g_autofree char *text = g_strdup_printf ("#!/bin/sh\n%s\n", script);
  g_autofree char *path = engine_fixture_write (fixture, "vmm", text);

  g_assert_cmpint (g_chmod (path, 0700), ==, 0);
  g_setenv ("INNKEEPER_VMM", path, TRUE);
}

static InnNewGuest
new_guest (EngineFixture *fixture, const char *name)
{
  static const guint64 disk_size = 1 << 20;

  return (InnNewGuest){ .name = name,
                        .memory = 64 << 20,
                        .vcpus = 1,
                        .kernel = fixture->kernel,
                        .disk_sizes = &disk_size,
                        .n_disks = 1 };
}

static InnGuest *
try_create (InnEngine *engine, const InnNewGuest *description, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_engine_create_async (engine, description, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  return inn_engine_create_finish (engine, result, error);
}

static InnGuest *
create (EngineFixture *fixture, InnEngine *engine, const char *name)
{
  const InnNewGuest description = new_guest (fixture, name);
  g_autoptr (GError) error = NULL;
  InnGuest *guest = try_create (engine, &description, &error);

  g_assert_no_error (error);
  return guest;
}

static gboolean
try_start (InnGuest *guest, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_guest_start_async (guest, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  return inn_guest_start_finish (guest, result, error);
}

static void
start (InnGuest *guest)
{
  g_autoptr (GError) error = NULL;

  try_start (guest, &error);
  g_assert_no_error (error);
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_RUNNING);
}

static gboolean
try_call (InnGuest *guest, InnControlCommand command, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_guest_call_async (guest, command, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  return inn_guest_call_finish (guest, result, error);
}

static void
call (InnGuest *guest, InnControlCommand command)
{
  g_autoptr (GError) error = NULL;

  try_call (guest, command, &error);
  g_assert_no_error (error);
}

static gboolean
try_delete (InnGuest *guest, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_guest_delete_async (guest, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  return inn_guest_delete_finish (guest, result, error);
}

static gboolean
is_running (InnGuest *guest)
{
  return inn_guest_get_state (guest) == INN_GUEST_RUNNING;
}

static gboolean
is_paused (InnGuest *guest)
{
  return inn_guest_get_state (guest) == INN_GUEST_PAUSED;
}

static gboolean
is_inactive (InnGuest *guest)
{
  return !inn_guest_is_active (guest);
}

static gboolean
is_broken (InnGuest *guest)
{
  return inn_guest_get_state (guest) == INN_GUEST_BROKEN;
}

static GPid
vmm_pid (InnGuest *guest)
{
  g_autofree struct statistics_page *page = g_new0 (struct statistics_page, 1);

  g_assert_true (inn_guest_read_statistics (guest, page));
  g_assert_cmpuint (page->header.pid, >, 1);
  return (GPid)page->header.pid;
}

static void
assert_says (const GError *error, InnEngineError code, const char *word)
{
  g_assert_error (error, INN_ENGINE_ERROR, (int)code);
  if (strstr (error->message, word) == NULL)
    g_error ("“%s” does not say “%s”", error->message, word);
}

static gboolean
try_set_link (InnGuest *guest, guint nic, gboolean up, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_guest_set_link_async (guest, nic, up, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  return inn_guest_set_link_finish (guest, result, error);
}

/* Each new machine has a card with an address of its own. */
static void
test_network (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  g_autoptr (InnGuest) web = create (fixture, engine, "web");
  g_autoptr (InnGuest) mail = create (fixture, engine, "mail");
  g_autoptr (GPtrArray) nics = inn_machine_description_get_nics (inn_guest_get_description (web));
  const InnNicDescription *nic = g_ptr_array_index (nics, 0);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (nics->len, ==, 1);
  g_assert_cmpint (nic->kind, ==, INN_NIC_USER);
  g_assert_true (inn_machine_description_has_mac (inn_guest_get_description (web), nic->mac));
  g_assert_false (inn_machine_description_has_mac (inn_guest_get_description (mail), nic->mac));

  g_assert_false (try_set_link (web, 0, FALSE, &error));
  assert_says (error, INN_ENGINE_ERROR_UNAVAILABLE, "Start it first");
  g_clear_error (&error);
  start (web);
  g_assert_true (try_set_link (web, 0, FALSE, NULL));
  g_assert_true (try_set_link (web, 0, TRUE, NULL));
  g_assert_false (try_set_link (web, 7, TRUE, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_FAILED);
  call (web, INN_CONTROL_POWER_OFF);
  close_engine (engine);
}

static void
test_lifecycle (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  g_autoptr (InnGuest) guest = create (fixture, engine, "web");
  g_autoptr (GError) error = NULL;

  g_assert_true (inn_engine_find (engine, inn_guest_get_uuid (guest)) == guest);
  g_assert_true (inn_engine_find_by_name (engine, "web") == guest);
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_OFF);
  g_assert_cmpuint (inn_guest_get_memory (guest), ==, 64 << 20);

  start (guest);
  g_assert_cmpint (inn_guest_get_changed (guest), >, 0);
  call (guest, INN_CONTROL_PAUSE);
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_PAUSED);
  g_assert_false (try_call (guest, INN_CONTROL_SHUTDOWN, &error));
  assert_says (error, INN_ENGINE_ERROR_INVALID, "Resume");
  g_clear_error (&error);
  call (guest, INN_CONTROL_RESUME);
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_RUNNING);
  call (guest, INN_CONTROL_RESET);
  g_assert_false (try_delete (guest, &error));
  assert_says (error, INN_ENGINE_ERROR_BUSY, "running");
  g_clear_error (&error);
  g_assert_false (try_start (guest, &error));
  assert_says (error, INN_ENGINE_ERROR_BUSY, "running");
  g_clear_error (&error);

  /* Off means: can be started again at once. */
  for (int i = 0; i < 3; i++)
    {
      call (guest, INN_CONTROL_POWER_OFF);
      g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_OFF);
      g_assert_null (inn_guest_get_text (guest));
      g_assert_cmpint (inn_guest_get_last_end (guest), ==, INN_RUN_FORCED_OFF);
      start (guest);
    }
  call (guest, INN_CONTROL_POWER_OFF);
  g_assert_false (try_call (guest, INN_CONTROL_PAUSE, &error));
  assert_says (error, INN_ENGINE_ERROR_UNAVAILABLE, "Start it first");
  g_clear_error (&error);

  g_assert_true (try_delete (guest, &error));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (engine)), ==, 0);
  close_engine (engine);
}

/* What one does, the other sees: made, started, paused, off, deleted. */
static void
test_two_engines (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *window = open_engine (fixture);
  InnEngine *other = open_engine (fixture);
  g_autoptr (InnGuest) guest = create (fixture, other, "web");
  g_autoptr (InnGuest) seen = NULL;

  while ((seen = inn_engine_find_by_name (window, "web")) == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_object_ref (seen);

  start (guest);
  ENGINE_FIXTURE_WAIT (is_running, seen);
  call (seen, INN_CONTROL_PAUSE);
  ENGINE_FIXTURE_WAIT (is_paused, guest);
  call (guest, INN_CONTROL_POWER_OFF);
  ENGINE_FIXTURE_WAIT (is_inactive, seen);
  g_assert_cmpint (inn_guest_get_state (seen), ==, INN_GUEST_OFF);

  g_assert_true (try_delete (seen, NULL));
  while (inn_engine_find_by_name (other, "web") != NULL)
    g_main_context_iteration (NULL, TRUE);
  close_engine (window);
  close_engine (other);
}

/* The guest outlives the engine that started it, and another one finds it. */
static void
test_adopt (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  InnGuest *guest = create (fixture, engine, "web");
  g_autofree char *uuid = g_strdup (inn_guest_get_uuid (guest));
  GPid pid;

  start (guest);
  pid = vmm_pid (guest);
  g_object_unref (guest);
  close_engine (engine);
  g_assert_cmpint (kill (pid, 0), ==, 0);

  engine = open_engine (fixture);
  guest = inn_engine_find (engine, uuid);
  g_assert_nonnull (guest);
  ENGINE_FIXTURE_WAIT (inn_guest_is_settled, guest);
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_RUNNING);
  g_assert_cmpint (vmm_pid (guest), ==, pid);
  call (guest, INN_CONTROL_POWER_OFF);
  close_engine (engine);
}

static void
test_killed (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  InnEngine *other = open_engine (fixture);
  g_autoptr (InnGuest) guest = create (fixture, engine, "web");
  InnGuest *seen;

  start (guest);
  while ((seen = inn_engine_find_by_name (other, "web")) == NULL || !is_running (seen))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (kill (vmm_pid (guest), SIGKILL), ==, 0);
  ENGINE_FIXTURE_WAIT (is_inactive, guest);
  ENGINE_FIXTURE_WAIT (is_inactive, seen);
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_CRASHED);
  g_assert_cmpint (inn_guest_get_state (seen), ==, INN_GUEST_CRASHED);
  g_assert_nonnull (strstr (inn_guest_get_text (guest), "killed"));
  g_assert_cmpstr (inn_guest_get_text (seen), ==, inn_guest_get_text (guest));

  start (guest); /* nothing is in the way of the next run */
  g_assert_null (inn_guest_get_text (guest));
  call (guest, INN_CONTROL_POWER_OFF);
  close_engine (engine);
  close_engine (other);
}

static gboolean
has_gone (gpointer pid)
{
  return kill (GPOINTER_TO_INT (pid), 0) != 0;
}

static void
test_killed_unwatched (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  InnGuest *guest = create (fixture, engine, "web");
  GPid pid;

  start (guest);
  pid = vmm_pid (guest);
  g_object_unref (guest);
  close_engine (engine);
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  ENGINE_FIXTURE_WAIT (has_gone, GINT_TO_POINTER (pid));

  engine = open_engine (fixture);
  guest = inn_engine_find_by_name (engine, "web");
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_CRASHED);
  g_assert_nonnull (strstr (inn_guest_get_text (guest), "without a word"));
  close_engine (engine);
}

static void
test_guest_powers_off (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  g_autoptr (InnGuest) guest = create (fixture, engine, "web");

  use_vmm (fixture, "exec " SCRIPTED_VMM " --end-after 200 \"$@\"");
  start (guest);
  ENGINE_FIXTURE_WAIT (is_inactive, guest);
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_OFF);
  g_assert_cmpint (inn_guest_get_last_end (guest), ==, INN_RUN_POWER_OFF);

  use_vmm (fixture, "exec " SCRIPTED_VMM " --end-after 200 --end-reason 4 \"$@\"");
  start (guest);
  ENGINE_FIXTURE_WAIT (is_inactive, guest);
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_CRASHED);
  g_assert_cmpint (inn_guest_get_last_end (guest), ==, INN_RUN_PANIC);
  g_assert_nonnull (inn_guest_get_text (guest));
  close_engine (engine);
}

/* Exactly one of two starts wins. */
static void
test_start_race (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engines[] = { open_engine (fixture), open_engine (fixture) };
  g_autoptr (InnGuest) first = create (fixture, engines[0], "web");
  InnGuest *second;

  while ((second = inn_engine_find_by_name (engines[1], "web")) == NULL)
    g_main_context_iteration (NULL, TRUE);
  for (int i = 0; i < 5; i++)
    {
      g_autoptr (GAsyncResult) first_result = NULL;
      g_autoptr (GAsyncResult) second_result = NULL;
      g_autoptr (GError) first_error = NULL;
      g_autoptr (GError) second_error = NULL;
      gboolean first_won, second_won;

      inn_guest_start_async (first, NULL, engine_fixture_take_result, &first_result);
      inn_guest_start_async (second, NULL, engine_fixture_take_result, &second_result);
      engine_fixture_await (&first_result);
      engine_fixture_await (&second_result);
      first_won = inn_guest_start_finish (first, first_result, &first_error);
      second_won = inn_guest_start_finish (second, second_result, &second_error);
      g_assert_cmpint (first_won + second_won, ==, 1);
      assert_says (first_won ? second_error : first_error, INN_ENGINE_ERROR_BUSY,
                   "running already");
      ENGINE_FIXTURE_WAIT (is_running, first);
      ENGINE_FIXTURE_WAIT (is_running, second);
      g_assert_cmpint (vmm_pid (first), ==, vmm_pid (second));
      call (first, INN_CONTROL_POWER_OFF);
      ENGINE_FIXTURE_WAIT (is_inactive, second);
    }
  close_engine (engines[0]);
  close_engine (engines[1]);
}

static void
assert_start_refused (InnGuest *guest, InnEngineError code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (try_start (guest, &error));
  assert_says (error, code, word);
  g_assert_false (inn_guest_is_active (guest));
}

/* What stops a start comes back as one sentence, and nothing is left running. */
static void
test_start_refused (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  g_autoptr (InnGuest) guest = create (fixture, engine, "web");
  g_auto (GStrv) storage = inn_guest_list_storage (guest);
  g_autofree char *complaint
      = g_strdup_printf ("did not start: “%s” is not a Linux kernel.", fixture->kernel);

  use_vmm (fixture,
           "echo 'innkeeper-vmm: The file descriptor 6 is not a Linux kernel.' >&2; exit 1");
  assert_start_refused (guest, INN_ENGINE_ERROR_FAILED, complaint);
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_OFF);
  use_vmm (fixture, "exit 1");
  assert_start_refused (guest, INN_ENGINE_ERROR_FAILED, "left no word");
  use_vmm (fixture, "kill -9 $$");
  assert_start_refused (guest, INN_ENGINE_ERROR_FAILED, "left no word");
  g_setenv ("INNKEEPER_VMM", "/nowhere/vmm", TRUE);
  assert_start_refused (guest, INN_ENGINE_ERROR_UNAVAILABLE, "/nowhere/vmm");

  g_setenv ("INNKEEPER_VMM", SCRIPTED_VMM, TRUE);
  g_assert_cmpuint (g_strv_length (storage), ==, 1);
  g_assert_cmpint (g_unlink (storage[0]), ==, 0);
  assert_start_refused (guest, INN_ENGINE_ERROR_NOT_FOUND, storage[0]);
  g_unlink (fixture->kernel);
  assert_start_refused (guest, INN_ENGINE_ERROR_NOT_FOUND, fixture->kernel);
  close_engine (engine);
}

static InnGuest *
define (InnEngine *engine, const char *xml, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_engine_define_async (engine, xml, strlen (xml), NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  return inn_engine_define_finish (engine, result, error);
}

static void
test_define (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  const char *text = "<domain><name>db</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
                     "<os><kernel>/nowhere/kernel</kernel></os></domain>";
  g_autoptr (GError) error = NULL;
  g_autoptr (InnGuest) guest = define (engine, text, &error);
  g_autoptr (InnGuest) again = NULL;
  g_autofree char *xml = NULL;
  g_autofree char *more = NULL;

  g_assert_no_error (error);
  xml = inn_guest_read_definition (guest, &error);
  g_assert_no_error (error);
  more = g_strdup_printf ("%.*s<title>Kept</title></domain>",
                          (int)(strstr (xml, "</domain>") - xml), xml);
  again = define (engine, more, &error);
  g_assert_no_error (error);
  g_assert_true (again == guest);
  g_free (xml);
  xml = inn_guest_read_definition (guest, NULL);
  g_assert_nonnull (strstr (xml, "<title>Kept</title>"));

  g_assert_null (define (engine, text, &error)); /* no UUID: another machine of that name */
  assert_says (error, INN_ENGINE_ERROR_EXISTS, "db");
  g_clear_error (&error);
  g_assert_null (define (engine, "<domain>", &error));
  assert_says (error, INN_ENGINE_ERROR_INVALID, "line 1");
  assert_start_refused (guest, INN_ENGINE_ERROR_NOT_FOUND, "/nowhere/kernel");
  close_engine (engine);
}

static void
assert_create_refused (InnEngine *engine, const InnNewGuest *description, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (try_create (engine, description, &error));
  g_assert_cmpint (error->domain, ==, INN_ENGINE_ERROR);
  if (strstr (error->message, word) == NULL)
    g_error ("“%s” does not say “%s”", error->message, word);
}

/* Firmware of our own, so that the test needs no package. */
static char *
use_bios (EngineFixture *fixture)
{
  g_autofree char *folder = g_build_filename (fixture->root, "qemu", "firmware", NULL);
  g_autofree char *text = NULL;
  char *image = engine_fixture_write (fixture, "bios.bin", "not really a BIOS");

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  text = g_strdup_printf ("{\"interface-types\": [\"bios\"], \"mapping\": {\"device\": \"memory\", "
                          "\"filename\": \"%s\"}, \"targets\": [{\"architecture\": \"x86_64\", "
                          "\"machines\": [\"pc-q35-*\"]}]}",
                          image);
  g_free (engine_fixture_write (fixture, "qemu/firmware/00-test.json", text));
  g_setenv ("XDG_CONFIG_HOME", fixture->root, TRUE);
  return image;
}

static void
test_pc (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  g_autofree char *image = use_bios (fixture);
  g_autofree char *cdrom = engine_fixture_write (fixture, "cd.iso", "a CD");
  g_autofree char *disk = engine_fixture_write (fixture, "disk.raw", "a disk");
  g_autofree char *said = g_strdup_printf ("did not start: “%s” is not a BIOS.", image);
  InnNewGuest description = new_guest (fixture, "pc");
  g_autoptr (InnGuest) guest = NULL;
  const InnMachineDescription *made;
  g_autoptr (GError) error = NULL;

  description.kernel = NULL;
  description.cdrom = cdrom;
  description.import = disk;
  guest = try_create (engine, &description, &error);
  g_assert_no_error (error);
  made = inn_guest_get_description (guest);
  g_assert_cmpint (inn_machine_description_get_firmware (made), ==, INN_FIRMWARE_BIOS);
  g_assert_cmpint (inn_machine_description_get_video (made).model, ==, INN_VIDEO_VIRTIO);
  g_assert_null (inn_machine_description_get_cmdline (made));
  g_assert_cmpstr (inn_machine_description_find_disk (made, "vda")->path, ==, disk);
  g_assert_cmpstr (inn_machine_description_find_disk (made, "sda")->path, ==, cdrom);
  g_assert_nonnull (inn_machine_description_find_disk (made, "vdb"));
  g_assert_true (inn_engine_find_disk_user (engine, disk, NULL) == guest);
  g_assert_null (inn_engine_find_disk_user (engine, disk, guest));
  g_assert_null (inn_engine_find_disk_user (engine, cdrom, NULL));

  start (guest);
  call (guest, INN_CONTROL_POWER_OFF);
  use_vmm (fixture, "echo 'innkeeper-vmm: The file descriptor 6 is not a BIOS.' >&2; exit 1");
  assert_start_refused (guest, INN_ENGINE_ERROR_FAILED, said);
  close_engine (engine);
}

static gboolean
set_two_vcpus (InnMachineDescription *description, gpointer data, GError **error)
{
  if (data == NULL)
    {
      g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID, "No.");
      return FALSE;
    }

  inn_machine_description_set_vcpus (description, 2);
  return TRUE;
}

static gboolean
try_change (InnGuest *guest, gpointer data, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_guest_change_async (guest, set_two_vcpus, data, NULL, NULL, engine_fixture_take_result,
                          &result);
  engine_fixture_await (&result);
  return inn_guest_change_finish (guest, result, error);
}

static gboolean
has_two_vcpus (InnGuest *guest)
{
  return inn_guest_get_vcpus (guest) == 2;
}

static void
test_change (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  InnEngine *other = open_engine (fixture);
  g_autoptr (InnGuest) guest = create (fixture, engine, "web");
  g_autoptr (GError) error = NULL;
  InnGuest *seen;

  g_assert_false (try_change (guest, NULL, &error));
  assert_says (error, INN_ENGINE_ERROR_INVALID, "No.");
  g_assert_cmpuint (inn_guest_get_vcpus (guest), ==, 1);
  g_clear_error (&error);

  g_assert_true (try_change (guest, guest, &error));
  g_assert_true (has_two_vcpus (guest)); /* at once */
  ENGINE_FIXTURE_WAIT (has_two_vcpus, (seen = inn_engine_find (other, inn_guest_get_uuid (guest))));
  close_engine (other);
  close_engine (engine);
}

static void
count (InnGuest *guest, guint *n)
{
  (*n)++;
}

/* What runs is what was started, whatever is stored since; every process can tell. */
static void
test_running_description (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  InnEngine *other = NULL;
  g_autoptr (InnGuest) guest = create (fixture, engine, "web");
  g_autoptr (InnMachineDescription) running = NULL;
  InnGuest *seen;
  guint n_changes = 0;

  g_signal_connect (guest, "definition-changed", G_CALLBACK (count), &n_changes);
  g_assert_null (inn_guest_load_running_description (guest));
  start (guest);
  g_assert_true (try_change (guest, guest, NULL));
  g_assert_cmpuint (n_changes, ==, 1);

  other = open_engine (fixture);
  seen = inn_engine_find (other, inn_guest_get_uuid (guest));
  ENGINE_FIXTURE_WAIT (is_running, seen);
  running = inn_guest_load_running_description (seen);
  g_assert_nonnull (running);
  g_assert_cmpuint (inn_machine_description_get_vcpus (running), ==, 1);
  g_assert_cmpuint (inn_guest_get_vcpus (seen), ==, 2);
  call (guest, INN_CONTROL_POWER_OFF);
  g_assert_null (inn_guest_load_running_description (guest));
  close_engine (other);
  close_engine (engine);
}

static void
test_create_refused (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  const InnNewGuest good = new_guest (fixture, "db");
  const guint64 no_size = 0;
  InnNewGuest bad;

  g_object_unref (create (fixture, engine, "web"));
  bad = good, bad.name = "web";
  assert_create_refused (engine, &bad, "already");
  bad = good, bad.name = "a/b";
  assert_create_refused (engine, &bad, "“/”");
  bad = good, bad.vcpus = 0;
  assert_create_refused (engine, &bad, "processors");
  bad = good, bad.vcpus = 500;
  assert_create_refused (engine, &bad, "processors");
  bad = good, bad.memory = (guint64)1 << 45;
  assert_create_refused (engine, &bad, "Give it less");
  bad = good, bad.memory = 0;
  assert_create_refused (engine, &bad, "1 MiB");
  bad = good, bad.kernel = "/nowhere";
  assert_create_refused (engine, &bad, "/nowhere");
  bad = good, bad.kernel = fixture->root;
  assert_create_refused (engine, &bad, "not a file");
  bad = good, bad.kernel = NULL;
  assert_create_refused (engine, &bad, "nothing to start from");
  bad = good, bad.cdrom = "/nowhere.iso";
  assert_create_refused (engine, &bad, "/nowhere.iso");
  bad = good, bad.import = "/nowhere.raw";
  assert_create_refused (engine, &bad, "/nowhere.raw");
  bad = good, bad.initrd = "/nowhere";
  assert_create_refused (engine, &bad, "RAM disk");
  bad = good, bad.cmdline = "a\nb";
  assert_create_refused (engine, &bad, "command line");
  bad = good, bad.disk_sizes = &no_size;
  assert_create_refused (engine, &bad, "size");
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (engine)), ==, 1);
  close_engine (engine);
}

static InnGuest *
define_with_disk (EngineFixture *fixture, InnEngine *engine, const char *name, const char *disk)
{
  g_autofree char *xml = g_strdup_printf (
      "<domain><name>%s</name><memory unit='MiB'>64</memory><vcpu>1</vcpu><os><kernel>%s</kernel>"
      "</os><devices><disk><source file='%s'/><target dev='vda'/></disk></devices></domain>",
      name, fixture->kernel, disk);
  g_autoptr (GError) error = NULL;
  InnGuest *guest = define (engine, xml, &error);

  g_assert_no_error (error);
  return guest;
}

/* Two machines with one disk: the second does not start while the first runs. */
static void
test_shared_disk (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  g_autofree char *disk = engine_fixture_write (fixture, "disk", "some bytes");
  g_autoptr (InnGuest) first = define_with_disk (fixture, engine, "one", disk);
  g_autoptr (InnGuest) second = define_with_disk (fixture, engine, "two", disk);

  start (first);
  assert_start_refused (second, INN_ENGINE_ERROR_BUSY, disk);
  call (first, INN_CONTROL_POWER_OFF);
  start (second);
  call (second, INN_CONTROL_POWER_OFF);
  close_engine (engine);
}

/* A definition that is cut in half while somebody looks, and mended. */
static void
test_broken_definition (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  g_autoptr (InnGuest) guest = create (fixture, engine, "web");
  g_autofree char *xml = inn_guest_read_definition (guest, NULL);
  g_autofree char *path = g_build_filename (fixture->data_dir, "machines",
                                            inn_guest_get_uuid (guest), "domain.xml", NULL);

  g_assert_true (g_file_set_contents (path, xml, (gssize)strlen (xml) / 2, NULL));
  ENGINE_FIXTURE_WAIT (is_broken, guest);
  g_assert_cmpstr (inn_guest_get_name (guest), ==, "web");
  g_assert_nonnull (strstr (inn_guest_get_text (guest), "line"));
  assert_start_refused (guest, INN_ENGINE_ERROR_INVALID, "web");

  g_assert_true (g_file_set_contents (path, xml, -1, NULL));
  ENGINE_FIXTURE_WAIT (is_inactive, guest);
  while (is_broken (guest))
    g_main_context_iteration (NULL, TRUE);
  start (guest);

  /* It runs on whatever happens to its definition. */
  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  while (inn_guest_get_description (guest) != NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_RUNNING);
  call (guest, INN_CONTROL_POWER_OFF);
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_BROKEN);
  g_assert_true (try_delete (guest, NULL));
  close_engine (engine);
}

/* A VMM that has stopped to listen can still be ended. */
static void
test_unresponsive_vmm (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  g_autoptr (InnGuest) guest = create (fixture, engine, "web");

  start (guest);
  g_assert_cmpint (kill (vmm_pid (guest), SIGSTOP), ==, 0);
  call (guest, INN_CONTROL_POWER_OFF);
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_OFF);
  g_assert_cmpint (inn_guest_get_last_end (guest), ==, INN_RUN_FORCED_OFF);
  close_engine (engine);
}

static gboolean
has_holder (const char *machine_folder)
{
  return inn_machine_lock_get_holder (machine_folder) > 0;
}

/* A VMM that hangs before it answers keeps nobody waiting who gives up on it. */
static void
test_power_off_while_starting (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  g_autoptr (InnGuest) guest = create (fixture, engine, "web");
  g_autofree char *machine_folder
      = g_build_filename (fixture->data_dir, "machines", inn_guest_get_uuid (guest), NULL);
  g_autoptr (GAsyncResult) started = NULL;

  use_vmm (fixture, "exec sleep 60");
  inn_guest_start_async (guest, NULL, engine_fixture_take_result, &started);
  ENGINE_FIXTURE_WAIT (has_holder, machine_folder);
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_STARTING);
  call (guest, INN_CONTROL_POWER_OFF);
  engine_fixture_await (&started);
  g_assert_false (inn_guest_start_finish (guest, started, NULL));
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_OFF);
  close_engine (engine);
}

static gboolean
is_attached (InnGuest *guest)
{
  g_autofree struct statistics_page *page = g_new0 (struct statistics_page, 1);

  return inn_guest_read_statistics (guest, page);
}

/* One that breaks the protocol runs on, is told apart, and can be powered off. */
static void
test_lying_vmm (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  g_autoptr (InnGuest) guest = create (fixture, engine, "web");
  g_autoptr (GAsyncResult) started = NULL;
  g_autoptr (GError) error = NULL;

  /* It never gets beyond starting; the first command is answered with a lie. */
  use_vmm (fixture, "exec " SCRIPTED_VMM " --break-protocol \"$@\"");
  inn_guest_start_async (guest, NULL, engine_fixture_take_result, &started);
  ENGINE_FIXTURE_WAIT (is_attached, guest);
  g_assert_false (try_call (guest, INN_CONTROL_PING, NULL));
  engine_fixture_await (&started);
  g_assert_false (inn_guest_start_finish (guest, started, &error));
  assert_says (error, INN_ENGINE_ERROR_UNAVAILABLE, "forced off");

  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_UNREACHABLE);
  g_assert_cmpstr (inn_guest_get_text (guest), ==, error->message);
  call (guest, INN_CONTROL_POWER_OFF);
  g_assert_cmpint (inn_guest_get_state (guest), ==, INN_GUEST_OFF);
  g_assert_cmpint (inn_guest_get_last_end (guest), ==, INN_RUN_FORCED_OFF);
  close_engine (engine);
}

/* Socket addresses hold 107 bytes; folders may be longer. */
static void
test_long_runtime_path (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *long_name = g_strnfill (120, 'x');
  InnEngine *engine;
  g_autoptr (InnGuest) guest = NULL;

  g_free (fixture->runtime_dir);
  fixture->runtime_dir = g_build_filename (fixture->root, long_name, NULL);
  engine = open_engine (fixture);
  guest = create (fixture, engine, "web");
  start (guest);
  call (guest, INN_CONTROL_POWER_OFF);
  close_engine (engine);
}

static void
test_runtime_not_ours (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (fixture->runtime_dir, 0777), ==, 0);
  g_assert_cmpint (g_chmod (fixture->runtime_dir, 0777), ==, 0);
  engine = open_engine (fixture); /* ours, so it is closed to others */
  close_engine (engine);

  g_assert_cmpint (g_rmdir (fixture->runtime_dir), ==, 0);
  g_assert_cmpint (symlink ("/tmp", fixture->runtime_dir), ==, 0);
  engine = inn_engine_new (fixture->data_dir, fixture->state_dir, fixture->runtime_dir);
  g_assert_false (inn_engine_open (engine, &error));
  g_assert_nonnull (strstr (error->message, fixture->runtime_dir));
  g_object_unref (engine);
}

static void
test_serial (EngineFixture *fixture, gconstpointer data)
{
  InnEngine *engine = open_engine (fixture);
  g_autoptr (InnGuest) guest = create (fixture, engine, "web");
  g_autoptr (GAsyncResult) refused = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  int fd;

  inn_guest_open_serial_async (guest, NULL, engine_fixture_take_result, &refused);
  engine_fixture_await (&refused);
  g_assert_cmpint (inn_guest_open_serial_finish (guest, refused, &error), ==, -1);
  assert_says (error, INN_ENGINE_ERROR_UNAVAILABLE, "web");
  g_clear_error (&error);

  start (guest);
  inn_guest_open_serial_async (guest, NULL, engine_fixture_take_result, &result);
  engine_fixture_await (&result);
  fd = inn_guest_open_serial_finish (guest, result, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  close (fd);
  call (guest, INN_CONTROL_POWER_OFF);
  close_engine (engine);
}

static void
set_up (EngineFixture *fixture, gconstpointer data)
{
  engine_fixture_set_up (fixture, data);
  g_setenv ("INNKEEPER_VMM", SCRIPTED_VMM, TRUE);
}

#define ADD(name, func)                                                                            \
  g_test_add ("/engine/" name, EngineFixture, NULL, set_up, func, engine_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("lifecycle", test_lifecycle);
  ADD ("network", test_network);
  ADD ("two-engines", test_two_engines);
  ADD ("adopt", test_adopt);
  ADD ("running-description", test_running_description);
  ADD ("killed", test_killed);
  ADD ("killed-unwatched", test_killed_unwatched);
  ADD ("guest-powers-off", test_guest_powers_off);
  ADD ("start-race", test_start_race);
  ADD ("start-refused", test_start_refused);
  ADD ("define", test_define);
  ADD ("pc", test_pc);
  ADD ("change", test_change);
  ADD ("create-refused", test_create_refused);
  ADD ("shared-disk", test_shared_disk);
  ADD ("broken-definition", test_broken_definition);
  ADD ("unresponsive-vmm", test_unresponsive_vmm);
  ADD ("power-off-while-starting", test_power_off_while_starting);
  ADD ("lying-vmm", test_lying_vmm);
  ADD ("long-runtime-path", test_long_runtime_path);
  ADD ("runtime-not-ours", test_runtime_not_ours);
  ADD ("serial", test_serial);

  return g_test_run ();
}

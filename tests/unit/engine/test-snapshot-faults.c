/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whatever stops a change of snapshots, clones or layers: afterwards it has happened or it has not,
 * every image is sound, and nothing is left that nobody needs. The calls that change the disk are
 * wrapped; a child process makes the change and is killed at one of them, or one of them fails, or
 * from one of them on the disk is full.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine-error.h"
#include "fault-calls.h"
#include "firmware.h"
#include "live-clone.h"
#include "machine-clone.h"
#include "machine-description-boot.h"
#include "machine-description-snapshots.h"
#include "snapshot-resume.h"
#include "snapshot-draft.h"
#include "snapshot-fixture.h"

/* ---- changes ---- */

typedef struct
{
  const char *name;
  /* Makes what there is before; returns the id that the change is about, transfer full, or NULL. */
  char *(*prepare) (SnapshotFixture *fixture);
  gboolean (*run) (SnapshotFixture *fixture, const char *id, GError **error);
  gboolean restores; /* the machine becomes what the snapshot is */
  gboolean keeps;    /* what it was is a snapshot then */
  gboolean removes;  /* the snapshot goes */
} Change;

static void
write_variables (SnapshotFixture *fixture, const char *text)
{
  g_autofree char *folder = inn_machine_store_get_folder (fixture->machines, fixture->uuid);
  g_autoptr (InnMachineDescription) description = snapshot_fixture_load (fixture, fixture->uuid);
  g_autofree char *path = inn_firmware_get_variables (description, folder);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static char *
prepare_raw (SnapshotFixture *fixture)
{
  g_autoptr (InnMachineDescription) description = snapshot_fixture_load (fixture, fixture->uuid);

  inn_machine_description_set_firmware (description, INN_FIRMWARE_UEFI);
  g_assert_true (inn_machine_store_replace (fixture->machines, description, NULL));
  write_variables (fixture, "then");
  snapshot_fixture_write (fixture, fixture->uuid, 0, 'a');
  return NULL;
}

/* Three snapshots in a row and a present that is none of them; the first but one. */
static char *
prepare_chain (SnapshotFixture *fixture)
{
  char *second;

  g_free (prepare_raw (fixture));
  g_free (snapshot_fixture_take (fixture, "first"));
  snapshot_fixture_write (fixture, fixture->uuid, 1, 'b');
  second = snapshot_fixture_take (fixture, "second");
  snapshot_fixture_write (fixture, fixture->uuid, 2, 'c');
  g_free (snapshot_fixture_take (fixture, "third"));
  snapshot_fixture_write (fixture, fixture->uuid, 0, 'd');
  write_variables (fixture, "now");
  return second;
}

/* With a disk that no snapshot has. */
static char *
prepare_newer_disk (SnapshotFixture *fixture)
{
  char *id = prepare_chain (fixture);
  g_autoptr (InnMachineDescription) description = snapshot_fixture_load (fixture, fixture->uuid);
  g_autofree char *path
      = inn_machine_store_create_disk (fixture->machines, fixture->uuid, 1 << 20, NULL);

  inn_machine_description_add_disk (description, INN_DISK_DISK, INN_DISK_BUS_VIRTIO, path);
  g_assert_true (inn_machine_store_replace (fixture->machines, description, NULL));
  return id;
}

/* Two layers that nobody names any more. */
static char *
prepare_merge (SnapshotFixture *fixture)
{
  g_autofree char *second = prepare_chain (fixture);
  g_autoptr (GPtrArray) records = inn_snapshot_store_list (fixture->snapshots, FALSE);

  snapshot_fixture_remove (fixture, second);
  snapshot_fixture_remove (fixture, ((InnSnapshotRecord *)g_ptr_array_index (records, 0))->id);
  return NULL;
}

static char *
prepare_merge_all (SnapshotFixture *fixture)
{
  g_autoptr (GPtrArray) records = NULL;

  g_free (prepare_merge (fixture));
  records = inn_snapshot_store_list (fixture->snapshots, FALSE);
  snapshot_fixture_remove (fixture, ((InnSnapshotRecord *)g_ptr_array_index (records, 0))->id);
  return NULL;
}

static char *
prepare_last (SnapshotFixture *fixture)
{
  g_autoptr (GPtrArray) records = NULL;

  g_free (prepare_chain (fixture));
  records = inn_snapshot_store_list (fixture->snapshots, FALSE);
  return g_strdup (((InnSnapshotRecord *)g_ptr_array_index (records, 2))->id);
}

static gboolean
run_take (SnapshotFixture *fixture, const char *id, GError **error)
{
  g_autoptr (InnSnapshotRecord) record
      = inn_snapshot_store_take (fixture->snapshots, NULL, "note", error);

  return record != NULL;
}

/* As a running machine is: its VMM does its part between commit and publish, or fails to. */
static gboolean
take_live (SnapshotFixture *fixture, gboolean vmm_fails, GError **error)
{
  g_autoptr (InnSnapshotDraft) draft = NULL;
  int lock = inn_machine_store_lock (fixture->machines, error);
  gboolean done = FALSE;

  if (lock >= 0)
    draft = inn_snapshot_draft_new (fixture->snapshots, INN_LAYER_OF_RUNNING, NULL, NULL, error);
  if (draft != NULL)
    done = inn_snapshot_draft_prepare (draft, error) && inn_snapshot_draft_commit (draft, error);
  if (done && vmm_fails)
    done = inn_snapshot_draft_revoke (draft, /* switched= */ TRUE, error);
  else if (done)
    done = inn_snapshot_draft_publish (draft, error);
  g_clear_pointer (&draft, inn_snapshot_draft_free);
  close (lock);

  return done;
}

static gboolean
run_take_live (SnapshotFixture *fixture, const char *id, GError **error)
{
  return take_live (fixture, /* vmm_fails= */ FALSE, error);
}

static gboolean
run_revoke (SnapshotFixture *fixture, const char *id, GError **error)
{
  return take_live (fixture, /* vmm_fails= */ TRUE, error);
}

static gboolean
run_restore (SnapshotFixture *fixture, const char *id, GError **error)
{
  return inn_snapshot_store_restore (fixture->snapshots, id, FALSE, error);
}

static gboolean
run_restore_and_keep (SnapshotFixture *fixture, const char *id, GError **error)
{
  return inn_snapshot_store_restore (fixture->snapshots, id, TRUE, error);
}

static gboolean
run_remove (SnapshotFixture *fixture, const char *id, GError **error)
{
  return inn_snapshot_store_remove (fixture->snapshots, id, error);
}

static gboolean
run_change (SnapshotFixture *fixture, const char *id, GError **error)
{
  return inn_snapshot_store_change (fixture->snapshots, id, "renamed", "note", error);
}

static gboolean
run_clone (SnapshotFixture *fixture, InnGuestCloneKind kind, const char *snapshot, GError **error)
{
  const InnCloneRequest request
      = { .uuid = fixture->uuid, .name = "clone", .kind = kind, .snapshot = snapshot };
  g_autofree char *uuid = inn_machine_clone (fixture->machines, &request, NULL, error);

  return uuid != NULL;
}

static gboolean
run_clone_linked (SnapshotFixture *fixture, const char *id, GError **error)
{
  return run_clone (fixture, INN_GUEST_CLONE_LINKED, NULL, error);
}

static gboolean
run_clone_full (SnapshotFixture *fixture, const char *id, GError **error)
{
  return run_clone (fixture, INN_GUEST_CLONE_FULL, NULL, error);
}

static gboolean
run_clone_snapshot (SnapshotFixture *fixture, const char *id, GError **error)
{
  return run_clone (fixture, INN_GUEST_CLONE_LINKED, id, error);
}

/* As of a running machine: its VMM does its part between commit and publish, or fails to. */
static gboolean
clone_live (SnapshotFixture *fixture, gboolean vmm_fails, GError **error)
{
  g_autoptr (InnLiveClone) clone = NULL;
  int lock = inn_machine_store_lock (fixture->machines, error);
  gboolean done = FALSE;

  if (lock >= 0)
    clone = inn_live_clone_new (fixture->snapshots, "clone", error);
  if (clone != NULL)
    done = inn_live_clone_prepare (clone, error) && inn_live_clone_commit (clone, error);
  if (done && vmm_fails)
    done = inn_live_clone_revoke (clone, /* switched= */ FALSE, error);
  else if (done)
    done = inn_live_clone_publish (clone, error);
  g_clear_pointer (&clone, inn_live_clone_free);
  close (lock);

  return done;
}

static gboolean
run_clone_live (SnapshotFixture *fixture, const char *id, GError **error)
{
  return clone_live (fixture, /* vmm_fails= */ FALSE, error);
}

static gboolean
run_revoke_clone (SnapshotFixture *fixture, const char *id, GError **error)
{
  return clone_live (fixture, /* vmm_fails= */ TRUE, error);
}

static gboolean
run_merge (SnapshotFixture *fixture, const char *id, GError **error)
{
  guint merged;

  return inn_layer_store_merge (fixture->layers, NULL, &merged, error);
}

/* On a chain. */
static InnSnapshotRecord *
take_saved (SnapshotFixture *fixture)
{
  g_free (prepare_chain (fixture));
  return inn_snapshot_store_take (fixture->snapshots, "saved", NULL, NULL);
}

/* The present is saved, to go on with. */
static char *
prepare_saved (SnapshotFixture *fixture)
{
  g_autoptr (InnSnapshotRecord) record = take_saved (fixture);

  snapshot_fixture_add_memory (fixture, record, /* saved= */ TRUE);
  g_assert_true (inn_resume_mark (fixture->snapshots, record->id, NULL));
  return g_strdup (record->id);
}

static gboolean
run_resume (SnapshotFixture *fixture, const char *id, GError **error)
{
  g_autoptr (InnResume) resume = inn_resume_begin (fixture->snapshots, error);

  if (resume == NULL)
    return FALSE;

  inn_resume_end (fixture->snapshots, resume);
  return TRUE;
}

static gboolean
run_failed_resume (SnapshotFixture *fixture, const char *id, GError **error)
{
  g_autoptr (InnResume) resume = inn_resume_begin (fixture->snapshots, error);

  if (resume == NULL)
    return FALSE;

  inn_resume_undo (fixture->snapshots, resume);
  return TRUE;
}

static gboolean
run_discard (SnapshotFixture *fixture, const char *id, GError **error)
{
  return inn_resume_discard (fixture->snapshots, error);
}

static const Change changes[] = {
  { "take-raw", prepare_raw, run_take },
  { "take", prepare_chain, run_take },
  { "take-live", prepare_chain, run_take_live },
  { "take-live-raw", prepare_raw, run_take_live },
  { "revoke", prepare_chain, run_revoke },
  { "restore", prepare_newer_disk, run_restore, .restores = TRUE },
  { "restore-and-keep", prepare_newer_disk, run_restore_and_keep, .restores = TRUE, .keeps = TRUE },
  { "remove", prepare_chain, run_remove, .removes = TRUE },
  { "remove-current", prepare_last, run_remove, .removes = TRUE },
  { "change", prepare_chain, run_change },
  { "clone-linked-raw", prepare_raw, run_clone_linked },
  { "clone-linked", prepare_chain, run_clone_linked },
  { "clone-full", prepare_chain, run_clone_full },
  { "clone-snapshot", prepare_chain, run_clone_snapshot },
  { "clone-live-raw", prepare_raw, run_clone_live },
  { "clone-live", prepare_chain, run_clone_live },
  { "revoke-clone", prepare_chain, run_revoke_clone },
  { "merge", prepare_merge, run_merge },
  { "merge-all", prepare_merge_all, run_merge },
  { "resume", prepare_saved, run_resume, .removes = TRUE },
  { "failed-resume", prepare_saved, run_failed_resume },
  { "discard", prepare_saved, run_discard, .removes = TRUE },
};

/* ---- what must hold ---- */

/* What there was before the change. */
typedef struct
{
  GBytes *disk;
  GHashTable *snapshots; /* of id: GBytes */
} Before;

static GBytes *
read_snapshot (SnapshotFixture *fixture, const char *id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (InnMachineDescription) description
      = inn_snapshot_store_load_definition (fixture->snapshots, id, &error);

  g_assert_no_error (error);
  return snapshot_fixture_read_description (description);
}

static void
before_init (Before *before, SnapshotFixture *fixture)
{
  g_autoptr (GPtrArray) records = inn_snapshot_store_list (fixture->snapshots, TRUE);

  before->disk = snapshot_fixture_read_disk (fixture, fixture->uuid);
  before->snapshots
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
  for (guint i = 0; i < records->len; i++)
    {
      const InnSnapshotRecord *record = g_ptr_array_index (records, i);

      g_hash_table_insert (before->snapshots, g_strdup (record->id),
                           read_snapshot (fixture, record->id));
    }
}

static void
before_clear (Before *before)
{
  g_bytes_unref (before->disk);
  g_hash_table_unref (before->snapshots);
}

/* Before anything was put in order: the machine could start. */
static void
check_startable (SnapshotFixture *fixture, const char *uuid)
{
  g_autoptr (InnMachineDescription) description = snapshot_fixture_load (fixture, uuid);

  for (guint i = 0; i < inn_machine_description_get_n_disks (description); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (description, i);
      GStatBuf status;

      g_assert_cmpint (g_stat (disk->path, &status), ==, 0);
      g_assert_cmpint (status.st_mode & 0200, !=, 0);
    }
}

/* Disks and UEFI variables are of one time. Whether that is when the snapshot was taken. */
static gboolean
check_present (SnapshotFixture *fixture, const Change *change, const Before *before, const char *id)
{
  g_autofree char *folder = inn_machine_store_get_folder (fixture->machines, fixture->uuid);
  g_autoptr (InnMachineDescription) description = snapshot_fixture_load (fixture, fixture->uuid);
  g_autofree char *path = inn_firmware_get_variables (description, folder);
  g_autoptr (GBytes) disk = snapshot_fixture_read_description (description);
  const gboolean restored = !g_bytes_equal (disk, before->disk);
  g_autofree char *variables = NULL;

  if (restored)
    {
      g_assert_true (change->restores);
      g_assert_true (g_bytes_equal (disk, g_hash_table_lookup (before->snapshots, id)));
    }
  g_assert_true (g_file_get_contents (path, &variables, NULL, NULL));
  if (restored)
    g_assert_cmpstr (variables, ==, "then");
  else if (id != NULL)
    g_assert_cmpstr (variables, ==, "now");

  return restored;
}

static void
check_snapshots (SnapshotFixture *fixture,
                 const Change *change,
                 const Before *before,
                 const char *id)
{
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, before->snapshots);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      g_autofree char *machine = inn_machine_store_get_folder (fixture->machines, fixture->uuid);
      g_autofree char *folder = g_build_filename (machine, "snapshots", key, NULL);
      g_autoptr (GBytes) disk = NULL;

      if (change->removes && g_str_equal (key, id) && g_access (folder, F_OK) < 0)
        continue;
      disk = read_snapshot (fixture, key);
      g_assert_true (g_bytes_equal (disk, value));
    }
}

/* The present that was left is a snapshot. */
static void
check_kept (SnapshotFixture *fixture, const Before *before)
{
  g_autoptr (GPtrArray) records = inn_snapshot_store_list (fixture->snapshots, FALSE);
  guint kept = 0;

  for (guint i = 0; i < records->len; i++)
    {
      const InnSnapshotRecord *record = g_ptr_array_index (records, i);
      g_autoptr (GBytes) disk = NULL;

      if (!record->kept)
        continue;
      disk = read_snapshot (fixture, record->id);
      g_assert_true (g_bytes_equal (disk, before->disk));
      kept++;
    }
  g_assert_cmpuint (kept, ==, 1);
}

/* A clone is there with everything, or not at all. */
static void
check_clones (SnapshotFixture *fixture, const Before *before, const char *id)
{
  g_auto (GStrv) uuids = inn_machine_store_list (fixture->machines);

  for (guint i = 0; uuids[i] != NULL; i++)
    {
      g_autoptr (GBytes) disk = snapshot_fixture_read_disk (fixture, uuids[i]);

      if (!g_str_equal (uuids[i], fixture->uuid))
        g_assert_true (
            g_bytes_equal (disk, before->disk)
            || (id != NULL && g_bytes_equal (disk, g_hash_table_lookup (before->snapshots, id))));
    }
}

/* Neither temporary names nor files of a machine that nothing names. */
static void
check_folder (const char *path, guint n_files)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;
  guint files = 0;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);

      if (g_str_has_prefix (name, ".new-") || g_str_has_prefix (name, ".deleted-"))
        g_error ("“%s” was left behind", file);
      files += g_file_test (file, G_FILE_TEST_IS_REGULAR);
    }
  if (n_files != 0)
    g_assert_cmpuint (files, ==, n_files);
}

static guint
count_own_disks (SnapshotFixture *fixture, const char *folder)
{
  g_autoptr (InnMachineDescription) description = snapshot_fixture_load (fixture, fixture->uuid);
  guint count = 0;

  for (guint i = 0; i < inn_machine_description_get_n_disks (description); i++)
    count += g_str_has_prefix (inn_machine_description_get_disk (description, i)->path, folder);

  return count;
}

static void
check_leftovers (SnapshotFixture *fixture)
{
  g_autofree char *folder = inn_machine_store_get_folder (fixture->machines, fixture->uuid);
  g_autofree char *snapshots = g_build_filename (folder, "snapshots", NULL);
  g_autoptr (InnMachineStore) opened = inn_machine_store_new (fixture->base.data_dir);

  g_assert_true (inn_machine_store_open (opened, NULL));
  inn_machine_store_close (opened);
  check_folder (inn_machine_store_get_path (fixture->machines), 0);
  check_folder (snapshots, 0);
  /* The definition, the lock, the UEFI variables, and its own disks. */
  check_folder (folder, 3 + count_own_disks (fixture, folder));
}

/* What was saved is what the machine goes on with, and nothing else is. Whether it does. */
static gboolean
check_saved (SnapshotFixture *fixture)
{
  g_autoptr (GPtrArray) records = inn_snapshot_store_list (fixture->snapshots, TRUE);
  g_autoptr (InnMachineDescription) description = snapshot_fixture_load (fixture, fixture->uuid);
  g_autofree char *resume = inn_machine_description_get_resume_snapshot (description);
  guint saved = 0;

  for (guint i = 0; i < records->len; i++)
    {
      const InnSnapshotRecord *record = g_ptr_array_index (records, i);

      if (record->saved)
        g_assert_cmpstr (record->id, ==, resume);
      saved += record->saved;
    }
  g_assert_cmpuint (saved, ==, resume != NULL);

  return resume != NULL;
}

static void
check_all (SnapshotFixture *fixture, const Change *change, const Before *before, const char *id)
{
  gboolean restored;

  check_startable (fixture, fixture->uuid);
  check_present (fixture, change, before, id);
  check_snapshots (fixture, change, before, id);
  check_clones (fixture, before, id);

  inn_snapshot_store_recover_all (fixture->machines);
  snapshot_fixture_check (fixture);
  snapshot_fixture_collect (fixture);
  snapshot_fixture_check (fixture);
  check_startable (fixture, fixture->uuid);
  restored = check_present (fixture, change, before, id);
  check_snapshots (fixture, change, before, id);
  check_clones (fixture, before, id);
  if (restored && change->keeps)
    check_kept (fixture, before);
  check_leftovers (fixture);
  if (!check_saved (fixture))
    g_free (snapshot_fixture_take (fixture, "afterwards"));
}

/* ---- walks ---- */

enum
{
  EXIT_REACHED = 1, /* the fault was met */
  EXIT_DONE = 2,
  EXIT_MUTE = 4, /* it failed without a sentence */
};

static void
run_in_child (SnapshotFixture *fixture, const Change *change, const char *id, Fault kind, guint at)
{
  g_autoptr (GError) error = NULL;
  gboolean done;

  g_log_set_always_fatal (G_LOG_FATAL_MASK); /* what cannot be undone is only warned of */
  g_random_set_seed ((guint32)getpid ());    /* or it would choose the names that we will */
  fault_calls_set (kind, at);
  done = change->run (fixture, id, &error);
  _exit ((fault_calls_count () >= at ? EXIT_REACHED : 0) | (done ? EXIT_DONE : 0)
         | (!done && (error == NULL || error->message[0] == '\0') ? EXIT_MUTE : 0));
}

/* FALSE: the change has fewer steps. */
static gboolean
try_step (const Change *change, Fault kind, guint at)
{
  SnapshotFixture fixture = { 0 };
  Before before;
  g_autofree char *id = NULL;
  gboolean reached;
  int status;
  pid_t pid;

  snapshot_fixture_set_up (&fixture, NULL);
  id = change->prepare (&fixture);
  before_init (&before, &fixture);
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    run_in_child (&fixture, change, id, kind, at);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  reached = WIFSIGNALED (status) || (WEXITSTATUS (status) & EXIT_REACHED);
  if (WIFSIGNALED (status))
    g_assert_cmpint (WTERMSIG (status), ==, SIGKILL);
  else
    g_assert_cmpint (WEXITSTATUS (status) & EXIT_MUTE, ==, 0);
  if (!reached)
    g_assert_cmpint (WEXITSTATUS (status), ==, EXIT_DONE);

  check_all (&fixture, change, &before, id);
  before_clear (&before);
  snapshot_fixture_tear_down (&fixture, NULL);
  return reached;
}

static void
walk (const Change *change, Fault kind)
{
  guint at = 1;

  while (try_step (change, kind, at))
    at++;
  g_test_message ("%s: %u steps", change->name, at - 1);
  g_assert_cmpuint (at, >, 1);
}

static void
test_kill (gconstpointer data)
{
  walk (data, FAULT_KILL);
}

static void
test_error (gconstpointer data)
{
  walk (data, FAULT_ERROR);
}

static void
test_full (gconstpointer data)
{
  walk (data, FAULT_FULL);
}

/* ---- a disk that really is full ---- */

enum
{
  DISK_BYTES = 4 << 20,
  ROOM_STEP = 16 << 10,
};

/* A file system of our own on the fixture's folder. */
static gboolean
mount_small_disk (SnapshotFixture *fixture)
{
  g_autofree char *options = g_strdup_printf ("size=%d,mode=700", DISK_BYTES);

  return mount ("tmpfs", fixture->base.root, "tmpfs", 0, options) == 0;
}

/* Leaves so much room, in a file that is to be removed again; transfer full: its path. */
static char *
fill_disk (SnapshotFixture *fixture, guint64 room)
{
  char *path = g_build_filename (fixture->base.root, "filler", NULL);
  int fd = g_open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  struct statvfs disk;
  guint64 free_bytes;

  g_assert_cmpint (statvfs (fixture->base.root, &disk), ==, 0);
  free_bytes = (guint64)disk.f_bavail * disk.f_frsize;
  g_assert_cmpint (posix_fallocate (fd, 0, (off_t)(free_bytes - room)), ==, 0);
  close (fd);

  return path;
}

static gboolean
run_with_room (SnapshotFixture *fixture, const Change *change, const char *id, guint64 room)
{
  g_autofree char *filler = fill_disk (fixture, room);
  int status;
  pid_t pid = fork ();

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    run_in_child (fixture, change, id, FAULT_NONE, 1);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status) & EXIT_MUTE, ==, 0);
  g_assert_cmpint (g_unlink (filler), ==, 0);

  return WEXITSTATUS (status) == EXIT_DONE;
}

static gboolean
try_room (const Change *change, guint64 room)
{
  SnapshotFixture fixture = { .on_set_up = mount_small_disk };
  Before before;
  g_autofree char *id = NULL;
  gboolean done;

  snapshot_fixture_set_up (&fixture, NULL);
  id = change->prepare (&fixture);
  before_init (&before, &fixture);
  done = run_with_room (&fixture, change, id, room);
  check_all (&fixture, change, &before, id);
  before_clear (&before);
  snapshot_fixture_tear_down (&fixture, NULL);
  return done;
}

static void
test_disk (gconstpointer data)
{
  const Change *change = data;
  guint64 room = 0;

  if (unshare (CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    {
      g_test_skip ("no file system can be mounted here");
      return;
    }
  while (!try_room (change, room))
    room += ROOM_STEP;
  g_test_message ("%s: needs %" G_GUINT64_FORMAT " KiB", change->name, room >> 10);
}

int
main (int argc, char **argv)
{
  /* Where nothing is waited for; what a computer that stops would lose is not the subject. */
  if (g_access ("/dev/shm", W_OK) == 0)
    g_setenv ("TMPDIR", "/dev/shm", TRUE);
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      g_autofree char *kill_path = g_strconcat ("/snapshot-faults/kill/", changes[i].name, NULL);
      g_autofree char *error_path = g_strconcat ("/snapshot-faults/error/", changes[i].name, NULL);
      g_autofree char *disk_path = g_strconcat ("/snapshot-faults/disk/", changes[i].name, NULL);
      g_autofree char *full_path = g_strconcat ("/snapshot-faults/full/", changes[i].name, NULL);

      g_test_add_data_func (kill_path, &changes[i], test_kill);
      g_test_add_data_func (error_path, &changes[i], test_error);
      g_test_add_data_func (full_path, &changes[i], test_full);
      g_test_add_data_func (disk_path, &changes[i], test_disk);
    }
  return g_test_run ();
}

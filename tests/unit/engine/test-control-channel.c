/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The client against the real control server in a thread, against a VMM process that is killed, and
 * against one that lies. Linked with --wrap to count doorbells.
 */
#include "control-channel.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/input-event-codes.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "fake-vmm.h"
#include "lying-vmm.h"

static atomic_uint writes;

ssize_t __real_write (int fd, const void *bytes, size_t size);
ssize_t __wrap_write (int fd, const void *bytes, size_t size);

ssize_t
__wrap_write (int fd, const void *bytes, size_t size)
{
  writes++;
  return __real_write (fd, bytes, size);
}

typedef struct
{
  struct fake_vmm vmm;
  InnControlChannel *channel;
  struct statistics_page *page;
} Fixture;

/* Asynchronous calls, waited for */

static void
keep_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **kept = user_data;

  *kept = g_object_ref (result);
}

static GAsyncResult *
wait_result (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);

  return *result;
}

static InnControlChannel *
open_channel (const char *path, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_control_channel_open_async (path, NULL, keep_result, &result);
  return inn_control_channel_open_finish (wait_result (&result), error);
}

static gboolean
set_link (InnControlChannel *channel, guint nic, gboolean up, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_control_channel_set_link_async (channel, nic, up, NULL, keep_result, &result);
  return inn_control_channel_call_finish (channel, wait_result (&result), error);
}

static gboolean
insert (InnControlChannel *channel, guint drive, int fd, gboolean force, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_control_channel_insert_async (channel, drive, fd, force, NULL, keep_result, &result);
  return inn_control_channel_call_finish (channel, wait_result (&result), error);
}

static gboolean
eject (InnControlChannel *channel, guint drive, gboolean force, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_control_channel_eject_async (channel, drive, force, NULL, keep_result, &result);
  return inn_control_channel_call_finish (channel, wait_result (&result), error);
}

static gboolean
grow_disk (InnControlChannel *channel, guint disk, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_control_channel_grow_disk_async (channel, disk, 1 << 30, NULL, keep_result, &result);
  return inn_control_channel_call_finish (channel, wait_result (&result), error);
}

static gboolean
call (InnControlChannel *channel, InnControlCommand command, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_control_channel_call_async (channel, command, NULL, keep_result, &result);
  return inn_control_channel_call_finish (channel, wait_result (&result), error);
}

static void
assert_call (InnControlChannel *channel, InnControlCommand command)
{
  g_autoptr (GError) error = NULL;

  call (channel, command, &error);
  g_assert_no_error (error);
}

static int
open_serial (InnControlChannel *channel, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_control_channel_open_serial_async (channel, NULL, keep_result, &result);
  return inn_control_channel_open_serial_finish (channel, wait_result (&result), error);
}

static InnGuestScreen *
open_screen (InnControlChannel *channel, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_control_channel_open_screen_async (channel, NULL, keep_result, &result);
  return inn_control_channel_open_screen_finish (channel, wait_result (&result), error);
}

static void
refresh (InnGuestScreen *screen)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_guest_screen_refresh_async (screen, NULL, keep_result, &result);
  inn_guest_screen_refresh_finish (screen, wait_result (&result), &error);
  g_assert_no_error (error);
}

/* "closed", and how often */
typedef struct
{
  guint emitted;
  GError *error;
} Closed;

static void
on_closed (InnControlChannel *channel, GError *error, Closed *closed)
{
  closed->emitted++;
  if (error != NULL)
    closed->error = g_error_copy (error);
}

static void
wait_closed (Closed *closed)
{
  while (closed->emitted == 0)
    g_main_context_iteration (NULL, TRUE);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (closed->emitted, ==, 1);
}

static guint
count_open_fds (void)
{
  guint count = 0;

  for (int fd = 0; fd < 1024; fd++)
    count += fcntl (fd, F_GETFD) >= 0;
  return count;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fake_vmm_start (&fixture->vmm);
  fixture->channel = open_channel (fixture->vmm.path, &error);
  g_assert_no_error (error);
  fixture->page = g_new0 (struct statistics_page, 1);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_assert_finalize_object (fixture->channel);
  fake_vmm_stop (&fixture->vmm);
  g_free (fixture->page);
}

static enum vmm_state
read_state (Fixture *fixture)
{
  g_assert_true (inn_control_channel_read_statistics (fixture->channel, fixture->page));
  return fixture->page->status.state;
}

static void
test_commands (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (inn_control_channel_get_pid (fixture->channel), ==, getpid ());
  g_assert_cmpuint (read_state (fixture), ==, VMM_STATE_RUNNING);
  g_assert_cmpuint (fixture->page->header.vcpu_count, ==, FAKE_MACHINE_VCPUS);
  assert_call (fixture->channel, INN_CONTROL_PING);
  assert_call (fixture->channel, INN_CONTROL_PAUSE);
  g_assert_cmpuint (read_state (fixture), ==, VMM_STATE_PAUSED);

  /* a refusal, and the channel lives on */
  g_assert_false (call (fixture->channel, INN_CONTROL_SHUTDOWN, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);

  assert_call (fixture->channel, INN_CONTROL_RESUME);
  g_assert_cmpuint (read_state (fixture), ==, VMM_STATE_RUNNING);
  g_assert_cmpuint (fixture->page->header.nic_count, ==, FAKE_MACHINE_NICS);
  g_clear_error (&error);
  g_assert_true (set_link (fixture->channel, 1, TRUE, NULL));
  read_state (fixture);
  g_assert_cmpuint (fixture->page->nics[1].link, ==, 1);
  g_assert_true (set_link (fixture->channel, 1, FALSE, NULL));
  read_state (fixture);
  g_assert_cmpuint (fixture->page->nics[1].link, ==, 0);
  g_assert_false (set_link (fixture->channel, FAKE_MACHINE_NICS, TRUE, &error));
  g_assert_false (set_link (fixture->channel, 1000, TRUE, NULL));
  g_assert_true (grow_disk (fixture->channel, 0, NULL));
  g_clear_error (&error);
  g_assert_false (grow_disk (fixture->channel, FAKE_MACHINE_DISKS, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_assert_false (grow_disk (fixture->channel, FAKE_MACHINE_DISKS + 1, NULL));
  assert_call (fixture->channel, INN_CONTROL_RESET);
  g_assert_cmpuint (read_state (fixture), ==, VMM_STATE_RUNNING);
  g_assert_cmpuint (fixture->page->status.resets, ==, 1);
}

static void
test_media (Fixture *fixture, gconstpointer data)
{
  const struct fake_machine *machine = &fixture->vmm.machine;
  g_autoptr (GError) error = NULL;
  int fd = memfd_create ("cd", MFD_CLOEXEC);

  g_assert_cmpint (ftruncate (fd, 4096), ==, 0);
  g_assert_true (insert (fixture->channel, FAKE_MACHINE_LOCKED_DRIVE, fd, FALSE, NULL));
  g_assert_cmpuint (machine->media[FAKE_MACHINE_LOCKED_DRIVE], ==, 4096);
  g_assert_false (insert (fixture->channel, FAKE_MACHINE_LOCKED_DRIVE, fd, FALSE, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_false (eject (fixture->channel, FAKE_MACHINE_LOCKED_DRIVE, FALSE, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_true (insert (fixture->channel, FAKE_MACHINE_LOCKED_DRIVE, fd, TRUE, NULL));
  g_assert_true (eject (fixture->channel, FAKE_MACHINE_LOCKED_DRIVE, TRUE, NULL));
  g_assert_cmpuint (machine->media[FAKE_MACHINE_LOCKED_DRIVE], ==, 0);
  g_assert_false (insert (fixture->channel, FAKE_MACHINE_DRIVES, fd, TRUE, &error));
  g_assert_error (error, G_IO_ERROR, (int)g_io_error_from_errno (ENODEV));
  g_assert_cmpint (fcntl (fd, F_GETFD), >=, 0); /* still ours */
  fd_close (&fd);
}

static void
test_end (Fixture *fixture, gconstpointer command)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  Closed closed = { 0 };

  g_signal_connect (fixture->channel, "closed", G_CALLBACK (on_closed), &closed);
  inn_control_channel_call_async (fixture->channel, GPOINTER_TO_INT (command), NULL, keep_result,
                                  &result);
  g_main_context_iteration (NULL, TRUE); /* rings; the reply and the hang-up come at once */
  fake_vmm_join (&fixture->vmm);
  fake_machine_finish (&fixture->vmm.machine);
  wait_closed (&closed);
  g_assert_no_error (closed.error);
  inn_control_channel_call_finish (fixture->channel, wait_result (&result), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (read_state (fixture), ==, VMM_STATE_ENDED);
  g_assert_cmpuint (fixture->page->status.end_reason, ==,
                    GPOINTER_TO_INT (command) == INN_CONTROL_SHUTDOWN ? VMM_END_GUEST_POWER_OFF
                                                                      : VMM_END_FORCED_OFF);
}

/* test_end() has freed what the VMM had. */
static void
tear_down_ended (Fixture *fixture, gconstpointer data)
{
  g_assert_finalize_object (fixture->channel);
  event_loop_destroy (fixture->vmm.loop);
  fake_vmm_unlisten (&fixture->vmm);
  g_free (fixture->page);
}

static void
count_signal (InnControlChannel *channel, guint *count)
{
  (*count)++;
}

static void
test_state_changed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnControlChannel) other = open_channel (fixture->vmm.path, NULL);
  guint changes = 0;

  g_signal_connect (other, "state-changed", G_CALLBACK (count_signal), &changes);
  assert_call (fixture->channel, INN_CONTROL_PAUSE);
  while (changes == 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_serial (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  int fd = open_serial (fixture->channel, &error);
  char bytes[64] = "";

  g_assert_no_error (error);
  g_assert_true (fcntl (fd, F_GETFL) & O_NONBLOCK);
  g_assert_cmpint (fcntl (fd, F_GETFD), ==, FD_CLOEXEC);
  g_assert_cmpint (recv (fd, bytes, sizeof (bytes), 0), ==, strlen (FAKE_MACHINE_BANNER));
  g_assert_cmpstr (bytes, ==, FAKE_MACHINE_BANNER);
  fd_set_nonblocking (fd, FALSE);
  g_assert_cmpint (send (fd, "ls\n", 3, 0), ==, 3);
  g_assert_cmpint (recv (fd, bytes, sizeof (bytes), 0), ==, 3);
  fd_close (&fd);
}

static guint32
first_pixel (InnGuestScreen *screen)
{
  guint32 pixel;

  memcpy (&pixel, g_bytes_get_data (inn_guest_screen_get_pixels (screen), NULL), sizeof (pixel));
  return pixel;
}

static void
test_screen (Fixture *fixture, gconstpointer data)
{
  g_autofree struct screen_page *page = g_new0 (struct screen_page, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (InnGuestScreen) screen = open_screen (fixture->channel, &error);
  g_autoptr (GBytes) pixels = NULL;

  g_assert_no_error (error);
  g_assert_true (inn_guest_screen_read (screen, page));
  g_assert_cmpuint (page->mode.width, ==, FAKE_MACHINE_WIDTH);
  pixels = g_bytes_ref (inn_guest_screen_get_pixels (screen));
  g_assert_cmpuint (g_bytes_get_size (pixels), ==, FAKE_MACHINE_PIXEL_BYTES);

  /* Without a copy: what the VMM draws is there when it has answered. A paused guest too. */
  assert_call (fixture->channel, INN_CONTROL_PAUSE);
  refresh (screen);
  g_assert_cmphex (first_pixel (screen), ==, 0x010203);
  g_assert_true (inn_guest_screen_read (screen, page));
  g_assert_cmpuint (page->damage.count, ==, 1);

  /* The nearest size that is allowed. */
  inn_guest_screen_resize (screen, 1, 400);
  refresh (screen);
  g_assert_true (inn_guest_screen_read (screen, page));
  g_assert_cmpuint (page->mode.width, ==, 64);
  g_assert_cmpuint (page->mode.height, ==, 400);

  /* It stays while it is looked at. */
  inn_control_channel_close (fixture->channel);
  g_assert_true (inn_guest_screen_read (screen, page));
  g_clear_object (&screen);
  g_assert_cmphex (*(const guint32 *)g_bytes_get_data (pixels, NULL), ==, 0x020406);
}

static void
count_changed (InnGuestScreen *screen, guint *count)
{
  (*count)++;
}

static void
wait_watched (Fixture *fixture, gboolean watched)
{
  while (fixture->vmm.machine.screen_watched != watched)
    g_main_context_iteration (NULL, FALSE);
}

/* Watched while anybody does, and no longer. */
static void
test_watch_screen (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnGuestScreen) screen = open_screen (fixture->channel, NULL);
  InnGuestScreen *other = open_screen (fixture->channel, NULL);
  guint changes = 0;

  g_signal_connect (screen, "changed", G_CALLBACK (count_changed), &changes);
  refresh (screen);
  g_assert_cmpuint (changes, ==, 0);

  inn_guest_screen_set_watched (screen, TRUE);
  inn_guest_screen_set_watched (screen, TRUE);
  inn_guest_screen_set_watched (other, TRUE);
  wait_watched (fixture, TRUE);
  refresh (screen);
  while (changes == 0)
    g_main_context_iteration (NULL, TRUE);

  inn_guest_screen_set_watched (screen, FALSE);
  inn_guest_screen_set_watched (screen, FALSE);
  assert_call (fixture->channel, INN_CONTROL_PING);
  g_assert_true (fixture->vmm.machine.screen_watched);
  g_assert_finalize_object (other);
  wait_watched (fixture, FALSE);
}

static void
wait_inputs (Fixture *fixture, guint count)
{
  while (fixture->vmm.machine.inputs < count)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (fixture->vmm.machine.inputs, ==, count);
}

static void
press (Fixture *fixture, guint16 code, gboolean down)
{
  const struct input_event event = { .type = INPUT_KEY, .code = code, .x = down };

  inn_control_channel_send_input (fixture->channel, &event);
}

static void
test_input (Fixture *fixture, gconstpointer data)
{
  const struct input_event motion = { .type = INPUT_MOTION, .x = 1 };
  guint before, inputs;

  assert_call (fixture->channel, INN_CONTROL_PING);
  g_usleep (20000); /* the VMM sleeps now */
  before = writes;
  press (fixture, KEY_A, TRUE);
  wait_inputs (fixture, 1);
  g_usleep (20000);
  g_assert_cmpuint (writes - before, ==, 1);
  press (fixture, KEY_A, FALSE);
  wait_inputs (fixture, 2);
  g_assert_cmpint (fixture->vmm.machine.held, ==, 0);

  /* A VMM that does not look for long misses motion, but nothing that is let go of. */
  press (fixture, KEY_B, TRUE);
  wait_inputs (fixture, 3);
  event_loop_lock (fixture->vmm.loop);
  for (guint i = 0; i < 5000; i++)
    inn_control_channel_send_input (fixture->channel, &motion);
  press (fixture, KEY_C, TRUE);
  press (fixture, KEY_B, FALSE);
  event_loop_unlock (fixture->vmm.loop);
  while (fixture->vmm.machine.held != 0)
    g_main_context_iteration (NULL, FALSE);
  assert_call (fixture->channel, INN_CONTROL_PING); /* the last of them is counted by now */
  inputs = fixture->vmm.machine.inputs;
  g_assert_cmpuint (inputs, <, 1024);
  g_assert_cmpuint (fixture->vmm.machine.last_code, ==, KEY_B);

  /* What is down when the channel closes comes up. */
  press (fixture, KEY_D, TRUE);
  wait_inputs (fixture, inputs + 1);
  inn_control_channel_close (fixture->channel);
  wait_inputs (fixture, inputs + 2);
  g_assert_cmpint (fixture->vmm.machine.held, ==, 0);
}

/* The only calls that are left to the child are read(), write() and exit(). */
static void
read_in_silence (InnGuestScreen *screen, struct screen_page *page)
{
  gboolean good = TRUE;

  if (prctl (PR_SET_SECCOMP, SECCOMP_MODE_STRICT) < 0)
    _exit (2);
  for (guint i = 0; i < 1000; i++)
    good = inn_guest_screen_read (screen, page) && good;
  syscall (SYS_exit, good ? 0 : 1);
}

static void
test_cost_of_a_read (Fixture *fixture, gconstpointer data)
{
  g_autofree struct screen_page *page = g_new0 (struct screen_page, 1);
  g_autoptr (InnGuestScreen) screen = open_screen (fixture->channel, NULL);
  int status;
  pid_t pid = fork ();

  if (pid == 0)
    read_in_silence (screen, page);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

static int
temporary_file (void)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("innkeeper-XXXXXX", &path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_unlink (path);
  return fd;
}

static gboolean
snapshot (InnControlChannel *channel,
          guint layers,
          int fd,
          int memory_fd,
          gboolean hold,
          guint64 *ret_pause_us,
          gboolean *ret_switched,
          GError **error)
{
  const InnControlLayer all[] = { { 0, fd }, { 1, fd } };
  g_autoptr (GAsyncResult) result = NULL;

  inn_control_channel_snapshot_async (channel, all, layers, memory_fd, hold, NULL, keep_result,
                                      &result);
  return inn_control_channel_snapshot_finish (channel, wait_result (&result), ret_pause_us,
                                              ret_switched, error);
}

static void
test_snapshot (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GError) error = NULL;
  int layer = temporary_file ();
  int memory = temporary_file ();
  char written[32] = "";
  guint64 pause_us = 0;
  gboolean switched = FALSE;

  g_assert_true (snapshot (fixture->channel, 1, layer, -1, FALSE, &pause_us, &switched, &error));
  g_assert_no_error (error);
  g_assert_true (switched);
  g_assert_cmpuint (pause_us, ==, FAKE_MACHINE_PAUSE_US);
  g_assert_cmpuint (fixture->vmm.machine.layers, ==, 1);

  g_assert_true (snapshot (fixture->channel, 1, layer, memory, TRUE, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (pread (memory, written, sizeof (written), 0), >, 0);
  g_assert_cmpstr (written, ==, FAKE_MACHINE_MEMORY);
  g_assert_cmpuint (fixture->vmm.machine.layers, ==, 2);

  g_assert_false (snapshot (fixture->channel, 2, layer, memory, TRUE, NULL, &switched, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SUCH_DEVICE);
  g_assert_false (switched);
  g_clear_error (&error);

  /* one at a time */
  inn_control_channel_snapshot_async (fixture->channel, NULL, 0, memory, FALSE, NULL, keep_result,
                                      &first);
  inn_control_channel_snapshot_async (fixture->channel, NULL, 0, layer, FALSE, NULL, keep_result,
                                      &second);
  g_assert_false (inn_control_channel_snapshot_finish (fixture->channel, wait_result (&second),
                                                       NULL, NULL, &error));
  g_assert_true (g_str_has_prefix (error->message, "Another snapshot"));
  g_assert_true (inn_control_channel_snapshot_finish (fixture->channel, wait_result (&first), NULL,
                                                      NULL, NULL));
  g_assert_true (g_close (layer, NULL));
  g_assert_true (g_close (memory, NULL));
}

static gboolean
clone_machine (InnControlChannel *channel,
               guint layers,
               guint files,
               int fd,
               guint64 *ret_pause_us,
               gboolean *ret_switched,
               GError **error)
{
  const InnControlLayer all_layers[] = { { 0, fd }, { 1, fd } };
  const InnControlFile all_files[] = { { 3, fd }, { 400, fd } };
  g_autoptr (GAsyncResult) result = NULL;

  inn_control_channel_clone_async (channel, all_layers, layers, all_files, files, fd, keep_result,
                                   &result);
  return inn_control_channel_clone_finish (channel, wait_result (&result), ret_pause_us,
                                           ret_switched, error);
}

static void
test_clone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GError) error = NULL;
  int file = temporary_file ();
  guint64 pause_us = 0;
  gboolean switched = TRUE;
  guint operations;

  /* the fake one's clones run when they are given files */
  g_assert_false (clone_machine (fixture->channel, 1, 0, file, NULL, &switched, &error));
  g_assert_true (g_str_has_prefix (error->message, "The clone could not begin"));
  g_assert_true (switched);
  g_clear_error (&error);
  g_assert_true (clone_machine (fixture->channel, 1, 2, file, &pause_us, &switched, &error));
  g_assert_no_error (error);
  g_assert_true (switched);
  g_assert_cmpuint (pause_us, ==, FAKE_MACHINE_PAUSE_US);
  g_assert_cmpuint (fixture->vmm.machine.files, ==, 2);

  g_assert_false (clone_machine (fixture->channel, 2, 2, file, NULL, &switched, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SUCH_DEVICE);
  g_assert_false (switched);
  g_clear_error (&error);

  /* what is no file to write to is not taken, and what was before it is let go of */
  operations = fixture->vmm.machine.operations;
  g_assert_false (clone_machine (fixture->channel, 1, 2, -1, NULL, &switched, &error));
  g_assert_false (switched);
  g_clear_error (&error);
  while (fixture->vmm.machine.operations == operations)
    g_main_context_iteration (NULL, FALSE);

  /* one at a time */
  inn_control_channel_snapshot_async (fixture->channel, NULL, 0, file, FALSE, NULL, keep_result,
                                      &first);
  inn_control_channel_clone_async (fixture->channel, NULL, 0, NULL, 0, file, keep_result, &second);
  g_assert_false (inn_control_channel_clone_finish (fixture->channel, wait_result (&second), NULL,
                                                    NULL, &error));
  g_assert_true (g_str_has_prefix (error->message, "Another clone"));
  g_assert_true (inn_control_channel_snapshot_finish (fixture->channel, wait_result (&first), NULL,
                                                      NULL, NULL));
  g_assert_true (g_close (file, NULL));
}

/* Descriptors that are no files to write to; and memory for which there is no room. */
static void
test_snapshot_errors (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  int read_only = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  int memory = temporary_file ();
  gboolean switched = FALSE;

  g_assert_false (snapshot (fixture->channel, 0, -1, read_only, FALSE, NULL, &switched, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_assert_false (switched);
  g_clear_error (&error);

  /* a client that goes away leaves nobody waiting */
  inn_control_channel_snapshot_async (fixture->channel, NULL, 0, memory, FALSE, NULL, keep_result,
                                      &result);
  while (fixture->vmm.machine.operations == 0)
    g_main_context_iteration (NULL, TRUE);
  inn_control_channel_close (fixture->channel);
  g_assert_false (inn_control_channel_snapshot_finish (fixture->channel, wait_result (&result),
                                                       NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_true (g_close (read_only, NULL));
  g_assert_true (g_close (memory, NULL));
}

static void
test_port (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) missing = NULL;
  g_autoptr (GError) error = NULL;
  int fd;

  inn_control_channel_open_port_async (fixture->channel, FAKE_MACHINE_PORT, NULL, keep_result,
                                       &result);
  fd = inn_control_channel_open_serial_finish (fixture->channel, wait_result (&result), &error);
  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  fd_close (&fd);

  inn_control_channel_open_port_async (fixture->channel, "no.such.port", NULL, keep_result,
                                       &missing);
  fd = inn_control_channel_open_serial_finish (fixture->channel, wait_result (&missing), &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SUCH_DEVICE);
  g_assert_cmpint (fd, ==, -1);
}

static void
test_balloon (Fixture *fixture, gconstpointer data)
{
  g_autofree struct statistics_page *page = g_new0 (struct statistics_page, 1);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_control_channel_set_balloon_async (fixture->channel, 1 << 20, NULL, keep_result, &result);
  g_assert_true (inn_control_channel_call_finish (fixture->channel, wait_result (&result), &error));
  g_assert_no_error (error);
  g_assert_true (inn_control_channel_read_statistics (fixture->channel, page));
  g_assert_cmpuint (page->memory.balloon_target, ==, 1 << 20);
}

static void
test_watch (Fixture *fixture, gconstpointer data)
{
  guint64 before;

  read_state (fixture);
  before = fixture->page->vcpus[0].run_ns;
  inn_control_channel_watch (fixture->channel, 10);
  do
    {
      g_main_context_iteration (NULL, FALSE);
      g_usleep (1000);
      inn_control_channel_read_statistics (fixture->channel, fixture->page);
    }
  while (fixture->page->vcpus[0].run_ns == before);
  g_assert_cmpuint (fixture->vmm.machine.watch_interval_ms, ==, 10);
  inn_control_channel_watch (fixture->channel, 0);
  while (fixture->vmm.machine.watch_interval_ms != 0)
    g_main_context_iteration (NULL, FALSE);
}

/* Far more calls than the rings have slots; answered in order. */
typedef struct
{
  guint next;
  guint failed;
} Order;

typedef struct
{
  Order *order;
  guint number;
} OrderedCall;

static void
ordered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree OrderedCall *ordered = user_data;

  if (!inn_control_channel_call_finish (INN_CONTROL_CHANNEL (source), result, NULL))
    ordered->order->failed++;
  g_assert_cmpuint (ordered->number, ==, ordered->order->next);
  ordered->order->next++;
}

static void
start_calls (InnControlChannel *channel, Order *order, guint count)
{
  for (guint i = 0; i < count; i++)
    {
      OrderedCall *ordered = g_new (OrderedCall, 1);

      *ordered = (OrderedCall){ .order = order, .number = i };
      inn_control_channel_call_async (channel, INN_CONTROL_PING, NULL, ordered_cb, ordered);
    }
}

static void
test_many_calls (Fixture *fixture, gconstpointer data)
{
  Order order = { 0 };

  start_calls (fixture->channel, &order, 3000);
  while (order.next < 3000)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (order.failed, ==, 0);
}

static void
test_cost_of_a_batch (Fixture *fixture, gconstpointer data)
{
  Order order = { 0 };
  guint before;

  assert_call (fixture->channel, INN_CONTROL_PING);
  g_usleep (20000); /* the VMM sleeps now */
  before = writes;
  start_calls (fixture->channel, &order, 64);
  while (order.next < 64)
    g_main_context_iteration (NULL, TRUE);
  /* one doorbell there and one back */
  g_assert_cmpuint (writes - before, <=, 2);

  g_usleep (20000);
  before = writes;
  assert_call (fixture->channel, INN_CONTROL_PING);
  g_assert_cmpuint (writes - before, <=, 2);
}

static gboolean
on_dispatched_idle (gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
  return G_SOURCE_REMOVE;
}

/* With nothing to do, no source of the channel is ever ready. */
static void
test_idle (Fixture *fixture, gconstpointer data)
{
  gint64 end = g_get_monotonic_time () + 200000;
  gboolean timed_out = FALSE;
  guint iterations = 0;

  assert_call (fixture->channel, INN_CONTROL_PING);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_timeout_add (200, on_dispatched_idle, &timed_out);
  while (!timed_out)
    {
      g_main_context_iteration (NULL, TRUE);
      iterations++;
    }
  g_assert_cmpint (g_get_monotonic_time (), >=, end - 50000);
  g_assert_cmpuint (iterations, <=, 2);
}

static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) cancelled = NULL;
  g_autoptr (GAsyncResult) serial = NULL;
  g_autoptr (GError) error = NULL;

  inn_control_channel_call_async (fixture->channel, INN_CONTROL_PING, cancellable, keep_result,
                                  &cancelled);
  inn_control_channel_open_serial_async (fixture->channel, cancellable, keep_result, &serial);
  g_cancellable_cancel (cancellable);
  g_assert_false (
      inn_control_channel_call_finish (fixture->channel, wait_result (&cancelled), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_cmpint (inn_control_channel_open_serial_finish (fixture->channel, wait_result (&serial),
                                                           &error),
                   ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  /* the answers that still come are known */
  for (guint i = 0; i < 10; i++)
    assert_call (fixture->channel, INN_CONTROL_PING);
}

/* Cancelled before there is a reply slot for them, commands are not sent at all. */
static void
test_cancel_waiting (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) cancelled = NULL;
  Order order = { 0 };

  start_calls (fixture->channel, &order, 300);
  inn_control_channel_call_async (fixture->channel, INN_CONTROL_RESET, cancellable, keep_result,
                                  &cancelled);
  g_cancellable_cancel (cancellable);
  wait_result (&cancelled);
  while (order.next < 300)
    g_main_context_iteration (NULL, TRUE);
  assert_call (fixture->channel, INN_CONTROL_PING);
  g_assert_cmpuint (fixture->vmm.machine.operations, ==, 0);
}

static void
test_close (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Closed closed = { 0 };
  Order order = { 0 };

  g_signal_connect (fixture->channel, "closed", G_CALLBACK (on_closed), &closed);
  start_calls (fixture->channel, &order, 1);
  inn_control_channel_close (fixture->channel);
  inn_control_channel_close (fixture->channel);
  while (order.next < 1)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (order.failed, ==, 1);
  g_assert_false (call (fixture->channel, INN_CONTROL_PING, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_cmpint (open_serial (fixture->channel, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpuint (closed.emitted, ==, 0);
  g_assert_cmpuint (read_state (fixture), ==, VMM_STATE_RUNNING);
}

static void
close_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  guint *left = user_data;

  if (--*left == 5)
    inn_control_channel_close (INN_CONTROL_CHANNEL (source));
}

/* From the callback of a reply, with more replies behind it. */
static void
test_close_in_callback (Fixture *fixture, gconstpointer data)
{
  guint left = 10;

  for (guint i = 0; i < 10; i++)
    inn_control_channel_call_async (fixture->channel, INN_CONTROL_PING, NULL, close_cb, &left);
  while (left > 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_no_leak (Fixture *fixture, gconstpointer data)
{
  guint before = count_open_fds ();

  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (InnControlChannel) channel = open_channel (fixture->vmm.path, NULL);
      int fd = open_serial (channel, NULL);

      assert_call (channel, INN_CONTROL_PING);
      fd_close (&fd);
    }
  /* the VMM closes its ends a little later */
  for (guint i = 0; i < 100 && count_open_fds () != before; i++)
    g_usleep (10000);
  g_assert_cmpuint (count_open_fds (), ==, before);
}

/* Opening that comes to nothing */

static void
assert_open_fails (const char *path, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (open_channel (path, &error));
  g_assert_error (error, G_IO_ERROR, code);
}

static void
test_open_nobody (void)
{
  g_autofree char *long_path = g_strnfill (300, 'x');
  struct fake_vmm vmm;
  int fd = fake_vmm_listen (&vmm);

  fd_close (&fd);
  assert_open_fails (vmm.path, G_IO_ERROR_CONNECTION_REFUSED);
  fake_vmm_unlisten (&vmm);
  assert_open_fails (vmm.path, G_IO_ERROR_NOT_FOUND);
  assert_open_fails (long_path, G_IO_ERROR_FILENAME_TOO_LONG);
}

static void
test_open_cancelled (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint before = count_open_fds ();
  struct fake_vmm vmm;
  int fd = fake_vmm_listen (&vmm); /* and says nothing */

  inn_control_channel_open_async (vmm.path, cancellable, keep_result, &result);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_null (result);
  g_cancellable_cancel (cancellable);
  g_assert_null (inn_control_channel_open_finish (wait_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  fd_close (&fd);
  fake_vmm_unlisten (&vmm);
  g_assert_cmpuint (count_open_fds (), ==, before);
}

/* A VMM that lies */

typedef struct
{
  struct fake_vmm vmm;
  int listen_fd;
  enum lie lie;
} Liar;

static gpointer
lie_thread (gpointer data)
{
  Liar *liar = data;

  lying_vmm_serve (liar->listen_fd, liar->lie);
  return NULL;
}

static int
expected_open_error (enum lie lie)
{
  switch (lie)
    {
    case LIE_CLOSE:
      return G_IO_ERROR_CONNECTION_CLOSED;
    case LIE_REFUSE:
      return G_IO_ERROR_BUSY;
    case LIE_MAJOR:
    case LIE_STATISTICS_MAJOR:
      return G_IO_ERROR_NOT_SUPPORTED;
    default:
      return G_IO_ERROR_INVALID_DATA;
    }
}

/* Attached to a liar: it is found out at the latest at the second command. */
static void
assert_channel_breaks (InnControlChannel *channel)
{
  g_autoptr (GError) error = NULL;
  Closed closed = { 0 };

  g_signal_connect (channel, "closed", G_CALLBACK (on_closed), &closed);
  if (call (channel, INN_CONTROL_PING, &error))
    g_assert_false (call (channel, INN_CONTROL_PING, &error));
  g_assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA)
                 || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED));
  wait_closed (&closed);
  g_assert_error (closed.error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_clear_error (&closed.error);
}

/* A screen that lies costs the channel, and no more. */
static void
assert_screen_breaks (InnControlChannel *channel, enum lie lie)
{
  g_autofree struct screen_page *page = g_new0 (struct screen_page, 1);
  g_autoptr (InnGuestScreen) screen = NULL;
  g_autoptr (GError) error = NULL;
  Closed closed = { 0 };

  g_signal_connect (channel, "closed", G_CALLBACK (on_closed), &closed);
  screen = open_screen (channel, &error);
  if (lie == LIE_SCREEN_LATER)
    {
      g_assert_no_error (error);
      g_assert_true (inn_guest_screen_read (screen, page));
      refresh (screen);
      g_assert_false (inn_guest_screen_read (screen, page));
    }
  else if (lie == LIE_SCREEN_TWICE)
    {
      g_assert_no_error (error);
    }
  else
    {
      g_assert_null (screen);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
    }
  wait_closed (&closed);
  g_assert_error (closed.error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_clear_error (&closed.error);
}

static void
test_lies (void)
{
  guint before = count_open_fds ();

  for (enum lie lie = 0; lie < N_LIES; lie++)
    {
      g_autoptr (InnControlChannel) channel = NULL;
      g_autoptr (GError) error = NULL;
      Liar liar = { .lie = lie };
      GThread *thread;

      liar.listen_fd = fake_vmm_listen (&liar.vmm);
      thread = g_thread_new ("liar", lie_thread, &liar);
      g_test_message ("lie %d", lie);
      channel = open_channel (liar.vmm.path, &error);
      if (lie < LIE_STRAY_RESULT)
        {
          g_assert_null (channel);
          g_assert_error (error, G_IO_ERROR, expected_open_error (lie));
        }
      else
        {
          g_assert_no_error (error);
          if (lie >= LIE_SCREEN_REFUSED_WELL && lie <= LIE_SCREEN_LATER)
            assert_screen_breaks (channel, lie);
          else
            assert_channel_breaks (channel);
        }
      g_clear_object (&channel);
      g_thread_join (thread);
      fd_close (&liar.listen_fd);
      fake_vmm_unlisten (&liar.vmm);
    }
  g_assert_cmpuint (count_open_fds (), ==, before);
}

static void
test_screen_being_written (InnControlChannel *channel)
{
  g_autofree struct screen_page *page = g_new0 (struct screen_page, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (InnGuestScreen) screen = open_screen (channel, &error);

  g_assert_no_error (error);
  g_assert_false (inn_guest_screen_read (screen, page));
}

static void
test_screen_of_another_version (InnControlChannel *channel)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (open_screen (channel, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
}

typedef void (*ChannelFunc) (InnControlChannel *channel);

/* No lie; the channel stays. */
static void
test_odd_screen (enum lie lie, ChannelFunc test)
{
  g_autoptr (InnControlChannel) channel = NULL;
  Liar liar = { .lie = lie };
  Closed closed = { 0 };
  GThread *thread;

  liar.listen_fd = fake_vmm_listen (&liar.vmm);
  thread = g_thread_new ("vmm", lie_thread, &liar);
  channel = open_channel (liar.vmm.path, NULL);
  g_signal_connect (channel, "closed", G_CALLBACK (on_closed), &closed);
  test (channel);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (closed.emitted, ==, 0);
  g_clear_object (&channel);
  g_thread_join (thread);
  fd_close (&liar.listen_fd);
  fake_vmm_unlisten (&liar.vmm);
}

static void
test_odd_screens (void)
{
  test_odd_screen (SCREEN_BEING_WRITTEN, test_screen_being_written);
  test_odd_screen (SCREEN_MAJOR_OTHER, test_screen_of_another_version);
}

/* The state may be in what was lost. */
static void
test_lost_event (void)
{
  g_autoptr (InnControlChannel) channel = NULL;
  Liar liar = { .lie = EVENT_LOST };
  GThread *thread;
  guint changes = 0;

  liar.listen_fd = fake_vmm_listen (&liar.vmm);
  thread = g_thread_new ("vmm", lie_thread, &liar);
  channel = open_channel (liar.vmm.path, NULL);
  g_signal_connect (channel, "state-changed", G_CALLBACK (count_signal), &changes);
  assert_call (channel, INN_CONTROL_PING);
  while (changes == 0)
    g_main_context_iteration (NULL, TRUE);
  g_clear_object (&channel);
  g_thread_join (thread);
  fd_close (&liar.listen_fd);
  fake_vmm_unlisten (&liar.vmm);
}

/* A VMM in a process of its own */

static GPid
spawn_vmm (const char *path,
           const char *option,
           const char *value,
           const char *option_2,
           const char *value_2)
{
  const char *argv[] = { SCRIPTED_VMM, "--control", path, option, value, option_2, value_2, NULL };
  g_autoptr (GError) error = NULL;
  GPid pid;

  g_spawn_async (NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, &error);
  g_assert_no_error (error);
  while (!g_file_test (path, G_FILE_TEST_EXISTS))
    g_usleep (1000);

  return pid;
}

static InnControlChannel *
open_when_listening (const char *path)
{
  InnControlChannel *channel;

  while ((channel = open_channel (path, NULL)) == NULL)
    g_usleep (1000);

  return channel;
}

static char *
make_socket_path (char **directory)
{
  *directory = g_dir_make_tmp ("channel-XXXXXX", NULL);
  return g_build_filename (*directory, "socket", NULL);
}

static void
test_killed (void)
{
  g_autofree struct statistics_page *page = g_new0 (struct statistics_page, 1);
  g_autofree char *directory = NULL;
  g_autofree char *path = make_socket_path (&directory);

  for (guint i = 0; i < 20; i++)
    {
      GPid pid = spawn_vmm (path, NULL, NULL, NULL, NULL);
      g_autoptr (InnControlChannel) channel = open_when_listening (path);
      Closed closed = { 0 };
      Order order = { 0 };

      g_signal_connect (channel, "closed", G_CALLBACK (on_closed), &closed);
      g_assert_cmpint (inn_control_channel_get_pid (channel), ==, pid);
      inn_control_channel_watch (channel, 10);
      start_calls (channel, &order, 1000);
      while (order.next < 50 * i)
        g_main_context_iteration (NULL, TRUE);
      kill (pid, SIGKILL);
      wait_closed (&closed);
      g_assert_no_error (closed.error);
      g_assert_cmpuint (order.next, ==, 1000); /* every call has ended */
      inn_control_channel_read_statistics (channel, page);
      g_assert_cmpuint (page->status.state, ==, VMM_STATE_RUNNING);
      g_assert_cmpuint (page->memory.guest_bytes, ==, 512 << 20);
      waitpid (pid, NULL, 0);
      g_spawn_close_pid (pid);
      unlink (path);
    }
  rmdir (directory);
}

static void
test_end_reason (void)
{
  g_autofree struct statistics_page *page = g_new0 (struct statistics_page, 1);
  g_autofree char *directory = NULL;
  g_autofree char *path = make_socket_path (&directory);
  GPid pid = spawn_vmm (path, "--end-after", "100", "--end-reason", "6");
  g_autoptr (InnControlChannel) channel = open_when_listening (path);
  Closed closed = { 0 };
  int status;

  g_signal_connect (channel, "closed", G_CALLBACK (on_closed), &closed);
  wait_closed (&closed);
  g_assert_no_error (closed.error);
  g_assert_true (inn_control_channel_read_statistics (channel, page));
  g_assert_cmpuint (page->status.end_reason, ==, VMM_END_HOST_ERROR);
  g_assert_cmpint (page->status.error, ==, -EIO);
  g_assert_cmpstr (page->status.text, ==, "The script ended it.");
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (WEXITSTATUS (status), ==, EXIT_STATUS_HOST_ERROR);
  unlink (path);
  rmdir (directory);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/control-channel/" path, Fixture, NULL, set_up, function, tear_down)
#define ADD_END(path, command)                                                                     \
  g_test_add ("/control-channel/" path, Fixture, GINT_TO_POINTER (command), set_up, test_end,      \
              tear_down_ended)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("commands", test_commands);
  ADD_END ("shutdown", INN_CONTROL_SHUTDOWN);
  ADD_END ("power-off", INN_CONTROL_POWER_OFF);
  ADD ("media", test_media);
  ADD ("state-changed", test_state_changed);
  ADD ("serial", test_serial);
  ADD ("snapshot", test_snapshot);
  ADD ("snapshot-errors", test_snapshot_errors);
  ADD ("clone", test_clone);
  ADD ("port", test_port);
  ADD ("balloon", test_balloon);
  ADD ("screen", test_screen);
  ADD ("watch-screen", test_watch_screen);
  ADD ("input", test_input);
  ADD ("cost-of-a-read", test_cost_of_a_read);
  ADD ("watch", test_watch);
  ADD ("many-calls", test_many_calls);
  ADD ("cost-of-a-batch", test_cost_of_a_batch);
  ADD ("idle", test_idle);
  ADD ("cancel", test_cancel);
  ADD ("cancel-waiting", test_cancel_waiting);
  ADD ("close", test_close);
  ADD ("close-in-callback", test_close_in_callback);
  ADD ("no-leak", test_no_leak);
  g_test_add_func ("/control-channel/open/nobody", test_open_nobody);
  g_test_add_func ("/control-channel/open/cancelled", test_open_cancelled);
  g_test_add_func ("/control-channel/lies", test_lies);
  g_test_add_func ("/control-channel/odd-screens", test_odd_screens);
  g_test_add_func ("/control-channel/lost-event", test_lost_event);
  g_test_add_func ("/control-channel/killed", test_killed);
  g_test_add_func ("/control-channel/end-reason", test_end_reason);

  return g_test_run ();
}

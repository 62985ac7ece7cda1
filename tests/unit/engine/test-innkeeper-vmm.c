/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The innkeeper-vmm program as a whole, with kernels of a few instructions on a real /dev/kvm: how
 * it ends, what it says, and what a client can do with it.
 */
#include "control-channel.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "image/qcow2-create.h"
#include "needs-kvm.h"
#include "payload-kernel.h"
#include "protocol/exit-status.h"
#include "protocol/memory-file.h"

/* From the build: the program, and --sandbox off where a sanitizer makes calls of its own. */
static const char *vmm_path;
static const char *vmm_arguments;

enum
{
  VIRTIO_DISKS = 15,
  SATA_DRIVES = 6,
};

typedef struct
{
  char *folder;
  char *kernel;
  char *socket;
  char *disk;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree guint8 *disk = g_malloc0 (1 << 20);

  f->folder = g_dir_make_tmp ("innkeeper-vmm-XXXXXX", NULL);
  f->kernel = g_build_filename (f->folder, "kernel", NULL);
  f->socket = g_build_filename (f->folder, "socket", NULL);
  f->disk = g_build_filename (f->folder, "disk", NULL);
  g_assert_true (g_file_set_contents (f->disk, (char *)disk, 1 << 20, NULL));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_unlink (f->kernel);
  g_unlink (f->socket);
  g_unlink (f->disk);
  g_rmdir (f->folder);
  g_free (f->kernel);
  g_free (f->socket);
  g_free (f->disk);
  g_free (f->folder);
}

static void
write_kernel (Fixture *f, const char *code, gsize length)
{
  guint8 image[PAYLOAD_KERNEL_SIZE];

  payload_kernel_make (image, code, length);
  g_assert_true (g_file_set_contents (f->kernel, (char *)image, sizeof image, NULL));
}

#define KERNEL(f, code) write_kernel (f, code, sizeof (code) - 1)

/* Instructions. Ports go to DX, bytes to AL. */
#define OUT_BYTE(port_low, port_high, byte)                                                        \
  "\x66\xba" port_low port_high "\xb0" byte "\xee" /* mov dx; mov al; out dx, al */
#define PUT(byte) OUT_BYTE ("\xf8", "\x03", byte)
#define POWER_OFF "\x66\xba\x04\x06\x66\xb8\x00\x20\x66\xef" /* out 0x604, ax = 0x2000 */
#define FOREVER   "\xeb\xfe"
/* wait: mov dx, 0x3fd; in al, dx; test al, 1; jz wait; mov dl, 0xf8; in al, dx; inc al; out */
#define ANSWER "\x66\xba\xfd\x03\xec\xa8\x01\x74\xf7\xb2\xf8\xec\xfe\xc0\xee"
#define SPIN   PUT ("U") PUT ("P") FOREVER

/* Starts the VMM with the kernel and what @line says, in words. */
static GSubprocess *
start (Fixture *f, const char *line)
{
  g_autofree char *whole = g_strdup_printf ("'%s' %s --memory 32M --kernel '%s' %s", vmm_path,
                                            vmm_arguments, f->kernel, line);
  g_auto (GStrv) argv = NULL;
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  g_assert_true (g_shell_parse_argv (whole, NULL, &argv, &error));
  process = g_subprocess_newv ((const char *const *)argv,
                               G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE
                                   | G_SUBPROCESS_FLAGS_STDERR_PIPE,
                               &error);
  g_assert_no_error (error);
  return process;
}

/* Runs it to its end with that input; status, output and sentences as expected. */
static void
assert_runs (Fixture *f,
             const char *line,
             const char *input,
             int status,
             const char *output,
             const char *part_of_errors)
{
  g_autoptr (GSubprocess) process = start (f, line);
  g_autoptr (GError) error = NULL;
  g_autofree char *out = NULL;
  g_autofree char *err = NULL;

  g_assert_true (g_subprocess_communicate_utf8 (process, input, NULL, &out, &err, &error));
  if (!g_subprocess_get_if_exited (process) || g_subprocess_get_exit_status (process) != status)
    g_error ("%s: status %d, expected %d; it said: %s", line, g_subprocess_get_status (process),
             status, err);
  g_assert_cmpstr (out, ==, output);
  if (part_of_errors[0] == '\0')
    g_assert_cmpstr (err, ==, "");
  else if (strstr (err, part_of_errors) == NULL)
    g_error ("\"%s\" does not say \"%s\"", err, part_of_errors);
}

static void
test_power_off (Fixture *f, gconstpointer data)
{
  KERNEL (f, PUT ("h") PUT ("i") POWER_OFF FOREVER);
  assert_runs (f, "--serial stdio", NULL, EXIT_STATUS_POWER_OFF, "hi", "");
  assert_runs (f, "--cpus 4 --serial stdio --sandbox off", NULL, EXIT_STATUS_POWER_OFF, "hi", "");
}

static void
test_serial_file (Fixture *f, gconstpointer data)
{
  g_autofree char *line = g_strdup_printf ("--serial 'file=%s'", f->disk);
  g_autofree char *contents = NULL;

  KERNEL (f, PUT ("h") PUT ("i") POWER_OFF FOREVER);
  assert_runs (f, line, NULL, EXIT_STATUS_POWER_OFF, "", "");
  g_assert_true (g_file_get_contents (f->disk, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "hi");
}

static void
test_serial_input (Fixture *f, gconstpointer data)
{
  KERNEL (f, ANSWER POWER_OFF FOREVER);
  assert_runs (f, "--serial stdio", "A", EXIT_STATUS_POWER_OFF, "B", "");
}

static void
test_debug_exit (Fixture *f, gconstpointer data)
{
  KERNEL (f, OUT_BYTE ("\xf4", "\x00", "\x15") FOREVER);
  assert_runs (f, "--debug-exit", NULL, 0x15 << 1 | 1, "", "");
}

static void
test_no_reboot (Fixture *f, gconstpointer data)
{
  KERNEL (f, OUT_BYTE ("\xf9", "\x0c", "\x02") OUT_BYTE ("\xf9", "\x0c", "\x06") FOREVER);
  assert_runs (f, "--no-reboot", NULL, EXIT_STATUS_RESET, "", "");
  KERNEL (f, OUT_BYTE ("\x64", "\x00", "\xfe") FOREVER);
  assert_runs (f, "--no-reboot", NULL, EXIT_STATUS_RESET, "", "");
  KERNEL (f, "\x0f\x0b"); /* ud2 without an interrupt table: a triple fault */
  assert_runs (f, "--no-reboot", NULL, EXIT_STATUS_RESET, "", "triple fault");
}

/* A byte of the clock's memory outlives a reset: the second time, the kernel powers off. */
static void
test_reboot (Fixture *f, gconstpointer data)
{
  KERNEL (f, PUT ("r") OUT_BYTE (
                 "\x70", "\x00",
                 "\x50") "\x66\xba\x71\x00\xec"     /* in al, 0x71 */
                         "\xfe\xc0\xee"             /* inc al; out dx, al */
                         "\x3c\x03\x74\x02\x0f\x0b" /* cmp al, 3; je +2; ud2: a triple fault */
          POWER_OFF FOREVER);
  assert_runs (f, "--cpus 2 --serial stdio", NULL, EXIT_STATUS_POWER_OFF, "rrr", "");
}

static void
test_panic (Fixture *f, gconstpointer data)
{
  KERNEL (f, OUT_BYTE ("\x05", "\x05", "\x01") FOREVER);
  assert_runs (f, "", NULL, EXIT_STATUS_GUEST_CRASH, "", "panic");
}

static void
wait_until_up (GSubprocess *process)
{
  GInputStream *output = g_subprocess_get_stdout_pipe (process);
  char up[2];

  g_assert_true (g_input_stream_read_all (output, up, 2, NULL, NULL, NULL));
  g_assert_cmpmem (up, 2, "UP", 2);
}

static void
test_signals (Fixture *f, gconstpointer data)
{
  static const int signals[] = { SIGTERM, SIGINT };

  KERNEL (f, SPIN);
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      g_autoptr (GSubprocess) process = start (f, "--cpus 2 --serial stdio");

      wait_until_up (process);
      g_subprocess_send_signal (process, signals[i]);
      g_assert_true (g_subprocess_wait (process, NULL, NULL));
      g_assert_true (g_subprocess_get_if_exited (process));
      g_assert_cmpint (g_subprocess_get_exit_status (process), ==, EXIT_STATUS_POWER_OFF);
    }
}

static void
test_sentences (Fixture *f, gconstpointer data)
{
  g_autofree char *no_disk = g_strdup_printf ("--disk '%s/none'", f->folder);
  g_autofree char *folder_disk = g_strdup_printf ("--disk '%s'", f->folder);
  g_autofree char *no_initrd = g_strdup_printf ("--initrd '%s/none'", f->folder);
  g_autofree char *no_memory = g_strdup_printf ("--restore '%s'", f->kernel);
  g_autofree char *no_socket = g_strdup_printf ("--control '%s/none/socket'", f->folder);
  g_autofree char *long_cmdline = g_strnfill (3000, 'x');
  g_autofree char *too_long = g_strdup_printf ("--cmdline %s", long_cmdline);
  g_autofree char *cut_firmware
      = g_strdup_printf ("--firmware bios --firmware-image '%s'", f->disk);

  KERNEL (f, FOREVER);
  g_assert_true (g_file_set_contents (f->disk, "cut off", -1, NULL));
  assert_runs (f, cut_firmware, NULL, EXIT_STATUS_HOST_ERROR, "", "is not a firmware image");
  assert_runs (f, no_disk, NULL, EXIT_STATUS_HOST_ERROR, "", "does not exist.");
  assert_runs (f, folder_disk, NULL, EXIT_STATUS_HOST_ERROR, "", "cannot be opened");
  assert_runs (f, no_initrd, NULL, EXIT_STATUS_HOST_ERROR, "", "does not exist.");
  assert_runs (f, "--restore /nowhere", NULL, EXIT_STATUS_HOST_ERROR, "", "does not exist.");
  assert_runs (f, no_memory, NULL, EXIT_STATUS_HOST_ERROR, "",
               "is nothing that a machine can go on from: it is not the memory of a machine.");
  assert_runs (f, no_socket, NULL, EXIT_STATUS_HOST_ERROR, "", "cannot be listened for");
  assert_runs (f, too_long, NULL, EXIT_STATUS_HOST_ERROR, "", "too long for this kernel.");
  assert_runs (f, "--memory 16384G", NULL, EXIT_STATUS_HOST_ERROR, "", "give it less.");
  assert_runs (f, "--memory 4M", NULL, EXIT_STATUS_HOST_ERROR, "", "give it more.");
  assert_runs (f, "--initrd fd=99", NULL, EXIT_STATUS_HOST_ERROR, "", "99 is not open.");
  assert_runs (f, "--cpus 0", NULL, EXIT_STATUS_USAGE, "", "at least one vCPU.");
  assert_runs (f, "--cpus 500", NULL, EXIT_STATUS_USAGE, "", "too many.");
  g_assert_true (g_file_set_contents (f->kernel, "no kernel", -1, NULL));
  assert_runs (f, "", NULL, EXIT_STATUS_HOST_ERROR, "", "is not a Linux kernel");
}

/* Asynchronous calls of the channel, waited for. */
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
open_channel (Fixture *f)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  InnControlChannel *channel;

  inn_control_channel_open_async (f->socket, NULL, keep_result, &result);
  channel = inn_control_channel_open_finish (wait_result (&result), &error);
  g_assert_no_error (error);
  return channel;
}

static gboolean
call (InnControlChannel *channel, InnControlCommand command)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_control_channel_call_async (channel, command, NULL, keep_result, &result);
  return inn_control_channel_call_finish (channel, wait_result (&result), NULL);
}

static struct statistics_page *
read_page (InnControlChannel *channel)
{
  struct statistics_page *page = g_new0 (struct statistics_page, 1);

  for (int i = 0; i < 100 && !inn_control_channel_read_statistics (channel, page); i++)
    g_usleep (1000);
  return page;
}

/* The page after the fastest watching has been at work for a while. */
static struct statistics_page *
sample (InnControlChannel *channel)
{
  inn_control_channel_watch (channel, 10);
  for (int i = 0; i < 10; i++)
    {
      g_usleep (10000);
      g_assert_true (call (channel, INN_CONTROL_PING));
    }
  return read_page (channel);
}

static guint32
read_state (InnControlChannel *channel)
{
  g_autofree struct statistics_page *page = read_page (channel);

  return page->status.state;
}

static GSubprocess *
start_with_control (Fixture *f, const char *line)
{
  g_autofree char *whole = g_strdup_printf ("--serial stdio --control '%s' %s", f->socket, line);
  GSubprocess *process = start (f, whole);

  wait_until_up (process);
  return process;
}

static void
on_closed (InnControlChannel *channel, GError *error, gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
}

/* The machine ends: so does the channel, and the page says why. */
static void
assert_ends (InnControlChannel *channel, GSubprocess *process, guint32 reason, int status)
{
  g_autofree struct statistics_page *page = NULL;
  gboolean closed = FALSE;

  g_signal_connect (channel, "closed", G_CALLBACK (on_closed), &closed);
  g_assert_true (g_subprocess_wait (process, NULL, NULL));
  while (!closed)
    g_main_context_iteration (NULL, TRUE);
  page = read_page (channel);
  g_assert_cmpuint (page->status.state, ==, VMM_STATE_ENDED);
  g_assert_cmpuint (page->status.end_reason, ==, reason);
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, status);
}

/* As many as there can be, one of them a CD drive. */
static void
test_disks (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) line = g_string_new ("--cdrom none");

  KERNEL (f, POWER_OFF FOREVER);
  for (guint i = 0; i < VIRTIO_DISKS; i++)
    g_string_append_printf (line, " --disk '%s',readonly=on", f->disk);
  for (guint i = 1; i < SATA_DRIVES; i++)
    g_string_append_printf (line, " --disk '%s',readonly=on,bus=ahci", f->disk);
  assert_runs (f, line->str, NULL, EXIT_STATUS_POWER_OFF, "", "");
}

static void
test_pause (Fixture *f, gconstpointer data)
{
  g_autofree char *line = g_strdup_printf ("--cpus 2 --disk '%s'", f->disk);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (InnControlChannel) channel = NULL;
  g_autofree struct statistics_page *before = NULL;
  g_autofree struct statistics_page *after = NULL;

  KERNEL (f, SPIN);
  process = start_with_control (f, line);
  channel = open_channel (f);
  g_assert_cmpuint (read_state (channel), ==, VMM_STATE_RUNNING);
  g_assert_true (call (channel, INN_CONTROL_PAUSE));
  g_assert_cmpuint (read_state (channel), ==, VMM_STATE_PAUSED);
  g_assert_true (call (channel, INN_CONTROL_PAUSE));
  g_assert_false (call (channel, INN_CONTROL_SHUTDOWN));
  before = sample (channel);
  after = sample (channel);
  g_assert_cmpuint (before->vcpus[0].run_ns, >, 0);
  g_assert_cmpuint (after->vcpus[0].run_ns, ==, before->vcpus[0].run_ns);
  g_assert_true (call (channel, INN_CONTROL_RESUME));
  g_assert_true (call (channel, INN_CONTROL_RESUME));
  g_assert_cmpuint (read_state (channel), ==, VMM_STATE_RUNNING);
  g_assert_true (call (channel, INN_CONTROL_POWER_OFF));
  assert_ends (channel, process, VMM_END_FORCED_OFF, EXIT_STATUS_POWER_OFF);
}

static void
test_statistics (Fixture *f, gconstpointer data)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (InnControlChannel) channel = NULL;
  g_autofree struct statistics_history *history = g_new0 (struct statistics_history, 1);
  g_autofree struct statistics_page *page = NULL;

  KERNEL (f, SPIN);
  process = start_with_control (f, "--cpus 2");
  channel = open_channel (f);
  page = sample (channel);
  /* the history begins with the machine, and gets no sample a client asked for */
  g_assert_true (inn_control_channel_read_history (channel, history));
  g_assert_cmpuint (history->count, ==, 1);
  g_assert_cmpuint (history->samples[0].sampled_ns, <, page->status.sampled_ns);
  g_assert_cmpuint (history->run_ns[0][0], ==, 0);
  g_assert_cmpuint (page->header.vcpu_count, ==, 2);
  g_assert_cmpuint (page->vcpus[0].exits_port, ==, 2);
  g_assert_cmpuint (page->vcpus[0].run_ns, >, 1000000);
  g_assert_cmpuint (page->vcpus[1].run_ns, <, page->vcpus[0].run_ns);
  g_assert_cmpuint (page->vcpus[0].exits, >=, 2);
  g_assert_cmpuint (page->memory.guest_bytes, ==, 32 << 20);
  g_assert_cmpuint (page->memory.resident_bytes, >, 0);
  g_assert_cmpuint (page->memory.resident_bytes, <, 36 << 20);
  g_assert_cmpuint (page->status.started_ns, >, 0);
  g_assert_cmpuint (page->status.unresponsive, ==, 0);
  g_subprocess_send_signal (process, SIGTERM);
  assert_ends (channel, process, VMM_END_FORCED_OFF, EXIT_STATUS_POWER_OFF);
}

static void
test_client_reset (Fixture *f, gconstpointer data)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (InnControlChannel) channel = NULL;
  g_autofree struct statistics_page *page = NULL;

  KERNEL (f, SPIN);
  process = start_with_control (f, "--cpus 2");
  channel = open_channel (f);
  for (int i = 0; i < 5; i++)
    {
      g_assert_true (call (channel, INN_CONTROL_RESET));
      wait_until_up (process);
    }
  page = read_page (channel);
  g_assert_cmpuint (page->status.resets, ==, 5);
  /* one that is paused stays so */
  g_assert_true (call (channel, INN_CONTROL_PAUSE));
  g_assert_true (call (channel, INN_CONTROL_RESET));
  g_assert_cmpuint (read_state (channel), ==, VMM_STATE_PAUSED);
  g_assert_true (call (channel, INN_CONTROL_RESUME));
  wait_until_up (process);
  g_assert_true (call (channel, INN_CONTROL_POWER_OFF));
  assert_ends (channel, process, VMM_END_FORCED_OFF, EXIT_STATUS_POWER_OFF);
}

/* The power button: the guest enables it, waits for its status bit, and powers off. */
static void
test_shutdown (Fixture *f, gconstpointer data)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (InnControlChannel) channel = NULL;

  /* mov dx, 0x601; wait: in al, dx; test al, 1; jz wait */
  KERNEL (f, PUT ("U") PUT ("P") "\x66\xba\x01\x06\xec\xa8\x01\x74\xfb" POWER_OFF FOREVER);
  process = start_with_control (f, "");
  channel = open_channel (f);
  g_assert_true (call (channel, INN_CONTROL_SHUTDOWN));
  assert_ends (channel, process, VMM_END_GUEST_POWER_OFF, EXIT_STATUS_POWER_OFF);
}

static void
test_attach_serial (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (InnControlChannel) channel = NULL;
  g_autoptr (GSocket) socket = NULL;
  char buffer[4] = "";
  int fd;

  KERNEL (f, PUT ("U")
                 PUT ("P") "\x66\xba\xfd\x03\xec\xa8\x01\x74\xf7\xb2\xf8\xec\xfe\xc0\xee" FOREVER);
  process = start_with_control (f, "");
  channel = open_channel (f);
  inn_control_channel_open_serial_async (channel, NULL, keep_result, &result);
  fd = inn_control_channel_open_serial_finish (channel, wait_result (&result), NULL);
  g_assert_cmpint (fd, >=, 0);
  socket = g_socket_new_from_fd (fd, NULL);
  g_socket_set_blocking (socket, TRUE);
  g_assert_cmpint (g_socket_receive (socket, buffer, 2, NULL, NULL), ==, 2);
  g_assert_cmpstr (buffer, ==, "UP");
  g_assert_cmpint (g_socket_send (socket, "k", 1, NULL, NULL), ==, 1);
  g_assert_cmpint (g_socket_receive (socket, buffer, 1, NULL, NULL), ==, 1);
  g_assert_cmpint (buffer[0], ==, 'l');
  g_assert_true (call (channel, INN_CONTROL_POWER_OFF));
  assert_ends (channel, process, VMM_END_FORCED_OFF, EXIT_STATUS_POWER_OFF);
}

static int
open_port (InnControlChannel *channel, const char *name, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_control_channel_open_port_async (channel, name, NULL, keep_result, &result);
  return inn_control_channel_open_serial_finish (channel, wait_result (&result), error);
}

static gboolean
set_balloon (InnControlChannel *channel, guint64 bytes)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_control_channel_set_balloon_async (channel, bytes, NULL, keep_result, &result);
  return inn_control_channel_call_finish (channel, wait_result (&result), NULL);
}

/* What a program gets that says @words there. */
static void
assert_answer (const char *path, const char *words, const char *answer)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GSocketConnection) connection
      = g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, NULL);
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  GOutputStream *output = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  char buffer[32] = "";

  g_assert_true (g_output_stream_write_all (output, words, strlen (words), NULL, NULL, NULL));
  g_assert_cmpint (g_input_stream_read (input, buffer, sizeof (buffer) - 1, NULL, NULL), >=, 0);
  g_assert_cmpstr (buffer, ==, answer);
}

/* Devices for the guest's programs, in the sandbox, with nobody in the guest to use them. */
static void
test_guest_devices (Fixture *f, gconstpointer data)
{
  g_autofree char *line
      = g_strdup_printf ("--balloon on --console-port p --vsock '3,socket=%s' --hyperv auto",
                         f->disk);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (InnControlChannel) channel = NULL;
  g_autofree struct statistics_page *page = NULL;
  g_autoptr (GError) error = NULL;
  int fd;

  KERNEL (f, SPIN);
  /* A socket takes the place of one that was left behind, but of nothing else. */
  assert_runs (f, line, NULL, EXIT_STATUS_HOST_ERROR, "", "in use");
  g_assert_cmpint (g_unlink (f->disk), ==, 0);
  process = start_with_control (f, line);
  channel = open_channel (f);
  g_assert_true (set_balloon (channel, 16 << 20));
  g_assert_false (set_balloon (channel, 64 << 20));
  page = read_page (channel);
  g_assert_cmpuint (page->memory.balloon_target, ==, 16 << 20);
  g_assert_cmpuint (page->memory.balloon_bytes, ==, 0);
  g_assert_cmpint (open_port (channel, "q", &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SUCH_DEVICE);
  g_clear_error (&error);
  fd = open_port (channel, "p", NULL);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (open_port (channel, "p", &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_true (g_close (fd, NULL));
  fd = open_port (channel, "p", NULL);
  g_assert_cmpint (fd, >=, 0);
  assert_answer (f->disk, "CONNECT 5\n", "");
  assert_answer (f->disk, "LISTEN 5\n", "OK 5\n");
  g_assert_true (call (channel, INN_CONTROL_RESET));
  wait_until_up (process);
  g_assert_true (call (channel, INN_CONTROL_POWER_OFF));
  assert_ends (channel, process, VMM_END_FORCED_OFF, EXIT_STATUS_POWER_OFF);
  g_assert_true (g_close (fd, NULL));
}

static int
temporary_file (void)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("innkeeper-memory-XXXXXX", &path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_unlink (path);
  return fd;
}

/* Takes one with a new layer for the disk, on top of @below. */
static gboolean
take_snapshot (InnControlChannel *channel,
               const char *below,
               int memory_fd,
               gboolean hold,
               guint64 *ret_pause_us,
               GError **error)
{
  const struct qcow2_create_options options = { .virtual_size = 1 << 20,
                                                .version = 3,
                                                .cluster_bits = 16,
                                                .backing_file = "disk",
                                                .backing_format = below };
  const InnControlLayer layer = { 0, temporary_file () };
  g_autoptr (GAsyncResult) result = NULL;

  g_assert_cmpint (qcow2_create (layer.fd, &options), ==, 0);
  inn_control_channel_snapshot_async (channel, &layer, 1, memory_fd, hold, NULL, keep_result,
                                      &result);
  wait_result (&result);
  g_assert_true (g_close (layer.fd, NULL));
  return inn_control_channel_snapshot_finish (channel, wait_result (&result), ret_pause_us, NULL,
                                              error);
}

/* In the sandbox, with every kind of device. */
static void
test_snapshot (Fixture *f, gconstpointer data)
{
  g_autofree char *line = g_strdup_printf (
      "--cpus 2 --balloon on --console-port p --vsock 3 --display 1024x768 --disk '%s'", f->disk);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (InnControlChannel) channel = NULL;
  g_autofree struct statistics_page *page = NULL;
  g_autoptr (GError) error = NULL;

  KERNEL (f, SPIN);
  process = start_with_control (f, line);
  channel = open_channel (f);
  for (guint i = 0; i < 3; i++)
    {
      int memory = temporary_file ();
      guint64 pause_us = 0;
      struct memory_file file;

      g_assert_true (
          take_snapshot (channel, i == 0 ? "raw" : "qcow2", memory, i == 2, &pause_us, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (pause_us, >, 0);
      g_test_message ("the guest stood still for %" G_GUINT64_FORMAT " us", pause_us);
      g_assert_cmpint (memory_file_read (memory, &file), ==, 0);
      g_assert_cmpint (memory_file_check (memory, &file, NULL, NULL), ==, 0);
      g_assert_cmpuint (file.ram_size, ==, 32 << 20);
      g_assert_true (g_close (memory, NULL));
      g_assert_cmpuint (read_state (channel), ==, i == 2 ? VMM_STATE_PAUSED : VMM_STATE_RUNNING);
    }
  page = read_page (channel);
  g_assert_cmpuint (page->status.snapshots, ==, 3);
  g_assert_cmpuint (page->status.first_exit_us, >, 0);
  g_assert_true (call (channel, INN_CONTROL_RESUME));
  g_assert_true (call (channel, INN_CONTROL_RESET));
  wait_until_up (process);
  g_assert_true (call (channel, INN_CONTROL_POWER_OFF));
  assert_ends (channel, process, VMM_END_FORCED_OFF, EXIT_STATUS_POWER_OFF);
}

/* Of a machine with these options, whose guest waits for a byte, in place of the disk. */
static void
save_waiting (Fixture *f, const char *options)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (InnControlChannel) channel = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  int memory = g_open (f->disk, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  KERNEL (f, PUT ("U") PUT ("P") ANSWER POWER_OFF FOREVER);
  process = start_with_control (f, options);
  channel = open_channel (f);
  inn_control_channel_snapshot_async (channel, NULL, 0, memory, TRUE, NULL, keep_result, &result);
  inn_control_channel_snapshot_finish (channel, wait_result (&result), NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (call (channel, INN_CONTROL_POWER_OFF));
  assert_ends (channel, process, VMM_END_FORCED_OFF, EXIT_STATUS_POWER_OFF);
  g_assert_true (g_close (memory, NULL));
}

/* In the sandbox, with every kind of device: again and again, and never changed by it. */
static void
test_restore (Fixture *f, gconstpointer data)
{
  static const char options[]
      = "--serial stdio --cpus 2 --balloon on --console-port p --vsock 3 --display 1024x768";
  g_autofree char *line = g_strdup_printf ("%s --restore '%s'", options, f->disk);

  save_waiting (f, options);
  assert_runs (f, line, "A", EXIT_STATUS_POWER_OFF, "B", "");
  assert_runs (f, line, "X", EXIT_STATUS_POWER_OFF, "Y", "");
}

/* Not the machine that was saved. */
static void
test_restore_other (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *options;
    const char *sentence;
  } cases[] = {
    { "--memory 34M --cpus 2 --balloon on",
      "was saved with 32 MiB of memory and cannot go on with 34 MiB." },
    { "--cpus 1 --balloon on", "a part that this machine does not have (vcpu.1)." },
    { "--cpus 3 --balloon on", "it lacks a part that this machine has (vcpu.2)." },
    { "--cpus 2", "a part that this machine does not have (virtio-balloon)." },
    { "--cpus 2 --balloon on --vsock 3", "it lacks a part that this machine has (virtio-vsock)." },
  };

  save_waiting (f, "--cpus 2 --balloon on");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *line
          = g_strdup_printf ("--serial stdio %s --restore '%s'", cases[i].options, f->disk);

      assert_runs (f, line, NULL, EXIT_STATUS_HOST_ERROR, "", cases[i].sentence);
    }
}

static void
change_saved (Fixture *f, guint64 offset, const char *bytes, gsize length)
{
  int fd = g_open (f->disk, O_RDWR | O_CLOEXEC);

  g_assert_cmpint (pwrite (fd, bytes, length, (off_t)offset), ==, (gssize)length);
  g_assert_true (g_close (fd, NULL));
}

static void
assert_not_restored (Fixture *f, const char *problem)
{
  g_autofree char *line = g_strdup_printf ("--serial stdio --restore '%s'", f->disk);
  g_autofree char *sentence
      = g_strdup_printf ("is nothing that a machine can go on from: %s.", problem);

  assert_runs (f, line, NULL, EXIT_STATUS_HOST_ERROR, "", sentence);
}

/* Not what was saved. */
static void
test_restore_bad (Fixture *f, gconstpointer data)
{
  g_autofree char *line = g_strdup_printf ("--serial stdio --restore '%s'", f->disk);
  struct memory_file file;
  int fd;

  save_waiting (f, "");
  fd = g_open (f->disk, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (memory_file_read (fd, &file), ==, 0);
  g_assert_true (g_close (fd, NULL));
  change_saved (f, MEMORY_FILE_RAM + file.ram_size - 2, "no", 2);
  assert_runs (f, line, NULL, EXIT_STATUS_HOST_ERROR, "", "is damaged, so it was stopped.");
  change_saved (f, file.state_offset + 100, "no", 2);
  assert_not_restored (f, "it is damaged");
  g_assert_cmpint (truncate (f->disk, (off_t)file.length - 1), ==, 0);
  assert_not_restored (f, "it is not complete");
  change_saved (f, MEMORY_FILE_HEADER_RAM, "\0\0\0\1", 4);
  assert_not_restored (f, "it is damaged");
  change_saved (f, MEMORY_FILE_HEADER_VERSION, "\2", 1);
  assert_not_restored (f, "it was made by a newer version of Innkeeper");
  change_saved (f, 0, "innkeeper", 8);
  assert_not_restored (f, "it is not the memory of a machine");
  g_assert_cmpint (truncate (f->disk, 0), ==, 0);
  assert_not_restored (f, "it is not complete");
  g_assert_cmpint (truncate (f->disk, 1 << 20), ==, 0);
  assert_not_restored (f, "it is not complete");
}

static void
run_qemu_img (Fixture *f, const char *line)
{
  g_autofree char *whole = g_strdup_printf ("qemu-img %s", line);
  g_auto (GStrv) argv = NULL;
  g_autoptr (GError) error = NULL;
  int status = 0;

  g_assert_true (g_shell_parse_argv (whole, NULL, &argv, NULL));
  g_spawn_sync (f->folder, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status,
                &error);
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, NULL));
}

static gboolean
grow_disk (InnControlChannel *channel, guint64 bytes)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_control_channel_grow_disk_async (channel, 0, bytes, NULL, keep_result, &result);
  return inn_control_channel_call_finish (channel, wait_result (&result), NULL);
}

/* In the sandbox: a layer comes while the guest runs, and becomes larger. */
static void
test_layers (Fixture *f, gconstpointer data)
{
  g_autofree char *line = g_strdup_printf ("--disk '%s'", f->disk);
  g_autofree char *top = g_build_filename (f->folder, "top", NULL);
  g_autofree char *qemu_img = g_find_program_in_path ("qemu-img");
  g_autofree char *header = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (InnControlChannel) channel = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  InnControlLayer layer = { .disk = 0 };
  g_autoptr (GError) error = NULL;
  gboolean switched = FALSE;
  guint64 size;

  if (qemu_img == NULL)
    {
      g_test_skip ("qemu-img is not installed");
      return;
    }
  run_qemu_img (f, "create -q -f qcow2 -F raw -b disk top");
  KERNEL (f, SPIN);
  process = start_with_control (f, line);
  channel = open_channel (f);
  layer.fd = g_open (top, O_RDWR | O_CLOEXEC, 0);
  inn_control_channel_snapshot_async (channel, &layer, 1, -1, FALSE, NULL, keep_result, &result);
  g_assert_true (inn_control_channel_snapshot_finish (channel, wait_result (&result), NULL,
                                                      &switched, &error));
  g_assert_no_error (error);
  g_assert_true (switched);
  g_assert_true (g_close (layer.fd, NULL));
  g_assert_false (grow_disk (channel, 1 << 19));
  g_assert_true (grow_disk (channel, 4 << 20));
  g_assert_true (call (channel, INN_CONTROL_POWER_OFF));
  assert_ends (channel, process, VMM_END_FORCED_OFF, EXIT_STATUS_POWER_OFF);

  run_qemu_img (f, "check -q -f qcow2 top");
  g_assert_true (g_file_get_contents (top, &header, NULL, NULL));
  memcpy (&size, header + 24, sizeof size);
  g_assert_cmpuint (GUINT64_FROM_BE (size), ==, 4 << 20);
  g_unlink (top);
}

static void
test_unresponsive (Fixture *f, gconstpointer data)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (InnControlChannel) channel = NULL;
  g_autofree struct statistics_page *page = NULL;

  KERNEL (f, PUT ("U") PUT ("P") "\xf4"); /* hlt with interrupts off */
  process = start_with_control (f, "--cpus 2");
  channel = open_channel (f);
  inn_control_channel_watch (channel, 200);
  for (int i = 0; i < 55; i++)
    {
      g_usleep (200000);
      g_assert_true (call (channel, INN_CONTROL_PING));
    }
  page = read_page (channel);
  g_assert_cmpuint (page->status.unresponsive, ==, 1);
  g_assert_true (call (channel, INN_CONTROL_POWER_OFF));
  assert_ends (channel, process, VMM_END_FORCED_OFF, EXIT_STATUS_POWER_OFF);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/innkeeper-vmm/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  need_kvm ();
  g_test_init (&argc, &argv, NULL);
  vmm_path = g_getenv ("INNKEEPER_VMM");
  vmm_arguments = g_getenv ("INNKEEPER_VMM_ARGUMENTS");
  g_assert_nonnull (vmm_path);
  g_assert_nonnull (vmm_arguments);
  ADD ("power-off", test_power_off);
  ADD ("serial-file", test_serial_file);
  ADD ("serial-input", test_serial_input);
  ADD ("debug-exit", test_debug_exit);
  ADD ("no-reboot", test_no_reboot);
  ADD ("reboot", test_reboot);
  ADD ("panic", test_panic);
  ADD ("signals", test_signals);
  ADD ("sentences", test_sentences);
  ADD ("disks", test_disks);
  ADD ("pause", test_pause);
  ADD ("statistics", test_statistics);
  ADD ("client-reset", test_client_reset);
  ADD ("shutdown", test_shutdown);
  ADD ("attach-serial", test_attach_serial);
  ADD ("guest-devices", test_guest_devices);
  ADD ("snapshot", test_snapshot);
  ADD ("restore", test_restore);
  ADD ("restore-other", test_restore_other);
  ADD ("restore-bad", test_restore_bad);
  ADD ("layers", test_layers);
  if (g_test_slow ()) /* it takes 11 s */
    ADD ("unresponsive", test_unresponsive);
  return g_test_run ();
}

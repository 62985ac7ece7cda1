/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The VNC source against QEMU's own server, and against servers that lie and leave. */
#include "console/vnc-source.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rfb-script.h"
#include "widget-driver.h"

#define QEMU "qemu-system-x86_64"

/* What a test knows of a source. */
typedef struct
{
  InnConsoleSource *source;
  guint n_frames;
  guint n_damages;
  char *reason; /* of the end */
} Watch;

static void
on_frame (Watch *watch)
{
  watch->n_frames++;
}

static void
on_damage (Watch *watch)
{
  watch->n_damages++;
}

static void
on_ended (Watch *watch, const char *reason)
{
  g_assert_null (watch->reason);
  watch->reason = g_strdup (reason);
}

static void
watch_source (Watch *watch, int fd)
{
  watch->source = inn_vnc_source_new (fd);
  g_signal_connect_swapped (watch->source, "frame", G_CALLBACK (on_frame), watch);
  g_signal_connect_swapped (watch->source, "damage", G_CALLBACK (on_damage), watch);
  g_signal_connect_swapped (watch->source, "ended", G_CALLBACK (on_ended), watch);
}

static void
clear_watch (Watch *watch)
{
  g_clear_object (&watch->source);
  g_clear_pointer (&watch->reason, g_free);
}

static gboolean
has_frame (gpointer user_data)
{
  return ((Watch *)user_data)->n_frames > 0;
}

static gboolean
has_ended (gpointer user_data)
{
  return ((Watch *)user_data)->reason != NULL;
}

/* QEMU. */

typedef struct
{
  Watch watch;
  GSubprocess *qemu;
  char *folder;
  char *vnc_path;
  char *trace_path;
  char *dump_path;
} Machine;

static int
connect_to (const char *path)
{
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GSocket) socket
      = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);

  return g_socket_connect (socket, address, NULL, NULL) ? dup (g_socket_get_fd (socket)) : -1;
}

static gboolean
is_listening (gpointer user_data)
{
  int fd = connect_to (user_data);

  g_usleep (20000);
  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

static gboolean
on_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

/* Like widget_driver_wait(), for what changes without the main loop noticing. */
static gboolean
wait_polling (gboolean (*condition) (gpointer), gpointer user_data)
{
  guint tick_id = g_timeout_add (20, on_tick, NULL);
  gboolean holds = widget_driver_wait (condition, user_data);

  g_source_remove (tick_id);
  return holds;
}

static void
start_machine (Machine *machine, const char *vnc_options)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *vnc = NULL, *trace = NULL;

  machine->folder = g_dir_make_tmp ("innkeeper-vnc-XXXXXX", &error);
  g_assert_no_error (error);
  machine->vnc_path = g_build_filename (machine->folder, "vnc", NULL);
  machine->trace_path = g_build_filename (machine->folder, "trace", NULL);
  machine->dump_path = g_build_filename (machine->folder, "dump.ppm", NULL);
  vnc = g_strdup_printf ("unix:%s%s", machine->vnc_path, vnc_options);
  trace = g_strdup_printf ("enable=input_event_*,file=%s", machine->trace_path);
  machine->qemu
      = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE
                              | G_SUBPROCESS_FLAGS_STDERR_SILENCE,
                          &error, QEMU, "-machine", "pc,accel=tcg", "-m", "32", "-nodefaults",
                          "-vga", "std", "-display", "none", "-device", "piix3-usb-uhci", "-device",
                          "usb-tablet", "-monitor", "stdio", "-vnc", vnc, "-trace", trace, "-D",
                          machine->trace_path, NULL);
  g_assert_no_error (error);
  g_assert_true (wait_polling (is_listening, machine->vnc_path));
}

static void
stop_machine (Machine *machine)
{
  clear_watch (&machine->watch);
  g_subprocess_force_exit (machine->qemu);
  g_subprocess_wait (machine->qemu, NULL, NULL);
  g_clear_object (&machine->qemu);
  g_unlink (machine->vnc_path);
  g_unlink (machine->trace_path);
  g_unlink (machine->dump_path);
  g_assert_cmpint (g_rmdir (machine->folder), ==, 0);
  g_free (machine->vnc_path);
  g_free (machine->trace_path);
  g_free (machine->dump_path);
  g_free (machine->folder);
}

/* Has QEMU write its screen to a file, and compares. The text cursor blinks, so that one try may
 * fall between two pictures. */
static gboolean
picture_is_right (gpointer user_data)
{
  Machine *machine = user_data;
  g_autofree char *command = g_strdup_printf ("screendump %s\n", machine->dump_path);
  g_autofree char *contents = NULL;
  InnPixelBuffer *pixels = inn_console_source_get_pixels (machine->watch.source);
  GOutputStream *monitor = g_subprocess_get_stdin_pipe (machine->qemu);
  int width, height, header;
  gsize length;

  g_unlink (machine->dump_path);
  g_output_stream_write_all (monitor, command, strlen (command), NULL, NULL, NULL);
  g_output_stream_flush (monitor, NULL, NULL);
  g_usleep (50000);
  if (!g_file_get_contents (machine->dump_path, &contents, &length, NULL)
      || sscanf (contents, "P6 %d %d 255%n", &width, &height, &header) != 2
      || length != (gsize)header + 1 + (gsize)width * (gsize)height * 3 || width != pixels->width
      || height != pixels->height)
    return FALSE;

  for (int i = 0; i < width * height; i++)
    {
      const guint8 *expected = (const guint8 *)contents + header + 1 + i * 3;
      const guint8 *actual = pixels->data + (gsize)i * 4;

      if (expected[0] != actual[2] || expected[1] != actual[1] || expected[2] != actual[0])
        return FALSE;
    }
  return TRUE;
}

static void
test_picture (void)
{
  Machine machine = { 0 };

  start_machine (&machine, "");
  watch_source (&machine.watch, connect_to (machine.vnc_path));
  g_assert_true (widget_driver_wait (has_frame, &machine.watch));
  widget_driver_run_for (3000); /* the firmware finds nothing to start */
  g_assert_true (wait_polling (picture_is_right, &machine));
  g_assert_cmpuint (machine.watch.n_damages, >, 0);

  /* Asking for another size must not lose the picture, whatever the device makes of it. */
  inn_console_source_request_size (machine.watch.source, 800, 600);
  widget_driver_run_for (500);
  g_assert_true (wait_polling (picture_is_right, &machine));
  g_assert_null (machine.watch.reason);
  stop_machine (&machine);
}

typedef struct
{
  const char *path;
  const char *text;
} Search;

static gboolean
file_contains (gpointer user_data)
{
  const Search *search = user_data;
  g_autofree char *contents = NULL;

  return g_file_get_contents (search->path, &contents, NULL, NULL)
         && strstr (contents, search->text) != NULL;
}

static void
assert_traced (Machine *machine, const char *text)
{
  Search search = { machine->trace_path, text };

  if (!wait_polling (file_contains, &search))
    g_error ("QEMU did not see: %s", text);
}

static void
assert_key (Machine *machine, guint evdev, const char *qcode)
{
  g_autofree char *text = g_strdup_printf ("key qcode %s,", qcode);

  inn_console_source_send_key (machine->watch.source, evdev, 0, TRUE);
  inn_console_source_send_key (machine->watch.source, evdev, 0, FALSE);
  assert_traced (machine, text);
}

static void
test_input (void)
{
  Machine machine = { 0 };

  start_machine (&machine, "");
  watch_source (&machine.watch, connect_to (machine.vnc_path));
  g_assert_true (widget_driver_wait (has_frame, &machine.watch));
  widget_driver_run_for (2000); /* until the firmware has woken the tablet */

  assert_key (&machine, KEY_A, "a");
  assert_key (&machine, KEY_102ND, "less");
  assert_key (&machine, KEY_DELETE, "delete");
  assert_key (&machine, KEY_KPENTER, "kp_enter");
  assert_key (&machine, KEY_LEFTMETA, "meta_l");
  assert_key (&machine, KEY_RIGHTALT, "alt_r");
  assert_key (&machine, KEY_SYSRQ, "print");
  assert_key (&machine, KEY_PAUSE, "pause");
  assert_key (&machine, KEY_YEN, "yen");

  inn_console_source_send_pointer (machine.watch.source, 100, 50, INN_POINTER_RIGHT);
  assert_traced (&machine, "button right, down 1");
  inn_console_source_send_scroll (machine.watch.source, 100, 50, 0, INN_SCROLL_DOWN);
  assert_traced (&machine, "button wheel-down, down 1");
  stop_machine (&machine);
}

static void
test_password (void)
{
  Machine machine = { 0 };

  start_machine (&machine, ",password=on");
  watch_source (&machine.watch, connect_to (machine.vnc_path));
  g_assert_true (widget_driver_wait (has_ended, &machine.watch));
  g_assert_nonnull (strstr (machine.watch.reason, "password"));
  stop_machine (&machine);
}

static void
test_killed (void)
{
  Machine machine = { 0 };

  start_machine (&machine, "");
  watch_source (&machine.watch, connect_to (machine.vnc_path));
  g_assert_true (widget_driver_wait (has_frame, &machine.watch));
  g_subprocess_force_exit (machine.qemu);
  g_assert_true (widget_driver_wait (has_ended, &machine.watch));
  /* The last picture is still there to be shown. */
  g_assert_cmpint (inn_console_source_get_pixels (machine.watch.source)->width, >, 0);
  stop_machine (&machine);
}

/* Servers made of a script. */

typedef struct
{
  Watch watch;
  int server;
} Liar;

static void
start_liar (Liar *liar)
{
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  liar->server = fds[1];
  watch_source (&liar->watch, fds[0]);
}

static void
stop_liar (Liar *liar)
{
  clear_watch (&liar->watch);
  close (liar->server);
  *liar = (Liar){ 0 };
}

static void
say (Liar *liar, GByteArray *script, gsize length)
{
  g_assert_cmpint (send (liar->server, script->data, length, MSG_NOSIGNAL), ==, (gssize)length);
}

static void
test_closes_at_each_stage (void)
{
  g_autoptr (GByteArray) script = g_byte_array_new ();

  rfb_script_handshake (script, 32, 16);
  rfb_script_update (script, 2);
  rfb_script_raw (script, 0, 0, 4, 4, 0xff0000);
  rfb_script_rectangle (script, 0, 0, 32, 16, 5);
  rfb_script_u8 (script, 0xff);

  for (gsize length = 0; length <= script->len; length++)
    {
      Liar liar = { 0 };

      start_liar (&liar);
      say (&liar, script, length);
      shutdown (liar.server, SHUT_WR);
      g_assert_true (widget_driver_wait (has_ended, &liar.watch));
      stop_liar (&liar);
    }
}

static void
test_garbage (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);

  for (int i = 0; i < 100; i++)
    {
      g_autoptr (GByteArray) script = g_byte_array_new ();
      Liar liar = { 0 };

      rfb_script_handshake (script, 32, 16);
      for (int k = 0; k < 2000; k++)
        rfb_script_u8 (script, (guint)g_rand_int_range (random, 0, i % 2 ? 256 : 4));
      start_liar (&liar);
      say (&liar, script, script->len);
      shutdown (liar.server, SHUT_WR);
      g_assert_true (widget_driver_wait (has_ended, &liar.watch));
      stop_liar (&liar);
    }
}

static void
test_size_too_large (void)
{
  g_autoptr (GByteArray) script = g_byte_array_new ();
  Liar liar = { 0 };

  rfb_script_handshake (script, 64, 48);
  rfb_script_update (script, 2);
  rfb_script_raw (script, 0, 0, 1, 1, 0);
  rfb_script_rectangle (script, 0, 0, 60000, 60000, -223);
  start_liar (&liar);
  say (&liar, script, script->len);
  g_assert_true (widget_driver_wait (has_ended, &liar.watch));
  g_assert_nonnull (strstr (liar.watch.reason, "makes no sense"));
  stop_liar (&liar);
}

/* Input for a server that never reads is dropped in the end; the window goes on. */
static void
test_does_not_read (void)
{
  g_autoptr (GByteArray) script = g_byte_array_new ();
  Liar liar = { 0 };

  rfb_script_handshake (script, 8, 8);
  rfb_script_update (script, 1);
  rfb_script_raw (script, 0, 0, 8, 8, 0);
  start_liar (&liar);
  say (&liar, script, script->len);
  g_assert_true (widget_driver_wait (has_frame, &liar.watch));
  for (int i = 0; i < 500000; i++)
    inn_console_source_send_pointer (liar.watch.source, i % 8, 0, 0);
  widget_driver_run_for (50);
  g_assert_null (liar.watch.reason);
  stop_liar (&liar);
}

/* A source let go of in the middle of everything says nothing more. */
static void
test_let_go (void)
{
  g_autoptr (GByteArray) script = g_byte_array_new ();
  Liar liar = { 0 };

  rfb_script_handshake (script, 8, 8);
  rfb_script_update (script, 1);
  rfb_script_raw (script, 0, 0, 8, 8, 0);
  start_liar (&liar);
  say (&liar, script, script->len);
  inn_console_source_close (liar.watch.source);
  widget_driver_run_for (50);
  g_assert_cmpuint (liar.watch.n_frames, ==, 0);
  g_assert_null (liar.watch.reason);
  stop_liar (&liar);
}

static void
add_qemu_test (const char *path, GTestFunc function)
{
  g_autofree char *qemu = g_find_program_in_path (QEMU);

  if (qemu != NULL)
    g_test_add_func (path, function);
  else
    g_test_message ("%s left out: %s is not installed", path, QEMU);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_qemu_test ("/vnc-source/qemu/picture", test_picture);
  add_qemu_test ("/vnc-source/qemu/input", test_input);
  add_qemu_test ("/vnc-source/qemu/password", test_password);
  add_qemu_test ("/vnc-source/qemu/killed", test_killed);
  g_test_add_func ("/vnc-source/closes-at-each-stage", test_closes_at_each_stage);
  g_test_add_func ("/vnc-source/garbage", test_garbage);
  g_test_add_func ("/vnc-source/size-too-large", test_size_too_large);
  g_test_add_func ("/vnc-source/does-not-read", test_does_not_read);
  g_test_add_func ("/vnc-source/let-go", test_let_go);
  return g_test_run ();
}

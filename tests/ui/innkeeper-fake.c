/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The program with places that exist only in memory, for tests of its window and for looking at it:
 * innkeeper-fake SCENE [FILE], where SCENE is one of those below.
 */
#include "config.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <gtk/gtk.h>
#include <locale.h>

#include "application.h"
#include "fake-connection.h"
#include "model/error.h"

#define GIB (G_GUINT64_CONSTANT (1) << 30)

static const char boot_log[] = "\033[0;32mWelcome to Alpine Linux 3.20\033[0m\r\n"
                               "Kernel 6.6.31-0-virt on an x86_64 (/dev/ttyS0)\r\n\r\n"
                               "localhost login: root\r\n"
                               "\033[1;32mroot@router\033[0m:\033[1;34m~\033[0m# uptime\r\n"
                               " 14:32:08 up  3:12,  load average: 0.34, 0.28, 0.21\r\n"
                               "\033[1;32mroot@router\033[0m:\033[1;34m~\033[0m# apk upgrade\r\n"
                               "(1/4) Upgrading busybox (1.36.1-r28 -> 1.36.1-r29)\r\n"
                               "(2/4) Upgrading libcrypto3 (3.3.0-r2 -> 3.3.1-r0)\r\n"
                               "(3/4) Upgrading libssl3 (3.3.0-r2 -> 3.3.1-r0)\r\n"
                               "(4/4) Upgrading openssl (3.3.0-r2 -> 3.3.1-r0)\r\n"
                               "OK: 24 MiB in 47 packages\r\n"
                               "\033[1;32mroot@router\033[0m:\033[1;34m~\033[0m# ";

static const char panic_log[]
    = "[ 1841.203711] BUG: unable to handle page fault for address: ffffb1c2001fd000\r\n"
      "[ 1841.203721] RIP: 0010:nvme_queue_rq+0x1d4/0x7a0\r\n"
      "[ 1841.203730] Call Trace: blk_mq_dispatch_rq_list+0x1f0/0x860\r\n"
      "[ 1841.203761] Kernel panic - not syncing: Fatal exception\r\n"
      "[ 1841.203770] Rebooting is disabled (panic=0)\r\n";

static FakeConnection *
add_place (GListStore *places,
           const char *title,
           const char *technique,
           InnSpeed speed,
           const char *speed_text)
{
  g_autoptr (FakeConnection) place = fake_connection_new (title, technique, speed, speed_text);

  g_list_store_append (places, place);
  return place;
}

static FakeConnection *
add_this_computer (GListStore *places)
{
  return add_place (places, "This computer", "KVM", INN_SPEED_FULL,
                    "KVM works: guests run at full speed.");
}

static FakeMachine *
add_running (FakeConnection *place, const char *name, guint vcpus, double load, guint minutes_up)
{
  FakeMachine *machine = fake_connection_add (place, name, INN_MACHINE_RUNNING, vcpus, 4 * GIB);

  fake_machine_set_load (machine, load);
  fake_machine_set_output (machine, boot_log);
  fake_machine_invent_past (machine, 320);
  inn_machine_set_changed_time (INN_MACHINE (machine),
                                g_get_real_time () - minutes_up * G_TIME_SPAN_MINUTE);

  return machine;
}

static void
add_disk (FakeMachine *machine, const char *name, gsize size)
{
  g_autofree char *path = g_build_filename (g_get_user_cache_dir (), name, NULL);
  g_autofree char *contents = g_malloc0 (size);

  g_mkdir_with_parents (g_get_user_cache_dir (), 0700);
  if (g_file_set_contents (path, contents, (gssize)size, NULL))
    fake_machine_set_storage (machine, (const char *const[]){ path, NULL });
}

/* The machines most scenes share, of two places; the first one is what a scene is about. */
static FakeMachine *
make_lab (GListStore *places)
{
  FakeConnection *here = add_this_computer (places);
  FakeConnection *lab = add_place (places, "Lab network", "QEMU", INN_SPEED_EMULATED,
                                   "Software emulation: guests run slowly.");
  FakeMachine *machine, *first;
  gint64 now = g_get_real_time ();

  first = fake_connection_add (here, "Alpine Router", INN_MACHINE_RUNNING, 4, 4 * GIB);
  fake_machine_set_tells_exits (first, TRUE);
  fake_machine_set_load (first, 0.34);
  fake_machine_set_output (first, boot_log);
  fake_machine_invent_past (first, 320);
  inn_machine_set_changed_time (INN_MACHINE (first), now - 192 * G_TIME_SPAN_MINUTE);
  add_disk (first, "alpine-router.raw", 3 << 20);
  add_running (here, "Build Server", 2, 0.1, 26);
  machine = fake_connection_add (here, "Debian 13", INN_MACHINE_OFF, 2, 2 * GIB);
  inn_machine_set_changed_time (INN_MACHINE (machine), now - 3 * G_TIME_SPAN_DAY);
  machine = fake_connection_add (here, "Ubuntu 24.04 LTS", INN_MACHINE_OFF, 2, 4 * GIB);
  inn_machine_set_changed_time (INN_MACHINE (machine), now - G_TIME_SPAN_DAY);

  machine = fake_connection_add (lab, "db-server", INN_MACHINE_PAUSED, 2, 4 * GIB);
  fake_hardware_fix (fake_machine_get_hardware (machine),
                     "Machines of libvirt are only shown here");
  fake_machine_set_output (machine, boot_log);
  add_running (lab, "router (OpenWrt)", 1, 0.02, 4000);
  add_running (lab, "web-server", 2, 0.05, 600);

  return first;
}

/* Somebody has to hear its last words before. */
static gboolean
crash (gpointer machine)
{
  if (!fake_machine_was_heard (machine))
    return G_SOURCE_CONTINUE;

  inn_machine_set_changed_time (machine, g_get_real_time ());
  inn_machine_set_state (machine, INN_MACHINE_CRASHED,
                         "The kernel of the guest stopped itself. Everything it had saved is on "
                         "its disk.");
  return G_SOURCE_REMOVE;
}

static void
make_crashed (GListStore *places)
{
  FakeMachine *machine = make_lab (places);

  fake_machine_set_output (machine, panic_log);
  g_timeout_add (1000, crash, machine);
}

static void
make_no_space (GListStore *places)
{
  FakeMachine *machine = make_lab (places);

  inn_machine_set_state (INN_MACHINE (machine), INN_MACHINE_NO_SPACE, NULL);
}

static void
make_emulated (GListStore *places)
{
  FakeConnection *here = add_place (places, "This computer", "QEMU", INN_SPEED_EMULATED,
                                    "KVM on this computer cannot run ordinary guests: it emulates "
                                    "their kernel step by step. QEMU runs them instead.");
  FakeMachine *machine = add_running (here, "Debian 13", 1, 0.9, 2);

  inn_machine_set_emulated (INN_MACHINE (machine), TRUE);
}

static gboolean
break_place (gpointer machine)
{
  inn_connection_set_state (inn_machine_get_connection (machine), INN_CONNECTION_BROKEN,
                            "The service that keeps its machines does not answer. They run on. "
                            "Start the service, then press Reconnect.");
  return G_SOURCE_REMOVE;
}

static void
make_broken (GListStore *places)
{
  g_timeout_add (1000, break_place, make_lab (places));
}

/* KVM is there but emulates, so that it is for those who know what they do. */
static void
make_partial (GListStore *places)
{
  FakeConnection *slow;

  add_place (places, "This computer", "KVM", INN_SPEED_PARTIAL,
             "This computer's virtualization only emulates a guest's kernel.");
  slow = add_place (places, "QEMU on this computer", "QEMU", INN_SPEED_EMULATED,
                    "Software emulation: guests run slowly.");
  fake_connection_set_delay (slow, 1500);
}

/* What is there, and what can be done, is known only after a while. */
static void
make_late (GListStore *places)
{
  FakeConnection *here = add_this_computer (places);

  fake_connection_set_delay (here, 1500);
  add_running (here, "Early Bird", 1, 0.2, 5);
}

static void
make_lab_scene (GListStore *places)
{
  make_lab (places);
}

/* ---- snapshots ---- */

/* A screen that can be told from others: a background, a bar, and a window unless it is bare. */
static void
draw_screen (const char *folder, const char *name, double red, double green, double blue)
{
  g_autofree char *file = g_strdup_printf ("%s.png", name);
  g_autofree char *path = g_build_filename (folder, file, NULL);
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, 640, 400);
  cairo_t *cr = cairo_create (surface);
  cairo_pattern_t *sky = cairo_pattern_create_linear (0, 0, 640, 400);

  cairo_pattern_add_color_stop_rgb (sky, 0, red, green, blue);
  cairo_pattern_add_color_stop_rgb (sky, 1, red * 0.4, green * 0.5, blue * 0.7);
  cairo_set_source (cr, sky);
  cairo_paint (cr);
  cairo_set_source_rgb (cr, 0, 0, 0);
  cairo_rectangle (cr, 0, 0, 640, 22);
  cairo_fill (cr);
  cairo_set_source_rgb (cr, 0.95, 0.95, 0.95);
  cairo_rectangle (cr, 60, 60, 360, 220);
  cairo_fill (cr);
  cairo_set_source_rgb (cr, 0.12, 0.1, 0.18);
  cairo_rectangle (cr, 280, 180, 300, 180);
  cairo_fill (cr);
  cairo_surface_write_to_png (surface, path);
  cairo_pattern_destroy (sky);
  cairo_destroy (cr);
  cairo_surface_destroy (surface);
}

static char *
draw_screens (void)
{
  char *folder = g_build_filename (g_get_user_cache_dir (), "pictures", NULL);

  g_mkdir_with_parents (folder, 0700);
  draw_screen (folder, "fresh", 0.2, 0.25, 0.7);
  draw_screen (folder, "login", 0.25, 0.5, 0.85);
  draw_screen (folder, "tools", 0.8, 0.35, 0.45);
  draw_screen (folder, "kernel", 0.2, 0.6, 0.5);
  draw_screen (folder, "kept", 0.25, 0.65, 0.55);
  draw_screen (folder, "update", 0.7, 0.3, 0.5);
  return folder;
}

/* The first machine has some; the last one of this computer is saved. */
static FakeMachine *
make_snapshots (GListStore *places)
{
  FakeMachine *machine = make_lab (places);
  g_autofree char *pictures = draw_screens ();
  g_autoptr (InnConnection) here = g_list_model_get_item (G_LIST_MODEL (places), 0);
  g_autoptr (InnMachine) last = g_list_model_get_item (G_LIST_MODEL (here), 3);

  fake_snapshots_fill (fake_machine_get_snapshots (machine), g_get_real_time (), pictures);
  inn_machine_set_state (last, INN_MACHINE_SAVED, NULL);
  return machine;
}

static void
make_snapshots_scene (GListStore *places)
{
  make_snapshots (places);
}

/* Everything takes a while. */
static void
make_slow_snapshots (GListStore *places)
{
  fake_snapshots_set_delay (fake_machine_get_snapshots (make_snapshots (places)), 10000);
}

/* Nothing works. */
static void
make_bad_snapshots (GListStore *places)
{
  FakeSnapshots *snapshots = fake_machine_get_snapshots (make_snapshots (places));
  g_autoptr (GError) error = g_error_new_literal (
      INN_ERROR, INN_ERROR_NO_SPACE,
      "The disk of this computer is full. Nothing was changed. Free at least 2 GiB in Home.");

  fake_snapshots_set_error (snapshots, error);
  fake_snapshots_damage (snapshots, "login",
                         "Its memory is damaged: what is on the disk was changed by something "
                         "else. Delete it.");
  fake_snapshots_refuse (snapshots, INN_SNAPSHOT_RESTORE, "The machine is being saved");
  fake_snapshots_refuse_clone (snapshots, INN_CLONE_LIVE, "This computer's memory is full");
}

static void
make_empty (GListStore *places)
{
  FakeConnection *slow;

  add_this_computer (places);
  slow = add_place (places, "QEMU on this computer", "QEMU", INN_SPEED_EMULATED,
                    "Software emulation: guests run slowly.");
  fake_connection_refuse_medium (slow, INN_MEDIUM_KERNEL, "Starts no kernels by itself");
}

/* A machine that has as much as one can have. */
static void
make_full (GListStore *places)
{
  FakeConnection *here = add_this_computer (places);
  FakeMachine *machine = fake_connection_add (here, "Full House", INN_MACHINE_OFF, 1, GIB);
  FakeHardware *hardware = fake_machine_get_hardware (machine);

  for (guint i = 1; i < 16; i++)
    fake_hardware_add_disk (hardware, "/home/me/machines/data.raw", 200 * GIB, 3 * GIB);
  for (guint i = 1; i < 8; i++)
    fake_hardware_add_network (hardware);
}

/* One machine whose every operation is refused or goes wrong. */
static void
make_trouble (GListStore *places)
{
  FakeConnection *here = add_this_computer (places);
  FakeMachine *machine = fake_connection_add (here, "Trouble", INN_MACHINE_OFF, 1, GIB);
  g_autoptr (GError) start = g_error_new_literal (
      INN_ERROR, INN_ERROR_BUSY,
      "Another program uses the disk of “Trouble”. Nothing was changed. Close that program first.");
  g_autoptr (GError) create
      = g_error_new_literal (INN_ERROR, INN_ERROR_NO_SPACE,
                             "There is no space for a disk of that size. Choose a smaller one.");
  g_autoptr (GError) edit
      = g_error_new_literal (INN_ERROR, INN_ERROR_NO_SPACE,
                             "There is no space to store that. Nothing was changed.");

  fake_hardware_set_error (fake_machine_get_hardware (machine), edit);
  fake_machine_set_error (machine, INN_OPERATION_START, start);
  fake_connection_set_create_error (here, create);
  machine = add_running (here, "Unpausable", 1, 0.2, 3);
  fake_machine_refuse (machine, INN_OPERATION_PAUSE, "This hypervisor cannot pause");
}

static const struct
{
  const char *name;
  void (*make) (GListStore *places);
} scenes[] = {
  { "empty", make_empty },
  { "lab", make_lab_scene },
  { "crashed", make_crashed },
  { "no-space", make_no_space },
  { "emulated", make_emulated },
  { "broken", make_broken },
  { "trouble", make_trouble },
  { "late", make_late },
  { "partial", make_partial },
  { "full", make_full },
  { "snapshots", make_snapshots_scene },
  { "slow-snapshots", make_slow_snapshots },
  { "bad-snapshots", make_bad_snapshots },
};

int
main (int argc, char **argv)
{
  g_autoptr (GListStore) places = g_list_store_new (INN_TYPE_CONNECTION);
  g_autoptr (InnApplication) application = NULL;
  const char *name = argc > 1 ? argv[1] : "";

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, g_getenv ("INNKEEPER_LOCALEDIR") != NULL
                                       ? g_getenv ("INNKEEPER_LOCALEDIR")
                                       : LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  for (guint i = 0; i < G_N_ELEMENTS (scenes); i++)
    if (g_str_equal (scenes[i].name, name))
      {
        scenes[i].make (places);
        application = inn_application_new (G_LIST_MODEL (places));
        return g_application_run (G_APPLICATION (application), argc - 1, argv + 1);
      }

  g_printerr ("There is no scene “%s”.\n", name);
  return 2;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The innkeeper-vmm program with the distribution's BIOS on a real /dev/kvm: from power-on to a
 * boot sector of a few instructions.
 */
#include <glib/gstdio.h>
#include <gio/gio.h>
#include <string.h>

#include "boot-sector.h"
#include "config.h"
#include "needs-kvm.h"
#include "protocol/exit-status.h"

enum
{
  DISK_SIZE = 1 << 20,
  PASSED = 42, /* what a sector gives to the debug exit */
};

/* From the build: the program, and --sandbox off where a sanitizer makes calls of its own. */
static const char *vmm_path;
static const char *vmm_arguments;

typedef struct
{
  char *folder;
  char *disk;
  const char *option, *properties; /* how the VMM is given the disk */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("innkeeper-bios-XXXXXX", NULL);
  f->disk = g_build_filename (f->folder, "disk", NULL);
  f->option = "--disk";
  f->properties = "";
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_unlink (f->disk);
  g_rmdir (f->folder);
  g_free (f->disk);
  g_free (f->folder);
}

static void
write_disk (Fixture *f, const char *code, gsize length)
{
  g_autofree guint8 *image = g_malloc0 (DISK_SIZE);

  boot_sector_make (image, code, length);
  g_assert_true (g_file_set_contents (f->disk, (char *)image, DISK_SIZE, NULL));
}

#define DISK(f, code) write_disk (f, code, sizeof (code) - 1)

/* A CD that starts the code by itself ("El Torito" specification 1.0, no emulation). */
static void
write_cd (Fixture *f, const char *code, gsize length)
{
  enum
  {
    SECTOR = 2048,
    BOOT_RECORD = 17,
    CATALOG = 19,
    BOOT_IMAGE = 20,
  };
  g_autofree guint8 *image = g_malloc0 (DISK_SIZE);
  guint8 *record = image + BOOT_RECORD * SECTOR, *catalog = image + CATALOG * SECTOR;

  memcpy (image + 16 * SECTOR, "\001CD001\001", 7);
  memcpy (record, "\000CD001\001EL TORITO SPECIFICATION", 30);
  record[0x47] = CATALOG;
  catalog[0] = 1; /* the header: sum and key */
  memcpy (catalog + 28, "\xaa\x55\x55\xaa", 4);
  catalog[0x20] = 0x88; /* the only entry: bootable, one sector of 512 bytes */
  catalog[0x26] = 1;
  catalog[0x28] = BOOT_IMAGE;
  memcpy (image + BOOT_IMAGE * SECTOR, code, length);
  f->option = "--cdrom";
  g_assert_true (g_file_set_contents (f->disk, (char *)image, DISK_SIZE, NULL));
}

#define CD(f, code) write_cd (f, code, sizeof (code) - 1)

/* Runs the VMM to its end with the disk and what @line says; its output. */
static char *
run (Fixture *f, const char *line, int status)
{
  g_autofree char *whole
      = g_strdup_printf ("'%s' %s --firmware bios --debug-exit %s '%s%s' %s", vmm_path,
                         vmm_arguments, f->option, f->disk, f->properties, line);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) argv = NULL;
  g_autofree char *err = NULL;
  char *out = NULL;

  g_assert_true (g_shell_parse_argv (whole, NULL, &argv, &error));
  process = g_subprocess_newv ((const char *const *)argv,
                               G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE
                                   | G_SUBPROCESS_FLAGS_STDERR_PIPE,
                               &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &out, &err, &error));
  if (!g_subprocess_get_if_exited (process) || g_subprocess_get_exit_status (process) != status)
    g_error ("%s: status %d, expected %d; it printed: %s; it said: %s", line,
             g_subprocess_get_status (process), status, out, err);
  return out;
}

static void
assert_passes (Fixture *f, const char *line)
{
  g_free (run (f, line, PASSED << 1 | 1));
}

static void
test_boot_sector (Fixture *f, gconstpointer data)
{
  g_autofree char *out = NULL;

  /* cli: the BIOS writes to the port too, in its timer interrupt */
  DISK (f, "\xfa" BOOT_SECTOR_PUT ("h") BOOT_SECTOR_PUT ("i") BOOT_SECTOR_EXIT ("\x2a"));
  out = run (f, "--memory 32M --serial stdio --display none", PASSED << 1 | 1);
  g_assert_nonnull (strstr (out, "SeaBIOS"));
  g_assert_nonnull (strstr (out, "hi"));
}

static void
test_cd (Fixture *f, gconstpointer data)
{
  CD (f, BOOT_SECTOR_EXIT ("\x2a"));
  assert_passes (f, "--memory 32M --boot cdrom0");
}

static void
test_sata_disk (Fixture *f, gconstpointer data)
{
  DISK (f, BOOT_SECTOR_EXIT ("\x2a"));
  f->properties = ",bus=ahci";
  assert_passes (f, "--memory 32M --boot disk0");
}

static void
run_tool (Fixture *f, const char *line)
{
  g_auto (GStrv) argv = NULL;
  g_autoptr (GError) error = NULL;
  int status = 0;

  g_assert_true (g_shell_parse_argv (line, NULL, &argv, &error));
  g_spawn_sync (f->folder, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status,
                &error);
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, NULL));
}

/*
 * A sector that writes itself to the fifth: read from the lowest of three layers, written to the
 * top. The names of the others are in the images.
 */
static void
test_layers (Fixture *f, gconstpointer properties)
{
  static const char *const names[] = { "disk.raw", "middle", "all" };
  g_autofree char *qemu_img = g_find_program_in_path ("qemu-img");
  g_autofree char *all = g_build_filename (f->folder, "all", NULL);
  g_autofree char *bytes = NULL;

  if (qemu_img == NULL)
    {
      g_test_skip ("qemu-img is not installed");
      return;
    }
  DISK (f, "\x31\xdb\x8e\xc3"         /* xor bx, bx; mov es, bx */
           "\xbb\x00\x7c\xb8\x01\x03" /* mov bx, 0x7c00; mov ax, 0x0301: write one sector */
           "\xb9\x05\x00\xba\x80\x00" /* mov cx, 5; mov dx, 0x80 */
           "\xcd\x13\x72\x06"         /* int 0x13; jc to the second exit */
        BOOT_SECTOR_EXIT ("\x2a") BOOT_SECTOR_EXIT ("\x2b"));
  run_tool (f, "mv disk disk.raw");
  run_tool (f, "qemu-img create -q -f qcow2 -F raw -b disk.raw middle");
  run_tool (f, "qemu-img create -q -f qcow2 -F qcow2 -b middle disk");
  f->properties = properties;
  assert_passes (f, "--memory 32M");
  run_tool (f, "qemu-img check -q -f qcow2 disk");
  run_tool (f, "qemu-img convert -f qcow2 -O raw disk all");
  g_assert_true (g_file_get_contents (all, &bytes, NULL, NULL));
  g_assert_cmpmem (bytes + 4 * BOOT_SECTOR_SIZE, BOOT_SECTOR_SIZE, bytes, BOOT_SECTOR_SIZE);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (f->folder, names[i], NULL);

      g_unlink (path);
    }
}

/* The BIOS waits for each processor it is told of. */
static void
test_processors (Fixture *f, gconstpointer data)
{
  DISK (f, BOOT_SECTOR_EXIT ("\x2a"));
  assert_passes (f, "--cpus 3");
}

static void
test_memory_above_4_gib (Fixture *f, gconstpointer data)
{
  DISK (f, BOOT_SECTOR_EXIT ("\x2a"));
  assert_passes (f, "--memory 3G");
}

/*
 * A sector that resets the machine the first time; only what is on the disk survives. It counts
 * in a byte of CMOS RAM, which does too.
 */
static void
test_reset (Fixture *f, gconstpointer data)
{
  DISK (f, "\xb0\x60\xe6\x70"        /* mov al, 0x60; out 0x70, al */
           "\xe4\x71\x3c\x01"        /* in al, 0x71; cmp al, 1 */
           "\x74\x0a"                /* je done */
           "\xb0\x01\xe6\x71"        /* mov al, 1; out 0x71, al */
        BOOT_SECTOR_RESET "\xeb\xfe" /* jmp $ */
        BOOT_SECTOR_EXIT ("\x2a"));  /* done: */
  assert_passes (f, "--memory 32M");
}

static void
test_errors (Fixture *f, gconstpointer data)
{
  g_autofree char *line = g_strdup_printf ("--firmware-image '%s'", f->folder);

  DISK (f, BOOT_SECTOR_EXIT ("\x2a"));
  g_free (run (f, "--firmware-image /does/not/exist", EXIT_STATUS_HOST_ERROR));
  g_free (run (f, line, EXIT_STATUS_HOST_ERROR));
  g_free (run (f, "--boot disk1", EXIT_STATUS_HOST_ERROR));
  g_free (run (f, "--firmware uefi --variables /dev/null", EXIT_STATUS_HOST_ERROR));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  need_kvm ();
  if (!g_file_test (BIOS_IMAGE, G_FILE_TEST_EXISTS))
    {
      g_print ("1..0 # SKIP %s is not installed\n", BIOS_IMAGE);
      return EXIT_SKIPPED;
    }
  vmm_path = g_getenv ("INNKEEPER_VMM");
  vmm_arguments = g_getenv ("INNKEEPER_VMM_ARGUMENTS");
  g_assert_nonnull (vmm_path);
  g_assert_nonnull (vmm_arguments);

#define ADD_WITH(name, data, function)                                                             \
  g_test_add ("/firmware-boot/" name, Fixture, data, set_up, function, tear_down)
#define ADD(name, function) ADD_WITH (name, NULL, function)
  ADD ("boot-sector", test_boot_sector);
  ADD ("cd", test_cd);
  ADD ("sata-disk", test_sata_disk);
  ADD_WITH ("layers", ",format=qcow2", test_layers);
  ADD_WITH ("sata-layers", ",format=qcow2,bus=ahci", test_layers);
  ADD ("processors", test_processors);
  ADD ("memory-above-4-gib", test_memory_above_4_gib);
  ADD ("reset", test_reset);
  ADD ("errors", test_errors);
  return g_test_run ();
}

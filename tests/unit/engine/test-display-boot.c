/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a client sees of a guest that draws: the innkeeper-vmm program on a real /dev/kvm, the
 * distribution's BIOS with those of the display adapters, and boot sectors of a few instructions.
 */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "boot-sector.h"
#include "config.h"
#include "needs-kvm.h"
#include "protocol/screen-protocol.h"
#include "raw-client.h"

enum
{
  DISK_SIZE = 1 << 20,
  CONTROL_FD = 3, /* in the VMM */
};

/* From the build: the program, and --sandbox off where a sanitizer makes calls of its own. */
static const char *vmm_path;
static const char *vmm_arguments;

typedef struct
{
  char *folder;
  char *disk;
  char *socket;
  GSubprocess *process;
  struct raw_client client;
  const struct screen_page *shared;
  const guint8 *pixels;
  guint64 pixel_bytes;
  struct screen_page page;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("innkeeper-display-XXXXXX", NULL);
  f->disk = g_build_filename (f->folder, "disk", NULL);
  f->socket = g_build_filename (f->folder, "control", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  munmap ((void *)f->shared, sizeof (struct screen_page));
  munmap ((void *)f->pixels, f->pixel_bytes);
  raw_client_close (&f->client);
  g_subprocess_send_signal (f->process, SIGTERM);
  g_assert_true (g_subprocess_wait (f->process, NULL, NULL));
  g_assert_cmpint (g_subprocess_get_exit_status (f->process), ==, 0);
  g_object_unref (f->process);
  g_unlink (f->socket);
  g_unlink (f->disk);
  g_rmdir (f->folder);
  g_free (f->socket);
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

/* The socket is there before the VMM is, so that nobody has to wait for it. */
static int
listen_at (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  g_assert_cmpuint (strlen (path), <, sizeof (address.sun_path));
  strcpy (address.sun_path, path);
  g_assert_cmpint (bind (fd, (struct sockaddr *)&address, sizeof (address)), ==, 0);
  g_assert_cmpint (listen (fd, 1), ==, 0);
  return fd;
}

static void
open_screen (Fixture *f)
{
  int fds[CONTROL_SCREEN_FDS];

  raw_client_open (&f->client, f->socket);
  g_assert_cmpint (raw_client_open_screen (&f->client, fds), ==, 0);
  f->pixel_bytes = (guint64)lseek (fds[CONTROL_SCREEN_PIXELS], 0, SEEK_END);
  f->shared = mmap (NULL, sizeof (struct screen_page), PROT_READ, MAP_SHARED,
                    fds[CONTROL_SCREEN_PAGE], 0);
  f->pixels = mmap (NULL, f->pixel_bytes, PROT_READ, MAP_SHARED, fds[CONTROL_SCREEN_PIXELS], 0);
  g_assert_true (f->shared != MAP_FAILED && f->pixels != MAP_FAILED);
  close (fds[CONTROL_SCREEN_PAGE]);
  close (fds[CONTROL_SCREEN_PIXELS]);
}

static void
start (Fixture *f, const char *display)
{
  g_autofree char *line
      = g_strdup_printf ("'%s' %s --memory 32M --firmware bios --disk '%s' --display %s "
                         "--control fd=%d",
                         vmm_path, vmm_arguments, f->disk, display, CONTROL_FD);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) argv = NULL;

  g_assert_true (g_shell_parse_argv (line, NULL, &argv, &error));
  g_subprocess_launcher_take_fd (launcher, listen_at (f->socket), CONTROL_FD);
  f->process = g_subprocess_launcher_spawnv (launcher, (const char *const *)argv, &error);
  g_assert_no_error (error);
  open_screen (f);
}

static guint32
pixel (const Fixture *f, guint32 x, guint32 y)
{
  const struct screen_mode *mode = &f->page.mode;
  guint32 value;

  memcpy (&value, f->pixels + mode->offset + (gsize)y * mode->stride + 4 * (gsize)x, 4);
  return value & 0xffffff;
}

/* Looks until the screen has been drawn as expected; each time only after it has said so. */
static void
watch_until (Fixture *f, gboolean (*drawn) (const Fixture *f))
{
  struct control_event event;

  g_assert_cmpint (raw_client_call (&f->client, CONTROL_WATCH_SCREEN, 1), ==, 0);
  for (;;)
    {
      if (screen_copy (f->shared, f->pixel_bytes, &f->page) == 0 && drawn (f))
        return;
      g_assert_true (raw_client_event (&f->client, &event));
    }
}

static guint
lit_pixels (const Fixture *f, guint32 left, guint32 top, guint32 width, guint32 height)
{
  guint count = 0;

  for (guint32 y = top; y < top + height; y++)
    for (guint32 x = left; x < left + width; x++)
      count += pixel (f, x, y) != 0;
  return count;
}

/* Two letters, the cursor, and nothing else. */
static gboolean
is_text (const Fixture *f)
{
  guint letters, cursor;

  if (f->page.mode.width != 720 || f->page.mode.height != 400)
    return FALSE;
  letters = lit_pixels (f, 0, 0, 18, 16);
  cursor = lit_pixels (f, 18, 0, 9, 16);
  return letters > 20 && lit_pixels (f, 0, 0, 9, 16) > 10 && cursor == 18
         && lit_pixels (f, 0, 0, 720, 400) == letters + cursor;
}

static void
test_text (Fixture *f, gconstpointer display)
{
  DISK (f, "\xb8\x03\x00\xcd\x10"             /* mov ax, 3; int 0x10: mode 3 */
           "\xb8\x68\x0e\xbb\x07\x00\xcd\x10" /* mov ax, 0x0e68; mov bx, 7; int 0x10: 'h' */
           "\xb8\x69\x0e\xcd\x10"             /* 'i' */
        BOOT_SECTOR_HALT);
  start (f, display);
  watch_until (f, is_text);
}

static gboolean
is_red (const Fixture *f)
{
  return f->page.mode.width == 640 && f->page.mode.height == 400 && pixel (f, 0, 0) == 0xaa0000
         && pixel (f, 639, 399) == 0xaa0000;
}

static void
test_256_colors (Fixture *f, gconstpointer display)
{
  DISK (f, "\xb8\x13\x00\xcd\x10"             /* mov ax, 0x13; int 0x10 */
           "\xb8\x00\xa0\x8e\xc0\x31\xff\xfc" /* mov ax, 0xa000; mov es, ax; xor di, di; cld */
           "\xb9\x00\xfa\xb0\x04\xf3\xaa"     /* mov cx, 64000; mov al, 4; rep stosb */
        BOOT_SECTOR_HALT);
  start (f, display);
  watch_until (f, is_red);
}

/* The first bank is white, the rest is black. */
static gboolean
is_linear (const Fixture *f)
{
  return f->page.mode.width == 640 && f->page.mode.height == 480 && f->page.mode.offset == 0
         && pixel (f, 639, 24) == 0xffffff && pixel (f, 0, 26) == 0;
}

/* mov ax, index; out dx, ax; inc dx; mov ax, value; out dx, ax; dec dx */
#define VBE(index, value) "\xb8" index "\x00\xef\x42\xb8" value "\xef\x4a"

static void
test_linear (Fixture *f, gconstpointer display)
{
  DISK (f, "\xba\xce\x01" /* mov dx, 0x1ce */
        VBE ("\x01", "\x80\x02") VBE ("\x02", "\xe0\x01") VBE ("\x03", "\x20\x00")
            VBE ("\x04", "\x41\x00") "\xb8\x00\xa0\x8e\xc0\x31\xff\xfc" /* mov ax, 0xa000; mov es,
                                                                           ax; xor di, di; cld */
                                     "\xb9\x00\x80\xb8\xff\xff\xf3\xab" /* mov cx, 0x8000; mov ax,
                                                                           0xffff; rep stosw */
        BOOT_SECTOR_HALT);
  start (f, display);
  watch_until (f, is_linear);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  need_kvm ();
  if (!g_file_test (BIOS_IMAGE, G_FILE_TEST_EXISTS) || !g_file_test (VGA_BIOS, G_FILE_TEST_EXISTS)
      || !g_file_test (VIRTIO_VGA_BIOS, G_FILE_TEST_EXISTS))
    {
      g_print ("1..0 # SKIP the BIOS, or that of a display adapter, is not installed\n");
      return EXIT_SKIPPED;
    }
  vmm_path = g_getenv ("INNKEEPER_VMM");
  vmm_arguments = g_getenv ("INNKEEPER_VMM_ARGUMENTS");
  g_assert_nonnull (vmm_path);
  g_assert_nonnull (vmm_arguments);

#define ADD(name, function, display)                                                               \
  g_test_add ("/display-boot/" name, Fixture, display, set_up, function, tear_down)
  ADD ("text", test_text, "1024x768,model=vga");
  ADD ("256-colors", test_256_colors, "1024x768,model=vga");
  ADD ("linear", test_linear, "1024x768,model=vga");
  ADD ("virtio-text", test_text, "1024x768");
  return g_test_run ();
}

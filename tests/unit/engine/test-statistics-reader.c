/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "statistics-reader.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

typedef struct
{
  int fd;
  struct statistics_page *shared; /* as the VMM would write it */
  struct statistics_page *page;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  const size_t size = sizeof (struct statistics_page);

  fixture->fd = memfd_create ("statistics", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  g_assert_cmpint (ftruncate (fixture->fd, (off_t)size), ==, 0);
  fixture->shared = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fixture->fd, 0);
  g_assert_true (fixture->shared != MAP_FAILED);
  fixture->shared->header.magic = STATISTICS_MAGIC;
  fixture->shared->header.major = STATISTICS_MAJOR;
  fixture->shared->header.size = (guint32)size;
  fixture->shared->header.vcpu_count = 2;
  fixture->page = g_new0 (struct statistics_page, 1);
}

static void
seal (Fixture *fixture)
{
  g_assert_cmpint (fcntl (fixture->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), ==, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  munmap (fixture->shared, sizeof (*fixture->shared));
  fd_close (&fixture->fd);
  g_free (fixture->page);
}

static InnStatisticsReader *
open_reader (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  InnStatisticsReader *reader = inn_statistics_reader_new (fixture->fd, &error);

  g_assert_no_error (error);
  return reader;
}

static void
test_last_good_copy (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnStatisticsReader) reader = NULL;

  seal (fixture);
  reader = open_reader (fixture);
  fixture->shared->status.resets = 1;
  g_assert_true (inn_statistics_reader_read (reader, fixture->page));
  g_assert_cmpuint (fixture->page->status.resets, ==, 1);

  /* the writer dies within an update, and then somebody scribbles */
  fixture->shared->header.sequence = 1;
  fixture->shared->status.resets = 2;
  g_assert_false (inn_statistics_reader_read (reader, fixture->page));
  g_assert_cmpuint (fixture->page->status.resets, ==, 1);
  fixture->shared->header.sequence = 2;
  fixture->shared->header.vcpu_count = G_MAXUINT32;
  g_assert_false (inn_statistics_reader_read (reader, fixture->page));
  g_assert_cmpuint (fixture->page->status.resets, ==, 1);
  g_assert_cmpuint (fixture->page->header.vcpu_count, ==, 2);

  fixture->shared->header.vcpu_count = 2;
  g_assert_true (inn_statistics_reader_read (reader, fixture->page));
  g_assert_cmpuint (fixture->page->status.resets, ==, 2);
}

static void
test_text_is_utf8 (Fixture *fixture, gconstpointer data)
{
  g_autoptr (InnStatisticsReader) reader = NULL;

  memset (fixture->shared->status.text, 0xff, STATISTICS_TEXT_SIZE);
  memcpy (fixture->shared->status.text, "caf\303\251 \303", 7);
  seal (fixture);
  reader = open_reader (fixture);
  g_assert_true (inn_statistics_reader_read (reader, fixture->page));
  g_assert_true (g_utf8_validate (fixture->page->status.text, -1, NULL));
  g_assert_true (g_str_has_prefix (fixture->page->status.text, "café ?"));
  g_assert_cmpuint (strlen (fixture->page->status.text), ==, STATISTICS_TEXT_SIZE - 1);
}

static void
assert_refused (Fixture *fixture, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (inn_statistics_reader_new (fixture->fd, &error));
  g_assert_error (error, G_IO_ERROR, code);
}

static void
test_refuses (Fixture *fixture, gconstpointer data)
{
  assert_refused (fixture, G_IO_ERROR_INVALID_DATA); /* not sealed */
  g_assert_cmpint (fcntl (fixture->fd, F_ADD_SEALS, F_SEAL_GROW), ==, 0);
  assert_refused (fixture, G_IO_ERROR_INVALID_DATA); /* could shrink */
  seal (fixture);
  fixture->shared->header.major++;
  assert_refused (fixture, G_IO_ERROR_NOT_SUPPORTED);
  fixture->shared->header.magic++;
  assert_refused (fixture, G_IO_ERROR_INVALID_DATA);
}

static void
test_refuses_other_size (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (ftruncate (fixture->fd, sizeof (struct statistics_page) - 1), ==, 0);
  seal (fixture);
  assert_refused (fixture, G_IO_ERROR_INVALID_DATA);
}

static void
test_history (Fixture *fixture, gconstpointer data)
{
  g_autofree struct statistics_history *history = g_new0 (struct statistics_history, 1);
  g_autoptr (InnStatisticsReader) without = NULL, with = NULL;
  struct statistics_area *area;

  seal (fixture);
  without = open_reader (fixture);
  g_assert_false (inn_statistics_reader_read_history (without, history));
  tear_down (fixture, data);

  set_up (fixture, data);
  g_assert_cmpint (ftruncate (fixture->fd, sizeof *area), ==, 0);
  area = mmap (NULL, sizeof *area, PROT_READ | PROT_WRITE, MAP_SHARED, fixture->fd, 0);
  g_assert_true (area != MAP_FAILED);
  seal (fixture);
  with = open_reader (fixture);
  area->page.status.sampled_ns = area->history.samples[0].sampled_ns = 60;
  area->history.samples[0].halts = 5;
  area->history.count = 1;
  g_assert_true (inn_statistics_reader_read_history (with, history));
  g_assert_cmpuint (history->count, ==, 1);
  g_assert_cmpuint (history->samples[0].halts, ==, 5);
  area->page.header.sequence = 1;
  g_assert_false (inn_statistics_reader_read_history (with, history));
  munmap (area, sizeof *area);
}

/* From here on every system call but exit_group kills. */
static void
forbid_system_calls (void)
{
  struct sock_filter filter[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  struct sock_fprog program = { .len = G_N_ELEMENTS (filter), .filter = filter };

  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
      || prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
    _exit (2);
}

static void
test_no_system_call (Fixture *fixture, gconstpointer data)
{
  g_autofree struct statistics_history *history = g_new0 (struct statistics_history, 1);
  g_autoptr (InnStatisticsReader) reader = NULL;
  pid_t pid;
  int status;

  g_assert_cmpint (ftruncate (fixture->fd, sizeof (struct statistics_area)), ==, 0);
  seal (fixture);
  reader = open_reader (fixture);
  pid = fork ();
  if (pid == 0)
    {
      forbid_system_calls ();
      for (guint i = 0; i < 1000; i++)
        {
          if (!inn_statistics_reader_read (reader, fixture->page)
              || !inn_statistics_reader_read_history (reader, history))
            syscall (SYS_exit_group, 1);
        }
      syscall (SYS_exit_group, 0);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/statistics-reader/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("last-good-copy", test_last_good_copy);
  ADD ("text-is-utf8", test_text_is_utf8);
  ADD ("refuses", test_refuses);
  ADD ("refuses-other-size", test_refuses_other_size);
  ADD ("history", test_history);
  ADD ("no-system-call", test_no_system_call);

  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * keep-pattern DEVICE MEBIBYTES: rewrites so much memory and the start of a disk again and again,
 * each time after a check that both hold what it wrote the time before, and sends the number of the
 * pass around a TCP connection. A snapshot, a clone or a restored machine that is not exactly what
 * it was at its moment says GUEST-MISMATCH. Each pass is a line:
 * GUEST-PASS N wall=SECONDS up=SECONDS uuid=UUID. Never ends.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum
{
  PAGE = 4096,
  WORDS = PAGE / sizeof (uint64_t),
  BLOCKS = 64 /* of the disk, a page each */
};

static void
fail (const char *what)
{
  perror (what);
  exit (1);
}

static uint64_t
word_of (uint64_t pass, uint64_t page, unsigned int word)
{
  return (pass << 40 | page << 16 | word) * 0x9e3779b97f4a7c15;
}

static void
fill_page (uint64_t *words, uint64_t pass, uint64_t page)
{
  for (unsigned int i = 0; i < WORDS; i++)
    words[i] = word_of (pass, page, i);
}

static void
check_page (const uint64_t *words, uint64_t pass, uint64_t page, const char *where)
{
  for (unsigned int i = 0; i < WORDS; i++)
    if (words[i] != word_of (pass, page, i))
      {
        printf ("GUEST-MISMATCH %s page %" PRIu64 " word %u in pass %" PRIu64 ": %" PRIx64 "\n",
                where, page, i, pass, words[i]);
        return;
      }
}

static void
rewrite_memory (uint64_t *memory, uint64_t pages, uint64_t pass)
{
  for (uint64_t page = 0; page < pages; page++)
    {
      if (pass > 1)
        check_page (memory + page * WORDS, pass - 1, page, "memory");
      fill_page (memory + page * WORDS, pass, page);
    }
}

static void
rewrite_disk (int disk, uint64_t *buffer, uint64_t pass)
{
  for (uint64_t block = 0; block < BLOCKS; block++)
    {
      if (pass > 1)
        {
          if (pread (disk, buffer, PAGE, (off_t)(block * PAGE)) != PAGE)
            fail ("read");
          check_page (buffer, pass - 1, block, "disk");
        }
      fill_page (buffer, pass, block);
      if (pwrite (disk, buffer, PAGE, (off_t)(block * PAGE)) != PAGE)
        fail ("write");
    }
}

/* One end of a connection whose other end, a process of its own, sends back what it gets. */
static int
connect_to_echo (void)
{
  struct sockaddr_in address
      = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof (address);
  int listener = socket (AF_INET, SOCK_STREAM, 0), end = socket (AF_INET, SOCK_STREAM, 0);

  if (bind (listener, (struct sockaddr *)&address, sizeof (address)) < 0 || listen (listener, 1) < 0
      || getsockname (listener, (struct sockaddr *)&address, &length) < 0)
    fail ("listen");
  if (fork () == 0)
    {
      uint64_t word;
      int other = accept (listener, NULL, NULL);

      while (read (other, &word, sizeof (word)) == sizeof (word))
        if (write (other, &word, sizeof (word)) != sizeof (word))
          break;
      _exit (0);
    }
  if (connect (end, (struct sockaddr *)&address, sizeof (address)) < 0)
    fail ("connect");
  return end;
}

static void
go_around (int connection, uint64_t pass)
{
  uint64_t word = 0;

  if (write (connection, &pass, sizeof (pass)) != sizeof (pass)
      || read (connection, &word, sizeof (word)) != sizeof (word) || word != pass)
    printf ("GUEST-MISMATCH connection in pass %" PRIu64 ": %" PRIu64 "\n", pass, word);
}

static double
seconds (clockid_t clock)
{
  struct timespec time;

  clock_gettime (clock, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void
tell (uint64_t pass)
{
  char uuid[64] = "";
  int fd = open ("/proc/sys/kernel/random/uuid", O_RDONLY);
  ssize_t length = read (fd, uuid, sizeof (uuid) - 1);

  close (fd);
  uuid[length > 0 ? strcspn (uuid, "\n") : 0] = '\0';
  printf ("GUEST-PASS %" PRIu64 " wall=%.3f up=%.3f uuid=%s\n", pass, seconds (CLOCK_REALTIME),
          seconds (CLOCK_MONOTONIC), uuid);
}

int
main (int argc, char **argv)
{
  uint64_t pages = argc == 3 ? strtoull (argv[2], NULL, 10) * (1 << 20) / PAGE : 0;
  uint64_t *memory
      = mmap (NULL, (pages + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int disk = argc == 3 ? open (argv[1], O_RDWR | O_DIRECT | O_SYNC) : -1;
  int connection = connect_to_echo ();

  if (pages == 0 || memory == MAP_FAILED || disk < 0)
    fail ("keep-pattern");
  setvbuf (stdout, NULL, _IOLBF, 0);
  for (uint64_t pass = 1;; pass++)
    {
      rewrite_memory (memory, pages, pass);
      rewrite_disk (disk, memory + pages * WORDS, pass);
      go_around (connection, pass);
      tell (pass);
    }
}

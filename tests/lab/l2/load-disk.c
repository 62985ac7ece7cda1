/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load-disk DEVICE read|write DEPTH SECONDS: random aligned 4 KiB requests, so many under way at a
 * time, past the guest's own cache; prints how many there were, and in what time.
 */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum
{
  BLOCK = 4096,
  MAX_DEPTH = 64
};

struct load
{
  int fd;
  unsigned short operation;
  unsigned long blocks;
  unsigned long state; /* of the generator: the same requests each time */
  aio_context_t context;
  struct iocb requests[MAX_DEPTH];
};

static char buffers[MAX_DEPTH][BLOCK] __attribute__ ((aligned (BLOCK)));

static int
fail (const char *what)
{
  perror (what);
  return 1;
}

static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static unsigned long
next_block (struct load *load)
{
  load->state = load->state * 6364136223846793005UL + 1442695040888963407UL;
  return (load->state >> 33) % load->blocks;
}

static int
submit (struct load *load, unsigned int slot)
{
  struct iocb *request = &load->requests[slot];

  memset (request, 0, sizeof (*request));
  request->aio_data = slot;
  request->aio_lio_opcode = load->operation;
  request->aio_fildes = (unsigned int)load->fd;
  request->aio_buf = (unsigned long)buffers[slot];
  request->aio_nbytes = BLOCK;
  request->aio_offset = (long)(next_block (load) * BLOCK);
  return syscall (SYS_io_submit, load->context, 1L, &request) == 1 ? 0 : -1;
}

static int
run (struct load *load, unsigned int depth, double seconds)
{
  struct io_event events[MAX_DEPTH];
  unsigned long done = 0;
  unsigned int under_way = depth;
  double began = now (), end = began + seconds;

  for (unsigned int i = 0; i < depth; i++)
    if (submit (load, i) < 0)
      return fail ("io_submit");
  while (under_way > 0)
    {
      long count = syscall (SYS_io_getevents, load->context, 1L, (long)MAX_DEPTH, events, NULL);
      int more = now () < end;

      for (long i = 0; i < count; i++)
        {
          if (events[i].res != BLOCK)
            return fail ("a request");
          if (more && submit (load, (unsigned int)events[i].data) < 0)
            return fail ("io_submit");
        }
      if (count < 0)
        return fail ("io_getevents");
      done += (unsigned long)count;
      under_way -= more ? 0 : (unsigned int)count;
    }
  printf ("GUEST-DISK requests=%lu seconds=%.3f\n", done, now () - began);
  return 0;
}

int
main (int argc, char **argv)
{
  struct load load = { .state = 1 };
  unsigned long size = 0;
  unsigned int depth;
  int writes;

  if (argc != 5)
    return 2;
  writes = strcmp (argv[2], "write") == 0;
  depth = (unsigned int)atoi (argv[3]);
  load.operation = writes ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
  load.fd = open (argv[1], (writes ? O_RDWR : O_RDONLY) | O_DIRECT);
  if (load.fd < 0 || ioctl (load.fd, BLKGETSIZE64, &size) < 0 || size < BLOCK)
    return fail (argv[1]);
  load.blocks = size / BLOCK;
  if (depth == 0 || depth > MAX_DEPTH || syscall (SYS_io_setup, MAX_DEPTH, &load.context) < 0)
    return fail ("io_setup");
  return run (&load, depth, atof (argv[4]));
}

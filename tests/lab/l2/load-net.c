/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load-net send ADDRESS PORT SECONDS: connects and sends for so long.
 * load-net receive ADDRESS PORT: connects and receives to the end.
 * Prints how much it was, and in what time.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char bytes[128 << 10];

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

int
main (int argc, char **argv)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  int fd = socket (AF_INET, SOCK_STREAM, 0), sends;
  unsigned long total = 0;
  double began, end;
  ssize_t length;

  if (argc < 4 || fd < 0 || inet_pton (AF_INET, argv[2], &address.sin_addr) != 1)
    return 2;
  sends = strcmp (argv[1], "send") == 0;
  address.sin_port = htons ((unsigned short)atoi (argv[3]));
  if (connect (fd, (struct sockaddr *)&address, sizeof (address)) < 0)
    return fail ("connect");
  began = now ();
  end = began + (sends && argc > 4 ? atof (argv[4]) : 1e9);
  do
    {
      length = sends ? write (fd, bytes, sizeof (bytes)) : read (fd, bytes, sizeof (bytes));
      total += length > 0 ? (unsigned long)length : 0;
    }
  while (length > 0 && now () < end);
  if (length < 0)
    return fail (argv[1]);
  printf ("GUEST-NET-LOAD bytes=%lu seconds=%.3f\n", total, now () - began);
  return 0;
}

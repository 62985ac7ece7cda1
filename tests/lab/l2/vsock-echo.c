/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vsock-echo connect PORT: connects to the host there, says a word and prints the answer.
 * vsock-echo listen PORT: gives one connection back what it sends, in lines.
 */
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int
fail (const char *what)
{
  perror (what);
  return 1;
}

static int
talk (int fd)
{
  char line[256];
  ssize_t length;

  if (write (fd, "from the guest\n", 15) != 15)
    return fail ("write");
  length = read (fd, line, sizeof (line) - 1);
  if (length < 0)
    return fail ("read");
  line[length] = '\0';
  printf ("GUEST-VSOCK-HEARD %s\n", line);
  return 0;
}

static int
echo (int listener)
{
  static char bytes[65536];
  size_t total = 0;
  ssize_t length;
  int fd;

  if (listen (listener, 1) < 0)
    return fail ("listen");
  puts ("GUEST-VSOCK-LISTENS");
  fflush (stdout);
  fd = accept (listener, NULL, NULL);
  if (fd < 0)
    return fail ("accept");
  while ((length = read (fd, bytes, sizeof (bytes))) > 0)
    {
      for (ssize_t at = 0, n; at < length; at += n)
        {
          n = write (fd, bytes + at, (size_t)(length - at));
          if (n <= 0)
            return fail ("write");
        }
      total += (size_t)length;
    }
  printf ("GUEST-VSOCK-ECHOED %zu\n", total);
  return 0;
}

int
main (int argc, char **argv)
{
  struct sockaddr_vm address = { .svm_family = AF_VSOCK };
  int fd = socket (AF_VSOCK, SOCK_STREAM, 0), listens;

  if (argc != 3 || fd < 0)
    return fail ("socket");
  listens = strcmp (argv[1], "listen") == 0;
  address.svm_cid = listens ? VMADDR_CID_ANY : VMADDR_CID_HOST;
  address.svm_port = (unsigned int)atoi (argv[2]);
  if (listens)
    return bind (fd, (struct sockaddr *)&address, sizeof (address)) < 0 ? fail ("bind") : echo (fd);
  if (connect (fd, (struct sockaddr *)&address, sizeof (address)) < 0)
    return fail ("connect");
  return talk (fd);
}

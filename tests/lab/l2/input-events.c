/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * input-events: says in words what comes from the input devices there are, each event a line:
 * GUEST-INPUT DEVICE type=T code=C value=V. Never ends.
 */
#include <fcntl.h>
#include <linux/input.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum
{
  MAX_DEVICES = 16
};

static char names[MAX_DEVICES][64];

static int
open_device (int number)
{
  char path[32];
  int fd;

  snprintf (path, sizeof (path), "/dev/input/event%d", number);
  fd = open (path, O_RDONLY | O_NONBLOCK);
  if (fd < 0)
    return -1;
  if (ioctl (fd, EVIOCGNAME (sizeof (names[0]) - 1), names[number]) < 0)
    strcpy (names[number], "unnamed");
  for (char *at = names[number]; *at != '\0'; at++)
    if (*at == ' ')
      *at = '-';
  printf ("GUEST-DEVICE %s\n", names[number]);
  return fd;
}

static void
print_events (int fd, const char *name)
{
  struct input_event event;

  while (read (fd, &event, sizeof (event)) == sizeof (event))
    if (event.type != EV_SYN && event.type != EV_MSC)
      printf ("GUEST-INPUT %s type=%d code=%d value=%d\n", name, event.type, event.code,
              event.value);
}

int
main (void)
{
  struct pollfd devices[MAX_DEVICES];

  setvbuf (stdout, NULL, _IOLBF, 0);
  for (int i = 0; i < MAX_DEVICES; i++)
    devices[i] = (struct pollfd){ .fd = open_device (i), .events = POLLIN };
  puts ("GUEST-LISTENS");
  while (poll (devices, MAX_DEVICES, -1) > 0)
    for (int i = 0; i < MAX_DEVICES; i++)
      if (devices[i].fd >= 0 && devices[i].revents)
        print_events (devices[i].fd, names[i]);
  return 1;
}

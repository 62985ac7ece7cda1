/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * screen-draw follow: shows a plain picture in the size that the screen wants, again whenever the
 * kernel says that the screen has changed, and says so: GUEST-SHOWS WIDTHxHEIGHT. Never ends.
 * screen-draw animate FRAMES: then moves a bar, 60 steps a second, and says GUEST-MOVED FRAMES.
 */
#include <fcntl.h>
#include <libdrm/drm.h>
#include <libdrm/drm_mode.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum
{
  MAX_OBJECTS = 16,
  MAX_MODES = 64,
  BAR = 64,
  STEP = 8,
  FRAMES_A_SECOND = 60
};

static const uint32_t BACKGROUND = 0x00336699, FOREGROUND = 0x00ffcc00;

struct picture
{
  uint32_t width, height, stride; /* stride in pixels */
  uint32_t framebuffer;
  uint32_t *pixels;
};

static int card;

static void
request (unsigned long number, void *argument, const char *what)
{
  if (ioctl (card, number, argument) < 0)
    {
      perror (what);
      exit (1);
    }
}

static void
get_output (uint32_t *crtc, uint32_t *connector)
{
  uint32_t crtcs[MAX_OBJECTS], connectors[MAX_OBJECTS];
  struct drm_mode_card_res resources = {
    .crtc_id_ptr = (uintptr_t)crtcs,
    .count_crtcs = MAX_OBJECTS,
    .connector_id_ptr = (uintptr_t)connectors,
    .count_connectors = MAX_OBJECTS,
  };

  request (DRM_IOCTL_MODE_GETRESOURCES, &resources, "resources");
  *crtc = crtcs[0];
  *connector = connectors[0];
}

/* The first mode is the one the screen prefers; asking for them looks at the screen again. */
static struct drm_mode_modeinfo
get_mode (uint32_t connector)
{
  struct drm_mode_modeinfo modes[MAX_MODES];
  struct drm_mode_get_connector query = { .connector_id = connector };

  request (DRM_IOCTL_MODE_GETCONNECTOR, &query, "connector");
  if (query.count_modes == 0 || query.count_modes > MAX_MODES)
    {
      fprintf (stderr, "%u modes\n", query.count_modes);
      exit (1);
    }
  query.modes_ptr = (uintptr_t)modes;
  query.count_props = 0;
  query.count_encoders = 0;
  request (DRM_IOCTL_MODE_GETCONNECTOR, &query, "modes");
  return modes[0];
}

static struct picture
make_picture (uint32_t width, uint32_t height)
{
  struct drm_mode_create_dumb memory = { .width = width, .height = height, .bpp = 32 };
  struct drm_mode_map_dumb place = { 0 };
  struct drm_mode_fb_cmd frame = { .width = width, .height = height, .bpp = 32, .depth = 24 };
  struct picture picture = { .width = width, .height = height };

  request (DRM_IOCTL_MODE_CREATE_DUMB, &memory, "picture memory");
  place.handle = memory.handle;
  request (DRM_IOCTL_MODE_MAP_DUMB, &place, "map");
  frame.handle = memory.handle;
  frame.pitch = memory.pitch;
  request (DRM_IOCTL_MODE_ADDFB, &frame, "framebuffer");
  picture.stride = memory.pitch / sizeof (uint32_t);
  picture.framebuffer = frame.fb_id;
  picture.pixels
      = mmap (NULL, memory.size, PROT_READ | PROT_WRITE, MAP_SHARED, card, (off_t)place.offset);
  if (picture.pixels == MAP_FAILED)
    {
      perror ("mmap");
      exit (1);
    }
  return picture;
}

static void
fill (const struct picture *picture, uint32_t x, uint32_t width, uint32_t colour)
{
  for (uint32_t row = 0; row < picture->height; row++)
    for (uint32_t i = 0; i < width; i++)
      picture->pixels[row * picture->stride + x + i] = colour;
}

static struct picture
show (void)
{
  uint32_t crtc, connector;
  struct drm_mode_modeinfo mode;
  struct picture picture;
  struct drm_mode_crtc setting;

  get_output (&crtc, &connector);
  mode = get_mode (connector);
  picture = make_picture (mode.hdisplay, mode.vdisplay);
  fill (&picture, 0, picture.width, BACKGROUND);
  setting = (struct drm_mode_crtc){
    .crtc_id = crtc,
    .fb_id = picture.framebuffer,
    .set_connectors_ptr = (uintptr_t)&connector,
    .count_connectors = 1,
    .mode = mode,
    .mode_valid = 1,
  };
  request (DRM_IOCTL_MODE_SETCRTC, &setting, "mode");
  printf ("GUEST-SHOWS %ux%u\n", picture.width, picture.height);
  return picture;
}

static void
tell_changed (const struct picture *picture, uint32_t x, uint32_t width)
{
  struct drm_clip_rect clip = { (uint16_t)x, 0, (uint16_t)(x + width), (uint16_t)picture->height };
  struct drm_mode_fb_dirty_cmd dirty = {
    .fb_id = picture->framebuffer,
    .num_clips = 1,
    .clips_ptr = (uintptr_t)&clip,
  };

  request (DRM_IOCTL_MODE_DIRTYFB, &dirty, "dirty");
}

static void
animate (const struct picture *picture, unsigned int frames)
{
  const struct timespec step = { .tv_nsec = 1000000000 / FRAMES_A_SECOND };
  const struct itimerspec time = { .it_interval = step, .it_value = step };
  int timer = timerfd_create (CLOCK_MONOTONIC, TFD_CLOEXEC);
  unsigned long late = 0;
  uint32_t x = 0;

  timerfd_settime (timer, 0, &time, NULL);
  for (unsigned int i = 0; i < frames; i++)
    {
      uint32_t next = (x + STEP) % (picture->width - BAR - STEP);
      uint64_t ticks;

      if (read (timer, &ticks, sizeof (ticks)) != sizeof (ticks))
        exit (1);
      late += ticks - 1;
      fill (picture, x, BAR, BACKGROUND);
      fill (picture, next, BAR, FOREGROUND);
      if (next < x)
        tell_changed (picture, 0, picture->width);
      else
        tell_changed (picture, x, BAR + STEP);
      x = next;
    }
  printf ("GUEST-MOVED %u late=%lu\n", frames, late);
}

static void
follow (void)
{
  const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
  int events = socket (AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
  char event[4096];
  ssize_t length;

  if (events < 0 || bind (events, (const struct sockaddr *)&address, sizeof (address)) < 0)
    {
      perror ("events");
      exit (1);
    }
  show ();
  while ((length = recv (events, event, sizeof (event), 0)) > 0)
    if (memmem (event, (size_t)length, "HOTPLUG=1", 9))
      show ();
}

int
main (int argc, char **argv)
{
  setvbuf (stdout, NULL, _IOLBF, 0);
  card = open ("/dev/dri/card0", O_RDWR | O_CLOEXEC);
  if (card < 0)
    {
      perror ("/dev/dri/card0");
      return 1;
    }
  if (argc == 3 && strcmp (argv[1], "animate") == 0)
    {
      struct picture picture = show ();

      animate (&picture, (unsigned int)atoi (argv[2]));
      pause ();
    }
  follow ();
  return 1;
}

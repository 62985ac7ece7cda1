/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * innctl screenshot: what a guest shows now, as a PNG image.
 */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "innctl.h"
#include "json-writer.h"
#include "png-writer.h"

static InnGuestScreen *
open_screen (const InnctlTarget *target, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  if (target->guest != NULL)
    {
      inn_guest_open_screen_async (target->guest, NULL, innctl_take_result, &result);
      innctl_await (&result);
      return inn_guest_open_screen_finish (target->guest, result, error);
    }

  inn_control_channel_open_screen_async (target->channel, NULL, innctl_take_result, &result);
  innctl_await (&result);
  return inn_control_channel_open_screen_finish (target->channel, result, error);
}

static gboolean
refresh (InnGuestScreen *screen, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_guest_screen_refresh_async (screen, NULL, innctl_take_result, &result);
  innctl_await (&result);
  return inn_guest_screen_refresh_finish (screen, result, error);
}

/* A guest that changes it all the time is read in a moment when it does not. */
static gboolean
read_page (InnGuestScreen *screen, struct screen_page *page)
{
  for (guint i = 0; i < 100; i++)
    {
      if (inn_guest_screen_read (screen, page))
        return TRUE;
      g_usleep (1000);
    }

  return FALSE;
}

static void
report (const Innctl *self, const char *path, const struct screen_mode *mode)
{
  g_autofree char *name = g_filename_display_name (path);
  InnctlJson json;

  if (!self->json)
    return;

  innctl_json_init (&json);
  innctl_json_begin_object (&json, NULL);
  innctl_json_add_string (&json, "file", name);
  innctl_json_add_unsigned (&json, "width", mode->width);
  innctl_json_add_unsigned (&json, "height", mode->height);
  innctl_json_end_object (&json);
  innctl_json_print (&json);
}

/* The file is there whole, or as it was before. */
static InnctlStatus
save (const Innctl *self, const struct screen_mode *mode, GBytes *pixels, const char *path)
{
  g_autoptr (GBytes) png = innctl_png_pack (mode, pixels);
  g_autoptr (GError) error = NULL;

  if (png == NULL)
    return innctl_fail_with (_ ("There is no memory for a picture of the screen."));
  if (!g_file_set_contents_full (path, g_bytes_get_data (png, NULL), (gssize)g_bytes_get_size (png),
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0666,
                                 &error))
    return innctl_fail_with (_ ("“%s” cannot be written: %s."), path,
                             g_strerror (inn_engine_errno_from_file_error (error)));

  report (self, path, mode);
  return INNCTL_DONE;
}

static InnctlStatus
run_screenshot (Innctl *self, char **arguments)
{
  g_auto (InnctlTarget) target = { NULL, NULL };
  g_autofree struct screen_page *page = g_new0 (struct screen_page, 1);
  g_autoptr (InnGuestScreen) screen = NULL;
  g_autoptr (GError) error = NULL;
  InnctlStatus status = innctl_target_init (&target, self, arguments);
  const char *name, *path;

  if (status != INNCTL_DONE)
    return status;

  name = innctl_target_get_name (&target, self);
  path = arguments[target.guest != NULL ? 1 : 0];
  screen = open_screen (&target, &error);
  if (screen == NULL || !refresh (screen, &error))
    return innctl_fail (error);
  if (!read_page (screen, page))
    return innctl_fail_with (_ ("The screen of “%s” cannot be read now. Try again."), name);
  if (page->mode.width == 0)
    return innctl_fail_with (_ ("“%s” shows nothing on its screen now."), name);

  return save (self, &page->mode, inn_guest_screen_get_pixels (screen), path);
}

const InnctlVerb innctl_screenshot_verb = {
  .name = "screenshot",
  .arguments = "NAME FILE.png",
  .summary = N_ ("save what a running machine shows on its screen"),
  .details = N_ ("Works while the machine is paused, too. A file of that name is replaced."),
  .min_arguments = 2,
  .max_arguments = 2,
  .takes_control = TRUE,
  .run = run_screenshot,
};

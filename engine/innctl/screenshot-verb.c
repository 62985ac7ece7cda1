/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * innctl screenshot: what a guest shows now, as a PNG image.
 */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "innctl.h"
#include "json-writer.h"
#include "screen-picture.h"

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

static GBytes *
take_picture (InnGuestScreen *screen, guint *ret_width, guint *ret_height, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_screen_picture_take_async (screen, NULL, innctl_take_result, &result);
  innctl_await (&result);
  return inn_screen_picture_take_finish (screen, result, ret_width, ret_height, error);
}

static void
report (const Innctl *self, const char *path, guint width, guint height)
{
  g_autofree char *name = g_filename_display_name (path);
  InnctlJson json;

  if (!self->json)
    return;

  innctl_json_init (&json);
  innctl_json_begin_object (&json, NULL);
  innctl_json_add_string (&json, "file", name);
  innctl_json_add_unsigned (&json, "width", width);
  innctl_json_add_unsigned (&json, "height", height);
  innctl_json_end_object (&json);
  innctl_json_print (&json);
}

/* The file is there whole, or as it was before. */
static InnctlStatus
save (GBytes *picture, const char *path)
{
  g_autoptr (GError) error = NULL;

  if (!g_file_set_contents_full (path, g_bytes_get_data (picture, NULL),
                                 (gssize)g_bytes_get_size (picture),
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0666,
                                 &error))
    return innctl_fail_with (_ ("“%s” cannot be written: %s."), path,
                             g_strerror (inn_engine_errno_from_file_error (error)));
  return INNCTL_DONE;
}

static InnctlStatus
run_screenshot (Innctl *self, char **arguments)
{
  g_auto (InnctlTarget) target = { NULL, NULL };
  g_autoptr (InnGuestScreen) screen = NULL;
  g_autoptr (GBytes) picture = NULL;
  g_autoptr (GError) error = NULL;
  InnctlStatus status = innctl_target_init (&target, self, arguments);
  const char *path;
  guint width, height;

  if (status != INNCTL_DONE)
    return status;

  path = arguments[target.guest != NULL ? 1 : 0];
  screen = open_screen (&target, &error);
  if (screen != NULL)
    picture = take_picture (screen, &width, &height, &error);
  if (picture == NULL)
    return innctl_fail (error);

  status = save (picture, path);
  if (status == INNCTL_DONE)
    report (self, path, width, height);
  return status;
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

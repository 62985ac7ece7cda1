/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * innctl setmem: how much of its memory a running guest shall use; the rest is taken back.
 */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "innctl.h"
#include "protocol/control-protocol.h"

static gboolean
set_balloon (const InnctlTarget *target, guint64 bytes, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  if (target->guest != NULL)
    {
      inn_guest_set_balloon_async (target->guest, bytes, NULL, innctl_take_result, &result);
      innctl_await (&result);
      return inn_guest_set_balloon_finish (target->guest, result, error);
    }

  inn_control_channel_set_balloon_async (target->channel, bytes, NULL, innctl_take_result, &result);
  innctl_await (&result);
  return inn_control_channel_call_finish (target->channel, result, error);
}

static gboolean
read_given_memory (const InnctlTarget *target, guint64 *ret_bytes)
{
  g_autofree struct statistics_page *page = g_new0 (struct statistics_page, 1);

  if (target->guest != NULL ? !inn_guest_read_statistics (target->guest, page)
                            : !inn_control_channel_read_statistics (target->channel, page))
    return FALSE;

  *ret_bytes = page->memory.guest_bytes;
  return TRUE;
}

static InnctlStatus
run_setmem (Innctl *self, char **arguments)
{
  g_auto (InnctlTarget) target = { NULL, NULL };
  g_autoptr (GError) error = NULL;
  InnctlStatus status = innctl_target_init (&target, self, arguments);
  const char *text = arguments[self->control_path == NULL ? 1 : 0];
  guint64 size, given;

  if (status != INNCTL_DONE)
    return status;
  if (!innctl_parse_size (text, &size) || size % CONTROL_BALLOON_STEP != 0)
    {
      innctl_fail_with (_ ("“%s” is not a size of memory. Write it like 512M or 2G."), text);
      return INNCTL_USAGE;
    }
  if (!read_given_memory (&target, &given))
    return innctl_fail_with (_ ("“%s” is not running, so its memory cannot be set."),
                             innctl_target_get_name (&target, self));
  if (size > given)
    {
      g_autofree char *most = g_format_size_full (given, G_FORMAT_SIZE_IEC_UNITS);

      return innctl_fail_with (_ ("“%s” was started with %s; it cannot use more until it is "
                                  "started with more."),
                               innctl_target_get_name (&target, self), most);
    }

  return set_balloon (&target, given - size, &error) ? INNCTL_DONE : innctl_fail (error);
}

const InnctlVerb innctl_setmem_verb = {
  .name = "setmem",
  .arguments = "NAME SIZE",
  .summary = N_ ("let a running guest use so much of its memory, and take the rest back"),
  .min_arguments = 2,
  .max_arguments = 2,
  .takes_control = TRUE,
  .run = run_setmem,
};

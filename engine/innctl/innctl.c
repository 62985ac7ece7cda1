/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the verbs of innctl share.
 */
#include "config.h"

#include "innctl.h"

#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <stdlib.h>

enum
{
  SETTLE_TIMEOUT_MS = 5000,
};

static void
print_sentence (const char *sentence)
{
  g_printerr ("innctl: %s\n", sentence);
}

InnctlStatus
innctl_fail (const GError *error)
{
  print_sentence (error->message);
  return INNCTL_FAILED;
}

InnctlStatus
innctl_fail_with (const char *format, ...)
{
  g_autofree char *sentence = NULL;
  va_list arguments;

  va_start (arguments, format);
  sentence = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  print_sentence (sentence);

  return INNCTL_FAILED;
}

InnctlStatus
innctl_fail_usage (const char *format, ...)
{
  g_autofree char *sentence = NULL;
  va_list arguments;

  va_start (arguments, format);
  sentence = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  print_sentence (sentence);

  return INNCTL_USAGE;
}

void
innctl_warn (const char *sentence)
{
  print_sentence (sentence);
}

gboolean
innctl_ask (const char *question)
{
  char answer[16];

  g_printerr (_ ("%s [y/N] "), question);
  return fgets (answer, sizeof (answer), stdin) != NULL && rpmatch (answer) == 1;
}

void
innctl_take_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **slot = user_data;

  *slot = g_object_ref (result);
}

void
innctl_await (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
on_timeout (gpointer user_data)
{
  gboolean *expired = user_data;

  *expired = TRUE;
  return G_SOURCE_CONTINUE;
}

gboolean
innctl_wait (guint milliseconds, gboolean (*condition) (gpointer data), gpointer data)
{
  gboolean expired = FALSE;
  const guint timeout_id = g_timeout_add (milliseconds, on_timeout, &expired);
  gboolean holds = condition != NULL && condition (data);

  while (!expired && !holds)
    {
      g_main_context_iteration (NULL, TRUE);
      holds = condition != NULL && condition (data);
    }
  g_source_remove (timeout_id);

  return holds;
}

static gboolean
is_settled (gpointer data)
{
  InnEngine *engine = data;

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (engine)); i++)
    {
      g_autoptr (InnGuest) guest = g_list_model_get_item (G_LIST_MODEL (engine), i);

      if (!inn_guest_is_settled (guest))
        return FALSE;
    }

  return TRUE;
}

InnctlStatus
innctl_open_engine (Innctl *self)
{
  g_autoptr (GError) error = NULL;

  if (self->engine != NULL)
    return INNCTL_DONE;

  self->engine = inn_engine_new (NULL, NULL, NULL);
  if (!inn_engine_open (self->engine, &error))
    return innctl_fail (error);

  innctl_wait (SETTLE_TIMEOUT_MS, is_settled, self->engine);
  return INNCTL_DONE;
}

InnGuest *
innctl_find_guest (Innctl *self, const char *name)
{
  InnGuest *guest;

  if (innctl_open_engine (self) != INNCTL_DONE)
    return NULL;

  guest = inn_engine_find_by_name (self->engine, name);
  if (guest == NULL)
    guest = inn_engine_find (self->engine, name);
  if (guest == NULL)
    innctl_fail_with (_ ("There is no machine “%s”. “innctl list” shows those there are."), name);

  return guest;
}

static InnctlStatus
open_control (InnctlTarget *target, const char *path)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_control_channel_open_async (path, NULL, innctl_take_result, &result);
  innctl_await (&result);
  target->channel = inn_control_channel_open_finish (result, &error);
  if (target->channel != NULL)
    return INNCTL_DONE;

  return innctl_fail_with (_ ("No machine answers at “%s”: %s"), path, error->message);
}

InnctlStatus
innctl_target_init (InnctlTarget *target, Innctl *self, char **arguments)
{
  InnGuest *guest;

  *target = (InnctlTarget){ NULL, NULL };
  if (self->control_path != NULL)
    return open_control (target, self->control_path);

  guest = innctl_find_guest (self, arguments[0]);
  if (guest == NULL)
    return INNCTL_FAILED;

  target->guest = g_object_ref (guest);
  return INNCTL_DONE;
}

void
innctl_target_clear (InnctlTarget *target)
{
  g_clear_object (&target->guest);
  g_clear_object (&target->channel);
}

const char *
innctl_target_get_name (const InnctlTarget *target, const Innctl *self)
{
  return target->guest != NULL ? inn_guest_get_name (target->guest) : self->control_path;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See thread-progress.h.
 */
#include "config.h"

#include "thread-progress.h"

struct _InnThreadProgress
{
  struct image_progress progress;
  InnGuestProgress func;
  gpointer data;
  GCancellable *cancellable;
  GMainContext *context;

  GMutex mutex; /* protects the following */
  double fraction;
  GSource *source; /* while a word is on its way */
};

static gboolean
on_word (gpointer user_data)
{
  InnThreadProgress *self = user_data;
  double fraction;

  g_mutex_lock (&self->mutex);
  fraction = self->fraction;
  g_clear_pointer (&self->source, g_source_unref);
  g_mutex_unlock (&self->mutex);

  self->func (fraction, self->data);
  return G_SOURCE_REMOVE;
}

static void
send_word (InnThreadProgress *self, double fraction)
{
  g_mutex_lock (&self->mutex);
  self->fraction = fraction;
  if (self->source == NULL)
    {
      self->source = g_idle_source_new ();
      g_source_set_callback (self->source, on_word, self, NULL);
      g_source_attach (self->source, self->context);
    }
  g_mutex_unlock (&self->mutex);
}

static bool
on_moved (void *data, uint64_t done, uint64_t total)
{
  InnThreadProgress *self = data;

  if (g_cancellable_is_cancelled (self->cancellable))
    return false;
  if (self->func != NULL)
    send_word (self, total > 0 ? (double)done / (double)total : 0);

  return true;
}

InnThreadProgress *
inn_thread_progress_new (InnGuestProgress func, gpointer data, GCancellable *cancellable)
{
  InnThreadProgress *self = g_new0 (InnThreadProgress, 1);

  self->progress = (struct image_progress){ .moved = on_moved, .data = self };
  self->func = func;
  self->data = data;
  self->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  self->context = g_main_context_ref_thread_default ();
  g_mutex_init (&self->mutex);

  return self;
}

void
inn_thread_progress_free (InnThreadProgress *self)
{
  if (self == NULL)
    return;

  if (self->source != NULL)
    {
      g_source_destroy (self->source);
      g_source_unref (self->source);
    }
  g_mutex_clear (&self->mutex);
  g_main_context_unref (self->context);
  g_clear_object (&self->cancellable);
  g_free (self);
}

const struct image_progress *
inn_thread_progress_get (InnThreadProgress *self)
{
  return &self->progress;
}

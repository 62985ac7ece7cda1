/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file a machine can start from.
 */
#include "config.h"

#include "ui/medium.h"

struct _InnMedium
{
  GObject parent_instance;

  char *path;
  guint64 size;
  InnMediumInfo *info;
};

G_DEFINE_FINAL_TYPE (InnMedium, inn_medium, G_TYPE_OBJECT)

static void
inn_medium_finalize (GObject *object)
{
  InnMedium *self = INN_MEDIUM (object);

  g_free (self->path);
  g_clear_pointer (&self->info, inn_medium_info_free);

  G_OBJECT_CLASS (inn_medium_parent_class)->finalize (object);
}

static void
inn_medium_class_init (InnMediumClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = inn_medium_finalize;
}

static void
inn_medium_init (InnMedium *self)
{
}

static void
on_size_known (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  InnMedium *self = g_task_get_task_data (task);
  g_autoptr (GFileInfo) file_info = g_file_query_info_finish (G_FILE (source), result, NULL);

  if (file_info != NULL)
    self->size = (guint64)MAX (g_file_info_get_size (file_info), 0);
  g_task_return_pointer (task, g_object_ref (self), g_object_unref);
}

static void
on_info_known (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  InnMedium *self = g_task_get_task_data (task);
  g_autoptr (GFile) file = g_file_new_for_path (self->path);
  g_autoptr (GError) error = NULL;

  self->info = inn_medium_info_query_finish (result, &error);
  if (self->info == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  g_file_query_info_async (file, G_FILE_ATTRIBUTE_STANDARD_SIZE, G_FILE_QUERY_INFO_NONE,
                           G_PRIORITY_DEFAULT, g_task_get_cancellable (task), on_size_known,
                           g_object_ref (task));
}

void
inn_medium_identify_async (const char *path,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  InnMedium *self = g_object_new (INN_TYPE_MEDIUM, NULL);

  g_task_set_task_data (task, self, g_object_unref);
  self->path = g_strdup (path);
  inn_medium_info_query_async (path, cancellable, on_info_known, g_object_ref (task));
}

InnMedium *
inn_medium_identify_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

InnMedium *
inn_medium_new_network (void)
{
  InnMedium *self = g_object_new (INN_TYPE_MEDIUM, NULL);

  self->info = inn_medium_info_new_network ();

  return self;
}

const char *
inn_medium_get_path (InnMedium *self)
{
  g_return_val_if_fail (INN_IS_MEDIUM (self), NULL);

  return self->path;
}

guint64
inn_medium_get_size (InnMedium *self)
{
  g_return_val_if_fail (INN_IS_MEDIUM (self), 0);

  return self->size;
}

const InnMediumInfo *
inn_medium_get_info (InnMedium *self)
{
  g_return_val_if_fail (INN_IS_MEDIUM (self), NULL);

  return self->info;
}

const char *
inn_medium_get_name (InnMedium *self)
{
  g_return_val_if_fail (INN_IS_MEDIUM (self), NULL);

  return self->info->known ? self->info->name : self->info->title;
}

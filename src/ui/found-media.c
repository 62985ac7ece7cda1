/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looking for media in the Downloads folder.
 */
#include "config.h"

#include "ui/found-media.h"

#include "ui/medium.h"

#define MAX_FILES 100 /* looked into, by name; a folder may have any number */

struct _InnFoundMedia
{
  GObject parent_instance;

  GPtrArray *media;
  GPtrArray *candidates; /* while looking: files not yet identified */
  GPtrArray *next_media; /* while looking: media found so far */
  gboolean looking;
};

static void inn_found_media_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (InnFoundMedia,
                               inn_found_media,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL,
                                                      inn_found_media_list_model_init))

typedef struct
{
  char *path;
  gint64 modified;
} Candidate;

static void
candidate_free (gpointer data)
{
  Candidate *candidate = data;

  g_free (candidate->path);
  g_free (candidate);
}

static int
compare_newest_first (gconstpointer a, gconstpointer b)
{
  const Candidate *left = *(const Candidate *const *)a;
  const Candidate *right = *(const Candidate *const *)b;

  return (left->modified < right->modified) - (left->modified > right->modified);
}

static gboolean
has_medium_suffix (const char *name)
{
  static const char *const suffixes[]
      = { ".iso", ".img", ".qcow2", ".raw", ".vmdk", ".vdi", ".vhd", ".vhdx" };
  g_autofree char *folded = g_ascii_strdown (name, -1);

  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    if (g_str_has_suffix (folded, suffixes[i]))
      return TRUE;

  return FALSE;
}

static char *
get_folder (void)
{
  const char *downloads = g_get_user_special_dir (G_USER_DIRECTORY_DOWNLOAD);

  return downloads != NULL ? g_strdup (downloads)
                           : g_build_filename (g_get_home_dir (), "Downloads", NULL);
}

static void
add_candidate (GPtrArray *candidates, const char *folder, GFileInfo *info)
{
  g_autoptr (GDateTime) modified = g_file_info_get_modification_date_time (info);
  Candidate *candidate;

  if (g_file_info_get_file_type (info) != G_FILE_TYPE_REGULAR
      || !has_medium_suffix (g_file_info_get_name (info)))
    return;

  candidate = g_new0 (Candidate, 1);
  candidate->path = g_build_filename (folder, g_file_info_get_name (info), NULL);
  candidate->modified = modified != NULL ? g_date_time_to_unix (modified) : 0;
  g_ptr_array_add (candidates, candidate);
}

/* In a thread: the folder may be slow or large. */
static void
list_candidates (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  g_autofree char *path = get_folder ();
  g_autoptr (GFile) folder = g_file_new_for_path (path);
  g_autoptr (GFileEnumerator) enumerator
      = g_file_enumerate_children (folder,
                                   G_FILE_ATTRIBUTE_STANDARD_NAME
                                   "," G_FILE_ATTRIBUTE_STANDARD_TYPE
                                   "," G_FILE_ATTRIBUTE_TIME_MODIFIED,
                                   G_FILE_QUERY_INFO_NONE, cancellable, NULL);
  GPtrArray *candidates = g_ptr_array_new_with_free_func (candidate_free);
  GFileInfo *info = NULL;

  while (enumerator != NULL && candidates->len < MAX_FILES
         && g_file_enumerator_iterate (enumerator, &info, NULL, cancellable, NULL) && info != NULL)
    add_candidate (candidates, path, info);
  g_ptr_array_sort (candidates, compare_newest_first);
  g_task_return_pointer (task, candidates, (GDestroyNotify)g_ptr_array_unref);
}

static void identify_next (InnFoundMedia *self);

static void
on_identified (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (InnFoundMedia) self = user_data;
  /* What is no medium after all is not worth a word: nobody asked for that file. */
  g_autoptr (InnMedium) medium = inn_medium_identify_finish (result, NULL);

  if (medium != NULL)
    g_ptr_array_add (self->next_media, g_steal_pointer (&medium));
  identify_next (self);
}

/* One after the other, so that looking is no burden. */
static void
identify_next (InnFoundMedia *self)
{
  guint n_before = self->media->len;

  if (self->candidates->len > 0)
    {
      g_autofree char *path
          = g_strdup (((Candidate *)g_ptr_array_index (self->candidates, 0))->path);

      g_ptr_array_remove_index (self->candidates, 0);
      inn_medium_identify_async (path, NULL, on_identified, g_object_ref (self));
      return;
    }

  g_clear_pointer (&self->candidates, g_ptr_array_unref);
  g_ptr_array_unref (self->media);
  self->media = g_steal_pointer (&self->next_media);
  self->looking = FALSE;
  g_list_model_items_changed (G_LIST_MODEL (self), 0, n_before, self->media->len);
}

static void
on_candidates_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnFoundMedia *self = INN_FOUND_MEDIA (source);

  self->candidates = g_task_propagate_pointer (G_TASK (result), NULL);
  self->next_media = g_ptr_array_new_with_free_func (g_object_unref);
  identify_next (self);
}

static GType
inn_found_media_get_item_type (GListModel *model)
{
  return INN_TYPE_MEDIUM;
}

static guint
inn_found_media_get_n_items (GListModel *model)
{
  return INN_FOUND_MEDIA (model)->media->len;
}

static gpointer
inn_found_media_get_item (GListModel *model, guint position)
{
  GPtrArray *media = INN_FOUND_MEDIA (model)->media;

  return position < media->len ? g_object_ref (g_ptr_array_index (media, position)) : NULL;
}

static void
inn_found_media_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = inn_found_media_get_item_type;
  iface->get_n_items = inn_found_media_get_n_items;
  iface->get_item = inn_found_media_get_item;
}

static void
inn_found_media_finalize (GObject *object)
{
  InnFoundMedia *self = INN_FOUND_MEDIA (object);

  g_clear_pointer (&self->candidates, g_ptr_array_unref);
  g_clear_pointer (&self->next_media, g_ptr_array_unref);
  g_ptr_array_unref (self->media);

  G_OBJECT_CLASS (inn_found_media_parent_class)->finalize (object);
}

static void
inn_found_media_class_init (InnFoundMediaClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = inn_found_media_finalize;
}

static void
inn_found_media_init (InnFoundMedia *self)
{
  self->media = g_ptr_array_new_with_free_func (g_object_unref);
}

InnFoundMedia *
inn_found_media_new (void)
{
  return g_object_new (INN_TYPE_FOUND_MEDIA, NULL);
}

void
inn_found_media_refresh (InnFoundMedia *self)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (INN_IS_FOUND_MEDIA (self));

  if (self->looking)
    return;

  self->looking = TRUE;
  task = g_task_new (self, NULL, on_candidates_listed, NULL);
  g_task_run_in_thread (task, list_candidates);
}

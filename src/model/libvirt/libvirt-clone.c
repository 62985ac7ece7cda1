/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/libvirt/libvirt-clone.h"

#include <glib/gi18n.h>

#include "model/error.h"
#include "model/libvirt/disk-volume.h"
#include "model/libvirt/domain-clone-xml.h"
#include "model/libvirt/libvirt-console.h"
#include "model/libvirt/libvirt-creation.h"
#include "model/libvirt/libvirt-error.h"

struct _InnLibvirtClone
{
  virConnectPtr connection;
  gboolean session;
  gboolean linked;
  char *uuid;     /* of the source */
  char *new_uuid; /* of the clone */
  char *name;
  GCancellable *cancellable;

  GMutex lock;
  GPtrArray *copies; /* names of the disks that are copied; protected by lock */
  guint64 total;     /* bytes that they will take; protected by lock */
};

/* What the run has made so far. */
typedef struct
{
  virDomainPtr domain;
  char *xml; /* of the source */
  InnDomainCloneSource *source;
  GPtrArray *disks;   /* paths: the clone's */
  GPtrArray *moved;   /* paths: the source's new ones, for a linked clone */
  gboolean has_moved; /* the source is defined on those */
  char *variables;
} Run;

InnLibvirtClone *
inn_libvirt_clone_new (virConnectPtr connection,
                       gboolean session,
                       const char *uuid,
                       const char *name,
                       gboolean linked,
                       GCancellable *cancellable)
{
  InnLibvirtClone *self = g_atomic_rc_box_new0 (InnLibvirtClone);

  self->connection = connection;
  self->session = session;
  self->linked = linked;
  self->uuid = g_strdup (uuid);
  self->new_uuid = g_uuid_string_random ();
  self->name = g_strdup (name);
  g_set_object (&self->cancellable, cancellable);
  g_mutex_init (&self->lock);
  self->copies = g_ptr_array_new_with_free_func (g_free);
  return self;
}

InnLibvirtClone *
inn_libvirt_clone_ref (InnLibvirtClone *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
clone_clear (gpointer data)
{
  InnLibvirtClone *self = data;

  virConnectClose (self->connection);
  g_free (self->uuid);
  g_free (self->new_uuid);
  g_free (self->name);
  g_clear_object (&self->cancellable);
  g_mutex_clear (&self->lock);
  g_ptr_array_unref (self->copies);
}

void
inn_libvirt_clone_unref (InnLibvirtClone *self)
{
  g_atomic_rc_box_release_full (self, clone_clear);
}

/* ---- progress ---- */

double
inn_libvirt_clone_get_progress (InnLibvirtClone *self)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) names = NULL;
  guint64 total, done = 0;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->copies->len; i++)
    g_strv_builder_add (builder, g_ptr_array_index (self->copies, i));
  total = self->total;
  g_mutex_unlock (&self->lock);

  names = g_strv_builder_end (builder);
  for (guint i = 0; names[i] != NULL; i++)
    done += inn_disk_volume_get_allocation (self->connection, self->session, names[i]);
  return total > 0 ? MIN ((double)done / (double)total, 1) : 0;
}

static char *
get_copy_name (InnLibvirtClone *self, guint index)
{
  return g_strdup_printf ("%s-%u.qcow2", self->new_uuid, index);
}

static void
announce_copies (InnLibvirtClone *self, const Run *run)
{
  guint64 total = 0;

  for (guint i = 0; i < run->source->disks->len; i++)
    {
      const InnDomainCloneDisk *disk = g_ptr_array_index (run->source->disks, i);
      virDomainBlockInfo info;

      if (virDomainGetBlockInfo (run->domain, disk->path, &info, /* flags= */ 0) == 0)
        total += info.allocation;
    }
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < run->source->disks->len; i++)
    g_ptr_array_add (self->copies, get_copy_name (self, i));
  self->total = total;
  g_mutex_unlock (&self->lock);
}

/* ---- the run ---- */

static void
run_clear (Run *run)
{
  g_clear_pointer (&run->domain, virDomainFree);
  free (run->xml);
  g_clear_pointer (&run->source, inn_domain_clone_source_free);
  g_ptr_array_unref (run->disks);
  g_ptr_array_unref (run->moved);
  g_free (run->variables);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

static gboolean
is_off (virDomainPtr domain)
{
  return virDomainIsActive (domain) == 0
         && virDomainHasManagedSaveImage (domain, /* flags= */ 0) != 1;
}

static void
set_busy (GError **error)
{
  g_set_error_literal (error, INN_ERROR, INN_ERROR_BUSY,
                       _ ("The machine has changed meanwhile. Look at its state and try again."));
}

/* What has changed since somebody asked is found here. */
static gboolean
read_source (InnLibvirtClone *self, Run *run, GError **error)
{
  run->domain = virDomainLookupByUUIDString (self->connection, self->uuid);
  if (run->domain != NULL)
    run->xml = virDomainGetXMLDesc (run->domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
  if (run->xml == NULL)
    {
      inn_libvirt_take_error (error);
      return FALSE;
    }
  if (!is_off (run->domain)
      || (self->linked && virDomainSnapshotNum (run->domain, /* flags= */ 0) > 0))
    {
      set_busy (error);
      return FALSE;
    }
  run->source = inn_domain_clone_source_parse (run->xml, -1, error);
  return run->source != NULL;
}

static char *
copy_disk (InnLibvirtClone *self, guint index, const InnDomainCloneDisk *disk, GError **error)
{
  g_autofree char *name = get_copy_name (self, index);

  return inn_disk_volume_copy (self->connection, self->session, name, disk->path, disk->format,
                               error);
}

static char *
make_overlay (InnLibvirtClone *self,
              const Run *run,
              const char *name,
              const InnDomainCloneDisk *disk,
              GError **error)
{
  virDomainBlockInfo info;

  if (virDomainGetBlockInfo (run->domain, disk->path, &info, /* flags= */ 0) < 0)
    {
      inn_libvirt_take_error (error);
      return NULL;
    }
  return inn_disk_volume_create_overlay (self->connection, self->session, name, disk->path,
                                         disk->format, info.capacity, error);
}

/* One for the clone, one for the source. */
static gboolean
split_disk (InnLibvirtClone *self,
            Run *run,
            guint index,
            const InnDomainCloneDisk *disk,
            GError **error)
{
  g_autofree char *name = get_copy_name (self, index);
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *moved_name = g_strdup_printf ("%s.qcow2", id);
  char *path = make_overlay (self, run, name, disk, error);

  if (path == NULL)
    return FALSE;
  g_ptr_array_add (run->disks, path);
  path = make_overlay (self, run, moved_name, disk, error);
  if (path == NULL)
    return FALSE;
  g_ptr_array_add (run->moved, path);
  return TRUE;
}

static gboolean
make_disks (InnLibvirtClone *self, Run *run, GError **error)
{
  if (!self->linked)
    announce_copies (self, run);
  for (guint i = 0; i < run->source->disks->len; i++)
    {
      const InnDomainCloneDisk *disk = g_ptr_array_index (run->source->disks, i);
      char *path;

      if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
        return FALSE;
      if (self->linked)
        {
          if (!split_disk (self, run, i, disk, error))
            return FALSE;
          continue;
        }
      path = copy_disk (self, i, disk, error);
      if (path == NULL)
        return FALSE;
      g_ptr_array_add (run->disks, path);
    }
  return !g_cancellable_set_error_if_cancelled (self->cancellable, error);
}

/* libvirt names the file in the domain's XML only when somebody has chosen it. */
static char *
find_variables (InnLibvirtClone *self, const Run *run)
{
  g_autofree char *xml = NULL;
  char *command_line = NULL;
  char *path;

  if (run->source->variables != NULL)
    return g_strdup (run->source->variables);
  xml = inn_domain_clone_xml_strip (run->xml, NULL);
  if (xml != NULL)
    command_line = virConnectDomainXMLToNative (self->connection, "qemu-argv", xml, 0);
  path = command_line != NULL ? inn_domain_clone_find_variables (command_line) : NULL;
  free (command_line);
  return path;
}

static gboolean
copy_variables (InnLibvirtClone *self, Run *run, GError **error)
{
  g_autofree char *name = g_strdup_printf ("%s_VARS.fd", self->new_uuid);
  g_autofree char *path = NULL;

  if (!run->source->uefi)
    return TRUE;
  path = find_variables (self, run);
  if (path == NULL)
    {
      g_set_error_literal (error, INN_ERROR, INN_ERROR_NOT_SUPPORTED,
                           _ ("libvirt does not say where the machine keeps its UEFI variables, so "
                              "it cannot be cloned."));
      return FALSE;
    }
  return inn_disk_volume_copy_file (self->connection, path, name, &run->variables, error);
}

/* What the disks of a linked clone stand on and goes with the last of them, if it was made for the
 * source. NULL-terminated and borrowed. */
static GPtrArray *
list_bases (InnLibvirtClone *self, const Run *run)
{
  GPtrArray *bases = g_ptr_array_new ();

  for (guint i = 0; self->linked && run->source->made_disks[i] != NULL; i++)
    g_ptr_array_add (bases, run->source->made_disks[i]);
  g_ptr_array_add (bases, NULL);
  return bases;
}

/* Whether the source writes to its new disks only: a start or a snapshot may have come between, on
 * either. */
static gboolean
is_on_moved (const Run *run)
{
  char *xml = virDomainGetXMLDesc (run->domain, /* flags= */ 0);
  g_autoptr (InnDomainCloneSource) now
      = xml != NULL ? inn_domain_clone_source_parse (xml, -1, NULL) : NULL;
  gboolean moved = now != NULL && now->disks->len == run->source->disks->len
                   && virDomainHasManagedSaveImage (run->domain, /* flags= */ 0) != 1
                   && virDomainSnapshotNum (run->domain, /* flags= */ 0) == 0;

  for (guint i = 0; moved && i < now->disks->len; i++)
    {
      const InnDomainCloneDisk *disk = g_ptr_array_index (now->disks, i);

      moved = g_strcmp0 (disk->path, g_ptr_array_index (run->moved, i)) == 0;
    }
  free (xml);
  return moved;
}

static gboolean
move_source (InnLibvirtClone *self, Run *run, GPtrArray *bases, GError **error)
{
  g_autofree char *xml
      = inn_domain_clone_xml_move (run->xml, (const char *const *)run->moved->pdata,
                                   (const char *const *)bases->pdata, error);
  virDomainPtr domain;

  if (xml == NULL)
    return FALSE;
  domain = virDomainDefineXMLFlags (self->connection, xml, /* flags= */ 0);
  if (domain == NULL)
    {
      inn_libvirt_take_error (error);
      return FALSE;
    }
  virDomainFree (domain);
  run->has_moved = TRUE;
  if (is_on_moved (run))
    return TRUE;
  set_busy (error);
  return FALSE;
}

static virDomainPtr
define_clone (InnLibvirtClone *self, const Run *run, GPtrArray *bases, GError **error)
{
  g_autofree char *log = inn_libvirt_console_log_path (self->new_uuid);
  const InnDomainClonePlan plan = { .uuid = self->new_uuid,
                                    .name = self->name,
                                    .serial_log = self->session ? log : NULL,
                                    .variables = run->variables,
                                    .disks = (const char *const *)run->disks->pdata,
                                    .bases = (const char *const *)bases->pdata };
  g_autofree char *xml = inn_domain_clone_xml_build (run->xml, &plan, error);
  virDomainPtr domain;

  if (xml == NULL)
    return NULL;
  domain = virDomainDefineXMLFlags (self->connection, xml, /* flags= */ 0);
  if (domain == NULL)
    inn_libvirt_take_error (error);
  return domain;
}

static void
delete_disks (InnLibvirtClone *self, GPtrArray *paths)
{
  for (guint i = 0; i < paths->len && g_ptr_array_index (paths, i) != NULL; i++)
    inn_disk_volume_delete (self->connection, self->session, g_ptr_array_index (paths, i), NULL,
                            NULL);
}

/* The source goes back to its own disks, unless it cannot or has been started on the new ones. */
static void
undo (InnLibvirtClone *self, Run *run)
{
  g_autoptr (virDomain) domain = NULL;

  if (run->has_moved && !(virDomainIsActive (run->domain) == 1 && is_on_moved (run)))
    domain = virDomainDefineXMLFlags (self->connection, run->xml, /* flags= */ 0);
  if (domain != NULL || !run->has_moved)
    delete_disks (self, run->moved);
  delete_disks (self, run->disks);
  if (run->variables != NULL)
    inn_disk_volume_delete_file (self->connection, run->variables);
}

/* From here to the end it takes no time. */
static virDomainPtr
define_all (InnLibvirtClone *self, Run *run, GError **error)
{
  g_autoptr (GPtrArray) bases = list_bases (self, run);

  g_ptr_array_add (run->disks, NULL);
  if (self->linked)
    {
      g_ptr_array_add (run->moved, NULL);
      if (!move_source (self, run, bases, error))
        return NULL;
    }
  return define_clone (self, run, bases, error);
}

InnDomainReading *
inn_libvirt_clone_run (InnLibvirtClone *self, GError **error)
{
  g_auto (Run) run = { .disks = g_ptr_array_new_with_free_func (free),
                       .moved = g_ptr_array_new_with_free_func (free) };
  g_autoptr (virDomain) domain = NULL;

  if (!inn_libvirt_creation_check_name (self->connection, self->name, error)
      || !read_source (self, &run, error))
    return NULL;
  if (make_disks (self, &run, error) && copy_variables (self, &run, error))
    domain = define_all (self, &run, error);
  if (domain != NULL)
    return inn_domain_reading_new (domain, error);
  undo (self, &run);
  return NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/libvirt/domain-snapshot-xml.h"

#include <string.h>

#include <glib/gi18n.h>

#include "model/error.h"
#include "model/libvirt/xml-node.h"

/* Of the element that says more than libvirt can. It names the snapshot it is about: a machine that
 * goes back to a snapshot takes the domain over, and the next snapshot copies it. */
#define NAMESPACE "https://innkeeper.org/xmlns/libvirt/snapshot/1"

/* QEMU keeps no more of a snapshot's name. */
#define MAX_ID    120
#define MAX_DISKS 256

static void
set_invalid (GError **error)
{
  g_set_error_literal (error, INN_ERROR, INN_ERROR_INVALID,
                       _ ("libvirt describes a snapshot in a way Innkeeper cannot read."));
}

static gboolean
is_external (xmlNode *root)
{
  xmlNode *disk = inn_xml_node_get_child (inn_xml_node_get_child (root, "disks"), "disk");
  gboolean external
      = inn_xml_node_attribute_is (inn_xml_node_get_child (root, "memory"), "snapshot", "external");

  for (guint seen = 0; disk != NULL && seen < MAX_DISKS;
       disk = inn_xml_node_find (disk->next, "disk"), seen++)
    external |= inn_xml_node_attribute_is (disk, "snapshot", "external");
  return external;
}

/* Drivers that say nothing of memory keep it when there was a guest. */
static gboolean
has_memory (xmlNode *root)
{
  xmlNode *memory = inn_xml_node_get_child (root, "memory");
  g_autofree char *state = inn_xml_node_get_text (inn_xml_node_get_child (root, "state"));

  if (memory != NULL)
    return !inn_xml_node_attribute_is (memory, "snapshot", "no");
  return g_strcmp0 (state, "running") == 0 || g_strcmp0 (state, "paused") == 0;
}

static gint64
get_time (xmlNode *root)
{
  const guint64 seconds = inn_xml_node_get_number (inn_xml_node_get_child (root, "creationTime"));

  return (gint64)MIN (seconds, (guint64)G_MAXINT64 / G_USEC_PER_SEC) * G_USEC_PER_SEC;
}

/* What Innkeeper notes of the snapshot @id, or NULL. */
static xmlNode *
get_note (xmlNode *root, const char *id)
{
  xmlNode *node
      = inn_xml_node_get_metadata (inn_xml_node_get_child (root, "domain"), "snapshot", NAMESPACE);

  return inn_xml_node_attribute_is (node, "id", id) ? node : NULL;
}

InnDomainSnapshot *
inn_domain_snapshot_parse (const char *xml, gssize length, GError **error)
{
  g_autoptr (xmlDoc) document = inn_xml_document_parse (xml, length, "domainsnapshot");
  g_autoptr (InnDomainSnapshot) self = g_new0 (InnDomainSnapshot, 1);
  xmlNode *root = document != NULL ? xmlDocGetRootElement (document) : NULL;
  xmlNode *note;

  self->id = inn_xml_node_get_text (inn_xml_node_get_child (root, "name"));
  if (self->id == NULL || *self->id == '\0')
    {
      set_invalid (error);
      return NULL;
    }
  note = get_note (root, self->id);
  self->name = inn_xml_node_get_attribute (note, "name");
  if (self->name == NULL)
    self->name = g_strdup (self->id);
  self->kept = inn_xml_node_attribute_is (note, "kept", "yes");
  self->note = inn_xml_node_get_text (inn_xml_node_get_child (root, "description"));
  self->parent = inn_xml_node_get_text (
      inn_xml_node_get_child (inn_xml_node_get_child (root, "parent"), "name"));
  self->time = get_time (root);
  self->running = has_memory (root);
  self->external = is_external (root);
  return g_steal_pointer (&self);
}

void
inn_domain_snapshot_free (InnDomainSnapshot *self)
{
  if (self == NULL)
    return;
  g_free (self->id);
  g_free (self->name);
  g_free (self->note);
  g_free (self->parent);
  g_free (self);
}

static InnDomainSnapshot *
get_parent (GHashTable *by_id, const InnDomainSnapshot *snapshot)
{
  return snapshot->parent != NULL ? g_hash_table_lookup (by_id, snapshot->parent) : NULL;
}

/* No way up is longer than there are snapshots, unless it goes round. */
static gboolean
has_root (GHashTable *by_id, const InnDomainSnapshot *snapshot)
{
  guint left = g_hash_table_size (by_id);

  while (snapshot != NULL && left-- > 0)
    snapshot = get_parent (by_id, snapshot);
  return snapshot == NULL;
}

void
inn_domain_snapshots_repair (GPtrArray *snapshots)
{
  g_autoptr (GHashTable) by_id = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < snapshots->len;)
    {
      InnDomainSnapshot *snapshot = g_ptr_array_index (snapshots, i);

      if (g_hash_table_contains (by_id, snapshot->id))
        g_ptr_array_remove_index (snapshots, i);
      else
        {
          g_hash_table_insert (by_id, snapshot->id, snapshot);
          i++;
        }
    }
  for (guint i = 0; i < snapshots->len; i++)
    {
      InnDomainSnapshot *snapshot = g_ptr_array_index (snapshots, i);

      if (get_parent (by_id, snapshot) == NULL || !has_root (by_id, snapshot))
        g_clear_pointer (&snapshot->parent, g_free);
    }
}

/* libvirt makes file names of it. */
static char *
clean_id (const char *name)
{
  GString *id = g_string_new (NULL);

  for (const char *p = name; *p != '\0' && id->len < MAX_ID; p = g_utf8_next_char (p))
    {
      const gunichar c = g_utf8_get_char (p);

      if (c == '/' || g_unichar_iscntrl (c) || (c == '.' && id->len == 0))
        g_string_append_c (id, '-');
      else
        g_string_append_unichar (id, c);
    }
  return g_string_free (id, FALSE);
}

/* The disks take a number for the number of a snapshot, and libvirt an empty text for no name. */
static gboolean
is_name (const char *id)
{
  return strspn (id, "0123456789 ") < strlen (id);
}

char *
inn_domain_snapshot_choose_id (const char *name,
                               gboolean (*is_taken) (const char *id, gpointer data),
                               gpointer data)
{
  g_autofree char *valid = g_utf8_make_valid (name, -1);
  g_autofree char *clean = clean_id (valid);
  g_autofree char *base
      = is_name (clean) ? g_strdup (clean) : g_strconcat ("snapshot ", clean, NULL);
  char *id = g_strdup (base);

  for (guint i = 2; is_taken (id, data); i++)
    {
      g_free (id);
      id = g_strdup_printf ("%s (%u)", base, i);
    }
  return id;
}

/* What a person wrote, without what XML cannot hold. */
static char *
clean_text (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  for (char *p = valid; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p) && *p != '\n' && *p != '\t')
      *p = ' ';
  return g_steal_pointer (&valid);
}

char *
inn_domain_snapshot_xml_build (const char *id, const char *note)
{
  g_autoptr (xmlDoc) document = xmlNewDoc (BAD_CAST "1.0");
  xmlNode *root = xmlNewDocNode (document, NULL, BAD_CAST "domainsnapshot", NULL);

  xmlDocSetRootElement (document, root);
  inn_xml_node_add_text (root, "name", id);
  if (note != NULL && *note != '\0')
    {
      g_autofree char *text = clean_text (note);

      inn_xml_node_add_text (root, "description", text);
    }
  return inn_xml_document_print (document);
}

static void
set_note (xmlNode *root, const InnDomainSnapshot *now, const char *name, gboolean kept)
{
  xmlNode *domain = inn_xml_node_get_child (root, "domain");
  g_autofree char *text = clean_text (name != NULL ? name : now->name);
  xmlNode *note;

  if (domain == NULL)
    return;
  note = inn_xml_node_replace_metadata (domain, "snapshot", NAMESPACE);
  inn_xml_node_set_attribute (note, "id", now->id);
  inn_xml_node_set_attribute (note, "name", text);
  if (kept)
    inn_xml_node_set_attribute (note, "kept", "yes");
}

char *
inn_domain_snapshot_xml_change (const char *xml,
                                const char *name,
                                const char *note,
                                gboolean kept,
                                GError **error)
{
  g_autoptr (InnDomainSnapshot) now = inn_domain_snapshot_parse (xml, -1, error);
  g_autoptr (xmlDoc) document = NULL;
  xmlNode *root;

  if (now == NULL)
    return NULL;
  document = inn_xml_document_parse (xml, -1, "domainsnapshot");
  root = xmlDocGetRootElement (document);
  if (note != NULL)
    {
      g_autofree char *text = clean_text (note);

      inn_xml_node_set_child_text (root, "description", text);
    }
  set_note (root, now, name, kept || now->kept);
  return inn_xml_document_print (document);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/libvirt/domain-mark.h"

#define NAMESPACE "https://innkeeper.org/xmlns/libvirt/domain/1"
#define MAX_MARKS 256

GStrv
inn_domain_mark_list (xmlNode *domain, const char *element)
{
  g_autoptr (GStrvBuilder) paths = g_strv_builder_new ();
  xmlNode *mark = inn_xml_node_get_metadata (domain, "machine", NAMESPACE);
  guint seen = 0;

  for (xmlNode *node = inn_xml_node_get_child (mark, element); node != NULL && seen < MAX_MARKS;
       node = inn_xml_node_find (node->next, element), seen++)
    {
      g_autofree char *path = inn_xml_node_get_attribute (node, "path");

      if (path != NULL && g_path_is_absolute (path))
        g_strv_builder_add (paths, path);
    }
  return g_strv_builder_end (paths);
}

gboolean
inn_domain_mark_has (xmlNode *domain, const char *element, const char *path)
{
  g_auto (GStrv) paths = inn_domain_mark_list (domain, element);

  return g_strv_contains ((const char *const *)paths, path);
}

xmlNode *
inn_domain_mark_replace (xmlNode *domain)
{
  return inn_xml_node_replace_metadata (domain, "machine", NAMESPACE);
}

void
inn_domain_mark_add (xmlNode *mark, const char *element, const char *path)
{
  xmlNode *node = xmlNewChild (mark, mark->ns, BAD_CAST element, NULL);

  inn_xml_node_set_attribute (node, "path", path);
}

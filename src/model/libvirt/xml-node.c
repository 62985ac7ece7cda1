/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Elements and attributes of a libxml2 tree. */
#include "model/libvirt/xml-node.h"

#include <string.h>

#define MAX_TEXT 4096

/* The first child element of that name at or after @node. */
xmlNode *
inn_xml_node_find (xmlNode *node, const char *name)
{
  for (; node != NULL; node = node->next)
    if (node->type == XML_ELEMENT_NODE && g_str_equal ((const char *)node->name, name))
      return node;
  return NULL;
}

xmlNode *
inn_xml_node_get_child (xmlNode *parent, const char *name)
{
  return parent != NULL ? inn_xml_node_find (parent->children, name) : NULL;
}

/* NULL when longer than anything sensible. */
static char *
take_text (xmlChar *text)
{
  char *copy = NULL;

  if (text != NULL && strlen ((const char *)text) <= MAX_TEXT)
    copy = g_strdup ((const char *)text);
  xmlFree (text);
  return copy;
}

char *
inn_xml_node_get_text (xmlNode *node)
{
  return node != NULL ? take_text (xmlNodeGetContent (node)) : NULL;
}

char *
inn_xml_node_get_attribute (xmlNode *node, const char *name)
{
  return node != NULL ? take_text (xmlGetNoNsProp (node, BAD_CAST name)) : NULL;
}

gboolean
inn_xml_node_attribute_is (xmlNode *node, const char *name, const char *value)
{
  g_autofree char *found = inn_xml_node_get_attribute (node, name);

  return g_strcmp0 (found, value) == 0;
}

guint64
inn_xml_node_get_number (xmlNode *node)
{
  g_autofree char *text = inn_xml_node_get_text (node);

  return text != NULL ? g_ascii_strtoull (g_strstrip (text), NULL, 10) : 0;
}

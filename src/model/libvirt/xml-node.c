/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Elements and attributes of a libxml2 tree. A document with a DTD is refused, so that no entity is
 * ever expanded. */
#include "model/libvirt/xml-node.h"

#include <string.h>

#include <libxml/parser.h>

#define MAX_TEXT 4096
#define MAX_XML  (4 * 1024 * 1024)

xmlDoc *
inn_xml_document_parse (const char *xml, gssize length, const char *root)
{
  const gsize size = length < 0 ? strlen (xml) : (gsize)length;
  g_autoptr (xmlDoc) document = NULL;
  const xmlNode *element;

  /* The encoding is forced, so that nothing can hide from the search. */
  if (size <= MAX_XML && g_strstr_len (xml, (gssize)size, "<!DOCTYPE") == NULL)
    document = xmlReadMemory (xml, (int)size, NULL, "UTF-8",
                              XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING
                                  | XML_PARSE_NOCDATA);
  element = document != NULL ? xmlDocGetRootElement (document) : NULL;
  if (element == NULL || !g_str_equal ((const char *)element->name, root))
    return NULL;
  return g_steal_pointer (&document);
}

char *
inn_xml_document_print (xmlDoc *document)
{
  xmlChar *text;
  char *xml;

  xmlDocDumpFormatMemory (document, &text, NULL, /* format= */ 1);
  xml = g_strdup ((const char *)text);
  xmlFree (text);
  return xml;
}

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

xmlNode *
inn_xml_node_add_text (xmlNode *parent, const char *name, const char *text)
{
  return xmlNewTextChild (parent, NULL, BAD_CAST name, BAD_CAST text);
}

void
inn_xml_node_set_attribute (xmlNode *node, const char *name, const char *value)
{
  xmlSetProp (node, BAD_CAST name, BAD_CAST value);
}

void
inn_xml_node_set_child_text (xmlNode *parent, const char *name, const char *text)
{
  inn_xml_node_remove_children (parent, name);
  inn_xml_node_add_text (parent, name, text);
}

void
inn_xml_node_remove_children (xmlNode *parent, const char *name)
{
  xmlNode *child;

  while ((child = inn_xml_node_get_child (parent, name)) != NULL)
    {
      xmlUnlinkNode (child);
      xmlFreeNode (child);
    }
}

static gboolean
is_in_namespace (const xmlNode *node, const char *namespace)
{
  return node->ns != NULL && g_strcmp0 ((const char *)node->ns->href, namespace) == 0;
}

xmlNode *
inn_xml_node_get_metadata (xmlNode *domain, const char *name, const char *namespace)
{
  xmlNode *node = inn_xml_node_get_child (inn_xml_node_get_child (domain, "metadata"), name);

  while (node != NULL && !is_in_namespace (node, namespace))
    node = inn_xml_node_find (node->next, name);
  return node;
}

xmlNode *
inn_xml_node_replace_metadata (xmlNode *domain, const char *name, const char *namespace)
{
  xmlNode *metadata = inn_xml_node_get_child (domain, "metadata");
  xmlNode *node = inn_xml_node_get_metadata (domain, name, namespace);

  if (node != NULL)
    {
      xmlUnlinkNode (node);
      xmlFreeNode (node);
    }
  if (metadata == NULL)
    metadata = xmlNewChild (domain, NULL, BAD_CAST "metadata", NULL);
  node = xmlNewChild (metadata, NULL, BAD_CAST name, NULL);
  xmlSetNs (node, xmlNewNs (node, BAD_CAST namespace, BAD_CAST "innkeeper"));
  return node;
}

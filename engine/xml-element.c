/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading and editing one element of a libxml2 tree so that everything around it stays.
 */
#include "config.h"

#include "xml-element.h"

#include "base/checked-arithmetic.h"

static gboolean
is_element (xmlNode *node, const char *name)
{
  return node->type == XML_ELEMENT_NODE && node->ns == NULL
         && xmlStrEqual (node->name, BAD_CAST name);
}

static xmlNode *
first_named (xmlNode *node, const char *name)
{
  while (node != NULL && !is_element (node, name))
    node = node->next;

  return node;
}

static char *
take_xml_string (xmlChar *string)
{
  char *copy = g_strdup ((const char *)string);

  xmlFree (string);
  return copy;
}

xmlNode *
inn_xml_find (xmlNode *parent, const char *name)
{
  return parent != NULL ? first_named (parent->children, name) : NULL;
}

xmlNode *
inn_xml_next (xmlNode *element)
{
  return first_named (element->next, (const char *)element->name);
}

static gboolean
is_space (xmlNode *node)
{
  return node != NULL && node->type == XML_TEXT_NODE && xmlIsBlankNode (node);
}

/* A line break and the white space before an element of that depth. */
static xmlNode *
new_line (guint depth)
{
  g_autofree char *text = g_strdup_printf ("\n%*s", (int)(2 * depth), "");

  return xmlNewText (BAD_CAST text);
}

static guint
get_depth (xmlNode *element)
{
  guint depth = 0;

  for (xmlNode *node = element->parent; node != NULL && node->type == XML_ELEMENT_NODE;
       node = node->parent)
    depth++;

  return depth;
}

/* libxml2 lays out what is new only in a document that has no white space of its own. */
static gboolean
has_lines (xmlDoc *document)
{
  return is_space (xmlDocGetRootElement (document)->children);
}

xmlNode *
inn_xml_append (xmlNode *parent, const char *name)
{
  xmlNode *last = parent->last;
  xmlNode *element = xmlNewChild (parent, NULL, BAD_CAST name, NULL);
  const guint depth = get_depth (element);

  if (!has_lines (parent->doc) || (last != NULL && !is_space (last)))
    return element;

  if (last != NULL)
    inn_xml_remove (last);
  xmlAddPrevSibling (element, new_line (depth));
  xmlAddNextSibling (element, new_line (depth - 1));
  return element;
}

void
inn_xml_remove (xmlNode *element)
{
  xmlNode *space;

  if (element == NULL)
    return;

  space = element->prev;
  xmlUnlinkNode (element);
  xmlFreeNode (element);
  if (is_space (space))
    {
      xmlUnlinkNode (space);
      xmlFreeNode (space);
    }
}

xmlNode *
inn_xml_ensure (xmlNode *parent, const char *name)
{
  xmlNode *child = inn_xml_find (parent, name);

  return child != NULL ? child : inn_xml_append (parent, name);
}

char *
inn_xml_get_text (xmlNode *element)
{
  g_autofree char *text = NULL;

  if (element == NULL)
    return NULL;

  text = take_xml_string (xmlNodeGetContent (element));
  if (text == NULL || *g_strstrip (text) == '\0')
    return NULL;

  return g_steal_pointer (&text);
}

char *
inn_xml_get_attribute (xmlNode *element, const char *name)
{
  if (element == NULL)
    return NULL;

  return take_xml_string (xmlGetNoNsProp (element, BAD_CAST name));
}

void
inn_xml_set_child_text (xmlNode *parent, const char *name, const char *text)
{
  xmlNode *child = inn_xml_find (parent, name);

  if (text == NULL)
    {
      inn_xml_remove (child);
      return;
    }

  if (child == NULL)
    child = inn_xml_append (parent, name);
  /* Not xmlNodeSetContent (child, text), which would parse entities in the text. */
  xmlNodeSetContent (child, NULL);
  xmlNodeAddContent (child, BAD_CAST text);
}

void
inn_xml_set_attribute (xmlNode *element, const char *name, const char *value)
{
  if (value != NULL)
    xmlSetProp (element, BAD_CAST name, BAD_CAST value);
  else
    xmlUnsetProp (element, BAD_CAST name);
}

gboolean
inn_xml_get_number (xmlNode *element, const char *name, guint *ret_number)
{
  g_autofree char *text = inn_xml_get_attribute (element, name);
  guint64 number;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT, &number, NULL))
    return FALSE;

  *ret_number = (guint)number;
  return TRUE;
}

gboolean
inn_xml_is_on (xmlNode *element, const char *name)
{
  g_autofree char *text = inn_xml_get_attribute (element, name);

  return text != NULL && (g_str_equal (text, "yes") || g_str_equal (text, "on"));
}

/* https://libvirt.org/formatdomain.html#memory-allocation */
static gboolean
unit_factor (const char *unit, guint64 *factor)
{
  static const struct
  {
    const char *word;
    guint64 factor;
  } units[] = {
    { "b", 1 },
    { "bytes", 1 },
    { "KB", G_GUINT64_CONSTANT (1000) },
    { "k", G_GUINT64_CONSTANT (1) << 10 },
    { "KiB", G_GUINT64_CONSTANT (1) << 10 },
    { "MB", G_GUINT64_CONSTANT (1000000) },
    { "M", G_GUINT64_CONSTANT (1) << 20 },
    { "MiB", G_GUINT64_CONSTANT (1) << 20 },
    { "GB", G_GUINT64_CONSTANT (1000000000) },
    { "G", G_GUINT64_CONSTANT (1) << 30 },
    { "GiB", G_GUINT64_CONSTANT (1) << 30 },
    { "TB", G_GUINT64_CONSTANT (1000000000000) },
    { "T", G_GUINT64_CONSTANT (1) << 40 },
    { "TiB", G_GUINT64_CONSTANT (1) << 40 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    {
      if (g_ascii_strcasecmp (unit, units[i].word) == 0)
        {
          *factor = units[i].factor;
          return TRUE;
        }
    }

  return FALSE;
}

guint64
inn_xml_get_size (xmlNode *element)
{
  g_autofree char *text = inn_xml_get_text (element);
  g_autofree char *unit = inn_xml_get_attribute (element, "unit");
  guint64 factor, number, size;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &number, NULL)
      || !unit_factor (unit != NULL ? unit : "KiB", &factor)
      || !checked_multiply (number, factor, &size))
    return 0;

  return size;
}

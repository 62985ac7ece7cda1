/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading and changing a libxml2 tree that may lack anything. Nodes that are read may be NULL; text
 * is transfer full and NULL when it is not there, or longer than anything sensible.
 */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

G_BEGIN_DECLS

/* NULL when it is no document with such a root, has a DTD, or is larger than anything sensible.
 * @length: -1 for a string. */
xmlDoc *inn_xml_document_parse (const char *xml, gssize length, const char *root);
char *inn_xml_document_print (xmlDoc *document);

/* The first element of that name at or after @node. */
xmlNode *inn_xml_node_find (xmlNode *node, const char *name);
xmlNode *inn_xml_node_get_child (xmlNode *parent, const char *name);
char *inn_xml_node_get_text (xmlNode *node);
char *inn_xml_node_get_attribute (xmlNode *node, const char *name);
gboolean inn_xml_node_attribute_is (xmlNode *node, const char *name, const char *value);
/* 0 when it has none. */
guint64 inn_xml_node_get_number (xmlNode *node);

/* Appended to @parent, in its namespace. */
xmlNode *inn_xml_node_add_text (xmlNode *parent, const char *name, const char *text);
void inn_xml_node_set_attribute (xmlNode *node, const char *name, const char *value);
/* In place of all children of that name. */
void inn_xml_node_set_child_text (xmlNode *parent, const char *name, const char *text);
void inn_xml_node_remove_children (xmlNode *parent, const char *name);

/* A domain's <metadata> keeps one element of each namespace. */
xmlNode *inn_xml_node_get_metadata (xmlNode *domain, const char *name, const char *namespace);
/* An empty one in its place. */
xmlNode *inn_xml_node_replace_metadata (xmlNode *domain, const char *name, const char *namespace);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (xmlDoc, xmlFreeDoc)

G_END_DECLS

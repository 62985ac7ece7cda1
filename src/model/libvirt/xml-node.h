/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading a libxml2 tree that may lack anything. Nodes may be NULL; text is transfer full and NULL
 * when it is not there, or longer than anything sensible.
 */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

G_BEGIN_DECLS

/* The first element of that name at or after @node. */
xmlNode *inn_xml_node_find (xmlNode *node, const char *name);
xmlNode *inn_xml_node_get_child (xmlNode *parent, const char *name);
char *inn_xml_node_get_text (xmlNode *node);
char *inn_xml_node_get_attribute (xmlNode *node, const char *name);
gboolean inn_xml_node_attribute_is (xmlNode *node, const char *name, const char *value);
/* 0 when it has none. */
guint64 inn_xml_node_get_number (xmlNode *node);

G_END_DECLS

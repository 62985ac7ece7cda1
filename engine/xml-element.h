/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading and editing one element of a libxml2 tree so that everything around it stays. Pure.
 */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

G_BEGIN_DECLS

/* The first child element of that name, or NULL. @parent may be NULL. */
xmlNode *inn_xml_find (xmlNode *parent, const char *name);
/* The next sibling element of the same name, or NULL. */
xmlNode *inn_xml_next (xmlNode *element);
/* The first child element of that name, appended when there is none. */
xmlNode *inn_xml_ensure (xmlNode *parent, const char *name);
/* A new last child, on a line of its own where the document has lines. */
xmlNode *inn_xml_append (xmlNode *parent, const char *name);
/* Removes the element with the white space before it. @element may be NULL. */
void inn_xml_remove (xmlNode *element);

/* Text without surrounding white space; NULL when there is none. @element may be NULL. */
char *inn_xml_get_text (xmlNode *element);
/* The attribute's value, or NULL. @element may be NULL. */
char *inn_xml_get_attribute (xmlNode *element, const char *name);
/* Replaces the content of the child @name by @text; NULL removes the child. */
void inn_xml_set_child_text (xmlNode *parent, const char *name, const char *text);
/* NULL removes the attribute. */
void inn_xml_set_attribute (xmlNode *element, const char *name, const char *value);
/* The attribute as a decimal number; FALSE when it is none. @element may be NULL. */
gboolean inn_xml_get_number (xmlNode *element, const char *name, guint *ret_number);
/* Whether the attribute is "yes" or "on". @element may be NULL. */
gboolean inn_xml_is_on (xmlNode *element, const char *name);

/* A size in bytes with libvirt's unit words, KiB by default; 0 when it is not one. */
guint64 inn_xml_get_size (xmlNode *element);

G_END_DECLS

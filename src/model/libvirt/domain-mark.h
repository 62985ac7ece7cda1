/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What Innkeeper notes in a domain's <metadata>: the files that it made for the domain and that go
 * with it. Two elements: <disk path=''/>, a disk; <base path=''/>, what a disk was before it became
 * the base of linked clones. Pure.
 */
#pragma once

#include "model/libvirt/xml-node.h"

G_BEGIN_DECLS

gboolean inn_domain_mark_has (xmlNode *domain, const char *element, const char *path);
/* The absolute paths that are marked as @element. */
GStrv inn_domain_mark_list (xmlNode *domain, const char *element);

/* The mark anew, empty. */
xmlNode *inn_domain_mark_replace (xmlNode *domain);
void inn_domain_mark_add (xmlNode *mark, const char *element, const char *path);

G_END_DECLS

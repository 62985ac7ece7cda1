/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a libvirt domain is made of, as devices that are only shown. Pure.
 */
#pragma once

#include <libxml/tree.h>

#include "model/device.h"

G_BEGIN_DECLS

/* @memory in bytes. Transfer full: of InnDevice. */
GPtrArray *inn_domain_device_list_new (xmlNode *domain, guint64 memory, guint vcpus);

/* Why none of them can be changed, translated. */
const char *inn_domain_device_list_get_refusal (void);

G_END_DECLS

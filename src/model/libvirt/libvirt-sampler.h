/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnLibvirtSampler: reads the statistics of all guests of one connection in one call, once a
 * second while a guest runs, into the machines' metrics. Main thread only.
 */
#pragma once

#include "model/libvirt/libvirt-connection.h"

G_BEGIN_DECLS

typedef struct _InnLibvirtSampler InnLibvirtSampler;

/* @connection owns it. */
InnLibvirtSampler *inn_libvirt_sampler_new (InnLibvirtConnection *connection);
void inn_libvirt_sampler_free (InnLibvirtSampler *self);

/* A machine may have started, stopped, come or gone. */
void inn_libvirt_sampler_update (InnLibvirtSampler *self);
/* The connection is not open any more. */
void inn_libvirt_sampler_stop (InnLibvirtSampler *self);

G_END_DECLS

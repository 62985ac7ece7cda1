/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The statistics of domains (virConnectGetAllDomainStats) as counters.
 */
#pragma once

#include <libvirt/libvirt.h>

#include "model/metrics.h"

G_BEGIN_DECLS

/* Pure. FALSE when there is nothing in it (a driver without statistics). "time_us" is now. */
gboolean
inn_libvirt_metrics_read (const virTypedParameter *params, guint n_params, InnCounters *counters);

/* One domain's counters. */
typedef struct
{
  char uuid[VIR_UUID_STRING_BUFLEN];
  InnCounters counters;
} InnLibvirtSample;

/* Of all active domains: InnLibvirtSample. A busy one is left out rather than waited for. Blocks;
 * not in the main thread. */
GPtrArray *inn_libvirt_sample (virConnectPtr connection, GError **error);

G_END_DECLS

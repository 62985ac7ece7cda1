/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What this computer can run, and if it cannot, why and what to do: one verdict, one sentence.
 */
#pragma once

#include <gio/gio.h>

#include "kvm-probe.h"

G_BEGIN_DECLS

typedef enum
{
  INN_HOST_GOOD,
  INN_HOST_NO_CPU_SUPPORT,       /* the processor cannot, or a hypervisor above hides it */
  INN_HOST_DISABLED_IN_FIRMWARE, /* the processor can, the firmware's setup forbids it */
  INN_HOST_NO_MODULE,            /* the kernel's KVM is not loaded */
  INN_HOST_NO_DEVICE,            /* it is, but /dev/kvm is not there or is nothing */
  INN_HOST_NO_PERMISSION,
  INN_HOST_IN_USE, /* another program has the processor's virtualization to itself */
  INN_HOST_OLD,    /* lacks what we need */
  INN_HOST_EMULATES,
  INN_HOST_BROKEN,
} InnHostVerdict;

/* What was looked at; plain values, so that tests can make any. */
typedef struct
{
  gboolean cpu_can;           /* CPUID says VMX or SVM */
  gboolean cpu_flag;          /* the kernel says so too; it does not when firmware forbids it */
  gboolean module_loaded;     /* kvm */
  gboolean cpu_module_loaded; /* kvm_intel, kvm_amd, ... */
  gboolean device_exists;
  char *device_group;     /* of /dev/kvm where its group may use it, else NULL */
  gboolean user_in_group; /* by the user database, though perhaps not in this session */
  InnKvmProbe probe;

  guint cpus;               /* this process may use */
  guint64 memory_total;     /* bytes */
  guint64 memory_available; /* without swapping */
} InnHostFacts;

void inn_host_facts_clear (InnHostFacts *facts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (InnHostFacts, inn_host_facts_clear)

/* Looks; takes milliseconds on a good host, at most 3 seconds on a bad one. Blocks; any thread. */
void inn_host_facts_gather (InnHostFacts *ret_facts);

/* Pure. */
InnHostVerdict inn_host_check_judge (const InnHostFacts *facts);
/* One translated sentence or two for a person: what is the matter, what to do. */
char *inn_host_check_describe (const InnHostFacts *facts);
/* Technical detail for a bug report, untranslated, one line. */
char *inn_host_check_detail (const InnHostFacts *facts);
/* A word for scripts. */
const char *inn_host_verdict_to_word (InnHostVerdict verdict);

G_END_DECLS

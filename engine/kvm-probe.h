/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a guest of a few instructions to find out what this computer's KVM is good for. Some KVMs
 * (nested flavours) emulate a guest's kernel code instruction by instruction: they open fine, run
 * tiny payloads and die in any real kernel.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  INN_KVM_PROBE_NOT_OPENED,  /* error_number says why */
  INN_KVM_PROBE_OLD,         /* not the stable API, or it lacks missing_capability */
  INN_KVM_PROBE_NOT_CREATED, /* it makes no virtual machine; error_number says why */
  INN_KVM_PROBE_EMULATES,    /* a plain instruction did not run, or all of them crawl */
  INN_KVM_PROBE_HUNG,        /* not done within the time limit */
  INN_KVM_PROBE_BROKEN,      /* the guest ended in a way it cannot on a working KVM */
  INN_KVM_PROBE_GOOD,
} InnKvmProbeOutcome;

typedef struct
{
  InnKvmProbeOutcome outcome;
  int error_number;               /* positive errno, or 0 */
  const char *missing_capability; /* static, or NULL */
  const char *failed_step;        /* static: the instruction that did not run, or NULL */
  guint64 loop_ns;                /* processor time of the timed loop, 0 when not reached */
  guint loop_instructions;
} InnKvmProbe;

/*
 * Probes the KVM device at @path in a child process, which is killed after @timeout_ms. Takes
 * milliseconds on a good host. Blocks; any thread.
 */
void inn_kvm_probe_run (const char *path, guint timeout_ms, InnKvmProbe *ret_probe);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptions from text, and what is said about bad ones.
 */
#pragma once

#include "machine-description.h"

#define UUID "0f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a11"

/* A whole machine with @os in its <os> and @devices in its <devices>. */
#define MACHINE_WITH(os, devices)                                                                  \
  "<domain type='kvm'><name>n</name><uuid>" UUID "</uuid><memory unit='MiB'>64</memory>"           \
  "<vcpu>1</vcpu>" os "<devices>" devices "</devices></domain>"
/* One that starts a kernel. */
#define MACHINE(devices)                                                                           \
  MACHINE_WITH ("<os><type arch='x86_64'>hvm</type><kernel>/k</kernel></os>", devices)

InnMachineDescription *parse (const char *text);
/* Each with a sentence that has @word in it. */
void assert_refused (const char *text, const char *word);
void assert_not_startable (const char *text, const char *word);
/* Whether its text has @part. */
gboolean has_text (const InnMachineDescription *description, const char *part);

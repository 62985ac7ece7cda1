/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the guest's CPUID instruction says, to and from a machine's state, and whether another
 * computer can keep those promises. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cpu/cpuid.h"

struct state_reader;
struct state_writer;

enum { CPUID_STATE_VERSION = 1, CPUID_FEATURE_NAME_SIZE = 64 };

/* A section that the caller has opened. */
void cpuid_state_save(const struct cpuid_table *table, struct state_writer *writer);
/* 0, or -EPROTO with the reason in the reader. */
int cpuid_state_load(struct cpuid_table *table, struct state_reader *reader);

/*
 * The first thing that a guest which was told seen may rely on and that is not in offered, as a
 * noun for a person. False: there is none.
 */
bool cpuid_find_missing(const struct cpuid_table *seen, const struct cpuid_table *offered,
			char name[CPUID_FEATURE_NAME_SIZE]);

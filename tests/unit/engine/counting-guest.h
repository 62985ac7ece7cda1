/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Machines whose guest counts on its disk and in its memory, on a real /dev/kvm. A round is: it
 * reads the counter on its disk, tells that and the one in its memory, and writes both one larger.
 */
#pragma once

#include "engine-fixture.h"
#include "engine.h"

G_BEGIN_DECLS

typedef struct
{
  EngineFixture base;
  InnEngine *engine;
} CountingFixture;

/* For g_test_add(). */
void counting_fixture_set_up (CountingFixture *fixture, gconstpointer data);
void counting_fixture_tear_down (CountingFixture *fixture, gconstpointer data);
/* As when the window is closed, and opened again. The guest there, borrowed. */
InnGuest *counting_fixture_reopen (CountingFixture *fixture, const char *uuid);

/* A machine that is off; borrowed. */
InnGuest *counting_guest_create (CountingFixture *fixture);
void counting_guest_start (InnGuest *guest, gboolean disposable);
/* Has it do a round: what it told, transfer full: "00", "12". */
char *counting_guest_count (InnGuest *guest);
void counting_guest_save (InnGuest *guest);
void counting_guest_power_off (InnGuest *guest);
/* Kills its VMM, and waits until that is known. */
void counting_guest_kill (InnGuest *guest);
/* The names of all files below the folder of data and what is in them, but for the records of runs,
 * which every run writes. Transfer full. */
char *counting_fixture_sum (CountingFixture *fixture);

G_END_DECLS

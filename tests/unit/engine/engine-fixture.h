/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Folders of their own for everything an engine does, and waiting for what it does.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  char *root;
  char *data_dir;
  char *state_dir;
  char *runtime_dir;
  char *kernel; /* a file that could be one */
} EngineFixture;

/* For g_test_add(). */
void engine_fixture_set_up (EngineFixture *fixture, gconstpointer data);
void engine_fixture_tear_down (EngineFixture *fixture, gconstpointer data);

/* Writes a file below the root; transfer full: its path. */
char *engine_fixture_write (EngineFixture *fixture, const char *name, const char *text);

/* Runs the main context until @condition (@data); ends the test after 30 seconds. */
void engine_fixture_wait (gboolean (*condition) (gpointer data), gpointer data);
#define ENGINE_FIXTURE_WAIT(condition, data)                                                       \
  engine_fixture_wait ((gboolean (*) (gpointer)) (condition), (data))

/* Callback for asynchronous calls with the address of a NULL result; then await it. */
void engine_fixture_take_result (GObject *source, GAsyncResult *result, gpointer user_data);
void engine_fixture_await (GAsyncResult **result);

G_END_DECLS

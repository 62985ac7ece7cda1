/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk with something on it, and images of it that qemu-img makes.
 */
#pragma once

#include "engine-fixture.h"
#include "foreign-image.h"

G_BEGIN_DECLS

#define DISK_MIB  (1 << 20)
#define DISK_SIZE (8 * DISK_MIB)

typedef struct
{
  EngineFixture engine;
  guint8 *disk; /* the bytes of "disk.raw" */
} DiskFixture;

/* An image of every kind. */
typedef struct
{
  const char *options; /* for qemu-img convert */
  const char *name;
  InnDiskFormat format;
} DiskKind;

extern const DiskKind disk_kinds[];
extern const guint n_disk_kinds;

/* For g_test_add(). */
void disk_fixture_set_up (DiskFixture *fixture, gconstpointer data);
void disk_fixture_tear_down (DiskFixture *fixture, gconstpointer data);

char *disk_fixture_get_path (DiskFixture *fixture, const char *name);
/* Its path; transfer full. */
char *disk_fixture_write (DiskFixture *fixture, const char *name, const void *bytes, gsize length);
/* Runs a command in the folder. */
void disk_fixture_run (DiskFixture *fixture, const char *line);
/* Makes @name of the disk. Its path; transfer full. */
char *disk_fixture_make (DiskFixture *fixture, const char *options, const char *name);
/* FALSE, and the test is marked as skipped, where qemu-img is not installed. */
gboolean disk_fixture_has_qemu_img (void);

G_END_DECLS

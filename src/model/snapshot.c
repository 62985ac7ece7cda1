/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One moment of a machine.
 */
#include "model/snapshot.h"

struct _InnSnapshot
{
  GObject parent_instance;

  char *id;
  InnSnapshotFacts facts; /* its texts are owned */
};

G_DEFINE_FINAL_TYPE (InnSnapshot, inn_snapshot, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
facts_copy (InnSnapshotFacts *copy, const InnSnapshotFacts *facts)
{
  *copy = *facts;
  copy->name = g_strdup (facts->name != NULL ? facts->name : "");
  copy->note = g_strdup (facts->note != NULL ? facts->note : "");
  copy->parent = g_strdup (facts->parent);
  copy->trouble = g_strdup (facts->trouble);
  copy->picture = g_strdup (facts->picture);
}

static void
facts_clear (InnSnapshotFacts *facts)
{
  g_free ((char *)facts->name);
  g_free ((char *)facts->note);
  g_free ((char *)facts->parent);
  g_free ((char *)facts->trouble);
  g_free ((char *)facts->picture);
}

static gboolean
facts_equal (const InnSnapshotFacts *left, const InnSnapshotFacts *right)
{
  return g_str_equal (left->name, right->name) && g_str_equal (left->note, right->note)
         && g_strcmp0 (left->parent, right->parent) == 0
         && g_strcmp0 (left->trouble, right->trouble) == 0
         && g_strcmp0 (left->picture, right->picture) == 0 && left->time == right->time
         && left->running == right->running && left->kept == right->kept
         && left->size_known == right->size_known && left->size == right->size
         && left->memory_size == right->memory_size && left->disk_size == right->disk_size
         && left->pause_us == right->pause_us;
}

static void
inn_snapshot_finalize (GObject *object)
{
  InnSnapshot *self = INN_SNAPSHOT (object);

  g_free (self->id);
  facts_clear (&self->facts);

  G_OBJECT_CLASS (inn_snapshot_parent_class)->finalize (object);
}

static void
inn_snapshot_class_init (InnSnapshotClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = inn_snapshot_finalize;

  signals[CHANGED] = g_signal_new ("changed", INN_TYPE_SNAPSHOT, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
}

static void
inn_snapshot_init (InnSnapshot *self)
{
}

InnSnapshot *
inn_snapshot_new (const char *id, const InnSnapshotFacts *facts)
{
  InnSnapshot *self;

  g_return_val_if_fail (id != NULL, NULL);
  g_return_val_if_fail (facts != NULL, NULL);

  self = g_object_new (INN_TYPE_SNAPSHOT, NULL);
  self->id = g_strdup (id);
  facts_copy (&self->facts, facts);
  return self;
}

const char *
inn_snapshot_get_id (InnSnapshot *self)
{
  g_return_val_if_fail (INN_IS_SNAPSHOT (self), NULL);

  return self->id;
}

const InnSnapshotFacts *
inn_snapshot_get_facts (InnSnapshot *self)
{
  g_return_val_if_fail (INN_IS_SNAPSHOT (self), NULL);

  return &self->facts;
}

const char *
inn_snapshot_get_name (InnSnapshot *self)
{
  g_return_val_if_fail (INN_IS_SNAPSHOT (self), NULL);

  return self->facts.name;
}

const char *
inn_snapshot_get_parent (InnSnapshot *self)
{
  g_return_val_if_fail (INN_IS_SNAPSHOT (self), NULL);

  return self->facts.parent;
}

void
inn_snapshot_update (InnSnapshot *self, InnSnapshot *other)
{
  InnSnapshotFacts before;

  g_return_if_fail (INN_IS_SNAPSHOT (self));
  g_return_if_fail (INN_IS_SNAPSHOT (other));

  if (self == other || facts_equal (&self->facts, &other->facts))
    return;

  before = self->facts;
  facts_copy (&self->facts, &other->facts);
  facts_clear (&before);
  g_signal_emit (self, signals[CHANGED], 0);
}

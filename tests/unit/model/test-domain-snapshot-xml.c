/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What libvirt says of snapshots, and what it is told.
 */
#include "model/libvirt/domain-snapshot-xml.h"

#include <string.h>

#include "model/error.h"

#define RUNNING                                                                                    \
  "<domainsnapshot><name>s2</name><description>Two\nlines</description><state>running</state>"     \
  "<parent><name>s1</name></parent><creationTime>1700000000</creationTime>"                        \
  "<memory snapshot='internal'/><disks><disk name='vda' snapshot='internal'/></disks>"             \
  "<domain type='qemu'><name>t</name></domain></domainsnapshot>"
#define OFF                                                                                        \
  "<domainsnapshot><name>s1</name><state>shutoff</state><creationTime>5</creationTime>"            \
  "<memory snapshot='no'/></domainsnapshot>"

static InnDomainSnapshot *
parse (const char *xml)
{
  g_autoptr (GError) error = NULL;
  InnDomainSnapshot *snapshot = inn_domain_snapshot_parse (xml, -1, &error);

  g_assert_no_error (error);
  return snapshot;
}

static void
test_parse (void)
{
  g_autoptr (InnDomainSnapshot) running = parse (RUNNING);
  g_autoptr (InnDomainSnapshot) off = parse (OFF);

  g_assert_cmpstr (running->id, ==, "s2");
  g_assert_cmpstr (running->name, ==, "s2");
  g_assert_cmpstr (running->note, ==, "Two\nlines");
  g_assert_cmpstr (running->parent, ==, "s1");
  g_assert_cmpint (running->time, ==, 1700000000 * G_GINT64_CONSTANT (1000000));
  g_assert_true (running->running);
  g_assert_false (running->external);
  g_assert_false (running->kept);
  g_assert_false (off->running);
  g_assert_null (off->note);
  g_assert_null (off->parent);
}

/* Drivers without <memory>, and what somebody else made outside the disks. */
static void
test_kinds (void)
{
  g_autoptr (InnDomainSnapshot) paused
      = parse ("<domainsnapshot><name>a</name><state>paused</state></domainsnapshot>");
  g_autoptr (InnDomainSnapshot) disk
      = parse ("<domainsnapshot><name>a</name><state>disk-snapshot</state><memory snapshot='no'/>"
               "<disks><disk snapshot='no'/><disk snapshot='external'/></disks></domainsnapshot>");
  g_autoptr (InnDomainSnapshot) memory
      = parse ("<domainsnapshot><name>a</name><memory snapshot='external' file='/m'/>"
               "</domainsnapshot>");
  g_autoptr (InnDomainSnapshot) late
      = parse ("<domainsnapshot><name>a</name><creationTime>18446744073709551615</creationTime>"
               "</domainsnapshot>");

  g_assert_true (paused->running);
  g_assert_true (disk->external);
  g_assert_false (disk->running);
  g_assert_true (memory->external);
  g_assert_true (memory->running);
  g_assert_cmpint (late->time, >, 0);
}

static void
test_malformed (void)
{
  static const char *const bad[] = {
    "",
    "<domainsnapshot",
    "<domain/>",
    "<domainsnapshot/>",
    "<domainsnapshot><name/></domainsnapshot>",
    "<!DOCTYPE x [<!ENTITY a 'b'>]><domainsnapshot><name>&a;</name></domainsnapshot>",
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (inn_domain_snapshot_parse (bad[i], -1, &error));
      g_assert_error (error, INN_ERROR, INN_ERROR_INVALID);
      g_clear_error (&error);
      g_assert_null (inn_domain_snapshot_xml_change (bad[i], "a", "b", TRUE, &error));
      g_assert_error (error, INN_ERROR, INN_ERROR_INVALID);
    }
}

static void
test_build (void)
{
  g_autofree char *xml = inn_domain_snapshot_xml_build ("a <b>", "It's\x01 & \"so\"\nand on");
  g_autoptr (InnDomainSnapshot) snapshot = parse (xml);

  g_assert_cmpstr (snapshot->id, ==, "a <b>");
  g_assert_cmpstr (snapshot->note, ==, "It's  & \"so\"\nand on");
}

/* The name that libvirt knows stays; all else of the snapshot, too. */
static void
test_change (void)
{
  g_autofree char *renamed
      = inn_domain_snapshot_xml_change (RUNNING, "Mine \x02& more", NULL, FALSE, NULL);
  g_autofree char *kept = inn_domain_snapshot_xml_change (renamed, NULL, "New", TRUE, NULL);
  g_autofree char *again = inn_domain_snapshot_xml_change (kept, NULL, NULL, FALSE, NULL);
  g_autoptr (InnDomainSnapshot) first = parse (renamed);
  g_autoptr (InnDomainSnapshot) last = parse (again);

  g_assert_cmpstr (first->id, ==, "s2");
  g_assert_cmpstr (first->name, ==, "Mine  & more");
  g_assert_cmpstr (first->note, ==, "Two\nlines");
  g_assert_cmpstr (last->name, ==, "Mine  & more");
  g_assert_cmpstr (last->note, ==, "New");
  g_assert_true (last->kept);
  g_assert_nonnull (strstr (again, "<disk name=\"vda\" snapshot=\"internal\"/>"));
  /* Without a domain there is nowhere to note a name. */
  g_clear_pointer (&kept, g_free);
  kept = inn_domain_snapshot_xml_change (OFF, "Mine", "Note", TRUE, NULL);
  g_clear_pointer (&last, inn_domain_snapshot_free);
  last = parse (kept);
  g_assert_cmpstr (last->name, ==, "s1");
  g_assert_cmpstr (last->note, ==, "Note");
}

/* A snapshot of a machine that went back to another one holds what was noted of that. */
static void
test_foreign_name (void)
{
  g_autofree char *renamed = inn_domain_snapshot_xml_change (RUNNING, "Mine", NULL, TRUE, NULL);
  g_auto (GStrv) parts = g_strsplit (renamed, "<name>s2</name>", 2);
  g_autofree char *later = g_strjoinv ("<name>s3</name>", parts);
  g_autoptr (InnDomainSnapshot) snapshot = parse (later);

  g_assert_cmpstr (snapshot->name, ==, "s3");
  g_assert_false (snapshot->kept);
}

static InnDomainSnapshot *
make (const char *id, const char *parent)
{
  InnDomainSnapshot *snapshot = g_new0 (InnDomainSnapshot, 1);

  snapshot->id = g_strdup (id);
  snapshot->parent = g_strdup (parent);
  return snapshot;
}

static void
test_repair (void)
{
  g_autoptr (GPtrArray) snapshots
      = g_ptr_array_new_with_free_func ((GDestroyNotify)inn_domain_snapshot_free);
  static const struct
  {
    const char *id, *parent, *repaired;
  } rows[] = {
    { "root", NULL, NULL },   { "child", "root", "root" }, { "root", "child", NULL },
    { "lost", "gone", NULL }, { "self", "self", NULL },    { "egg", "hen", NULL },
    { "hen", "egg", "egg" },  { "below", "hen", "hen" },
  };
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_ptr_array_add (snapshots, make (rows[i].id, rows[i].parent));
  inn_domain_snapshots_repair (snapshots);
  g_assert_cmpuint (snapshots->len, ==, G_N_ELEMENTS (rows) - 1);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const InnDomainSnapshot *snapshot;

      if (i == 2) /* the second root */
        continue;
      snapshot = g_ptr_array_index (snapshots, n++);
      g_assert_cmpstr (snapshot->id, ==, rows[i].id);
      g_assert_cmpstr (snapshot->parent, ==, rows[i].repaired);
    }
}

static gboolean
is_taken (const char *id, gpointer taken)
{
  return g_strv_contains (taken, id);
}

static void
test_choose_id (void)
{
  static const char *const taken[] = { "Before", "Before (2)", NULL };
  static const struct
  {
    const char *name, *id;
  } rows[] = {
    { "Tools installed", "Tools installed" },
    { "a/b", "a-b" },
    { ".x.", "-x." },
    { "Before", "Before (3)" },
    { "1", "snapshot 1" },
    { "", "snapshot " },
    { "\xff", "\xef\xbf\xbd" },
    { "new\nline", "new-line" },
  };
  g_autofree char *long_name = g_strnfill (1000, 'x');
  g_autofree char *short_id = inn_domain_snapshot_choose_id (long_name, is_taken, (gpointer)taken);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *id = inn_domain_snapshot_choose_id (rows[i].name, is_taken, (gpointer)taken);

      g_assert_cmpstr (id, ==, rows[i].id);
    }
  g_assert_cmpuint (strlen (short_id), <, 128);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/domain-snapshot-xml/parse", test_parse);
  g_test_add_func ("/domain-snapshot-xml/kinds", test_kinds);
  g_test_add_func ("/domain-snapshot-xml/malformed", test_malformed);
  g_test_add_func ("/domain-snapshot-xml/build", test_build);
  g_test_add_func ("/domain-snapshot-xml/change", test_change);
  g_test_add_func ("/domain-snapshot-xml/foreign-name", test_foreign_name);
  g_test_add_func ("/domain-snapshot-xml/repair", test_repair);
  g_test_add_func ("/domain-snapshot-xml/choose-id", test_choose_id);
  return g_test_run ();
}

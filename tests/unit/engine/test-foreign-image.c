/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "foreign-image.h"

#include <string.h>

static void
test_words (void)
{
  InnDiskFormat format;

  for (guint i = 0; i < INN_DISK_FORMAT_N; i++)
    {
      g_assert_true (
          inn_disk_format_from_word (inn_disk_format_to_word ((InnDiskFormat)i), &format));
      g_assert_cmpint (format, ==, i);
    }
  g_assert_false (inn_disk_format_from_word ("vm", &format));
  g_assert_cmpstr (inn_disk_format_to_qemu_word (INN_DISK_FORMAT_VHD), ==, "vpc");

  g_assert_true (inn_disk_format_from_name ("/a.b/Disk.VMDK", &format));
  g_assert_cmpint (format, ==, INN_DISK_FORMAT_VMDK);
  g_assert_false (inn_disk_format_from_name ("/a.vmdk/disk", &format));
  g_assert_false (inn_disk_format_from_name ("vmdk", &format));
}

static void
assert_probe (const char *magic, gsize at, InnDiskFormat expected)
{
  guint8 start[INN_FOREIGN_IMAGE_START] = { 0 };

  memcpy (start + at, magic, strlen (magic));
  g_assert_cmpint (inn_foreign_image_probe (start, sizeof start), ==, expected);
  g_assert_cmpint (inn_foreign_image_probe (start, at + strlen (magic) - 1), ==,
                   INN_DISK_FORMAT_RAW);
}

static void
test_probe (void)
{
  assert_probe ("QFI\xfb", 0, INN_DISK_FORMAT_QCOW2);
  assert_probe ("KDMV", 0, INN_DISK_FORMAT_VMDK);
  assert_probe ("# Disk Descriptor", 0, INN_DISK_FORMAT_VMDK);
  assert_probe ("\x7f\x10\xda\xbe", 64, INN_DISK_FORMAT_VDI);
  assert_probe ("conectix", 0, INN_DISK_FORMAT_VHD);
  assert_probe ("vhdxfile", 0, INN_DISK_FORMAT_VHDX);
  assert_probe ("KDMV", 1, INN_DISK_FORMAT_RAW);
}

static void
test_archive (void)
{
  guint8 start[INN_FOREIGN_IMAGE_START] = { 0 };

  g_assert_false (inn_foreign_image_is_archive (start, sizeof start));
  memcpy (start + 257, "ustar", 5);
  g_assert_true (inn_foreign_image_is_archive (start, sizeof start));
  g_assert_false (inn_foreign_image_is_archive (start, 261));
}

static void
test_vhd (void)
{
  guint8 sector[512] = "conectix";

  g_assert_true (inn_foreign_image_is_vhd_footer (sector, sizeof sector));
  g_assert_false (inn_foreign_image_is_vhd_footer (sector, 7));
  g_assert_false (inn_foreign_image_vhd_has_parent (sector, sizeof sector));
  sector[63] = 4;
  g_assert_true (inn_foreign_image_vhd_has_parent (sector, sizeof sector));
  g_assert_false (inn_foreign_image_vhd_has_parent (sector, 63));
}

#define HEAD "# Disk DescriptorFile\r\nversion=1\r\nparentCID=ffffffff\r\n\r\n# Extents\r\n"

static InnVmdkVerdict
judge_text (const char *lines, GStrv *ret_files)
{
  g_autofree char *text = g_strconcat (HEAD, lines, NULL);

  return inn_foreign_image_judge_vmdk ((const guint8 *)text, strlen (text), ret_files);
}

static void
test_vmdk_files (void)
{
  static const char *const expected[] = { "disk-s001.vmdk", "disk one-flat.vmdk", NULL };
  g_auto (GStrv) files = NULL;

  g_assert_cmpint (judge_text ("RW 4192256 SPARSE \"disk-s001.vmdk\"\n"
                               "RDONLY\t100 FLAT \"disk one-flat.vmdk\" 0\n"
                               "ddb.toolsVersion = \"2147483647\"\n",
                               &files),
                   ==, INN_VMDK_GOOD);
  g_assert_cmpstrv ((const char *const *)files, expected);
}

static void
test_vmdk_hostile (void)
{
  static const struct
  {
    const char *lines;
    InnVmdkVerdict verdict;
  } hostile[] = {
    { "", INN_VMDK_DAMAGED },
    { "RW 5 FLAT \"/etc/passwd\" 0\n", INN_VMDK_ELSEWHERE },
    { "RW 5 FLAT \"../other.raw\" 0\n", INN_VMDK_ELSEWHERE },
    { "RW 5 FLAT \"..\" 0\n", INN_VMDK_ELSEWHERE },
    { "RW 5 FLAT \"nbd:localhost:1\" 0\n", INN_VMDK_ELSEWHERE },
    { "RW\v5\vFLAT \"/etc/passwd\" 0\n", INN_VMDK_DAMAGED },
    { "RW\t5 FLAT \"/etc/passwd\" 0\n", INN_VMDK_ELSEWHERE },
    { "  RW 5 FLAT \"/etc/passwd\" 0\n", INN_VMDK_ELSEWHERE },
    { "RW 5 FLAT \"good.vmdk\" 0\rRW 5 FLAT \"/etc/passwd\" 0\n", INN_VMDK_ELSEWHERE },
    { "RW 5 FLAT \"\" 0\n", INN_VMDK_DAMAGED },
    { "RW 5 FLAT \"a\" \"b\"\n", INN_VMDK_DAMAGED },
    { "RW x FLAT \"a\" 0\n", INN_VMDK_DAMAGED },
    { "RW 5 \"a\"\n", INN_VMDK_DAMAGED },
    { "RW 5 FLAT\n", INN_VMDK_DAMAGED },
    { "anything else\n", INN_VMDK_DAMAGED },
    { "\"a=b\"\n", INN_VMDK_DAMAGED },
    { "RW 5 FLAT \"a\" 0\nparentFileNameHint=\"/etc/passwd\"\n", INN_VMDK_HAS_PARENT },
  };

  for (guint i = 0; i < G_N_ELEMENTS (hostile); i++)
    {
      GStrv files = NULL;

      g_test_message ("case %u", i);
      g_assert_cmpint (judge_text (hostile[i].lines, &files), ==, hostile[i].verdict);
      g_assert_null (files);
    }
}

static void
test_vmdk_one_file (void)
{
  guint8 start[INN_VMDK_START] = "KDMV";
  g_auto (GStrv) files = NULL;

  /* a wrapper around a text */
  g_assert_cmpint (inn_foreign_image_judge_vmdk (start, sizeof start, &files), ==,
                   INN_VMDK_DAMAGED);
  start[12] = 1;
  g_assert_cmpint (inn_foreign_image_judge_vmdk (start, sizeof start, &files), ==, INN_VMDK_GOOD);
  g_assert_null (*files);
  g_clear_pointer (&files, g_strfreev);
  g_assert_cmpint (inn_foreign_image_judge_vmdk (start, 19, &files), ==, INN_VMDK_DAMAGED);

  strcpy ((char *)start + 700, "parentFileNameHint=\"x\"");
  g_assert_cmpint (inn_foreign_image_judge_vmdk (start, sizeof start, &files), ==,
                   INN_VMDK_HAS_PARENT);
  g_assert_cmpint (inn_foreign_image_judge_vmdk (start, 0, &files), ==, INN_VMDK_DAMAGED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/foreign-image/words", test_words);
  g_test_add_func ("/foreign-image/probe", test_probe);
  g_test_add_func ("/foreign-image/archive", test_archive);
  g_test_add_func ("/foreign-image/vhd", test_vhd);
  g_test_add_func ("/foreign-image/vmdk-files", test_vmdk_files);
  g_test_add_func ("/foreign-image/vmdk-hostile", test_vmdk_hostile);
  g_test_add_func ("/foreign-image/vmdk-one-file", test_vmdk_one_file);

  return g_test_run ();
}

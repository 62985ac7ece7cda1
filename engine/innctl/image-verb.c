/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * innctl image: looks at files that are disks, whether or not a machine has them.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "disk-image.h"
#include "image-sentence.h"
#include "image/image-chain.h"
#include "image/qcow2-check.h"
#include "image/qcow2-create.h"
#include "innctl.h"
#include "json-writer.h"
#include "progress.h"

enum
{
  CLUSTER_BITS = 16,
};

static char *format_word, *backing, *backing_format_word, *target_format_word;

static const char *
get_format_word (enum image_format format)
{
  return format == IMAGE_QCOW2 ? "qcow2" : "raw";
}

static InnDiskFormat
map_format (enum image_format format)
{
  return format == IMAGE_QCOW2 ? INN_DISK_FORMAT_QCOW2 : INN_DISK_FORMAT_RAW;
}

static InnctlStatus
fail_image (enum image_problem problem, int error, const char *path)
{
  g_autofree char *sentence = inn_image_sentence (problem, -error, path);

  return innctl_fail_with ("%s", sentence);
}

/* What @word says; without one, what the file begins with. */
static InnctlStatus
find_format (const char *word, const char *path, enum image_format *ret_format)
{
  int fd, r;

  if (word != NULL)
    {
      *ret_format = g_str_equal (word, "qcow2") ? IMAGE_QCOW2 : IMAGE_RAW;
      if (g_str_equal (word, get_format_word (*ret_format)))
        return INNCTL_DONE;
      return innctl_fail_usage (_ ("“%s” is no format; write raw or qcow2."), word);
    }

  fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
  r = fd < 0 ? -errno : image_format_probe (fd, ret_format);
  fd_close (&fd);

  return r < 0 ? fail_image (IMAGE_SYSTEM_ERROR, r, path) : INNCTL_DONE;
}

static InnctlStatus
open_chain (const char *path,
            enum image_format format,
            enum image_access access,
            struct image_chain **ret_chain)
{
  struct image_chain_problem problem;
  InnctlStatus status;

  if (image_chain_open (path, format, access, ret_chain, &problem) == 0)
    return INNCTL_DONE;

  status = fail_image (problem.problem, problem.error, problem.path != NULL ? problem.path : path);
  free (problem.path);
  return status;
}

/* A guest can write a header into its raw disk that names any file of this computer. What is read
 * through such a name must not end in another disk, unless a person says that it is right. */
static InnctlStatus
check_probed (const struct image_chain *chain, const char *word, const char *option)
{
  if (word != NULL || image_chain_length (chain) == 1)
    return INNCTL_DONE;

  return innctl_fail_with (
      _ ("“%s” says that it builds on “%s”, which a guest may have written into a raw disk. Add "
         "%s qcow2 if that is right, or %s raw if it is not."),
      image_chain_layer (chain, 0)->path, image_chain_layer (chain, 1)->path, option, option);
}

static guint64
get_allocated (const char *path)
{
  struct stat status;

  return stat (path, &status) == 0 ? (guint64)status.st_blocks * 512 : 0;
}

static void
add_header (InnctlJson *json, const struct qcow2_header *header)
{
  innctl_json_add_unsigned (json, "version", header->version);
  innctl_json_add_unsigned (json, "cluster_size", qcow2_header_cluster_size (header));
  innctl_json_add_unsigned (json, "refcount_bits", (guint64)1 << header->refcount_order);
  innctl_json_add_string (json, "compression", header->compression == QCOW2_ZSTD ? "zstd" : "zlib");
  innctl_json_add_unsigned (json, "snapshots", header->snapshot_count);
  innctl_json_add_boolean (json, "extended_l2",
                           (header->incompatible_features & QCOW2_EXTENDED_L2) != 0);
  innctl_json_add_boolean (json, "lazy_refcounts",
                           (header->compatible_features & QCOW2_LAZY_REFCOUNTS) != 0);
  innctl_json_add_boolean (json, "dirty", (header->incompatible_features & QCOW2_DIRTY) != 0);
  innctl_json_add_boolean (json, "corrupt", (header->incompatible_features & QCOW2_CORRUPT) != 0);
}

static void
print_json (const struct image_chain *chain)
{
  InnctlJson json;

  innctl_json_init (&json);
  innctl_json_begin_object (&json, NULL);
  innctl_json_begin_array (&json, "layers");
  for (guint i = 0; i < image_chain_length (chain); i++)
    {
      const struct image_layer *layer = image_chain_layer (chain, i);
      g_autofree char *name = g_filename_display_name (layer->path);

      innctl_json_begin_object (&json, NULL);
      innctl_json_add_string (&json, "file", name);
      innctl_json_add_string (&json, "format", get_format_word (layer->format));
      innctl_json_add_unsigned (&json, "virtual_size", layer->size);
      innctl_json_add_unsigned (&json, "allocated", get_allocated (layer->path));
      if (layer->header != NULL)
        add_header (&json, layer->header);
      innctl_json_end_object (&json);
    }
  innctl_json_end_array (&json);
  innctl_json_end_object (&json);
  innctl_json_print (&json);
  g_string_free (json.text, TRUE);
}

static void
print_header (const struct qcow2_header *header)
{
  g_autofree char *cluster
      = g_format_size_full (qcow2_header_cluster_size (header), G_FORMAT_SIZE_IEC_UNITS);

  g_print (_ ("  Version:     %u\n"), header->version);
  g_print (_ ("  Clusters:    %s\n"), cluster);
  g_print (_ ("  Compression: %s\n"), header->compression == QCOW2_ZSTD ? "zstd" : "zlib");
  g_print (_ ("  Snapshots:   %u\n"), header->snapshot_count);
  if (header->incompatible_features & QCOW2_DIRTY)
    g_print ("  %s\n", _ ("It was not closed properly; run qemu-img check -r all on it."));
  if (header->incompatible_features & QCOW2_CORRUPT)
    g_print ("  %s\n", _ ("It is marked as damaged; run qemu-img check -r all on it."));
}

static void
print_text (const struct image_chain *chain)
{
  for (guint i = 0; i < image_chain_length (chain); i++)
    {
      const struct image_layer *layer = image_chain_layer (chain, i);
      g_autofree char *name = g_filename_display_name (layer->path);
      g_autofree char *size = g_format_size_full (layer->size, G_FORMAT_SIZE_IEC_UNITS);
      g_autofree char *allocated
          = g_format_size_full (get_allocated (layer->path), G_FORMAT_SIZE_IEC_UNITS);

      g_print (i == 0 ? _ ("Image “%s”\n") : _ ("Backing file “%s”\n"), name);
      g_print (_ ("  Format:      %s\n"), get_format_word (layer->format));
      g_print (_ ("  Size:        %s, %s on the host\n"), size, allocated);
      if (layer->header != NULL)
        print_header (layer->header);
    }
}

static InnctlStatus
run_info (Innctl *self, const char *path)
{
  enum image_format format = IMAGE_RAW;
  struct image_chain *chain;
  InnctlStatus status = find_format (format_word, path, &format);

  if (status == INNCTL_DONE)
    status = open_chain (path, format, IMAGE_READ_ONLY, &chain);
  if (status != INNCTL_DONE)
    return status;

  if (self->json)
    print_json (chain);
  else
    print_text (chain);
  image_chain_close (chain);

  return INNCTL_DONE;
}

static void
print_report_json (const struct qcow2_check_report *report)
{
  InnctlJson json;

  innctl_json_init (&json);
  innctl_json_begin_object (&json, NULL);
  innctl_json_add_unsigned (&json, "corruptions", report->corruptions);
  if (report->leaks_unknown)
    innctl_json_add_string (&json, "leaks", NULL);
  else
    innctl_json_add_unsigned (&json, "leaks", report->leaks);
  innctl_json_add_unsigned (&json, "clusters_used", report->clusters_used);
  innctl_json_end_object (&json);
  innctl_json_print (&json);
  g_string_free (json.text, TRUE);
}

static void
print_report_text (const struct qcow2_check_report *report, const char *path)
{
  if (report->leaks_unknown)
    g_print (_ ("“%s” is good. It has bitmaps, so lost clusters cannot be told.\n"), path);
  else if (report->leaks > 0)
    g_print (
        ngettext (
            "“%s” is good, but %lu cluster in it is lost. qemu-img check -r leaks gives it back.\n",
            "“%s” is good, but %lu clusters in it are lost. qemu-img check -r leaks gives them "
            "back.\n",
            (gulong)report->leaks),
        path, (gulong)report->leaks);
  else
    g_print (_ ("“%s” is good.\n"), path);
}

/* A machine that has the image open would change it under our eyes. */
static InnctlStatus
run_check (Innctl *self, const char *path)
{
  g_autoptr (GError) open_error = NULL;
  struct qcow2_check_report report;
  enum image_problem problem;
  int fd = inn_disk_image_open (path, INN_DISK_READ_ONLY, &open_error);
  int error = 0;

  if (fd < 0)
    return innctl_fail (open_error);
  problem = qcow2_check (fd, &report, &error);
  fd_close (&fd);
  if (problem != IMAGE_GOOD)
    return fail_image (problem, error, path);

  if (self->json)
    print_report_json (&report);
  else if (report.corruptions == 0)
    print_report_text (&report, path);
  if (report.corruptions == 0)
    return INNCTL_DONE;

  return fail_image (IMAGE_BAD_TABLES, 0, path);
}

static InnctlStatus
parse_size (const char *text, guint64 *ret_size)
{
  if (innctl_parse_size (text, ret_size))
    return INNCTL_DONE;

  return innctl_fail_usage (_ ("“%s” is not a size. Write it like 512M or 20G."), text);
}

/* Sees that the backing file can be one, and takes over its size when there is no other. */
static InnctlStatus
examine_backing (const char *path, struct qcow2_create_options *options)
{
  enum image_format format = IMAGE_RAW;
  struct image_chain *chain;
  InnctlStatus status = find_format (backing_format_word, path, &format);

  if (status == INNCTL_DONE)
    status = open_chain (path, format, IMAGE_READ_ONLY, &chain);
  if (status != INNCTL_DONE)
    return status;

  status = check_probed (chain, backing_format_word, "--backing-format");
  options->backing_file = path;
  options->backing_format = get_format_word (format);
  if (options->virtual_size == 0)
    options->virtual_size = image_chain_layer (chain, 0)->size;
  image_chain_close (chain);

  return status;
}

static InnctlStatus
create (Innctl *self, const char *path, const struct qcow2_create_options *options)
{
  const gboolean raw = format_word != NULL && g_str_equal (format_word, "raw");
  g_autoptr (GError) error = NULL;
  gboolean done;

  if (raw && options->backing_file != NULL)
    return innctl_fail_usage (_ ("A raw disk has no backing file; leave --format out."));
  done = raw ? inn_disk_image_create (path, options->virtual_size, &error)
             : inn_disk_image_create_qcow2 (path, options, &error);
  if (!done)
    return innctl_fail (error);

  return self->json ? run_info (self, path) : INNCTL_DONE;
}

static InnctlStatus
run_create (Innctl *self, const char *path, const char *size)
{
  g_autofree char *backing_path = innctl_absolute_path (backing);
  struct qcow2_create_options options = { .version = 3, .cluster_bits = CLUSTER_BITS };
  enum image_format format;
  InnctlStatus status = INNCTL_DONE;

  if (size == NULL && backing == NULL)
    return innctl_fail_usage (_ ("How large shall it be? Write a size like 20G after the file."));
  if (size != NULL)
    status = parse_size (size, &options.virtual_size);
  if (status == INNCTL_DONE && format_word != NULL)
    status = find_format (format_word, path, &format);
  if (status == INNCTL_DONE && backing != NULL)
    status = examine_backing (backing_path, &options);

  return status == INNCTL_DONE ? create (self, path, &options) : status;
}

static InnctlStatus
fail_resize (int r, const char *path)
{
  if (r == -EINVAL)
    return innctl_fail_with (
        _ ("“%s” is larger than that already. Disks can be made larger, not smaller."), path);
  if (r == -ENOTSUP)
    return innctl_fail_with (
        _ ("“%s” has snapshots inside. Remove them with qemu-img snapshot -d first."), path);

  return fail_image (r == -EUCLEAN ? IMAGE_BAD_TABLES : IMAGE_SYSTEM_ERROR, r, path);
}

static InnctlStatus
grow_qcow2 (struct image_chain *chain, const char *path, guint64 size)
{
  struct qcow2_image *image = image_chain_image (chain);
  int r = qcow2_image_grow (image, size);

  if (r == 0)
    r = qcow2_image_flush (image);
  return r < 0 ? fail_resize (r, path) : INNCTL_DONE;
}

static InnctlStatus
grow_raw (const char *path, guint64 size)
{
  g_autoptr (GError) error = NULL;

  return inn_disk_image_grow (path, &size, /* locked= */ TRUE, &error) ? INNCTL_DONE
                                                                       : innctl_fail (error);
}

static InnctlStatus
resize_locked (const char *path, guint64 size)
{
  enum image_format format = IMAGE_RAW;
  struct image_chain *chain;
  InnctlStatus status = find_format (format_word, path, &format);

  if (status != INNCTL_DONE)
    return status;
  if (format == IMAGE_RAW)
    return grow_raw (path, size);

  status = open_chain (path, format, IMAGE_READ_WRITE, &chain);
  if (status != INNCTL_DONE)
    return status;
  status = grow_qcow2 (chain, path, size);
  image_chain_close (chain);
  return status;
}

static InnctlStatus
run_resize (Innctl *self, const char *path, const char *text)
{
  g_autoptr (GError) error = NULL;
  InnctlStatus status;
  guint64 size;
  int fd;

  if (text == NULL)
    return innctl_fail_usage (_ ("How large shall it be? Write a size like 20G after the file."));
  status = parse_size (text, &size);
  if (status != INNCTL_DONE)
    return status;
  fd = inn_disk_image_open (path, INN_DISK_READ_WRITE, &error);
  if (fd < 0)
    return innctl_fail (error);

  status = resize_locked (path, size);
  fd_close (&fd);
  return status == INNCTL_DONE && self->json ? run_info (self, path) : status;
}

/* Sees that the disk can be read, and from which files. */
static InnctlStatus
examine_source (const char *path, enum image_format *ret_format)
{
  struct image_chain *chain;
  InnctlStatus status = find_format (format_word, path, ret_format);

  if (status == INNCTL_DONE)
    status = open_chain (path, *ret_format, IMAGE_READ_ONLY, &chain);
  if (status != INNCTL_DONE)
    return status;

  status = check_probed (chain, format_word, "--format");
  image_chain_close (chain);
  return status;
}

static InnctlStatus
convert (const char *path, const char *new_path, enum image_format new_format)
{
  enum image_format format = IMAGE_RAW;
  InnDiskCopy copy = { .source = path, .target = new_path };
  InnctlStatus status = examine_source (path, &format);

  if (status != INNCTL_DONE)
    return status;

  copy.source_format = map_format (format);
  copy.target_format = map_format (new_format);
  return innctl_copy_disk (&copy);
}

/* No machine may write the disk meanwhile. */
static InnctlStatus
run_convert (Innctl *self, const char *path, const char *new_path)
{
  enum image_format new_format = IMAGE_QCOW2;
  g_autoptr (GError) error = NULL;
  InnctlStatus status = INNCTL_DONE;
  int fd;

  if (new_path == NULL)
    return innctl_fail_usage (_ ("Where to? Write the name of a new file after that of the disk."));
  if (target_format_word != NULL)
    status = find_format (target_format_word, new_path, &new_format);
  if (status != INNCTL_DONE)
    return status;
  fd = inn_disk_image_open (path, INN_DISK_READ_ONLY, &error);
  if (fd < 0)
    return innctl_fail (error);

  status = convert (path, new_path, new_format);
  fd_close (&fd);
  g_free (format_word); /* it was the old one's */
  format_word = g_strdup (get_format_word (new_format));
  return status == INNCTL_DONE && self->json ? run_info (self, new_path) : status;
}

static InnctlStatus
run_image (Innctl *self, char **arguments)
{
  const gboolean takes_size
      = g_str_equal (arguments[0], "create") || g_str_equal (arguments[0], "resize");

  if (g_str_equal (arguments[0], "convert"))
    return run_convert (self, arguments[1], arguments[2]);
  if (arguments[2] != NULL && !takes_size)
    return innctl_fail_usage (_ ("“image %s” takes no size."), arguments[0]);
  if (g_str_equal (arguments[0], "info"))
    return run_info (self, arguments[1]);
  if (g_str_equal (arguments[0], "check"))
    return run_check (self, arguments[1]);
  if (g_str_equal (arguments[0], "create"))
    return run_create (self, arguments[1], arguments[2]);
  if (g_str_equal (arguments[0], "resize"))
    return run_resize (self, arguments[1], arguments[2]);

  return innctl_fail_usage (
      _ ("“%s” is nothing to do with an image; write info, check, create, resize "
         "or convert."),
      arguments[0]);
}

static const GOptionEntry image_options[] = {
  { "format", 'f', 0, G_OPTION_ARG_STRING, &format_word,
    N_ ("raw or qcow2 (when not given: qcow2 for create, else what the file begins with)"),
    N_ ("WORD") },
  { "backing", 'b', 0, G_OPTION_ARG_FILENAME, &backing,
    N_ ("create: show what is in this disk until it is written over"), N_ ("FILE") },
  { "backing-format", 'F', 0, G_OPTION_ARG_STRING, &backing_format_word,
    N_ ("create: the format of that (what it begins with, when not given)"), N_ ("WORD") },
  { "to", 't', 0, G_OPTION_ARG_STRING, &target_format_word,
    N_ ("convert: raw or qcow2 (qcow2 when not given)"), N_ ("WORD") },
  { NULL },
};

const InnctlVerb innctl_image_verb = {
  .name = "image",
  .arguments = "info|check|create|resize|convert FILE [SIZE|NEW]",
  .summary = N_ ("look at a raw or qcow2 disk, make one, or make it larger"),
  .details
  = N_ ("info says what a disk is and which files it builds on, while a machine uses it, "
        "too. check looks whether the tables of a qcow2 disk agree, and resize makes a "
        "disk larger; no machine may use it meanwhile. create makes an empty disk, or one "
        "that builds on another, whose size it has when none is given. convert copies what "
        "a disk shows into a new file, which builds on nothing."),
  .min_arguments = 2,
  .max_arguments = 3,
  .options = image_options,
  .run = run_image,
};

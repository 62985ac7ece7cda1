/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "qemu-img.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine-error.h"
#include "image/image-copy.h"

#define PROGRAM     "qemu-img"
#define MEMORY      ((rlim_t)1 << 30) /* of its address space; a good image needs a small part */
#define EXAMINATION 30                /* seconds of a processor */

enum
{
  MAX_OUTPUT = 1 << 20,
  MAX_COMPLAINT = 200,
  WHOLE = 10000, /* of the progress: it has two digits behind the point */
};

typedef struct
{
  pid_t parent;
  rlim_t seconds; /* RLIM_INFINITY: as long as it takes */
  rlim_t file_size;
} Limits;

/* One run of the program. */
typedef struct
{
  GSubprocess *process;
  GString *output; /* when it was asked for */
  GString *piece;  /* what it prints between two ends of lines */
  char *complaint; /* its last piece that was no progress */
  const InnQemuImgCopy *copy;
  gboolean stopped; /* whoever hears of the progress wants no more */
} Run;

static void
run_clear (Run *run)
{
  g_clear_object (&run->process);
  g_string_free (run->output, TRUE);
  g_string_free (run->piece, TRUE);
  g_free (run->complaint);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

static void
set_limit (int resource, rlim_t value)
{
  const struct rlimit limit = { .rlim_cur = value, .rlim_max = value };

  setrlimit ((__rlimit_resource_t)resource, &limit);
}

/* In the child, between fork and exec. */
static void
on_forked (gpointer user_data)
{
  const Limits *limits = user_data;

  set_limit (RLIMIT_AS, MEMORY);
  set_limit (RLIMIT_CPU, limits->seconds);
  set_limit (RLIMIT_FSIZE, limits->file_size);
  set_limit (RLIMIT_CORE, 0);
  prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid () != limits->parent)
    _exit (1);
}

static gboolean
run_start (Run *run, const char *const *argv, const Limits *limits, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
  g_autoptr (GError) local_error = NULL;

  run->output = g_string_new (NULL);
  run->piece = g_string_new (NULL);
  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C", TRUE);
  g_subprocess_launcher_set_cwd (launcher, "/");
  g_subprocess_launcher_set_child_setup (launcher, on_forked, (gpointer)limits, NULL);
  run->process = g_subprocess_launcher_spawnv (launcher, argv, &local_error);
  if (run->process != NULL)
    return TRUE;

  g_debug ("%s", local_error->message);
  g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_UNAVAILABLE,
                       _ ("Disks of other programs are read with qemu-img, which is not here. "
                          "Install the package “qemu-utils” (elsewhere “qemu-img”)."));
  return FALSE;
}

static void
tell_progress (Run *run, double fraction)
{
  const struct image_progress *progress = run->copy->progress;

  if (progress != NULL
      && !progress->moved (progress->data, (uint64_t)(fraction * WHOLE + 0.5), WHOLE))
    run->stopped = TRUE;
}

static void
end_piece (Run *run)
{
  double fraction;

  if (run->copy != NULL && inn_qemu_img_parse_progress (run->piece->str, &fraction))
    {
      tell_progress (run, fraction);
    }
  else if (*g_strstrip (run->piece->str) != '\0')
    {
      g_free (run->complaint);
      run->complaint = inn_qemu_img_clean_complaint (run->piece->str);
    }
  g_string_truncate (run->piece, 0);
}

static void
take_output (Run *run, const char *bytes, gsize length)
{
  if (run->output->len + length <= MAX_OUTPUT)
    g_string_append_len (run->output, bytes, (gssize)length);
  for (gsize i = 0; i < length; i++)
    {
      if (bytes[i] == '\r' || bytes[i] == '\n')
        end_piece (run);
      else if (run->piece->len < MAX_COMPLAINT && bytes[i] != '\0')
        g_string_append_c (run->piece, bytes[i]);
    }
}

/* Until it has ended, however that comes. */
static gboolean
run_finish (Run *run, GCancellable *cancellable, GError **error)
{
  GInputStream *stream = g_subprocess_get_stdout_pipe (run->process);
  char bytes[4096];
  gssize n;

  do
    {
      n = g_input_stream_read (stream, bytes, sizeof bytes, cancellable, error);
      if (n > 0)
        take_output (run, bytes, (gsize)n);
    }
  while (n > 0 && !run->stopped);
  end_piece (run);
  if (run->stopped && n >= 0)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("It was cancelled."));
  if (run->stopped || n < 0)
    g_subprocess_force_exit (run->process);
  g_subprocess_wait (run->process, NULL, NULL);

  return n == 0 && !run->stopped;
}

static gboolean
check_end (const Run *run, const char *path, GError **error)
{
  if (g_subprocess_get_successful (run->process))
    return TRUE;

  if (run->complaint != NULL)
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                 _ ("The disk “%s” cannot be copied. qemu-img says: %s"), path, run->complaint);
  else
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                 _ ("The disk “%s” cannot be copied: qemu-img was ended, so the file asks for too "
                    "much or is damaged. Get it again."),
                 path);
  return FALSE;
}

/*
 * The words that open the disk, and nothing but its own files, whatever is in them. They are not
 * locked: whoever asks has done that, and qemu-img would take it for another's use.
 */
static char *
describe (const InnQemuImgLayer *layers, guint n_layers)
{
  GString *text = g_string_new (NULL);
  g_autoptr (GString) prefix = g_string_new (NULL);

  for (guint i = 0; i < n_layers; i++)
    {
      g_autoptr (GString) path = g_string_new (layers[i].path);

      g_string_replace (path, ",", ",,", 0);
      g_string_append_printf (
          text, "%s%sdriver=%s,%sfile.driver=file,%sfile.locking=off,%sfile.filename=%s",
          i > 0 ? "," : "", prefix->str, inn_disk_format_to_qemu_word (layers[i].format),
          prefix->str, prefix->str, prefix->str, path->str);
      g_string_append (prefix, "backing.");
    }

  return g_string_free (text, FALSE);
}

/* The number under @key in what "qemu-img @verb" prints about the disk. */
static gboolean
ask (const char *verb,
     const InnQemuImgLayer *disk,
     const char *key,
     guint64 *ret_number,
     GCancellable *cancellable,
     GError **error)
{
  const char *for_copy = g_str_equal (verb, "measure") ? "-Oqcow2" : NULL;
  g_autofree char *source = describe (disk, 1);
  const char *const argv[]
      = { PROGRAM, verb, "--output=json", "--image-opts", source, for_copy, NULL };
  const Limits limits = { .parent = getpid (), .seconds = EXAMINATION };
  g_auto (Run) run = { 0 };

  if (!run_start (&run, argv, &limits, error) || !run_finish (&run, cancellable, error)
      || !check_end (&run, disk->path, error))
    return FALSE;
  if (inn_qemu_img_parse_number (run.output->str, run.output->len, key, ret_number))
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_FAILED,
               _ ("The disk “%s” cannot be copied: this qemu-img does not say how large it is. "
                  "Install another version."),
               disk->path);
  return FALSE;
}

gboolean
inn_qemu_img_examine (const InnQemuImgLayer *disk,
                      InnQemuImgInfo *ret_info,
                      GCancellable *cancellable,
                      GError **error)
{
  return ask ("info", disk, "virtual-size", &ret_info->virtual_size, cancellable, error)
         && ask ("measure", disk, "required", &ret_info->needed, cancellable, error);
}

gboolean
inn_qemu_img_copy (const InnQemuImgCopy *copy, GCancellable *cancellable, GError **error)
{
  const Limits limits = { .parent = getpid (),
                          .seconds = RLIM_INFINITY,
                          .file_size = copy->most > 0 ? (rlim_t)copy->most : RLIM_INFINITY };
  const InnQemuImgLayer present = { .path = copy->target, .format = copy->target_format };
  g_autofree char *source = describe (copy->source, copy->n_source);
  g_autofree char *target = describe (&present, 1);
  const char *const onto[]
      = { PROGRAM, "convert", "-p", "--image-opts", "-n", "--target-is-zero", "--target-image-opts",
          source,  target,    NULL };
  const char *const into[]
      = { PROGRAM,        "convert",    "-p",
          "--image-opts", "-O",         inn_disk_format_to_qemu_word (copy->target_format),
          source,         copy->target, NULL };
  g_auto (Run) run = { .copy = copy };

  return run_start (&run, copy->target_is_there ? onto : into, &limits, error)
         && run_finish (&run, cancellable, error) && check_end (&run, copy->source->path, error);
}

/* ---- what it prints ---- */

gboolean
inn_qemu_img_parse_progress (const char *text, double *ret_fraction)
{
  double percent;
  char *end;

  text += strspn (text, " ");
  if (*text != '(' || !g_ascii_isdigit (text[1]))
    return FALSE;
  percent = g_ascii_strtod (text + 1, &end);
  if (!g_str_equal (end, "/100%)") || !(percent >= 0 && percent <= 100))
    return FALSE;

  *ret_fraction = percent / 100;
  return TRUE;
}

gboolean
inn_qemu_img_parse_number (const char *json, gsize length, const char *key, guint64 *ret_number)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root, *node;
  JsonObject *object;
  gint64 number;

  if (length > MAX_OUTPUT || !json_parser_load_from_data (parser, json, (gssize)length, NULL))
    return FALSE;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return FALSE;
  object = json_node_get_object (root);
  node = json_object_get_member (object, key);
  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_INT64)
    return FALSE;

  number = json_node_get_int (node);
  *ret_number = (guint64)number;
  return number > 0;
}

char *
inn_qemu_img_clean_complaint (const char *text)
{
  const char *colon = g_str_has_prefix (text, PROGRAM ": ") ? strlen (PROGRAM ": ") + text : text;
  g_autofree char *start = g_strndup (colon, MAX_COMPLAINT);
  char *line = g_utf8_make_valid (start, -1);

  for (char *at = line; *at != '\0'; at = g_utf8_next_char (at))
    {
      if (g_ascii_iscntrl (*at))
        *at = ' ';
    }

  return line;
}

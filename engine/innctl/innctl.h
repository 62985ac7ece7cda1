/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the verbs of innctl share: options, the machine they are about, waiting, errors.
 */
#pragma once

#include <gio/gio.h>

#include "engine.h"
#include "json-writer.h"

G_BEGIN_DECLS

typedef enum
{
  INNCTL_DONE = 0,
  INNCTL_FAILED = 1, /* one sentence was printed */
  INNCTL_USAGE = 2,
} InnctlStatus;

/* One run of the program. */
typedef struct
{
  char *control_path; /* --control */
  gboolean json;
  InnEngine *engine; /* NULL until innctl_open_engine() */
} Innctl;

/* What a verb works on: a machine by name, or the VMM behind --control. One of both is NULL. */
typedef struct
{
  InnGuest *guest;
  InnControlChannel *channel;
} InnctlTarget;

typedef struct
{
  const char *name;
  const char *arguments; /* for the usage line, without options */
  const char *summary;
  const char *details; /* more for its --help, or NULL */
  int min_arguments, max_arguments;
  gboolean takes_control;      /* works with --control, then without its first argument */
  const GOptionEntry *options; /* or NULL */
  InnctlStatus (*run) (Innctl *self, char **arguments);
} InnctlVerb;

extern const InnctlVerb innctl_attach_verb, innctl_clone_verb, innctl_console_verb,
    innctl_create_verb, innctl_define_verb, innctl_delete_verb, innctl_detach_verb,
    innctl_dumpxml_verb, innctl_edit_verb, innctl_eject_verb, innctl_export_verb, innctl_host_verb,
    innctl_image_verb, innctl_import_verb, innctl_insert_verb, innctl_list_verb, innctl_pause_verb,
    innctl_poweroff_verb, innctl_reset_verb, innctl_resize_verb, innctl_resume_verb,
    innctl_save_verb, innctl_screenshot_verb, innctl_send_key_verb, innctl_set_verb,
    innctl_setmem_verb, innctl_shutdown_verb, innctl_snapshot_verb, innctl_start_verb,
    innctl_stats_verb, innctl_type_verb;

/* Prints the sentence; returns INNCTL_FAILED. */
InnctlStatus innctl_fail (const GError *error);
InnctlStatus innctl_fail_with (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* The same for words that make no sense; returns INNCTL_USAGE. */
InnctlStatus innctl_fail_usage (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* A sentence of the same form about something that was done all the same. */
void innctl_warn (const char *sentence);
/* Asks on standard error and reads the answer from standard input; TRUE for yes. */
gboolean innctl_ask (const char *question);

/* For asynchronous calls: pass innctl_take_result and the address of a NULL result, then await. */
void innctl_take_result (GObject *source, GAsyncResult *result, gpointer user_data);
void innctl_await (GAsyncResult **result);

/* Lets things happen until @condition (@data) holds, at most so long; whether it does. NULL: never.
 */
gboolean innctl_wait (guint milliseconds, gboolean (*condition) (gpointer data), gpointer data);

/* Opens the engine and waits until the state of every machine is known. */
InnctlStatus innctl_open_engine (Innctl *self);
/* The machine of that name or UUID, borrowed; NULL: a sentence was printed. */
InnGuest *innctl_find_guest (Innctl *self, const char *name);

/* "512M", "2GiB", "20G"; a bare number is MiB. */
gboolean innctl_parse_size (const char *text, guint64 *ret_size);
/* "bios", "uefi", "none". */
gboolean innctl_parse_firmware (const char *text, InnFirmware *ret_firmware);
/* The id of the snapshot of that name or id, transfer full; NULL: a sentence was printed. */
char *innctl_find_snapshot (InnGuest *guest, const char *word);
/* From the root; NULL for NULL. */
char *innctl_absolute_path (const char *path);
/* What is known about a machine, as an object. */
void innctl_add_guest (InnctlJson *json, InnGuest *guest);
/* The same into an object that has been begun. */
void innctl_add_guest_members (InnctlJson *json, InnGuest *guest);
/* Says that the machine was made or defined. */
void innctl_print_made (const Innctl *self, InnGuest *guest);
/* Says when a change takes effect: with the next start if it @waits. @target: of the device it is
 * about, or NULL. */
void innctl_print_changed (const Innctl *self, InnGuest *guest, const char *target, gboolean waits);
/* Changes the definition. */
InnctlStatus innctl_change_quietly (InnGuest *guest, InnMachineChange change, gpointer data);
/* Changes the definition and says so. *@target is looked at afterwards; @target may be NULL. */
InnctlStatus innctl_change (const Innctl *self,
                            InnGuest *guest,
                            InnMachineChange change,
                            gpointer data,
                            char *const *target);

/* Finds the machine that arguments[0] names, or connects to --control. */
InnctlStatus innctl_target_init (InnctlTarget *target, Innctl *self, char **arguments);
void innctl_target_clear (InnctlTarget *target);
/* For people: the machine's name or the socket's path. */
const char *innctl_target_get_name (const InnctlTarget *target, const Innctl *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (InnctlTarget, innctl_target_clear)

G_END_DECLS

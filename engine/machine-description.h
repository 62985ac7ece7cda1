/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnMachineDescription: one machine's libvirt domain XML (https://libvirt.org/formatdomain.html).
 * The document is the single truth: what this engine does not understand, comments and order stay
 * as they were. Pure, except that a new description draws its UUID. Not thread-safe; copy it for
 * another thread.
 *
 * Each subject of the document has a file: machine-description-boot.h, -devices.h,
 * -disks.h, -video.h.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define INN_MACHINE_DESCRIPTION_MAX_SIZE ((gsize)1 << 20) /* bytes of XML */
#define INN_MACHINE_MAX_NAME             64               /* characters */

typedef struct _InnMachineDescription InnMachineDescription;

/* Edits a valid description; FALSE and an error to leave it as it was. */
typedef gboolean (*InnMachineChange) (InnMachineDescription *description,
                                      gpointer data,
                                      GError **error);

/* A machine that boots nothing yet, with a serial console and a new UUID. */
InnMachineDescription *inn_machine_description_new (const char *name, guint64 memory, guint vcpus);
/*
 * Parses a document from anywhere: no network, no entities, no more than the maximum size.
 * It may lack anything but the root element; inn_machine_description_validate() tells.
 */
InnMachineDescription *
inn_machine_description_parse (const char *text, gsize length, GError **error);
/* The name in a document that cannot be parsed, as far as it can be read; NULL if none. */
char *inn_machine_description_recover_name (const char *text, gsize length);
InnMachineDescription *inn_machine_description_copy (const InnMachineDescription *self);
void inn_machine_description_free (InnMachineDescription *self);

/* UTF-8, ends with a newline. */
char *inn_machine_description_to_xml (const InnMachineDescription *self);

/* Whether this is a machine that can be kept: name, UUID, memory, vCPUs, sane disks. */
gboolean inn_machine_description_validate (const InnMachineDescription *self, GError **error);
/* Whether this engine can start it; the error says what it lacks. Call on a valid one. */
gboolean inn_machine_description_check_startable (const InnMachineDescription *self,
                                                  GError **error);
/* 1 to 64 characters, no "/", no control character, not "." or "..". */
gboolean inn_machine_description_check_name (const char *name, GError **error);

/* Borrowed until the next setter. NULL where the document says nothing. */
const char *inn_machine_description_get_name (const InnMachineDescription *self);
const char *inn_machine_description_get_uuid (const InnMachineDescription *self);
/* For people: a line, and a text that may have several. */
const char *inn_machine_description_get_title (const InnMachineDescription *self);
const char *inn_machine_description_get_description (const InnMachineDescription *self);
const char *inn_machine_description_get_os_type (const InnMachineDescription *self);
const char *inn_machine_description_get_arch (const InnMachineDescription *self);
/* Bytes; 0 where the document says nothing usable. */
guint64 inn_machine_description_get_memory (const InnMachineDescription *self);
guint inn_machine_description_get_vcpus (const InnMachineDescription *self);

/* Texts must be representable (inn_machine_description_check_text()). NULL removes. */
void inn_machine_description_set_name (InnMachineDescription *self, const char *name);
void inn_machine_description_set_uuid (InnMachineDescription *self, const char *uuid);
void inn_machine_description_set_title (InnMachineDescription *self, const char *title);
void inn_machine_description_set_description (InnMachineDescription *self, const char *text);
/* All of it is there from the start. */
void inn_machine_description_set_memory (InnMachineDescription *self, guint64 bytes);
void inn_machine_description_set_vcpus (InnMachineDescription *self, guint vcpus);

/* Whether XML can carry @text: UTF-8 without control characters. @what names it, translated. */
gboolean inn_machine_description_check_text (const char *what, const char *text, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnMachineDescription, inn_machine_description_free)

G_END_DECLS

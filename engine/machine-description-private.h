/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the machine-description-*.c files share of InnMachineDescription. Each of them reads and
 * edits one subject of the document.
 */
#pragma once

#include "machine-description.h"
#include "xml-element.h"

G_BEGIN_DECLS

struct _InnMachineDescription
{
  xmlDoc *document;

  /* What was last read from it. */
  char *name;
  char *uuid;
  char *title;
  char *note;
  char *os_type;
  char *arch;
  char *kernel;
  char *initrd;
  char *cmdline;
  guint64 memory;
  guint vcpus;
  GPtrArray *disks; /* of InnDiskDescription */
};

/* Reads the document again; to be called after every edit of what is in the struct. */
void inn_machine_description_read (InnMachineDescription *self);
/* Reads the disks again. */
void inn_machine_description_read_disks (InnMachineDescription *self);

/* A child of the root, or NULL. */
xmlNode *inn_machine_description_find (const InnMachineDescription *self, const char *name);
/* A child of the root, appended when there is none. */
xmlNode *inn_machine_description_ensure (InnMachineDescription *self, const char *name);

/* An element of ours in the metadata, or NULL. Elements of other namespaces are other programs'
 * business, whatever their names are. */
xmlNode *inn_machine_description_find_metadata (const InnMachineDescription *self,
                                                const char *name_space,
                                                const char *element);
xmlNode *inn_machine_description_ensure_metadata (InnMachineDescription *self,
                                                  const char *name_space,
                                                  const char *prefix,
                                                  const char *element);
/* With the metadata, where that was all of it. */
void inn_machine_description_remove_metadata (xmlNode *element);

/* A problem of the document: INN_ENGINE_ERROR_INVALID. Returns FALSE. */
gboolean inn_machine_description_refuse (GError **error, const char *format, ...)
    G_GNUC_PRINTF (2, 3);
/* It can be kept, but not started: INN_ENGINE_ERROR_NOT_SUPPORTED. Returns FALSE. */
gboolean inn_machine_description_refuse_start (GError **error, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

/* The parts of inn_machine_description_validate() and _check_startable(). */
gboolean inn_machine_description_validate_disks (const InnMachineDescription *self, GError **error);
gboolean inn_machine_description_validate_boot (const InnMachineDescription *self, GError **error);
gboolean inn_machine_description_validate_devices (const InnMachineDescription *self,
                                                   GError **error);
gboolean inn_machine_description_validate_video (const InnMachineDescription *self, GError **error);
gboolean inn_machine_description_validate_network (const InnMachineDescription *self,
                                                   GError **error);
gboolean inn_machine_description_check_disks_startable (const InnMachineDescription *self,
                                                        GError **error);
gboolean inn_machine_description_check_boot_startable (const InnMachineDescription *self,
                                                       GError **error);
gboolean inn_machine_description_check_video_startable (const InnMachineDescription *self,
                                                        GError **error);
gboolean inn_machine_description_check_network_startable (const InnMachineDescription *self,
                                                          GError **error);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The XML of a clone, made from the XML of the domain that it is a clone of. Pure; that XML is
 * hostile.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A disk that a clone has a disk of its own for. */
typedef struct
{
  char *path;
  char *format;
} InnDomainCloneDisk;

/* What there is to be cloned. */
typedef struct
{
  GPtrArray *disks; /* of InnDomainCloneDisk, in the order of the XML */
  gboolean uefi;    /* it has UEFI variables */
  char *variables;  /* their path, or NULL: see inn_domain_clone_find_variables() */
  GStrv made_disks; /* marked as made for it, the bases of linked clones too */
} InnDomainCloneSource;

/* NULL with an error when @xml is no domain, or has a disk that is no file. */
InnDomainCloneSource *
inn_domain_clone_source_parse (const char *xml, gssize length, GError **error);
void inn_domain_clone_source_free (InnDomainCloneSource *self);

/* @xml without any device, so that libvirt makes a command line of it without opening anything. */
char *inn_domain_clone_xml_strip (const char *xml, GError **error);
/* The path of the UEFI variables by the command line of QEMU as libvirt prints it, or NULL. */
char *inn_domain_clone_find_variables (const char *command_line);

/* How the clone differs. */
typedef struct
{
  const char *uuid;
  const char *name;
  const char *serial_log;   /* or NULL: it has none */
  const char *variables;    /* or NULL: the firmware begins anew */
  const char *const *disks; /* one for each disk of the source; all are qcow2 */
  const char *const *bases; /* marked as bases */
} InnDomainClonePlan;

/* @xml: of the source. */
char *inn_domain_clone_xml_build (const char *xml, const InnDomainClonePlan *plan, GError **error);

/* The domain itself, on @disks (as above) in place of its own. */
char *inn_domain_clone_xml_move (const char *xml,
                                 const char *const *disks,
                                 const char *const *bases,
                                 GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnDomainCloneSource, inn_domain_clone_source_free)

G_END_DECLS

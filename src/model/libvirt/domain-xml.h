/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvirt domain XML (https://libvirt.org/formatdomain.html): written for a new machine, and read
 * from any domain as far as Innkeeper needs it. Pure. What is read is hostile: it may come from
 * another host, or from a machine somebody else has made.
 */
#pragma once

#include "model/libvirt/domain-storage.h"
#include "model/new-machine.h"

G_BEGIN_DECLS

/* What the machine's place adds to the user's choice. */
typedef struct
{
  const char *uuid;
  gboolean kvm;           /* or software emulation */
  const char *disk_path;  /* of the new disk (qcow2), or NULL */
  const char *serial_log; /* where the serial line is logged, or NULL */
} InnDomainPlan;

/* The XML of a domain that does what @machine says, marked as made by Innkeeper with its new disk.
 * NULL with INN_ERROR_INVALID when a path cannot be written in XML. */
char *
inn_domain_xml_build (const InnNewMachine *machine, const InnDomainPlan *plan, GError **error);

/* What a domain is, by its XML. */
typedef struct
{
  char *uuid;
  char *name;
  guint vcpus;
  guint64 memory; /* bytes */
  gboolean emulated;
  int vnc_index; /* the place of the VNC display among all <graphics>, or -1 */
  gboolean has_serial;
  GStrv made_disks; /* disks of this domain that Innkeeper made for it */
  GStrv made_bases; /* and what those may stand on, with the disks of linked clones */
  InnDomainStorage storage;
  GPtrArray *devices; /* what it is made of, of InnDevice; none can be changed */
} InnDomainDescription;

/* NULL with INN_ERROR_INVALID when @xml is no domain. @length: -1 for a string. */
InnDomainDescription *inn_domain_description_parse (const char *xml, gssize length, GError **error);
void inn_domain_description_free (InnDomainDescription *self);

/* The architecture of the host, e.g. "x86_64", by a connection's capabilities; NULL if unknown. */
char *inn_capabilities_parse_architecture (const char *xml);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnDomainDescription, inn_domain_description_free)

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The network cards of a machine's description: <interface> in libvirt domain XML
 * (https://libvirt.org/formatdomain.html#network-interfaces). Pure.
 */
#pragma once

#include "machine-description.h"

G_BEGIN_DECLS

#define INN_MACHINE_MAX_NICS 8 /* that this engine can start */

typedef enum
{
  INN_NIC_USER,   /* through passt */
  INN_NIC_TAP,    /* a tap interface that is there: <interface type='ethernet'> */
  INN_NIC_BRIDGE, /* a new interface in a bridge */
  INN_NIC_OTHER,  /* libvirt's networks and what else there is */
} InnNicKind;

/* A card as the document has it; strings are NULL where it says nothing. */
typedef struct
{
  InnNicKind kind;
  char *type;
  char *mac; /* lower case */
  char *model;
  char *interface; /* of INN_NIC_TAP */
  char *bridge;    /* of INN_NIC_BRIDGE */
  gboolean link_down;
  GPtrArray *forwards;     /* of char *, as in protocol/port-forward.h */
  gboolean other_forwards; /* it has some that are not understood */
} InnNicDescription;

/* Of InnNicDescription, in order. Transfer full. */
GPtrArray *inn_machine_description_get_nics (const InnMachineDescription *self);
gboolean inn_machine_description_has_mac (const InnMachineDescription *self, const char *mac);

/* Appends a card of kind INN_NIC_USER. */
void inn_machine_description_add_user_nic (InnMachineDescription *self, const char *mac);
/* These want a card that is there. @index: among all cards. */
void inn_machine_description_remove_nic (InnMachineDescription *self, guint index);
void
inn_machine_description_set_nic_mac (InnMachineDescription *self, guint index, const char *mac);
void inn_machine_description_set_nic_link (InnMachineDescription *self, guint index, gboolean up);
/* Replaces those that are there. FALSE and an error when one of @forwards cannot be read. */
gboolean inn_machine_description_set_nic_forwards (InnMachineDescription *self,
                                                   guint index,
                                                   const char *const *forwards,
                                                   GError **error);
/* A random address of those that are free for virtual machines. */
char *inn_machine_description_make_mac (void);

G_END_DECLS

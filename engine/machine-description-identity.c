/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tells a machine from all others.
 */
#include "config.h"

#include "machine-description-identity.h"

#include "machine-description-network.h"
#include "machine-description-private.h"
#include "machine-description-snapshots.h"

static void
set_nics (InnMachineDescription *self)
{
  static const char *const no_forwards[] = { NULL };
  g_autoptr (GPtrArray) nics = inn_machine_description_get_nics (self);

  for (guint i = 0; i < nics->len; i++)
    {
      const InnNicDescription *nic = g_ptr_array_index (nics, i);
      g_autofree char *mac = NULL;

      if (nic->kind == INN_NIC_USER)
        {
          inn_machine_description_set_nic_forwards (self, i, no_forwards, NULL);
          continue;
        }
      mac = inn_machine_description_make_mac ();
      inn_machine_description_set_nic_mac (self, i, mac);
    }
}

/* The number by which a guest notices that it is a copy (libvirt's <genid>). */
static void
set_generation (InnMachineDescription *self)
{
  xmlNode *root = xmlDocGetRootElement (self->document);
  g_autofree char *generation = inn_xml_get_text (inn_xml_find (root, "genid"));
  g_autofree char *uuid = g_uuid_string_random ();

  if (generation != NULL)
    inn_xml_set_child_text (root, "genid", uuid);
}

void
inn_machine_description_set_new_identity (InnMachineDescription *self, const char *name)
{
  g_autofree char *uuid = g_uuid_string_random ();

  inn_machine_description_set_uuid (self, uuid);
  inn_machine_description_set_name (self, name);
  inn_machine_description_set_current_snapshot (self, NULL);
  inn_machine_description_set_resume_snapshot (self, NULL);
  set_nics (self);
  set_generation (self);
}

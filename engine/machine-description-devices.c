/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory balloon, channels, vsock and Hyper-V features in a machine's description.
 */
#include "config.h"

#include "machine-description-devices.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "machine-description-private.h"
#include "protocol/control-protocol.h"

#define FIRST_GUEST_CID 3
#define CONSOLE_PORT    "hvc0"

static xmlNode *
find_device (const InnMachineDescription *self, const char *name)
{
  return inn_xml_find (inn_machine_description_find (self, "devices"), name);
}

gboolean
inn_machine_description_has_balloon (const InnMachineDescription *self)
{
  xmlNode *balloon = find_device (self, "memballoon");
  g_autofree char *model = inn_xml_get_attribute (balloon, "model");

  return balloon != NULL && (model == NULL || g_str_has_prefix (model, "virtio"));
}

static gboolean
is_virtio (xmlNode *element)
{
  g_autofree char *type = inn_xml_get_attribute (inn_xml_find (element, "target"), "type");

  return g_strcmp0 (type, "virtio") == 0;
}

GStrv
inn_machine_description_list_ports (const InnMachineDescription *self)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  for (xmlNode *console = find_device (self, "console"); console != NULL;
       console = inn_xml_next (console))
    {
      if (!is_virtio (console))
        continue;
      g_strv_builder_add (names, CONSOLE_PORT); /* a second one is no other */
      break;
    }
  for (xmlNode *channel = find_device (self, "channel"); channel != NULL;
       channel = inn_xml_next (channel))
    {
      xmlNode *target = inn_xml_find (channel, "target");
      g_autofree char *name = inn_xml_get_attribute (target, "name");

      if (is_virtio (channel))
        g_strv_builder_add (names, name != NULL ? name : "");
    }

  return g_strv_builder_end (names);
}

/* FALSE when the address is none. */
static gboolean
read_cid (const InnMachineDescription *self, guint *ret_cid)
{
  xmlNode *vsock = find_device (self, "vsock");
  xmlNode *cid = inn_xml_find (vsock, "cid");
  g_autofree char *address = inn_xml_get_attribute (cid, "address");

  *ret_cid = vsock != NULL ? FIRST_GUEST_CID : 0;
  if (address == NULL || inn_xml_is_on (cid, "auto"))
    return TRUE;

  return inn_xml_get_number (cid, "address", ret_cid) && *ret_cid >= FIRST_GUEST_CID
         && *ret_cid < G_MAXUINT32;
}

guint
inn_machine_description_get_vsock_cid (const InnMachineDescription *self)
{
  guint cid;

  return read_cid (self, &cid) ? cid : 0;
}

/* We have all or nothing of it: whoever wants a part is served with more. */
gboolean
inn_machine_description_get_hyperv (const InnMachineDescription *self)
{
  xmlNode *hyperv = inn_xml_find (inn_machine_description_find (self, "features"), "hyperv");
  g_autofree char *mode = inn_xml_get_attribute (hyperv, "mode");

  if (hyperv == NULL)
    return FALSE;
  if (g_strcmp0 (mode, "passthrough") == 0)
    return TRUE;
  for (xmlNode *feature = hyperv->children; feature != NULL; feature = feature->next)
    {
      if (feature->type == XML_ELEMENT_NODE && inn_xml_is_on (feature, "state"))
        return TRUE;
    }

  return FALSE;
}

void
inn_machine_description_add_guest_devices (InnMachineDescription *self)
{
  xmlNode *devices = inn_machine_description_ensure (self, "devices");
  xmlNode *channel = inn_xml_append (devices, "channel");
  xmlNode *target = inn_xml_append (channel, "target");
  xmlNode *balloon = inn_xml_append (devices, "memballoon");

  inn_xml_set_attribute (channel, "type", "unix");
  inn_xml_set_attribute (target, "type", "virtio");
  inn_xml_set_attribute (target, "name", INN_MACHINE_AGENT_PORT);
  inn_xml_set_attribute (balloon, "model", "virtio");
  inn_xml_set_attribute (balloon, "freePageReporting", "on");
}

static gboolean
validate_ports (const InnMachineDescription *self, GError **error)
{
  g_auto (GStrv) names = inn_machine_description_list_ports (self);

  if (g_strv_length (names) > INN_MACHINE_MAX_PORTS)
    return inn_machine_description_refuse (error,
                                           _ ("The definition has %u channels; at most %d are "
                                              "possible."),
                                           g_strv_length (names), INN_MACHINE_MAX_PORTS);
  for (guint i = 0; names[i] != NULL; i++)
    {
      if (*names[i] == '\0' || strlen (names[i]) >= CONTROL_NAME_SIZE)
        return inn_machine_description_refuse (error,
                                               _ ("A channel needs a name of at most %d letters; "
                                                  "“%s” is none."),
                                               CONTROL_NAME_SIZE - 1, names[i]);
      if (g_strv_contains ((const char *const *)names + i + 1, names[i]))
        return inn_machine_description_refuse (error,
                                               _ ("Two channels have the name “%s”; change one."),
                                               names[i]);
    }

  return TRUE;
}

gboolean
inn_machine_description_validate_devices (const InnMachineDescription *self, GError **error)
{
  guint cid;

  if (!read_cid (self, &cid))
    return inn_machine_description_refuse (error,
                                           _ ("The address of the vsock device must be a number "
                                              "from %d on; change it."),
                                           FIRST_GUEST_CID);

  return validate_ports (self, error);
}

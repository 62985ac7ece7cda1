/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network cards in a machine's description.
 */
#include "config.h"

#include "machine-description-network.h"

#include <glib/gi18n-lib.h>
#include <net/if.h>
#include <string.h>

#include "machine-description-private.h"
#include "protocol/port-forward.h"

/* ---- reading ---- */

static void
nic_free (gpointer data)
{
  InnNicDescription *nic = data;

  g_free (nic->type);
  g_free (nic->mac);
  g_free (nic->model);
  g_free (nic->interface);
  g_free (nic->bridge);
  g_ptr_array_unref (nic->forwards);
  g_free (nic);
}

static gboolean
read_port (xmlNode *element, const char *name, guint16 fallback, guint16 *ret_port)
{
  g_autofree char *text = inn_xml_get_attribute (element, name);
  guint64 port;

  *ret_port = fallback;
  if (text == NULL)
    return fallback != 0;
  if (!g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT16, &port, NULL))
    return FALSE;

  *ret_port = (guint16)port;
  return TRUE;
}

/* One <range> of a <portForward>. */
static char *
read_range (xmlNode *range, gboolean udp, const char *address)
{
  struct port_forward forward = { .udp = udp };
  g_autofree char *excluded = inn_xml_get_attribute (range, "exclude");
  char text[PORT_FORWARD_TEXT_SIZE];

  if (g_strcmp0 (excluded, "yes") == 0 || !read_port (range, "start", 0, &forward.first)
      || !read_port (range, "end", forward.first, &forward.last)
      || !read_port (range, "to", forward.first, &forward.to)
      || (address != NULL
          && g_strlcpy (forward.address, address, sizeof (forward.address))
                 >= sizeof (forward.address))
      || !port_forward_valid (&forward))
    return NULL;

  port_forward_format (&forward, text);
  return g_strdup (text);
}

static void
read_forward (xmlNode *element, InnNicDescription *nic)
{
  g_autofree char *protocol = inn_xml_get_attribute (element, "proto");
  g_autofree char *address = inn_xml_get_attribute (element, "address");
  g_autofree char *device = inn_xml_get_attribute (element, "dev");
  xmlNode *range = inn_xml_find (element, "range");
  const gboolean udp = g_strcmp0 (protocol, "udp") == 0;

  /* Without a range all ports are meant. */
  if (range == NULL || device != NULL || (!udp && g_strcmp0 (protocol, "tcp") != 0))
    nic->other_forwards = TRUE;
  for (; range != NULL; range = inn_xml_next (range))
    {
      char *forward = read_range (range, udp, address);

      if (forward != NULL)
        g_ptr_array_add (nic->forwards, forward);
      else
        nic->other_forwards = TRUE;
    }
}

static InnNicKind
read_kind (const char *type)
{
  if (g_strcmp0 (type, "user") == 0)
    return INN_NIC_USER;
  if (g_strcmp0 (type, "ethernet") == 0)
    return INN_NIC_TAP;

  return g_strcmp0 (type, "bridge") == 0 ? INN_NIC_BRIDGE : INN_NIC_OTHER;
}

static InnNicDescription *
read_nic (xmlNode *element)
{
  InnNicDescription *nic = g_new0 (InnNicDescription, 1);
  g_autofree char *mac = inn_xml_get_attribute (inn_xml_find (element, "mac"), "address");
  g_autofree char *link = inn_xml_get_attribute (inn_xml_find (element, "link"), "state");

  nic->forwards = g_ptr_array_new_with_free_func (g_free);
  nic->type = inn_xml_get_attribute (element, "type");
  nic->kind = read_kind (nic->type);
  nic->mac = mac != NULL ? g_ascii_strdown (mac, -1) : NULL;
  nic->model = inn_xml_get_attribute (inn_xml_find (element, "model"), "type");
  nic->interface = inn_xml_get_attribute (inn_xml_find (element, "target"), "dev");
  nic->bridge = inn_xml_get_attribute (inn_xml_find (element, "source"), "bridge");
  nic->link_down = g_strcmp0 (link, "down") == 0;
  for (xmlNode *forward = inn_xml_find (element, "portForward"); forward != NULL;
       forward = inn_xml_next (forward))
    read_forward (forward, nic);

  return nic;
}

GPtrArray *
inn_machine_description_get_nics (const InnMachineDescription *self)
{
  GPtrArray *nics = g_ptr_array_new_with_free_func (nic_free);
  xmlNode *element = inn_xml_find (inn_machine_description_find (self, "devices"), "interface");

  for (; element != NULL; element = inn_xml_next (element))
    g_ptr_array_add (nics, read_nic (element));

  return nics;
}

gboolean
inn_machine_description_has_mac (const InnMachineDescription *self, const char *mac)
{
  g_autoptr (GPtrArray) nics = inn_machine_description_get_nics (self);

  for (guint i = 0; i < nics->len; i++)
    {
      const InnNicDescription *nic = g_ptr_array_index (nics, i);

      if (g_strcmp0 (nic->mac, mac) == 0)
        return TRUE;
    }

  return FALSE;
}

/* ---- editing ---- */

char *
inn_machine_description_make_mac (void)
{
  const guint32 random = g_random_int ();

  return g_strdup_printf ("52:54:00:%02x:%02x:%02x", random >> 16 & 0xff, random >> 8 & 0xff,
                          random & 0xff);
}

void
inn_machine_description_add_user_nic (InnMachineDescription *self, const char *mac)
{
  xmlNode *devices = inn_machine_description_ensure (self, "devices");
  xmlNode *interface = xmlNewChild (devices, NULL, BAD_CAST "interface", NULL);

  inn_xml_set_attribute (interface, "type", "user");
  inn_xml_set_attribute (inn_xml_ensure (interface, "mac"), "address", mac);
  inn_xml_set_attribute (inn_xml_ensure (interface, "model"), "type", "virtio");
  inn_xml_set_attribute (inn_xml_ensure (interface, "backend"), "type", "passt");
}

static xmlNode *
find_nic (InnMachineDescription *self, guint index)
{
  xmlNode *element = inn_xml_find (inn_machine_description_find (self, "devices"), "interface");

  for (; element != NULL && index > 0; index--)
    element = inn_xml_next (element);

  return element;
}

void
inn_machine_description_remove_nic (InnMachineDescription *self, guint index)
{
  xmlNode *interface = find_nic (self, index);

  g_return_if_fail (interface != NULL);

  inn_xml_remove (interface);
}

void
inn_machine_description_set_nic_mac (InnMachineDescription *self, guint index, const char *mac)
{
  xmlNode *interface = find_nic (self, index);

  g_return_if_fail (interface != NULL);

  inn_xml_set_attribute (inn_xml_ensure (interface, "mac"), "address", mac);
}

void
inn_machine_description_set_nic_link (InnMachineDescription *self, guint index, gboolean up)
{
  xmlNode *interface = find_nic (self, index);

  g_return_if_fail (interface != NULL);

  if (up)
    inn_xml_remove (inn_xml_find (interface, "link"));
  else
    inn_xml_set_attribute (inn_xml_ensure (interface, "link"), "state", "down");
}

static void
set_port (xmlNode *range, const char *name, guint16 port)
{
  g_autofree char *text = g_strdup_printf ("%u", port);

  inn_xml_set_attribute (range, name, text);
}

static void
add_forward (xmlNode *interface, const struct port_forward *forward)
{
  xmlNode *element = inn_xml_append (interface, "portForward");
  xmlNode *range = inn_xml_append (element, "range");

  inn_xml_set_attribute (element, "proto", forward->udp ? "udp" : "tcp");
  if (forward->address[0] != '\0')
    inn_xml_set_attribute (element, "address", forward->address);
  set_port (range, "start", forward->first);
  if (forward->last != forward->first)
    set_port (range, "end", forward->last);
  if (forward->to != forward->first)
    set_port (range, "to", forward->to);
}

gboolean
inn_machine_description_set_nic_forwards (InnMachineDescription *self,
                                          guint index,
                                          const char *const *forwards,
                                          GError **error)
{
  xmlNode *interface = find_nic (self, index);
  struct port_forward forward;

  g_return_val_if_fail (interface != NULL, FALSE);

  for (guint i = 0; forwards[i] != NULL; i++)
    if (!port_forward_parse (forwards[i], &forward))
      return inn_machine_description_refuse (
          error, _ ("“%s” does not say which port leads where; write it like tcp:8080:80."),
          forwards[i]);
  while (inn_xml_find (interface, "portForward") != NULL)
    inn_xml_remove (inn_xml_find (interface, "portForward"));
  for (guint i = 0; forwards[i] != NULL; i++)
    if (port_forward_parse (forwards[i], &forward))
      add_forward (interface, &forward);

  return TRUE;
}

/* ---- checking ---- */

/* Six pairs of hexadecimal digits, of one card: neither several nor none. */
static gboolean
mac_is_valid (const char *mac)
{
  if (strlen (mac) != 17)
    return FALSE;
  for (guint i = 0; i < 17; i++)
    {
      if (i % 3 == 2 ? mac[i] != ':' : !g_ascii_isxdigit (mac[i]))
        return FALSE;
    }

  return g_ascii_xdigit_value (mac[1]) % 2 == 0 && !g_str_equal (mac, "00:00:00:00:00:00");
}

gboolean
inn_machine_description_validate_network (const InnMachineDescription *self, GError **error)
{
  g_autoptr (GPtrArray) nics = inn_machine_description_get_nics (self);
  g_autoptr (GHashTable) macs = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < nics->len; i++)
    {
      const InnNicDescription *nic = g_ptr_array_index (nics, i);

      if (nic->mac == NULL)
        continue;
      if (!mac_is_valid (nic->mac))
        return inn_machine_description_refuse (
            error,
            _ ("“%s” cannot be the MAC address of a network card; choose one like "
               "52:54:00:12:34:56."),
            nic->mac);
      if (!g_hash_table_add (macs, nic->mac))
        return inn_machine_description_refuse (
            error,
            _ ("Two network cards in the definition have the MAC address %s; give "
               "each one of its own."),
            nic->mac);
    }

  return TRUE;
}

/* NULL: it can. */
static char *
find_obstacle (const InnNicDescription *nic)
{
  if (nic->model != NULL && !g_str_equal (nic->model, "virtio"))
    return g_strdup_printf (_ ("its model is “%s”, not virtio"), nic->model);
  if (nic->other_forwards)
    return g_strdup (_ ("it forwards ports in a way that is not known here"));
  if (nic->kind == INN_NIC_TAP
      && (nic->interface == NULL || *nic->interface == '\0' || strlen (nic->interface) >= IFNAMSIZ
          || strchr (nic->interface, ',') != NULL))
    return g_strdup (_ ("it names no tap interface"));
  if (nic->kind == INN_NIC_BRIDGE)
    return g_strdup_printf (_ ("it is to be in the bridge “%s”; give it a tap interface there"),
                            nic->bridge != NULL ? nic->bridge : "");
  if (nic->kind == INN_NIC_OTHER)
    return g_strdup_printf (_ ("it is connected to something of the type “%s”"),
                            nic->type != NULL ? nic->type : "");

  return NULL;
}

gboolean
inn_machine_description_check_network_startable (const InnMachineDescription *self, GError **error)
{
  g_autoptr (GPtrArray) nics = inn_machine_description_get_nics (self);
  const char *name = inn_machine_description_get_name (self);

  if (nics->len > INN_MACHINE_MAX_NICS)
    return inn_machine_description_refuse_start (
        error,
        _ ("“%s” cannot start here: it has %u network cards; at most %d are "
           "possible."),
        name, nics->len, INN_MACHINE_MAX_NICS);
  for (guint i = 0; i < nics->len; i++)
    {
      g_autofree char *obstacle = find_obstacle (g_ptr_array_index (nics, i));

      if (obstacle != NULL)
        return inn_machine_description_refuse_start (
            error,
            _ ("“%s” cannot start here: this engine lacks what network card %u needs "
               "so far (%s). Change the card, or run the machine in QEMU."),
            name, i + 1, obstacle);
    }

  return TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ports of this computer.
 */
#include "config.h"

#include "port-check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "engine-error.h"
#include "machine-description-network.h"
#include "protocol/port-forward.h"

static gboolean
parse (const char *text, struct port_forward *ret_forward, GError **error)
{
  if (port_forward_parse (text, ret_forward))
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
               _ ("“%s” does not say which port leads where; write it like tcp:8080:80."), text);
  return FALSE;
}

/* One without an address is at all of them. */
static gboolean
overlaps (const struct port_forward *left, const struct port_forward *right)
{
  return left->udp == right->udp && left->first <= right->last && right->first <= left->last
         && (left->address[0] == '\0' || right->address[0] == '\0'
             || strcmp (left->address, right->address) == 0);
}

gboolean
inn_port_check_description (const char *forward,
                            const InnMachineDescription *description,
                            GError **error)
{
  g_autoptr (GPtrArray) nics = inn_machine_description_get_nics (description);
  struct port_forward wanted, other;

  if (!parse (forward, &wanted, error))
    return FALSE;

  for (guint i = 0; i < nics->len; i++)
    {
      const InnNicDescription *nic = g_ptr_array_index (nics, i);

      for (guint j = 0; j < nic->forwards->len; j++)
        {
          if (!port_forward_parse (g_ptr_array_index (nic->forwards, j), &other)
              || !overlaps (&wanted, &other))
            continue;
          g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                       _ ("Port %u of this computer leads to the machine “%s” already. Choose "
                          "another."),
                       MAX (wanted.first, other.first),
                       inn_machine_description_get_name (description));
          return FALSE;
        }
    }

  return TRUE;
}

static socklen_t
make_address (const char *text, int family, guint16 port, struct sockaddr_storage *ret_address)
{
  struct sockaddr_in *ipv4 = (struct sockaddr_in *)ret_address;
  struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)ret_address;

  memset (ret_address, 0, sizeof *ret_address);
  ret_address->ss_family = (sa_family_t)family;
  if (family == AF_INET)
    {
      ipv4->sin_port = htons (port);
      inet_pton (AF_INET, text, &ipv4->sin_addr);
      return sizeof *ipv4;
    }

  ipv6->sin6_port = htons (port);
  inet_pton (AF_INET6, text, &ipv6->sin6_addr);
  return sizeof *ipv6;
}

/* Tries to listen there for a moment; 0 or an errno. */
static int
try_port (const char *address_text, int family, gboolean udp, guint16 port)
{
  struct sockaddr_storage address;
  const socklen_t size = make_address (address_text, family, port, &address);
  const int one = 1;
  int fd = socket (family, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
  int error_number = 0;

  if (fd < 0)
    return 0; /* no such addresses here, hence nothing in the way */
  if (family == AF_INET6)
    setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  /* Connections that are long over are no hindrance. */
  if (!udp)
    setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind (fd, (const struct sockaddr *)&address, size) < 0 || (!udp && listen (fd, 1) < 0))
    error_number = errno;
  fd_close (&fd);

  return error_number;
}

static int
try_addresses (const struct port_forward *forward, guint16 port)
{
  int error_number;

  if (forward->address[0] != '\0')
    return try_port (forward->address, strchr (forward->address, ':') != NULL ? AF_INET6 : AF_INET,
                     forward->udp, port);

  error_number = try_port ("0.0.0.0", AF_INET, forward->udp, port);
  return error_number != 0 ? error_number : try_port ("::", AF_INET6, forward->udp, port);
}

gboolean
inn_port_check_host (const char *forward, GError **error)
{
  struct port_forward wanted;

  if (!parse (forward, &wanted, error))
    return FALSE;

  for (guint port = wanted.first; port <= wanted.last; port++)
    {
      const int error_number = try_addresses (&wanted, (guint16)port);

      if (error_number == EADDRINUSE)
        g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                     _ ("Port %u of this computer is in use by another program. Choose another."),
                     port);
      else if (error_number == EACCES)
        g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_PERMISSION,
                     _ ("You may not use port %u of this computer. Choose one from 1024 on."),
                     port);
      if (error_number == EADDRINUSE || error_number == EACCES)
        return FALSE;
    }

  return TRUE;
}

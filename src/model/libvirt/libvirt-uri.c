/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/libvirt/libvirt-uri.h"

#include <string.h>

gboolean
inn_libvirt_uri_has_scheme (const char *uri, const char *scheme)
{
  gsize length = strlen (scheme);

  return strncmp (uri, scheme, length) == 0 && (uri[length] == ':' || uri[length] == '+');
}

const char *
inn_libvirt_uri_get_technique (const char *uri)
{
  static const struct
  {
    const char *scheme;
    const char *technique;
  } techniques[] = {
    { "qemu", "QEMU" },   { "xen", "Xen" },        { "lxc", "LXC" },         { "esx", "ESXi" },
    { "vpx", "vSphere" }, { "hyperv", "Hyper-V" }, { "vbox", "VirtualBox" }, { "test", "Test" },
    { "bhyve", "bhyve" }, { "ch", "CH" },          { "openvz", "OpenVZ" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (techniques); i++)
    if (inn_libvirt_uri_has_scheme (uri, techniques[i].scheme))
      return techniques[i].technique;
  return "libvirt";
}

gboolean
inn_libvirt_uri_is_local (const char *text)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  const char *transport = uri != NULL ? strchr (g_uri_get_scheme (uri), '+') : NULL;

  return uri != NULL && (host == NULL || *host == '\0')
         && (transport == NULL || g_str_equal (transport, "+unix"));
}

gboolean
inn_libvirt_uri_is_session (const char *text)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);

  return uri != NULL && inn_libvirt_uri_is_local (text)
         && g_str_equal (g_uri_get_path (uri), "/session");
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The places: this computer by our own engine first, then by libvirt.
 */
#include "config.h"

#include "places.h"

#include <glib/gi18n.h>

#include "model/engine/engine-connection.h"
#include "model/libvirt/libvirt-connection.h"

static gboolean
speed_to_kvm_works (GBinding *binding, const GValue *from, GValue *to, gpointer user_data)
{
  g_autoptr (GObject) engine_place = g_binding_dup_source (binding);

  g_value_set_boolean (to,
                       inn_connection_get_speed (INN_CONNECTION (engine_place)) == INN_SPEED_FULL);
  return TRUE;
}

/* The engine's host check runs a guest, so it knows what libvirt does not: whether KVM really
 * serves. */
static void
add_libvirt (GListStore *places, InnConnection *engine_place, const char *uri, const char *title)
{
  g_autoptr (InnConnection) place = inn_libvirt_connection_new (uri, title, /* kvm_works= */ FALSE);

  g_object_bind_property_full (engine_place, "speed-text", place, "kvm-works", G_BINDING_DEFAULT,
                               speed_to_kvm_works, NULL, NULL, NULL);
  g_list_store_append (places, place);
}

GListModel *
inn_places_new (void)
{
  g_autoptr (InnEngine) engine = inn_engine_new (NULL, NULL, NULL);
  g_autoptr (InnConnection) engine_place = inn_engine_connection_new (engine);
  GListStore *places = g_list_store_new (INN_TYPE_CONNECTION);

  g_list_store_append (places, engine_place);
  add_libvirt (places, engine_place, INN_LIBVIRT_SESSION_URI, _ ("QEMU on this computer"));
  if (inn_libvirt_has_system ())
    add_libvirt (places, engine_place, INN_LIBVIRT_SYSTEM_URI,
                 _ ("System machines of this computer"));

  return G_LIST_MODEL (places);
}

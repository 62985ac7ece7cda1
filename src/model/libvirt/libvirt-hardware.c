/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Its machine keeps it current. */
#include "model/libvirt/libvirt-hardware.h"

#include "model/libvirt/domain-device-list.h"

struct _InnLibvirtHardware
{
  InnHardware parent_instance;
};

G_DEFINE_FINAL_TYPE (InnLibvirtHardware, inn_libvirt_hardware, INN_TYPE_HARDWARE)

static const char *
inn_libvirt_hardware_get_refusal (InnHardware *hardware)
{
  return inn_domain_device_list_get_refusal ();
}

static const char *
inn_libvirt_hardware_get_addition_refusal (InnHardware *hardware,
                                           InnDeviceKind kind,
                                           InnTiming *ret_timing)
{
  return inn_domain_device_list_get_refusal ();
}

static void
inn_libvirt_hardware_class_init (InnLibvirtHardwareClass *klass)
{
  InnHardwareClass *hardware_class = INN_HARDWARE_CLASS (klass);

  hardware_class->get_refusal = inn_libvirt_hardware_get_refusal;
  hardware_class->get_addition_refusal = inn_libvirt_hardware_get_addition_refusal;
}

static void
inn_libvirt_hardware_init (InnLibvirtHardware *self)
{
}

InnHardware *
inn_libvirt_hardware_new (void)
{
  return g_object_new (INN_TYPE_LIBVIRT_HARDWARE, NULL);
}

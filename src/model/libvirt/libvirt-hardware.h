/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnLibvirtHardware: what a machine of libvirt is made of. It is only shown.
 */
#pragma once

#include "model/hardware.h"

G_BEGIN_DECLS

#define INN_TYPE_LIBVIRT_HARDWARE (inn_libvirt_hardware_get_type ())
G_DECLARE_FINAL_TYPE (InnLibvirtHardware, inn_libvirt_hardware, INN, LIBVIRT_HARDWARE, InnHardware)

InnHardware *inn_libvirt_hardware_new (void);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvirt has few codes and uses some of them for very different causes, so the text is looked at
 * first. libvirt may translate its texts: what is not recognised falls back to the code.
 */
#include "model/libvirt/libvirt-error.h"

#include <string.h>

#include <glib/gi18n.h>
#include <libvirt/virterror.h>

#include "model/error.h"

typedef struct
{
  const char *text; /* part of libvirt's message */
  InnError error;
  const char *sentence;
} TextRule;

static const TextRule text_rules[] = {
  { "already exists", INN_ERROR_EXISTS,
    N_ ("A machine of that name is there already. Choose another name.") },
  { "No space left on device", INN_ERROR_NO_SPACE,
    N_ ("This computer has no space left for that. Free some space and try again.") },
  { "Active console session exists", INN_ERROR_BUSY,
    N_ ("Somebody else has this console open. Close it there first.") },
  { "Failed to get \"write\" lock", INN_ERROR_BUSY,
    N_ ("Another machine is using the same disk. Shut that one down first.") },
  { "Failed to get shared \"write\" lock", INN_ERROR_BUSY,
    N_ ("Another machine is using the same disk. Shut that one down first.") },
  { "could not get preferred machine", INN_ERROR_NOT_SUPPORTED,
    N_ ("This machine needs KVM, which cannot be used here. It is unchanged.") },
  { "ny emulator to serve", INN_ERROR_UNAVAILABLE,
    N_ ("QEMU is not installed. Install the package “qemu-system-x86”.") },
  { "Cannot find suitable emulator", INN_ERROR_UNAVAILABLE,
    N_ ("QEMU is not installed. Install the package “qemu-system-x86”.") },
  { "find qemu-img", INN_ERROR_UNAVAILABLE,
    N_ ("Disks cannot be made without qemu-img. Install the package “qemu-utils”.") },
  { "without qemu-img", INN_ERROR_UNAVAILABLE,
    N_ ("Disks cannot be made without qemu-img. Install the package “qemu-utils”.") },
  { "no connection driver available", INN_ERROR_UNAVAILABLE,
    N_ ("libvirt cannot run QEMU here. Install the package “libvirt-daemon-driver-qemu”.") },
  { "was built without", INN_ERROR_NOT_SUPPORTED,
    N_ ("The libvirt of this computer cannot reach such a place.") },
  { "Failed to connect socket", INN_ERROR_UNAVAILABLE,
    N_ ("No libvirt daemon answers. Its machines run on. Start the daemon or connect again.") },
  { "End of file while reading data", INN_ERROR_UNAVAILABLE,
    N_ ("The libvirt daemon has gone away. Its machines run on.") },
  { "client socket is closed", INN_ERROR_UNAVAILABLE,
    N_ ("The libvirt daemon has gone away. Its machines run on.") },
  { "Permission denied", INN_ERROR_PERMISSION,
    N_ ("libvirt may not open a file that the machine needs. Move it to a folder that everybody "
        "may read.") },
};

typedef struct
{
  int code;
  InnError error;
  const char *sentence;
} CodeRule;

static const CodeRule code_rules[] = {
  { VIR_ERR_NO_DOMAIN, INN_ERROR_FAILED, N_ ("That machine is no longer there.") },
  { VIR_ERR_NO_DOMAIN_SNAPSHOT, INN_ERROR_FAILED, N_ ("That snapshot is no longer there.") },
  { VIR_ERR_NO_STORAGE_VOL, INN_ERROR_FAILED, N_ ("A disk of the machine is not there.") },
  { VIR_ERR_DOM_EXIST, INN_ERROR_EXISTS,
    N_ ("A machine of that name is there already. Choose another name.") },
  { VIR_ERR_OPERATION_INVALID, INN_ERROR_BUSY,
    N_ ("The machine has changed meanwhile. Look at its state and try again.") },
  { VIR_ERR_OPERATION_TIMEOUT, INN_ERROR_BUSY,
    N_ ("Another operation on the machine has not ended yet. Try again later.") },
  { VIR_ERR_RESOURCE_BUSY, INN_ERROR_BUSY,
    N_ ("Somebody else is using the machine. Try again later.") },
  { VIR_ERR_NO_SUPPORT, INN_ERROR_NOT_SUPPORTED, N_ ("This place cannot do that.") },
  { VIR_ERR_OPERATION_UNSUPPORTED, INN_ERROR_NOT_SUPPORTED, N_ ("This place cannot do that.") },
  { VIR_ERR_AUTH_FAILED, INN_ERROR_PERMISSION,
    N_ ("libvirt did not let you in. Ask to be added to the group “libvirt”.") },
  { VIR_ERR_AUTH_CANCELLED, INN_ERROR_PERMISSION,
    N_ ("libvirt did not let you in. Ask to be added to the group “libvirt”.") },
  { VIR_ERR_AUTH_UNAVAILABLE, INN_ERROR_PERMISSION,
    N_ ("libvirt did not let you in. Ask to be added to the group “libvirt”.") },
  { VIR_ERR_OPERATION_DENIED, INN_ERROR_PERMISSION, N_ ("You may look here, but not change.") },
  { VIR_ERR_ACCESS_DENIED, INN_ERROR_PERMISSION, N_ ("You may not do that here.") },
};

GError *
inn_libvirt_error_new (int code, const char *text)
{
  g_debug ("libvirt error %d: %s", code, text != NULL ? text : "no text");

  for (guint i = 0; text != NULL && i < G_N_ELEMENTS (text_rules); i++)
    if (strstr (text, text_rules[i].text) != NULL)
      return g_error_new_literal (INN_ERROR, text_rules[i].error, _ (text_rules[i].sentence));

  for (guint i = 0; i < G_N_ELEMENTS (code_rules); i++)
    if (code == code_rules[i].code)
      return g_error_new_literal (INN_ERROR, code_rules[i].error, _ (code_rules[i].sentence));

  if (text == NULL)
    return g_error_new_literal (INN_ERROR, INN_ERROR_FAILED,
                                _ ("libvirt stopped and gave no reason. Try again."));
  return g_error_new (INN_ERROR, INN_ERROR_FAILED, _ ("libvirt stopped and says: %s"), text);
}

void
inn_libvirt_take_error (GError **error)
{
  virErrorPtr last = virGetLastError ();

  g_propagate_error (error, last != NULL ? inn_libvirt_error_new (last->code, last->message)
                                         : inn_libvirt_error_new (VIR_ERR_OK, NULL));
}

int
inn_libvirt_last_code (void)
{
  return virGetLastErrorCode ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine starts from, in its description.
 */
#include "config.h"

#include "machine-description-boot.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "machine-description-private.h"

static const struct
{
  const char *word; /* of <boot dev=> */
  InnBootKind kind;
} classes[] = {
  { "hd", INN_BOOT_DISK },
  { "cdrom", INN_BOOT_CDROM },
  { "network", INN_BOOT_NETWORK },
};

/* ---- firmware ---- */

static xmlNode *
find_os (const InnMachineDescription *self)
{
  return inn_machine_description_find (self, "os");
}

static gboolean
has_attribute (xmlNode *element, const char *name, const char *value)
{
  g_autofree char *actual = inn_xml_get_attribute (element, name);

  return g_strcmp0 (actual, value) == 0;
}

InnFirmware
inn_machine_description_get_firmware (const InnMachineDescription *self)
{
  xmlNode *os = find_os (self);
  xmlNode *loader = inn_xml_find (os, "loader");

  if (has_attribute (os, "firmware", "efi") || has_attribute (loader, "type", "pflash"))
    return INN_FIRMWARE_UEFI;
  if (has_attribute (os, "firmware", "bios") || loader != NULL)
    return INN_FIRMWARE_BIOS;

  return self->kernel != NULL ? INN_FIRMWARE_NONE : INN_FIRMWARE_BIOS;
}

void
inn_machine_description_set_firmware (InnMachineDescription *self, InnFirmware firmware)
{
  xmlNode *os = inn_machine_description_ensure (self, "os");
  const char *word = NULL;

  if (firmware == INN_FIRMWARE_UEFI)
    word = "efi";
  else if (firmware == INN_FIRMWARE_BIOS && self->kernel != NULL)
    word = "bios"; /* else it need not be said, and libvirt may know no BIOS by that word */

  inn_xml_set_attribute (os, "firmware", word);
  inn_xml_remove (inn_xml_find (os, "firmware"));
  inn_xml_remove (inn_xml_find (os, "loader"));
  inn_xml_remove (inn_xml_find (os, "nvram"));
}

char *
inn_machine_description_get_loader (const InnMachineDescription *self)
{
  return inn_xml_get_text (inn_xml_find (find_os (self), "loader"));
}

char *
inn_machine_description_get_variables (const InnMachineDescription *self)
{
  return inn_xml_get_text (inn_xml_find (find_os (self), "nvram"));
}

char *
inn_machine_description_get_variables_template (const InnMachineDescription *self)
{
  return inn_xml_get_attribute (inn_xml_find (find_os (self), "nvram"), "template");
}

void
inn_machine_description_set_variables (InnMachineDescription *self, const char *path)
{
  xmlNode *os = find_os (self);
  g_autofree char *variables_template = inn_machine_description_get_variables_template (self);

  inn_xml_remove (inn_xml_find (os, "nvram"));
  if (path != NULL)
    inn_xml_set_child_text (os, "nvram", path);
  if (variables_template != NULL)
    inn_xml_set_attribute (inn_xml_ensure (os, "nvram"), "template", variables_template);
}

/* ---- kernel ---- */

const char *
inn_machine_description_get_kernel (const InnMachineDescription *self)
{
  return self->kernel;
}

const char *
inn_machine_description_get_initrd (const InnMachineDescription *self)
{
  return self->initrd;
}

const char *
inn_machine_description_get_cmdline (const InnMachineDescription *self)
{
  return self->cmdline;
}

static void
set_boot_text (InnMachineDescription *self, const char *element, const char *text)
{
  inn_xml_set_child_text (inn_machine_description_ensure (self, "os"), element, text);
  inn_machine_description_read (self);
}

void
inn_machine_description_set_kernel (InnMachineDescription *self, const char *path)
{
  set_boot_text (self, "kernel", path);
}

void
inn_machine_description_set_initrd (InnMachineDescription *self, const char *path)
{
  set_boot_text (self, "initrd", path);
}

void
inn_machine_description_set_cmdline (InnMachineDescription *self, const char *cmdline)
{
  set_boot_text (self, "cmdline", cmdline);
}

/* ---- order ---- */

/* A device that the firmware can start from, in the document. */
typedef struct
{
  InnBootDevice device;
  xmlNode *element;
} Candidate;

static gboolean
read_candidate (xmlNode *element, InnBootKind *ret_kind)
{
  g_autofree char *device = inn_xml_get_attribute (element, "device");

  if (xmlStrEqual (element->name, BAD_CAST "interface"))
    *ret_kind = INN_BOOT_NETWORK;
  else if (!xmlStrEqual (element->name, BAD_CAST "disk"))
    return FALSE;
  else if (device == NULL || g_str_equal (device, "disk"))
    *ret_kind = INN_BOOT_DISK;
  else if (g_str_equal (device, "cdrom"))
    *ret_kind = INN_BOOT_CDROM;
  else
    return FALSE;

  return TRUE;
}

/* In the document's order. */
static GArray *
list_candidates (const InnMachineDescription *self)
{
  GArray *candidates = g_array_new (FALSE, TRUE, sizeof (Candidate));
  xmlNode *devices = inn_machine_description_find (self, "devices");
  guint counts[G_N_ELEMENTS (classes)] = { 0 };

  for (xmlNode *element = devices != NULL ? devices->children : NULL; element != NULL;
       element = element->next)
    {
      Candidate candidate = { .element = element };

      if (element->type != XML_ELEMENT_NODE || element->ns != NULL
          || !read_candidate (element, &candidate.device.kind))
        continue;
      candidate.device.index = counts[candidate.device.kind]++;
      inn_xml_get_number (inn_xml_find (element, "boot"), "order", &candidate.device.number);
      g_array_append_val (candidates, candidate);
    }

  return candidates;
}

static int
compare_numbers (gconstpointer a, gconstpointer b)
{
  const InnBootDevice *first = a, *second = b;

  return (first->number > second->number) - (first->number < second->number);
}

static void
append_class (GArray *order, const GArray *candidates, InnBootKind kind)
{
  for (guint i = 0; i < candidates->len; i++)
    {
      const Candidate *candidate = &g_array_index (candidates, Candidate, i);

      if (candidate->device.kind == kind)
        g_array_append_val (order, candidate->device);
    }
}

static gboolean
class_from_word (const char *word, InnBootKind *ret_kind)
{
  for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
    {
      if (g_strcmp0 (word, classes[i].word) == 0)
        {
          *ret_kind = classes[i].kind;
          return TRUE;
        }
    }

  return FALSE;
}

/* By <boot dev=> in <os>. A kind that is named again adds nothing. */
static void
append_classes (GArray *order, const InnMachineDescription *self, const GArray *candidates)
{
  gboolean seen[G_N_ELEMENTS (classes)] = { FALSE };

  for (xmlNode *boot = inn_xml_find (find_os (self), "boot"); boot != NULL;
       boot = inn_xml_next (boot))
    {
      g_autofree char *word = inn_xml_get_attribute (boot, "dev");
      InnBootKind kind;

      if (!class_from_word (word, &kind) || seen[kind])
        continue;
      seen[kind] = TRUE;
      append_class (order, candidates, kind);
    }
}

GArray *
inn_machine_description_get_boot_order (const InnMachineDescription *self)
{
  GArray *order = g_array_new (FALSE, FALSE, sizeof (InnBootDevice));
  g_autoptr (GArray) candidates = list_candidates (self);

  for (guint i = 0; i < candidates->len; i++)
    {
      const Candidate *candidate = &g_array_index (candidates, Candidate, i);

      if (candidate->device.number != 0)
        g_array_append_val (order, candidate->device);
    }
  g_array_sort (order, compare_numbers);
  if (order->len == 0)
    append_classes (order, self, candidates);

  return order;
}

static gboolean
has_name (const Candidate *candidate, const char *name)
{
  g_autofree char *interface = g_strdup_printf ("net%u", candidate->device.index);

  return candidate->device.kind == INN_BOOT_NETWORK
             ? g_str_equal (name, interface)
             : has_attribute (inn_xml_find (candidate->element, "target"), "dev", name);
}

/* Numbers the devices that @name means from *@number on. */
static gboolean
number_devices (GArray *candidates, const char *name, guint *number, GError **error)
{
  InnBootKind kind = INN_BOOT_DISK;
  const gboolean is_class = class_from_word (name, &kind);
  gboolean found = is_class;

  for (guint i = 0; i < candidates->len; i++)
    {
      Candidate *candidate = &g_array_index (candidates, Candidate, i);
      const gboolean meant = is_class ? candidate->device.kind == kind : has_name (candidate, name);

      if (!meant)
        continue;
      if (candidate->device.number != 0)
        return inn_machine_description_refuse (
            error, _ ("The order names a device twice; “%s” is the second time."), name);
      candidate->device.number = ++*number;
      found = TRUE;
    }

  return found
         || inn_machine_description_refuse (
             error,
             _ ("The machine cannot start from “%s”: name its disks, CD drives and network "
                "interfaces like vda, sda and net0, or all of a kind as hd, cdrom or network."),
             name);
}

static void
write_numbers (const GArray *candidates)
{
  for (guint i = 0; i < candidates->len; i++)
    {
      const Candidate *candidate = &g_array_index (candidates, Candidate, i);
      g_autofree char *number = g_strdup_printf ("%u", candidate->device.number);

      inn_xml_remove (inn_xml_find (candidate->element, "boot"));
      if (candidate->device.number != 0)
        inn_xml_set_attribute (inn_xml_append (candidate->element, "boot"), "order", number);
    }
}

static void
write_classes (InnMachineDescription *self, const char *const *names)
{
  xmlNode *os = inn_machine_description_ensure (self, "os");

  for (guint i = 0; names[i] != NULL; i++)
    inn_xml_set_attribute (inn_xml_append (os, "boot"), "dev", names[i]);
}

static gboolean
are_classes (const char *const *names)
{
  InnBootKind kind;

  for (guint i = 0; names[i] != NULL; i++)
    {
      if (!class_from_word (names[i], &kind))
        return FALSE;
    }

  return TRUE;
}

gboolean
inn_machine_description_set_boot_order (InnMachineDescription *self,
                                        const char *const *names,
                                        GError **error)
{
  g_autoptr (GArray) candidates = list_candidates (self);
  const gboolean by_class = are_classes (names);
  guint number = 0;

  for (guint i = 0; i < candidates->len; i++)
    g_array_index (candidates, Candidate, i).device.number = 0;
  for (guint i = 0; names[i] != NULL; i++)
    {
      if (!number_devices (candidates, names[i], &number, error))
        return FALSE;
    }

  for (guint i = 0; by_class && i < candidates->len; i++)
    g_array_index (candidates, Candidate, i).device.number = 0;
  write_numbers (candidates);
  for (xmlNode *boot; (boot = inn_xml_find (find_os (self), "boot")) != NULL;)
    inn_xml_remove (boot);
  if (by_class)
    write_classes (self, names);

  return TRUE;
}

gboolean
inn_machine_description_get_boot_menu (const InnMachineDescription *self)
{
  return inn_xml_is_on (inn_xml_find (find_os (self), "bootmenu"), "enable");
}

void
inn_machine_description_set_boot_menu (InnMachineDescription *self, gboolean enable)
{
  xmlNode *os = inn_machine_description_ensure (self, "os");

  inn_xml_set_attribute (inn_xml_ensure (os, "bootmenu"), "enable", enable ? "yes" : "no");
}

/* ---- checks ---- */

static gboolean
validate_path (const char *path, GError **error)
{
  return path == NULL || g_path_is_absolute (path)
         || inn_machine_description_refuse (
             error, _ ("The definition names the file “%s” without saying in which folder it is."),
             path);
}

static gboolean
validate_firmware (const InnMachineDescription *self, GError **error)
{
  xmlNode *os = find_os (self);
  g_autofree char *word = inn_xml_get_attribute (os, "firmware");
  g_autofree char *loader = inn_machine_description_get_loader (self);
  g_autofree char *variables = inn_machine_description_get_variables (self);
  g_autofree char *variables_template = inn_machine_description_get_variables_template (self);

  if (word != NULL && !g_str_equal (word, "efi") && !g_str_equal (word, "bios"))
    return inn_machine_description_refuse (error,
                                           _ ("The firmware “%s” is not known; write efi or bios."),
                                           word);

  return validate_path (loader, error) && validate_path (variables, error)
         && validate_path (variables_template, error);
}

static gboolean
validate_order (const InnMachineDescription *self, GError **error)
{
  g_autoptr (GArray) candidates = list_candidates (self);
  g_autoptr (GHashTable) numbers = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < candidates->len; i++)
    {
      const Candidate *candidate = &g_array_index (candidates, Candidate, i);
      const guint number = candidate->device.number;

      if (number == 0 && inn_xml_find (candidate->element, "boot") != NULL)
        return inn_machine_description_refuse (
            error, _ ("A device's place in the order to start from must be a number from 1 on."));
      if (number != 0 && !g_hash_table_add (numbers, GUINT_TO_POINTER (number)))
        return inn_machine_description_refuse (
            error, _ ("Two devices have the place %u in the order to start from."), number);
    }
  if (g_hash_table_size (numbers) > 0 && inn_xml_find (find_os (self), "boot") != NULL)
    return inn_machine_description_refuse (
        error, _ ("The order to start from is given twice: in “os” and in the devices."));

  return TRUE;
}

gboolean
inn_machine_description_validate_boot (const InnMachineDescription *self, GError **error)
{
  return validate_path (self->kernel, error) && validate_path (self->initrd, error)
         && validate_firmware (self, error) && validate_order (self, error);
}

/* <firmware><feature enabled='yes' name='secure-boot'/></firmware> or <loader secure='yes'>. */
static gboolean
wants_secure_boot (xmlNode *os)
{
  xmlNode *feature = inn_xml_find (inn_xml_find (os, "firmware"), "feature");

  for (; feature != NULL; feature = inn_xml_next (feature))
    {
      if (has_attribute (feature, "name", "secure-boot") && inn_xml_is_on (feature, "enabled"))
        return TRUE;
    }

  return inn_xml_is_on (inn_xml_find (os, "loader"), "secure");
}

static gboolean
is_raw (xmlNode *element)
{
  g_autofree char *format = inn_xml_get_attribute (element, "format");

  return format == NULL || g_str_equal (format, "raw");
}

gboolean
inn_machine_description_check_boot_startable (const InnMachineDescription *self, GError **error)
{
  xmlNode *os = find_os (self);

  if (wants_secure_boot (os))
    return inn_machine_description_refuse_start (
        error,
        _ ("“%s” cannot start here: it wants Secure Boot, which this engine lacks so far. Turn it "
           "off in its definition, or run the machine in QEMU."),
        self->name);
  if (!is_raw (inn_xml_find (os, "loader")) || !is_raw (inn_xml_find (os, "nvram")))
    return inn_machine_description_refuse_start (
        error,
        _ ("“%s” cannot start here: its firmware is not in raw files. Choose the firmware again, "
           "or run the machine in QEMU."),
        self->name);

  return TRUE;
}

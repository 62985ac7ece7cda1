/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What this computer can run, and if it cannot, why and what to do.
 */
#include "config.h"

#include "host-check.h"

#include <cpuid.h>
#include <errno.h>
#include <glib/gi18n-lib.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host-memory.h"

#define DEVICE_PATH "/dev/kvm"

enum
{
  PROBE_TIMEOUT_MS = 3000,
  MAX_DATABASE_ENTRY = 65536, /* bytes of a group's line */
};

static const char *const verdict_words[] = {
  [INN_HOST_GOOD] = "good",
  [INN_HOST_NO_CPU_SUPPORT] = "no-cpu-support",
  [INN_HOST_DISABLED_IN_FIRMWARE] = "disabled-in-firmware",
  [INN_HOST_NO_MODULE] = "no-module",
  [INN_HOST_NO_DEVICE] = "no-device",
  [INN_HOST_NO_PERMISSION] = "no-permission",
  [INN_HOST_IN_USE] = "in-use",
  [INN_HOST_OLD] = "old",
  [INN_HOST_EMULATES] = "emulates",
  [INN_HOST_BROKEN] = "broken",
};

void
inn_host_facts_clear (InnHostFacts *facts)
{
  g_clear_pointer (&facts->device_group, g_free);
}

/* Intel SDM volume 3, 24.6 and AMD APM volume 2, 15.4: the bits stay when firmware disables it. */
static gboolean
cpuid_has_virtualization (void)
{
  guint eax, ebx, ecx, edx;

  if (__get_cpuid (1, &eax, &ebx, &ecx, &edx) && (ecx & (1u << 5)) != 0)
    return TRUE;

  return __get_cpuid (0x80000001, &eax, &ebx, &ecx, &edx) && (ecx & (1u << 2)) != 0;
}

static gboolean
kernel_has_flag (void)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) words = NULL;
  char *line, *end;

  if (!g_file_get_contents ("/proc/cpuinfo", &text, NULL, NULL))
    return FALSE;
  line = strstr (text, "\nflags");
  if (line == NULL)
    return FALSE;
  end = strchr (line + 1, '\n');
  if (end != NULL)
    *end = '\0';

  words = g_strsplit (line, " ", -1);
  return g_strv_contains ((const char *const *)words, "vmx")
         || g_strv_contains ((const char *const *)words, "svm");
}

static gboolean
module_is_loaded (const char *name)
{
  g_autofree char *path = g_build_filename ("/sys/module", name, NULL);

  return g_file_test (path, G_FILE_TEST_IS_DIR);
}

/* Whether @group lists the user @name, or is the user's own. */
static gboolean
group_has_user (const struct group *group)
{
  const char *name = g_get_user_name ();
  struct passwd user, *found = NULL;
  g_autofree char *buffer = g_malloc (MAX_DATABASE_ENTRY);

  for (char **member = group->gr_mem; member != NULL && *member != NULL; member++)
    {
      if (g_str_equal (*member, name))
        return TRUE;
    }

  return getpwuid_r (getuid (), &user, buffer, MAX_DATABASE_ENTRY, &found) == 0 && found != NULL
         && found->pw_gid == group->gr_gid;
}

static void
look_at_device (InnHostFacts *facts)
{
  struct group group, *found = NULL;
  g_autofree char *buffer = g_malloc (MAX_DATABASE_ENTRY);
  struct stat status;

  facts->device_exists = stat (DEVICE_PATH, &status) == 0;
  if (!facts->device_exists || (status.st_mode & 0060) != 0060
      || getgrgid_r (status.st_gid, &group, buffer, MAX_DATABASE_ENTRY, &found) != 0
      || found == NULL)
    return;

  facts->device_group = g_strdup (found->gr_name);
  facts->user_in_group = group_has_user (found);
}

void
inn_host_facts_gather (InnHostFacts *ret_facts)
{
  InnHostFacts facts = { 0 };

  facts.cpu_can = cpuid_has_virtualization ();
  facts.cpu_flag = kernel_has_flag ();
  facts.module_loaded = module_is_loaded ("kvm");
  facts.cpu_module_loaded = module_is_loaded ("kvm_intel") || module_is_loaded ("kvm_amd")
                            || module_is_loaded ("kvm_pvm");
  look_at_device (&facts);
  inn_kvm_probe_run (DEVICE_PATH, PROBE_TIMEOUT_MS, &facts.probe);
  facts.cpus = g_get_num_processors ();
  facts.memory_total = inn_host_memory_get_total ();
  facts.memory_available = inn_host_memory_get_available ();
  *ret_facts = facts;
}

/* There is no usable /dev/kvm: why? */
static InnHostVerdict
judge_missing_device (const InnHostFacts *facts)
{
  if (facts->cpu_module_loaded)
    return INN_HOST_NO_DEVICE;
  if (!facts->cpu_can && !facts->cpu_flag)
    return INN_HOST_NO_CPU_SUPPORT;
  /* Older kernels leave the flag; then the module for the processor refuses to load. */
  if (!facts->cpu_flag || facts->module_loaded)
    return INN_HOST_DISABLED_IN_FIRMWARE;

  return INN_HOST_NO_MODULE;
}

InnHostVerdict
inn_host_check_judge (const InnHostFacts *facts)
{
  switch (facts->probe.outcome)
    {
    case INN_KVM_PROBE_GOOD:
      return INN_HOST_GOOD;
    case INN_KVM_PROBE_NOT_OPENED:
      return facts->probe.error_number == EACCES || facts->probe.error_number == EPERM
                 ? INN_HOST_NO_PERMISSION
                 : judge_missing_device (facts);
    case INN_KVM_PROBE_NOT_CREATED:
      return facts->probe.error_number == EBUSY ? INN_HOST_IN_USE : INN_HOST_BROKEN;
    case INN_KVM_PROBE_OLD:
      return INN_HOST_OLD;
    case INN_KVM_PROBE_EMULATES:
    case INN_KVM_PROBE_HUNG:
      return INN_HOST_EMULATES;
    case INN_KVM_PROBE_BROKEN:
    default:
      return INN_HOST_BROKEN;
    }
}

static char *
describe_permission (const InnHostFacts *facts)
{
  if (facts->device_group == NULL)
    return g_strdup (_ ("You may not use this computer's virtualization (/dev/kvm). Ask whoever "
                        "looks after this computer."));
  if (facts->user_in_group)
    return g_strdup_printf (_ ("You may use this computer's virtualization, but this session does "
                               "not know it yet. You are in the group “%s” now: log out and in "
                               "again."),
                            facts->device_group);

  return g_strdup_printf (_ ("You may not use this computer's virtualization (/dev/kvm). Have "
                             "yourself added to the group “%s”, then log out and in again."),
                          facts->device_group);
}

char *
inn_host_check_describe (const InnHostFacts *facts)
{
  switch (inn_host_check_judge (facts))
    {
    case INN_HOST_GOOD:
      return g_strdup (_ ("This computer runs machines at full speed."));
    case INN_HOST_NO_CPU_SUPPORT:
      return g_strdup (
          _ ("This computer's processor has no virtualization, or what this computer "
             "runs in hides it. With QEMU and libvirt installed, machines run in software "
             "emulation, slowly."));
    case INN_HOST_DISABLED_IN_FIRMWARE:
      return g_strdup (_ ("Virtualization is switched off in this computer's firmware. Restart, "
                          "open its setup and switch on “Intel VT-x” or “AMD SVM”."));
    case INN_HOST_NO_MODULE:
      return g_strdup (_ ("This computer can run machines at full speed, but the kernel's module "
                          "for it is not loaded. Load “kvm_intel” or “kvm_amd”."));
    case INN_HOST_NO_DEVICE:
      return g_strdup (_ ("The kernel offers virtualization, but /dev/kvm is not there or does not "
                          "answer. In a container, have it passed in."));
    case INN_HOST_NO_PERMISSION:
      return describe_permission (facts);
    case INN_HOST_IN_USE:
      return g_strdup (_ ("Another program, such as VirtualBox, has this computer's virtualization "
                          "to itself. Stop its machines, then try again."));
    case INN_HOST_OLD:
      return g_strdup_printf (_ ("This computer's kernel is too old to run machines: it lacks %s. "
                                 "Update it."),
                              facts->probe.missing_capability != NULL
                                  ? facts->probe.missing_capability
                                  : "KVM 12");
    case INN_HOST_EMULATES:
      return g_strdup (
          _ ("This computer's virtualization only emulates a guest's kernel, which "
             "ordinary systems do not survive. With QEMU and libvirt installed, machines run in "
             "software emulation, slowly."));
    case INN_HOST_BROKEN:
    default:
      return g_strdup (_ ("This computer's virtualization did not pass a short test. With QEMU "
                          "and libvirt installed, machines run in software emulation, slowly."));
    }
}

char *
inn_host_check_detail (const InnHostFacts *facts)
{
  const InnKvmProbe *probe = &facts->probe;
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "cpuid %s, cpuinfo %s, kvm %s, vendor module %s, device %s",
                          facts->cpu_can ? "yes" : "no", facts->cpu_flag ? "yes" : "no",
                          facts->module_loaded ? "loaded" : "absent",
                          facts->cpu_module_loaded ? "loaded" : "absent",
                          facts->device_exists ? "present" : "absent");
  if (probe->outcome == INN_KVM_PROBE_HUNG)
    g_string_append (text, ", probe guest hung");
  if (probe->error_number != 0)
    g_string_append_printf (text, ", %s", g_strerror (probe->error_number));
  if (probe->missing_capability != NULL)
    g_string_append_printf (text, ", no %s", probe->missing_capability);
  if (probe->failed_step != NULL)
    g_string_append_printf (text, ", stopped at %s", probe->failed_step);
  if (probe->loop_ns != 0)
    g_string_append_printf (text, ", %.1f ns per instruction",
                            (double)probe->loop_ns / probe->loop_instructions);

  return g_string_free (text, FALSE);
}

const char *
inn_host_verdict_to_word (InnHostVerdict verdict)
{
  return verdict_words[verdict];
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>

#include "host-check.h"

#define DEVICE "/dev/kvm"

/* A computer where all is well. */
static InnHostFacts
good_facts (void)
{
  return (InnHostFacts){
    .cpu_can = TRUE,
    .cpu_flag = TRUE,
    .module_loaded = TRUE,
    .cpu_module_loaded = TRUE,
    .device_exists = TRUE,
    .probe = { .outcome = INN_KVM_PROBE_GOOD, .loop_ns = 40000, .loop_instructions = 100000 },
  };
}

static void
assert_verdict (const InnHostFacts *facts, InnHostVerdict verdict, const char *word)
{
  g_autofree char *sentence = inn_host_check_describe (facts);
  g_autofree char *detail = inn_host_check_detail (facts);

  g_assert_cmpint (inn_host_check_judge (facts), ==, verdict);
  if (strstr (sentence, word) == NULL)
    g_error ("“%s” does not say “%s”", sentence, word);
  g_assert_true (g_str_has_suffix (sentence, "."));
  g_assert_null (strchr (detail, '\n'));
  g_assert_cmpstr (inn_host_verdict_to_word (verdict), !=, "");
}

static void
test_good (void)
{
  InnHostFacts facts = good_facts ();

  assert_verdict (&facts, INN_HOST_GOOD, "full speed");
}

static void
test_no_device (void)
{
  InnHostFacts facts = good_facts ();

  facts.device_exists = FALSE;
  facts.probe = (InnKvmProbe){ .outcome = INN_KVM_PROBE_NOT_OPENED, .error_number = ENOENT };
  assert_verdict (&facts, INN_HOST_NO_DEVICE, "container");

  /* Older kernels: the flag is there, the module refused. */
  facts.cpu_module_loaded = FALSE;
  assert_verdict (&facts, INN_HOST_DISABLED_IN_FIRMWARE, "firmware");
  /* Newer ones take the flag away. */
  facts.cpu_flag = FALSE;
  facts.module_loaded = FALSE;
  assert_verdict (&facts, INN_HOST_DISABLED_IN_FIRMWARE, "firmware");

  facts.cpu_flag = TRUE;
  assert_verdict (&facts, INN_HOST_NO_MODULE, "kvm_intel");
  facts.cpu_flag = facts.cpu_can = FALSE;
  assert_verdict (&facts, INN_HOST_NO_CPU_SUPPORT, "processor");
}

static void
test_no_permission (void)
{
  InnHostFacts facts = good_facts ();
  char group[] = "kvm";

  facts.probe = (InnKvmProbe){ .outcome = INN_KVM_PROBE_NOT_OPENED, .error_number = EACCES };
  assert_verdict (&facts, INN_HOST_NO_PERMISSION, "Ask");
  facts.device_group = group;
  assert_verdict (&facts, INN_HOST_NO_PERMISSION, "added to the group “kvm”");
  facts.user_in_group = TRUE;
  assert_verdict (&facts, INN_HOST_NO_PERMISSION, "You are in the group “kvm” now");
}

static void
test_refused (void)
{
  InnHostFacts facts = good_facts ();

  facts.probe = (InnKvmProbe){ .outcome = INN_KVM_PROBE_NOT_CREATED, .error_number = EBUSY };
  assert_verdict (&facts, INN_HOST_IN_USE, "VirtualBox");
  facts.probe.error_number = ENOMEM;
  assert_verdict (&facts, INN_HOST_BROKEN, "emulation");
  facts.probe
      = (InnKvmProbe){ .outcome = INN_KVM_PROBE_OLD, .missing_capability = "KVM_CAP_IRQFD" };
  assert_verdict (&facts, INN_HOST_OLD, "KVM_CAP_IRQFD");
  facts.probe = (InnKvmProbe){ .outcome = INN_KVM_PROBE_EMULATES, .failed_step = "pcmpeqb" };
  assert_verdict (&facts, INN_HOST_EMULATES, "emulates");
  facts.probe = (InnKvmProbe){ .outcome = INN_KVM_PROBE_HUNG };
  assert_verdict (&facts, INN_HOST_EMULATES, "emulates");
  facts.probe = (InnKvmProbe){ .outcome = INN_KVM_PROBE_BROKEN };
  assert_verdict (&facts, INN_HOST_BROKEN, "test");
}

static void
test_no_kvm_at_path (void)
{
  InnKvmProbe probe;

  inn_kvm_probe_run ("/dev/there-is-no-such-device", 1000, &probe);
  g_assert_cmpint (probe.outcome, ==, INN_KVM_PROBE_NOT_OPENED);
  g_assert_cmpint (probe.error_number, ==, ENOENT);
  inn_kvm_probe_run ("/dev/null", 1000, &probe);
  g_assert_cmpint (probe.outcome, ==, INN_KVM_PROBE_OLD);
}

/* No time at all: the probe comes back all the same, and its child is gone. */
static void
test_time_limit (void)
{
  InnKvmProbe probe;

  inn_kvm_probe_run (DEVICE, 0, &probe);
  g_assert_cmpint (probe.outcome, ==, INN_KVM_PROBE_HUNG);
  g_assert_cmpint (waitpid (-1, NULL, WNOHANG), ==, -1);
  g_assert_cmpint (errno, ==, ECHILD);
}

/* On this computer: any clear verdict, in time. */
static void
test_this_computer (void)
{
  const gint64 started = g_get_monotonic_time ();
  g_auto (InnHostFacts) facts = { 0 };
  g_autofree char *detail = NULL;

  inn_host_facts_gather (&facts);
  detail = inn_host_check_detail (&facts);
  g_test_message ("%s: %s", inn_host_verdict_to_word (inn_host_check_judge (&facts)), detail);
  g_assert_cmpint (g_get_monotonic_time () - started, <, 10 * G_USEC_PER_SEC);
  g_assert_cmpuint (facts.cpus, >, 0);
  g_assert_cmpuint (facts.memory_total, >, facts.memory_available);

  if (g_access (DEVICE, R_OK | W_OK) != 0)
    {
      g_test_skip (DEVICE " cannot be used here");
      return;
    }
  g_assert_cmpint (facts.probe.outcome, !=, INN_KVM_PROBE_NOT_OPENED);
  g_assert_cmpint (facts.probe.outcome, !=, INN_KVM_PROBE_NOT_CREATED);
  g_assert_cmpint (facts.probe.outcome, !=, INN_KVM_PROBE_HUNG);
  g_assert_cmpint (facts.probe.outcome, !=, INN_KVM_PROBE_BROKEN);
  if (facts.probe.outcome == INN_KVM_PROBE_GOOD)
    g_assert_cmpuint (facts.probe.loop_ns, >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/host-check/good", test_good);
  g_test_add_func ("/host-check/no-device", test_no_device);
  g_test_add_func ("/host-check/no-permission", test_no_permission);
  g_test_add_func ("/host-check/refused", test_refused);
  g_test_add_func ("/host-check/no-kvm-at-path", test_no_kvm_at_path);
  g_test_add_func ("/host-check/time-limit", test_time_limit);
  g_test_add_func ("/host-check/this-computer", test_this_computer);

  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "launch-plan.h"

#define MACHINE                                                                                    \
  "<domain><name>web, 1</name><uuid>0f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a11</uuid>"                   \
  "<memory unit='KiB'>65537</memory><vcpu>3</vcpu><os><kernel>/k</kernel>%s</os><devices>%s"       \
  "</devices></domain>"

static const char *const no_environment[] = { NULL };

static InnLaunchPlan *
plan (const char *os, const char *devices, const char *const *environment)
{
  g_autofree char *text = g_strdup_printf (MACHINE, os, devices);
  g_autoptr (InnMachineDescription) description
      = inn_machine_description_parse (text, strlen (text), NULL);

  return inn_launch_plan_new (description, "/libexec/vmm", environment);
}

static void
assert_file (const InnLaunchPlan *self, guint index, InnLaunchFileKind kind, const char *path)
{
  const InnLaunchFile *file = &g_array_index (self->files, InnLaunchFile, index);

  g_assert_cmpint (file->kind, ==, kind);
  g_assert_cmpstr (file->path, ==, path);
  g_assert_cmpint (file->number, ==, 3 + (int)index);
}

static void
test_least (void)
{
  const char *const expected[]
      = { "/libexec/vmm", "--name", "web, 1",     "--memory", "65M",      "--cpus", "3",
          "--control",    "fd=3",   "--firmware", "none",     "--kernel", "fd=5",   "--serial",
          "none",         NULL };
  g_autoptr (InnLaunchPlan) self = plan ("", "", no_environment);

  g_assert_cmpstrv (self->argv, expected);
  g_assert_cmpuint (self->files->len, ==, 3);
  assert_file (self, 0, INN_LAUNCH_CONTROL_SOCKET, NULL);
  assert_file (self, 1, INN_LAUNCH_LOCK, NULL);
  assert_file (self, 2, INN_LAUNCH_KERNEL, "/k");
}

static void
test_all (void)
{
  const char *const expected[] = { "/libexec/vmm",
                                   "--name",
                                   "web, 1",
                                   "--memory",
                                   "65M",
                                   "--cpus",
                                   "3",
                                   "--control",
                                   "fd=3",
                                   "--firmware",
                                   "none",
                                   "--kernel",
                                   "fd=5",
                                   "--initrd",
                                   "fd=6",
                                   "--cmdline",
                                   "--odd one",
                                   "--disk",
                                   "fd=7,format=raw",
                                   "--disk",
                                   "fd=8,format=raw,readonly=on,serial=S1",
                                   "--serial",
                                   "none",
                                   NULL };
  g_autoptr (InnLaunchPlan) self
      = plan ("<initrd>/i</initrd><cmdline>--odd one</cmdline>",
              "<disk><source file='/a,readonly=on'/><target dev='vda'/></disk>"
              "<disk><source file='/b'/><target dev='vdb'/><readonly/><serial>S1</serial></disk>",
              no_environment);

  g_assert_cmpstrv (self->argv, expected);
  assert_file (self, 3, INN_LAUNCH_INITRD, "/i");
  assert_file (self, 4, INN_LAUNCH_DISK, "/a,readonly=on");
  assert_file (self, 5, INN_LAUNCH_READONLY_DISK, "/b");
}

/* A guest may take over its VMM: the session's secrets do not go there. */
static void
test_environment (void)
{
  const char *const environment[]
      = { "HOME=/home/me",  "LANG=C.UTF-8",        "SSH_AUTH_SOCK=/x", "INNKEEPER_VMM=/v",
          "LC_ALL=C.UTF-8", "LD_PRELOAD=/evil.so", "LANGUAGE=de",      NULL };
  const char *const expected[] = { "LANG=C.UTF-8", "INNKEEPER_VMM=/v", "LC_ALL=C.UTF-8", NULL };
  g_autoptr (InnLaunchPlan) self = plan ("", "", environment);

  g_assert_cmpstrv (self->environment, expected);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/launch-plan/least", test_least);
  g_test_add_func ("/launch-plan/all", test_all);
  g_test_add_func ("/launch-plan/environment", test_environment);

  return g_test_run ();
}

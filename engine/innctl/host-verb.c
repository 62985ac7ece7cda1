/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * innctl host: what this computer can run.
 */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "innctl.h"
#include "json-writer.h"

static void
print_json (const InnHostFacts *facts, const char *sentence, const char *detail)
{
  InnctlJson json;

  innctl_json_init (&json);
  innctl_json_begin_object (&json, NULL);
  innctl_json_add_string (&json, "kvm", inn_host_verdict_to_word (inn_host_check_judge (facts)));
  innctl_json_add_string (&json, "text", sentence);
  innctl_json_add_string (&json, "detail", detail);
  innctl_json_add_unsigned (&json, "cpus", facts->cpus);
  innctl_json_add_unsigned (&json, "memory_total", facts->memory_total);
  innctl_json_add_unsigned (&json, "memory_available", facts->memory_available);
  innctl_json_end_object (&json);
  innctl_json_print (&json);
  g_string_free (json.text, TRUE);
}

static void
print_text (const InnHostFacts *facts, const char *sentence, const char *detail)
{
  g_autofree char *total = g_format_size_full (facts->memory_total, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *available
      = g_format_size_full (facts->memory_available, G_FORMAT_SIZE_IEC_UNITS);

  g_print ("%s\n\n", sentence);
  g_print (_ ("Processors: %u\n"), facts->cpus);
  g_print (_ ("Memory:     %s, %s available\n"), total, available);
  g_print (_ ("KVM:        %s (%s)\n"), inn_host_verdict_to_word (inn_host_check_judge (facts)),
           detail);
}

static InnctlStatus
run_host (Innctl *self, char **arguments)
{
  g_auto (InnHostFacts) facts = { 0 };
  g_autofree char *sentence = NULL;
  g_autofree char *detail = NULL;

  inn_host_facts_gather (&facts);
  sentence = inn_host_check_describe (&facts);
  detail = inn_host_check_detail (&facts);
  if (self->json)
    print_json (&facts, sentence, detail);
  else
    print_text (&facts, sentence, detail);

  return INNCTL_DONE;
}

const InnctlVerb innctl_host_verb = {
  .name = "host",
  .arguments = "",
  .summary = N_ ("say what this computer can run, and if not, why"),
  .run = run_host,
};

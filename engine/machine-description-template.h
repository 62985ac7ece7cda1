/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a machine is a template: one that is never started itself, and stays as it is; machines
 * are made of it by cloning. In the <metadata> of libvirt domain XML, under a namespace of our own,
 * of which there is one element at most. Pure.
 */
#pragma once

#include "machine-description.h"

G_BEGIN_DECLS

gboolean inn_machine_description_is_template (const InnMachineDescription *self);
void inn_machine_description_set_template (InnMachineDescription *self, gboolean is_template);

/* FALSE, and a sentence that says what to do instead, for a template. */
gboolean inn_machine_description_check_no_template (const InnMachineDescription *self,
                                                    GError **error);
/* Whether a template that becomes @after is the same but for its name and what is said of it, or is
 * none any more. */
gboolean inn_machine_description_check_template_change (const InnMachineDescription *before,
                                                        const InnMachineDescription *after,
                                                        GError **error);

G_END_DECLS

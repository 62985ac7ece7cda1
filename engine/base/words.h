/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * N_("...") marks a whole sentence for those who translate. A VMM says it as it stands here; who
 * shows it to a person looks it up (run-record.h).
 */
#pragma once

#define N_(text) text

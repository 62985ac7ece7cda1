/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnCrashPage: what is known about why a guest stopped: the reason, its last words as text, and
 * the way on. Its button activates "machine.start".
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define INN_TYPE_CRASH_PAGE (inn_crash_page_get_type ())
G_DECLARE_FINAL_TYPE (InnCrashPage, inn_crash_page, INN, CRASH_PAGE, GtkWidget)

/* @output: everything the guest has written, NULL when unknown; the last lines are shown. */
void inn_crash_page_set_report (InnCrashPage *self, const char *reason, const char *output);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A guest's screen as a PNG image among the user's pictures.
 */
#pragma once

#include "console/console-view.h"

G_BEGIN_DECLS

/* Takes what @view shows. @name: of the machine, for the file's name. */
void inn_screenshot_take_async (InnConsoleView *view,
                                const char *name,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
/* Where it is, as people say it: seen from the home folder (transfer full), or NULL. */
char *inn_screenshot_take_finish (InnConsoleView *view, GAsyncResult *result, GError **error);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnHostFooter: how busy this computer is, at the foot of the sidebar. Reads only while mapped.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define INN_TYPE_HOST_FOOTER (inn_host_footer_get_type ())
G_DECLARE_FINAL_TYPE (InnHostFooter, inn_host_footer, INN, HOST_FOOTER, GtkWidget)

G_END_DECLS

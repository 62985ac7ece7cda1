/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvirt's errors as sentences for a person.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @code: virErrorNumber; @text: what libvirt says, or NULL. Returns an INN_ERROR. */
GError *inn_libvirt_error_new (int code, const char *text);

/* The last error of libvirt in this thread, as an INN_ERROR. */
void inn_libvirt_take_error (GError **error);
/* Its code; VIR_ERR_OK when there is none. */
int inn_libvirt_last_code (void);

G_END_DECLS

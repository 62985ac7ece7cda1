/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnctlJson: writes one JSON value (RFC 8259) on one line. Inside an object every call has a
 * key; at the top and inside an array the key is NULL.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  GString *text;
} InnctlJson;

void innctl_json_init (InnctlJson *self);
void innctl_json_begin_object (InnctlJson *self, const char *key);
void innctl_json_end_object (InnctlJson *self);
void innctl_json_begin_array (InnctlJson *self, const char *key);
void innctl_json_end_array (InnctlJson *self);
/* NULL is null; @text is valid UTF-8. */
void innctl_json_add_string (InnctlJson *self, const char *key, const char *text);
void innctl_json_add_integer (InnctlJson *self, const char *key, gint64 value);
void innctl_json_add_unsigned (InnctlJson *self, const char *key, guint64 value);
void innctl_json_add_boolean (InnctlJson *self, const char *key, gboolean value);
/* Prints the value with a newline to standard output at once, and is empty again. */
void innctl_json_print (InnctlJson *self);

G_END_DECLS

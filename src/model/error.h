/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors the user interface can act on. The message is always a whole translated sentence: what
 * stopped, what is safe, what to do.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define INN_ERROR (inn_error_quark ())

typedef enum
{
  INN_ERROR_FAILED,        /* anything the user can only read about */
  INN_ERROR_EXISTS,        /* a machine of that name is there already */
  INN_ERROR_INVALID,       /* a value the user gave cannot be used */
  INN_ERROR_NOT_SUPPORTED, /* this place cannot do that */
  INN_ERROR_BUSY,          /* somebody else is using it */
  INN_ERROR_NO_SPACE,
  INN_ERROR_PERMISSION,
  INN_ERROR_UNAVAILABLE, /* the place cannot be reached */
} InnError;

GQuark inn_error_quark (void);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors of the engine. The message is always a whole translated sentence for a person: what
 * stopped, what is safe, what to do.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define INN_ENGINE_ERROR (inn_engine_error_quark ())

typedef enum
{
  INN_ENGINE_ERROR_FAILED,
  INN_ENGINE_ERROR_EXISTS,
  INN_ENGINE_ERROR_INVALID,
  INN_ENGINE_ERROR_NOT_FOUND,
  INN_ENGINE_ERROR_NOT_SUPPORTED,
  INN_ENGINE_ERROR_BUSY,
  INN_ENGINE_ERROR_NO_SPACE,
  INN_ENGINE_ERROR_PERMISSION,
  INN_ENGINE_ERROR_UNAVAILABLE,
} InnEngineError;

GQuark inn_engine_error_quark (void);

/* The code that a positive errno stands for. */
InnEngineError inn_engine_error_from_errno (int error_number);
/* The errno behind an error of G_FILE_ERROR; EIO when it is none of those that people can mend. */
int inn_engine_errno_from_file_error (const GError *error);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Error domain of the engine.
 */
#include "config.h"

#include "engine-error.h"

#include <errno.h>

G_DEFINE_QUARK (inn - engine - error - quark, inn_engine_error)

InnEngineError
inn_engine_error_from_errno (int error_number)
{
  switch (error_number)
    {
    case EEXIST:
      return INN_ENGINE_ERROR_EXISTS;
    case ENOENT:
    case ENOTDIR:
      return INN_ENGINE_ERROR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
      return INN_ENGINE_ERROR_PERMISSION;
    case ENOSPC:
    case EDQUOT:
      return INN_ENGINE_ERROR_NO_SPACE;
    case EAGAIN:
    case EBUSY:
      return INN_ENGINE_ERROR_BUSY;
    case EINVAL:
      return INN_ENGINE_ERROR_INVALID;
    case ENOSYS:
    case EOPNOTSUPP:
      return INN_ENGINE_ERROR_NOT_SUPPORTED;
    default:
      return INN_ENGINE_ERROR_FAILED;
    }
}

int
inn_engine_errno_from_file_error (const GError *error)
{
  switch ((GFileError)error->code)
    {
    case G_FILE_ERROR_NOSPC:
      return ENOSPC;
    case G_FILE_ERROR_ACCES:
      return EACCES;
    case G_FILE_ERROR_PERM:
      return EPERM;
    case G_FILE_ERROR_ROFS:
      return EROFS;
    case G_FILE_ERROR_NOENT:
      return ENOENT;
    case G_FILE_ERROR_ISDIR:
      return EISDIR;
    default:
      return EIO;
    }
}

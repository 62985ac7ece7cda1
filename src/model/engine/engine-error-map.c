/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors of the engine as the user interface knows them.
 */
#include "model/engine/engine-error-map.h"

#include "engine/engine.h"
#include "model/error.h"

static InnError
map_code (int code)
{
  switch ((InnEngineError)code)
    {
    case INN_ENGINE_ERROR_EXISTS:
      return INN_ERROR_EXISTS;
    case INN_ENGINE_ERROR_INVALID:
      return INN_ERROR_INVALID;
    case INN_ENGINE_ERROR_NOT_SUPPORTED:
      return INN_ERROR_NOT_SUPPORTED;
    case INN_ENGINE_ERROR_BUSY:
      return INN_ERROR_BUSY;
    case INN_ENGINE_ERROR_NO_SPACE:
      return INN_ERROR_NO_SPACE;
    case INN_ENGINE_ERROR_PERMISSION:
      return INN_ERROR_PERMISSION;
    case INN_ENGINE_ERROR_UNAVAILABLE:
      return INN_ERROR_UNAVAILABLE;
    case INN_ENGINE_ERROR_NOT_FOUND:
    case INN_ENGINE_ERROR_FAILED:
    default:
      return INN_ERROR_FAILED;
    }
}

GError *
inn_engine_error_map (GError *error)
{
  if (error->domain == INN_ENGINE_ERROR)
    {
      error->code = map_code (error->code);
      error->domain = INN_ERROR;
    }

  return error;
}

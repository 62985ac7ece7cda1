/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "control-error.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gi18n-lib.h>

GError *
inn_control_error_refused (int status)
{
  int code = -status;

  if (code == EINVAL)
    return g_error_new_literal (G_IO_ERROR, g_io_error_from_errno (code),
                                _ ("The machine cannot do this in its present state."));
  if (code == ENODEV)
    return g_error_new_literal (G_IO_ERROR, g_io_error_from_errno (code),
                                _ ("The machine has no device for this. Add one to its definition "
                                   "and start it again."));
  if (code == EOPNOTSUPP)
    return g_error_new_literal (G_IO_ERROR, g_io_error_from_errno (code),
                                _ ("The machine was started by another version of Innkeeper, which "
                                   "cannot do this. Shut it down and start it again."));
  if (code == EBUSY)
    return g_error_new_literal (G_IO_ERROR, g_io_error_from_errno (code),
                                _ ("The machine is busy, or too many programs are connected to it. "
                                   "It runs on; try again later."));

  return g_error_new (G_IO_ERROR, g_io_error_from_errno (code),
                      _ ("The machine did not carry this out: %s. It is as it was before."),
                      g_strerror (code));
}

GError *
inn_control_error_no_snapshot (int status)
{
  const char *sentence = NULL;

  switch (-status)
    {
    case ENOSPC:
      sentence = _ ("The machine has data that could not be stored on its disks. Make room, resume "
                    "it, then take the snapshot.");
      break;
    case ETIMEDOUT:
      sentence = _ ("A disk of the machine does not answer. Nothing was changed; see whether its "
                    "storage can be reached.");
      break;
    case EBUSY:
      sentence = _ ("The machine is just being reset or turned off. Try again in a moment.");
      break;
    case EALREADY:
      sentence = _ ("Another snapshot of this machine is still being written. Try again when it is "
                    "done.");
      break;
    case ENOMEM:
      sentence = _ ("This computer does not have the memory to copy the machine’s process, or may "
                    "not promise it (vm.overcommit_memory is 2). The machine runs on; close other "
                    "programs, or shut it down for the snapshot.");
      break;
    case EAGAIN:
      sentence = _ ("You have as many processes as you may have. The machine runs on; close other "
                    "programs, then take the snapshot.");
      break;
    case EMFILE:
      sentence = _ ("A disk of the machine consists of as many layers as it can. Delete some "
                    "snapshots, then take another.");
      break;
    default:
      return inn_control_error_refused (status);
    }
  return g_error_new_literal (G_IO_ERROR, g_io_error_from_errno (-status), sentence);
}

GError *
inn_control_error_memory_not_written (int status)
{
  if (status == -ENOSPC || status == -EDQUOT)
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                                _ ("There is not enough room for the machine’s memory. The machine "
                                   "runs on; make room, then take the snapshot again."));
  if (status == -ECANCELED)
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED,
                                _ ("This computer was short of memory, so the machine’s memory "
                                   "could not be written. The machine runs on; close other "
                                   "programs, then take the snapshot again."));

  return g_error_new (G_IO_ERROR, g_io_error_from_errno (-status),
                      _ ("The machine’s memory could not be written: %s. The machine runs on."),
                      g_strerror (-status));
}

GError *
inn_control_error_no_clone (int status)
{
  const char *sentence = NULL;

  switch (-status)
    {
    case ENOSPC:
      sentence = _ ("The machine has data that could not be stored on its disks. Make room, resume "
                    "it, then clone it.");
      break;
    case EALREADY:
      sentence = _ ("Another clone of this machine is just being made. Try again in a moment.");
      break;
    case ENOMEM:
      sentence = _ ("This computer does not have the memory to copy the machine’s process, or may "
                    "not promise it (vm.overcommit_memory is 2). The machine runs on; close other "
                    "programs, or shut it down and clone it then.");
      break;
    case EAGAIN:
      sentence = _ ("You have as many processes as you may have. The machine runs on; close other "
                    "programs, then clone it.");
      break;
    case EMFILE:
      sentence = _ ("A disk of the machine consists of as many layers as it can. Shut it down and "
                    "make a full clone, or delete some snapshots.");
      break;
    case EOPNOTSUPP:
      sentence = _ ("A machine with these devices cannot be cloned while it runs. Clone a snapshot "
                    "of it, or shut it down.");
      break;
    default:
      return inn_control_error_no_snapshot (status);
    }
  return g_error_new_literal (G_IO_ERROR, g_io_error_from_errno (-status), sentence);
}

GError *
inn_control_error_clone_not_begun (int status)
{
  if (status == -ECANCELED)
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED,
                                _ ("The clone ended before it could run; this computer may be "
                                   "short of memory. The machine itself runs on."));

  return g_error_new (G_IO_ERROR, g_io_error_from_errno (-status),
                      _ ("The clone could not begin to run: %s. The machine itself runs on."),
                      g_strerror (-status));
}

GError *
inn_control_error_ended (void)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED,
                              _ ("The machine’s process has ended."));
}

GError *
inn_control_error_protocol (int status)
{
  if (status == -ECONNRESET)
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
                                _ ("The machine’s process ended before it answered."));
  if (status == -EPROTONOSUPPORT)
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                                _ ("The machine was started by another version of Innkeeper and "
                                   "cannot be controlled. It runs on; shut it down from inside "
                                   "the guest and start it again."));

  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                              _ ("The machine’s process answered in a way that makes no sense, so "
                                 "it is not listened to any more. Power the machine off to be "
                                 "safe."));
}

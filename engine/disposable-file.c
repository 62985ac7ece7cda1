/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files without a name.
 */
#include "config.h"

#include "disposable-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine-error.h"
#include "image/image-chain.h"
#include "image/qcow2-create.h"
#include "layer-store-private.h"

#define SECTOR       512
#define CLUSTER_BITS 16

/* For file systems that have no files without a name. One that was left when this was cut off goes;
 * only one process starts a machine. */
static int
create_and_unlink (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, ".disposable", NULL);
  int fd;

  g_unlink (path);
  fd = open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0)
    g_unlink (path);
  return fd;
}

static void
set_error (const char *folder, int error_number, GError **error)
{
  g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (error_number),
               _ ("What the disposable run changes cannot be kept in “%s” meanwhile: %s."), folder,
               g_strerror (error_number));
}

int
inn_disposable_file_new (const char *folder, GError **error)
{
  int fd = open (folder, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

  if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
    fd = create_and_unlink (folder);
  if (fd < 0)
    set_error (folder, errno, error);
  return fd;
}

/* FALSE when a disk of that many layers cannot have another. */
static gboolean
check_chain (const struct image_chain *chain, const char *path, GError **error)
{
  if (image_chain_length (chain) < IMAGE_CHAIN_MAX_LAYERS)
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED,
               _ ("The disk “%s” has %d layers already. Delete a snapshot that is no longer "
                  "needed, or make a full clone."),
               path, (int)IMAGE_CHAIN_MAX_LAYERS);
  return FALSE;
}

int
inn_disposable_file_new_overlay (const char *folder,
                                 const char *path,
                                 const char *format,
                                 GError **error)
{
  struct image_chain *chain = inn_layer_store_open_chain (path, format, IMAGE_READ_ONLY, error);
  struct qcow2_create_options options = {
    .version = 3,
    .cluster_bits = CLUSTER_BITS,
    .backing_file = "disk", /* one is named; which one is for who starts the VMM to say */
    .backing_format = format,
  };
  int fd = -1;
  int r;

  if (chain == NULL)
    return -1;
  options.virtual_size = (image_chain_layer (chain, 0)->size + SECTOR - 1) / SECTOR * SECTOR;
  if (check_chain (chain, path, error))
    fd = inn_disposable_file_new (folder, error);
  image_chain_close (chain);
  r = fd >= 0 ? qcow2_create (fd, &options) : 0;
  if (r < 0)
    {
      fd_close (&fd);
      set_error (folder, -r, error);
    }

  return fd;
}

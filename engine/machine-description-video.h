/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The display adapter in a machine's description. Only the first counts.
 */
#pragma once

#include "machine-description.h"

G_BEGIN_DECLS

#define INN_VIDEO_DEFAULT_WIDTH  1280
#define INN_VIDEO_DEFAULT_HEIGHT 800

typedef enum
{
  INN_VIDEO_NONE,
  INN_VIDEO_VIRTIO,
  INN_VIDEO_VGA,   /* with Bochs' extensions */
  INN_VIDEO_OTHER, /* one this engine does not have */
} InnVideoModel;

typedef struct
{
  InnVideoModel model;
  guint width, height; /* pixels the guest finds at first */
} InnVideo;

InnVideo inn_machine_description_get_video (const InnMachineDescription *self);
/* Not INN_VIDEO_OTHER; width and height are for the other two. */
void inn_machine_description_set_video (InnMachineDescription *self, const InnVideo *video);

G_END_DECLS

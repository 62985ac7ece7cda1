/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The display adapter in a machine's description.
 */
#include "config.h"

#include "machine-description-video.h"

#include <glib/gi18n-lib.h>

#include "machine-description-private.h"
#include "protocol/screen-protocol.h"

#define MIN_SIDE 200

/* The first word of a model is the one that is written. */
static const struct
{
  const char *word;
  InnVideoModel model;
} models[] = {
  { "none", INN_VIDEO_NONE },
  { "virtio", INN_VIDEO_VIRTIO },
  { "vga", INN_VIDEO_VGA },
  { "bochs", INN_VIDEO_VGA },
};

static InnVideoModel
model_from_word (const char *word)
{
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      if (g_strcmp0 (word, models[i].word) == 0)
        return models[i].model;
    }

  return INN_VIDEO_OTHER;
}

static const char *
word_from_model (InnVideoModel model)
{
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      if (model == models[i].model)
        return models[i].word;
    }

  return NULL;
}

static xmlNode *
find_model (const InnMachineDescription *self)
{
  xmlNode *devices = inn_machine_description_find (self, "devices");

  return inn_xml_find (inn_xml_find (devices, "video"), "model");
}

/* FALSE when the document says something that is no size. */
static gboolean
read_resolution (xmlNode *model, guint *ret_width, guint *ret_height)
{
  xmlNode *resolution = inn_xml_find (model, "resolution");

  *ret_width = INN_VIDEO_DEFAULT_WIDTH;
  *ret_height = INN_VIDEO_DEFAULT_HEIGHT;
  return resolution == NULL
         || (inn_xml_get_number (resolution, "x", ret_width)
             && inn_xml_get_number (resolution, "y", ret_height) && *ret_width >= MIN_SIDE
             && *ret_width <= SCREEN_MAX_WIDTH && *ret_height >= MIN_SIDE
             && *ret_height <= SCREEN_MAX_HEIGHT);
}

InnVideo
inn_machine_description_get_video (const InnMachineDescription *self)
{
  xmlNode *model = find_model (self);
  g_autofree char *word = inn_xml_get_attribute (model, "type");
  InnVideo video = { .model = INN_VIDEO_NONE };

  if (model == NULL)
    return video;

  video.model = model_from_word (word);
  read_resolution (model, &video.width, &video.height);
  return video;
}

void
inn_machine_description_set_video (InnMachineDescription *self, const InnVideo *video)
{
  xmlNode *devices = inn_machine_description_ensure (self, "devices");
  xmlNode *element = inn_xml_ensure (devices, "video");
  g_autofree char *width = g_strdup_printf ("%u", video->width);
  g_autofree char *height = g_strdup_printf ("%u", video->height);
  xmlNode *model, *resolution;

  g_return_if_fail (video->model != INN_VIDEO_OTHER);

  /* What else it says, such as sizes of memory, is about the model before. */
  inn_xml_remove (inn_xml_find (element, "model"));
  model = inn_xml_append (element, "model");
  inn_xml_set_attribute (model, "type", word_from_model (video->model));
  if (video->model == INN_VIDEO_NONE)
    return;

  resolution = inn_xml_append (model, "resolution");
  inn_xml_set_attribute (resolution, "x", width);
  inn_xml_set_attribute (resolution, "y", height);
}

gboolean
inn_machine_description_validate_video (const InnMachineDescription *self, GError **error)
{
  guint width, height;

  return read_resolution (find_model (self), &width, &height)
         || inn_machine_description_refuse (error,
                                            _ ("The resolution of the display must be from %dx%d "
                                               "to %dx%d; change it."),
                                            MIN_SIDE, MIN_SIDE, (int)SCREEN_MAX_WIDTH,
                                            (int)SCREEN_MAX_HEIGHT);
}

gboolean
inn_machine_description_check_video_startable (const InnMachineDescription *self, GError **error)
{
  g_autofree char *word = inn_xml_get_attribute (find_model (self), "type");

  if (inn_machine_description_get_video (self).model != INN_VIDEO_OTHER)
    return TRUE;

  return inn_machine_description_refuse_start (
      error,
      _ ("“%s” cannot start here: this engine has no display adapter “%s”. Change it to virtio or "
         "vga."),
      self->name, word != NULL ? word : "");
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "description-fixture.h"
#include "machine-description-video.h"

#define VIDEO(model) MACHINE ("<graphics type='vnc'/><video>" model "</video>")

static void
test_read (void)
{
  static const struct
  {
    const char *text;
    InnVideo video;
  } cases[] = {
    { MACHINE (""), { INN_VIDEO_NONE, 0, 0 } },
    { VIDEO ("<model type='none'/>"), { INN_VIDEO_NONE, 1280, 800 } },
    { VIDEO ("<model type='virtio'/>"), { INN_VIDEO_VIRTIO, 1280, 800 } },
    { VIDEO ("<model type='vga' vram='16384'/>"), { INN_VIDEO_VGA, 1280, 800 } },
    { VIDEO ("<model type='bochs'><resolution x='800' y='600'/></model>"),
      { INN_VIDEO_VGA, 800, 600 } },
    { VIDEO ("<model type='qxl'/>"), { INN_VIDEO_OTHER, 1280, 800 } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (InnMachineDescription) description = parse (cases[i].text);
      const InnVideo video = inn_machine_description_get_video (description);

      g_assert_true (inn_machine_description_validate (description, NULL));
      g_assert_cmpint (video.model, ==, cases[i].video.model);
      g_assert_cmpuint (video.width, ==, cases[i].video.width);
      g_assert_cmpuint (video.height, ==, cases[i].video.height);
    }
}

static void
test_set (void)
{
  g_autoptr (InnMachineDescription) description
      = parse (VIDEO ("<model type='qxl' ram='65536'/><address type='pci'/>"));
  const InnVideo wanted = { INN_VIDEO_VIRTIO, 1920, 1080 };
  const InnVideo none = { INN_VIDEO_NONE, 0, 0 };
  InnVideo video;

  inn_machine_description_set_video (description, &wanted);
  video = inn_machine_description_get_video (description);
  g_assert_cmpint (video.model, ==, INN_VIDEO_VIRTIO);
  g_assert_cmpuint (video.width, ==, 1920);
  g_assert_cmpuint (video.height, ==, 1080);
  g_assert_false (has_text (description, "65536"));
  g_assert_true (has_text (description, "<address type=\"pci\"/>"));
  g_assert_true (has_text (description, "<graphics type=\"vnc\"/>"));

  inn_machine_description_set_video (description, &none);
  g_assert_cmpint (inn_machine_description_get_video (description).model, ==, INN_VIDEO_NONE);
}

static void
test_bad (void)
{
  assert_refused (VIDEO ("<model type='vga'><resolution x='0' y='600'/></model>"), "resolution");
  assert_refused (VIDEO ("<model type='vga'><resolution x='800'/></model>"), "resolution");
  assert_refused (VIDEO ("<model type='vga'><resolution x='800' y='-600'/></model>"), "resolution");
  assert_refused (VIDEO ("<model type='vga'><resolution x='8193' y='600'/></model>"), "resolution");
  assert_not_startable (VIDEO ("<model type='qxl'/>"), "qxl");
  assert_not_startable (VIDEO ("<model/>"), "display adapter");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/machine-description-video/read", test_read);
  g_test_add_func ("/machine-description-video/set", test_set);
  g_test_add_func ("/machine-description-video/bad", test_bad);

  return g_test_run ();
}

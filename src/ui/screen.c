/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The last picture of a machine, kept with the machine.
 */
#include "config.h"

#include "ui/screen.h"

struct _InnScreen
{
  GObject parent_instance;

  GdkPaintable *paintable;
};

G_DEFINE_FINAL_TYPE (InnScreen, inn_screen, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_PAINTABLE,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static void
inn_screen_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_PAINTABLE)
    g_value_set_object (value, INN_SCREEN (object)->paintable);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
inn_screen_dispose (GObject *object)
{
  g_clear_object (&INN_SCREEN (object)->paintable);

  G_OBJECT_CLASS (inn_screen_parent_class)->dispose (object);
}

static void
inn_screen_class_init (InnScreenClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = inn_screen_get_property;
  object_class->dispose = inn_screen_dispose;

  properties[PROP_PAINTABLE]
      = g_param_spec_object ("paintable", NULL, NULL, GDK_TYPE_PAINTABLE,
                             G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
inn_screen_init (InnScreen *self)
{
}

InnScreen *
inn_screen_of (InnMachine *machine)
{
  static GQuark quark;
  InnScreen *self;

  g_return_val_if_fail (INN_IS_MACHINE (machine), NULL);

  if (quark == 0)
    quark = g_quark_from_static_string ("inn-screen");
  self = g_object_get_qdata (G_OBJECT (machine), quark);
  if (self == NULL)
    {
      self = g_object_new (INN_TYPE_SCREEN, NULL);
      g_object_set_qdata_full (G_OBJECT (machine), quark, self, g_object_unref);
    }

  return self;
}

void
inn_screen_set_paintable (InnScreen *self, GdkPaintable *paintable)
{
  g_return_if_fail (INN_IS_SCREEN (self));

  if (g_set_object (&self->paintable, paintable))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PAINTABLE]);
}

GdkPaintable *
inn_screen_get_paintable (InnScreen *self)
{
  g_return_val_if_fail (INN_IS_SCREEN (self), NULL);

  return self->paintable;
}

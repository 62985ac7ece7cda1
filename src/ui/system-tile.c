/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A tile for a system.
 */
#include "config.h"

#include "ui/system-tile.h"

struct _InnSystemTile
{
  GtkWidget parent_instance;

  GtkWidget *label;
  const char *color; /* CSS class */
};

G_DEFINE_FINAL_TYPE (InnSystemTile, inn_system_tile, GTK_TYPE_WIDGET)

/* The colour people know a system by; the others share the rest by their name. */
static const struct
{
  const char *prefix;
  const char *color;
} known[] = {
  { "alma", "orange" },   { "alpine", "blue" },  { "arch", "blue" },      { "cent", "purple" },
  { "debian", "red" },    { "fedora", "blue" },  { "freebsd", "red" },    { "linux mint", "green" },
  { "manjaro", "green" }, { "nixos", "blue" },   { "openbsd", "orange" }, { "opensuse", "green" },
  { "openwrt", "teal" },  { "red hat", "red" },  { "rocky", "green" },    { "suse", "green" },
  { "ubuntu", "orange" }, { "windows", "blue" }, { "microsoft", "blue" },
};

static const char *const colors[] = { "blue", "purple", "teal", "orange", "green", "red" };

static const char *
get_color (const char *name)
{
  g_autofree char *folded = g_utf8_casefold (name, -1);

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_str_has_prefix (folded, known[i].prefix))
      return known[i].color;

  return colors[g_str_hash (folded) % G_N_ELEMENTS (colors)];
}

static void
inn_system_tile_dispose (GObject *object)
{
  g_clear_pointer (&INN_SYSTEM_TILE (object)->label, gtk_widget_unparent);

  G_OBJECT_CLASS (inn_system_tile_parent_class)->dispose (object);
}

static void
inn_system_tile_class_init (InnSystemTileClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_system_tile_dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "tile");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
inn_system_tile_init (InnSystemTile *self)
{
  self->label = gtk_label_new (NULL);
  gtk_widget_set_halign (self->label, GTK_ALIGN_CENTER);
  gtk_widget_set_parent (self->label, GTK_WIDGET (self));
}

GtkWidget *
inn_system_tile_new (void)
{
  return g_object_new (INN_TYPE_SYSTEM_TILE, NULL);
}

void
inn_system_tile_set_name (InnSystemTile *self, const char *name)
{
  g_autofree char *letter = NULL;
  g_autofree char *upper = NULL;

  g_return_if_fail (INN_IS_SYSTEM_TILE (self));

  letter = g_utf8_substring (name, 0, MIN (g_utf8_strlen (name, -1), 1));
  upper = g_utf8_strup (letter, -1);
  gtk_label_set_label (GTK_LABEL (self->label), upper);

  if (self->color != NULL)
    gtk_widget_remove_css_class (GTK_WIDGET (self), self->color);
  self->color = get_color (name);
  gtk_widget_add_css_class (GTK_WIDGET (self), self->color);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Columns that fold to one.
 */
#include "config.h"

#include "ui/column-layout.h"

struct _InnColumnLayout
{
  GtkLayoutManager parent_instance;

  int threshold;
  int spacing;
};

G_DEFINE_FINAL_TYPE (InnColumnLayout, inn_column_layout, GTK_TYPE_LAYOUT_MANAGER)

enum
{
  PROP_0,
  PROP_THRESHOLD,
  PROP_SPACING,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static GtkWidget *
next_shown (GtkWidget *child)
{
  while (child != NULL && !gtk_widget_should_layout (child))
    child = gtk_widget_get_next_sibling (child);

  return child;
}

#define FOR_EACH_SHOWN(child, widget)                                                              \
  for (GtkWidget *child = next_shown (gtk_widget_get_first_child (widget)); child != NULL;         \
       child = next_shown (gtk_widget_get_next_sibling (child)))

static int
count_shown (GtkWidget *widget)
{
  int n = 0;

  FOR_EACH_SHOWN (child, widget)
  n++;

  return n;
}

static int
get_n_columns (InnColumnLayout *self, GtkWidget *widget, int width)
{
  return width >= self->threshold ? MAX (count_shown (widget), 1) : 1;
}

static int
get_column_width (InnColumnLayout *self, int width, int n_columns)
{
  return MAX ((width - (n_columns - 1) * self->spacing) / n_columns, 1);
}

static void
measure_width (GtkWidget *widget, int *minimum, int *natural)
{
  /* One column is always possible. */
  FOR_EACH_SHOWN (child, widget)
  {
    int child_minimum, child_natural;

    gtk_widget_measure (child, GTK_ORIENTATION_HORIZONTAL, -1, &child_minimum, &child_natural, NULL,
                        NULL);
    *minimum = MAX (*minimum, child_minimum);
    *natural = MAX (*natural, child_natural);
  }
}

static void
measure_height (InnColumnLayout *self, GtkWidget *widget, int width, int *minimum, int *natural)
{
  int n_columns = width < 0 ? 1 : get_n_columns (self, widget, width);
  int column_width = width < 0 ? -1 : get_column_width (self, width, n_columns);

  FOR_EACH_SHOWN (child, widget)
  {
    int child_minimum, child_natural;

    gtk_widget_measure (child, GTK_ORIENTATION_VERTICAL, column_width, &child_minimum,
                        &child_natural, NULL, NULL);
    if (n_columns > 1)
      {
        *minimum = MAX (*minimum, child_minimum);
        *natural = MAX (*natural, child_natural);
      }
    else
      {
        *minimum += child_minimum + (*minimum > 0 ? self->spacing : 0);
        *natural += child_natural + (*natural > 0 ? self->spacing : 0);
      }
  }
}

static void
inn_column_layout_measure (GtkLayoutManager *manager,
                           GtkWidget *widget,
                           GtkOrientation orientation,
                           int for_size,
                           int *minimum,
                           int *natural,
                           int *minimum_baseline,
                           int *natural_baseline)
{
  *minimum = *natural = 0;
  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    measure_width (widget, minimum, natural);
  else
    measure_height (INN_COLUMN_LAYOUT (manager), widget, for_size, minimum, natural);
}

static void
inn_column_layout_allocate (GtkLayoutManager *manager,
                            GtkWidget *widget,
                            int width,
                            int height,
                            int baseline)
{
  InnColumnLayout *self = INN_COLUMN_LAYOUT (manager);
  int n_columns = get_n_columns (self, widget, width);
  int column_width = get_column_width (self, width, n_columns);
  gboolean rtl = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
  int x = 0, y = 0;

  FOR_EACH_SHOWN (child, widget)
  {
    GtkAllocation allocation = { rtl ? width - x - column_width : x, y, column_width, height };

    if (n_columns == 1)
      gtk_widget_measure (child, GTK_ORIENTATION_VERTICAL, column_width, NULL, &allocation.height,
                          NULL, NULL);
    gtk_widget_size_allocate (child, &allocation, -1);
    if (n_columns == 1)
      y += allocation.height + self->spacing;
    else
      x += column_width + self->spacing;
  }
}

static GtkSizeRequestMode
inn_column_layout_get_request_mode (GtkLayoutManager *manager, GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
inn_column_layout_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  InnColumnLayout *self = INN_COLUMN_LAYOUT (object);

  switch (id)
    {
    case PROP_THRESHOLD:
      g_value_set_int (value, self->threshold);
      break;
    case PROP_SPACING:
      g_value_set_int (value, self->spacing);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
inn_column_layout_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  InnColumnLayout *self = INN_COLUMN_LAYOUT (object);

  switch (id)
    {
    case PROP_THRESHOLD:
      self->threshold = g_value_get_int (value);
      break;
    case PROP_SPACING:
      self->spacing = g_value_get_int (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
  gtk_layout_manager_layout_changed (GTK_LAYOUT_MANAGER (self));
}

static void
inn_column_layout_class_init (InnColumnLayoutClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkLayoutManagerClass *layout_class = GTK_LAYOUT_MANAGER_CLASS (klass);

  object_class->get_property = inn_column_layout_get_property;
  object_class->set_property = inn_column_layout_set_property;
  layout_class->measure = inn_column_layout_measure;
  layout_class->allocate = inn_column_layout_allocate;
  layout_class->get_request_mode = inn_column_layout_get_request_mode;

  properties[PROP_THRESHOLD] = g_param_spec_int ("threshold", NULL, NULL, 0, G_MAXINT, 0,
                                                 G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  properties[PROP_SPACING] = g_param_spec_int ("spacing", NULL, NULL, 0, G_MAXINT, 0,
                                               G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
inn_column_layout_init (InnColumnLayout *self)
{
}

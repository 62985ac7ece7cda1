/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The question how to clone.
 */
#include "config.h"

#include "ui/clone-window.h"

#include <glib/gi18n.h>

#include "model/connection.h"
#include "model/format.h"
#include "ui/message.h"
#include "ui/snapshot-text.h"

/* The order in which they are offered. */
static const InnCloneKind kinds[] = { INN_CLONE_LIVE, INN_CLONE_LINKED, INN_CLONE_FULL };

struct _InnCloneWindow
{
  AdwWindow parent_instance;

  AdwWindowTitle *title;
  GtkWidget *clone_button;
  GtkEditable *name_row;
  GtkListBox *kind_list;
  GtkLabel *problem_label;

  InnMachine *machine;
  InnSnapshot *snapshot;
  GtkCheckButton *checks[INN_CLONE_N];
};

G_DEFINE_FINAL_TYPE (InnCloneWindow, inn_clone_window, ADW_TYPE_WINDOW)

/* ---- the clone ---- */

typedef struct
{
  GWeakRef window;
  InnCloneKind kind;
  char *name;
} Request;

static void
show_machine (GtkWidget *window, const char *id)
{
  gtk_widget_activate_action (window, "win.show-machine", "s", id);
}

/* What the button of a note shows. */
typedef struct
{
  GWeakRef window;
  char *id;
} Offer;

static void
offer_free (gpointer data, GClosure *closure)
{
  Offer *offer = data;

  g_weak_ref_clear (&offer->window);
  g_free (offer->id);
  g_free (offer);
}

static void
on_show_clicked (AdwToast *toast, gpointer user_data)
{
  Offer *offer = user_data;
  g_autoptr (GtkWidget) window = g_weak_ref_get (&offer->window);

  if (window != NULL)
    show_machine (window, offer->id);
}

/* Whoever has waited for a copy may be doing something else by now. */
static void
offer_machine (GtkWidget *window, const char *name, const char *id)
{
  g_autofree char *text = g_strdup_printf (_ ("“%s” is ready"), name);
  AdwToast *toast
      = inn_message_offer (adw_application_window_get_content (ADW_APPLICATION_WINDOW (window)),
                           text, C_ ("machine", "Show"));
  Offer *offer = g_new0 (Offer, 1);

  g_weak_ref_init (&offer->window, window);
  offer->id = g_strdup (id);
  g_signal_connect_data (toast, "button-clicked", G_CALLBACK (on_show_clicked), offer, offer_free,
                         0);
}

static void
tell_runs (GtkWidget *window, const char *name, guint64 pause_us)
{
  g_autofree char *text = inn_snapshot_text_get_cloned (name, pause_us);

  inn_message_toast (adw_application_window_get_content (ADW_APPLICATION_WINDOW (window)), text);
}

static void
on_cloned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Request *request = user_data;
  g_autoptr (GtkWidget) window = g_weak_ref_get (&request->window);
  g_autofree char *name = request->name;
  g_autoptr (GError) error = NULL;
  guint64 pause_us = 0;
  g_autofree char *id
      = inn_snapshots_clone_finish (INN_SNAPSHOTS (source), result, &pause_us, &error);

  if (window != NULL && id == NULL)
    {
      g_autofree char *heading = g_strdup_printf (_ ("“%s” Was Not Made"), name);

      inn_message_show_error (window, heading, error);
    }
  else if (window != NULL && request->kind == INN_CLONE_FULL)
    offer_machine (window, name, id);
  else if (window != NULL)
    show_machine (window, id);
  if (window != NULL && id != NULL && request->kind == INN_CLONE_LIVE)
    tell_runs (window, name, pause_us);
  g_weak_ref_clear (&request->window);
  g_free (request);
}

static InnCloneKind
get_kind (InnCloneWindow *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (gtk_check_button_get_active (self->checks[kinds[i]]))
      return kinds[i];
  return INN_CLONE_FULL;
}

static char *
get_name (InnCloneWindow *self)
{
  return g_strstrip (g_strdup (gtk_editable_get_text (self->name_row)));
}

static void
on_clone_clicked (InnCloneWindow *self)
{
  Request *request;

  if (!gtk_widget_get_sensitive (self->clone_button))
    return;

  request = g_new0 (Request, 1);
  request->kind = get_kind (self);
  request->name = get_name (self);
  g_weak_ref_init (&request->window, gtk_window_get_transient_for (GTK_WINDOW (self)));
  inn_snapshots_clone_async (inn_machine_get_snapshots (self->machine), request->kind,
                             request->name, self->snapshot, NULL, NULL, NULL, NULL, on_cloned,
                             request);
  gtk_window_close (GTK_WINDOW (self));
}

/* ---- the question ---- */

static const char *
get_refusal (InnCloneWindow *self, InnCloneKind kind)
{
  return inn_snapshots_get_clone_refusal (inn_machine_get_snapshots (self->machine), kind,
                                          self->snapshot);
}

static gboolean
can_any (InnCloneWindow *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (get_refusal (self, kinds[i]) == NULL)
      return TRUE;
  return FALSE;
}

/* The names of all machines of its place. */
static GStrv
list_names (InnMachine *machine)
{
  GListModel *place = G_LIST_MODEL (inn_machine_get_connection (machine));
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  for (guint i = 0; place != NULL && i < g_list_model_get_n_items (place); i++)
    {
      g_autoptr (InnMachine) listed = g_list_model_get_item (place, i);

      g_strv_builder_add (names, inn_machine_get_name (listed));
    }
  return g_strv_builder_end (names);
}

/* Transfer full; NULL: there is none. */
static char *
find_problem (InnCloneWindow *self)
{
  g_autofree char *name = get_name (self);
  g_auto (GStrv) taken = list_names (self->machine);
  g_autoptr (GError) error = NULL;

  if (!inn_new_machine_check_name (name, &error))
    return g_strdup (error->message);
  if (g_strv_contains ((const char *const *)taken, name))
    return g_strdup_printf (_ ("There is a machine called “%s” already."), name);
  return NULL;
}

static void
update (InnCloneWindow *self)
{
  g_autofree char *problem = find_problem (self);

  gtk_label_set_label (self->problem_label, problem != NULL ? problem : "");
  gtk_widget_set_visible (GTK_WIDGET (self->problem_label), problem != NULL);
  gtk_widget_set_sensitive (self->clone_button, problem == NULL && can_any (self));
}

static GtkWidget *
make_label (const char *text, gboolean dim)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 1);
  gtk_widget_add_css_class (label, "small");
  gtk_widget_add_css_class (label, "numeric");
  if (dim)
    gtk_widget_add_css_class (label, "dim-label");
  return label;
}

/* When it is ready, and what it takes. */
static GtkWidget *
make_cost (InnCloneWindow *self, InnCloneKind kind)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  guint64 size = 0;

  gtk_widget_set_valign (box, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (box), make_label (inn_snapshot_text_get_clone_time (kind), FALSE));
  if (inn_snapshots_get_clone_size (inn_machine_get_snapshots (self->machine), kind, self->snapshot,
                                    &size))
    {
      g_autofree char *bytes = inn_format_memory (size);
      /* Translators: what a clone takes on the disk: "18.4 GiB more" */
      g_autofree char *text = g_strdup_printf (_ ("%s more"), bytes);

      gtk_box_append (GTK_BOX (box), make_label (text, TRUE));
    }
  return box;
}

static void
add_kind (InnCloneWindow *self, InnCloneKind kind, GtkCheckButton *group)
{
  const char *refusal = get_refusal (self, kind);
  GtkWidget *row = adw_action_row_new ();
  GtkWidget *check
      = g_object_new (GTK_TYPE_CHECK_BUTTON, "accessible-role", GTK_ACCESSIBLE_ROLE_RADIO, NULL);

  self->checks[kind] = GTK_CHECK_BUTTON (check);
  gtk_check_button_set_group (GTK_CHECK_BUTTON (check), group);
  gtk_widget_set_valign (check, GTK_ALIGN_CENTER);
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row),
                                 inn_snapshot_text_get_clone_kind (kind));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row),
                               refusal != NULL
                                   ? refusal
                                   : inn_snapshot_text_get_clone_description (
                                       kind, self->snapshot,
                                       inn_machine_get_state (self->machine) == INN_MACHINE_SAVED));
  adw_action_row_add_prefix (ADW_ACTION_ROW (row), check);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), check);
  if (refusal == NULL)
    adw_action_row_add_suffix (ADW_ACTION_ROW (row), make_cost (self, kind));
  else
    gtk_widget_add_css_class (row, "refused");
  gtk_widget_set_sensitive (check, refusal == NULL);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), refusal == NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (check), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  adw_action_row_get_subtitle (ADW_ACTION_ROW (row)), -1);
  gtk_list_box_append (self->kind_list, row);
}

/* The first that can be done is picked. */
static void
add_kinds (InnCloneWindow *self)
{
  gboolean picked = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      add_kind (self, kinds[i], i > 0 ? self->checks[kinds[0]] : NULL);
      if (picked || get_refusal (self, kinds[i]) != NULL)
        continue;
      gtk_check_button_set_active (self->checks[kinds[i]], TRUE);
      picked = TRUE;
    }
}

static void
inn_clone_window_dispose (GObject *object)
{
  InnCloneWindow *self = INN_CLONE_WINDOW (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), INN_TYPE_CLONE_WINDOW);
  g_clear_object (&self->snapshot);
  g_clear_object (&self->machine);

  G_OBJECT_CLASS (inn_clone_window_parent_class)->dispose (object);
}

static void
inn_clone_window_class_init (InnCloneWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_clone_window_dispose;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/clone-window.ui");
  gtk_widget_class_bind_template_child (widget_class, InnCloneWindow, title);
  gtk_widget_class_bind_template_child (widget_class, InnCloneWindow, clone_button);
  gtk_widget_class_bind_template_child (widget_class, InnCloneWindow, name_row);
  gtk_widget_class_bind_template_child (widget_class, InnCloneWindow, kind_list);
  gtk_widget_class_bind_template_child (widget_class, InnCloneWindow, problem_label);
  gtk_widget_class_bind_template_callback (widget_class, on_clone_clicked);
  gtk_widget_class_bind_template_callback (widget_class, update);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
inn_clone_window_init (InnCloneWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

static void
set_machine (InnCloneWindow *self, InnMachine *machine, InnSnapshot *snapshot)
{
  const char *name = inn_machine_get_name (machine);
  g_auto (GStrv) taken = list_names (machine);
  g_autofree char *suggestion = inn_snapshot_text_suggest_name (name, (const char *const *)taken);

  self->machine = g_object_ref (machine);
  g_set_object (&self->snapshot, snapshot);
  if (snapshot != NULL)
    adw_window_title_set_title (self->title, _ ("Open as New Machine"));
  adw_window_title_set_subtitle (self->title,
                                 snapshot != NULL ? inn_snapshot_get_name (snapshot) : name);
  add_kinds (self);
  gtk_editable_set_text (self->name_row, suggestion);
  update (self);
}

void
inn_clone_window_present (InnMachine *machine, InnSnapshot *snapshot, GtkWidget *widget)
{
  InnCloneWindow *self;

  g_return_if_fail (INN_IS_MACHINE (machine));

  self = g_object_new (INN_TYPE_CLONE_WINDOW, "transient-for", inn_message_get_window (widget),
                       NULL);
  set_machine (self, machine, snapshot);
  gtk_window_present (GTK_WINDOW (self));
  gtk_widget_grab_focus (GTK_WIDGET (self->name_row));
}

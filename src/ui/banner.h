/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnBanner: a message across a page: what is the matter in bold, what it means below, and at most
 * two buttons. Signals "clicked": the button was pressed; "alternative": the other one was;
 * "closed": the user has read it.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef enum
{
  INN_BANNER_WARNING, /* it works, but */
  INN_BANNER_ERROR,   /* something stopped */
  INN_BANNER_INFO,    /* nothing is wrong */
  INN_BANNER_COPY,    /* nor here: a copy is being made */
  INN_BANNER_DISPOSABLE,
} InnBannerKind;

#define INN_TYPE_BANNER (inn_banner_get_type ())
G_DECLARE_FINAL_TYPE (InnBanner, inn_banner, INN, BANNER, GtkWidget)

/* Shows it. @text may be NULL. @button: its label, or NULL for none. @closable: with a cross. */
void inn_banner_present (InnBanner *self,
                         InnBannerKind kind,
                         const char *title,
                         const char *text,
                         const char *button,
                         gboolean closable);
/* Offers a second, quieter button until the banner is presented again. */
void inn_banner_offer (InnBanner *self, const char *label);
/* With the buttons below the words. */
void inn_banner_set_narrow (InnBanner *self, gboolean narrow);
void inn_banner_dismiss (InnBanner *self);

G_END_DECLS

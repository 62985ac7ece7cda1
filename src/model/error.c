/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/error.h"

G_DEFINE_QUARK (inn - error - quark, inn_error)

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One-line messages to standard error. Only machine/ and main.c log; leaf code returns errors.
 */
#pragma once

#include <stdbool.h>

/* Prefix of every line, e.g. "innkeeper-vmm"; the string is kept, not copied. */
void log_set_program(const char *name);
/* Whether log_debug() prints. Off at start. */
void log_set_debug(bool enabled);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * A line about what a guest did wrong. A guest can cause these at will, so after 50 lines in a
 * process they stop (and the last one says so). Any thread.
 */
void log_guest_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

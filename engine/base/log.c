/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { GUEST_ERROR_LINES = 50, LINE_SIZE = 1024, DELETE = 0x7f };

static const char *program = "innkeeper";
static bool debug_enabled;
static atomic_uint guest_errors;

void log_set_program(const char *name)
{
	program = name;
}

void log_set_debug(bool enabled)
{
	debug_enabled = enabled;
}

/* Names and arguments may be anybody's: nobody writes a line of his own, or moves the cursor. */
static void replace_control_characters(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == DELETE)
			*text = '?';
	}
}

/* One write() per line, so that lines of several threads do not mix; no stdio buffer to inherit. */
__attribute__((format(printf, 2, 0))) static void log_line(const char *level, const char *format,
							   va_list arguments)
{
	char line[LINE_SIZE];
	int head = snprintf(line, sizeof(line), "%s: %s", program, level);
	size_t length;

	if (head < 0 || (size_t)head >= sizeof(line))
		return;
	vsnprintf(line + head, sizeof(line) - (size_t)head - 1, format, arguments);
	replace_control_characters(line);
	length = strlen(line);
	line[length++] = '\n';
	if (write(STDERR_FILENO, line, length) < 0)
		return; /* there is nowhere left to say it */
}

void log_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_line("", format, arguments);
	va_end(arguments);
}

void log_warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_line("warning: ", format, arguments);
	va_end(arguments);
}

void log_debug(const char *format, ...)
{
	va_list arguments;

	if (!debug_enabled)
		return;
	va_start(arguments, format);
	log_line("debug: ", format, arguments);
	va_end(arguments);
}

void log_guest_error(const char *format, ...)
{
	va_list arguments;
	unsigned int count = atomic_fetch_add(&guest_errors, 1);

	if (count >= GUEST_ERROR_LINES)
		return;
	va_start(arguments, format);
	log_line("guest: ", format, arguments);
	va_end(arguments);
	if (count == GUEST_ERROR_LINES - 1)
		log_warning("the guest makes many errors; no more are reported");
}

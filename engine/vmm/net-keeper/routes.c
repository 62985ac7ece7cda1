/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net-keeper/routes.h"

#include <stdio.h>
#include <string.h>

/* Whether any line of a table in /proc/net is a default route. */
static bool any_line(FILE *file, bool (*is_default)(const char *line))
{
	char line[512];
	bool found = false;

	while (!found && fgets(line, sizeof(line), file))
		found = is_default(line);
	fclose(file);
	return found;
}

static bool is_default_v4(const char *line)
{
	unsigned int destination, mask;

	return sscanf(line, "%*s %x %*x %*x %*u %*u %*u %x", &destination, &mask) == 2 &&
	       destination == 0 && mask == 0;
}

/* The loopback interface has one that leads nowhere. */
static bool is_default_v6(const char *line)
{
	char destination[33], interface[17];
	unsigned int length;

	return sscanf(line, "%32s %x %*s %*x %*s %*x %*x %*x %*x %16s", destination, &length,
		      interface) == 3 &&
	       length == 0 && strspn(destination, "0") == 32 && strcmp(interface, "lo") != 0;
}

bool routes_have_default(void)
{
	FILE *v4 = fopen("/proc/net/route", "re"), *v6 = fopen("/proc/net/ipv6_route", "re");
	bool unknown = !v4 && !v6;
	bool found = v4 && any_line(v4, is_default_v4);

	return (v6 && any_line(v6, is_default_v6)) || found || unknown;
}

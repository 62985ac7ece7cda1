/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * In place of passt: does what the variable FAKE_PASST says.
 *   run (or unset)  gets ready, then answers each byte on its connection with its process id and a
 *                   newline, until the connection closes
 *   complain        prints a complaint and ends
 *   crash           ends by a signal, without a word
 * Its arguments are the last line of the file FAKE_PASST_LOG, if there is one.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void log_arguments(int argc, char **argv)
{
	const char *path = getenv("FAKE_PASST_LOG");
	FILE *file = path ? fopen(path, "ae") : NULL;

	for (int i = 1; file && i < argc; i++)
		fprintf(file, "%s%c", argv[i], i + 1 < argc ? ' ' : '\n');
	if (file)
		fclose(file);
}

static int find_connection(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "--fd") == 0)
			return atoi(argv[i + 1]);
	return -1;
}

static void answer(int fd)
{
	char byte;

	while (read(fd, &byte, 1) == 1)
		dprintf(fd, "%d\n", getpid());
}

static void serve(int fd)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	answer(fd);
	_exit(0);
}

int main(int argc, char **argv)
{
	const char *what = getenv("FAKE_PASST");
	int fd = find_connection(argc, argv);

	log_arguments(argc, argv);
	if (what && strcmp(what, "complain") == 0) {
		fprintf(stderr, "Failed to send 10 bytes to syslog\nNo such luck\n\n");
		return 1;
	}
	if (what && strcmp(what, "crash") == 0)
		raise(SIGKILL);
	if (fd < 0)
		return 2;
	if (fork() == 0)
		serve(fd);
	return 0;
}

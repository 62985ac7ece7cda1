/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * innkeeper-net: keeps one network card of a machine connected to passt, from outside the sandbox
 * of the machine's VMM. It starts passt, hands its connection to the VMM, does so again when passt
 * has died, and ends passt and itself when the VMM is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd-passing.h"
#include "base/fd.h"
#include "base/log.h"
#include "net-keeper/host-port.h"
#include "net-keeper/passt-process.h"
#include "net-keeper/routes.h"
#include "protocol/exit-status.h"

enum {
	MAX_FORWARDS = 64,
	FIRST_DELAY_MS = 100,
	LONGEST_DELAY_MS = 10000, /* also how long passt must live to be given the first again */
};

struct keeper {
	int channel, signal_fd;
	const char *program;
	struct port_forward forwards[MAX_FORWARDS];
	size_t forward_count;
	char specifications[MAX_FORWARDS][PORT_FORWARD_TEXT_SIZE];
	const char *arguments[2 * MAX_FORWARDS]; /* of passt */
	bool running;
	int64_t started_ms, retry_ms; /* CLOCK_MONOTONIC; retry: 0 for none */
	int delay_ms;
	struct net_keeper_message said; /* last */
};

static const char usage[] =
	"Usage: innkeeper-net --channel FD [--forward tcp|udp:[ADDRESS/]PORT[-PORT]:PORT]...\n"
	"Keeps a network card of a virtual machine connected to passt. Innkeeper starts it.\n";

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What it has said last it does not say again. 0 or negative errno: the VMM is gone. */
static int say(struct keeper *keeper, enum net_keeper_message_type type, const char *text, int fd)
{
	struct net_keeper_message message = {.magic = NET_KEEPER_MAGIC, .type = type};
	int r;

	snprintf(message.text, sizeof(message.text), "%s", text);
	if (fd < 0 && memcmp(&message, &keeper->said, sizeof(message)) == 0)
		return 0;
	keeper->said = message;
	r = fd_passing_send(keeper->channel, &message, sizeof(message), &fd, fd < 0 ? 0 : 1);
	/* One the VMM does not come to read is lost; with it passt ends and is started again. */
	return r == -EAGAIN ? 0 : r;
}

static void describe_failure(int error, const char *words, char text[NET_KEEPER_TEXT_SIZE])
{
	if (error == -ENOENT)
		snprintf(text, NET_KEEPER_TEXT_SIZE,
			 "Networking for this machine needs the program passt; install the "
			 "package passt.");
	else if (error == -ECONNREFUSED && words[0])
		snprintf(text, NET_KEEPER_TEXT_SIZE,
			 "Networking for this machine does not work: passt ended with \"%.200s\".",
			 words);
	else
		snprintf(text, NET_KEEPER_TEXT_SIZE,
			 "Networking for this machine does not work: passt could not be started "
			 "(%s).",
			 error == -ECONNREFUSED ? "it gave no reason" : strerror(-error));
}

static void schedule_retry(struct keeper *keeper)
{
	keeper->retry_ms = now_ms() + keeper->delay_ms;
	keeper->delay_ms *= 2;
	if (keeper->delay_ms > LONGEST_DELAY_MS)
		keeper->delay_ms = LONGEST_DELAY_MS;
}

/* 0, or negative errno when there is no point in going on. */
static int start(struct keeper *keeper, bool first)
{
	char words[NET_KEEPER_TEXT_SIZE], text[NET_KEEPER_TEXT_SIZE];
	int fd, r = passt_process_start(keeper->program, keeper->arguments,
					2 * keeper->forward_count, &fd, words);

	keeper->retry_ms = 0;
	if (r == 0) {
		keeper->running = true;
		keeper->started_ms = now_ms();
		r = say(keeper, NET_KEEPER_CONNECTION, "", fd);
		fd_close(&fd);
		return r;
	}
	schedule_retry(keeper);
	if (r == -ECONNREFUSED && !routes_have_default())
		return say(keeper, NET_KEEPER_WAITING,
			   "This computer is not connected to a network; the machine's network "
			   "card is, as soon as it is.",
			   -1);
	describe_failure(r, words, text);
	if (!first)
		return say(keeper, NET_KEEPER_WAITING, text, -1);
	(void)say(keeper, NET_KEEPER_FAILED, text, -1);
	return r;
}

static void on_child_ended(struct keeper *keeper)
{
	struct signalfd_siginfo info;
	bool any = false;

	(void)!read(keeper->signal_fd, &info, sizeof(info));
	while (waitpid(-1, NULL, WNOHANG) > 0)
		any = true;
	if (!any || !keeper->running)
		return;
	keeper->running = false;
	if (now_ms() - keeper->started_ms >= LONGEST_DELAY_MS)
		keeper->delay_ms = FIRST_DELAY_MS;
	schedule_retry(keeper);
}

static int time_left(const struct keeper *keeper)
{
	int64_t left = keeper->retry_ms - now_ms();

	if (keeper->retry_ms == 0)
		return -1;
	return left > 0 ? (int)left : 0;
}

/* Until the VMM is gone. */
static void keep(struct keeper *keeper)
{
	int r = 0;

	while (r == 0) {
		struct pollfd waits[] = {
			{.fd = keeper->channel, .events = 0}, /* it only ever closes */
			{.fd = keeper->signal_fd, .events = POLLIN},
		};
		int n = poll(waits, 2, time_left(keeper));

		if (n > 0 && waits[0].revents)
			return;
		if (n > 0)
			on_child_ended(keeper);
		else if (n == 0)
			r = start(keeper, /* first= */ false);
	}
}

static bool check_ports(struct keeper *keeper)
{
	char text[NET_KEEPER_TEXT_SIZE];

	for (size_t i = 0; i < keeper->forward_count; i++) {
		if (!host_port_check(&keeper->forwards[i], text)) {
			(void)say(keeper, NET_KEEPER_FAILED, text, -1);
			return false;
		}
	}
	return true;
}

/* As passt has it: "-t 8080:80", "-u ::1/5000-5009:6000-6009". */
static void add_forward(struct keeper *keeper, const struct port_forward *forward)
{
	size_t number = keeper->forward_count++;
	char *text = keeper->specifications[number];
	int length = snprintf(text, PORT_FORWARD_TEXT_SIZE, "%s%s%u", forward->address,
			      forward->address[0] ? "/" : "", forward->first);
	size_t room = PORT_FORWARD_TEXT_SIZE - (size_t)length;

	if (forward->first == forward->last)
		snprintf(text + length, room, ":%u", forward->to);
	else
		snprintf(text + length, room, "-%u:%u-%u", forward->last, forward->to,
			 forward->to + (forward->last - forward->first));
	keeper->forwards[number] = *forward;
	keeper->arguments[2 * number] = forward->udp ? "-u" : "-t";
	keeper->arguments[2 * number + 1] = text;
}

static bool parse_option(struct keeper *keeper, int option)
{
	struct port_forward forward;

	switch (option) {
	case 'c':
		keeper->channel = atoi(optarg);
		return true;
	case 'f':
		if (keeper->forward_count == MAX_FORWARDS || !port_forward_parse(optarg, &forward))
			return false;
		add_forward(keeper, &forward);
		return true;
	default:
		return false;
	}
}

static bool parse(struct keeper *keeper, int argc, char **argv)
{
	static const struct option options[] = {
		{"channel", required_argument, NULL, 'c'},
		{"forward", required_argument, NULL, 'f'},
		{NULL, 0, NULL, 0},
	};
	const char *program = getenv("INNKEEPER_PASST");
	int option;

	keeper->program = program && *program ? program : "passt";
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!parse_option(keeper, option))
			return false;
	return optind == argc && keeper->channel > STDERR_FILENO;
}

/* passt in the background becomes our child, and its end is noticed. */
static int set_up(struct keeper *keeper)
{
	sigset_t signals;

	(void)setsid(); /* Ctrl+C is for the VMM */
	/* What else it may have got from who started it is not for it, and would be held open. */
	if (keeper->channel > STDERR_FILENO + 1)
		(void)close_range(STDERR_FILENO + 1, (unsigned int)keeper->channel - 1, 0);
	(void)close_range((unsigned int)keeper->channel + 1, ~0U, 0);
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	if (fcntl(keeper->channel, F_SETFD, FD_CLOEXEC) < 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ||
	    sigprocmask(SIG_BLOCK, &signals, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	keeper->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return keeper->signal_fd < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	static struct keeper keeper = {.channel = -1, .delay_ms = FIRST_DELAY_MS};
	int r;

	log_set_program("innkeeper-net");
	if (!parse(&keeper, argc, argv)) {
		fputs(usage, stderr);
		return EXIT_STATUS_USAGE;
	}
	r = set_up(&keeper);
	if (r < 0) {
		log_error("The network cannot be kept: %s.", strerror(-r));
		return EXIT_STATUS_HOST_ERROR;
	}
	if (!check_ports(&keeper) || start(&keeper, /* first= */ true) < 0)
		return EXIT_STATUS_HOST_ERROR;
	keep(&keeper);
	passt_process_end_all();
	return EXIT_STATUS_POWER_OFF;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sandbox/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "protocol/exit-status.h"
#include "sandbox/seccomp-programs.h"

#ifdef NDEBUG
static int report_denied_calls(void)
{
	return 0;
}
#else
static void on_denied_call(int signal, siginfo_t *info, void *context)
{
	log_error("The sandbox denied system call %d.", info->si_syscall);
	_exit(EXIT_STATUS_HOST_ERROR);
}

static int report_denied_calls(void)
{
	struct sigaction action = {.sa_sigaction = on_denied_call, .sa_flags = SA_SIGINFO};

	return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}
#endif

int sandbox_prepare(void)
{
	const struct rlimit none = {0, 0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	return report_denied_calls();
}

int sandbox_apply(enum sandbox_thread thread, bool log_only)
{
	const struct sandbox_programs *programs = &sandbox_programs[thread];

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0,
		       log_only ? &programs->log_only : &programs->deny) < 0
		       ? -errno
		       : 0;
}

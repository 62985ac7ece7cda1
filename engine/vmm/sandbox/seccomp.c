/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sandbox/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "protocol/exit-status.h"
#include "sandbox/seccomp-rules.h"

enum { API_LEVEL = 3 }; /* actions that log or end the process */

struct sandbox_filter {
	struct sock_fprog program;
};

#ifdef NDEBUG
enum { DENY = SCMP_ACT_KILL_PROCESS };

static int report_denied_calls(void)
{
	return 0;
}
#else
enum { DENY = SCMP_ACT_TRAP };

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

/* A new mapping, or new rights for one, but never to execute. */
static int allow_memory(scmp_filter_ctx context, int call)
{
	return seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/*
 * To look at a descriptor, not to change it: a doorbell's O_NONBLOCK is the client's too, which
 * would block if a guest that has taken over this process cleared it. Only the terminal's own
 * descriptors are changed, back to what they were.
 */
static int allow_fcntl(scmp_filter_ctx context)
{
	static const int harmless[] = {F_GETFL, F_GET_SEALS, F_DUPFD_CLOEXEC};
	int r = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 2,
				 SCMP_A0_32(SCMP_CMP_LE, STDERR_FILENO, 0),
				 SCMP_A1_32(SCMP_CMP_EQ, F_SETFL, 0));

	for (size_t i = 0; r == 0 && i < sizeof(harmless) / sizeof(harmless[0]); i++)
		r = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				     SCMP_A1_32(SCMP_CMP_EQ, harmless[i], 0));
	return r;
}

static int add_special_rules(scmp_filter_ctx context)
{
	int r = allow_memory(context, SCMP_SYS(mmap));

	if (r == 0)
		r = allow_memory(context, SCMP_SYS(mprotect));
	if (r == 0)
		r = allow_fcntl(context);
	/* glibc's fstat() */
	if (r == 0)
		r = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
				     SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH));
	/* its flags are behind a pointer; libc falls back to clone, where a filter sees them */
	if (r == 0)
		r = seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return r;
}

static int add_rules(scmp_filter_ctx context, const struct sandbox_rules *rules)
{
	int r = add_special_rules(context);

	for (size_t i = 0; r == 0 && i < rules->ioctl_count; i++)
		r = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				     SCMP_A1(SCMP_CMP_EQ, rules->ioctls[i], 0));
	for (size_t i = 0; r == 0 && i < rules->call_count; i++)
		r = seccomp_rule_add(context, SCMP_ACT_ALLOW, rules->calls[i], 0);
	/* what a vCPU does all the time is looked for first */
	if (r == 0)
		r = seccomp_syscall_priority(context, SCMP_SYS(ioctl), 255);
	return r;
}

/* The program as bytes, so that several threads can have it without generating it again. */
static int read_program(scmp_filter_ctx context, struct sock_fprog *program)
{
	int fd = memfd_create("seccomp", MFD_CLOEXEC), r;
	struct sock_filter *filter = calloc(BPF_MAXINSNS, sizeof(*filter));
	ssize_t length;

	if (fd < 0 || !filter) {
		r = -ENOMEM;
		goto release;
	}
	r = seccomp_export_bpf(context, fd);
	if (r < 0)
		goto release;
	length = pread(fd, filter, BPF_MAXINSNS * sizeof(*filter), 0);
	if (length <= 0) {
		r = -EIO;
		goto release;
	}
	program->filter = filter;
	program->len = (unsigned short)((size_t)length / sizeof(*filter));
	filter = NULL;
release:
	free(filter);
	fd_close(&fd);
	return r;
}

int sandbox_filter_create(enum sandbox_thread thread, bool log_only,
			  struct sandbox_filter **ret_filter)
{
	struct sandbox_filter *filter = calloc(1, sizeof(*filter));
	scmp_filter_ctx context;
	int r;

	/* What is used here is older than the KVM that is needed: no reason to probe for it. */
	(void)seccomp_api_set(API_LEVEL);
	context = seccomp_init(log_only ? SCMP_ACT_LOG : DENY);
	if (!context || !filter) {
		r = -ENOMEM;
		goto release;
	}
	r = add_rules(context, sandbox_rules_of(thread));
	if (r == 0)
		r = read_program(context, &filter->program);
	if (r == 0) {
		*ret_filter = filter;
		filter = NULL;
	}
release:
	seccomp_release(context);
	free(filter);
	return r;
}

void sandbox_filter_destroy(struct sandbox_filter *filter)
{
	if (!filter)
		return;
	free(filter->program.filter);
	free(filter);
}

int sandbox_filter_apply(const struct sandbox_filter *filter)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter->program) < 0 ? -errno : 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs during the build: compiles the allow-lists (seccomp-rules.c) to the kernel's filter programs
 * and prints them as C. The VMM then starts without doing it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/seccomp-rules.h"

enum { API_LEVEL = 3 }; /* actions that log or end the process; not what this kernel can */

/* In builds with assertions seccomp.c has a handler that names the call. */
#ifdef NDEBUG
enum { DENY = SCMP_ACT_KILL_PROCESS };
#else
enum { DENY = SCMP_ACT_TRAP };
#endif

/* A new mapping, or new rights for one, but never to execute. */
static int allow_memory(scmp_filter_ctx context, int call)
{
	return seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/*
 * To look at a descriptor, not at what is behind it: a doorbell's O_NONBLOCK is the client's too,
 * which would block if a guest that has taken over this process cleared it. Only the terminal's own
 * descriptors are changed, back to what they were. A disk's lock becomes a shared one when nobody
 * writes that file any more.
 */
static int allow_fcntl(scmp_filter_ctx context)
{
	static const int harmless[] = {F_GETFL,     F_GET_SEALS, F_DUPFD_CLOEXEC,
				       F_OFD_SETLK, F_SETFD,     F_ADD_SEALS};
	int r = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 2,
				 SCMP_A0_32(SCMP_CMP_LE, STDERR_FILENO, 0),
				 SCMP_A1_32(SCMP_CMP_EQ, F_SETFL, 0));

	for (size_t i = 0; r == 0 && i < sizeof(harmless) / sizeof(harmless[0]); i++)
		r = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				     SCMP_A1_32(SCMP_CMP_EQ, harmless[i], 0));
	return r;
}

/*
 * As libc's fork() calls it, and its pthread_create(), for a copy that goes on as another machine:
 * a process that shares more, or less, has other flags. A thread has this list from who makes it.
 */
static int allow_copy(scmp_filter_ctx context)
{
	static const scmp_datum_t flags[] = {
		CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD,
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND | CLONE_THREAD |
			CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(flags) / sizeof(flags[0]); i++)
		r = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				     SCMP_A0(SCMP_CMP_EQ, flags[i], 0));
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

	if (r == 0 && rules->may_copy)
		r = allow_copy(context);
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

/* libseccomp writes the program to a descriptor. */
static int print_program(scmp_filter_ctx context, const char *name)
{
	FILE *file = tmpfile();
	struct sock_filter instruction;
	int r = file ? seccomp_export_bpf(context, fileno(file)) : -1;

	if (r == 0) {
		printf("static const struct sock_filter %s[] = {\n", name);
		rewind(file);
		while (fread(&instruction, sizeof(instruction), 1, file) == 1)
			printf("\t{0x%x, %u, %u, 0x%x},\n", instruction.code, instruction.jt,
			       instruction.jf, instruction.k);
		puts("};");
	}
	if (file)
		fclose(file);
	return r;
}

static int compile(enum sandbox_thread thread, uint32_t deny, const char *name)
{
	scmp_filter_ctx context = seccomp_init(deny);
	int r = context ? add_rules(context, sandbox_rules_of(thread)) : -1;

	if (r == 0)
		r = print_program(context, name);
	seccomp_release(context);
	return r;
}

int main(void)
{
	(void)seccomp_api_set(API_LEVEL);
	puts("#include \"sandbox/seccomp-programs.h\"\n");
	if (compile(SANDBOX_MAIN_THREAD, DENY, "main_deny") < 0 ||
	    compile(SANDBOX_MAIN_THREAD, SCMP_ACT_LOG, "main_log") < 0 ||
	    compile(SANDBOX_VCPU_THREAD, DENY, "vcpu_deny") < 0 ||
	    compile(SANDBOX_VCPU_THREAD, SCMP_ACT_LOG, "vcpu_log") < 0 ||
	    compile(SANDBOX_READ_AHEAD_THREAD, DENY, "read_ahead_deny") < 0 ||
	    compile(SANDBOX_READ_AHEAD_THREAD, SCMP_ACT_LOG, "read_ahead_log") < 0) {
		fputs("The allow-lists cannot be compiled.\n", stderr);
		return EXIT_FAILURE;
	}
	puts("\n#define PROGRAM(name) {sizeof(name) / sizeof((name)[0]), (struct sock_filter *)name}\n"
	     "const struct sandbox_programs sandbox_programs[] = {\n"
	     "\t[SANDBOX_MAIN_THREAD] = {PROGRAM(main_deny), PROGRAM(main_log)},\n"
	     "\t[SANDBOX_VCPU_THREAD] = {PROGRAM(vcpu_deny), PROGRAM(vcpu_log)},\n"
	     "\t[SANDBOX_READ_AHEAD_THREAD] = {PROGRAM(read_ahead_deny), "
	     "PROGRAM(read_ahead_log)},\n"
	     "};");
	return EXIT_SUCCESS;
}

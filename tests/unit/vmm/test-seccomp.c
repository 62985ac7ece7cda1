/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sandbox/seccomp.h"

#include <fcntl.h>
#include <glib.h>
#include <linux/kvm.h>
#include <linux/vhost.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/exit-status.h"

enum { ALLOWED = 77 };

static void nothing(void)
{
}

static void open_file(void)
{
	(void)!open("/etc/passwd", O_RDONLY);
}

static void make_socket(void)
{
	(void)!syscall(SYS_socket, 1, 1, 0);
}

static void execute_program(void)
{
	(void)!execl("/bin/true", "true", NULL);
}

static void map_code(void)
{
	(void)!mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void make_code(void)
{
	static char page[8192];
	char *aligned = (char *)(((uintptr_t)page + 4095) & ~(uintptr_t)4095);

	(void)!mprotect(aligned, 4096, PROT_READ | PROT_EXEC);
}

static void create_vm(void)
{
	(void)!ioctl(-1, KVM_CREATE_VM, 0);
}

static void raise_line(void)
{
	(void)!ioctl(-1, KVM_IRQ_LINE, NULL);
}

static void take_queue(void)
{
	(void)!ioctl(-1, VHOST_NET_SET_BACKEND, NULL);
}

static void run_vcpu(void)
{
	(void)!ioctl(-1, KVM_RUN, 0);
}

static void read_at(void)
{
	(void)!pread(-1, NULL, 0, 0);
}

static void need_soon(void)
{
	(void)!posix_fadvise(-1, 0, 0, POSIX_FADV_WILLNEED);
}

/* Either thread hands serial output to a client. */
static void send_bytes(void)
{
	(void)!syscall(SYS_sendto, -1, NULL, 0, 0, NULL, 0);
}

static void clone_thread(void)
{
	if (syscall(SYS_clone3, NULL, 0) != -1)
		_exit(1);
}

/* The copy of a process may go on and end; a snapshot is written by one. */
static void copy_process(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		_exit(1);
}

static void *do_nothing(void *data)
{
	return NULL;
}

static void make_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, do_nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
		_exit(1);
}

/* The filter of a vCPU on top, which is the stricter one from then on. */
static void confine_more(void)
{
	if (sandbox_apply(SANDBOX_VCPU_THREAD, false) < 0)
		_exit(1);
}

/* One that shares memory and is no thread. */
static void copy_shared(void)
{
	(void)syscall(SYS_clone, CLONE_VM | SIGCHLD, NULL, NULL, NULL, 0);
}

static void copy_with_rights(void)
{
	(void)syscall(SYS_clone,
		      CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_NEWUSER | SIGCHLD, NULL,
		      NULL, NULL, 0);
}

static void save_registers(void)
{
	(void)!ioctl(-1, KVM_GET_XSAVE, NULL);
}

static void allocate(void)
{
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*map = 1;
	munmap(map, 4096);
}

/* Runs call in a confined process: its wait status. */
static int run_confined(enum sandbox_thread thread, bool log_only, void (*call)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		close(STDERR_FILENO);
		if (sandbox_prepare() < 0 || sandbox_apply(thread, log_only) < 0)
			_exit(EXIT_STATUS_USAGE);
		call();
		_exit(ALLOWED);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	return status;
}

static void assert_allowed(enum sandbox_thread thread, void (*call)(void))
{
	int status = run_confined(thread, false, call);

	g_assert_true(WIFEXITED(status));
	g_assert_cmpint(WEXITSTATUS(status), ==, ALLOWED);
}

/* Killed, or ended by the handler that names the call in builds with assertions. */
static void assert_denied(enum sandbox_thread thread, void (*call)(void))
{
	int status = run_confined(thread, false, call);

	if (WIFSIGNALED(status))
		g_assert_cmpint(WTERMSIG(status), ==, SIGSYS);
	else
		g_assert_cmpint(WEXITSTATUS(status), ==, EXIT_STATUS_HOST_ERROR);
}

static void test_denied(void)
{
	static void (*const calls[])(void) = {open_file, make_socket, execute_program, map_code,
					      make_code};

	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
		assert_denied(SANDBOX_MAIN_THREAD, calls[i]);
		assert_denied(SANDBOX_VCPU_THREAD, calls[i]);
		assert_denied(SANDBOX_READ_AHEAD_THREAD, calls[i]);
	}
	assert_denied(SANDBOX_VCPU_THREAD, create_vm);
	assert_denied(SANDBOX_VCPU_THREAD, make_thread);
	assert_denied(SANDBOX_READ_AHEAD_THREAD, create_vm);
	assert_denied(SANDBOX_READ_AHEAD_THREAD, make_thread);
	assert_denied(SANDBOX_VCPU_THREAD, read_at);
	assert_denied(SANDBOX_VCPU_THREAD, take_queue);
	assert_denied(SANDBOX_VCPU_THREAD, copy_process);
	assert_denied(SANDBOX_VCPU_THREAD, save_registers);
	assert_denied(SANDBOX_READ_AHEAD_THREAD, raise_line);
	assert_denied(SANDBOX_READ_AHEAD_THREAD, send_bytes);
	assert_denied(SANDBOX_READ_AHEAD_THREAD, copy_process);
	assert_denied(SANDBOX_MAIN_THREAD, copy_shared);
	assert_denied(SANDBOX_MAIN_THREAD, copy_with_rights);
}

static void test_allowed(void)
{
	static void (*const calls[])(void) = {nothing, raise_line, send_bytes, clone_thread,
					      allocate};

	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
		assert_allowed(SANDBOX_MAIN_THREAD, calls[i]);
		assert_allowed(SANDBOX_VCPU_THREAD, calls[i]);
	}
	assert_allowed(SANDBOX_VCPU_THREAD, run_vcpu);
	assert_allowed(SANDBOX_MAIN_THREAD, read_at);
	assert_allowed(SANDBOX_READ_AHEAD_THREAD, read_at);
	assert_allowed(SANDBOX_READ_AHEAD_THREAD, need_soon);
	assert_allowed(SANDBOX_MAIN_THREAD, take_queue);
	assert_allowed(SANDBOX_MAIN_THREAD, copy_process);
	/* a copy goes on as a machine of its own, whose vCPUs take more away from themselves */
	assert_allowed(SANDBOX_MAIN_THREAD, create_vm);
	assert_allowed(SANDBOX_MAIN_THREAD, run_vcpu);
	assert_allowed(SANDBOX_MAIN_THREAD, make_thread);
	assert_allowed(SANDBOX_MAIN_THREAD, confine_more);
	assert_allowed(SANDBOX_MAIN_THREAD, save_registers);
}

static void test_log_only(void)
{
	int status = run_confined(SANDBOX_MAIN_THREAD, true, open_file);

	g_assert_true(WIFEXITED(status));
	g_assert_cmpint(WEXITSTATUS(status), ==, ALLOWED);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/seccomp/denied", test_denied);
	g_test_add_func("/seccomp/allowed", test_allowed);
	g_test_add_func("/seccomp/log-only", test_log_only);
	return g_test_run();
}

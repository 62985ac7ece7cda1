/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What each kind of thread does while the guest runs, and therefore may do. Calls that are only
 * safe with some arguments (clone, fcntl, ioctl, mmap, mprotect, newfstatat) are treated in
 * compile-rules.c.
 */
#include "sandbox/seccomp-rules.h"

#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/vhost.h>
#include <seccomp.h>
#include <sys/ioctl.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* clang-format off */
static const int main_calls[] = {
	/* the event loop and doorbells */
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl), SCMP_SYS(timerfd_settime),
	SCMP_SYS(eventfd2), SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(poll),
	/* clients: accept, descriptors passed, death noticed */
	SCMP_SYS(accept4), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(sendto),
	SCMP_SYS(recvfrom), SCMP_SYS(getsockopt), SCMP_SYS(shutdown),
	/* a guest's program connects to one of the host's: one end for each */
	SCMP_SYS(socketpair),
	/* files that are open: kernel and initrd at a reset, statistics, disks */
	SCMP_SYS(fstat), SCMP_SYS(pread64), SCMP_SYS(lseek), SCMP_SYS(close),
	SCMP_SYS(fdatasync), SCMP_SYS(fallocate), SCMP_SYS(io_uring_enter),
	/* UEFI's variables */
	SCMP_SYS(pwrite64), SCMP_SYS(ftruncate),
	/* a snapshot: a copy of the process writes its memory down and keeps nothing else open */
	SCMP_SYS(pipe2), SCMP_SYS(set_robust_list), SCMP_SYS(close_range), SCMP_SYS(setpriority),
	SCMP_SYS(fsync), SCMP_SYS(wait4), SCMP_SYS(mincore),
	/*
	 * A clone: a copy of the process composes a machine anew, confined as it is. All this acts on
	 * what is open or on the calling process alone: there is still no way to a file, a socket of
	 * the host or a program. A further filter can only take away more.
	 */
	SCMP_SYS(setsid), SCMP_SYS(dup3), SCMP_SYS(memfd_create), SCMP_SYS(epoll_create1),
	SCMP_SYS(timerfd_create), SCMP_SYS(signalfd4), SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_register), SCMP_SYS(sysinfo), SCMP_SYS(getpriority), SCMP_SYS(fstatfs),
	SCMP_SYS(rseq), SCMP_SYS(sigaltstack), SCMP_SYS(seccomp),
	/* frames to a tap interface */
	SCMP_SYS(writev),
	/* time, threads, memory */
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(futex),
	SCMP_SYS(tgkill), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigaction), SCMP_SYS(restart_syscall),
	SCMP_SYS(sched_yield), SCMP_SYS(getrandom), SCMP_SYS(brk), SCMP_SYS(munmap),
	SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* A vCPU serves port I/O and MMIO itself: devices raise interrupts, set timers, start requests. */
static const int vcpu_calls[] = {
	SCMP_SYS(futex), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(read),
	SCMP_SYS(write), SCMP_SYS(sendto), SCMP_SYS(timerfd_settime), SCMP_SYS(epoll_ctl),
	SCMP_SYS(eventfd2), SCMP_SYS(close), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
	SCMP_SYS(time), SCMP_SYS(getpid),
	SCMP_SYS(gettid), SCMP_SYS(tgkill), SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield),
	SCMP_SYS(getrandom), SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap),
	SCMP_SYS(madvise), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* What a machine goes on from, brought to memory before the guest asks for it, and checked. */
static const int read_ahead_calls[] = {
	SCMP_SYS(lseek), SCMP_SYS(fadvise64), SCMP_SYS(pread64), SCMP_SYS(futex), SCMP_SYS(write),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall), SCMP_SYS(madvise), SCMP_SYS(munmap), SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

static const uint32_t main_ioctls[] = {
	KVM_IRQ_LINE, KVM_IRQFD, KVM_IOEVENTFD, KVM_SET_GSI_ROUTING,
	KVM_SET_USER_MEMORY_REGION, KVM_GET_DIRTY_LOG,
	/* sampling */
	KVM_GET_REGS, KVM_GET_MP_STATE, KVM_GET_LAPIC, KVM_GET_MSRS,
	/* resume and reset */
	KVM_KVMCLOCK_CTRL, KVM_SET_SREGS, KVM_SET_REGS, KVM_SET_MSRS,
	KVM_SET_LAPIC, KVM_SET_XSAVE, KVM_SET_XCRS, KVM_SET_DEBUGREGS, KVM_SET_VCPU_EVENTS,
	KVM_SET_MP_STATE, KVM_SET_IRQCHIP, KVM_SET_PIT2,
	/* saving */
	KVM_GET_SREGS, KVM_GET_SREGS2, KVM_GET_XSAVE, KVM_GET_XSAVE2, KVM_GET_XCRS,
	KVM_GET_DEBUGREGS, KVM_GET_VCPU_EVENTS, KVM_GET_TSC_KHZ, KVM_GET_CLOCK, KVM_GET_IRQCHIP,
	KVM_GET_PIT2,
	/* composing a clone, whose vCPUs are under this list too and then under their own */
	KVM_CREATE_VM, KVM_CHECK_EXTENSION, KVM_GET_VCPU_MMAP_SIZE, KVM_GET_SUPPORTED_CPUID,
	KVM_GET_MSR_INDEX_LIST, KVM_GET_SUPPORTED_HV_CPUID, KVM_SET_TSS_ADDR,
	KVM_SET_IDENTITY_MAP_ADDR, KVM_CREATE_IRQCHIP, KVM_CREATE_PIT2, KVM_ENABLE_CAP,
	KVM_REGISTER_COALESCED_MMIO, KVM_CREATE_VCPU, KVM_SET_CPUID2, KVM_GET_STATS_FD,
	KVM_SET_SREGS2, KVM_SET_TSC_KHZ, KVM_SET_CLOCK, KVM_RUN,
	/* the size of a medium: the host's own CD */
	BLKGETSIZE64,
	/* what a guest leaves to a tap interface; whether it is one */
	TUNSETOFFLOAD, TUNGETIFF,
	/* queues lent to the kernel and taken back */
	VHOST_SET_FEATURES, VHOST_SET_VRING_NUM, VHOST_SET_VRING_BASE, VHOST_GET_VRING_BASE,
	VHOST_SET_VRING_ADDR, VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL, VHOST_SET_VRING_ERR,
	VHOST_NET_SET_BACKEND,
	/* a terminal restored */
	TCGETS, TCSETS, TCSETSW, TCSETSF,
};

static const uint32_t vcpu_ioctls[] = {
	KVM_RUN, KVM_IRQ_LINE, KVM_IRQFD, KVM_IOEVENTFD, KVM_SET_GSI_ROUTING,
	/* the guest moves a BAR that is memory */
	KVM_SET_USER_MEMORY_REGION, KVM_GET_DIRTY_LOG,
};
/* clang-format on */

static const struct sandbox_rules main_rules = {
	.calls = main_calls,
	.call_count = COUNT(main_calls),
	.ioctls = main_ioctls,
	.ioctl_count = COUNT(main_ioctls),
	.may_copy = true,
};
static const struct sandbox_rules vcpu_rules = {
	.calls = vcpu_calls,
	.call_count = COUNT(vcpu_calls),
	.ioctls = vcpu_ioctls,
	.ioctl_count = COUNT(vcpu_ioctls),
};
static const struct sandbox_rules read_ahead_rules = {
	.calls = read_ahead_calls,
	.call_count = COUNT(read_ahead_calls),
};

const struct sandbox_rules *sandbox_rules_of(enum sandbox_thread thread)
{
	static const struct sandbox_rules *const rules[] = {
		[SANDBOX_MAIN_THREAD] = &main_rules,
		[SANDBOX_VCPU_THREAD] = &vcpu_rules,
		[SANDBOX_READ_AHEAD_THREAD] = &read_ahead_rules,
	};

	return rules[thread];
}

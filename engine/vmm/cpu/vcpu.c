/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/vcpu.h"

#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include "base/fd.h"
#include "base/words.h"
#include "control/statistics-page.h"
#include "cpu/kvm-vm.h"

enum { STACK_SIZE = 256 << 10 };

enum vcpu_order { ORDER_PARK, ORDER_RUN, ORDER_QUIT };

struct vcpu {
	const struct vcpu_host *host;
	unsigned int number;
	int fd;
	struct kvm_run *run; /* shared with KVM; not inherited by fork() */
	struct statistics_vcpu *statistics;
	bool has_thread;
	pthread_t thread;

	pthread_mutex_t lock; /* protects order, running, and clearing immediate_exit */
	pthread_cond_t changed;
	enum vcpu_order order;
	bool running; /* set by the thread alone: an order to run may be taken back before it wakes
		       */
};

static int kick_signal(void)
{
	return SIGRTMIN;
}

static void ignore_kick(int signal)
{
}

/* No SA_RESTART: the whole point is that KVM_RUN returns. */
int vcpu_install_kick_signal(void)
{
	struct sigaction action = {.sa_handler = ignore_kick};

	return sigaction(kick_signal(), &action, NULL) < 0 ? -errno : 0;
}

static int map_run_area(struct vcpu *vcpu)
{
	size_t size = vcpu->host->vm->run_size;
	void *run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);

	if (run == MAP_FAILED)
		return -errno;
	vcpu->run = run;
	/* A forked child could otherwise reach into this VM's vCPU. */
	return madvise(run, size, MADV_DONTFORK) < 0 ? -errno : 0;
}

int vcpu_create(const struct vcpu_host *host, unsigned int number,
		struct statistics_vcpu *statistics, struct vcpu **ret_vcpu)
{
	struct vcpu *vcpu = calloc(1, sizeof(*vcpu));
	int r;

	if (!vcpu)
		return -ENOMEM;
	vcpu->host = host;
	vcpu->number = number;
	vcpu->statistics = statistics;
	pthread_mutex_init(&vcpu->lock, NULL);
	pthread_cond_init(&vcpu->changed, NULL);
	vcpu->fd = ioctl(host->vm->vm_fd, KVM_CREATE_VCPU, (unsigned long)number);
	r = vcpu->fd < 0 ? -errno : map_run_area(vcpu);
	if (r < 0) {
		vcpu_destroy(vcpu);
		return r;
	}
	*ret_vcpu = vcpu;
	return 0;
}

static void give_order(struct vcpu *vcpu, enum vcpu_order order)
{
	pthread_mutex_lock(&vcpu->lock);
	vcpu->order = order;
	__atomic_store_n(&vcpu->run->immediate_exit, order != ORDER_RUN, __ATOMIC_SEQ_CST);
	if (order != ORDER_RUN && vcpu->running)
		pthread_kill(vcpu->thread, kick_signal());
	pthread_cond_broadcast(&vcpu->changed);
	pthread_mutex_unlock(&vcpu->lock);
}

void vcpu_destroy(struct vcpu *vcpu)
{
	if (!vcpu)
		return;
	if (vcpu->has_thread) {
		give_order(vcpu, ORDER_QUIT);
		pthread_join(vcpu->thread, NULL);
	}
	if (vcpu->run)
		munmap(vcpu->run, vcpu->host->vm->run_size);
	fd_close(&vcpu->fd);
	pthread_cond_destroy(&vcpu->changed);
	pthread_mutex_destroy(&vcpu->lock);
	free(vcpu);
}

static enum vcpu_order current_order(struct vcpu *vcpu)
{
	enum vcpu_order order;

	pthread_mutex_lock(&vcpu->lock);
	order = vcpu->order;
	pthread_mutex_unlock(&vcpu->lock);
	return order;
}

/* Parks until there is an order to run (true) or to quit (false). */
static bool park(struct vcpu *vcpu)
{
	bool run;

	pthread_mutex_lock(&vcpu->lock);
	vcpu->running = false;
	pthread_cond_broadcast(&vcpu->changed);
	while (vcpu->order == ORDER_PARK)
		pthread_cond_wait(&vcpu->changed, &vcpu->lock);
	run = vcpu->order == ORDER_RUN;
	vcpu->running = run;
	pthread_mutex_unlock(&vcpu->lock);
	return run;
}

/* The vCPU cannot go on. It counts as asked to park, unless it has been asked to quit. */
static void stop_by_itself(struct vcpu *vcpu, enum vcpu_stop stop, int error, const char *text)
{
	pthread_mutex_lock(&vcpu->lock);
	if (vcpu->order == ORDER_RUN)
		vcpu->order = ORDER_PARK;
	pthread_mutex_unlock(&vcpu->lock);
	vcpu->host->stopped(vcpu->host->data, stop, error, text);
}

/* Serves one return from KVM_RUN. False: the vCPU has to park. */
static bool serve(struct vcpu *vcpu, int r)
{
	char text[VCPU_EXIT_TEXT_SIZE] = "";

	/*
	 * An access that was served completes in the next KVM_RUN, before that looks at
	 * immediate_exit. So only an interrupted KVM_RUN leaves nothing half done.
	 * EAGAIN: a vCPU that waits to be started by another was woken up.
	 */
	if (r == -EINTR || r == -EAGAIN) {
		statistics_add(&vcpu->statistics->exits_signal, 1);
		return current_order(vcpu) == ORDER_RUN;
	}
	if (r < 0) {
		stop_by_itself(vcpu, VCPU_STOP_HOST_ERROR, r, strerror(-r));
		return false;
	}
	switch (vcpu_exit_serve(vcpu->run, &vcpu->host->bus, vcpu->statistics, text)) {
	case VCPU_EXIT_SERVED:
		return true;
	case VCPU_EXIT_RESET:
		stop_by_itself(vcpu, VCPU_STOP_RESET, 0, NULL);
		return false;
	case VCPU_EXIT_SHUTDOWN:
		stop_by_itself(vcpu, VCPU_STOP_TRIPLE_FAULT, 0,
			       N_("The guest's processor met a triple fault"));
		return false;
	case VCPU_EXIT_CRASH:
		break;
	}
	stop_by_itself(vcpu, VCPU_STOP_CRASH, 0, text);
	return false;
}

static void *run_thread(void *data)
{
	struct vcpu *vcpu = data;
	int r = vcpu->host->confine(vcpu->host->data);

	while (park(vcpu)) {
		if (r < 0) {
			stop_by_itself(vcpu, VCPU_STOP_HOST_ERROR, r,
				       N_("The sandbox of a vCPU could not be set up"));
			continue;
		}
		while (serve(vcpu, ioctl(vcpu->fd, KVM_RUN, 0) < 0 ? -errno : 0))
			;
	}
	return NULL;
}

int vcpu_start_thread(struct vcpu *vcpu)
{
	pthread_attr_t attributes;
	int r;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	r = pthread_create(&vcpu->thread, &attributes, run_thread, vcpu);
	pthread_attr_destroy(&attributes);
	vcpu->has_thread = r == 0;
	return -r;
}

void vcpu_run(struct vcpu *vcpu)
{
	give_order(vcpu, ORDER_RUN);
}

void vcpu_ask_to_stop(struct vcpu *vcpu)
{
	give_order(vcpu, ORDER_PARK);
}

void vcpu_wait_until_parked(struct vcpu *vcpu)
{
	pthread_mutex_lock(&vcpu->lock);
	while (vcpu->running)
		pthread_cond_wait(&vcpu->changed, &vcpu->lock);
	pthread_mutex_unlock(&vcpu->lock);
}

int vcpu_fd(const struct vcpu *vcpu)
{
	return vcpu->fd;
}

unsigned int vcpu_number(const struct vcpu *vcpu)
{
	return vcpu->number;
}

void *vcpu_run_area(const struct vcpu *vcpu)
{
	return vcpu->run;
}

uint64_t vcpu_cpu_time_ns(const struct vcpu *vcpu)
{
	struct timespec used;
	clockid_t clock;

	if (!vcpu->has_thread || pthread_getcpuclockid(vcpu->thread, &clock) != 0 ||
	    clock_gettime(clock, &used) < 0)
		return 0;
	return (uint64_t)used.tv_sec * 1000000000ULL + (uint64_t)used.tv_nsec;
}

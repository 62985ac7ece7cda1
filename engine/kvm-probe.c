/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a guest of a few instructions on KVM (Documentation/virt/kvm/api.rst): 64-bit, ring 0, with
 * the instructions that kernels need and emulators lack, then a loop whose time gives emulation
 * away. All of it happens in a child process with a time limit, because KVM_RUN may not return.
 */
#include "config.h"

#include "kvm-probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

/* The guest's memory: page tables that map the first 2 MiB, scratch, code, stack. */
enum
{
  MEMORY_SIZE = 0x10000,
  PML4 = 0x1000,
  PDPT = 0x2000,
  PAGE_DIRECTORY = 0x3000,
  SCRATCH = 0x4000, /* one page, zero */
  CODE = 0x5000,
  STACK_TOP = 0x8000,
  STEP_PORT = 0x10, /* the guest writes the number of each step it has done */
  LOOP_COUNT = 25000,
  MAX_CPUID_ENTRIES = 256,
  MAX_RUNS = 64, /* returns of KVM_RUN; one per step and some for signals */
};

/* Mean over the loop. A processor takes at most a few, an emulator more than a hundred. */
#define MAX_NS_PER_INSTRUCTION 50

enum step
{
  STEP_ENTERED = 1,
  STEP_SSE,
  STEP_CMPXCHG16B,
  STEP_XSAVES,
  STEP_LOOP, /* and again for each further round */
  STEP_LAST_LOOP = 8,
};

/* What the guest does to get to a step. */
static const char *const step_names[] = {
  [STEP_ENTERED] = "mov",   [STEP_SSE] = "pcmpeqb",  [STEP_CMPXCHG16B] = "cmpxchg16b",
  [STEP_XSAVES] = "xsaves", [STEP_LOOP] = "dec/jnz",
};

/* RDI: whether there is XSAVES; RSI: the scratch page; each step ends in "out". */
extern const unsigned char inn_probe_code[], inn_probe_code_end[];
__asm__(".pushsection .rodata\n"
        ".global inn_probe_code, inn_probe_code_end\n"
        ".hidden inn_probe_code, inn_probe_code_end\n"
        "inn_probe_code:\n"
        "	mov $1, %eax\n"
        "	out %al, $0x10\n"

        "	pcmpeqb %xmm0, %xmm0\n"
        "	movmskps %xmm0, %edx\n"
        "	cmp $15, %edx\n"
        "	jne 9f\n"
        "	mov $2, %eax\n"
        "	out %al, $0x10\n"

        "	xor %eax, %eax\n" /* expect 0:0, store 2:1 */
        "	xor %edx, %edx\n"
        "	mov $1, %ebx\n"
        "	mov $2, %ecx\n"
        "	lock cmpxchg16b (%rsi)\n"
        "	jnz 9f\n"
        "	cmpl $2, 8(%rsi)\n"
        "	jne 9f\n"
        "	mov $3, %eax\n"
        "	out %al, $0x10\n"

        "	test %edi, %edi\n"
        "	jz 1f\n"
        "	mov $3, %eax\n" /* x87 and SSE state */
        "	xor %edx, %edx\n"
        "	xsaves 0x40(%rsi)\n"
        "1:	mov $4, %eax\n"
        "	out %al, $0x10\n"

        "	mov $5, %r8d\n" /* one round of the loop per step, 5 to 8 */
        "2:	mov $25000, %ecx\n"
        "3:	dec %ecx\n"
        "	jnz 3b\n"
        "	mov %r8d, %eax\n"
        "	out %al, $0x10\n"
        "	inc %r8d\n"
        "	cmp $8, %r8d\n"
        "	jbe 2b\n"
        "9:	hlt\n" /* without interrupts: KVM_EXIT_HLT */
        "inn_probe_code_end:\n"
        ".popsection\n");

struct capability
{
  int number;
  const char *name;
};

/* What the VMM cannot do without. */
static const struct capability needed_capabilities[] = {
  { KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
  { KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
  { KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR" },
  { KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
  { KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
  { KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD" },
  { KVM_CAP_SIGNAL_MSI, "KVM_CAP_SIGNAL_MSI" },
  { KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
};

/* What the child tells the parent: plain numbers, for pointers mean nothing across the pipe. */
struct probe_report
{
  int outcome;
  int error_number;
  int missing_capability; /* index, or -1 */
  int last_step;
  uint64_t loop_ns;
};

struct probe
{
  int system_fd, vm_fd, vcpu_fd;
  uint8_t *memory;
  struct kvm_run *run;
  struct probe_report report;
};

static uint64_t
thread_time_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* From here to child_main() only async-signal-safe calls: the process was forked from one with
 * threads. Each step returns the outcome that ends the probe, or INN_KVM_PROBE_GOOD to go on. */

static int
check_capabilities (struct probe *probe)
{
  if (ioctl (probe->system_fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
    return INN_KVM_PROBE_OLD;

  for (size_t i = 0; i < G_N_ELEMENTS (needed_capabilities); i++)
    {
      if (ioctl (probe->system_fd, KVM_CHECK_EXTENSION, needed_capabilities[i].number) <= 0)
        {
          probe->report.missing_capability = (int)i;
          return INN_KVM_PROBE_OLD;
        }
    }

  return INN_KVM_PROBE_GOOD;
}

static void
put64 (struct probe *probe, size_t offset, uint64_t value)
{
  memcpy (probe->memory + offset, &value, sizeof (value));
}

static int
create_machine (struct probe *probe)
{
  struct kvm_userspace_memory_region region = { .memory_size = MEMORY_SIZE };
  const int run_size = ioctl (probe->system_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

  probe->vm_fd = ioctl (probe->system_fd, KVM_CREATE_VM, 0);
  probe->memory
      = mmap (NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe->vm_fd < 0 || probe->memory == MAP_FAILED)
    return INN_KVM_PROBE_NOT_CREATED;

  /* Where VMX without "unrestricted guest" keeps its own pages; the VMM uses the same place. */
  ioctl (probe->vm_fd, KVM_SET_TSS_ADDR, 0xfffbd000UL);
  region.userspace_addr = (uintptr_t)probe->memory;
  probe->vcpu_fd = ioctl (probe->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0
                       ? -1
                       : ioctl (probe->vm_fd, KVM_CREATE_VCPU, 0);
  if (probe->vcpu_fd < 0 || run_size < (int)sizeof (*probe->run))
    return INN_KVM_PROBE_NOT_CREATED;

  probe->run = mmap (NULL, (size_t)run_size, PROT_READ | PROT_WRITE, MAP_SHARED, probe->vcpu_fd, 0);
  return probe->run == MAP_FAILED ? INN_KVM_PROBE_NOT_CREATED : INN_KVM_PROBE_GOOD;
}

/* Gives the guest the processor that is there; *ret_xsaves: whether that has XSAVES. */
static int
set_cpuid (struct probe *probe, int *ret_xsaves)
{
  static _Alignas(struct kvm_cpuid2) uint8_t
      buffer[sizeof (struct kvm_cpuid2) + MAX_CPUID_ENTRIES * sizeof (struct kvm_cpuid_entry2)];
  struct kvm_cpuid2 *cpuid = (gpointer)buffer;

  cpuid->nent = MAX_CPUID_ENTRIES;
  if (ioctl (probe->system_fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0
      || ioctl (probe->vcpu_fd, KVM_SET_CPUID2, cpuid) < 0)
    return INN_KVM_PROBE_NOT_CREATED;

  *ret_xsaves = 0;
  for (uint32_t i = 0; i < cpuid->nent && i < MAX_CPUID_ENTRIES; i++)
    {
      /* Intel SDM volume 2, CPUID: leaf 0DH, subleaf 1, EAX bit 3 */
      if (cpuid->entries[i].function == 0xd && cpuid->entries[i].index == 1)
        *ret_xsaves = (cpuid->entries[i].eax >> 3) & 1;
    }

  return INN_KVM_PROBE_GOOD;
}

/* Straight into 64-bit mode with the first 2 MiB mapped one to one. */
static void
set_long_mode (struct kvm_sregs *sregs, int xsaves)
{
  const struct kvm_segment data
      = { .limit = 0xffffffff, .selector = 0x10, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1 };

  sregs->cs = data;
  sregs->cs.selector = 0x08;
  sregs->cs.type = 11;
  sregs->cs.db = 0;
  sregs->cs.l = 1;
  sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
  sregs->cr3 = PML4;
  sregs->cr4 = 0x620 | (xsaves ? 1 << 18 : 0); /* PAE, OSFXSR, OSXMMEXCPT; OSXSAVE */
  sregs->cr0 = 0x80010033;                     /* PG, WP, NE, ET, MP, PE */
  sregs->efer = 0x500;                         /* LME, LMA */
}

static int
set_state (struct probe *probe)
{
  struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs = { { .xcr = 0, .value = 3 } } };
  struct kvm_regs regs = { .rip = CODE, .rsp = STACK_TOP, .rsi = SCRATCH, .rflags = 2 };
  struct kvm_sregs sregs;
  int xsaves;
  int outcome = set_cpuid (probe, &xsaves);

  if (outcome != INN_KVM_PROBE_GOOD)
    return outcome;

  put64 (probe, PML4, PDPT | 3);
  put64 (probe, PDPT, PAGE_DIRECTORY | 3);
  put64 (probe, PAGE_DIRECTORY, 0x83); /* one page of 2 MiB */
  memcpy (probe->memory + CODE, inn_probe_code, (size_t)(inn_probe_code_end - inn_probe_code));

  if (ioctl (probe->vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
    return INN_KVM_PROBE_NOT_CREATED;
  set_long_mode (&sregs, xsaves);
  regs.rdi = (uint64_t)xsaves;
  if (ioctl (probe->vcpu_fd, KVM_SET_SREGS, &sregs) < 0
      || (xsaves && ioctl (probe->vcpu_fd, KVM_SET_XCRS, &xcrs) < 0)
      || ioctl (probe->vcpu_fd, KVM_SET_REGS, &regs) < 0)
    return INN_KVM_PROBE_NOT_CREATED;

  return INN_KVM_PROBE_GOOD;
}

/* The step number the guest has just written to the port. */
static int
take_step (const struct probe *probe)
{
  const struct kvm_run *run = probe->run;

  if (run->exit_reason != KVM_EXIT_IO || run->io.port != STEP_PORT || run->io.size != 1)
    return -1;

  return *((const uint8_t *)run + run->io.data_offset);
}

/* By the fastest round: the others may have been disturbed. */
static int
judge_speed (const struct probe *probe)
{
  return probe->report.loop_ns / (2 * LOOP_COUNT) > MAX_NS_PER_INSTRUCTION ? INN_KVM_PROBE_EMULATES
                                                                           : INN_KVM_PROBE_GOOD;
}

static void
note_loop_time (struct probe *probe, uint64_t loop_ns)
{
  if (probe->report.loop_ns == 0 || loop_ns < probe->report.loop_ns)
    probe->report.loop_ns = MAX (loop_ns, 1);
}

static int
judge_exit (const struct probe *probe)
{
  /* What the emulator does not know ends in one of these. */
  return probe->run->exit_reason == KVM_EXIT_INTERNAL_ERROR
                 || probe->run->exit_reason == KVM_EXIT_SHUTDOWN
             ? INN_KVM_PROBE_EMULATES
             : INN_KVM_PROBE_BROKEN;
}

static int
run_guest (struct probe *probe)
{
  uint64_t entered = 0;

  for (int i = 0; i < MAX_RUNS; i++)
    {
      if (ioctl (probe->vcpu_fd, KVM_RUN, 0) < 0)
        {
          if (errno == EINTR || errno == EAGAIN)
            continue;
          return INN_KVM_PROBE_BROKEN;
        }
      if (take_step (probe) != probe->report.last_step + 1)
        return judge_exit (probe);

      probe->report.last_step++;
      if (probe->report.last_step >= STEP_LOOP)
        note_loop_time (probe, thread_time_ns () - entered);
      if (probe->report.last_step == STEP_LAST_LOOP)
        return judge_speed (probe);
      entered = thread_time_ns ();
    }

  return INN_KVM_PROBE_BROKEN;
}

static void
probe_device (struct probe *probe, const char *path)
{
  int outcome = INN_KVM_PROBE_NOT_OPENED;

  probe->system_fd = open (path, O_RDWR | O_CLOEXEC);
  if (probe->system_fd >= 0)
    outcome = check_capabilities (probe);
  if (outcome == INN_KVM_PROBE_GOOD)
    outcome = create_machine (probe);
  if (outcome == INN_KVM_PROBE_GOOD)
    outcome = set_state (probe);
  if (outcome == INN_KVM_PROBE_NOT_OPENED || outcome == INN_KVM_PROBE_NOT_CREATED)
    probe->report.error_number = errno;
  if (outcome == INN_KVM_PROBE_GOOD)
    outcome = run_guest (probe);
  probe->report.outcome = outcome;
}

static void
child_main (const char *path, int report_fd)
{
  struct probe probe = { .report = { .missing_capability = -1 } };
  ssize_t written;

  probe_device (&probe, path);
  written = write (report_fd, &probe.report, sizeof (probe.report));
  _exit (written == (ssize_t)sizeof (probe.report) ? 0 : 1);
}

/* Waits for the child's report; FALSE when it did not come in time or was cut off. */
static gboolean
read_report (int fd, guint timeout_ms, struct probe_report *report)
{
  const gint64 deadline = g_get_monotonic_time () + (gint64)timeout_ms * 1000;
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
  int r;

  do
    r = poll (&poll_fd, 1, (int)MAX (0, (deadline - g_get_monotonic_time ()) / 1000));
  while (r < 0 && errno == EINTR);

  return r == 1 && read (fd, report, sizeof (*report)) == (ssize_t)sizeof (*report);
}

static void
translate_report (const struct probe_report *report, InnKvmProbe *ret_probe)
{
  *ret_probe = (InnKvmProbe){
    .outcome = (InnKvmProbeOutcome)report->outcome,
    .error_number = report->error_number,
    .loop_ns = report->loop_ns,
    .loop_instructions = 2 * LOOP_COUNT,
  };
  if (report->missing_capability >= 0)
    ret_probe->missing_capability = needed_capabilities[report->missing_capability].name;
  if (report->outcome == INN_KVM_PROBE_EMULATES || report->outcome == INN_KVM_PROBE_BROKEN)
    ret_probe->failed_step
        = step_names[report->loop_ns > 0 ? STEP_LOOP : MIN (report->last_step + 1, STEP_LOOP)];
}

void
inn_kvm_probe_run (const char *path, guint timeout_ms, InnKvmProbe *ret_probe)
{
  struct probe_report report = { .outcome = INN_KVM_PROBE_HUNG, .missing_capability = -1 };
  int pipe_fds[2];
  pid_t child;

  if (pipe2 (pipe_fds, O_CLOEXEC) < 0)
    {
      *ret_probe = (InnKvmProbe){ .outcome = INN_KVM_PROBE_NOT_CREATED, .error_number = errno };
      return;
    }

  child = fork ();
  if (child == 0)
    child_main (path, pipe_fds[1]);

  fd_close (&pipe_fds[1]);
  if (child < 0)
    report = (struct probe_report){ INN_KVM_PROBE_NOT_CREATED, errno, -1, 0, 0 };
  else if (!read_report (pipe_fds[0], timeout_ms, &report))
    report = (struct probe_report){ INN_KVM_PROBE_HUNG, 0, -1, 0, 0 };
  fd_close (&pipe_fds[0]);

  if (child > 0)
    {
      kill (child, SIGKILL);
      while (waitpid (child, NULL, 0) < 0 && errno == EINTR)
        ;
    }
  translate_report (&report, ret_probe);
}

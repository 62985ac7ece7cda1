/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "block/block-backend.h"
#include "bus/address-space.h"
#include "bus/interrupt.h"
#include "bus/ioeventfd.h"
#include "bus/memory-slot.h"
#include "bus/posted-writes.h"
#include "control/control-server.h"
#include "control/statistics-page.h"
#include "cpu/cpuid.h"
#include "cpu/hyperv.h"
#include "cpu/vcpu-state.h"
#include "devices/serial-line.h"
#include "devices/vmgenid.h"
#include "display/screen.h"
#include "loop/event-loop.h"
#include "machine/host-files.h"
#include "machine/machine-clone.h"
#include "machine/machine-drives.h"
#include "machine/machine-input.h"
#include "machine/machine-display.h"
#include "machine/machine-firmware.h"
#include "machine/machine-reset.h"
#include "machine/machine-restore.h"
#include "machine/machine-run-state.h"
#include "machine/machine-snapshot.h"
#include "machine/machine-state.h"
#include "machine/statistics-sampler.h"
#include "memory/guest-memory.h"
#include "memory/memory-layout.h"
#include "memory/memory-slots.h"
#include "pci/pci-host-bridge.h"
#include "protocol/exit-status.h"
#include "sandbox/seccomp.h"

enum {
	PORT_COUNT = 0x10000,
	DEVFN_SHIFT = 3,
};

/* Who is where on bus 0. Guests remember their devices by that, so it stays as it is. */
enum pci_slot {
	SLOT_HOST_BRIDGE = 0,
	SLOT_DISPLAY = 1,
	SLOT_RNG = 2,
	SLOT_BALLOON = 3,
	SLOT_CONSOLE = 4,
	SLOT_VSOCK = 5,
	SLOT_KEYBOARD = 6,
	SLOT_TABLET = 7,
	SLOT_FIRST_NIC = 8,
	SLOT_FIRST_DISK = 16,
	SLOT_LPC = 31,
};
static_assert((int)SLOT_FIRST_NIC + MACHINE_MAX_NICS <= (int)SLOT_FIRST_DISK,
	      "every network card has a slot");
static_assert((int)SLOT_FIRST_DISK + (int)MACHINE_MAX_VIRTIO_DISKS <= (int)SLOT_LPC,
	      "every disk has a slot");
static_assert((int)MACHINE_MAX_DISKS + (int)MACHINE_MAX_CDROMS <= (int)STATISTICS_MAX_DISKS &&
		      (int)MACHINE_MAX_VCPUS <= (int)STATISTICS_MAX_VCPUS,
	      "every part has its line in the statistics page");

/* One sentence for what has no better one where it happened. */
static int report(int r, const char *what)
{
	if (r < 0)
		log_error("%s could not be set up: %s.", what, strerror(-r));
	return r;
}

static void on_signal(void *data, uint32_t events)
{
	struct machine *machine = data;
	struct signalfd_siginfo info;

	if (read(machine->signal_fd, &info, sizeof(info)) == sizeof(info))
		machine_force_off(machine);
}

/* Before any thread is made, so that no other thread takes the signals. */
static int create_signals(struct machine *machine)
{
	sigset_t blocked, signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	/* a client that is gone is an error of write(), not the end of the machine */
	blocked = signals;
	sigaddset(&blocked, SIGPIPE);
	if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0)
		return -errno;
	machine->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (machine->signal_fd < 0)
		return -errno;
	return event_loop_add(machine->loop, machine->signal_fd, EPOLLIN, on_signal, machine,
			      &machine->signal_source);
}

static int create_loop(struct machine *machine)
{
	int r = event_loop_create(&machine->loop);

	if (r < 0)
		return r;
	machine_requests_init(&machine->requests, machine->loop);
	event_loop_set_wake_handler(machine->loop, machine_serve_requests, machine);
	return create_signals(machine);
}

static int create_statistics(struct machine *machine)
{
	const struct machine_config *config = machine->config;
	int r = statistics_page_create(
		(uint32_t)config->cpus, config->disk_count + config->cdrom_count,
		config->net.nic_count, &machine->statistics, &machine->statistics_fd);

	if (r == 0)
		r = host_file_open(&config->end_record, O_WRONLY | O_CREAT | O_TRUNC,
				   &machine->end_record_fd);
	if (r < 0)
		return r;
	machine->statistics->memory.guest_bytes = config->memory;
	return statistics_sampler_create(machine, &machine->sampler);
}

static int report_kvm(int r)
{
	switch (r) {
	case 0:
		break;
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		log_error("This computer has no KVM (/dev/kvm). Turn virtualization on in its "
			  "firmware set-up and load the kernel module kvm_intel or kvm_amd.");
		break;
	case -EACCES:
	case -EPERM:
		log_error("You may not use KVM (/dev/kvm). Add your user to the group kvm and log "
			  "in again.");
		break;
	case -EPROTO:
		log_error("The KVM of this computer is too old; Linux 4.12 or newer is needed.");
		break;
	default:
		log_error("KVM could not be started: %s.", strerror(-r));
	}
	return r;
}

static int check_host(const struct machine *machine)
{
	char text[MACHINE_TEXT_SIZE];
	struct sysinfo host;

	if (sysinfo(&host) < 0)
		return report(-errno, "The machine's memory");
	if (machine_config_fits_host(machine->config, (uint64_t)host.totalram * host.mem_unit,
				     machine->vm.max_vcpus, text))
		return 0;
	log_error("%s", text);
	return -EINVAL;
}

static int create_vm(struct machine *machine)
{
	int r = report_kvm(machine->origin ? kvm_vm_adopt(&machine->vm, machine->origin->system_fd)
					   : kvm_vm_open(&machine->vm));

	if (r == 0)
		r = check_host(machine);
	return r == 0 ? report_kvm(kvm_vm_create(&machine->vm)) : r;
}

static int create_memory(struct machine *machine)
{
	int r = machine_is_restored(machine)
			? machine_restore_memory(machine)
			: guest_memory_create(machine->config->memory, &machine->memory);

	return r == 0 ? memory_slots_install(machine->vm.vm_fd, machine->memory) : r;
}

static int create_buses(struct machine *machine)
{
	int r = address_space_create(PORT_COUNT, &machine->ports);

	if (r == 0)
		r = address_space_create(/* the whole 64-bit space */ 0, &machine->mmio);
	if (r == 0)
		r = interrupt_kvm_create(machine->vm.vm_fd, &machine->interrupts);
	if (r == 0)
		r = ioeventfd_kvm_create(machine->vm.vm_fd, &machine->ioeventfds);
	if (r == 0)
		r = memory_slot_kvm_create(machine->vm.vm_fd, &machine->slots);
	return r == 0 ? posted_writes_create(machine->vm.vm_fd, machine->ports, &machine->posted)
		      : r;
}

static void on_power_off(void *data)
{
	struct machine *machine = data;

	machine_requests_note(&machine->requests, REQUEST_POWER_OFF, 0, NULL);
}

static void on_reset(void *data)
{
	struct machine *machine = data;

	machine_requests_note(&machine->requests, REQUEST_RESET, 0, NULL);
}

static void on_panicked(void *data)
{
	struct machine *machine = data;

	machine_requests_note(&machine->requests, REQUEST_PANIC, 0, NULL);
}

static void on_debug_exit(void *data, int exit_status)
{
	struct machine *machine = data;

	machine_requests_note(&machine->requests, REQUEST_DEBUG_EXIT, exit_status, NULL);
}

static int attach_serial_file(struct machine *machine)
{
	int fd, r = host_file_open(&machine->config->serial_file, O_WRONLY | O_CREAT | O_TRUNC,
				   &fd);

	if (r < 0)
		return r;
	r = serial_line_attach_file(machine->serial_line, fd);
	if (r < 0)
		fd_close(&fd);
	return r;
}

static int attach_serial_pty(struct machine *machine)
{
	char name[SERIAL_LINE_NAME_SIZE];
	int r = serial_line_attach_pty(machine->serial_line, name);

	if (r == 0)
		log_error("The serial port is at %s.", name);
	return r;
}

static int attach_serial(struct machine *machine)
{
	switch (machine->config->serial) {
	case SERIAL_STDIO:
		return serial_line_attach_stdio(machine->serial_line, machine_force_off, machine);
	case SERIAL_FILE:
		return attach_serial_file(machine);
	case SERIAL_PTY:
		return attach_serial_pty(machine);
	case SERIAL_NONE:
		break;
	}
	return 0;
}

static int create_serial(struct machine *machine)
{
	struct serial_sink sink;
	int r = serial_line_create(machine->loop, &machine->serial_line);

	if (r < 0)
		return r;
	sink = serial_line_sink(machine->serial_line);
	r = serial_16550_create(machine->ports, machine->interrupts, SERIAL_COM1_PORT,
				SERIAL_COM1_GSI, &sink, &machine->serial);
	if (r < 0)
		return r;
	serial_line_set_port(machine->serial_line, machine->serial);
	return attach_serial(machine);
}

static int create_rtc(struct machine *machine)
{
	struct guest_memory_region regions[GUEST_MEMORY_MAX_REGIONS];
	size_t count = guest_memory_regions(machine->memory, regions);

	return cmos_rtc_create(machine->ports, regions[0].size, count > 1 ? regions[1].size : 0,
			       (unsigned int)machine->config->cpus, &machine->rtc);
}

/* Without one that is given nobody knows what was seen of the machine before: as if all were. */
static int create_generation(struct machine *machine)
{
	static const uint8_t none[VMGENID_SIZE];
	uint8_t uuid[VMGENID_SIZE];

	memcpy(uuid, machine->config->generation, sizeof(uuid));
	if (memcmp(uuid, none, sizeof(none)) == 0 &&
	    getrandom(uuid, sizeof(uuid), 0) != (ssize_t)sizeof(uuid))
		return -errno;
	return vmgenid_create(machine->memory, machine->pm,
			      machine->config->firmware == FIRMWARE_NONE ? LAYOUT_GENERATION_ID : 0,
			      uuid, &machine->vmgenid);
}

/* Devices of the board, in the order of their ports. */
static int create_board(struct machine *machine)
{
	const struct system_requests requests = {
		.power_off = on_power_off,
		.reset = on_reset,
		.panicked = on_panicked,
		.debug_exit = on_debug_exit,
		.machine = machine,
	};
	struct address_space *ports = machine->ports;
	int r = i8042_create(ports, machine->interrupts, &requests, &machine->i8042);

	if (r == 0 && machine->config->firmware != FIRMWARE_NONE)
		r = machine_create_ps2_input(machine);
	if (r == 0)
		r = create_rtc(machine);
	if (r == 0)
		r = fast_reset_create(ports, &requests, &machine->fast_reset);
	if (r == 0 && machine->config->debug_exit)
		r = debug_exit_create(ports, &requests, &machine->debug_exit);
	if (r == 0)
		r = create_serial(machine);
	if (r == 0)
		r = pvpanic_create(ports, &requests, &machine->pvpanic);
	if (r == 0)
		r = acpi_pm_create(ports, machine->interrupts, &requests, &machine->pm);
	return r == 0 ? create_generation(machine) : r;
}

static int create_bridge(struct machine *machine)
{
	int r = pci_host_bridge_create(machine->ports, machine->mmio, machine->interrupts,
				       &machine->bridge);

	if (r == 0)
		pci_host_bridge_set_reset_handler(machine->bridge, on_reset, machine);
	return r;
}

static int create_balloon(struct machine *machine, const struct virtio_host *host)
{
	if (!machine->config->balloon)
		return 0;
	return report(virtio_balloon_create(host, SLOT_BALLOON << DEVFN_SHIFT, machine->statistics,
					    &machine->balloon),
		      "The memory balloon");
}

static int create_console(struct machine *machine, const struct virtio_host *host)
{
	const struct machine_config *config = machine->config;

	if (config->console_port_count == 0)
		return 0;
	return report(virtio_console_create(host, SLOT_CONSOLE << DEVFN_SHIFT,
					    config->console_ports, config->console_port_count,
					    &machine->console),
		      "The console ports");
}

static int create_vsock(struct machine *machine, const struct virtio_host *host)
{
	const struct machine_config *config = machine->config;
	int fd, r;

	if (config->vsock_cid == 0)
		return 0;
	r = host_file_listen(&config->vsock_socket, SOCK_STREAM, &fd);
	if (r < 0)
		return r;
	return report(virtio_vsock_create(host, SLOT_VSOCK << DEVFN_SHIFT,
					  (uint32_t)config->vsock_cid, fd, &machine->vsock),
		      "The vsock device");
}

struct virtio_host machine_virtio_host(const struct machine *machine)
{
	return (struct virtio_host){
		.bridge = machine->bridge,
		.memory = machine->memory,
		.interrupts = machine->interrupts,
		.ioeventfds = machine->ioeventfds,
		.loop = machine->loop,
	};
}

static int create_virtio(struct machine *machine)
{
	const struct virtio_host host = machine_virtio_host(machine);
	int r = report(virtio_rng_create(&host, SLOT_RNG << DEVFN_SHIFT, &machine->rng),
		       "The random number generator");

	if (r == 0)
		r = create_balloon(machine, &host);
	if (r == 0)
		r = create_console(machine, &host);
	if (r == 0)
		r = create_vsock(machine, &host);
	if (r == 0)
		r = machine_create_drives(machine, SLOT_FIRST_DISK);
	return r == 0 ? machine_net_create(machine, &host, SLOT_FIRST_NIC) : r;
}

static void on_vcpu_stopped(void *data, enum vcpu_stop stop, int error, const char *text)
{
	static const enum machine_request requests[] = {
		[VCPU_STOP_RESET] = REQUEST_RESET,
		[VCPU_STOP_TRIPLE_FAULT] = REQUEST_TRIPLE_FAULT,
		[VCPU_STOP_CRASH] = REQUEST_CRASH,
		[VCPU_STOP_HOST_ERROR] = REQUEST_HOST_ERROR,
	};
	struct machine *machine = data;

	machine_requests_note(&machine->requests, requests[stop], error, text);
}

static int confine(const struct machine *machine, enum sandbox_thread thread)
{
	bool log_only = machine->config->sandbox == SANDBOX_LOG;

	return machine->config->sandbox == SANDBOX_OFF ? 0 : sandbox_apply(thread, log_only);
}

/* Runs on the thread of a vCPU. */
static int confine_vcpu(void *data)
{
	struct machine *machine = data;

	return confine(machine, SANDBOX_VCPU_THREAD);
}

static int confine_read_ahead(void *data)
{
	struct machine *machine = data;

	return confine(machine, SANDBOX_READ_AHEAD_THREAD);
}

/* The interface of Microsoft's hypervisor, for every vCPU. False: this KVM does not have it. */
static bool offer_hyperv(struct machine *machine, struct cpuid_table *table)
{
	struct cpuid_table *offered = malloc(sizeof(*offered));
	bool added = offered && hyperv_read_supported(vcpu_fd(machine->vcpus[0]), offered) == 0 &&
		     hyperv_enable(vcpu_fd(machine->vcpus[0])) == 0 && hyperv_add(table, offered);

	for (uint64_t i = 1; added && i < machine->config->cpus; i++)
		added = hyperv_enable(vcpu_fd(machine->vcpus[i])) == 0;
	free(offered);
	return added;
}

static int add_hyperv(struct machine *machine, struct cpuid_table *table)
{
	if (machine->config->hyperv == HYPERV_OFF || offer_hyperv(machine, table) ||
	    machine->config->hyperv == HYPERV_AUTO)
		return 0;
	log_error(
		"The KVM of this computer does not offer the Hyper-V interface; leave --hyperv on "
		"out, or use --hyperv auto.");
	return -EOPNOTSUPP;
}

/* What CPUID says, on each vCPU. */
static int set_cpuid(struct machine *machine)
{
	struct cpuid_table *table = malloc(sizeof(*table));
	int r = table ? cpuid_read_supported(machine->vm.system_fd, table) : -ENOMEM;

	if (r == 0)
		cpuid_filter(table, (uint32_t)machine->config->cpus);
	if (r == 0)
		machine->physical_bits = cpuid_physical_bits(table);
	if (r == 0)
		r = add_hyperv(machine, table);
	for (uint64_t i = 0; r == 0 && i < machine->config->cpus; i++) {
		cpuid_set_vcpu(table, (uint32_t)i);
		r = vcpu_set_cpuid(machine->vcpus[i], table);
	}
	if (table)
		cpuid_set_vcpu(table, 0);
	machine->cpuid = table;
	return r;
}

static int create_vcpus(struct machine *machine)
{
	int r = vcpu_install_kick_signal();

	machine->vcpu_host = (struct vcpu_host){
		.vm = &machine->vm,
		.bus = {machine->ports, machine->mmio, machine->loop, machine->posted},
		.confine = confine_vcpu,
		.stopped = on_vcpu_stopped,
		.data = machine,
	};
	for (uint64_t i = 0; r == 0 && i < machine->config->cpus; i++)
		r = vcpu_create(&machine->vcpu_host, (unsigned int)i,
				&machine->statistics->vcpus[i], &machine->vcpus[i]);
	if (r == 0)
		posted_writes_set_area(machine->posted, vcpu_run_area(machine->vcpus[0]),
				       machine->vm.run_size);
	if (r == 0)
		r = set_cpuid(machine);
	if (r == 0)
		r = vcpu_power_on_read(machine->vm.system_fd, machine->vcpus[0],
				       &machine->power_on);
	return r == 0 ? machine_state_prepare(machine) : r;
}

static void on_screen_changed(void *data)
{
	struct machine *machine = data;

	control_server_announce_screen(machine->control);
}

static int create_control(struct machine *machine)
{
	int fd, r = host_file_listen(&machine->config->control, SOCK_SEQPACKET, &fd);

	if (r < 0 || fd < 0)
		return r;
	r = control_server_create(machine->loop, fd, machine->statistics_fd,
				  &machine_control_operations, machine, &machine->control);
	if (r == 0 && machine->screen)
		screen_set_listener(machine->screen, on_screen_changed, machine);
	return report(r, "The control channel");
}

static int open_boot_files(struct machine *machine)
{
	const struct machine_config *config = machine->config;
	int r = host_file_open(&config->kernel, O_RDONLY, &machine->boot.kernel_fd);

	machine->boot.cmdline = config->cmdline;
	return r == 0 ? host_file_open(&config->initrd, O_RDONLY, &machine->boot.initrd_fd) : r;
}

/* The parts, from the ground up. */
static int create_parts(struct machine *machine)
{
	int r = report(create_loop(machine), "The event loop");

	if (r == 0)
		r = open_boot_files(machine);
	if (r == 0)
		r = machine_restore_open(machine);
	if (r == 0)
		r = create_vm(machine);
	if (r == 0)
		r = report(create_statistics(machine), "The statistics page");
	if (r == 0)
		r = report(create_memory(machine), "The machine's memory");
	if (r == 0)
		r = report(create_buses(machine), "The machine's buses");
	if (r == 0)
		r = report(create_board(machine), "The machine's board");
	if (r == 0)
		r = report(create_bridge(machine), "The PCI bridge");
	if (r == 0)
		r = machine_create_display(machine, SLOT_DISPLAY << DEVFN_SHIFT);
	if (r == 0)
		r = machine_create_input(machine, SLOT_KEYBOARD << DEVFN_SHIFT,
					 SLOT_TABLET << DEVFN_SHIFT);
	if (r == 0)
		r = create_virtio(machine);
	if (r == 0)
		r = report(create_vcpus(machine), "The vCPUs");
	if (r == 0)
		r = report(machine_snapshot_prepare(machine), "Snapshots");
	if (r == 0)
		r = report(machine_clones_prepare(machine), "Clones");
	if (r == 0)
		r = machine_create_firmware(machine);
	if (r == 0)
		r = machine_is_restored(machine) ? machine_restore_parts(machine)
						 : machine_load_guest(machine);
	machine->goes_on = machine_is_restored(machine);
	return r == 0 ? create_control(machine) : r;
}

int machine_create_from(const struct machine_config *config, const struct machine_origin *origin,
			struct machine **ret_machine)
{
	struct machine *machine = calloc(1, sizeof(*machine));
	int r;

	if (!machine)
		return report(-ENOMEM, "The machine");
	machine->begun_ns = origin ? origin->begun_ns : event_loop_now();
	machine->is_confined = origin && origin->is_confined;
	machine->config = config;
	machine->origin = origin;
	machine->signal_fd = machine->statistics_fd = machine->end_record_fd = -1;
	machine->saved_fd = -1;
	machine->vm.system_fd = machine->vm.vm_fd = -1;
	machine->boot.kernel_fd = machine->boot.initrd_fd = -1;
	machine->firmware_fd = machine->variables_fd = -1;
	machine_roms_init(machine, origin ? origin->roms : NULL);
	r = create_parts(machine);
	if (r < 0) {
		machine_destroy(machine);
		return r;
	}
	machine->origin = NULL;
	*ret_machine = machine;
	return 0;
}

int machine_create(const struct machine_config *config, struct machine **ret_machine)
{
	return machine_create_from(config, /* origin= */ NULL, ret_machine);
}

static void destroy_board(struct machine *machine)
{
	vmgenid_destroy(machine->vmgenid);
	acpi_pm_destroy(machine->pm);
	pvpanic_destroy(machine->pvpanic);
	serial_line_destroy(machine->serial_line);
	serial_16550_destroy(machine->serial);
	debug_exit_destroy(machine->debug_exit);
	fast_reset_destroy(machine->fast_reset);
	cmos_rtc_destroy(machine->rtc);
	i8042_destroy(machine->i8042);
	machine_destroy_ps2_input(machine);
}

void machine_destroy(struct machine *machine)
{
	if (!machine)
		return;
	machine_restore_close(machine);
	control_server_destroy(machine->control);
	for (unsigned int i = 0; i < MACHINE_MAX_VCPUS; i++)
		vcpu_destroy(machine->vcpus[i]);
	machine_clones_finish(machine);
	machine_snapshot_finish(machine);
	machine_state_finish(machine);
	vcpu_power_on_destroy(machine->power_on);
	machine_destroy_drives(machine);
	machine_net_destroy(machine);
	virtio_device_destroy(machine->vsock);
	virtio_device_destroy(machine->console);
	virtio_device_destroy(machine->balloon);
	virtio_device_destroy(machine->rng);
	machine_destroy_input(machine);
	machine_destroy_display(machine);
	pci_host_bridge_destroy(machine->bridge);
	machine_destroy_firmware(machine);
	machine_roms_finish(machine);
	destroy_board(machine);
	posted_writes_destroy(machine->posted);
	memory_slot_kvm_destroy(machine->slots);
	ioeventfd_kvm_destroy(machine->ioeventfds);
	interrupt_kvm_destroy(machine->interrupts);
	address_space_destroy(machine->mmio);
	address_space_destroy(machine->ports);
	statistics_sampler_destroy(machine->sampler);
	kvm_vm_finish(&machine->vm);
	guest_memory_destroy(machine->memory);
	event_loop_destroy(machine->loop);
	fd_close(&machine->signal_fd);
	fd_close(&machine->end_record_fd);
	fd_close(&machine->boot.kernel_fd);
	fd_close(&machine->boot.initrd_fd);
	free(machine);
}

/*
 * The other threads confine themselves when they start, those of the vCPUs still parked; the main
 * thread last, since it then can make no more threads but those of a copy of this process. In such
 * a copy it is confined already.
 */
static int start_confined(struct machine *machine)
{
	bool was_confined = machine->is_confined;
	int r = was_confined ? 0 : sandbox_prepare();

	for (uint64_t i = 0; r == 0 && i < machine->config->cpus; i++)
		r = vcpu_start_thread(machine->vcpus[i]);
	if (r == 0)
		machine_restore_read_ahead(machine, confine_read_ahead);
	if (r == 0 && !was_confined)
		r = confine(machine, SANDBOX_MAIN_THREAD);
	machine->is_confined = was_confined || machine->config->sandbox != SANDBOX_OFF;
	return r;
}

int machine_begin(struct machine *machine)
{
	int r;

	statistics_sampler_start(machine->sampler);
	r = report(start_confined(machine), "The sandbox");
	if (r < 0)
		return r;
	event_loop_lock(machine->loop);
	machine_start(machine);
	event_loop_unlock(machine->loop);
	return 0;
}

int machine_run(struct machine *machine)
{
	return machine_begin(machine) < 0 ? EXIT_STATUS_HOST_ERROR : event_loop_run(machine->loop);
}

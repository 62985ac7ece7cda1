/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-config.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked-arithmetic.h"
#include "devices/vga/vga-pci.h"
#include "display/edid.h"
#include "virtio/virtio-devices.h"

#define MEBIBYTE        (1ULL << 20)
#define MEMORY_STEP     (2 * MEBIBYTE)
#define DEFAULT_MEMORY  (512 * MEBIBYTE)
#define MAXIMUM_MEMORY  (1ULL << 46)
#define DEFAULT_WIDTH   1280
#define DEFAULT_HEIGHT  800
#define FIRST_GUEST_CID 3 /* those below are the host's and reserved */
#define DEFAULT_CMDLINE "console=ttyS0"

const char machine_config_usage[] =
	"Usage: innkeeper-vmm --kernel FILE [OPTION]...\n"
	"Runs one virtual machine with KVM until it powers off.\n"
	"\n"
	"  --name NAME            what the machine is called\n"
	"  --uuid UUID            the machine's identity, as its system reads it\n"
	"  --vmgenid UUID         another one when it goes on from an earlier state or a\n"
	"                         copy (a new one each time)\n"
	"  --memory SIZE          K, M or G; M without a letter (512M)\n"
	"  --cpus N               number of vCPUs (1)\n"
	"  --firmware bios|uefi|none\n"
	"                         what starts the guest; none: its kernel, directly (none)\n"
	"  --firmware-image FILE  instead of the firmware installed on this computer\n"
	"  --variables FILE       where UEFI keeps its settings (forgotten at the end without it)\n"
	"  --boot NAME[,NAME]...  what firmware starts from, best first: disk0, cdrom0, net0...\n"
	"  --boot-menu on|off     whether it waits for a key to choose (off)\n"
	"  --kernel FILE          Linux kernel (bzImage)\n"
	"  --initrd FILE          its initial RAM disk\n"
	"  --cmdline TEXT         its command line (console=ttyS0)\n"
	"  --disk FILE[,format=raw|qcow2][,readonly=on|off][,serial=TEXT][,bus=virtio|ahci]\n"
	"       [,backing=FILE[,backing-format=raw|qcow2]]...\n"
	"                         a disk (raw); what it builds on, from the top down, when it is not\n"
	"                         to be what the images say\n"
	"  --cdrom FILE|none      a CD-ROM drive with this image in it, or empty\n"
	"  --display WIDTHxHEIGHT[,model=virtio|vga]|none\n"
	"                         the screen (1280x800, virtio; none without firmware)\n"
	"  --net none|user|tap=INTERFACE|fd=N\n"
	"       [,forward=tcp|udp:PORT:PORT][,mac=ADDRESS][,link=up|down]\n"
	"                         a network card (none); user: through passt, with ports of this\n"
	"                         computer forwarded to ports of the machine\n"
	"  --balloon on|off       whether memory can be taken back from the guest (off)\n"
	"  --console-port NAME    a port that a program in the guest and a client share, such as\n"
	"                         org.qemu.guest_agent.0; hvc0: the guest's first virtio console\n"
	"  --vsock CID[,socket=SOCKET]\n"
	"                         the guest's vsock address, 3 or more, and where programs of this\n"
	"                         computer connect: they say \"CONNECT PORT\" or \"LISTEN PORT\"\n"
	"  --hyperv on|off|auto   interfaces that Windows is faster with; auto: if this KVM has\n"
	"                         them (off)\n"
	"  --serial stdio|file=FILE|pty|none\n"
	"                         where the serial port is connected (none); with stdio on a\n"
	"                         terminal, Ctrl+A x ends the machine\n"
	"  --no-reboot            end with status 3 instead of a reset\n"
	"  --debug-exit           writing V to port 0xF4 ends with status (V << 1) | 1\n"
	"  --control SOCKET       listen for clients there\n"
	"  --end-record FILE      write there how the run ended, for who asks later\n"
	"  --restore FILE         go on where a machine like this was saved\n"
	"  --sandbox on|log|off   log: only report what would be denied (on)\n"
	"  --help, --version\n"
	"\n"
	"FILE and SOCKET can also be fd=N, an inherited descriptor.\n"
	"\n"
	"Exit status: 0 powered off, 1 an error of this computer, 2 wrong usage, 3 a reset with\n"
	"--no-reboot, 4 the machine crashed.\n";

enum option_value {
	OPTION_NAME = 1,
	OPTION_UUID,
	OPTION_VMGENID,
	OPTION_MEMORY,
	OPTION_CPUS,
	OPTION_FIRMWARE,
	OPTION_FIRMWARE_IMAGE,
	OPTION_VARIABLES,
	OPTION_BOOT,
	OPTION_BOOT_MENU,
	OPTION_KERNEL,
	OPTION_INITRD,
	OPTION_CMDLINE,
	OPTION_DISK,
	OPTION_CDROM,
	OPTION_DISPLAY,
	OPTION_NET,
	OPTION_BALLOON,
	OPTION_CONSOLE_PORT,
	OPTION_VSOCK,
	OPTION_HYPERV,
	OPTION_SERIAL,
	OPTION_NO_REBOOT,
	OPTION_DEBUG_EXIT,
	OPTION_CONTROL,
	OPTION_END_RECORD,
	OPTION_RESTORE,
	OPTION_SANDBOX,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct option options[] = {
	{"name", required_argument, NULL, OPTION_NAME},
	{"uuid", required_argument, NULL, OPTION_UUID},
	{"vmgenid", required_argument, NULL, OPTION_VMGENID},
	{"memory", required_argument, NULL, OPTION_MEMORY},
	{"cpus", required_argument, NULL, OPTION_CPUS},
	{"firmware", required_argument, NULL, OPTION_FIRMWARE},
	{"firmware-image", required_argument, NULL, OPTION_FIRMWARE_IMAGE},
	{"variables", required_argument, NULL, OPTION_VARIABLES},
	{"boot", required_argument, NULL, OPTION_BOOT},
	{"boot-menu", required_argument, NULL, OPTION_BOOT_MENU},
	{"kernel", required_argument, NULL, OPTION_KERNEL},
	{"initrd", required_argument, NULL, OPTION_INITRD},
	{"cmdline", required_argument, NULL, OPTION_CMDLINE},
	{"disk", required_argument, NULL, OPTION_DISK},
	{"cdrom", required_argument, NULL, OPTION_CDROM},
	{"display", required_argument, NULL, OPTION_DISPLAY},
	{"net", required_argument, NULL, OPTION_NET},
	{"balloon", required_argument, NULL, OPTION_BALLOON},
	{"console-port", required_argument, NULL, OPTION_CONSOLE_PORT},
	{"vsock", required_argument, NULL, OPTION_VSOCK},
	{"hyperv", required_argument, NULL, OPTION_HYPERV},
	{"serial", required_argument, NULL, OPTION_SERIAL},
	{"no-reboot", no_argument, NULL, OPTION_NO_REBOOT},
	{"debug-exit", no_argument, NULL, OPTION_DEBUG_EXIT},
	{"control", required_argument, NULL, OPTION_CONTROL},
	{"end-record", required_argument, NULL, OPTION_END_RECORD},
	{"restore", required_argument, NULL, OPTION_RESTORE},
	{"sandbox", required_argument, NULL, OPTION_SANDBOX},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL, 0, NULL, 0},
};

__attribute__((format(printf, 2, 3))) static bool refuse(char text[MACHINE_TEXT_SIZE],
							 const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, MACHINE_TEXT_SIZE, format, arguments);
	va_end(arguments);
	return false;
}

/* A decimal number and where it ends. */
static bool parse_number(const char *string, uint64_t *ret_number, const char **ret_end)
{
	unsigned long long number;
	char *end;

	if (string[0] < '0' || string[0] > '9')
		return false;
	errno = 0;
	number = strtoull(string, &end, 10);
	if (errno != 0)
		return false;
	*ret_number = number;
	*ret_end = end;
	return true;
}

static bool parse_unit(const char *letter, uint64_t *ret_unit)
{
	if (letter[0] != '\0' && letter[1] != '\0')
		return false;
	switch (letter[0]) {
	case 'k':
	case 'K':
		*ret_unit = 1ULL << 10;
		return true;
	case '\0':
	case 'm':
	case 'M':
		*ret_unit = 1ULL << 20;
		return true;
	case 'g':
	case 'G':
		*ret_unit = 1ULL << 30;
		return true;
	default:
		return false;
	}
}

static bool parse_memory(const char *string, uint64_t *ret_bytes, char text[MACHINE_TEXT_SIZE])
{
	uint64_t number, unit, bytes;
	const char *letter;

	if (!parse_number(string, &number, &letter) || !parse_unit(letter, &unit))
		return refuse(text, "\"%s\" is not a memory size; use one like 512M or 4G.",
			      string);
	if (!checked_multiply(number, unit, &bytes) || bytes > MAXIMUM_MEMORY)
		return refuse(text, "A machine cannot have %s of memory; it is too much.", string);
	if (bytes == 0)
		return refuse(text, "A machine needs memory; 0 is not enough.");
	if (bytes % MEMORY_STEP != 0)
		return refuse(text, "The memory size has to be a multiple of 2 MiB; %s is not.",
			      string);
	*ret_bytes = bytes;
	return true;
}

static bool parse_cpus(const char *string, uint64_t *ret_cpus, char text[MACHINE_TEXT_SIZE])
{
	const char *end;
	uint64_t cpus;

	if (!parse_number(string, &cpus, &end) || *end != '\0')
		return refuse(text, "\"%s\" is not a number of vCPUs.", string);
	if (cpus == 0)
		return refuse(text, "A machine needs at least one vCPU.");
	if (cpus > MACHINE_MAX_VCPUS)
		return refuse(text, "A machine can have %d vCPUs at most; %s is too many.",
			      MACHINE_MAX_VCPUS, string);
	*ret_cpus = cpus;
	return true;
}

/* 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12. */
static bool parse_uuid(const char *string, uint8_t uuid[16], char text[MACHINE_TEXT_SIZE])
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	unsigned int digits = 0;

	memset(uuid, 0, 16);
	for (size_t i = 0; i < sizeof(form); i++) {
		static const char hexadecimal[] = "0123456789abcdef";
		const char *digit = strchr(hexadecimal, tolower((unsigned char)string[i]));

		if (form[i] != 'x' ? string[i] != form[i] : string[i] == '\0' || !digit)
			return refuse(text, "\"%s\" is not a UUID.", string);
		if (form[i] == 'x') {
			uuid[digits / 2] = (uint8_t)(uuid[digits / 2] << 4 | (digit - hexadecimal));
			digits++;
		}
	}
	return true;
}

static bool parse_file(const char *string, struct file_reference *ret_file,
		       char text[MACHINE_TEXT_SIZE])
{
	const char *end;
	uint64_t fd;

	if (string[0] == '\0')
		return refuse(text, "A file name is empty.");
	if (strncmp(string, "fd=", 3) != 0) {
		*ret_file = (struct file_reference){.path = string, .fd = -1};
		return true;
	}
	if (!parse_number(string + 3, &fd, &end) || *end != '\0' || fd > INT_MAX)
		return refuse(text, "\"%s\" is not a file descriptor.", string);
	*ret_file = (struct file_reference){.path = NULL, .fd = (int)fd};
	return true;
}

static bool parse_format(const char *word, struct disk_layer_config *layer,
			 char text[MACHINE_TEXT_SIZE])
{
	layer->qcow2 = strcmp(word, "qcow2") == 0;
	return layer->qcow2 || strcmp(word, "raw") == 0 ||
	       refuse(text, "\"%s\" is not a format of a disk; write raw or qcow2.", word);
}

static bool add_layer(const char *file, struct machine_disk_config *disk,
		      char text[MACHINE_TEXT_SIZE])
{
	struct disk_layer_config *layer = &disk->layers[disk->layer_count];

	if (disk->layer_count == MACHINE_MAX_LAYERS)
		return refuse(text, "A disk can have %d layers at most.", MACHINE_MAX_LAYERS);
	disk->layer_count++;
	return parse_file(file, &layer->file, text);
}

/* False also when the property is not about layers; *ret_mine tells. */
static bool parse_layer_property(const char *property, struct machine_disk_config *disk,
				 bool *ret_mine, char text[MACHINE_TEXT_SIZE])
{
	*ret_mine = true;
	if (strncmp(property, "format=", 7) == 0)
		return parse_format(property + 7, &disk->layers[0], text);
	if (strncmp(property, "backing=", 8) == 0)
		return add_layer(property + 8, disk, text);
	if (strncmp(property, "backing-format=", 15) == 0)
		return disk->layer_count > 1
			       ? parse_format(property + 15, &disk->layers[disk->layer_count - 1],
					      text)
			       : refuse(text, "\"%s\" has to follow the backing file it is about.",
					property);
	*ret_mine = false;
	return false;
}

static bool parse_disk_property(const char *property, struct machine_disk_config *disk,
				char text[MACHINE_TEXT_SIZE])
{
	bool layers, valid = parse_layer_property(property, disk, &layers, text);

	if (layers)
		return valid;
	if (strcmp(property, "readonly=on") == 0 || strcmp(property, "readonly=off") == 0) {
		disk->read_only = strcmp(property, "readonly=on") == 0;
		return true;
	}
	if (strcmp(property, "bus=virtio") == 0 || strcmp(property, "bus=ahci") == 0) {
		disk->bus = strcmp(property, "bus=ahci") == 0 ? DISK_AHCI : DISK_VIRTIO;
		return true;
	}
	if (strncmp(property, "serial=", 7) == 0) {
		disk->serial = property + 7;
		if (strlen(disk->serial) > VIRTIO_BLOCK_SERIAL_LENGTH)
			return refuse(text, "The disk serial \"%s\" is longer than %d characters.",
				      disk->serial, VIRTIO_BLOCK_SERIAL_LENGTH);
		return true;
	}
	return refuse(text, "\"%s\" is not a property of a disk.", property);
}

static bool check_layers(const struct machine_disk_config *disk, char text[MACHINE_TEXT_SIZE])
{
	for (unsigned int i = 0; i + 1 < disk->layer_count; i++) {
		if (!disk->layers[i].qcow2)
			return refuse(text,
				      "Only qcow2 disks can have a backing file; say what they "
				      "are with format=qcow2 and backing-format=qcow2.");
	}
	return true;
}

static bool parse_disk(char *string, struct machine_config *config, char text[MACHINE_TEXT_SIZE])
{
	struct machine_disk_config *disk = &config->disks[config->disk_count];
	char *rest = string, *property;

	if (config->disk_count == MACHINE_MAX_DISKS)
		return refuse(text, "A machine can have %d disks at most.", MACHINE_MAX_DISKS);
	*disk = (struct machine_disk_config){.layer_count = 0};
	if (!add_layer(strsep(&rest, ","), disk, text))
		return false;
	while ((property = strsep(&rest, ","))) {
		if (!parse_disk_property(property, disk, text))
			return false;
	}
	config->disk_count++;
	return check_layers(disk, text);
}

static bool parse_cdrom(const char *string, struct machine_config *config,
			char text[MACHINE_TEXT_SIZE])
{
	struct file_reference file = {.path = NULL, .fd = -1};

	if (config->cdrom_count == MACHINE_MAX_CDROMS)
		return refuse(text, "A machine can have %d CD-ROM drives at most.",
			      MACHINE_MAX_CDROMS);
	if (strcmp(string, "none") != 0 && !parse_file(string, &file, text))
		return false;
	config->cdroms[config->cdrom_count++] = file;
	return true;
}

static bool parse_display_property(const char *property, struct machine_display_config *display,
				   char text[MACHINE_TEXT_SIZE])
{
	if (strcmp(property, "model=virtio") == 0)
		display->model = DISPLAY_VIRTIO;
	else if (strcmp(property, "model=vga") == 0)
		display->model = DISPLAY_VGA;
	else
		return refuse(text, "\"%s\" is not a property of a display.", property);
	return true;
}

static bool parse_size(const char *string, struct machine_display_config *display)
{
	uint64_t width, height;
	const char *rest;

	if (!parse_number(string, &width, &rest) || *rest != 'x' ||
	    !parse_number(rest + 1, &height, &rest) || *rest != '\0' || width > UINT32_MAX ||
	    height > UINT32_MAX || !edid_size_is_valid((uint32_t)width, (uint32_t)height))
		return false;
	display->width = (uint32_t)width;
	display->height = (uint32_t)height;
	return true;
}

static bool parse_display(char *string, struct machine_display_config *ret_display,
			  char text[MACHINE_TEXT_SIZE])
{
	struct machine_display_config display = {.model = DISPLAY_VIRTIO};
	char *rest = string, *property;
	const char *size = strsep(&rest, ",");

	if (strcmp(size, "none") == 0)
		display.model = DISPLAY_NONE;
	else if (!parse_size(size, &display))
		return refuse(text,
			      "A display can be none or have a size from %dx%d to %dx%d, like "
			      "1280x800; not \"%s\".",
			      EDID_MINIMUM_SIDE, EDID_MINIMUM_SIDE, EDID_MAXIMUM_SIDE,
			      EDID_MAXIMUM_SIDE, size);
	while ((property = strsep(&rest, ","))) {
		if (display.width == 0)
			return refuse(text, "\"%s\" is not a property of no display.", property);
		if (!parse_display_property(property, &display, text))
			return false;
	}
	*ret_display = display;
	return true;
}

static bool parse_serial(const char *string, struct machine_config *config,
			 char text[MACHINE_TEXT_SIZE])
{
	if (strncmp(string, "file=", 5) == 0) {
		config->serial = SERIAL_FILE;
		return parse_file(string + 5, &config->serial_file, text);
	}
	if (strcmp(string, "stdio") == 0)
		config->serial = SERIAL_STDIO;
	else if (strcmp(string, "pty") == 0)
		config->serial = SERIAL_PTY;
	else if (strcmp(string, "none") == 0)
		config->serial = SERIAL_NONE;
	else
		return refuse(text,
			      "A serial port can be stdio, file=FILE, pty or none; not \"%s\".",
			      string);
	return true;
}

static bool parse_console_port(const char *name, struct machine_config *config,
			       char text[MACHINE_TEXT_SIZE])
{
	if (name[0] == '\0' || strlen(name) >= VIRTIO_CONSOLE_NAME_SIZE)
		return refuse(text, "The name of a console port has 1 to %d characters.",
			      VIRTIO_CONSOLE_NAME_SIZE - 1);
	for (unsigned int i = 0; i < config->console_port_count; i++) {
		if (strcmp(config->console_ports[i], name) == 0)
			return refuse(text, "The console port \"%s\" is given twice.", name);
	}
	if (config->console_port_count == MACHINE_MAX_CONSOLE_PORTS)
		return refuse(text, "A machine can have %d console ports at most.",
			      MACHINE_MAX_CONSOLE_PORTS);
	config->console_ports[config->console_port_count++] = name;
	return true;
}

static bool parse_vsock(char *string, struct machine_config *config, char text[MACHINE_TEXT_SIZE])
{
	char *rest = string, *cid = strsep(&rest, ","), *property;
	const char *end;

	if (!parse_number(cid, &config->vsock_cid, &end) || *end != '\0' ||
	    config->vsock_cid < FIRST_GUEST_CID || config->vsock_cid >= UINT32_MAX)
		return refuse(text, "\"%s\" is not a vsock address of a guest; use 3 or more.",
			      cid);
	while ((property = strsep(&rest, ","))) {
		if (strncmp(property, "socket=", 7) != 0)
			return refuse(text, "\"%s\" is not a property of a vsock device.",
				      property);
		if (!parse_file(property + 7, &config->vsock_socket, text))
			return false;
	}
	return true;
}

static bool parse_hyperv(const char *string, enum hyperv_mode *ret_mode,
			 char text[MACHINE_TEXT_SIZE])
{
	if (strcmp(string, "on") == 0)
		*ret_mode = HYPERV_ON;
	else if (strcmp(string, "auto") == 0)
		*ret_mode = HYPERV_AUTO;
	else if (strcmp(string, "off") == 0)
		*ret_mode = HYPERV_OFF;
	else
		return refuse(text, "The Hyper-V interface can be on, off or auto; not \"%s\".",
			      string);
	return true;
}

static bool parse_switch(const char *string, const char *what, bool *ret_on,
			 char text[MACHINE_TEXT_SIZE])
{
	*ret_on = strcmp(string, "on") == 0;
	return *ret_on || strcmp(string, "off") == 0 ||
	       refuse(text, "%s can be on or off; not \"%s\".", what, string);
}

static bool parse_sandbox(const char *string, enum sandbox_mode *ret_mode,
			  char text[MACHINE_TEXT_SIZE])
{
	if (strcmp(string, "on") == 0)
		*ret_mode = SANDBOX_ON;
	else if (strcmp(string, "log") == 0)
		*ret_mode = SANDBOX_LOG;
	else if (strcmp(string, "off") == 0)
		*ret_mode = SANDBOX_OFF;
	else
		return refuse(text, "The sandbox can be on, log or off; not \"%s\".", string);
	return true;
}

static bool parse_firmware(const char *string, enum firmware_kind *ret_kind,
			   char text[MACHINE_TEXT_SIZE])
{
	if (strcmp(string, "bios") == 0)
		*ret_kind = FIRMWARE_BIOS;
	else if (strcmp(string, "uefi") == 0)
		*ret_kind = FIRMWARE_UEFI;
	else if (strcmp(string, "none") == 0)
		*ret_kind = FIRMWARE_NONE;
	else
		return refuse(text, "The firmware can be bios, uefi or none; not \"%s\".", string);
	return true;
}

static bool parse_boot_menu(const char *string, bool *ret_on, char text[MACHINE_TEXT_SIZE])
{
	*ret_on = strcmp(string, "on") == 0;
	return *ret_on || strcmp(string, "off") == 0 ||
	       refuse(text, "The boot menu can be on or off; not \"%s\".", string);
}

static bool parse_option(int option, char *argument, struct machine_config *config,
			 char text[MACHINE_TEXT_SIZE])
{
	switch (option) {
	case OPTION_NAME:
		config->name = argument;
		return true;
	case OPTION_UUID:
		return parse_uuid(argument, config->uuid, text);
	case OPTION_VMGENID:
		return parse_uuid(argument, config->generation, text);
	case OPTION_MEMORY:
		return parse_memory(argument, &config->memory, text);
	case OPTION_CPUS:
		return parse_cpus(argument, &config->cpus, text);
	case OPTION_FIRMWARE:
		return parse_firmware(argument, &config->firmware, text);
	case OPTION_FIRMWARE_IMAGE:
		return parse_file(argument, &config->firmware_image, text);
	case OPTION_VARIABLES:
		return parse_file(argument, &config->variables, text);
	case OPTION_BOOT:
		config->boot_order = argument;
		return true;
	case OPTION_BOOT_MENU:
		return parse_boot_menu(argument, &config->boot_menu, text);
	case OPTION_KERNEL:
		return parse_file(argument, &config->kernel, text);
	case OPTION_INITRD:
		return parse_file(argument, &config->initrd, text);
	case OPTION_CMDLINE:
		config->cmdline = argument;
		return true;
	case OPTION_DISK:
		return parse_disk(argument, config, text);
	case OPTION_CDROM:
		return parse_cdrom(argument, config, text);
	case OPTION_DISPLAY:
		return parse_display(argument, &config->display, text);
	case OPTION_NET:
		return net_config_parse(argument, &config->net, text, MACHINE_TEXT_SIZE);
	case OPTION_BALLOON:
		return parse_switch(argument, "The memory balloon", &config->balloon, text);
	case OPTION_CONSOLE_PORT:
		return parse_console_port(argument, config, text);
	case OPTION_VSOCK:
		return parse_vsock(argument, config, text);
	case OPTION_HYPERV:
		return parse_hyperv(argument, &config->hyperv, text);
	case OPTION_SERIAL:
		return parse_serial(argument, config, text);
	case OPTION_NO_REBOOT:
		config->no_reboot = true;
		return true;
	case OPTION_DEBUG_EXIT:
		config->debug_exit = true;
		return true;
	case OPTION_CONTROL:
		return parse_file(argument, &config->control, text);
	case OPTION_END_RECORD:
		return parse_file(argument, &config->end_record, text);
	case OPTION_RESTORE:
		return parse_file(argument, &config->restore, text);
	default:
		return parse_sandbox(argument, &config->sandbox, text);
	}
}

unsigned int machine_config_ahci_disks(const struct machine_config *config)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < config->disk_count; i++)
		count += config->disks[i].bus == DISK_AHCI;
	return count;
}

static bool validate_drives(const struct machine_config *config, char text[MACHINE_TEXT_SIZE])
{
	unsigned int ahci_disks = machine_config_ahci_disks(config);
	unsigned int drives = ahci_disks + config->cdrom_count;

	if (drives > MACHINE_MAX_CDROMS)
		return refuse(
			text,
			"CD-ROM drives and disks with bus=ahci can be %d together; %u are too "
			"many.",
			MACHINE_MAX_CDROMS, drives);
	if (config->disk_count - ahci_disks > MACHINE_MAX_VIRTIO_DISKS)
		return refuse(text,
			      "A machine can have %d disks with bus=virtio at most; give further "
			      "ones bus=ahci.",
			      MACHINE_MAX_VIRTIO_DISKS);
	return true;
}

static bool validate_firmware(const struct machine_config *config, char text[MACHINE_TEXT_SIZE])
{
	if (config->firmware == FIRMWARE_NONE && !file_reference_is_given(&config->kernel))
		return refuse(text,
			      "There is nothing to start; give a kernel with --kernel FILE, or "
			      "firmware with --firmware bios or uefi.");
	if (config->firmware == FIRMWARE_NONE && file_reference_is_given(&config->firmware_image))
		return refuse(text, "A firmware image needs --firmware bios or uefi.");
	if (config->firmware == FIRMWARE_NONE && config->boot_order)
		return refuse(text, "A boot order needs --firmware bios or uefi.");
	if (config->firmware != FIRMWARE_UEFI && file_reference_is_given(&config->variables))
		return refuse(text, "Only UEFI keeps variables; give --firmware uefi as well.");
	return true;
}

static bool validate(const struct machine_config *config, char text[MACHINE_TEXT_SIZE])
{
	if (!validate_drives(config, text) || !validate_firmware(config, text))
		return false;
	if (config->display.model == DISPLAY_VGA &&
	    (uint64_t)config->display.width * config->display.height * 4 > VGA_PCI_MEMORY_SIZE)
		return refuse(text,
			      "A VGA has not enough video memory for %ux%u; give it a smaller "
			      "display, or one with model=virtio.",
			      config->display.width, config->display.height);
	return true;
}

/* What depends on several options. */
static void set_defaults(struct machine_config *config)
{
	if (config->display.model != DISPLAY_DEFAULT)
		return;
	if (config->firmware == FIRMWARE_NONE)
		config->display.model = DISPLAY_NONE;
	else
		config->display = (struct machine_display_config){DISPLAY_VIRTIO, DEFAULT_WIDTH,
								  DEFAULT_HEIGHT};
}

enum machine_config_result machine_config_parse(int argc, char **argv,
						struct machine_config *ret_config,
						char text[MACHINE_TEXT_SIZE])
{
	const struct file_reference none = {.path = NULL, .fd = -1};
	struct machine_config config = {
		.memory = DEFAULT_MEMORY,
		.cpus = 1,
		.firmware_image = none,
		.variables = none,
		.kernel = none,
		.initrd = none,
		.control = none,
		.end_record = none,
		.restore = none,
		.serial_file = none,
		.vsock_socket = none,
		.cmdline = DEFAULT_CMDLINE,
	};
	int option;

	opterr = 0; /* the sentences are ours */
	optind = 0; /* start over, whoever has used it before */
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == OPTION_HELP)
			return MACHINE_CONFIG_HELP;
		if (option == OPTION_VERSION)
			return MACHINE_CONFIG_VERSION;
		if (option == '?' || option == ':') {
			refuse(text,
			       option == ':' ? "The option %s needs a value."
					     : "The option %s is not known.",
			       argv[optind - 1]);
			return MACHINE_CONFIG_INVALID;
		}
		if (!parse_option(option, optarg, &config, text))
			return MACHINE_CONFIG_INVALID;
	}
	if (optind < argc) {
		refuse(text, "\"%s\" is not an option.", argv[optind]);
		return MACHINE_CONFIG_INVALID;
	}
	set_defaults(&config);
	if (!validate(&config, text) ||
	    !net_config_complete(&config.net, config.name, text, MACHINE_TEXT_SIZE))
		return MACHINE_CONFIG_INVALID;
	*ret_config = config;
	return MACHINE_CONFIG_VALID;
}

bool machine_config_fits_host(const struct machine_config *config, uint64_t host_memory,
			      unsigned int max_vcpus, char text[MACHINE_TEXT_SIZE])
{
	if (config->memory > host_memory)
		return refuse(text,
			      "This computer has %llu MiB of memory, less than the %llu MiB the "
			      "machine is to have; give it less.",
			      (unsigned long long)(host_memory / MEBIBYTE),
			      (unsigned long long)(config->memory / MEBIBYTE));
	if (config->cpus > max_vcpus)
		return refuse(text,
			      "KVM on this computer gives a machine %u vCPUs at most; %llu are too "
			      "many.",
			      max_vcpus, (unsigned long long)config->cpus);
	return true;
}

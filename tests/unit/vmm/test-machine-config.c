/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-config.h"

#include <glib.h>
#include <string.h>

#define MIB (1ULL << 20)

static struct machine_config config;
static char text[MACHINE_TEXT_SIZE];
static char **arguments; /* what config's strings are parts of */

static enum machine_config_result parse(const char *line)
{
	g_autofree char *whole = g_strconcat("innkeeper-vmm ", line, NULL);
	int argc;

	g_strfreev(arguments);
	g_assert_true(g_shell_parse_argv(whole, &argc, &arguments, NULL));
	text[0] = '\0';
	return machine_config_parse(argc, arguments, &config, text);
}

static void assert_invalid(const char *line, const char *part_of_text)
{
	g_assert_cmpint(parse(line), ==, MACHINE_CONFIG_INVALID);
	if (!strstr(text, part_of_text))
		g_error("\"%s\" does not speak of \"%s\"", text, part_of_text);
	g_assert_cmpint(text[strlen(text) - 1], ==, '.');
}

static void test_defaults(void)
{
	g_assert_cmpint(parse("--kernel vmlinuz"), ==, MACHINE_CONFIG_VALID);
	g_assert_cmpstr(config.kernel.path, ==, "vmlinuz");
	g_assert_cmpint(config.kernel.fd, ==, -1);
	g_assert_null(config.initrd.path);
	g_assert_cmpint(config.initrd.fd, ==, -1);
	g_assert_cmpuint(config.memory, ==, 512 * MIB);
	g_assert_cmpuint(config.cpus, ==, 1);
	g_assert_cmpint(config.serial, ==, SERIAL_NONE);
	g_assert_cmpint(config.sandbox, ==, SANDBOX_ON);
	g_assert_false(config.no_reboot);
	g_assert_cmpuint(config.disk_count, ==, 0);
	g_assert_cmpuint(config.cdrom_count, ==, 0);
	g_assert_cmpint(config.firmware, ==, FIRMWARE_NONE);
	g_assert_cmpint(config.display.model, ==, DISPLAY_NONE);
	g_assert_false(config.balloon);
	g_assert_cmpint(config.hyperv, ==, HYPERV_OFF);
	g_assert_cmpuint(config.vsock_cid, ==, 0);
}

static void test_everything(void)
{
	g_assert_cmpint(
		parse("--name web --uuid 00112233-4455-6677-8899-aabbccddEEFF "
		      "--vmgenid 12112233-4455-6677-8899-aabbccddeeff --memory 4G "
		      "--cpus 4 --firmware none --kernel fd=5 "
		      "--initrd i --cmdline 'a b' --disk a.img,readonly=on,serial=S1 "
		      "--disk fd=7,format=raw --balloon on --hyperv auto --console-port hvc0 "
		      "--console-port p1 --vsock 7,socket=v.sock "
		      "--serial file=log --no-reboot --debug-exit "
		      "--control c.sock --end-record fd=8 --sandbox log"),
		==, MACHINE_CONFIG_VALID);
	g_assert_cmpstr(config.name, ==, "web");
	g_assert_cmphex(config.uuid[0], ==, 0x00);
	g_assert_cmphex(config.uuid[1], ==, 0x11);
	g_assert_cmphex(config.uuid[15], ==, 0xff);
	g_assert_cmphex(config.generation[0], ==, 0x12);
	g_assert_cmpuint(config.memory, ==, 4096 * MIB);
	g_assert_cmpuint(config.cpus, ==, 4);
	g_assert_cmpint(config.kernel.fd, ==, 5);
	g_assert_null(config.kernel.path);
	g_assert_cmpstr(config.cmdline, ==, "a b");
	g_assert_cmpuint(config.disk_count, ==, 2);
	g_assert_true(config.balloon);
	g_assert_cmpint(config.hyperv, ==, HYPERV_AUTO);
	g_assert_cmpuint(config.vsock_cid, ==, 7);
	g_assert_cmpstr(config.vsock_socket.path, ==, "v.sock");
	g_assert_cmpuint(config.console_port_count, ==, 2);
	g_assert_cmpstr(config.console_ports[1], ==, "p1");
	g_assert_cmpstr(config.disks[0].layers[0].file.path, ==, "a.img");
	g_assert_true(config.disks[0].read_only);
	g_assert_cmpstr(config.disks[0].serial, ==, "S1");
	g_assert_cmpint(config.disks[1].layers[0].file.fd, ==, 7);
	g_assert_false(config.disks[1].read_only);
	g_assert_cmpint(config.serial, ==, SERIAL_FILE);
	g_assert_cmpstr(config.serial_file.path, ==, "log");
	g_assert_true(config.no_reboot);
	g_assert_true(config.debug_exit);
	g_assert_cmpstr(config.control.path, ==, "c.sock");
	g_assert_cmpint(config.end_record.fd, ==, 8);
	g_assert_cmpint(config.sandbox, ==, SANDBOX_LOG);
}

static void test_memory(void)
{
	g_assert_cmpint(parse("--kernel k --memory 64"), ==, MACHINE_CONFIG_VALID);
	g_assert_cmpuint(config.memory, ==, 64 * MIB);
	g_assert_cmpint(parse("--kernel k --memory 65536k"), ==, MACHINE_CONFIG_VALID);
	g_assert_cmpuint(config.memory, ==, 64 * MIB);
	assert_invalid("--kernel k --memory 0", "0 is not enough");
	assert_invalid("--kernel k --memory 511", "multiple of 2 MiB");
	assert_invalid("--kernel k --memory 1T", "not a memory size");
	assert_invalid("--kernel k --memory -1", "not a memory size");
	assert_invalid("--kernel k --memory 512Mi", "not a memory size");
	assert_invalid("--kernel k --memory ''", "not a memory size");
	assert_invalid("--kernel k --memory 99999999999G", "too much");
	assert_invalid("--kernel k --memory 99999999999999999999", "not a memory size");
}

static void test_refused(void)
{
	assert_invalid("", "nothing to start");
	assert_invalid("--kernel k --cpus 0", "at least one");
	assert_invalid("--kernel k --cpus 500", "too many");
	assert_invalid("--kernel k --cpus two", "not a number");
	assert_invalid("--kernel ''", "empty");
	assert_invalid("--kernel fd=x", "not a file descriptor");
	assert_invalid("--kernel fd=-1", "not a file descriptor");
	assert_invalid("--kernel fd=9999999999", "not a file descriptor");
	assert_invalid("--kernel", "needs a value");
	assert_invalid("--kernel k --no-such", "--no-such is not known");
	assert_invalid("--kernel k extra", "\"extra\" is not an option");
	assert_invalid("--kernel k --serial tcp", "stdio, file=FILE, pty or none");
	assert_invalid("--kernel k --disk d,format=vmdk", "vmdk");
	assert_invalid("--kernel k --disk d,serial=123456789012345678901", "longer than 20");
	assert_invalid("--kernel k --disk ,readonly=on", "empty");
	assert_invalid("--uuid 00112233-4455-6677-8899-aabbccddeef", "not a UUID");
	assert_invalid("--uuid 00112233-4455-6677-8899-aabbccddeefff", "not a UUID");
	assert_invalid("--uuid 0011223304455-6677-8899-aabbccddeeff", "not a UUID");
	assert_invalid("--uuid ''", "not a UUID");
	assert_invalid("--vmgenid auto", "not a UUID");
	assert_invalid("--firmware efi", "not \"efi\"");
	assert_invalid("--kernel k --firmware-image f", "needs --firmware");
	assert_invalid("--firmware bios --variables f", "Only UEFI");
	assert_invalid("--kernel k --boot disk0", "needs --firmware");
	assert_invalid("--firmware bios --boot-menu yes", "not \"yes\"");
	assert_invalid("--firmware none", "nothing to start");
	assert_invalid("--kernel k --sandbox maybe", "on, log or off");
	assert_invalid("--kernel k --vsock 2", "use 3 or more");
	assert_invalid("--kernel k --vsock 4294967295", "use 3 or more");
	assert_invalid("--kernel k --vsock 3,port=1", "not a property");
	assert_invalid("--kernel k --hyperv maybe", "on, off or auto");
	assert_invalid("--kernel k --balloon 1", "balloon can be on or off");
	assert_invalid("--kernel k --console-port ''", "1 to 63 characters");
	assert_invalid("--kernel k --console-port p --console-port p", "given twice");
	assert_invalid("--kernel k --console-port 1 --console-port 2 --console-port 3 "
		       "--console-port 4 --console-port 5 --console-port 6 --console-port 7 "
		       "--console-port 8",
		       "7 console ports at most");
}

static void test_display(void)
{
	g_assert_cmpint(parse("--firmware bios"), ==, MACHINE_CONFIG_VALID);
	g_assert_cmpint(config.display.model, ==, DISPLAY_VIRTIO);
	g_assert_cmpuint(config.display.width, ==, 1280);
	g_assert_cmpuint(config.display.height, ==, 800);
	g_assert_cmpint(parse("--firmware bios --display none"), ==, MACHINE_CONFIG_VALID);
	g_assert_cmpint(config.display.model, ==, DISPLAY_NONE);
	g_assert_cmpint(parse("--kernel k --display 1024x768,model=vga"), ==, MACHINE_CONFIG_VALID);
	g_assert_cmpint(config.display.model, ==, DISPLAY_VGA);
	g_assert_cmpuint(config.display.width, ==, 1024);
	g_assert_cmpint(parse("--kernel k --display 3840x2160"), ==, MACHINE_CONFIG_VALID);
	g_assert_cmpint(config.display.model, ==, DISPLAY_VIRTIO);
	assert_invalid("--kernel k --display 3840x2160,model=vga", "not enough video memory");
	assert_invalid("--kernel k --display 1024", "not \"1024\"");
	assert_invalid("--kernel k --display 1024x768x32", "from 64x64 to 4095x4095");
	assert_invalid("--kernel k --display 9999999999x1", "from 64x64 to 4095x4095");
	assert_invalid("--kernel k --display ''", "like 1280x800");
	assert_invalid("--kernel k --display 1024x768,model=qxl", "model=qxl");
	assert_invalid("--kernel k --display none,model=vga", "no display");
}

static void test_layers(void)
{
	g_autoptr(GString) line = g_string_new("--kernel k --disk d,format=qcow2");

	g_assert_cmpint(parse("--kernel k --disk fd=3,format=qcow2,backing=fd=4,"
			      "backing-format=qcow2,serial=s,backing=c --disk r"),
			==, MACHINE_CONFIG_VALID);
	g_assert_cmpuint(config.disks[0].layer_count, ==, 3);
	g_assert_true(config.disks[0].layers[0].qcow2);
	g_assert_cmpint(config.disks[0].layers[1].file.fd, ==, 4);
	g_assert_true(config.disks[0].layers[1].qcow2);
	g_assert_cmpstr(config.disks[0].layers[2].file.path, ==, "c");
	g_assert_false(config.disks[0].layers[2].qcow2);
	g_assert_cmpuint(config.disks[1].layer_count, ==, 1);
	g_assert_false(config.disks[1].layers[0].qcow2);

	assert_invalid("--kernel k --disk d,backing=b", "Only qcow2 disks");
	assert_invalid("--kernel k --disk d,format=qcow2,backing=b,backing=c", "Only qcow2 disks");
	assert_invalid("--kernel k --disk d,format=qcow2,backing=", "empty");
	assert_invalid("--kernel k --disk d,format=qcow2,backing-format=raw", "has to follow");
	assert_invalid("--kernel k --disk d,format=qcow2,backing=b,backing-format=vdi", "vdi");
	for (unsigned int i = 1; i < MACHINE_MAX_LAYERS; i++)
		g_string_append(line, ",backing=b,backing-format=qcow2");
	g_assert_cmpint(parse(line->str), ==, MACHINE_CONFIG_VALID);
	g_string_append(line, ",backing=b");
	assert_invalid(line->str, "64 layers at most");
}

static void test_too_many_disks(void)
{
	g_autoptr(GString) line = g_string_new("--kernel k");

	for (int i = 0; i < MACHINE_MAX_VIRTIO_DISKS; i++)
		g_string_append(line, " --disk d");
	g_assert_cmpint(parse(line->str), ==, MACHINE_CONFIG_VALID);
	g_string_append(line, " --disk d");
	assert_invalid(line->str, "15 disks with bus=virtio at most");
	for (int i = MACHINE_MAX_VIRTIO_DISKS + 1; i < MACHINE_MAX_DISKS + 1; i++)
		g_string_append(line, " --disk d");
	assert_invalid(line->str, "21 disks at most");
}

static void test_drives(void)
{
	g_autoptr(GString) line = g_string_new("--kernel k --disk a --disk b,bus=ahci");

	g_assert_cmpint(parse("--kernel k --disk a,bus=ahci --disk b,bus=virtio --disk c "
			      "--cdrom none --cdrom fd=9 --cdrom os.iso"),
			==, MACHINE_CONFIG_VALID);
	g_assert_cmpint(config.disks[0].bus, ==, DISK_AHCI);
	g_assert_cmpint(config.disks[1].bus, ==, DISK_VIRTIO);
	g_assert_cmpint(config.disks[2].bus, ==, DISK_VIRTIO);
	g_assert_cmpuint(machine_config_ahci_disks(&config), ==, 1);
	g_assert_cmpuint(config.cdrom_count, ==, 3);
	g_assert_null(config.cdroms[0].path);
	g_assert_cmpint(config.cdroms[0].fd, ==, -1);
	g_assert_cmpint(config.cdroms[1].fd, ==, 9);
	g_assert_cmpstr(config.cdroms[2].path, ==, "os.iso");

	assert_invalid("--kernel k --disk d,bus=scsi", "bus=scsi");
	assert_invalid("--kernel k --cdrom ''", "empty");
	for (int i = 0; i < MACHINE_MAX_CDROMS - 1; i++)
		g_string_append(line, " --cdrom none");
	g_assert_cmpint(parse(line->str), ==, MACHINE_CONFIG_VALID);
	g_string_append(line, " --cdrom c");
	assert_invalid(line->str, "7 are too many");
	g_string_append(line, " --cdrom c");
	assert_invalid(line->str, "6 CD-ROM drives at most");
}

static void test_words(void)
{
	g_assert_cmpint(parse("--cpus 4 --help"), ==, MACHINE_CONFIG_HELP);
	g_assert_cmpint(parse("--version"), ==, MACHINE_CONFIG_VERSION);
	g_assert_nonnull(strstr(machine_config_usage, "--kernel"));
}

static void test_host(void)
{
	g_assert_cmpint(parse("--kernel k --memory 1G --cpus 8"), ==, MACHINE_CONFIG_VALID);
	g_assert_true(machine_config_fits_host(&config, 1024 * MIB, 8, text));
	g_assert_false(machine_config_fits_host(&config, 1023 * MIB, 8, text));
	g_assert_nonnull(strstr(text, "1023 MiB"));
	g_assert_false(machine_config_fits_host(&config, 1024 * MIB, 7, text));
	g_assert_nonnull(strstr(text, "7 vCPUs at most"));
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/machine-config/defaults", test_defaults);
	g_test_add_func("/machine-config/everything", test_everything);
	g_test_add_func("/machine-config/display", test_display);
	g_test_add_func("/machine-config/memory", test_memory);
	g_test_add_func("/machine-config/refused", test_refused);
	g_test_add_func("/machine-config/layers", test_layers);
	g_test_add_func("/machine-config/too-many-disks", test_too_many_disks);
	g_test_add_func("/machine-config/drives", test_drives);
	g_test_add_func("/machine-config/words", test_words);
	g_test_add_func("/machine-config/host", test_host);
	status = g_test_run();
	g_strfreev(arguments);
	return status;
}

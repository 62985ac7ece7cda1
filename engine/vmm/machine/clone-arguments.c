/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/clone-arguments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "control/control-server.h"

/* The bytes, which end with a NUL. */
static int read_bytes(struct clone_arguments *arguments, int fd, size_t *ret_length)
{
	uint64_t length;
	int r = fd_regular_size(fd, &length);

	if (r < 0)
		return r;
	if (length == 0 || length > CONTROL_MAX_ARGUMENTS)
		return -EINVAL;
	arguments->bytes = malloc((size_t)length);
	if (!arguments->bytes)
		return -ENOMEM;
	r = fd_read_at(fd, arguments->bytes, (size_t)length, 0);
	*ret_length = (size_t)length;
	return r == 0 && arguments->bytes[length - 1] != '\0' ? -EINVAL : r;
}

static int count_strings(const char *bytes, size_t length)
{
	int count = 0;

	for (size_t i = 0; i < length; i++)
		count += bytes[i] == '\0';
	return count;
}

static int parse(struct clone_arguments *arguments, size_t length)
{
	int argc = count_strings(arguments->bytes, length);
	char text[MACHINE_TEXT_SIZE] = "They ask for help.";
	char *at = arguments->bytes;

	arguments->argv = calloc((size_t)argc + 1, sizeof(*arguments->argv));
	if (!arguments->argv)
		return -ENOMEM;
	for (int i = 0; i < argc; i++, at += strlen(at) + 1)
		arguments->argv[i] = at;
	if (machine_config_parse(argc, arguments->argv, &arguments->config, text) ==
	    MACHINE_CONFIG_VALID)
		return 0;
	log_error("The arguments of a clone cannot be used: %s", text);
	return -EINVAL;
}

static bool is_staged(const struct file_reference *file, const struct control_clone *clone)
{
	if (!file_reference_is_given(file))
		return true;
	return !file->path && file->fd < CONTROL_MAX_FILES && clone->files[file->fd] >= 0;
}

static bool disks_are_staged(const struct machine_config *config, const struct control_clone *clone)
{
	bool staged = true;

	for (unsigned int i = 0; i < config->disk_count; i++) {
		for (unsigned int j = 0; j < config->disks[i].layer_count; j++)
			staged = staged && is_staged(&config->disks[i].layers[j].file, clone);
	}
	for (unsigned int i = 0; i < config->cdrom_count; i++)
		staged = staged && is_staged(&config->cdroms[i], clone);
	return staged;
}

static bool nics_are_staged(const struct machine_config *config, const struct control_clone *clone)
{
	bool staged = true;

	for (unsigned int i = 0; i < config->net.nic_count; i++) {
		const struct machine_nic_config *nic = &config->net.nics[i];
		const struct file_reference file = {.fd = nic->fd};

		staged = staged && nic->kind == NET_FD && is_staged(&file, clone);
	}
	return staged;
}

static int check_files(const struct machine_config *config, const struct control_clone *clone)
{
	const struct file_reference *const files[] = {
		&config->firmware_image, &config->variables,   &config->kernel,
		&config->initrd,         &config->control,     &config->end_record,
		&config->serial_file,    &config->vsock_socket};
	bool has_firmware = config->firmware == FIRMWARE_NONE ||
			    file_reference_is_given(&config->firmware_image);
	bool staged =
		has_firmware && disks_are_staged(config, clone) && nics_are_staged(config, clone);

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		staged = staged && is_staged(files[i], clone);
	if (staged)
		return 0;
	log_error("A clone can open no files, and has not been given all that it needs.");
	return -EINVAL;
}

/* What has to be opened by name, whatever is given: devices of this computer. */
static bool can_be_clone(const struct machine_config *config, const struct control_clone *clone)
{
	int type;
	socklen_t length = sizeof(type);

	if (config->serial == SERIAL_PTY)
		return false;
	for (unsigned int i = 0; i < config->net.nic_count; i++) {
		/* a tap interface */
		if (getsockopt(clone->files[config->net.nics[i].fd], SOL_SOCKET, SO_TYPE, &type,
			       &length) < 0)
			return false;
	}
	return true;
}

static int check(const struct machine_config *config, const struct machine_config *original,
		 const struct control_clone *clone)
{
	int r;

	if (config->memory != original->memory || config->cpus != original->cpus ||
	    file_reference_is_given(&config->restore)) {
		log_error("A clone has the memory and the vCPUs of its original.");
		return -EINVAL;
	}
	r = check_files(config, clone);
	return r == 0 && !can_be_clone(config, clone) ? -EOPNOTSUPP : r;
}

int clone_arguments_read(struct clone_arguments *arguments, const struct machine_config *original,
			 const struct control_clone *clone)
{
	size_t length;
	int r;

	memset(arguments, 0, sizeof(*arguments));
	if (clone->arguments < 0)
		return -EINVAL;
	r = read_bytes(arguments, clone->arguments, &length);
	if (r == 0)
		r = parse(arguments, length);
	if (r == 0)
		r = check(&arguments->config, original, clone);
	if (r < 0)
		clone_arguments_finish(arguments);
	return r;
}

void clone_arguments_finish(struct clone_arguments *arguments)
{
	free(arguments->bytes);
	free(arguments->argv);
	arguments->bytes = NULL;
	arguments->argv = NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The firmware configuration device of QEMU (docs/specs/fw_cfg.rst): items that firmware reads by
 * key, or by name through a directory, at ports 0x510-0x51B. What stock firmware learns of the
 * machine, it learns here.
 *
 * Items are added before the machine starts. One that is a file is read piece by piece while the
 * guest fetches it, by DMA; the data port shows zeros in its place.
 *
 * All calls with the device lock held or before the vCPUs run.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct address_space;
struct event_loop;
struct fw_cfg;
struct guest_memory;
struct state_reader;
struct state_writer;

/* Keys of the items that have one of their own. */
enum fw_cfg_key {
	FW_CFG_UUID = 0x02,
	FW_CFG_NO_GRAPHICS = 0x04,
	FW_CFG_CPUS = 0x05,
	FW_CFG_KERNEL_ADDRESS = 0x07,
	FW_CFG_KERNEL_SIZE = 0x08,
	FW_CFG_INITRD_ADDRESS = 0x0a,
	FW_CFG_INITRD_SIZE = 0x0b,
	FW_CFG_BOOT_MENU = 0x0e,
	FW_CFG_MAX_CPUS = 0x0f,
	FW_CFG_KERNEL_DATA = 0x11,
	FW_CFG_INITRD_DATA = 0x12,
	FW_CFG_CMDLINE_ADDRESS = 0x13,
	FW_CFG_CMDLINE_SIZE = 0x14,
	FW_CFG_CMDLINE_DATA = 0x15,
	FW_CFG_SETUP_ADDRESS = 0x16,
	FW_CFG_SETUP_SIZE = 0x17,
	FW_CFG_SETUP_DATA = 0x18,
	FW_CFG_IRQ0_OVERRIDE = 0x8002,
};

enum {
	FW_CFG_NAME_SIZE = 56, /* of a file, with its end */
	FW_CFG_MAX_FILES = 48,
	FW_CFG_PIECE = 1 << 20, /* bytes moved at once; what is more waits for the loop */
};

int fw_cfg_create(struct address_space *ports, struct guest_memory *memory, struct event_loop *loop,
		  struct fw_cfg **ret_config);
/* NULL is accepted. Leaves the bus to be destroyed next. */
void fw_cfg_destroy(struct fw_cfg *config);

/* Power-on: nothing selected, no transfer, writable items as they were added. */
void fw_cfg_reset(struct fw_cfg *config);
/* Completes a transfer under way, so that memory is still afterwards. */
void fw_cfg_drain(struct fw_cfg *config);

/*
 * As in devices.h; no transfer is under way. The items are not part of it, but for what the guest
 * has written: the machine it is loaded into has the same.
 */
enum { FW_CFG_STATE_VERSION = 1 };
void fw_cfg_save(const struct fw_cfg *config, struct state_writer *writer);
int fw_cfg_load(struct fw_cfg *config, struct state_reader *reader);

/* The bytes are copied. All fw_cfg_add_ functions: 0, -EEXIST for a key or name in use, -ENOMEM. */
int fw_cfg_add(struct fw_cfg *config, uint16_t key, const void *bytes, size_t size);
int fw_cfg_add_u16(struct fw_cfg *config, uint16_t key, uint16_t value);
int fw_cfg_add_u32(struct fw_cfg *config, uint16_t key, uint32_t value);
/* A part of a file: fd is borrowed. size is at most UINT32_MAX. */
int fw_cfg_add_fd(struct fw_cfg *config, uint16_t key, int fd, uint64_t offset, uint32_t size);

/* An item with a name; -ENAMETOOLONG, -ENOSPC when there are too many. */
int fw_cfg_add_file(struct fw_cfg *config, const char *name, const void *bytes, size_t size);
/* One that starts as zeros and the caller changes: *ret_bytes is where it is. */
int fw_cfg_add_changing_file(struct fw_cfg *config, const char *name, size_t size,
			     uint8_t **ret_bytes);
/*
 * An item that starts as zeros and the guest can write to by DMA. *ret_bytes is where it is, the
 * guest's, until the device is destroyed.
 */
int fw_cfg_add_writable_file(struct fw_cfg *config, const char *name, size_t size,
			     const uint8_t **ret_bytes);

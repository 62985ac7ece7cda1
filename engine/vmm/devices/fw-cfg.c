/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See fw-cfg.h. A transfer by DMA of more than one piece, or of an item that is a file, is carried
 * on by the event loop: firmware waits for the control word to clear, no vCPU for the disk.
 */
#include "devices/fw-cfg.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte-order.h"
#include "base/checked-arithmetic.h"
#include "base/fd.h"
#include "bus/address-space.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

enum {
	PORT_BASE = 0x510,
	PORTS = 12,
	SELECTOR = 0x0, /* 16 bits */
	DATA = 0x1,
	DMA_HIGH = 0x4, /* big-endian; writing the lower half starts */
	DMA_LOW = 0x8,

	KEY_SIGNATURE = 0x00,
	KEY_ID = 0x01,
	KEY_DIRECTORY = 0x19,
	KEY_FIRST_FILE = 0x20,
	KEY_NONE = 0xffff,
	ID_TRADITIONAL = 1 << 0,
	ID_DMA = 1 << 1,
	MAX_KEYED = 32,

	DIRECTORY_ENTRY_SIZE = 8 + FW_CFG_NAME_SIZE,

	/* the DMA control structure */
	ACCESS_SIZE = 16,
	CONTROL_ERROR = 1 << 0,
	CONTROL_READ = 1 << 1,
	CONTROL_SKIP = 1 << 2,
	CONTROL_SELECT = 1 << 3,
	CONTROL_WRITE = 1 << 4,
	CONTROL_KEY_SHIFT = 16,
};

#define DMA_SIGNATURE 0x51454d5520434647ULL /* "QEMU CFG" */

struct item {
	uint8_t *bytes; /* NULL: a file, or empty */
	int fd;         /* -1: bytes */
	uint64_t fd_offset;
	uint32_t size;
	bool writable;
};

struct keyed_item {
	uint16_t key;
	struct item item;
};

struct named_item {
	char name[FW_CFG_NAME_SIZE];
	struct item item;
};

/* The rest of a read by DMA. */
struct transfer {
	bool active;
	uint64_t control_gpa, gpa;
	uint32_t left;
};

struct fw_cfg {
	struct guest_memory *memory;
	struct event_timer *timer; /* carries a transfer on */
	struct keyed_item keyed[MAX_KEYED];
	unsigned int keyed_count;
	struct named_item files[FW_CFG_MAX_FILES]; /* sorted by name; the key follows the place */
	unsigned int file_count;
	struct item directory; /* made of files */
	uint8_t directory_bytes[4 + FW_CFG_MAX_FILES * DIRECTORY_ENTRY_SIZE];

	uint16_t key;
	uint32_t offset; /* in the selected item */
	uint32_t dma_high;
	struct transfer transfer;
};

static struct item *find_item(struct fw_cfg *config, uint16_t key)
{
	if (key == KEY_DIRECTORY)
		return &config->directory;
	if (key >= KEY_FIRST_FILE && key < KEY_FIRST_FILE + config->file_count)
		return &config->files[key - KEY_FIRST_FILE].item;
	for (unsigned int i = 0; i < config->keyed_count; i++) {
		if (config->keyed[i].key == key)
			return &config->keyed[i].item;
	}
	return NULL;
}

static void select_item(struct fw_cfg *config, uint16_t key)
{
	config->key = key;
	config->offset = 0;
}

/* offset does not wrap: what lies behind the end of an item reads as zeros for ever. */
static void advance(struct fw_cfg *config, uint32_t length)
{
	uint32_t room = UINT32_MAX - config->offset;

	config->offset += length < room ? length : room;
}

/* How many of length bytes from the current offset on the item has. */
static uint32_t available(const struct fw_cfg *config, const struct item *item, uint32_t length)
{
	if (!item || config->offset >= item->size)
		return 0;
	return length < item->size - config->offset ? length : item->size - config->offset;
}

/* Copies the next length bytes of the selected item. 0 or negative errno. */
static int read_item(struct fw_cfg *config, uint8_t *buffer, uint32_t length)
{
	const struct item *item = find_item(config, config->key);
	uint32_t there = available(config, item, length);
	int r = 0;

	if (there > 0 && item->fd >= 0)
		r = fd_read_at(item->fd, buffer, there, item->fd_offset + config->offset);
	else if (there > 0)
		memcpy(buffer, item->bytes + config->offset, there);
	if (r < 0)
		return r;
	memset(buffer + there, 0, length - there);
	advance(config, length);
	return 0;
}

/* The word whose clearing tells the guest that we are done, so it is written last. */
static void write_control(struct fw_cfg *config, uint64_t control_gpa, int r)
{
	uint8_t control[4];

	store_be32(control, r < 0 ? CONTROL_ERROR : 0);
	(void)guest_memory_write(config->memory, control_gpa, control, sizeof(control));
}

/* Moves one piece of the transfer. Its end, good or bad, is told to the guest. */
static void move_piece(struct fw_cfg *config)
{
	struct transfer *transfer = &config->transfer;
	uint32_t length = transfer->left < FW_CFG_PIECE ? transfer->left : FW_CFG_PIECE;
	uint8_t *host = guest_memory_at(config->memory, transfer->gpa, length);
	int r = host ? read_item(config, host, length) : -EFAULT;

	transfer->gpa += length;
	transfer->left -= length;
	if (r == 0 && transfer->left > 0)
		return;
	transfer->active = false;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	write_control(config, transfer->control_gpa, r);
}

static void on_timer(void *data)
{
	struct fw_cfg *config = data;

	if (config->transfer.active)
		move_piece(config);
	if (config->transfer.active)
		event_timer_set(config->timer, event_loop_now());
}

static void start_read(struct fw_cfg *config, uint64_t control_gpa, uint64_t gpa, uint32_t length)
{
	const struct item *item = find_item(config, config->key);

	/* All of it is checked first, so that nothing is written when it does not fit. */
	if (!guest_memory_at(config->memory, gpa, length)) {
		write_control(config, control_gpa, -EFAULT);
		return;
	}
	config->transfer = (struct transfer){true, control_gpa, gpa, length};
	if (length <= FW_CFG_PIECE && (!item || item->fd < 0))
		move_piece(config);
	else
		event_timer_set(config->timer, event_loop_now());
}

static int write_item(struct fw_cfg *config, uint64_t gpa, uint32_t length)
{
	struct item *item = find_item(config, config->key);
	int r;

	if (!item || !item->writable || !range_fits(config->offset, length, item->size))
		return -EPERM;
	r = guest_memory_read(config->memory, gpa, item->bytes + config->offset, length);
	if (r == 0)
		advance(config, length);
	return r;
}

static void serve_access(struct fw_cfg *config, uint64_t control_gpa)
{
	uint8_t access[ACCESS_SIZE];
	uint32_t control, length;
	uint64_t gpa;

	if (config->transfer.active ||
	    guest_memory_read(config->memory, control_gpa, access, sizeof(access)) < 0) {
		write_control(config, control_gpa, -EBUSY);
		return;
	}
	control = load_be32(access);
	length = load_be32(access + 4);
	gpa = load_be64(access + 8);
	if (control & CONTROL_SELECT)
		select_item(config, (uint16_t)(control >> CONTROL_KEY_SHIFT));
	if (control & CONTROL_READ) {
		start_read(config, control_gpa, gpa, length);
		return;
	}
	if (control & CONTROL_WRITE) {
		write_control(config, control_gpa, write_item(config, gpa, length));
		return;
	}
	if (control & CONTROL_SKIP)
		advance(config, length);
	write_control(config, control_gpa, 0);
}

static uint8_t read_data_port(struct fw_cfg *config)
{
	const struct item *item = find_item(config, config->key);
	uint8_t byte = 0;

	if (available(config, item, 1) > 0 && item->fd < 0)
		byte = item->bytes[config->offset];
	advance(config, 1);
	return byte;
}

static uint64_t fw_cfg_read(void *device, uint64_t offset, unsigned int size)
{
	struct fw_cfg *config = device;

	if (offset >= DMA_HIGH) {
		unsigned int shift = (unsigned int)(8 * (offset - DMA_HIGH));

		return htobe64(DMA_SIGNATURE) >> shift & (~0ULL >> (64 - 8 * size));
	}
	/* a transfer under way has the offset to itself */
	if (offset == DATA && size == 1 && !config->transfer.active)
		return read_data_port(config);
	return 0;
}

static void fw_cfg_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct fw_cfg *config = device;
	uint64_t address;

	if (offset == SELECTOR && size == 2 && !config->transfer.active) {
		select_item(config, (uint16_t)value);
	} else if (offset == DMA_HIGH && size == 4) {
		config->dma_high = be32toh((uint32_t)value);
	} else if (offset == DMA_LOW && size == 4) {
		address = (uint64_t)config->dma_high << 32 | be32toh((uint32_t)value);
		config->dma_high = 0;
		serve_access(config, address);
	}
}

static const struct address_range_ops fw_cfg_ops = {.read = fw_cfg_read, .write = fw_cfg_write};

static int make_item(const void *bytes, size_t size, struct item *ret_item)
{
	struct item item = {.fd = -1, .size = (uint32_t)size};

	if (size > UINT32_MAX)
		return -EFBIG;
	item.bytes = calloc(1, size ? size : 1);
	if (!item.bytes)
		return -ENOMEM;
	if (bytes)
		memcpy(item.bytes, bytes, size);
	*ret_item = item;
	return 0;
}

static int add_keyed(struct fw_cfg *config, uint16_t key, const struct item *item)
{
	if (find_item(config, key) || key == KEY_NONE)
		return -EEXIST;
	if (config->keyed_count == MAX_KEYED)
		return -ENOSPC;
	config->keyed[config->keyed_count++] = (struct keyed_item){key, *item};
	return 0;
}

int fw_cfg_add(struct fw_cfg *config, uint16_t key, const void *bytes, size_t size)
{
	struct item item;
	int r = make_item(bytes, size, &item);

	if (r < 0)
		return r;
	r = add_keyed(config, key, &item);
	if (r < 0)
		free(item.bytes);
	return r;
}

int fw_cfg_add_u16(struct fw_cfg *config, uint16_t key, uint16_t value)
{
	uint8_t bytes[2];

	store_le16(bytes, value);
	return fw_cfg_add(config, key, bytes, sizeof(bytes));
}

int fw_cfg_add_u32(struct fw_cfg *config, uint16_t key, uint32_t value)
{
	uint8_t bytes[4];

	store_le32(bytes, value);
	return fw_cfg_add(config, key, bytes, sizeof(bytes));
}

int fw_cfg_add_fd(struct fw_cfg *config, uint16_t key, int fd, uint64_t offset, uint32_t size)
{
	const struct item item = {.fd = fd, .fd_offset = offset, .size = size};

	return add_keyed(config, key, &item);
}

/* Where in the directory the name is or would be. */
static unsigned int place_of(const struct fw_cfg *config, const char *name)
{
	unsigned int at = 0;

	while (at < config->file_count && strcmp(config->files[at].name, name) < 0)
		at++;
	return at;
}

static void update_directory(struct fw_cfg *config)
{
	store_be32(config->directory_bytes, config->file_count);
	for (unsigned int i = 0; i < config->file_count; i++) {
		uint8_t *entry = config->directory_bytes + 4 + i * DIRECTORY_ENTRY_SIZE;

		store_be32(entry, config->files[i].item.size);
		store_be16(entry + 4, (uint16_t)(KEY_FIRST_FILE + i));
		memcpy(entry + 8, config->files[i].name, FW_CFG_NAME_SIZE);
	}
	config->directory.size = 4 + config->file_count * DIRECTORY_ENTRY_SIZE;
}

static int add_named(struct fw_cfg *config, const char *name, const struct item *item)
{
	unsigned int at = place_of(config, name);
	struct named_item file = {.item = *item};

	if (strlen(name) >= sizeof(file.name))
		return -ENAMETOOLONG;
	if (at < config->file_count && strcmp(config->files[at].name, name) == 0)
		return -EEXIST;
	if (config->file_count == FW_CFG_MAX_FILES)
		return -ENOSPC;
	strcpy(file.name, name);
	memmove(&config->files[at + 1], &config->files[at],
		(config->file_count - at) * sizeof(config->files[0]));
	config->files[at] = file;
	config->file_count++;
	update_directory(config);
	return 0;
}

int fw_cfg_add_file(struct fw_cfg *config, const char *name, const void *bytes, size_t size)
{
	struct item item;
	int r = make_item(bytes, size, &item);

	if (r < 0)
		return r;
	r = add_named(config, name, &item);
	if (r < 0)
		free(item.bytes);
	return r;
}

/* Of zeros. */
static int add_empty_file(struct fw_cfg *config, const char *name, size_t size, bool writable,
			  uint8_t **ret_bytes)
{
	struct item item;
	int r = make_item(NULL, size, &item);

	if (r < 0)
		return r;
	item.writable = writable;
	r = add_named(config, name, &item);
	if (r < 0)
		free(item.bytes);
	if (r == 0)
		*ret_bytes = item.bytes;
	return r;
}

int fw_cfg_add_changing_file(struct fw_cfg *config, const char *name, size_t size,
			     uint8_t **ret_bytes)
{
	return add_empty_file(config, name, size, /* writable= */ false, ret_bytes);
}

int fw_cfg_add_writable_file(struct fw_cfg *config, const char *name, size_t size,
			     const uint8_t **ret_bytes)
{
	uint8_t *bytes;
	int r = add_empty_file(config, name, size, /* writable= */ true, &bytes);

	if (r == 0)
		*ret_bytes = bytes;
	return r;
}

void fw_cfg_drain(struct fw_cfg *config)
{
	while (config->transfer.active)
		move_piece(config);
	event_timer_set(config->timer, 0);
}

void fw_cfg_reset(struct fw_cfg *config)
{
	config->transfer.active = false;
	config->dma_high = 0;
	select_item(config, KEY_NONE);
	for (unsigned int i = 0; i < config->file_count; i++) {
		struct item *item = &config->files[i].item;

		if (item->writable)
			memset(item->bytes, 0, item->size);
	}
}

static int add_fixed_items(struct fw_cfg *config)
{
	int r = fw_cfg_add(config, KEY_SIGNATURE, "QEMU", 4);

	if (r == 0)
		r = fw_cfg_add_u32(config, KEY_ID, ID_TRADITIONAL | ID_DMA);
	return r;
}

int fw_cfg_create(struct address_space *ports, struct guest_memory *memory, struct event_loop *loop,
		  struct fw_cfg **ret_config)
{
	struct fw_cfg *config = calloc(1, sizeof(*config));
	int r;

	if (!config)
		return -ENOMEM;
	config->memory = memory;
	config->key = KEY_NONE;
	config->directory = (struct item){.bytes = config->directory_bytes, .fd = -1};
	update_directory(config);
	r = add_fixed_items(config);
	if (r == 0)
		r = event_loop_add_timer(loop, on_timer, config, &config->timer);
	if (r == 0)
		r = address_space_add(ports, PORT_BASE, PORTS, &fw_cfg_ops, config);
	if (r < 0) {
		fw_cfg_destroy(config);
		return r;
	}
	*ret_config = config;
	return 0;
}

void fw_cfg_destroy(struct fw_cfg *config)
{
	if (!config)
		return;
	if (config->timer)
		event_timer_remove(config->timer);
	for (unsigned int i = 0; i < config->keyed_count; i++)
		free(config->keyed[i].item.bytes);
	for (unsigned int i = 0; i < config->file_count; i++)
		free(config->files[i].item.bytes);
	free(config);
}

void fw_cfg_save(const struct fw_cfg *config, struct state_writer *writer)
{
	assert(!config->transfer.active);
	state_writer_put16(writer, config->key);
	state_writer_put32(writer, config->offset);
	state_writer_put32(writer, config->dma_high);
	for (unsigned int i = 0; i < config->file_count; i++) {
		const struct item *item = &config->files[i].item;

		if (!item->writable)
			continue;
		state_writer_put32(writer, item->size);
		state_writer_put_bytes(writer, item->bytes, item->size);
	}
}

int fw_cfg_load(struct fw_cfg *config, struct state_reader *reader)
{
	config->key = state_reader_get16(reader);
	config->offset = state_reader_get32(reader);
	config->dma_high = state_reader_get32(reader);
	for (unsigned int i = 0; i < config->file_count; i++) {
		struct item *item = &config->files[i].item;

		if (item->writable &&
		    state_reader_check(reader, state_reader_get32(reader) == item->size,
				       "firmware was given other files"))
			state_reader_get_bytes(reader, item->bytes, item->size);
	}
	return state_reader_result(reader);
}

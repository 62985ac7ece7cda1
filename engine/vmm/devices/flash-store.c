/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See flash-store.h. The journal: a header, the numbers of the blocks (16 bits each), the blocks.
 * It counts when its digest, over all that follows the digest, is right.
 */
#include "devices/flash-store.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/fd.h"

enum {
	JOURNAL_MAGIC = 0,  /* 8 bytes */
	JOURNAL_DIGEST = 8, /* 8 bytes */
	JOURNAL_SIZE = 16,  /* of the chip, 8 bytes */
	JOURNAL_COUNT = 24, /* of blocks, 4 bytes */
	JOURNAL_NUMBERS = 32,
};

static const char magic[8] = {'I', 'N', 'N', 'K', 'F', 'L', 'S', 'H'};

struct flash_commit {
	uint64_t size; /* of the chip */
	uint32_t count;
	uint64_t length;   /* of the journal */
	uint8_t journal[]; /* all of it */
};

static size_t numbers_size(uint32_t count)
{
	return ((size_t)count * 2 + 7) & ~(size_t)7;
}

static uint64_t journal_length(uint32_t count)
{
	return JOURNAL_NUMBERS + numbers_size(count) + (uint64_t)count * FLASH_BLOCK_SIZE;
}

/* FNV-1a: what is looked for is a write cut off, not a forger. */
static uint64_t digest(const uint8_t *bytes, size_t length)
{
	uint64_t value = 0xcbf29ce484222325;

	for (size_t i = 0; i < length; i++)
		value = (value ^ bytes[i]) * 0x100000001b3;
	return value;
}

static uint64_t journal_digest(const uint8_t *journal, uint64_t length)
{
	return digest(journal + JOURNAL_SIZE, length - JOURNAL_SIZE);
}

static uint32_t block_number(const struct flash_commit *commit, uint32_t index)
{
	return load_le16(commit->journal + JOURNAL_NUMBERS + 2 * (size_t)index);
}

static const uint8_t *block(const struct flash_commit *commit, uint32_t index)
{
	return commit->journal + JOURNAL_NUMBERS + numbers_size(commit->count) +
	       (size_t)index * FLASH_BLOCK_SIZE;
}

static struct flash_commit *new_commit(uint64_t size, uint32_t count)
{
	uint64_t length = journal_length(count);
	struct flash_commit *commit = calloc(1, sizeof(*commit) + length);

	if (!commit)
		return NULL;
	commit->size = size;
	commit->count = count;
	commit->length = length;
	return commit;
}

static bool is_dirty(const uint64_t *dirty, uint64_t number)
{
	return dirty[number / 64] >> number % 64 & 1;
}

static uint32_t count_dirty(const uint64_t *dirty, uint64_t blocks)
{
	uint32_t count = 0;

	for (uint64_t i = 0; i < blocks; i++)
		count += is_dirty(dirty, i);
	return count;
}

struct flash_commit *flash_commit_take(const uint8_t *contents, uint64_t size,
				       const uint64_t *dirty)
{
	uint64_t blocks = size / FLASH_BLOCK_SIZE;
	struct flash_commit *commit = new_commit(size, count_dirty(dirty, blocks));
	uint8_t *numbers, *data;

	if (!commit)
		return NULL;
	memcpy(commit->journal + JOURNAL_MAGIC, magic, sizeof(magic));
	store_le64(commit->journal + JOURNAL_SIZE, size);
	store_le32(commit->journal + JOURNAL_COUNT, commit->count);
	numbers = commit->journal + JOURNAL_NUMBERS;
	data = numbers + numbers_size(commit->count);
	for (uint64_t i = 0; i < blocks; i++) {
		if (!is_dirty(dirty, i))
			continue;
		store_le16(numbers, (uint16_t)i);
		memcpy(data, contents + i * FLASH_BLOCK_SIZE, FLASH_BLOCK_SIZE);
		numbers += 2;
		data += FLASH_BLOCK_SIZE;
	}
	store_le64(commit->journal + JOURNAL_DIGEST,
		   journal_digest(commit->journal, commit->length));
	return commit;
}

void flash_commit_free(struct flash_commit *commit)
{
	free(commit);
}

static int sync_data(int fd)
{
	return fdatasync(fd) < 0 ? -errno : 0;
}

static int cut(int fd, uint64_t size)
{
	return ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
}

/* The journal is safe; what it says may now be done, again if it is cut off. */
static int write_in_place(const struct flash_commit *commit, int fd)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < commit->count; i++)
		r = fd_write_at(fd, block(commit, i), FLASH_BLOCK_SIZE,
				(uint64_t)block_number(commit, i) * FLASH_BLOCK_SIZE);
	if (r == 0)
		r = sync_data(fd);
	return r == 0 ? cut(fd, commit->size) : r;
}

int flash_commit_write(const struct flash_commit *commit, int fd)
{
	int r = fd_write_at(fd, commit->journal, commit->length, commit->size);

	if (r == 0)
		r = sync_data(fd);
	if (r < 0) {
		(void)cut(fd, commit->size);
		return r;
	}
	return write_in_place(commit, fd);
}

/* Whether a header is that of a journal for this chip that could be length bytes long. */
static bool header_fits(const uint8_t header[JOURNAL_NUMBERS], uint64_t size, uint64_t length)
{
	uint32_t count = load_le32(header + JOURNAL_COUNT);

	return memcmp(header + JOURNAL_MAGIC, magic, sizeof(magic)) == 0 &&
	       load_le64(header + JOURNAL_SIZE) == size && count <= size / FLASH_BLOCK_SIZE &&
	       journal_length(count) <= length;
}

static bool is_whole(const struct flash_commit *commit)
{
	if (load_le64(commit->journal + JOURNAL_DIGEST) !=
	    journal_digest(commit->journal, commit->length))
		return false;
	for (uint32_t i = 0; i < commit->count; i++) {
		if (block_number(commit, i) >= commit->size / FLASH_BLOCK_SIZE)
			return false;
	}
	return true;
}

/* The commit that was cut off behind the contents, if all of it is there. 0 or negative errno. */
static int read_journal(int fd, uint64_t size, uint64_t length, struct flash_commit **ret_commit)
{
	uint8_t header[JOURNAL_NUMBERS];
	struct flash_commit *commit;
	int r;

	*ret_commit = NULL;
	if (length < sizeof(header))
		return 0;
	r = fd_read_at(fd, header, sizeof(header), size);
	if (r < 0 || !header_fits(header, size, length))
		return r;
	commit = new_commit(size, load_le32(header + JOURNAL_COUNT));
	if (!commit)
		return -ENOMEM;
	r = fd_read_at(fd, commit->journal, commit->length, size);
	if (r < 0 || !is_whole(commit)) {
		flash_commit_free(commit);
		return r;
	}
	*ret_commit = commit;
	return 0;
}

static int recover(int fd, bool write, uint8_t *contents, uint64_t size, uint64_t length)
{
	struct flash_commit *commit;
	int r = read_journal(fd, size, length, &commit);

	if (r < 0)
		return r;
	if (!commit)
		return write ? cut(fd, size) : 0;
	for (uint32_t i = 0; i < commit->count; i++)
		memcpy(contents + (size_t)block_number(commit, i) * FLASH_BLOCK_SIZE,
		       block(commit, i), FLASH_BLOCK_SIZE);
	if (write)
		r = write_in_place(commit, fd);
	flash_commit_free(commit);
	return r;
}

int flash_store_open(int fd, bool write, uint8_t *contents, uint64_t size)
{
	struct stat status;
	int r;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size < size ||
	    (uint64_t)status.st_size > size + journal_length((uint32_t)(size / FLASH_BLOCK_SIZE)))
		return -EINVAL;
	r = fd_read_at(fd, contents, size, 0);
	if (r < 0 || (uint64_t)status.st_size == size)
		return r;
	return recover(fd, write, contents, size, (uint64_t)status.st_size - size);
}

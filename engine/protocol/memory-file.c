/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/memory-file.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/crc32c.h"
#include "base/fd.h"

enum { PAGE = 4096, SUM_SIZE = 4 };

#define SUM_OF_ZEROS 0x6cdf7abeU /* of a piece of them: much of a guest's memory is that */

static_assert(MEMORY_FILE_HEADER_FIRST_REGION + MEMORY_FILE_MAX_REGIONS * MEMORY_FILE_REGION_SIZE <=
		      MEMORY_FILE_HEADER_SIZE,
	      "all regions fit into the header");

static uint64_t whole_pages(uint64_t length)
{
	return (length + PAGE - 1) / PAGE * PAGE;
}

/* Where everything is, from the sizes, which are within their limits. */
static void lay_out(struct memory_file *file)
{
	uint64_t at = MEMORY_FILE_RAM + file->ram_size;

	for (unsigned int i = 0; i < file->region_count; i++) {
		file->regions[i].offset = at;
		at += whole_pages(file->regions[i].length);
	}
	file->sums_offset = at;
	file->state_offset = at + whole_pages(file->ram_size / MEMORY_FILE_PIECE * SUM_SIZE);
	file->length = file->state_offset + file->state_length;
}

/* Of the header as if its own field were zeros. */
static uint32_t checksum(const uint8_t header[MEMORY_FILE_HEADER_SIZE])
{
	const size_t behind = MEMORY_FILE_HEADER_CHECKSUM + SUM_SIZE;
	static const uint8_t zeros[SUM_SIZE];
	uint32_t crc = crc32c(0, header, MEMORY_FILE_HEADER_CHECKSUM);

	crc = crc32c(crc, zeros, sizeof(zeros));
	return crc32c(crc, header + behind, MEMORY_FILE_HEADER_SIZE - behind);
}

/* Writing */

static bool is_zero(const uint8_t *bytes, size_t length)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

static uint32_t sum_of_piece(const uint8_t *piece)
{
	return is_zero(piece, MEMORY_FILE_PIECE) ? SUM_OF_ZEROS
						 : crc32c(0, piece, MEMORY_FILE_PIECE);
}

/* The runs of pages that are not zero. */
static int write_piece(int fd, const uint8_t *piece, uint64_t offset)
{
	size_t from = 0, at = 0;
	int r = 0;

	while (r == 0 && at < MEMORY_FILE_PIECE) {
		bool hole = is_zero(piece + at, PAGE);

		if (hole && from < at)
			r = fd_write_at(fd, piece + from, at - from, offset + from);
		at += PAGE;
		if (hole)
			from = at;
	}
	return r < 0 || from == at ? r : fd_write_at(fd, piece + from, at - from, offset + from);
}

static int write_ram(int fd, const struct memory_file_contents *contents)
{
	int r = 0;

	for (uint64_t at = 0; r == 0 && at < contents->ram_size; at += MEMORY_FILE_PIECE) {
		uint8_t *piece = (uint8_t *)contents->ram + at;

		r = write_piece(fd, piece, MEMORY_FILE_RAM + at);
		store_le32(&contents->sums[at / MEMORY_FILE_PIECE], sum_of_piece(piece));
		if (contents->give_back)
			(void)madvise(piece, MEMORY_FILE_PIECE, MADV_DONTNEED);
	}
	return r;
}

static int write_regions(int fd, const struct memory_file_contents *contents,
			 struct memory_file *file)
{
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < file->region_count; i++) {
		const struct memory_file_source *source = &contents->regions[i];

		r = fd_write_at(fd, source->bytes, (size_t)source->length, file->regions[i].offset);
		file->regions[i].checksum = crc32c(0, source->bytes, (size_t)source->length);
	}
	return r;
}

static int write_sums(int fd, const struct memory_file_contents *contents, struct memory_file *file)
{
	size_t size = (size_t)(contents->ram_size / MEMORY_FILE_PIECE * SUM_SIZE);

	file->sums_checksum = crc32c(0, contents->sums, size);
	return fd_write_at(fd, contents->sums, size, file->sums_offset);
}

static void pack_header(const struct memory_file *file, uint8_t header[MEMORY_FILE_HEADER_SIZE])
{
	memset(header, 0, MEMORY_FILE_HEADER_SIZE);
	memcpy(header, MEMORY_FILE_MAGIC, MEMORY_FILE_HEADER_VERSION);
	store_le32(header + MEMORY_FILE_HEADER_VERSION, MEMORY_FILE_VERSION);
	store_le64(header + MEMORY_FILE_HEADER_RAM, file->ram_size);
	store_le32(header + MEMORY_FILE_HEADER_SUMS, file->sums_checksum);
	store_le32(header + MEMORY_FILE_HEADER_STATE, (uint32_t)file->state_length);
	store_le32(header + MEMORY_FILE_HEADER_REGIONS, file->region_count);
	for (unsigned int i = 0; i < file->region_count; i++) {
		const struct memory_file_region *region = &file->regions[i];
		uint8_t *entry =
			header + MEMORY_FILE_HEADER_FIRST_REGION + i * MEMORY_FILE_REGION_SIZE;

		memcpy(entry, region->name, MEMORY_FILE_NAME_SIZE);
		store_le64(entry + MEMORY_FILE_REGION_LENGTH, region->length);
		store_le32(entry + MEMORY_FILE_REGION_CHECKSUM, region->checksum);
	}
	store_le32(header + MEMORY_FILE_HEADER_CHECKSUM, checksum(header));
}

static void take_sizes(const struct memory_file_contents *contents, struct memory_file *file)
{
	*file = (struct memory_file){
		.ram_size = contents->ram_size,
		.region_count = contents->region_count,
		.state_length = contents->state_length,
	};
	for (unsigned int i = 0; i < contents->region_count; i++) {
		const struct memory_file_source *source = &contents->regions[i];
		size_t length = strlen(source->name);

		assert(length > 0 && length < MEMORY_FILE_NAME_SIZE &&
		       source->length <= MEMORY_FILE_MAX_PART);
		memcpy(file->regions[i].name, source->name, length);
		file->regions[i].length = source->length;
	}
	lay_out(file);
}

int memory_file_write(int fd, const struct memory_file_contents *contents)
{
	uint8_t header[MEMORY_FILE_HEADER_SIZE];
	struct memory_file file;
	int r;

	assert(contents->ram_size > 0 && contents->ram_size % MEMORY_FILE_PIECE == 0 &&
	       contents->ram_size <= MEMORY_FILE_MAX_RAM &&
	       contents->region_count <= MEMORY_FILE_MAX_REGIONS &&
	       contents->state_length <= MEMORY_FILE_MAX_STATE);
	take_sizes(contents, &file);
	if (ftruncate(fd, (off_t)file.length) < 0)
		return -errno;
	r = write_ram(fd, contents);
	if (r == 0)
		r = write_regions(fd, contents, &file);
	if (r == 0)
		r = write_sums(fd, contents, &file);
	if (r == 0)
		r = fd_write_at(fd, contents->state, contents->state_length, file.state_offset);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r < 0)
		return r;
	pack_header(&file, header);
	r = fd_write_at(fd, header, sizeof(header), 0);
	return r == 0 && fsync(fd) < 0 ? -errno : r;
}

/* Reading */

static int refuse(struct memory_file *file, const char *problem)
{
	file->problem = problem;
	return -EPROTO;
}

/* A file that ends where it should not has been cut off. */
static int read_part(int fd, struct memory_file *file, void *buffer, uint64_t length,
		     uint64_t offset)
{
	int r = fd_read_at(fd, buffer, (size_t)length, offset);

	return r == -ENODATA ? refuse(file, "it is not complete") : r;
}

static bool take_region(struct memory_file_region *region, const uint8_t *entry)
{
	memcpy(region->name, entry, MEMORY_FILE_NAME_SIZE);
	region->length = load_le64(entry + MEMORY_FILE_REGION_LENGTH);
	region->checksum = load_le32(entry + MEMORY_FILE_REGION_CHECKSUM);
	return region->name[0] != '\0' && region->name[MEMORY_FILE_NAME_SIZE - 1] == '\0' &&
	       region->length <= MEMORY_FILE_MAX_PART;
}

static int take_header(struct memory_file *file, const uint8_t header[MEMORY_FILE_HEADER_SIZE])
{
	static const char nonsense[] = "its sizes are not those of a machine";

	file->ram_size = load_le64(header + MEMORY_FILE_HEADER_RAM);
	file->sums_checksum = load_le32(header + MEMORY_FILE_HEADER_SUMS);
	file->state_length = load_le32(header + MEMORY_FILE_HEADER_STATE);
	file->region_count = load_le32(header + MEMORY_FILE_HEADER_REGIONS);
	if (file->ram_size == 0 || file->ram_size % MEMORY_FILE_PIECE != 0 ||
	    file->ram_size > MEMORY_FILE_MAX_RAM || file->state_length > MEMORY_FILE_MAX_STATE ||
	    file->region_count > MEMORY_FILE_MAX_REGIONS)
		return refuse(file, nonsense);
	for (unsigned int i = 0; i < file->region_count; i++) {
		if (!take_region(&file->regions[i], header + MEMORY_FILE_HEADER_FIRST_REGION +
							    i * MEMORY_FILE_REGION_SIZE))
			return refuse(file, nonsense);
	}
	lay_out(file);
	return 0;
}

static int check_header(struct memory_file *file, const uint8_t header[MEMORY_FILE_HEADER_SIZE])
{
	if (is_zero(header, MEMORY_FILE_HEADER_SIZE))
		return refuse(file, "it is not complete");
	if (memcmp(header, MEMORY_FILE_MAGIC, MEMORY_FILE_HEADER_VERSION) != 0)
		return refuse(file, "it is not the memory of a machine");
	if (load_le32(header + MEMORY_FILE_HEADER_VERSION) > MEMORY_FILE_VERSION)
		return refuse(file, "it was made by a newer version of Innkeeper");
	if (load_le32(header + MEMORY_FILE_HEADER_CHECKSUM) != checksum(header) ||
	    load_le32(header + MEMORY_FILE_HEADER_VERSION) == 0)
		return refuse(file, "it is damaged");
	return 0;
}

int memory_file_read(int fd, struct memory_file *ret_file)
{
	uint8_t header[MEMORY_FILE_HEADER_SIZE];
	uint64_t size;
	int r = fd_regular_size(fd, &size);

	*ret_file = (struct memory_file){0};
	if (r == -EINVAL)
		return refuse(ret_file, "it is not a file");
	if (r == 0)
		r = read_part(fd, ret_file, header, sizeof(header), 0);
	if (r == 0)
		r = check_header(ret_file, header);
	if (r == 0)
		r = take_header(ret_file, header);
	if (r == 0 && size < ret_file->length)
		r = refuse(ret_file, "it is not complete");
	return r;
}

const struct memory_file_region *memory_file_find(const struct memory_file *file, const char *name)
{
	for (unsigned int i = 0; i < file->region_count; i++) {
		if (strcmp(file->regions[i].name, name) == 0)
			return &file->regions[i];
	}
	return NULL;
}

int memory_file_read_region(int fd, struct memory_file *file,
			    const struct memory_file_region *region, void *buffer)
{
	int r = read_part(fd, file, buffer, region->length, region->offset);

	if (r == 0 && crc32c(0, buffer, (size_t)region->length) != region->checksum)
		r = refuse(file, "it is damaged");
	return r;
}

int memory_file_read_state(int fd, struct memory_file *file, void *buffer)
{
	return read_part(fd, file, buffer, file->state_length, file->state_offset);
}

/* Checking */

static int check_region(int fd, struct memory_file *file, const struct memory_file_region *region,
			uint8_t *buffer)
{
	uint32_t crc = 0;
	int r = 0;

	for (uint64_t at = 0; r == 0 && at < region->length; at += MEMORY_FILE_PIECE) {
		uint64_t left = region->length - at;
		uint64_t length = left < MEMORY_FILE_PIECE ? left : MEMORY_FILE_PIECE;

		r = read_part(fd, file, buffer, length, region->offset + at);
		crc = crc32c(crc, buffer, (size_t)length);
	}
	return r == 0 && crc != region->checksum ? refuse(file, "it is damaged") : r;
}

/*
 * Whether there is nothing but a hole in [at, at + MEMORY_FILE_PIECE), which the kernel would read
 * into memory as zeros. *data: where the hole ends in which at is, when that is known.
 */
static bool is_hole(int fd, uint64_t at, uint64_t *data)
{
	if (*data <= at) {
		off_t found = lseek(fd, (off_t)at, SEEK_DATA);

		*data = found < 0 ? at : (uint64_t)found;
	}
	return *data >= at + MEMORY_FILE_PIECE;
}

static int sum_piece(int fd, struct memory_file *file, uint64_t offset, uint64_t *data,
		     uint8_t *buffer, uint32_t *ret_sum)
{
	int r;

	*ret_sum = SUM_OF_ZEROS;
	if (is_hole(fd, offset, data))
		return 0;
	r = read_part(fd, file, buffer, MEMORY_FILE_PIECE, offset);
	if (r == 0)
		*ret_sum = sum_of_piece(buffer);
	return r;
}

int memory_file_check_ram(int fd, struct memory_file *file, void *buffer,
			  bool (*moved)(void *data, uint64_t done, uint64_t total), void *data)
{
	uint64_t hole_end = 0;
	uint8_t wanted[SUM_SIZE];
	uint32_t crc = 0, sum = 0;
	int r = 0;

	for (uint64_t at = 0; r == 0 && at < file->ram_size; at += MEMORY_FILE_PIECE) {
		if (moved && !moved(data, at, file->ram_size))
			return -ECANCELED;
		r = read_part(fd, file, wanted, SUM_SIZE,
			      file->sums_offset + at / MEMORY_FILE_PIECE * SUM_SIZE);
		if (r == 0)
			r = sum_piece(fd, file, MEMORY_FILE_RAM + at, &hole_end, buffer, &sum);
		if (r == 0 && sum != load_le32(wanted))
			r = refuse(file, "it is damaged");
		crc = crc32c(crc, wanted, SUM_SIZE);
	}
	return r == 0 && crc != file->sums_checksum ? refuse(file, "it is damaged") : r;
}

int memory_file_check(int fd, struct memory_file *file,
		      bool (*moved)(void *data, uint64_t done, uint64_t total), void *data)
{
	uint8_t *buffer = malloc(MEMORY_FILE_PIECE);
	int r = buffer ? memory_file_check_ram(fd, file, buffer, moved, data) : -ENOMEM;

	for (unsigned int i = 0; r == 0 && i < file->region_count; i++)
		r = check_region(fd, file, &file->regions[i], buffer);
	free(buffer);
	return r;
}

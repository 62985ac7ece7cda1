/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Replays a corpus through a fuzz target without libFuzzer: every file of the directory given,
 * then every file cut at a few places and with a few bits turned, the same ones each time.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT_SIZE = 1 << 20, MUTATIONS = 200 };

static uint32_t next_random(uint32_t *state)
{
	/* xorshift32: the same sequence on every machine */
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* A heap copy of exactly the input's size, so that a sanitizer sees a read past its end. */
static void run_once(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void run_mutations(uint8_t *data, size_t size)
{
	uint32_t state = 0x1ee7 + (uint32_t)size;

	for (size_t cut = size; cut > 0; cut /= 2)
		run_once(data, cut - 1);
	for (int i = 0; size > 0 && i < MUTATIONS; i++) {
		size_t at = next_random(&state) % size;
		uint8_t old = data[at];

		data[at] ^= (uint8_t)(1u << (next_random(&state) % 8));
		run_once(data, size);
		if (i % 2)
			data[at] = old;
	}
}

static int run_file(const char *directory, const char *name, uint8_t *buffer)
{
	char path[4096];
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "rb");
	if (!file)
		return -1;
	size = fread(buffer, 1, MAX_INPUT_SIZE, file);
	fclose(file);
	run_once(buffer, size);
	run_mutations(buffer, size);
	return 0;
}

int main(int argc, char **argv)
{
	uint8_t *buffer = malloc(MAX_INPUT_SIZE);
	unsigned int inputs = 0;
	struct dirent *entry;
	DIR *directory;

	if (argc != 2 || !buffer) {
		fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
		return 2;
	}
	directory = opendir(argv[1]);
	if (!directory) {
		perror(argv[1]);
		return 1;
	}
	run_once(buffer, 0);
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		if (run_file(argv[1], entry->d_name, buffer) < 0) {
			perror(entry->d_name);
			return 1;
		}
		inputs++;
	}
	closedir(directory);
	free(buffer);
	if (inputs == 0) {
		fprintf(stderr, "%s: no input in the corpus\n", argv[1]);
		return 1;
	}
	printf("%u inputs replayed\n", inputs);
	return 0;
}

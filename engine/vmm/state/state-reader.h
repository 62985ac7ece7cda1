/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads the state of a machine (state-format.h). The bytes come from a file that anybody may have
 * made: they are checked as a whole before the first section, and what a part takes from its
 * section it checks as it does what a guest writes.
 *
 * The first thing that is wrong stays in reader->problem; from then on every value reads as zero,
 * so that a load function can take all it needs and ask once. Nothing here allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/state-format.h"

struct state_reader {
	const uint8_t *bytes;
	size_t length;
	uint32_t sections, taken; /* in all; opened so far */
	const char *problem;      /* a constant for a person, NULL: none so far */
	/* the section that is open, or was when the problem came up */
	char name[STATE_NAME_SIZE];
	uint32_t version;
	const uint8_t *at, *end;
};

/* Checks all but the payloads. bytes: borrowed, must not change. 0 or -EPROTO. */
int state_reader_init(struct state_reader *reader, const void *bytes, size_t length);
/* Whether every section has been opened: what is left belongs to another machine. 0 or -EPROTO. */
int state_reader_finish(struct state_reader *reader);

/* Whether there is a section of this name. */
bool state_reader_has(const struct state_reader *reader, const char *name);
/*
 * Opens the section of this name, of this version or an older one (from 1 on): reader->version says
 * which. Each once. 0 or -EPROTO.
 */
int state_reader_begin(struct state_reader *reader, const char *name, uint32_t version);
/* 0, or -EPROTO: there was a problem in it, or there is more in it than was taken. */
int state_reader_end(struct state_reader *reader);

/* From the open section. */
uint8_t state_reader_get8(struct state_reader *reader);
uint16_t state_reader_get16(struct state_reader *reader);
uint32_t state_reader_get32(struct state_reader *reader);
uint64_t state_reader_get64(struct state_reader *reader);
bool state_reader_get_bool(struct state_reader *reader);
void state_reader_get_bytes(struct state_reader *reader, void *bytes, size_t length);

/* What was read is not so: problem (a constant) is what is wrong. Whether all is well so far. */
bool state_reader_check(struct state_reader *reader, bool fine, const char *problem);
/* 0, or -EPROTO when there has been a problem. */
int state_reader_result(const struct state_reader *reader);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why an image cannot be used. The caller has the sentence for it.
 */
#pragma once

enum image_problem {
	IMAGE_GOOD,
	IMAGE_SYSTEM_ERROR, /* the errno that comes with it says which */
	IMAGE_NOT_QCOW2,
	IMAGE_TRUNCATED, /* tables are behind the end of the file */
	IMAGE_VERSION,   /* of qcow2: neither 2 nor 3 */
	IMAGE_BAD_HEADER,
	IMAGE_BAD_TABLES,
	IMAGE_TOO_LARGE, /* more tables than we hold in memory */
	IMAGE_ENCRYPTED,
	IMAGE_EXTERNAL_DATA,
	IMAGE_UNKNOWN_FEATURE,
	IMAGE_UNKNOWN_COMPRESSION,
	IMAGE_DIRTY,                  /* was not closed properly; may be read only */
	IMAGE_CORRUPT,                /* says so itself; may be read only */
	IMAGE_BACKING_FORMAT_MISSING, /* guessing it would let a guest choose */
	IMAGE_BACKING_FORMAT_UNKNOWN,
	IMAGE_BACKING_REMOTE,    /* no file of this computer */
	IMAGE_BACKING_NOT_GIVEN, /* the image names one */
	IMAGE_BACKING_NOT_NAMED, /* one was given */
	IMAGE_CHAIN_LOOP,
	IMAGE_CHAIN_TOO_LONG,
};

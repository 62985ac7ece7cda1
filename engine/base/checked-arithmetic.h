/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Arithmetic on values that a guest or a peer chose: nothing here wraps.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Whether [offset, offset + length) lies inside [0, size). Never overflows. */
static inline bool range_fits(uint64_t offset, uint64_t length, uint64_t size)
{
	return offset <= size && length <= size - offset;
}

/* Sum of both in *ret_sum; false, and *ret_sum untouched, when it does not fit in 64 bits. */
static inline bool checked_add(uint64_t a, uint64_t b, uint64_t *ret_sum)
{
	uint64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return false;
	*ret_sum = sum;
	return true;
}

/* Product of both in *ret_product; false, and untouched, when it does not fit in 64 bits. */
static inline bool checked_multiply(uint64_t a, uint64_t b, uint64_t *ret_product)
{
	uint64_t product;

	if (__builtin_mul_overflow(a, b, &product))
		return false;
	*ret_product = product;
	return true;
}

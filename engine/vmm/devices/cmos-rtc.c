/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Motorola MC146818: real-time clock plus RAM, as PCs have it at ports 0x70 and 0x71, 128 bytes.
 *
 * The time is the host's (UTC) plus what the guest has set it off by. It is computed when it is
 * read, so there is never an update in progress. No interrupt is wired to it: the DSDT gives the
 * clock none, systems then take the time from it and set alarms elsewhere.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "bus/address-space.h"
#include "devices/devices.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

enum {
	PORT_BASE = 0x70,
	PORTS = 2,
	BYTES = 128,

	SECONDS = 0x00,
	MINUTES = 0x02,
	HOURS = 0x04,
	WEEKDAY = 0x06,
	DAY = 0x07,
	MONTH = 0x08,
	YEAR = 0x09,
	REGISTER_A = 0x0a,
	REGISTER_B = 0x0b,
	REGISTER_C = 0x0c,
	REGISTER_D = 0x0d,
	EXTENDED_LOW = 0x30, /* KiB from 1 MiB to 64 MiB, two places, two bytes each */
	EXTENDED_HIGH = 0x31,
	CENTURY = 0x32,
	ABOVE_16M_LOW = 0x34, /* 64 KiB units from 16 MiB to 4 GiB */
	ABOVE_16M_HIGH = 0x35,
	ABOVE_4G = 0x5b, /* 64 KiB units from 4 GiB, three bytes */
	VCPUS_LESS_ONE = 0x5f,

	A_32768_HZ = 0x26,
	B_24_HOURS = 1 << 1,
	B_BINARY = 1 << 2,
	B_SET = 1 << 7, /* the clock stands still while it is being set */
	D_VALID = 1 << 7,
	HOUR_PM = 1 << 7,

	SECONDS_PER_DAY = 86400,
};

/* No date that a guest can write is so far away. */
#define OFFSET_MAX (1LL << 40)

struct cmos_rtc {
	uint8_t index;
	int64_t offset; /* seconds the guest's clock is ahead of the host's */
	uint8_t bytes[BYTES];
};

static uint8_t encode(const struct cmos_rtc *rtc, int value)
{
	if (rtc->bytes[REGISTER_B] & B_BINARY)
		return (uint8_t)value;
	return (uint8_t)(value / 10 << 4 | value % 10);
}

static int decode(const struct cmos_rtc *rtc, uint8_t byte)
{
	if (rtc->bytes[REGISTER_B] & B_BINARY)
		return byte;
	return (byte >> 4) * 10 + (byte & 0xf);
}

static uint8_t encode_hour(const struct cmos_rtc *rtc, int hour)
{
	int twelve = hour % 12 == 0 ? 12 : hour % 12;

	if (rtc->bytes[REGISTER_B] & B_24_HOURS)
		return encode(rtc, hour);
	return encode(rtc, twelve) | (hour >= 12 ? HOUR_PM : 0);
}

static int decode_hour(const struct cmos_rtc *rtc)
{
	uint8_t byte = rtc->bytes[HOURS];

	if (rtc->bytes[REGISTER_B] & B_24_HOURS)
		return decode(rtc, byte);
	return decode(rtc, byte & ~HOUR_PM) % 12 + (byte & HOUR_PM ? 12 : 0);
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month] + (month == 1 && is_leap(year));
}

/*
 * Days since 1 January 1970, both ways. Not gmtime() and timegm(): those look for the host's time
 * zone in a file, which the sandbox does not let them open. month: 0 to 11.
 */
static int64_t days_from_date(int year, int month, int day)
{
	int64_t days = day - 1;

	for (int y = 1970; y < year; y++)
		days += is_leap(y) ? 366 : 365;
	for (int m = 0; m < month; m++)
		days += days_of_month(year, m);
	return days;
}

static void date_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
	int year = 1970, month = 0;

	while (days >= (is_leap(year) ? 366 : 365))
		days -= is_leap(year++) ? 366 : 365;
	while (days >= days_of_month(year, month))
		days -= days_of_month(year, month++);
	*ret_year = year;
	*ret_month = month;
	*ret_day = (int)days + 1;
}

/* Brings the clock's bytes to the present. */
static void update(struct cmos_rtc *rtc)
{
	int64_t now = (int64_t)time(NULL) + rtc->offset;
	int64_t days = now > 0 ? now / SECONDS_PER_DAY : 0;
	int seconds = now > 0 ? (int)(now % SECONDS_PER_DAY) : 0;
	int year, month, day;

	if (rtc->bytes[REGISTER_B] & B_SET)
		return;
	date_from_days(days, &year, &month, &day);
	rtc->bytes[SECONDS] = encode(rtc, seconds % 60);
	rtc->bytes[MINUTES] = encode(rtc, seconds / 60 % 60);
	rtc->bytes[HOURS] = encode_hour(rtc, seconds / 3600);
	rtc->bytes[WEEKDAY] = encode(rtc, (int)((days + 4) % 7) + 1); /* it was a Thursday */
	rtc->bytes[DAY] = encode(rtc, day);
	rtc->bytes[MONTH] = encode(rtc, month + 1);
	rtc->bytes[YEAR] = encode(rtc, year % 100);
	rtc->bytes[CENTURY] = encode(rtc, year / 100 % 100);
}

/* The guest has written the time: from now on the clock runs from there. */
static void set_clock(struct cmos_rtc *rtc)
{
	int year = decode(rtc, rtc->bytes[CENTURY]) * 100 + decode(rtc, rtc->bytes[YEAR]);
	int month = decode(rtc, rtc->bytes[MONTH]) - 1, day = decode(rtc, rtc->bytes[DAY]);
	int64_t set;

	if (month < 0 || month > 11 || day < 1 || day > days_of_month(year, month))
		return; /* while a date is being written byte by byte it can be an odd one */
	set = days_from_date(year, month, day) * SECONDS_PER_DAY + decode_hour(rtc) * 3600LL +
	      decode(rtc, rtc->bytes[MINUTES]) * 60LL + decode(rtc, rtc->bytes[SECONDS]);
	rtc->offset = set - (int64_t)time(NULL);
}

static bool is_clock_byte(uint8_t index)
{
	return index == SECONDS || index == MINUTES || index == HOURS ||
	       (index >= WEEKDAY && index <= YEAR) || index == CENTURY;
}

static void write_register_b(struct cmos_rtc *rtc, uint8_t value)
{
	bool was_set = rtc->bytes[REGISTER_B] & B_SET;

	update(rtc); /* so that it stands still at the present */
	rtc->bytes[REGISTER_B] = value;
	if (was_set && !(value & B_SET))
		set_clock(rtc);
}

static void write_byte(struct cmos_rtc *rtc, uint8_t index, uint8_t value)
{
	switch (index) {
	case REGISTER_A:
		rtc->bytes[index] = value & 0x7f; /* bit 7: update in progress, never */
		return;
	case REGISTER_B:
		write_register_b(rtc, value);
		return;
	case REGISTER_C:
	case REGISTER_D:
		return;
	}
	if (!is_clock_byte(index)) {
		rtc->bytes[index] = value;
		return;
	}
	update(rtc);
	rtc->bytes[index] = value;
	if (!(rtc->bytes[REGISTER_B] & B_SET))
		set_clock(rtc);
}

static uint64_t cmos_read(void *device, uint64_t offset, unsigned int size)
{
	struct cmos_rtc *rtc = device;

	if (offset == 0)
		return size == 1 ? 0xff : 0xff | (uint64_t)cmos_read(device, 1, 1) << 8;
	if (is_clock_byte(rtc->index))
		update(rtc);
	return rtc->bytes[rtc->index];
}

static void cmos_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct cmos_rtc *rtc = device;

	if (offset == 0) {
		rtc->index = value & (BYTES - 1); /* bit 7 masks NMI, which nothing raises */
		value >>= 8;
	}
	if (offset == 1 || size > 1)
		write_byte(rtc, rtc->index, (uint8_t)value);
}

static const struct address_range_ops cmos_ops = {.read = cmos_read, .write = cmos_write};

static void store_memory_size(struct cmos_rtc *rtc, uint64_t low, uint64_t high)
{
	const uint64_t mebibyte = 1 << 20;
	uint64_t extended = low > 64 * mebibyte ? 63 * 1024 : (low - mebibyte) >> 10;
	uint64_t above_16m = low > 16 * mebibyte ? (low - 16 * mebibyte) >> 16 : 0;
	uint64_t above_4g = high >> 16;

	rtc->bytes[EXTENDED_LOW] = (uint8_t)extended;
	rtc->bytes[EXTENDED_HIGH] = (uint8_t)(extended >> 8);
	rtc->bytes[ABOVE_16M_LOW] = (uint8_t)above_16m;
	rtc->bytes[ABOVE_16M_HIGH] = (uint8_t)(above_16m >> 8);
	for (int i = 0; i < 3; i++)
		rtc->bytes[ABOVE_4G + i] = (uint8_t)(above_4g >> (8 * i));
}

int cmos_rtc_create(struct address_space *ports, uint64_t low, uint64_t high, unsigned int vcpus,
		    struct cmos_rtc **ret_rtc)
{
	struct cmos_rtc *rtc = calloc(1, sizeof(*rtc));
	int r;

	if (!rtc)
		return -ENOMEM;
	rtc->bytes[REGISTER_A] = A_32768_HZ;
	rtc->bytes[REGISTER_B] = B_24_HOURS;
	rtc->bytes[REGISTER_D] = D_VALID;
	rtc->bytes[VCPUS_LESS_ONE] = (uint8_t)(vcpus - 1);
	store_memory_size(rtc, low, high);
	r = address_space_add(ports, PORT_BASE, PORTS, &cmos_ops, rtc);
	if (r < 0) {
		free(rtc);
		return r;
	}
	*ret_rtc = rtc;
	return 0;
}

void cmos_rtc_destroy(struct cmos_rtc *rtc)
{
	free(rtc);
}

/* It goes on with this computer's clock: the time passes for a machine that is saved, too. */
void cmos_rtc_save(const struct cmos_rtc *rtc, struct state_writer *writer)
{
	state_writer_put8(writer, rtc->index);
	state_writer_put64(writer, (uint64_t)rtc->offset);
	state_writer_put_bytes(writer, rtc->bytes, sizeof(rtc->bytes));
}

int cmos_rtc_load(struct cmos_rtc *rtc, struct state_reader *reader)
{
	uint8_t index = state_reader_get8(reader);
	int64_t offset = (int64_t)state_reader_get64(reader);

	state_reader_check(reader, index < BYTES, "the clock has no such register");
	state_reader_check(reader, offset >= -OFFSET_MAX && offset <= OFFSET_MAX,
			   "the clock is too far off");
	if (state_reader_result(reader) < 0)
		return state_reader_result(reader);
	rtc->index = index;
	rtc->offset = offset;
	state_reader_get_bytes(reader, rtc->bytes, sizeof(rtc->bytes));
	/* as a guest cannot have written them */
	rtc->bytes[REGISTER_A] &= 0x7f;
	rtc->bytes[REGISTER_C] = 0;
	rtc->bytes[REGISTER_D] = D_VALID;
	return state_reader_result(reader);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/ps2-scancode.h"

#include <linux/input-event-codes.h>
#include <string.h>

enum {
	RELEASE_SET_1 = 0x80, /* added to the code */
	EXTENDED = 0xe0,
	SET_1_CODES = 0x80,
	SAME_CODES = 88, /* up to here the kernel's codes are those of set 1 */
};

/* clang-format off */
/* What a key has in set 2, by what it has in set 1. */
static const uint8_t set_2_codes[SET_1_CODES] = {
	0x00, 0x76, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45,
	0x4e, 0x55, 0x66, 0x0d, 0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43,
	0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x14, 0x1c, 0x1b, 0x23, 0x2b, 0x34, 0x33,
	0x3b, 0x42, 0x4b, 0x4c, 0x52, 0x0e, 0x12, 0x5d, 0x1a, 0x22, 0x21, 0x2a,
	0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7c, 0x11, 0x29, 0x58, 0x05,
	0x06, 0x04, 0x0c, 0x03, 0x0b, 0x83, 0x0a, 0x01, 0x09, 0x77, 0x7e, 0x6c,
	0x75, 0x7d, 0x7b, 0x6b, 0x73, 0x74, 0x79, 0x69, 0x72, 0x7a, 0x70, 0x71,
	0x84, 0x60, 0x61, 0x78, 0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f,
	0x47, 0x4f, 0x56, 0x5e, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38, 0x40,
	0x48, 0x50, 0x57, 0x6f, 0x13, 0x19, 0x39, 0x51, 0x53, 0x5c, 0x5f, 0x62,
	0x63, 0x64, 0x65, 0x67, 0x68, 0x6a, 0x6d, 0x6e,
};

/* The keys beyond SAME_CODES, in set 1. */
static const struct {
	uint8_t key;
	uint8_t code;
	bool extended;
} more_keys[] = {
	{KEY_RO, 0x73, false},             {KEY_HENKAN, 0x79, false},
	{KEY_KATAKANAHIRAGANA, 0x70, false}, {KEY_MUHENKAN, 0x7b, false},
	{KEY_KPENTER, 0x1c, true},         {KEY_RIGHTCTRL, 0x1d, true},
	{KEY_KPSLASH, 0x35, true},         {KEY_RIGHTALT, 0x38, true},
	{KEY_HOME, 0x47, true},            {KEY_UP, 0x48, true},
	{KEY_PAGEUP, 0x49, true},          {KEY_LEFT, 0x4b, true},
	{KEY_RIGHT, 0x4d, true},           {KEY_END, 0x4f, true},
	{KEY_DOWN, 0x50, true},            {KEY_PAGEDOWN, 0x51, true},
	{KEY_INSERT, 0x52, true},          {KEY_DELETE, 0x53, true},
	{KEY_MUTE, 0x20, true},            {KEY_VOLUMEDOWN, 0x2e, true},
	{KEY_VOLUMEUP, 0x30, true},        {KEY_POWER, 0x5e, true},
	{KEY_KPEQUAL, 0x59, false},        {KEY_KPCOMMA, 0x7e, false},
	{KEY_YEN, 0x7d, false},            {KEY_LEFTMETA, 0x5b, true},
	{KEY_RIGHTMETA, 0x5c, true},       {KEY_COMPOSE, 0x5d, true},
	{KEY_STOP, 0x68, true},            {KEY_CALC, 0x21, true},
	{KEY_SLEEP, 0x5f, true},           {KEY_WAKEUP, 0x63, true},
	{KEY_MAIL, 0x6c, true},            {KEY_BOOKMARKS, 0x66, true},
	{KEY_COMPUTER, 0x6b, true},        {KEY_BACK, 0x6a, true},
	{KEY_FORWARD, 0x69, true},         {KEY_NEXTSONG, 0x19, true},
	{KEY_PLAYPAUSE, 0x22, true},       {KEY_PREVIOUSSONG, 0x10, true},
	{KEY_STOPCD, 0x24, true},          {KEY_HOMEPAGE, 0x32, true},
	{KEY_REFRESH, 0x67, true},         {KEY_SEARCH, 0x65, true},
};

/* Keys with a history: both send what the keys they once shared a place with did. */
static const uint8_t print_set_1[2][4] = {{0xe0, 0xb7, 0xe0, 0xaa}, {0xe0, 0x2a, 0xe0, 0x37}};
static const uint8_t print_set_2[2][6] = {
	{0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12}, {0xe0, 0x12, 0xe0, 0x7c}};
/* Down and up at once. */
static const uint8_t pause_set_1[] = {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5};
static const uint8_t pause_set_2[] = {0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77};
/* clang-format on */

static size_t put(uint8_t bytes[PS2_SCANCODE_MAX], const uint8_t *from, size_t length)
{
	memcpy(bytes, from, length);
	return length;
}

static size_t encode_print(unsigned int set, bool down, uint8_t bytes[PS2_SCANCODE_MAX])
{
	if (set == 1)
		return put(bytes, print_set_1[down], sizeof(print_set_1[down]));
	return put(bytes, print_set_2[down], down ? 4 : 6);
}

static size_t encode_pause(unsigned int set, bool down, uint8_t bytes[PS2_SCANCODE_MAX])
{
	if (!down)
		return 0;
	return set == 1 ? put(bytes, pause_set_1, sizeof(pause_set_1))
			: put(bytes, pause_set_2, sizeof(pause_set_2));
}

/* What the key has in set 1; false: nothing. */
static bool find(uint16_t key, uint8_t *ret_code, bool *ret_extended)
{
	*ret_extended = false;
	if (key > KEY_RESERVED && key <= SAME_CODES) {
		*ret_code = (uint8_t)key;
		return true;
	}
	for (size_t i = 0; i < sizeof(more_keys) / sizeof(more_keys[0]); i++) {
		if (more_keys[i].key == key) {
			*ret_code = more_keys[i].code;
			*ret_extended = more_keys[i].extended;
			return true;
		}
	}
	return false;
}

size_t ps2_scancode_encode(unsigned int set, uint16_t key, bool down,
			   uint8_t bytes[PS2_SCANCODE_MAX])
{
	size_t length = 0;
	bool extended;
	uint8_t code;

	if (key == KEY_SYSRQ)
		return encode_print(set, down, bytes);
	if (key == KEY_PAUSE)
		return encode_pause(set, down, bytes);
	if (!find(key, &code, &extended))
		return 0;
	if (extended)
		bytes[length++] = EXTENDED;
	if (set == 1) {
		bytes[length++] = down ? code : code | RELEASE_SET_1;
		return length;
	}
	if (!down)
		bytes[length++] = PS2_SCANCODE_RELEASE;
	bytes[length++] = set_2_codes[code];
	return length;
}

uint8_t ps2_scancode_translate(uint8_t byte)
{
	for (unsigned int code = 1; code < SET_1_CODES; code++) {
		if (set_2_codes[code] == byte)
			return (uint8_t)code;
	}
	return byte;
}

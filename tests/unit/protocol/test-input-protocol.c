/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/input-protocol.h"

#include <errno.h>
#include <glib.h>
#include <linux/input-event-codes.h>

static void test_validate(void)
{
	const struct {
		struct input_event event;
		int expected;
	} cases[] = {
		{{INPUT_KEY, KEY_A, 1, 0, 0}, 0},
		{{INPUT_KEY, KEY_A, 0, 0, 0}, 0},
		{{INPUT_KEY, INPUT_MAX_KEY, 1, 0, 0}, 0},
		{{INPUT_KEY, KEY_A, 2, 0, 0}, -EINVAL},
		{{INPUT_KEY, KEY_A, 1, 1, 0}, -EINVAL},
		{{INPUT_KEY, KEY_RESERVED, 1, 0, 0}, -EINVAL},
		{{INPUT_KEY, INPUT_MAX_KEY + 1, 1, 0, 0}, -EINVAL},
		{{INPUT_KEY, BTN_LEFT, 1, 0, 0}, -EINVAL},
		{{INPUT_BUTTON, BTN_LEFT, 1, 0, 0}, 0},
		{{INPUT_BUTTON, BTN_TASK, 0, 0, 0}, 0},
		{{INPUT_BUTTON, BTN_TASK + 1, 1, 0, 0}, -EINVAL},
		{{INPUT_BUTTON, KEY_A, 1, 0, 0}, -EINVAL},
		{{INPUT_BUTTON, BTN_LEFT, -1, 0, 0}, -EINVAL},
		{{INPUT_POSITION, 0, 0, INPUT_POSITION_MAX, 0}, 0},
		{{INPUT_POSITION, 0, -1, 0, 0}, -EINVAL},
		{{INPUT_POSITION, 0, 0, INPUT_POSITION_MAX + 1, 0}, -EINVAL},
		{{INPUT_POSITION, 1, 0, 0, 0}, -EINVAL},
		{{INPUT_MOTION, 0, -INPUT_MAX_STEPS, INPUT_MAX_STEPS, 0}, 0},
		{{INPUT_MOTION, 0, INT32_MIN, 0, 0}, -EINVAL},
		{{INPUT_WHEEL, 0, 0, -1, 0}, 0},
		{{INPUT_WHEEL, 0, 0, INPUT_MAX_STEPS + 1, 0}, -EINVAL},
		{{0, 0, 0, 0, 0}, -EOPNOTSUPP},
		{{INPUT_WHEEL + 1, 0, 0, 0, 0}, -EOPNOTSUPP},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpint(input_event_validate(&cases[i].event), ==, cases[i].expected);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/input-protocol/validate", test_validate);
	return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/iov.h"

#include <glib.h>
#include <string.h>

struct vector {
	char text[12];
	struct iovec iov[4];
};

/* "abc" "" "defgh" "ijkl", so that edges fall inside, between and on empty elements. */
static void vector_init(struct vector *vector)
{
	memcpy(vector->text, "abcdefghijkl", 12);
	vector->iov[0] = (struct iovec){vector->text, 3};
	vector->iov[1] = (struct iovec){vector->text + 3, 0};
	vector->iov[2] = (struct iovec){vector->text + 3, 5};
	vector->iov[3] = (struct iovec){vector->text + 8, 4};
}

static void test_copy(void)
{
	struct vector vector;
	char buffer[13] = "";

	vector_init(&vector);
	g_assert_cmpuint(iov_length(vector.iov, 4), ==, 12);
	for (size_t offset = 0; offset <= 12; offset++) {
		size_t left = 12 - offset;

		memset(buffer, 0, sizeof(buffer));
		g_assert_cmpuint(iov_read(vector.iov, 4, offset, buffer, 12), ==, left);
		g_assert_cmpstr(buffer, ==, &"abcdefghijkl"[offset]);
	}
	g_assert_cmpuint(iov_read(vector.iov, 4, 13, buffer, 12), ==, 0);
	g_assert_cmpuint(iov_write(vector.iov, 4, 2, "XYZ", 3), ==, 3);
	g_assert_cmpmem(vector.text, 12, "abXYZfghijkl", 12);
	g_assert_cmpuint(iov_write(vector.iov, 4, 11, "XYZ", 3), ==, 1);
	g_assert_cmpmem(vector.text, 12, "abXYZfghijkX", 12);
}

static void test_slice(void)
{
	struct vector vector;
	struct iovec slice[4];
	char buffer[13];

	vector_init(&vector);
	for (unsigned int offset = 0; offset < 12; offset++) {
		for (unsigned int length = 1; length <= 12 - offset; length++) {
			unsigned int n = iov_slice(vector.iov, 4, offset, length, slice);

			g_assert_cmpuint(n, ==, iov_slice(vector.iov, 4, offset, length, NULL));
			g_assert_cmpuint(iov_length(slice, n), ==, length);
			iov_read(slice, n, 0, buffer, 12);
			g_assert_cmpmem(buffer, length, &"abcdefghijkl"[offset], length);
			for (unsigned int i = 0; i < n; i++)
				g_assert_cmpuint(slice[i].iov_len, >, 0);
		}
	}
}

static void test_cut(void)
{
	for (unsigned int front = 0; front <= 13; front++) {
		for (unsigned int kept = 0; kept <= 13; kept++) {
			unsigned int expected = front >= 12 ? 0 : MIN(kept, 12 - front);
			char buffer[13] = "";
			struct vector vector;
			struct iovec *iov = vector.iov;
			unsigned int count = 4;

			vector_init(&vector);
			iov_drop_front(&iov, &count, front);
			iov_keep_front(iov, &count, kept);
			g_assert_cmpuint(iov_length(iov, count), ==, expected);
			iov_read(iov, count, 0, buffer, 12);
			g_assert_cmpmem(buffer, expected, &"abcdefghijkl"[front % 13], expected);
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/iov/copy", test_copy);
	g_test_add_func("/iov/slice", test_slice);
	g_test_add_func("/iov/cut", test_cut);
	return g_test_run();
}

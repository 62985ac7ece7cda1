/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The start of a file that is said to be another program's disk, and what qemu-img prints about it.
 */
#include <stdint.h>

#include "foreign-image.h"
#include "qemu-img.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const uint8_t *data, size_t size)
{
	g_auto(GStrv) files = NULL;

	if (inn_foreign_image_judge_vmdk(data, size, &files) != INN_VMDK_GOOD) {
		g_assert_null(files);
		return;
	}
	for (guint i = 0; files[i]; i++) {
		g_assert_null(strpbrk(files[i], "/:"));
		g_assert_cmpstr(files[i], !=, "..");
	}
}

static void read_output(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autofree char *complaint = inn_qemu_img_clean_complaint(text);
	double fraction;
	guint64 number;

	g_assert_true(g_utf8_validate(complaint, -1, NULL));
	if (inn_qemu_img_parse_progress(text, &fraction))
		g_assert_true(fraction >= 0 && fraction <= 1);
	if (inn_qemu_img_parse_number(text, strlen(text), "virtual-size", &number))
		g_assert_cmpuint(number, >, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	inn_foreign_image_probe(data, size);
	inn_foreign_image_is_vhd_footer(data, size);
	inn_foreign_image_vhd_has_parent(data, size);
	judge(data, size);
	read_output(data, size);
	return 0;
}

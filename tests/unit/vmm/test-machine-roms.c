/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-roms.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/machine.h"

/* What is there is opened once; a clone has what its original has, and can open nothing. */
static void test_open(void)
{
	struct machine machine = {.is_confined = false}, clone = {.is_confined = true};
	int kept[MACHINE_ROMS];

	machine_roms_init(&machine, NULL);
	for (unsigned int i = 0; i < MACHINE_ROMS; i++) {
		int fd = machine_rom_open(&machine, (enum machine_rom)i);

		if (access(machine_rom_name((enum machine_rom)i), R_OK) < 0)
			g_assert_cmpint(fd, ==, -errno);
		else
			g_assert_cmpint(fd, ==, machine_rom_open(&machine, (enum machine_rom)i));
		kept[i] = -1;
	}
	machine_roms_finish(&machine);

	kept[MACHINE_ROM_VGA] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	machine_roms_init(&clone, kept);
	g_assert_cmpint(machine_rom_open(&clone, MACHINE_ROM_VGA), ==, kept[MACHINE_ROM_VGA]);
	g_assert_cmpint(machine_rom_open(&clone, MACHINE_ROM_NETWORK), ==, -ENOENT);
	machine_roms_finish(&clone);
	g_assert_cmpint(fcntl(kept[MACHINE_ROM_VGA], F_GETFD), <, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/machine-roms/open", test_open);
	return g_test_run();
}

# SPDX-License-Identifier: GPL-3.0-or-later
"""What people put into a new computer's drive starts, and is operated with the keyboard. Text is
read off the screen."""

from guest import POWER_OFF
from pc import Pc

MENU_S, MEMTEST_S, REACTION_S = 60, 90, 20


def bios_starts_the_rescue_disc(lab):
    """GRUB's menu, then its prompt; a command that innctl types turns the machine off by ACPI."""
    disc = lab.assets / "grub-rescue.iso"
    with Pc(lab, "--firmware", "bios", "--cdrom", disc) as pc:
        pc.wait_for_text("GNU GRUB +version(?s:.*)Memtest86", MENU_S)
        lab.innctl("--control", pc.control, "send-key", "c")
        pc.wait_for_text("grub>", REACTION_S)
        lab.innctl("--control", pc.control, "type", "halt")
        pc.wait_for_text("grub> halt", REACTION_S)
        lab.innctl("--control", pc.control, "send-key", "enter")
        pc.machine.expect_end(POWER_OFF)


def bios_starts_the_memory_test(lab):
    with Pc(lab, "--firmware", "bios", "--cdrom", lab.assets / "memtest.iso") as pc:
        pc.wait_for_text(r"Memtest86\+ v(?s:.*)Status: Testing(?s:.*)Errors: 0", MEMTEST_S)

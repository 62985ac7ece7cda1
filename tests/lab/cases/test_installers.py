# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's installer and a memory test from a CD under each firmware, as text and as graphics, with
two processors."""

import installer
from guest import POWER_OFF
from pc import Pc

KEY_LEFTALT, KEY_F2 = 56, 60
MEMTEST_S = 180


def bios_text_installer(lab):
    with installer.start(lab, "bios", "t") as pc:
        installer.expect_dialog(pc, installer.TEXT_DIALOG)


def bios_graphical_installer(lab):
    with installer.start(lab, "bios", "g") as pc:
        installer.expect_dialog(pc, installer.GRAPHICAL_DIALOG)


def uefi_text_installer(lab):
    with installer.start(lab, "uefi", "t") as pc:
        installer.expect_dialog(pc, installer.TEXT_DIALOG)


def uefi_graphical_installer(lab):
    with installer.start(lab, "uefi", "g") as pc:
        installer.expect_dialog(pc, installer.GRAPHICAL_DIALOG)


def _serial_to_power_off(lab, firmware):
    """The installer on the serial line, and a shell beside it that turns the machine off."""
    with installer.start(lab, firmware, "s") as pc:
        pc.machine.wait_for("Select a language", installer.DIALOG_S)
        pc.channel.press(KEY_LEFTALT, KEY_F2)
        pc.channel.type("\npoweroff\n")
        pc.machine.expect_end(POWER_OFF, installer.REACTION_S)


def bios_installer_turns_off(lab):
    _serial_to_power_off(lab, "bios")


def uefi_installer_turns_off(lab):
    _serial_to_power_off(lab, "uefi")


def uefi_memory_test(lab):
    """It draws its text itself, white on blue."""
    disc = lab.assets / "memtest.iso"
    with Pc(lab, "--firmware", "uefi", "--cdrom", disc, cpus=2) as pc:
        pc.wait_for_colours({0x0000AA: 0.5}, MEMTEST_S)

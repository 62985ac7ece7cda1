# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's installer from the lab's own disc (media.py), as the one in front of the PC sees it: the
disc's menu, then the first dialog, which lists languages."""

from pc import Pc

KEY_DOWN = 108
MENU_S, UEFI_MENU_S, DIALOG_S, REACTION_S = 60, 150, 180, 30
# How large a share of the screen the first dialog's colours have, at least.
TEXT_DIALOG = {0xAAAAAA: 0.7, 0x0000AA: 0.03, 0xAA0000: 0.002}
GRAPHICAL_DIALOG = {0xFFFFFF: 0.5, 0xEDE9E3: 0.15, 0x05475C: 0.01}
LINE = 16  # rows of the screen


def start(lab, firmware, letter):
    """A PC with two processors at the disc's menu, in which the letter has been typed."""
    disc = lab.assets / "installer.iso"
    pc = Pc(lab, "--firmware", firmware, "--cdrom", disc, cpus=2, memory="1G")
    try:
        if firmware == "bios":
            pc.wait_for_text("Text installer", MENU_S)
        else:  # its own text has another font; it writes it to the serial line too
            pc.machine.wait_for("Text installer", UEFI_MENU_S)
        pc.channel.type(letter)
    except BaseException:
        pc.machine.kill()
        raise
    return pc


def expect_dialog(pc, colours):
    """The dialog is there, and its selection follows the keyboard."""
    dialog = pc.wait_for_colours(colours, DIALOG_S)
    pc.channel.press(KEY_DOWN)
    pc.wait_for_change(dialog, LINE, REACTION_S)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The screen, keyboard and tablet of a guest with Linux's own drivers for them."""

import re

from channel import (
    BUTTON, KEY, LETTERS, POSITION, POSITION_MAX, RESET, RESIZE_SCREEN, WATCH_SCREEN,
)
from guest import POWER_OFF, expect
from pc import Pc

TEXT_MODE, FIRST = "720x400", "1280x800"
BACKGROUND = 0x336699  # what l2/screen-draw.c paints
BOOT_S, SHOW_S = 90, 30
FRAMES = 240  # four seconds, in which the guest draws 55 MB
MOVED_MAX = 256 << 10  # doorbells and the serial line
EV_KEY, EV_REL, EV_ABS, BTN_LEFT, KEY_LEFTSHIFT = 1, 2, 3, 0x110, 42


def _pc(lab):
    return Pc(
        lab, "--firmware", "bios", "--display", FIRST, "--kernel", lab.assets / "vmlinuz-full",
        "--initrd", lab.assets / "initrd-screen.gz",
        "--cmdline", "console=ttyS0 quiet panic=-1 do=screen",
    )


def _up(pc, since=0):
    return pc.machine.wait_for("GUEST-TEXT", BOOT_S, since=since).end()


def _follow(pc):
    _up(pc)
    pc.machine.type("follow\n")
    pc.machine.wait_for("GUEST-LISTENS", SHOW_S)
    pc.machine.wait_for(f"GUEST-SHOWS {FIRST}", SHOW_S)


def text_then_driver_then_reset(lab):
    """The display every PC has, the driver that takes it over, and after a reset the former."""
    with _pc(lab) as pc:
        seen = _up(pc)
        text = pc.wait_for_text("A word on the text screen", SHOW_S)
        expect(text.size == TEXT_MODE, f"the text screen is {text.size}")
        pc.machine.type("follow\n")
        pc.machine.wait_for(f"GUEST-SHOWS {FIRST}", SHOW_S)
        picture = pc.wait_for_colours({BACKGROUND: 0.99}, SHOW_S)
        expect(picture.size == FIRST, f"the picture is {picture.size}")
        saved = lab.innctl_json("--control", pc.control, "screenshot", lab.scratch / "saved.png")
        expect(f"{saved['width']}x{saved['height']}" == FIRST, f"innctl has saved {saved}")
        pc.channel.call(RESET)
        _up(pc, since=seen)
        text = pc.wait_for_text("A word on the text screen", SHOW_S)
        expect(text.size == TEXT_MODE, f"the text screen after the reset is {text.size}")


def follows_resizes(lab):
    with _pc(lab) as pc:
        _follow(pc)
        for width, height in ((1024, 768), (1600, 900), (801, 601)):
            pc.channel.call(RESIZE_SCREEN, width, height)
            shown = pc.machine.wait_for(rf"GUEST-SHOWS {width}x{height}", SHOW_S)
            picture = pc.wait_for_colours({BACKGROUND: 0.99}, SHOW_S)
            expect(picture.size == f"{width}x{height}", f"{shown.group()} but it is {picture.size}")


def takes_keys_and_the_pointer(lab):
    """All in the order in which it was done, and the pointer exactly where it was put."""
    with _pc(lab) as pc:
        _follow(pc)
        pc.channel.type("innkeeper")
        pc.channel.press(KEY_LEFTSHIFT)
        found = pc.machine.wait_for(rf"code={KEY_LEFTSHIFT} value=0", SHOW_S)
        typed = [line.split()[-2:] for line in pc.machine.output[:found.end()].splitlines()
                 if f"type={EV_KEY} " in line]
        wanted = [[f"code={LETTERS[letter]}", f"value={value}"]
                  for letter in "innkeeper" for value in (1, 0)]
        expect(typed[:len(wanted)] == wanted, f"other keys came than were typed: {typed}")
        for x, y in ((1, 2), (POSITION_MAX, POSITION_MAX), (0, 12345), (20000, 0)):
            pc.channel.send(POSITION, 0, x, y)
            pc.machine.wait_for(rf"type={EV_ABS} code=0 value={x}\b", SHOW_S)
            pc.machine.wait_for(rf"type={EV_ABS} code=1 value={y}\b", SHOW_S)
        pc.channel.send(BUTTON, BTN_LEFT, 1)
        pc.machine.wait_for(rf"type={EV_KEY} code={BTN_LEFT} value=1", SHOW_S)
        expect(f"type={EV_REL}" not in pc.machine.output, "positions came as motion")
        pc.machine.type("off\n")
        pc.machine.expect_end(POWER_OFF)


def _bytes_moved(pid, count):
    """What a process has read (rchar) or written (wchar) by system calls so far."""
    with open(f"/proc/{pid}/io") as file:
        return int(re.search(rf"^{count}: (\d+)", file.read(), re.MULTILINE).group(1))


def shows_an_animation(lab):
    """Sixty pictures a second are told one by one, as what has changed in them, and no pixel is
    moved between the processes."""
    lab.needs_root("see how much a sandboxed process reads and writes")
    with _pc(lab) as pc:
        _up(pc)
        pc.channel.call(WATCH_SCREEN, 1)
        pc.machine.type(f"animate {FRAMES}\n")
        pc.machine.wait_for("GUEST-SHOWS", SHOW_S)
        before, pc.channel.events = pc.channel.damage, 0
        moved = -_bytes_moved(pc.machine.pid, "wchar") - _bytes_moved("self", "rchar")
        while "GUEST-MOVED" not in pc.machine.output:
            pc.channel.wait(1)
            expect(pc.machine.is_running(), "the machine has ended")
        moved += _bytes_moved(pc.machine.pid, "wchar") + _bytes_moved("self", "rchar")
        events, damage = pc.channel.events, pc.channel.damage - before
        late = int(pc.machine.wait_for(r"late=(\d+)", SHOW_S).group(1))
        said = (f"{FRAMES} pictures, {late} late: {events} events, {damage} rectangles,"
                f" {moved} bytes")
        expect(abs(damage - FRAMES) <= FRAMES // 20, f"not a rectangle a picture: {said}")
        expect(events >= FRAMES // 2, f"too few events: {said}")
        expect(moved < MOVED_MAX, f"pictures are copied: {said}")
        print(said)

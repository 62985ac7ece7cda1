# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines of the store whose guest keeps a pattern in its memory, on its disk and in a connection,
and says on its serial line, pass by pass, when it is not as it left it."""

import re
import time

from guest import expect, until

NAME = "case"
CLOCK_S = 1.0  # how far a guest's clock may be off this computer's
BOOT_S = 90
PASS_S = 60
PASS = re.compile(r"GUEST-PASS (\d+) wall=([0-9.]+) up=([0-9.]+) uuid=(\S+)")


class Passes:
    """What such a guest tells."""

    def __init__(self, lab, name=NAME):
        self._process = lab.innctl_process("console", name)
        self._at = 0

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._process.kill()

    def next(self, seconds=PASS_S):
        """The next pass: its number, how far the guest's clock is off, and a random UUID."""
        match = self._process.wait_for(PASS.pattern + "\r?\n", seconds, self._at)
        now = time.time()
        broken = re.search("GUEST-MISMATCH.*", self._process.output)
        expect(not broken, broken and broken[0])
        self._at = match.end()
        return int(match[1]), float(match[2]) - now, match[4]

    def latest(self):
        """The same of the last one that was told so far, which is of just now."""
        self.next()
        for match in PASS.finditer(self._process.output, self._at):
            self._at = match.start()
        return self.next()


def begins(lab, name=NAME, seconds=BOOT_S):
    """A machine that was started comes to its first pass."""
    with Passes(lab, name) as passes:
        first, _, _ = passes.next(seconds)
    expect(first == 1, f"it begins with pass {first}")


def start(lab, *options, memory="128M", seconds=BOOT_S):
    """A machine with such a guest, which has been through its first pass."""
    lab.needs_control()
    lab.innctl("create", NAME, *lab.kernel_options(do="pattern"), "--memory", memory, "--cpus", "1",
               "--disk", "64M", *options)
    lab.innctl("start", NAME)
    begins(lab, seconds=seconds)


def state(lab, name=NAME):
    return next(found["state"] for found in lab.innctl_json("list") if found["name"] == name)


def turn_off(lab, name=NAME):
    lab.innctl("poweroff", name)
    until(lambda: state(lab, name) == "off", 20, "the machine does not end")


def take(lab, name):
    """A snapshot of the machine at work; the passes between which it was taken."""
    with Passes(lab) as passes:
        before, _, _ = passes.latest()
        taken = lab.innctl_json("snapshot", "create", NAME, name, seconds=60)
        after, _, _ = passes.latest()
    expect(taken["pause_us"] > 0 and taken["memory_bytes"] > 0, f"no memory is in {taken}")
    print(f"pause {taken['pause_us']} us, memory {taken['memory_bytes'] >> 20} MiB")
    return before, after + 1


def clone_live(lab, original, name):
    """A clone of the machine at work; the passes between which it was made."""
    with Passes(lab, original) as passes:
        before, _, _ = passes.latest()
        made = lab.innctl_json("clone", original, name, "--live", seconds=60)
        after, _, _ = passes.latest()
    expect(made["pause_us"] > 0 and made["state"] == "running", f"it does not run: {made}")
    first = lab.innctl_json("stats", name)["first_exit_us"]
    print(f"pause {made['pause_us']} us, the clone ran after {first} us")
    return before, after + 1


def goes_on(lab, between, name=NAME):
    """The guest goes on between two passes, for some more, and knows what time it is. The UUIDs
    that it drew."""
    earliest, latest = between
    uuids = set()
    with Passes(lab, name) as passes:
        first, _, _ = passes.next(BOOT_S)
        expect(earliest <= first <= latest,
               f"it goes on with pass {first}, not from {earliest} to {latest}")
        for _ in range(3):
            _, off, uuid = passes.next()
            uuids.add(uuid)
    expect(abs(off) <= CLOCK_S, f"its clock is {off:.1f} s off")
    return uuids

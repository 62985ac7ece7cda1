# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines that are frozen, brought back, saved and cloned while they work. Their guest keeps a
pattern in its memory, on its disk and in a connection, and says when it is not as it left it."""

import re
import time

from guest import Failure, expect, until

NAME, CLONE = "case", "clone"
DEPTH = 3  # of snapshots of what was restored
CLOCK_S = 1.0  # how far a guest's clock may be off this computer's
BOOT_S = 90
PASS_S = 60
PASS = re.compile(r"GUEST-PASS (\d+) wall=([0-9.]+) up=([0-9.]+) uuid=(\S+)")


class Passes:
    """What the guest of a machine of the store tells on its serial line."""

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


def _start(lab):
    lab.needs_control()
    lab.innctl("create", NAME, *lab.kernel_options(do="pattern"), "--memory", "256M", "--cpus", "1",
               "--disk", "64M")
    lab.innctl("start", NAME)


def _state(lab, name=NAME):
    return next(found["state"] for found in lab.innctl_json("list") if found["name"] == name)


def _off(lab, name=NAME):
    lab.innctl("poweroff", name)
    until(lambda: _state(lab, name) in ("off", "saved"), 20, "the machine does not end")


def _take(lab, name):
    taken = lab.innctl_json("snapshot", "create", NAME, name)
    expect(taken["pause_us"] > 0 and taken["memory_bytes"] > 0, f"no memory is in {taken}")
    print(f"pause {taken['pause_us']} us, memory {taken['memory_bytes'] >> 20} MiB")
    return taken


def _goes_on(lab, earliest, latest, name=NAME):
    """The guest goes on between two passes, for some passes more, and knows what time it is."""
    with Passes(lab, name) as passes:
        first, _, _ = passes.next(BOOT_S)
        expect(earliest <= first <= latest,
               f"it goes on with pass {first}, not from {earliest} to {latest}")
        for _ in range(3):
            number, off, _ = passes.next()
        expect(abs(off) <= CLOCK_S, f"its clock is {off:.1f} s off")
        return number


def snapshot_and_restore(lab):
    """A guest at work does not notice that it was frozen; what was frozen goes on twice."""
    _start(lab)
    with Passes(lab) as passes:
        passes.next(BOOT_S)
        before, _, _ = passes.latest()
        _take(lab, "first")
        after, _, _ = passes.latest()
        for _ in range(2):
            passes.next()
    _off(lab)
    for _ in range(2):
        lab.innctl("snapshot", "restore", "--discard", NAME, "first")
        if _state(lab) == "saved":
            lab.innctl("start", NAME)
        _goes_on(lab, before, after + 1)
        _off(lab)


def chain(lab):
    """Each of several is taken of what the one before was restored to."""
    _start(lab)
    with Passes(lab) as passes:
        passes.next(BOOT_S)
    for level in range(DEPTH):
        with Passes(lab) as passes:
            before, _, _ = passes.latest()
            _take(lab, f"level {level}")
            after, _, _ = passes.latest()
        _off(lab)
        lab.innctl("snapshot", "restore", "--discard", NAME, f"level {level}")
        if _state(lab) == "saved":
            lab.innctl("start", NAME)
        _goes_on(lab, before, after + 1)
    _off(lab)
    for level in range(DEPTH):
        lab.innctl("snapshot", "check", NAME, f"level {level}")
        lab.innctl("snapshot", "delete", NAME, f"level {level}")
    lab.innctl("snapshot", "check", NAME)


def save_and_resume(lab):
    _start(lab)
    with Passes(lab) as passes:
        passes.next(BOOT_S)
        before, _, _ = passes.latest()
    lab.innctl("save", NAME)
    expect(_state(lab) == "saved", f"a machine that was saved is {_state(lab)}")
    time.sleep(3)
    lab.innctl("start", NAME)
    _goes_on(lab, before, before + 50)
    expect(not lab.innctl_json("snapshot", "list", NAME), "what was saved is among the snapshots")
    lab.innctl("save", NAME)
    lab.innctl("save", "--discard", NAME)
    expect(_state(lab) == "off", f"a machine without its saved state is {_state(lab)}")
    lab.innctl("start", NAME)
    _goes_on(lab, 1, 5)
    _off(lab)


def copies_of_a_snapshot(lab):
    """Two machines made of one moment go on from there, each for itself."""
    _start(lab)
    with Passes(lab) as passes:
        passes.next(BOOT_S)
        before, _, _ = passes.latest()
        _take(lab, "moment")
        after, _, _ = passes.latest()
    seen = set()
    for name in ("left", "right"):
        lab.innctl("clone", NAME, name, "--snapshot", "moment")
        lab.innctl("start", name)
        with Passes(lab, name) as passes:
            first, _, _ = passes.next(BOOT_S)
            expect(before <= first <= after + 1, f"a clone begins with pass {first}")
            for _ in range(3):
                _, _, uuid = passes.next()
                expect(uuid not in seen, f"two machines drew the same random number {uuid}")
                seen.add(uuid)
    with Passes(lab) as passes:
        passes.latest()
    for name in ("left", "right", NAME):
        _off(lab, name)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines that are frozen, brought back, saved and cloned while they work. Their guest keeps a
pattern in its memory, on its disk and in a connection, and says when it is not as it left it."""

import re
import time

from guest import BOOT_S, Failure, expect, until

NAME = "case"
DEPTH = 3  # of snapshots of restored snapshots
CLOCK_S = 1.0  # how far a guest's clock may be off the host's
PASS = r"GUEST-PASS (\d+) wall=([0-9.]+) up=([0-9.]+) uuid=(\S+)"
REACTION_S = 60


class Console:
    """The serial line of a machine of the store, as passes of its guest."""

    def __init__(self, lab, name=NAME):
        self._process = lab.innctl_process("console", name)
        self._at = 0

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._process.kill()

    def next_pass(self):
        """The next pass that the guest tells: number, clock, time since its start, UUID."""
        match = self._process.wait_for(PASS, REACTION_S, self._at)
        broken = re.search("GUEST-MISMATCH.*", self._process.output)
        expect(not broken, broken and broken[0])
        self._at = match.end()
        return int(match[1]), float(match[2]), float(match[3]), match[4]

    def latest_pass(self):
        """Of those told so far, the last."""
        self.next_pass()
        for match in re.finditer(PASS, self._process.output[self._at:]):
            self._at += match.end()
        return self.next_pass()


def _start_pattern(lab):
    lab.needs_control()
    lab.innctl("create", NAME, *lab.kernel_options(do="pattern"), "--memory", "256M", "--cpus", "1",
               "--disk", "64M")
    lab.innctl("start", NAME)

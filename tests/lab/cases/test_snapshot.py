# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines that are frozen and brought back, or saved, while they work."""

import time

from guest import expect
from passes import NAME, goes_on, start, state, take, turn_off


def snapshot_and_restore(lab):
    """A guest at work does not notice that it was frozen; what was frozen goes on twice, once while
    it runs and once while it is off."""
    start(lab)
    between = take(lab, "first")
    lab.innctl("snapshot", "restore", "--discard", NAME, "first")
    goes_on(lab, between)
    turn_off(lab)
    lab.innctl("snapshot", "restore", "--discard", NAME, "first")
    if state(lab) == "saved":
        lab.innctl("start", NAME)
    goes_on(lab, between)
    lab.innctl("snapshot", "check", NAME, "first")


def save_and_resume(lab):
    start(lab)
    lab.innctl("save", NAME)
    expect(state(lab) == "saved", f"a machine that was saved is {state(lab)}")
    time.sleep(3)  # which the guest has to know of
    lab.innctl("start", NAME)
    goes_on(lab, (1, 50))
    expect(not lab.innctl_json("snapshot", "list", NAME), "what was saved is among the snapshots")
    lab.innctl("save", NAME)
    lab.innctl("save", "--discard", NAME)
    expect(state(lab) == "off", f"a machine without its saved state is {state(lab)}")
    lab.innctl("snapshot", "check", NAME)

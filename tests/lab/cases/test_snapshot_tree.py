# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of what was restored from snapshots, and machines made of them."""

import os
import signal

from guest import expect, until
from passes import NAME, Passes, begins, clone_live, goes_on, start, state, take, turn_off

DEPTH = 20
UEFI_S = 180  # until a system runs that UEFI starts


def chain(lab):
    """Each is taken of what the one before was restored to; then all but one go."""
    start(lab)
    for level in range(DEPTH):
        between = take(lab, f"level {level}")
        lab.innctl("snapshot", "restore", "--discard", NAME, f"level {level}")
        goes_on(lab, between)
    turn_off(lab)
    for level in range(DEPTH - 1):
        lab.innctl("snapshot", "check", NAME, f"level {level}")
        lab.innctl("snapshot", "delete", NAME, f"level {level}", seconds=120)
    lab.innctl("snapshot", "check", NAME)
    lab.innctl("snapshot", "restore", "--discard", NAME, f"level {DEPTH - 1}")
    if state(lab) == "saved":
        lab.innctl("start", NAME)
    goes_on(lab, between)


def copies_of_a_snapshot(lab):
    """Machines made of one moment go on from there, each for itself, beside the original."""
    start(lab)
    between = take(lab, "moment")
    seen = set()
    for name in ("left", "right"):
        lab.innctl("clone", NAME, name, "--snapshot", "moment")
        lab.innctl("start", name)
        uuids = goes_on(lab, between, name)
        expect(not uuids & seen, f"two machines drew the same random numbers {uuids & seen}")
        seen |= uuids
    with Passes(lab) as passes:
        passes.latest()
        passes.next()


def disposable_runs(lab):
    """Whatever a guest does in one is gone: it goes on where it was saved as often as one likes."""
    start(lab)
    with Passes(lab) as passes:
        before, _, _ = passes.latest()
        lab.innctl("save", NAME, seconds=60)
    between = before, before + 20
    for end in ("poweroff", "kill"):
        lab.innctl("start", "--disposable", NAME)
        goes_on(lab, between)
        found = lab.innctl_json("list")[0]
        expect(found["disposable"], f"nobody says that it is disposable: {found}")
        if end == "poweroff":
            lab.innctl("poweroff", NAME)
        else:
            os.kill(lab.innctl_json("stats", NAME)["pid"], signal.SIGKILL)
        until(lambda: state(lab) == "saved", 20, "the machine is not saved any more")
    lab.innctl("start", NAME)
    goes_on(lab, between)
    turn_off(lab)
    lab.innctl("snapshot", "check", NAME)


def clones_of_a_template(lab):
    """A template is never started; machines made of it go on where it was saved, side by side."""
    start(lab)
    with Passes(lab) as passes:
        before, _, _ = passes.latest()
        lab.innctl("save", NAME, seconds=60)
    lab.innctl("set", NAME, "template=on")
    refused = lab.innctl("start", NAME, check=False)
    expect(refused.returncode == 1 and state(lab) == "saved", "a template was started")
    seen = set()
    for name in ("first", "second"):
        lab.innctl("clone", NAME, name, *(["--full"] if name == "second" else []), seconds=60)
        lab.innctl("start", name)
        uuids = goes_on(lab, (before, before + 20), name)
        expect(not uuids & seen, f"two machines drew the same random numbers {uuids & seen}")
        seen |= uuids
    for name in ("first", "second"):
        turn_off(lab, name)
        lab.innctl("snapshot", "check", name)


def live_clones(lab):
    """A machine at work goes on as two, and one of these as two; each for itself, to the end."""
    start(lab)
    for original, name in ((NAME, "twin"), ("twin", "third")):
        goes_on(lab, clone_live(lab, original, name), name)
        with Passes(lab, original) as passes:
            passes.latest()
            passes.next()
    for name in (NAME, "twin"):
        turn_off(lab, name)
        lab.innctl("snapshot", "check", name)
    with Passes(lab, "third") as passes:
        passes.latest()
        passes.next()


def live_clone_of_a_uefi_machine(lab):
    """It has the variables of its original, in a file of its own, and starts from them."""
    start(lab, "--firmware", "uefi", memory="256M", seconds=UEFI_S)
    goes_on(lab, clone_live(lab, NAME, "twin"), "twin")
    with Passes(lab) as passes:
        passes.latest()
        passes.next()
    turn_off(lab)
    lab.innctl("delete", NAME)
    turn_off(lab, "twin")
    lab.innctl("start", "twin")
    begins(lab, "twin", UEFI_S)

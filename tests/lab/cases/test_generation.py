# SPDX-License-Identifier: GPL-3.0-or-later
"""The generation ID: how a system learns that it may not be the only one that goes on from here."""

from guest import expect
from passes import NAME, state, turn_off

BOOT_S = 90
FORK = "crng reseeded due to virtual machine fork"  # the kernel's words


def _start(lab):
    """A machine whose system knows of generations."""
    lab.needs_control()
    lab.innctl("create", NAME, "--kernel", lab.assets / "vmlinuz-full", "--initrd",
               lab.assets / "initrd-full.gz", "--cmdline", "console=ttyS0 panic=-1 do=tick",
               "--memory", "256M", "--cpus", "1", "--disk", "64M")
    lab.innctl("start", NAME)


def restored(lab):
    """Who goes on from a snapshot makes new random numbers; who is only frozen is not told."""
    _start(lab)
    with lab.innctl_process("console", NAME) as console:
        console.wait_for("TICK 3", BOOT_S)
        lab.innctl("snapshot", "create", NAME, "one", seconds=60)
        console.wait_for(r"TICK \d+", since=len(console.output))
        expect(FORK not in console.output, "a machine that was only frozen was told otherwise")
    turn_off(lab)
    lab.innctl("snapshot", "restore", "--discard", NAME, "one")
    if state(lab) == "saved":
        lab.innctl("start", NAME)
    with lab.innctl_process("console", NAME) as console:
        console.wait_for(FORK, BOOT_S)
        console.wait_for(r"TICK \d+", since=len(console.output))
    turn_off(lab)


def cloned(lab):
    """A live clone makes new random numbers; the original is not told."""
    _start(lab)
    with lab.innctl_process("console", NAME) as console:
        console.wait_for("TICK 3", BOOT_S)
        lab.innctl("clone", NAME, "twin", "--live", seconds=60)
        with lab.innctl_process("console", "twin") as twin:
            twin.wait_for(FORK, BOOT_S)
            twin.wait_for(r"TICK \d+", since=len(twin.output))
        console.wait_for(r"TICK \d+", since=len(console.output))
        expect(FORK not in console.output, "a machine that was only cloned was told otherwise")
    for name in (NAME, "twin"):
        turn_off(lab, name)

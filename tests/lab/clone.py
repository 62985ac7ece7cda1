# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command in a fresh copy of the lab's computer."""

import shlex
import sys

from agent import Agent, Lost
from cache import HERE, folder
from qemu import Computer
from recipe import ASSETS, COMPUTER_DISK, TEMPLATE

STATUS_TIMED_OUT = 124
STATUS_LOST = 125

MOUNT = "mount -t 9p -o trans=virtio,version=9p2000.L,cache=loose,msize=262144"
# 9p writes back late: what a command wrote to /host is there only after a sync.
PREPARE = f"""
{MOUNT} host /host && {MOUNT},ro lab /lab && {MOUNT},ro tests /tests && cd /host || exit {STATUS_LOST}
trap 'sync -f /host' EXIT
export INNKEEPER_LAB_ASSETS=/lab INNKEEPER_LAB_SCRATCH=/scratch INNKEEPER_LAB_BUILD=/host
"""


def _to_stdout(piece):
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _load(computer, template):
    computer.qmp.ignore_shared_memory()
    computer.qmp.call("migrate-incoming", uri=f"exec:cat '{template}/devices'")
    computer.qmp.wait_for_migration()
    computer.qmp.call("cont")


def run(command, *, share, timeout_s, assets=ASSETS, output=_to_stdout):
    """The exit status of a shell command with `share` as /host; `assets` is /lab; call `recipe.build` before."""
    template = folder(TEMPLATE)
    shares = {"host": share, "lab": folder(assets), "tests": HERE}
    disk = folder(COMPUTER_DISK) / "root.img"
    incoming = ["-incoming", "defer"]
    with Computer(disk, template / "memory", shares, copy=True, extra=incoming) as computer:
        _load(computer, template)
        try:
            return Agent(computer.work / "agent").run(PREPARE + command, timeout_s, output)
        except Lost as error:
            print(f"lab: the computer was lost ({error}); {computer.post_mortem()}",
                  file=sys.stderr)
            return STATUS_LOST


def shell_words(words):
    """One word is a shell script, several are one command."""
    return words[0] if len(words) == 1 else shlex.join(words)

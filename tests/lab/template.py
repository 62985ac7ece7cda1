# SPDX-License-Identifier: GPL-3.0-or-later
"""The computer booted once and kept with its memory; every command runs in a copy of it."""

import time

from agent import Agent
from cache import LabError
from qemu import KERNEL_WORDS, SHARES, Computer

BOOT_S = 180
# Is it whole? And: what each first command would otherwise read from the disk again.
WARM_UP = """
test -c /dev/kvm && mountpoint -q /scratch &&
mount -t 9p -o trans=virtio,version=9p2000.L host /host && umount /host &&
python3 -c 'import json, re, subprocess, select, signal' &&
qemu-system-x86_64 --version && strace -V
"""


def _wait_until_ready(computer):
    deadline = time.monotonic() + BOOT_S
    while "LAB-READY" not in computer.read("console"):
        broken = "LAB-BROKEN" in computer.read("console")
        if broken or not computer.is_running() or time.monotonic() > deadline:
            raise LabError("the lab's computer did not boot; " + computer.post_mortem())
        time.sleep(0.02)


def _warm_up(computer):
    agent = Agent(computer.work / "agent")
    status = agent.run(WARM_UP, 60, lambda piece: None)
    agent.close()
    if status:
        raise LabError(f"the lab's computer booted but does not work (status {status})")
    time.sleep(0.3)  # the agent sees that nobody is connected: the state copies start from


def make_template(out, needed):
    empty = out / "empty"  # 9p cannot be mounted while the state is saved, only be there
    empty.mkdir()
    boot = [
        "-kernel", str(needed["kernels"] / "vmlinux-full"),
        "-initrd", str(needed["computer-initrd"] / "initrd.gz"),
        "-append", KERNEL_WORDS,
    ]
    disk = needed["computer-disk"] / "root.img"
    shares = dict.fromkeys(SHARES, empty)
    with Computer(disk, out / "memory", shares, copy=False, extra=boot) as computer:
        _wait_until_ready(computer)
        _warm_up(computer)
        computer.qmp.call("stop")
        computer.qmp.ignore_shared_memory()
        computer.qmp.call("migrate", uri=f"exec:cat > '{out}/devices'")
        computer.qmp.wait_for_migration()
        computer.qmp.call("quit")
        computer.wait_until_gone()

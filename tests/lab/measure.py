#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in the lab's computer: boots the same guest in our VMM and in QEMU, turn by turn, and prints
what each cost as JSON.  measure.py VMM RUNS

The guests of the last turn stay, and idle side by side for one and the same while. Times are the
emulated computer's and only good for ratios; counts are exact to a few per cent."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

MEMORY_MIB = 256
BOOT_S = 90
SETTLE_S = 5  # an idle guest's last start-up work
IDLE_S = 15
KVM_RUN = "0xae80"  # _IO(KVMIO, 0x80)
LAB = Path(os.environ["INNKEEPER_LAB_ASSETS"])
USERSPACE_EXITS = Path("/sys/kernel/tracing/events/kvm/kvm_userspace_exit")
CMDLINE = "console=ttyS0 quiet panic=-1 do=idle"
BOOT = ["--kernel", LAB / "vmlinuz", "--initrd", LAB / "initrd.gz", "--cmdline", CMDLINE]
DISK_MIB = 64


def _disk(name):
    """Its own: QEMU wants one to itself."""
    path = f"/scratch/{name}.raw"
    with open(path, "wb") as file:
        file.truncate(DISK_MIB << 20)
    return path


def _innkeeper(vmm):
    return [vmm, "--name", "bench", "--memory", f"{MEMORY_MIB}M", "--cpus", "1", *map(str, BOOT),
            "--disk", f"{_disk('innkeeper')},format=raw", "--serial", "stdio", "--no-reboot"]


def _qemu(machine, bus):
    return ["qemu-system-x86_64", "-M", machine, "-enable-kvm", "-cpu", "host", "-smp", "1",
            "-m", str(MEMORY_MIB), "-nodefaults", "-no-user-config", "-display", "none",
            "-serial", "stdio", "-no-reboot", "-kernel", str(LAB / "vmlinuz"),
            "-initrd", str(LAB / "initrd.gz"), "-append", CMDLINE,
            "-drive", f"if=none,id=disk,format=raw,file={_disk(machine)}",
            "-device", f"virtio-blk-{bus},drive=disk", "-device", f"virtio-rng-{bus}"]


def _commands(vmm):
    commands = {"QEMU q35": _qemu("q35", "pci"), "QEMU microvm": _qemu("microvm", "device")}
    if os.access(vmm, os.X_OK):
        commands = {"Innkeeper": _innkeeper(vmm), **commands}
    return commands


def _wait_for_guest(process):
    text = b""
    deadline = time.monotonic() + BOOT_S
    while b"GUEST-UP" not in text:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise SystemExit(f"no guest in {BOOT_S} s: {text[-500:]!r}")
        piece = os.read(process.stdout.fileno(), 65536)
        if not piece:
            raise SystemExit(f"the VMM ended before its guest was up: {text[-500:]!r}")
        text += piece


def _start(command):
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _stop(process):
    """Ends it with all it started: a VMM under strace would outlive strace."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _exits(process):
    """Of its one guest: the kernel drops the counters with it."""
    [exits] = Path("/sys/kernel/debug/kvm").glob(f"{process.pid}-*/exits")
    return int(exits.read_text())


def count_userspace_exits(on):
    (USERSPACE_EXITS / "trigger").write_text(("" if on else "!") + "hist:keys=reason")


def userspace_exits():
    return int(re.search(r"Hits: (\d+)", (USERSPACE_EXITS / "hist").read_text())[1])


def _boot(command):
    """The running guest, and what it took to get to its first process."""
    count_userspace_exits(True)
    began = time.monotonic()
    process = _start(command)
    _wait_for_guest(process)
    figures = {
        "boot_s": time.monotonic() - began,
        "exits": _exits(process),
        "userspace_exits": userspace_exits(),
    }
    count_userspace_exits(False)
    return process, figures


def overhead_kib(pid):
    """Private dirty memory outside the guest's RAM, which is the one mapping of that size."""
    total, counted = 0, True
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if match := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line):
            counted = int(match[2], 16) - int(match[1], 16) < MEMORY_MIB << 19
        elif counted and line.startswith("Private_Dirty:"):
            total += int(line.split()[1])
    return total


def _tasks(pid):
    return [entry for entry in Path(f"/proc/{pid}/task").iterdir()]


def _is_vcpu(task):
    """Whether the thread is in KVM_RUN whenever it is seen in a system call."""
    for _ in range(50):
        words = (task / "syscall").read_text().split()
        if len(words) > 2:
            return words[2] == KVM_RUN
        time.sleep(0.01)
    return True


def _wakeups(tasks):
    pattern = re.compile(r"^voluntary_ctxt_switches:\s+(\d+)", re.MULTILINE)
    return sum(int(pattern.search((task / "status").read_text())[1]) for task in tasks)


class _Idle:
    """What a VMM does from here until figures() are asked for."""

    def __init__(self, process):
        tasks = _tasks(process.pid)
        self._process, self._threads = process, len(tasks)
        self._others = [task for task in tasks if not _is_vcpu(task)]
        self._began = time.monotonic()
        self._exits, self._wakeups = _exits(process), _wakeups(self._others)

    def figures(self):
        seconds = time.monotonic() - self._began
        return {
            "idle_exits_per_s": (_exits(self._process) - self._exits) / seconds,
            "idle_wakeups_per_s": (_wakeups(self._others) - self._wakeups) / seconds,
            "overhead_kib": overhead_kib(self._process.pid),
            "threads": self._threads,
        }


def _idle(processes):
    time.sleep(SETTLE_S)
    idle = {name: _Idle(process) for name, process in processes.items()}
    time.sleep(IDLE_S)
    return {name: one.figures() for name, one in idle.items()}


def _calls_before_first_run(command):
    """System calls of all threads from exec to the first KVM_RUN."""
    log = Path("/tmp/calls")
    log.unlink(missing_ok=True)
    process = _start(["strace", "-f", "-o", str(log), *command])
    deadline = time.monotonic() + BOOT_S
    while "KVM_RUN" not in (log.read_text(errors="replace") if log.exists() else ""):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("the VMM did not come to KVM_RUN under strace")
        time.sleep(0.2)
    _stop(process)
    calls = log.read_text(errors="replace").partition("KVM_RUN")[0].splitlines()
    return sum("resumed>" not in call and "+++" not in call for call in calls) - 1


def main():
    vmm, runs = sys.argv[1], int(sys.argv[2])
    commands = _commands(vmm)
    figures = {name: {"boots": []} for name in commands}
    processes = {}
    for run in range(runs):
        for name, command in commands.items():
            processes[name], boot = _boot(command)
            figures[name]["boots"].append(boot)
            if run < runs - 1:
                _stop(processes[name])
    for name, idle in _idle(processes).items():
        figures[name].update(idle)
        _stop(processes[name])
    for name, command in commands.items():
        figures[name]["calls_before_first_run"] = _calls_before_first_run(command)
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main()

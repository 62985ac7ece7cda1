#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in the lab's computer: what it takes to write down the state of a running guest and to go on
from it, in our VMM and in QEMU, turn by turn; the last line it prints is JSON.  measure_state.py ROUNDS MIB

MIB: memory of the guest, an eighth of which is in use.

QEMU does it in two ways: into its qcow2 disk (savevm, loadvm), and stopped, by migration to and from
a file. Ours begins to go on in a new process, as QEMU's migration does; its loadvm has one already.
Until the guest runs: of ours from the beginning of that process to the first exit that shows it.
Live clones are beside a QEMU that is started with the same state, which is in a file already.
Times are the emulated computer's and only good for ratios."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "cases"))

from guest import Failure, Lab, Process  # noqa: E402

DISK_MIB = 64
FILL_S, JOB_S = 240, 120
IN_USE = 8  # part of the memory
CLONES = 10
TICK = r"TICK \d+"
FAST = 1 << 40  # bytes a second: no limit
INNKEEPER, SAVEVM, MIGRATION = "Innkeeper", "QEMU savevm", "QEMU migration"


def _log(text):
    print(f"{time.monotonic():.1f} {text}", flush=True)


def _boot(lab, fill):
    return lab.kernel_options(do=f"full fill={fill}")


def _next_tick(process, seconds=JOB_S):
    """Of those that the guest has still to print."""
    process.wait_for(TICK, seconds, len(process.output))


class Qmp:
    """QEMU's monitor."""

    def __init__(self, place):
        deadline = time.monotonic() + 30
        self._socket = socket.socket(socket.AF_UNIX)
        while self._socket.connect_ex(str(place)):
            if time.monotonic() > deadline:
                raise Failure("QEMU has no monitor")
            time.sleep(0.05)
        self._lines = self._socket.makefile("rwb")
        self._events = []
        self._read()
        self.call("qmp_capabilities")

    def _read(self):
        message = json.loads(self._lines.readline())
        if "event" in message:
            self._events.append(message)
        return message

    def call(self, command, **arguments):
        words = {key.replace("_", "-"): value for key, value in arguments.items()}
        self._lines.write(json.dumps({"execute": command, "arguments": words}).encode() + b"\n")
        self._lines.flush()
        while True:
            message = self._read()
            if "error" in message:
                raise Failure(f"{command}: {message['error']}")
            if "return" in message:
                return message["return"]

    def wait(self, wanted):
        """The next event that it wants, of those not looked at yet."""
        while True:
            while self._events:
                event = self._events.pop(0)
                if wanted(event):
                    return event
            self._read()

    def paused(self, work):
        """Seconds of work in which the guest did not run, as QEMU notes them."""
        self._events.clear()
        work()
        stopped = self.wait(lambda event: event["event"] == "STOP")
        return self.resumed() - _seconds(stopped)

    def resumed(self):
        """When the vCPUs went on, by the clock of the day; waits for it."""
        return _seconds(self.wait(lambda event: event["event"] == "RESUME"))

    def job(self, command, **arguments):
        """Runs it to its end, and keeps the events of the guest."""
        self.call(command, job_id="job", tag="one", vmstate="disk", devices=["disk"], **arguments)
        seen = []
        while True:
            event = self.wait(lambda event: True)
            seen.append(event)
            data = event["data"] if event["event"] == "JOB_STATUS_CHANGE" else {}
            if data.get("status") == "concluded":
                break
        [job] = self.call("query-jobs")
        if "error" in job:
            raise Failure(f"{command}: {job['error']}")
        self.call("job-dismiss", id="job")
        self._events = seen + self._events


def _seconds(event):
    return event["timestamp"]["seconds"] + event["timestamp"]["microseconds"] / 1e6


class Qemu:
    """One process with a guest that is to start, or to come from a file."""

    def __init__(self, lab, memory, fill, disk, *, source=None):
        place = lab.scratch / "qmp"
        place.unlink(missing_ok=True)
        kernel = _boot(lab, fill)
        command = ["qemu-system-x86_64", "-M", "q35", "-enable-kvm", "-cpu", "host", "-smp", "1",
                   "-m", str(memory), "-nodefaults", "-no-user-config", "-display", "none",
                   "-serial", "stdio", "-kernel", kernel[1], "-initrd", kernel[3],
                   "-append", kernel[5], "-qmp", f"unix:{place},server=on,wait=off",
                   "-blockdev", f"driver=qcow2,node-name=disk,file.driver=file,file.filename={disk}",
                   "-device", "virtio-blk-pci,drive=disk", "-device", "virtio-rng-pci"]
        if source:
            command += ["-incoming", f"exec:cat {source}"]
        self.guest = Process(command, "the guest")
        self.qmp = Qmp(place)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.guest.kill()

    def migrate_to(self, target):
        self.qmp.call("migrate-set-parameters", max_bandwidth=FAST)
        self.qmp.call("stop")
        self.qmp.call("migrate", uri=f"exec:cat >{target}")
        while (status := self.qmp.call("query-migrate")["status"]) != "completed":
            if status == "failed":
                raise Failure("QEMU's migration failed")
            time.sleep(0.01)
        self.qmp.call("cont")

    def go_on(self):
        """It was stopped when it was written down, and is when it has been read."""
        while self.qmp.call("query-status")["status"] == "inmigrate":
            time.sleep(0.01)
        self.qmp.call("cont")


def _timed(work):
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _allocated(path):
    return os.stat(path).st_blocks * 512


def _qemu_disk(lab):
    disk = lab.scratch / "disk.qcow2"
    disk.unlink(missing_ok=True)
    lab.innctl("image", "create", disk, f"{DISK_MIB}M")
    return disk


def _savevm(lab, memory, fill):
    disk = _qemu_disk(lab)
    with Qemu(lab, memory, fill, disk) as qemu:
        qemu.guest.wait_for("GUEST-FULL", FILL_S)
        _next_tick(qemu.guest)
        before, figures = _allocated(disk), {}
        figures["save_s"] = _timed(lambda: figures.update(
            pause_s=qemu.qmp.paused(lambda: qemu.qmp.job("snapshot-save"))))
        figures["bytes"] = _allocated(disk) - before
        _next_tick(qemu.guest)

        def restore():
            asked = time.time()
            qemu.qmp.job("snapshot-load")
            figures["run_s"] = qemu.qmp.resumed() - asked
            _next_tick(qemu.guest)
        figures["restore_s"] = _timed(restore)
    return figures


def _migration(lab, memory, fill):
    disk, target = _qemu_disk(lab), lab.scratch / "migration"
    target.unlink(missing_ok=True)
    figures = {}
    with Qemu(lab, memory, fill, disk) as qemu:
        qemu.guest.wait_for("GUEST-FULL", FILL_S)
        _next_tick(qemu.guest)
        figures["save_s"] = _timed(lambda: figures.update(
            pause_s=qemu.qmp.paused(lambda: qemu.migrate_to(target))))
        figures["bytes"] = _allocated(target)
        _next_tick(qemu.guest)

    began, asked = time.monotonic(), time.time()
    with Qemu(lab, memory, fill, disk, source=target) as qemu:
        qemu.go_on()
        figures["run_s"] = qemu.qmp.resumed() - asked
        qemu.guest.wait_for(TICK, JOB_S)
        figures["restore_s"] = time.monotonic() - began
    figures["clone_run_s"], figures["clone_word_s"] = figures["run_s"], figures["restore_s"]
    target.unlink()
    return figures


def _innkeeper(lab, memory, fill):
    lab.innctl("create", "full", *_boot(lab, fill), "--memory", f"{memory}M", "--cpus", "1",
               "--disk", f"{DISK_MIB}M")
    try:
        return _measure_snapshot(lab) | _measure_clones(lab) | _measure_restore(lab)
    finally:
        _end("full", lab)


def _end(name, lab):
    lab.innctl("poweroff", name, check=False)
    lab.innctl("delete", name, check=False)


def _measure_snapshot(lab):
    """Of a machine that runs from here on."""
    figures = {}
    lab.innctl("start", "full")
    with lab.innctl_process("console", "full") as console:
        console.wait_for("GUEST-FULL", FILL_S)
        _next_tick(console)
        began = time.monotonic()
        done = json.loads(lab.innctl("snapshot", "create", "full", "one", "--json",
                                     seconds=JOB_S).stdout)
        figures["save_s"] = time.monotonic() - began
        figures["pause_s"] = done["pause_us"] / 1e6
        figures["bytes"] = done["memory_bytes"]
        _next_tick(console)
    return figures


def _measure_restore(lab):
    figures = {}
    lab.innctl("poweroff", "full")
    lab.innctl("snapshot", "restore", "full", "one", "--discard")
    began = time.monotonic()
    lab.innctl("start", "full", seconds=JOB_S)
    with lab.innctl_process("console", "full") as console:
        console.wait_for(TICK, JOB_S)
        figures["restore_s"] = time.monotonic() - began
        figures["run_s"] = lab.innctl_json("stats", "full")["first_exit_us"] / 1e6
    return figures


def _held(lab, name):
    """Bytes of this computer's memory that the machine's process holds, its part of what is shared."""
    pid = lab.innctl_json("stats", name)["pid"]
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(rollup.partition("\nPss:")[2].split()[0]) << 10


def _measure_clones(lab):
    """Of the machine that runs, whose memory counts as that of one more."""
    names = [f"clone{number}" for number in range(CLONES)]
    alone, figures = _held(lab, "full"), _measure_clone(lab, names[0])
    for name in names[1:]:
        lab.innctl("clone", "full", name, "--live", seconds=JOB_S)
    figures["clones_held"] = sum(_held(lab, name) for name in ("full", *names)) / alone
    for name in names:
        _end(name, lab)
    return figures


def _measure_clone(lab, name):
    began = time.monotonic()
    made = lab.innctl_json("clone", "full", name, "--live", seconds=JOB_S)
    with lab.innctl_process("console", name) as console:
        console.wait_for(TICK, JOB_S)
        word_s = time.monotonic() - began
    return {"clone_pause_s": made["pause_us"] / 1e6, "clone_word_s": word_s,
            "clone_run_s": lab.innctl_json("stats", name)["first_exit_us"] / 1e6}


WAYS = {INNKEEPER: _innkeeper, SAVEVM: _savevm, MIGRATION: _migration}


def main():
    rounds, memory = map(int, sys.argv[1:])
    lab = Lab(peer=False)
    figures = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, measure in WAYS.items():
            result = measure(lab, memory, memory // IN_USE)
            _log(f"{way}: {result}")
            figures[way].append(result)
    shutil.rmtree(lab.scratch, ignore_errors=True)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

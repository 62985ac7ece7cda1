#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in the lab's computer: what firmware, networks and disks of whole PCs cost in our VMM and in
QEMU, turn by turn, as JSON.  measure_pc.py ROUNDS [LOAD...]

The guests of both run side by side all the time, and one at a time has something to do. Times are
the emulated computer's and only good for ratios."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "cases"))

import cd_image
import measure
from guest import Lab  # noqa: E402

SECONDS = 3
ACCEPT_S = 30
PIECE = 1 << 20
PORT = 8001
TICKS = os.sysconf("SC_CLK_TCK")
SYSTEM_CALLS = Path("/sys/kernel/tracing/events/raw_syscalls/sys_enter")
PROBES = Path("/sys/kernel/tracing/kprobe_events")
SLOT_PROBE = Path("/sys/kernel/tracing/events/lab/memory_slot")
VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd"
UEFI_S = 150
DISK_MIB = 64


def _hits(event):
    return int(re.search(r"Hits: (\d+)", (event / "hist").read_text())[1])


def _cd_exits(lab):
    """Exits to the VMM from power-on to a disc's boot sector, with the display a PC has."""
    disc = lab.scratch / "disc.iso"
    disc.write_bytes(cd_image.bootable(b"FROM-THE-DISC\n"))
    measure.count_userspace_exits(True)
    with lab.machine("--firmware", "bios", "--cdrom", disc, "--cpus", "1") as machine:
        machine.wait_for("FROM-THE-DISC")
        exits = measure.userspace_exits()
    measure.count_userspace_exits(False)
    return {"cd_exits": exits}


def _uefi_costs(lab):
    """The first start with fresh variables, to the first thing that could be started."""
    variables = lab.scratch / "variables"
    shutil.copyfile(VARIABLES, variables)
    PROBES.write_text("p:lab/memory_slot __kvm_set_memory_region")
    (SLOT_PROBE / "trigger").write_text("hist:keys=common_pid")
    measure.count_userspace_exits(True)
    with lab.machine("--firmware", "uefi", "--variables", variables, "--cpus", "1") as machine:
        machine.wait_for("BdsDxe: loading Boot", UEFI_S)
        figures = {"uefi_exits": measure.userspace_exits(), "uefi_slots": _hits(SLOT_PROBE)}
    measure.count_userspace_exits(False)
    (SLOT_PROBE / "trigger").write_text("!hist:keys=common_pid")
    PROBES.write_text("-:lab/memory_slot")
    return figures


class _Machine:
    """A guest that carries out commands, with a card behind passt, one behind a tap interface and a
    disk; and what its VMM costs meanwhile."""

    def __init__(self, lab, index):
        host, address = f"192.0.{index + 2}.1", f"192.0.{index + 2}.2"
        disk = lab.disk("load.raw", DISK_MIB)
        disk.write_bytes(os.urandom(PIECE) * DISK_MIB)  # no holes
        _add_tap(f"tap{index}", host)
        self.guest = lab.guest("--net", "user", "--net", f"tap=tap{index}",
                               "--disk", f"{disk},format=raw", do="net")
        router = self.guest.wait_for(r"GUEST-NET \S+ router=(\S+) ", 120)[1]
        self.routers = {"passt": router, "tap": host}
        self.pid = _vmm_of(self.guest.pid) if lab.is_peer else self.guest.pid
        for command in (f"ip addr add {address}/24 dev eth1", "ip link set eth1 up"):
            self.begin(command)
            self.guest.wait_for("GUEST-RAN", 30, self._since)

    def begin(self, command):
        self._since = len(self.guest.output)
        self.guest.type(f"run {command}\n")

    def result(self, pattern):
        """What the command printed, and its end."""
        match = self.guest.wait_for(pattern, 120, self._since)
        self.guest.wait_for("GUEST-RAN", 60, self._since)
        return match


def _vmm_of(pid):
    """Of the script that starts QEMU, that is its child."""
    while True:
        for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if Path(f"/proc/{word}/comm").read_text().startswith("qemu-system"):
                return int(word)
        time.sleep(0.05)


def _cpu_seconds(pid):
    """Of all its threads, its guest's time included."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS


def _exits(pid):
    [counters] = Path("/sys/kernel/debug/kvm").glob(f"{pid}-*")
    return {name: int((counters / name).read_text())
            for name in ("exits", "io_exits", "mmio_exits", "irq_injections", "halt_exits")}


class _Cost:
    """What a VMM uses from here until figures() are asked for."""

    def __init__(self, pid):
        self._pid = pid
        (SYSTEM_CALLS / "trigger").write_text("hist:keys=common_pid:size=4096")
        self._cpu, self._exits = _cpu_seconds(pid), _exits(pid)

    def _calls(self):
        threads = set(os.listdir(f"/proc/{self._pid}/task"))
        text = (SYSTEM_CALLS / "hist").read_text()
        (SYSTEM_CALLS / "trigger").write_text("!hist:keys=common_pid:size=4096")
        found = re.findall(r"common_pid:\s*(\d+)\s*\} hitcount:\s*(\d+)", text)
        return sum(int(count) for thread, count in found if thread in threads)

    def figures(self):
        cpu = _cpu_seconds(self._pid) - self._cpu
        exits = {name: count - self._exits[name] for name, count in _exits(self._pid).items()}
        return {"cpu_s": cpu, "calls": self._calls(), **exits}


def _receive(server):
    """Bytes a second of one connection, to its end."""
    connection, _ = server.accept()
    buffer, received = bytearray(PIECE), 0
    with connection:
        began = time.monotonic()
        while piece := connection.recv_into(buffer):
            received += piece
        return received, time.monotonic() - began


def _send(server):
    connection, _ = server.accept()
    data, end = bytes(PIECE), time.monotonic() + SECONDS
    with connection:
        while time.monotonic() < end:
            connection.sendall(data)


def _from_guest(machine, net):
    with socket.create_server(("0.0.0.0", PORT)) as server:
        server.settimeout(ACCEPT_S)
        cost = _Cost(machine.pid)
        machine.begin(f"load-net send {machine.routers[net]} {PORT} {SECONDS}")
        received, seconds = _receive(server)
        figures = cost.figures()
        machine.result("GUEST-NET-LOAD")
    return {"bytes": received, "seconds": seconds, **figures}


def _to_guest(machine, net):
    with socket.create_server(("0.0.0.0", PORT)) as server:
        server.settimeout(ACCEPT_S)
        thread = threading.Thread(target=_send, args=(server,))
        thread.start()
        cost = _Cost(machine.pid)
        machine.begin(f"load-net receive {machine.routers[net]} {PORT}")
        match = machine.result(r"GUEST-NET-LOAD bytes=(\d+) seconds=([\d.]+)\s")
        figures = cost.figures()
        thread.join()
    return {"bytes": int(match[1]), "seconds": float(match[2]), **figures}


def _disk(machine, operation, depth):
    cost = _Cost(machine.pid)
    machine.begin(f"load-disk /dev/vda {operation} {depth} {SECONDS}")
    match = machine.result(r"GUEST-DISK requests=(\d+) seconds=([\d.]+)\s")
    return {"requests": int(match[1]), "seconds": float(match[2]), **cost.figures()}


LOADS = {
    "passt_from": lambda machine: _from_guest(machine, "passt"),
    "passt_to": lambda machine: _to_guest(machine, "passt"),
    "tap_from": lambda machine: _from_guest(machine, "tap"),
    "tap_to": lambda machine: _to_guest(machine, "tap"),
    "disk_read_1": lambda machine: _disk(machine, "read", 1),
    "disk_read_32": lambda machine: _disk(machine, "read", 32),
    "disk_write_1": lambda machine: _disk(machine, "write", 1),
    "disk_write_32": lambda machine: _disk(machine, "write", 32),
}


def _add_tap(name, address):
    for command in (f"tuntap add {name} mode tap vnet_hdr", f"addr add {address}/24 dev {name}",
                    f"link set {name} up"):
        subprocess.run(["ip", *command.split()], check=True)


def _log(text):
    print(f"{time.monotonic():.1f} {text}", file=sys.stderr, flush=True)


def _firmware(lab, name):
    figures = {**_cd_exits(lab), **_uefi_costs(lab)}
    _log(f"{name}: {figures}")
    return figures


def _take_turns(machines, loads, rounds):
    figures = {name: {load: [] for load in loads} for name in machines}
    for _ in range(rounds):
        for load in loads:
            for name, machine in machines.items():
                figures[name][load].append(LOADS[load](machine))
                _log(f"{name}: {load} {figures[name][load][-1]}")
    return figures


def main():
    rounds, loads = int(sys.argv[1]), sys.argv[2:]
    labs = {"Innkeeper": Lab(peer=False), "QEMU q35": Lab(peer=True)}
    labs["Innkeeper"].network_of_its_own()
    subprocess.run(["modprobe", "tun"], check=True)
    figures = {name: {} if loads else _firmware(lab, name) for name, lab in labs.items()}
    machines = {name: _Machine(lab, index) for index, (name, lab) in enumerate(labs.items())}
    for name, machine in machines.items():
        figures[name]["pc_overhead_kib"] = measure.overhead_kib(machine.pid)
    for name, results in _take_turns(machines, loads or list(LOADS), rounds).items():
        figures[name]["loads"] = results
    for machine in machines.values():
        machine.guest.kill()
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main()

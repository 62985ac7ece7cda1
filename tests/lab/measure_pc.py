#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in the lab's computer: what firmware, networks and disks of whole PCs cost in our VMM and in
QEMU, turn by turn; the last line it prints is JSON.  measure_pc.py ROUNDS [COST|LOAD...]

The guests of both run side by side all the time, and one at a time has something to do. Times are
the emulated computer's and only good for ratios."""

import functools
import itertools
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "cases"))

import cd_image
import measure
import vnc
from channel import KEY, WATCH_SCREEN  # noqa: E402
from guest import Failure, Lab, until  # noqa: E402
from pc import Pc  # noqa: E402

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
SLIRP = "QEMU q35 with slirp"
DOWN, UP = 108, 103  # as Linux numbers keys
SYMBOLS = {DOWN: 0xFF54, UP: 0xFF52}
MENU_S, ANSWER_S, PAUSE_S = 90, 2, 0.37
KEYS, ENTRY = 20, 2000  # pixels of a line of the menu, and no cursor's


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
    PROBES.write_text("")
    return figures


class _SharedScreen:
    """Our machine as the window sees it."""

    def __init__(self, lab, options):
        self._pc = Pc(lab, *options)
        self.close = self._pc.machine.kill
        self._channel = self._pc.channel
        self._channel.call(WATCH_SCREEN, 1)
        self._seen = self._channel.damage

    def press(self, key):
        for down in (1, 0):
            self._channel.send(KEY, key, down)

    def changed(self, seconds):
        self._channel.wait(seconds)
        self._seen, pixels = self._channel.damaged_since(self._seen)
        return pixels


class _VncScreen:
    """QEMU as virt-manager and others see it."""

    def __init__(self, lab, options):
        place = lab.scratch / "vnc"
        self._machine = lab.machine("--vnc", place, *options)
        self.close = self._machine.kill
        until(place.is_socket, ACCEPT_S, "QEMU shows nothing")
        self._viewer = vnc.Viewer(place)
        self.changed = self._viewer.changed

    def press(self, key):
        self._viewer.press(SYMBOLS[key])


def _answer_s(screen, key):
    """How long the menu takes to show that a key was pressed; None: too long."""
    end = time.monotonic() + PAUSE_S
    while (left := end - time.monotonic()) > 0:
        screen.changed(left)
    began = time.monotonic()
    screen.press(key)
    while (left := began + ANSWER_S - time.monotonic()) > 0:
        if screen.changed(left) >= ENTRY:
            return time.monotonic() - began
    return None


def _key_latency(lab):
    """From a key to the screen of a menu that shows it, for who looks at the screen."""
    options = ("--firmware", "bios", "--cdrom", lab.assets / "grub-rescue.iso")
    screen = (_VncScreen if lab.is_peer else _SharedScreen)(lab, options)
    answers, keys, end = [], itertools.cycle((DOWN, UP)), time.monotonic() + MENU_S
    try:
        while len(answers) < KEYS + 2:  # the first two may be what the firmware did
            answer = _answer_s(screen, next(keys))
            answers = [*answers, answer] if answer else []
            if time.monotonic() > end:
                raise Failure(f"the menu does not answer keys: {answers}")
    finally:
        screen.close()
    _log(f"keys: {[round(answer * 1000) for answer in answers]} ms")
    return {"key_ms": statistics.median(answers[2:]) * 1000}


class _Machine:
    """A guest that carries out commands, with a card whose net is `user`; and its VMM's process,
    and those of the passt that serves it."""

    def __init__(self, lab, user, *options):
        others = _passts()
        self.guest = lab.guest("--net", user, *options, do="net")
        router = self.guest.wait_for(r"GUEST-NET \S+ router=(\S+) ", 120)[1]
        self.routers = {user: router}
        self.pid = _vmm_of(self.guest.pid) if lab.is_peer else self.guest.pid
        self.pids = [self.pid, *_passts() - others]

    def begin(self, command):
        self._since = len(self.guest.output)
        self.guest.type(f"run {command}\n")

    def result(self, pattern):
        """What the command printed, and its end."""
        match = self.guest.wait_for(pattern, 120, self._since)
        self.guest.wait_for("GUEST-RAN", 60, self._since)
        return match


def _pc(lab, index):
    """With a card behind passt, one behind a tap interface, a raw and a qcow2 disk."""
    host, address = f"192.0.{index + 2}.1", f"192.0.{index + 2}.2"
    disk = lab.disk("load.raw", DISK_MIB)
    disk.write_bytes(os.urandom(PIECE) * DISK_MIB)  # no holes
    qcow2 = lab.scratch / "load.qcow2"
    lab.innctl("image", "convert", disk, qcow2, "--format", "raw", seconds=120)
    _add_tap(f"tap{index}", host)
    machine = _Machine(lab, "user", "--net", f"tap=tap{index}", "--disk", f"{disk},format=raw",
                       "--disk", f"{qcow2},format=qcow2")
    machine.routers["tap"] = host
    for command in (f"ip addr add {address}/24 dev eth1", "ip link set eth1 up"):
        machine.begin(command)
        machine.result("GUEST-RAN")
    return machine


def _passts():
    """passt runs as the program for this processor: passt.avx2."""
    return {int(path.parent.name) for path in Path("/proc").glob("[0-9]*/comm")
            if path.read_text().startswith("passt")}


def _vmm_of(pid):
    """Of the script that starts QEMU, that is its child."""
    while True:
        for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if Path(f"/proc/{word}/comm").read_text().startswith("qemu-system"):
                return int(word)
        time.sleep(0.05)


def _cpu_seconds(pids):
    """Of all their threads, the guest's time included."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(words[11]) + int(words[12]) for words in stats) / TICKS


def _exits(pid):
    [counters] = Path("/sys/kernel/debug/kvm").glob(f"{pid}-*")
    return {name: int((counters / name).read_text())
            for name in ("exits", "io_exits", "mmio_exits", "irq_injections", "halt_exits")}


class _Cost:
    """What a machine uses from here until figures() are asked for: processor time with its passt,
    the rest without."""

    def __init__(self, machine):
        self._pid, self._pids = machine.pid, machine.pids
        (SYSTEM_CALLS / "trigger").write_text("hist:keys=common_pid:size=4096")
        self._cpu, self._exits = _cpu_seconds(self._pids), _exits(self._pid)

    def _calls(self):
        threads = set(os.listdir(f"/proc/{self._pid}/task"))
        text = (SYSTEM_CALLS / "hist").read_text()
        (SYSTEM_CALLS / "trigger").write_text("!hist:keys=common_pid:size=4096")
        found = re.findall(r"common_pid:\s*(\d+)\s*\} hitcount:\s*(\d+)", text)
        return sum(int(count) for thread, count in found if thread in threads)

    def figures(self):
        cpu = _cpu_seconds(self._pids) - self._cpu
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
        cost = _Cost(machine)
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
        cost = _Cost(machine)
        machine.begin(f"load-net receive {machine.routers[net]} {PORT}")
        match = machine.result(r"GUEST-NET-LOAD bytes=(\d+) seconds=([\d.]+)\s")
        figures = cost.figures()
        thread.join()
    return {"bytes": int(match[1]), "seconds": float(match[2]), **figures}


def _disk(machine, device, operation, depth):
    cost = _Cost(machine)
    machine.begin(f"load-disk /dev/{device} {operation} {depth} {SECONDS}")
    match = machine.result(r"GUEST-DISK requests=(\d+) seconds=([\d.]+)\s")
    return {"requests": int(match[1]), "seconds": float(match[2]), **cost.figures()}


LOADS = {
    "user_from": lambda machine: _from_guest(machine, "user"),
    "user_to": lambda machine: _to_guest(machine, "user"),
    "tap_from": lambda machine: _from_guest(machine, "tap"),
    "tap_to": lambda machine: _to_guest(machine, "tap"),
    **{f"{kind}_{operation}_{depth}": functools.partial(
        _disk, device=device, operation=operation, depth=depth)
       for kind, device in (("disk", "vda"), ("qcow2", "vdb"))
       for operation in ("read", "write") for depth in (1, 32)},
}
PC_LOADS = [load for load in LOADS if not load.startswith("qcow2")]
SLIRP_LOADS = {
    "user_from": lambda machine: _from_guest(machine, "slirp"),
    "user_to": lambda machine: _to_guest(machine, "slirp"),
}


def _add_tap(name, address):
    for command in (f"tuntap add {name} mode tap vnet_hdr", f"addr add {address}/24 dev {name}",
                    f"link set {name} up"):
        subprocess.run(["ip", *command.split()], check=True)


def _log(text):
    print(f"{time.monotonic():.1f} {text}", flush=True)


COSTS = {"cd": _cd_exits, "uefi": _uefi_costs, "key": _key_latency}


def _measure_costs(labs, wanted):
    figures = {name: {} for name in (*labs, SLIRP)}
    for cost in wanted:
        for name, lab in labs.items():
            result = COSTS[cost](lab)
            _log(f"{name}: {result}")
            figures[name].update(result)
    return figures


def _take_turns(machines, loads, rounds):
    figures = {name: {} for name in machines}
    for _ in range(rounds):
        for load in loads:
            for name, machine in machines.items():
                run = (SLIRP_LOADS if "slirp" in machine.routers else LOADS).get(load)
                if run:
                    result = run(machine)
                    figures[name].setdefault(load, []).append(result)
                    _log(f"{name}: {load} {result}")
    return figures


def _machines(labs):
    machines = {name: _pc(lab, index) for index, (name, lab) in enumerate(labs.items())}
    return {**machines, SLIRP: _Machine(labs["QEMU q35"], "slirp")}


def _measure_loads(labs, loads, rounds, figures):
    machines = _machines(labs)
    for name, machine in machines.items():
        figures[name]["pc_overhead_kib"] = measure.overhead_kib(machine.pid)
        _log(f"{name}: {figures[name]}")
    for name, results in _take_turns(machines, loads, rounds).items():
        figures[name]["loads"] = results
    for machine in machines.values():
        machine.guest.kill()


def main():
    rounds, wanted = int(sys.argv[1]), sys.argv[2:] or [*COSTS, *PC_LOADS]
    labs = {"Innkeeper": Lab(peer=False), "QEMU q35": Lab(peer=True)}
    labs["Innkeeper"].network_of_its_own()
    subprocess.run(["modprobe", "tun"], check=True)
    figures = _measure_costs(labs, [cost for cost in COSTS if cost in wanted])
    if loads := [load for load in LOADS if load in wanted]:
        _measure_loads(labs, loads, rounds, figures)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

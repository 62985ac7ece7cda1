# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian installed from a CD image to an empty disk, its packages fetched through user networking
from a mirror on this computer's loopback; then the disk starts, up to a shell of root."""

import functools
import http.server
import shutil
import threading
import time

from guest import POWER_OFF, exits, expect

VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd"
DISK_MIB = 1200
INSTALL_S = 3600
LOGIN_S = 300
FAILED = "Installation step failed"
# What the serial line shows at the end of each stage.
STAGES = (
    ("CD's boot loader", "INSTALLER starts"),
    ("installer's kernel", r"Linux version"),
    ("installer's hardware and network", "Checking the Debian archive mirror"),
    ("rest of the installer", "Installing the base system"),
    ("base system and kernel", "INSTALLER grub"),
    ("boot loader", "INSTALLER done"),
)


class _Files(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass


def _serve(folder):
    """On the loopback alone: passt leads the guest's router address there."""
    handler = functools.partial(_Files, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 8000), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


class _Clock:
    """Prints how long each stage took, and with how many exits."""

    def __init__(self, machine):
        self._machine, self._since, self._exits = machine, time.monotonic(), 0

    def stage(self, name):
        now, count = time.monotonic(), exits(self._machine.pid)
        counted = f", {count - self._exits} exits" if count else ""
        print(f"{name}: {now - self._since:.0f} s{counted}", flush=True)
        self._since, self._exits = now, count or self._exits


def _install(lab, firmware, disk):
    cd = lab.assets / "install.iso"
    options = ["--cdrom", cd, "--disk", disk, "--boot", "cdrom0,disk0", "--net", "user"]
    with lab.machine(*firmware, *options, memory="1G") as machine:
        clock, position = _Clock(machine), 0
        for name, text in STAGES:
            match = machine.wait_for(f"({text})|{FAILED}", INSTALL_S, position)
            expect(match[1], f"the installer did not get through: {name}")
            position = match.end()
            clock.stage(name)
        machine.expect_end(POWER_OFF, 120)


def _log_in(lab, firmware, disk):
    with lab.machine(*firmware, "--disk", disk, "--net", "user", memory="512M") as machine:
        clock = _Clock(machine)
        machine.wait_for("installed login:", LOGIN_S)
        clock.stage("start from disk to login")
        machine.type("root\n")
        machine.wait_for("Password:", LOGIN_S)
        machine.type("install\n")
        machine.wait_for(r"root@installed:~# ", LOGIN_S)
        machine.type("poweroff\n")
        machine.expect_end(POWER_OFF, LOGIN_S)
        print("log in and power off: done")


def _install_and_log_in(lab, *firmware):
    lab.network_of_its_own()
    _serve(lab.assets / "mirror")
    disk = lab.disk("target", DISK_MIB)
    _install(lab, firmware, disk)
    _log_in(lab, firmware, disk)


def bios(lab):
    _install_and_log_in(lab, "--firmware", "bios")


def uefi(lab):
    variables = lab.scratch / "variables"
    shutil.copyfile(VARIABLES, variables)
    _install_and_log_in(lab, "--firmware", "uefi", "--variables", variables)

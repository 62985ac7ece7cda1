# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines without a disk: their firmware fetches a kernel from a server of this computer."""

import functools
import http.server
import re
import threading

from guest import POWER_OFF

FIRMWARE_S, REACTION_S, BOOT_S = 120, 30, 120
CONTROL_B = "\x02"
KEYS = 8  # a BIOS remembers 15 and loses what comes then
SCRIPT = """#!ipxe
echo Instructions of the host
kernel vmlinuz initrd=initrd.gz console=ttyS0 quiet panic=-1 do=poweroff
initrd initrd.gz
boot
"""


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def _serve(lab):
    folder = lab.scratch / "served"
    folder.mkdir()
    (folder / "script").write_text(SCRIPT)
    for name in ("vmlinuz", "initrd.gz"):
        (folder / name).symlink_to(lab.assets / name)
    handler = functools.partial(_Files, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 8000), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def _type(machine, command):
    """No faster than it is echoed. Returns where the command's own output begins."""
    for start in range(0, len(command), KEYS):
        keys, since = command[start : start + KEYS], len(machine.output)
        machine.type(keys)
        machine.wait_for(re.escape(keys), REACTION_S, since)
    since = len(machine.output)
    machine.type("\n")
    return since


def _starts_a_kernel(lab, firmware):
    """passt's answer to DHCP names no file, so a person types where it is: the guest's router is
    this computer's loopback."""
    lab.network_of_its_own()
    _serve(lab)
    options = ("--firmware", firmware, "--display", "none", "--net", "user", "--boot", "net0")
    with lab.machine(*options) as machine:
        machine.wait_for("Press Ctrl-B for the iPXE", FIRMWARE_S)
        machine.type(CONTROL_B)
        machine.wait_for("iPXE>", REACTION_S)
        since = _type(machine, "dhcp")
        machine.wait_for(" ok(?s:.*)iPXE>", REACTION_S, since)
        _type(machine, "chain http://198.51.100.1:8000/script")
        machine.wait_for("Instructions of the host", REACTION_S)
        machine.wait_for("GUEST-UP", BOOT_S)
        machine.expect_end(POWER_OFF)


def bios_starts_a_kernel(lab):
    _starts_a_kernel(lab, "bios")


def uefi_starts_a_kernel(lab):
    _starts_a_kernel(lab, "uefi")

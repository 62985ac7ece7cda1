# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest has stored is there, whatever ends the VMM or fills the host's disk."""

import hashlib
import time

from disks import MIB, expect_written, grow, on_small_disk, option, sha256
from guest import POWER_OFF, expect


def flushed_data_outlives_a_killed_vmm(lab):
    disk = lab.disk("target", 32)
    with lab.guest("--disk", option(disk), do="flush") as guest:
        written = guest.wait_for(r"GUEST-FLUSHED (\w{64})").group(1)
        time.sleep(0.5)  # writing goes on behind it
        guest.kill()
    expect(sha256(disk, 8) == written, "what the guest flushed is not on the disk")


def reads_what_the_host_wrote(lab):
    """Two disks, one read-only, at the size and with the bytes they have."""
    first, second = lab.disk("first", 24), lab.disk("second", 48)
    for path, seed in ((first, b"one"), (second, b"two")):
        data = b"".join(hashlib.sha512(seed + b"%d" % n).digest() for n in range(24 * MIB // 64))
        with open(path, "r+b") as file:
            file.write(data)
    options = ["--disk", option(first, "first"), "--disk", option(second, "second", readonly="on")]
    with lab.guest(*options, do="read") as guest:
        for path, ro, sectors in ((first, 0, 49152), (second, 1, 98304)):
            guest.wait_for(
                rf"GUEST-READ {path.name} size={sectors} ro={ro} {sha256(path, 24)}\b", 90
            )
        guest.expect_end(POWER_OFF)


def discard_gives_room_back(lab):
    disk = lab.disk("target", 16)
    with open(disk, "r+b") as file:
        file.write(b"\xaa" * 16 * MIB)
    with lab.guest("--disk", option(disk), do="discard") as guest:
        guest.wait_for("GUEST-DISCARDED")
        guest.expect_end(POWER_OFF)
    expect(disk.stat().st_blocks * 512 <= 9 * MIB, "the discarded room is still in use")
    with open(disk, "rb") as file:
        data = file.read()
    kept = data[:MIB] + data[9 * MIB :]
    expect(not data[MIB : 9 * MIB].strip(b"\0"), "discarded bytes do not read as zero")
    expect(kept == b"\xaa" * len(kept), "bytes beside the discarded ones have changed")


def grows_while_the_guest_runs(lab):
    """The guest is told, and what it writes into the new room is there."""
    grow(lab)
    [disk] = lab.scratch.rglob("*.raw")
    expect(disk.stat().st_size == 24 * MIB, "the disk has not grown")
    expect_written(disk)


def full_host_disk_pauses_the_guest(lab):
    """No write is lost and no error reaches the guest: it waits until there is room."""
    on_small_disk(lab, "raw")

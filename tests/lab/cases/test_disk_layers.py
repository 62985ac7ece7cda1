# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for a guest's disk holds for one in layers, too."""

import time

from disks import MIB, bytes_of, expect_written, grow, on_small_disk, option, sha256
from guest import POWER_OFF, expect


def keep_what_was_flushed(lab):
    """Three of them; the lower ones are only read."""
    base = lab.disk("base", 32)
    with open(base, "r+b") as file:
        file.write(b"\xaa" * 32 * MIB)
    base.chmod(0o444)
    before = sha256(base, 32)
    top = lab.layer("top", lab.layer("middle", base, "raw"), "qcow2")
    with lab.guest("--disk", option(top, kind="qcow2"), do="flush") as guest:
        written = guest.wait_for(r"GUEST-FLUSHED (\w{64})").group(1)
        time.sleep(0.5)
        guest.kill()
    expect(sha256(bytes_of(lab, top), 8) == written, "what the guest flushed is not there")
    expect(sha256(base, 32) == before, "the lowest layer has changed")


def discard_gives_room_back(lab):
    base = lab.disk("base", 16)
    with open(base, "r+b") as file:
        file.write(b"\xaa" * 16 * MIB)
    top = lab.layer("top", base, "raw")
    with lab.guest("--disk", option(top, kind="qcow2"), do="discard") as guest:
        guest.wait_for("GUEST-DISCARDED")
        guest.expect_end(POWER_OFF)
    expect(top.stat().st_blocks * 512 <= 2 * MIB, "the discarded room is still in use")
    data = bytes_of(lab, top).read_bytes()
    kept = data[:MIB] + data[9 * MIB :]
    expect(not data[MIB : 9 * MIB].strip(b"\0"), "discarded bytes do not read as zero")
    expect(kept == b"\xaa" * len(kept), "bytes beside the discarded ones have changed")


def grow_while_the_guest_runs(lab):
    """Also one that a snapshot has put on the disk meanwhile."""
    grow(lab, "snapshot", "create", "case", "before")
    [disk] = lab.scratch.rglob("*.qcow2")
    expect_written(bytes_of(lab, disk))


def full_host_disk_pauses_the_guest(lab):
    on_small_disk(lab, "qcow2")

# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks and CD-ROM drives on the SATA adapter, with a stock kernel's drivers."""

import hashlib

from guest import POWER_OFF, expect

MIB = 1 << 20


def disk_and_discs(lab):
    disk, disc = lab.disk("target", 32), lab.scratch / "disc"
    disc.write_bytes(b"".join(hashlib.sha512(b"%d" % n).digest() for n in range(3 * MIB // 64)))
    options = ["--disk", f"{disk},bus=ahci", "--cdrom", disc, "--cdrom", "none"]
    with lab.guest(*options, do="sata", kernel="vmlinuz-full", memory="512M") as guest:
        written = guest.wait_for(r"GUEST-WROTE (\w{64})", 90).group(1)
        guest.wait_for(rf"GUEST-READ {written}\b")
        guest.wait_for("GUEST-DISCARDED")
        content = hashlib.sha256(disc.read_bytes()).hexdigest()
        guest.wait_for(rf"GUEST-DISC size={3 * MIB // 512} {content}\b")
        guest.wait_for("GUEST-EMPTY")
        guest.wait_for(r"GUEST-COMPLAINTS 0\b")
        guest.expect_end(POWER_OFF)
    data = disk.read_bytes()
    expect(not data[MIB : 5 * MIB].strip(b"\0"), "discarded bytes do not read as zero")
    expect(data[:MIB].strip(b"\0") and data[5 * MIB : 8 * MIB].strip(b"\0"),
           "bytes beside the discarded ones are gone")

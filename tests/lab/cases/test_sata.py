# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks and CD-ROM drives on the SATA adapter, with a stock kernel's drivers."""

import hashlib

from guest import BOOT_S, POWER_OFF, expect

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


def _disc(lab, name):
    """A disc and what the guest says about it."""
    path = lab.scratch / name
    path.write_bytes(hashlib.sha512(name.encode()).digest() * (MIB // 64))
    return path, f"GUEST-MEDIUM {hashlib.sha256(path.read_bytes()).hexdigest()}"


def discs_change_while_the_guest_runs(lab):
    lab.needs_control()
    (first, first_text), (second, second_text) = _disc(lab, "first"), _disc(lab, "second")
    nothing = f"GUEST-MEDIUM {hashlib.sha256(b'').hexdigest()}"
    lab.innctl("create", "case", *lab.kernel_options(do="media", kernel="vmlinuz-full"),
               "--memory", "512M")
    lab.innctl("attach", "case", "cdrom")
    lab.innctl("start", "case")
    with lab.innctl_process("console", "case") as console:

        def look(text, word="look"):
            since = len(console.output)
            console.type(f"{word}\n")
            console.wait_for(text, BOOT_S, since)

        console.wait_for("GUEST-DRIVE", 2 * BOOT_S)
        look(nothing)
        lab.innctl("insert", "case", first)
        look(first_text)
        lab.innctl("insert", "case", second)
        look(second_text)
        look("GUEST-HOLDS", "hold")
        refused = lab.innctl("eject", "case", check=False)
        expect(refused.returncode == 1 and "let it go" in refused.stderr,
               f"a disc that is held came out: {refused.stderr}")
        look(second_text)
        lab.innctl("eject", "case", "--force")
        look("GUEST-DROPS", "drop")
        look(nothing)
        lab.innctl("insert", "case", first)
        look(first_text)
    lab.innctl("poweroff", "case")

# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks of guests, plain and layered: what they are given as, grown, filled, and looked at."""

import hashlib
import subprocess

from guest import POWER_OFF, expect, until

MIB = 1 << 20


def option(path, serial="target", kind="raw", **more):
    words = [str(path), f"format={kind}", f"serial={serial}"]
    return ",".join(words + [f"{name}={value}" for name, value in more.items()])


def sha256(path, mib):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read(mib * MIB)).hexdigest()


def bytes_of(lab, image):
    """What a qcow2 image shows, in a raw file."""
    path = lab.scratch / f"{image.name}.raw"
    path.unlink(missing_ok=True)
    lab.innctl("image", "check", image)
    lab.innctl("image", "convert", image, path, "--format", "qcow2", "--to", "raw", seconds=120)
    return path


def expect_written(disk):
    with open(disk, "rb") as file:
        file.seek(40000 * 512)
        expect(file.read(5) == b"Linux", "what the guest wrote into the new room is not there")


def grow(lab, *before):
    lab.needs_control()
    lab.network_of_its_own()
    lab.innctl("create", "case", *lab.kernel_options(do="net"), "--memory", "256M",
               "--disk", "8M")
    lab.innctl("start", "case")
    with lab.innctl_process("console", "case") as console:

        def run(command, text):
            since = len(console.output)
            console.type(f"run {command}\n")
            console.wait_for(text, 60, since)
            console.wait_for("GUEST-RAN", 60, since)

        console.wait_for("GUEST-NET", 120)
        run("cat /sys/block/vda/size", rf"\b{8 * MIB // 512}\b")
        if before:
            lab.innctl(*before, seconds=60)
        lab.innctl("resize", "case", "vda", "24M")
        run("cat /sys/block/vda/size", rf"\b{24 * MIB // 512}\b")
        run("dd if=/proc/version of=/dev/vda bs=512 count=1 seek=40000 conv=fsync", "1 records out")
    lab.innctl("poweroff", "case")


def _state(lab, socket):
    return lab.innctl_json("--control", socket, "stats")["state"]


def on_small_disk(lab, kind):
    lab.needs_control()
    lab.needs_root("mount a small file system")
    place = lab.scratch / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "small", place], check=True)
    try:
        _fill_and_resume(lab, place, kind)
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def _fill_and_resume(lab, place, kind):
    disk = place / "target"
    lab.innctl("image", "create", disk, "32M", "--format", kind)
    socket = lab.scratch / "control"
    options = ["--disk", option(disk, kind=kind), "--control", socket]
    with lab.guest(*options, do="fill") as guest:
        guest.wait_for("GUEST-WRITES")
        until(lambda: _state(lab, socket) == "no-space", 60, "the guest was not paused")
        expect("GUEST-WROTE" not in guest.output, "the guest was told that all was stored")
        subprocess.run(["mount", "-o", "remount,size=64m", place], check=True)
        lab.innctl("--control", socket, "resume")
        written = guest.wait_for(r"GUEST-WROTE (\w{64})", 60).group(1)
        guest.expect_end(POWER_OFF)
    if kind == "qcow2":
        disk = bytes_of(lab, disk)
    expect(sha256(disk, 24) == written, "what the guest wrote is not on the disk")

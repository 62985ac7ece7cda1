# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest has stored is there, whatever ends the VMM or fills the host's disk."""

import hashlib
import subprocess
import time

from guest import POWER_OFF, expect, until

MIB = 1 << 20


def _option(path, serial="target", kind="raw", **more):
    words = [str(path), f"format={kind}", f"serial={serial}"]
    return ",".join(words + [f"{name}={value}" for name, value in more.items()])


def _sha256(path, mib):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read(mib * MIB)).hexdigest()


def flushed_data_outlives_a_killed_vmm(lab):
    disk = lab.disk("target", 32)
    with lab.guest("--disk", _option(disk), do="flush") as guest:
        written = guest.wait_for(r"GUEST-FLUSHED (\w{64})").group(1)
        time.sleep(0.5)  # writing goes on behind it
        guest.kill()
    expect(_sha256(disk, 8) == written, "what the guest flushed is not on the disk")


def _bytes_of(lab, image):
    """What a qcow2 image shows, in a raw file."""
    path = lab.scratch / f"{image.name}.raw"
    path.unlink(missing_ok=True)
    lab.innctl("image", "check", image)
    lab.innctl("image", "convert", image, path, "--format", "qcow2", "--to", "raw", seconds=120)
    return path


def layers_keep_what_was_flushed(lab):
    """Three of them; the lower ones are only read."""
    base = lab.disk("base", 32)
    with open(base, "r+b") as file:
        file.write(b"\xaa" * 32 * MIB)
    base.chmod(0o444)
    before = _sha256(base, 32)
    top = lab.layer("top", lab.layer("middle", base, "raw"), "qcow2")
    with lab.guest("--disk", _option(top, kind="qcow2"), do="flush") as guest:
        written = guest.wait_for(r"GUEST-FLUSHED (\w{64})").group(1)
        time.sleep(0.5)
        guest.kill()
    expect(_sha256(_bytes_of(lab, top), 8) == written, "what the guest flushed is not there")
    expect(_sha256(base, 32) == before, "the lowest layer has changed")


def discard_in_a_layer_gives_room_back(lab):
    base = lab.disk("base", 16)
    with open(base, "r+b") as file:
        file.write(b"\xaa" * 16 * MIB)
    top = lab.layer("top", base, "raw")
    with lab.guest("--disk", _option(top, kind="qcow2"), do="discard") as guest:
        guest.wait_for("GUEST-DISCARDED")
        guest.expect_end(POWER_OFF)
    expect(top.stat().st_blocks * 512 <= 2 * MIB, "the discarded room is still in use")
    data = _bytes_of(lab, top).read_bytes()
    kept = data[:MIB] + data[9 * MIB :]
    expect(not data[MIB : 9 * MIB].strip(b"\0"), "discarded bytes do not read as zero")
    expect(kept == b"\xaa" * len(kept), "bytes beside the discarded ones have changed")


def reads_what_the_host_wrote(lab):
    """Two disks, one read-only, at the size and with the bytes they have."""
    first, second = lab.disk("first", 24), lab.disk("second", 48)
    for path, seed in ((first, b"one"), (second, b"two")):
        data = b"".join(hashlib.sha512(seed + b"%d" % n).digest() for n in range(24 * MIB // 64))
        with open(path, "r+b") as file:
            file.write(data)
    options = ["--disk", _option(first, "first"), "--disk", _option(second, "second", readonly="on")]
    with lab.guest(*options, do="read") as guest:
        for path, ro, sectors in ((first, 0, 49152), (second, 1, 98304)):
            guest.wait_for(
                rf"GUEST-READ {path.name} size={sectors} ro={ro} {_sha256(path, 24)}\b", 90
            )
        guest.expect_end(POWER_OFF)


def discard_gives_room_back(lab):
    disk = lab.disk("target", 16)
    with open(disk, "r+b") as file:
        file.write(b"\xaa" * 16 * MIB)
    with lab.guest("--disk", _option(disk), do="discard") as guest:
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
    _grow(lab)
    [disk] = lab.scratch.rglob("*.raw")
    expect(disk.stat().st_size == 24 * MIB, "the disk has not grown")
    _expect_written(disk)


def grows_in_a_layer_while_the_guest_runs(lab):
    """The same in one that a snapshot has put on the disk meanwhile."""
    _grow(lab, "snapshot", "create", "case", "before")
    [disk] = lab.scratch.rglob("*.qcow2")
    _expect_written(_bytes_of(lab, disk))


def _expect_written(disk):
    with open(disk, "rb") as file:
        file.seek(40000 * 512)
        expect(file.read(5) == b"Linux", "what the guest wrote into the new room is not there")


def _grow(lab, *before):
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


def full_host_disk_pauses_the_guest(lab):
    """No write is lost and no error reaches the guest: it waits until there is room."""
    _on_small_disk(lab, "raw")


def full_host_disk_pauses_the_guest_in_a_layer(lab):
    _on_small_disk(lab, "qcow2")


def _on_small_disk(lab, kind):
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
    options = ["--disk", _option(disk, kind=kind), "--control", socket]
    with lab.guest(*options, do="fill") as guest:
        guest.wait_for("GUEST-WRITES")
        until(lambda: _state(lab, socket) == "no-space", 60, "the guest was not paused")
        expect("GUEST-WROTE" not in guest.output, "the guest was told that all was stored")
        subprocess.run(["mount", "-o", "remount,size=64m", place], check=True)
        lab.innctl("--control", socket, "resume")
        written = guest.wait_for(r"GUEST-WROTE (\w{64})", 60).group(1)
        guest.expect_end(POWER_OFF)
    if kind == "qcow2":
        disk = _bytes_of(lab, disk)
    expect(_sha256(disk, 24) == written, "what the guest wrote is not on the disk")

# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks and initial RAM file systems, of the computer and of its guests."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from archive import Archive
import media
from cache import HERE, LabError
from kernels import modules_in_load_order

COMPUTER_BOOT_MODULES = "virtio_pci virtio_blk virtio_console ext4 9p 9pnet_virtio overlay".split()
# ext4 is built into the cloud flavour.
# What the cloud flavour has not; the full one serves guests with such hardware.
GUEST_FULL_MODULES = "ahci sd_mod sr_mod isofs".split()
GUEST_SCREEN_MODULES = "virtio_pci virtio_input evdev virtio-gpu".split()
GUEST_MODULES = """virtio_pci virtio_blk virtio_net virtio_rng virtio_balloon virtio_console
vmw_vsock_virtio_transport cpuid pvpanic-mmio button evdev""".split()
GUEST_PROGRAMS = "vsock-echo load-disk load-net keep-pattern".split()
SCREEN_PROGRAMS = "input-events screen-draw".split()


def _initramfs(path, *, init, busybox, modules, folders, programs=()):
    archive = Archive()
    for name in ("bin", "dev", "proc", "sys", "modules", *folders):
        archive.folder(name)
    archive.console()
    archive.file("init", init.read_bytes(), executable=True)
    archive.file("bin/busybox", busybox, executable=True)
    for program in programs:
        archive.file(f"bin/{program.name}", program.read_bytes(), executable=True)
    for module in modules:
        archive.file(f"modules/{Path(module).name}", Path(module).read_bytes())
    order = "".join(f"{Path(module).name}\n" for module in modules)
    archive.file("modules/order", order.encode())
    archive.write(path)


def _busybox(needed):
    packed = needed["computer-tree"] / "tree.tar"
    return subprocess.run(
        ["tar", "-xOf", packed, "./usr/bin/busybox"], stdout=subprocess.PIPE, check=True
    ).stdout


def make_computer_initrd(out, needed):
    _initramfs(
        out / "initrd.gz",
        init=HERE / "l1/initramfs-init",
        busybox=_busybox(needed),
        modules=modules_in_load_order(needed["kernels"] / "full", COMPUTER_BOOT_MODULES),
        folders=("disk", "memory", "new"),
    )


def make_guest_initrd(out, needed):
    for name, flavour, modules, programs in (
        ("initrd.gz", "cloud", GUEST_MODULES, GUEST_PROGRAMS),
        ("initrd-full.gz", "full", GUEST_FULL_MODULES, []),
        ("initrd-screen.gz", "full", GUEST_SCREEN_MODULES, SCREEN_PROGRAMS),
    ):
        _initramfs(
            out / name,
            init=HERE / "l2/init",
            busybox=_busybox(needed),
            modules=modules_in_load_order(needed["kernels"] / flavour, modules),
            folders=("tmp", "root", "etc"),
            programs=[_guest_program(out, program) for program in programs],
        )
    _make_spin(out)


def _guest_program(out, name):
    source, program = HERE / f"l2/{name}.c", out / name
    subprocess.run(["gcc", "-O2", "-Wall", "-static", "-s", "-D_GNU_SOURCE", "-o", program, source],
                   check=True)
    return program


def _make_spin(out):
    built = out / "spin.o"
    subprocess.run(["gcc", "-c", "-o", built, HERE / "l2/spin.S"], check=True)
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", built, out / "spin"], check=True)
    built.unlink()


def _as_root(script):
    """As root, or as one who seems to be: files keep their owners."""
    command = ["sh", "-ec", script]
    if os.geteuid() != 0:
        if not shutil.which("fakeroot"):
            raise LabError("fakeroot is not installed; .ci/install-packages check installs it")
        command = ["fakeroot", *command]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise LabError("no disk image could be made:\n" + done.stderr.strip())


def _disk_image(out, image, size, tree, change):
    """An ext4 disk from a tree in a tar file, after `change` (shell) ran in its root."""
    words = {"root": out / "root", "image": image, "size": size, "tree": tree}
    quoted = {name: shlex.quote(str(value)) for name, value in words.items()}
    _as_root(
        "mkdir {root}; tar -xf {tree} -C {root}; ( cd {root}; {change} )\n"
        "mke2fs -q -F -t ext4 -b 4096 -d {root} {image} {size}\n"
        "rm -rf {root}".format(change=change, **quoted)
    )


def make_guest_disk(out, needed):
    _disk_image(out, out / "debian.raw", "600M", needed["guest-tree"] / "tree.tar", ":")


def make_computer_disk(out, needed):
    agent = out / "lab-agent"
    subprocess.run(["gcc", "-O2", "-Wall", "-static", "-s", "-D_GNU_SOURCE", "-o", agent,
                    HERE / "l1/agent.c"], check=True)
    change = """
rm -rf boot/* usr/lib/modules usr/lib/python3*/test
mkdir -p usr/lib/modules scratch host lab tests
cp -a {modules}/. usr/lib/modules/
install -m 755 {agent} lab-agent
install -m 755 {init} lab-init
echo 'root:x:0:0:root:/root:/bin/sh' >etc/passwd
echo 'nobody:x:65534:65534:nobody:/:/bin/false' >>etc/passwd
echo 'root:x:0:' >etc/group
""".format(
        modules=shlex.quote(str(needed["kernels"] / "full/lib/modules")),
        agent=shlex.quote(str(agent)),
        init=shlex.quote(str(HERE / "l1/init")),
    )
    _disk_image(out, out / "root.img", "1500M", needed["computer-tree"] / "tree.tar", change)
    agent.unlink()


def make_assets(out, needed):
    """What guests boot from, in one folder that the computer sees as /lab."""
    for source, name in (
        (needed["kernels"] / "vmlinuz-cloud", "vmlinuz"),
        (needed["kernels"] / "vmlinuz-full", "vmlinuz-full"),
        (needed["guest-initrd"] / "initrd.gz", "initrd.gz"),
        (needed["guest-initrd"] / "initrd-full.gz", "initrd-full.gz"),
        (needed["guest-initrd"] / "initrd-screen.gz", "initrd-screen.gz"),
        (needed["guest-initrd"] / "spin", "spin"),
        (needed["guest-disk"] / "debian.raw", "debian.raw"),
        *((needed["media"] / name, name) for name in media.DISCS),
    ):
        os.link(source, out / name)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's kernels out of the computer's tree: the full flavour for the computer, the cloud
flavour for its guests. The computer's is unpacked to a plain ELF file, which boots by PVH and saves
unpacking it in emulation."""

import lzma
import shutil
import struct
import subprocess

import kvm_amd_patch
from cache import LabError

# What neither the computer, into whose root image the tree goes, nor a guest has hardware for.
UNUSED = """drivers/gpu/drm/[!v]*/ drivers/media drivers/staging drivers/infiniband drivers/iio
drivers/usb drivers/scsi/*/ drivers/net/wireless drivers/net/ethernet sound fs/ocfs2 fs/xfs fs/btrfs
fs/ceph fs/gfs2 fs/cifs fs/nfs fs/nfsd""".split()


def _payload(image):
    """The compressed kernel inside a bzImage (Linux boot protocol 2.08, payload_offset)."""
    if image[0x202:0x206] != b"HdrS":
        raise LabError("the kernel package holds no bzImage")
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    return image[start : start + length - 4]  # the last word is the unpacked size


def unpack_kernel(source, target):
    payload = _payload(source.read_bytes())
    if payload.startswith(b"\xfd7zXZ"):
        elf = lzma.decompress(payload)
    elif payload.startswith(b"\x02\x21\x4c\x18"):
        elf = subprocess.run(["lz4", "-dc"], input=payload, stdout=subprocess.PIPE, check=True).stdout
    else:
        raise LabError(f"{source.name} is packed in a way the lab does not know")
    target.write_bytes(elf)


def _flavours(modules):
    versions = sorted(entry.name for entry in modules.iterdir())
    cloud = [version for version in versions if "cloud" in version]
    full = [version for version in versions if "cloud" not in version]
    return {"full": full[-1], "cloud": cloud[-1]}


def make_kernels(out, needed):
    subprocess.run(
        ["tar", "-xf", needed["computer-tree"] / "tree.tar", "-C", out, "--no-same-owner",
         "./boot", "./usr/lib/modules"],
        check=True,
    )
    modules = out / "usr/lib/modules"
    for flavour, version in _flavours(modules).items():
        root = out / flavour
        (root / "lib/modules").mkdir(parents=True)
        (modules / version).rename(root / "lib/modules" / version)
        image = out / f"vmlinuz-{flavour}"
        (out / f"boot/vmlinuz-{version}").rename(image)
        if flavour == "full":
            unpack_kernel(image, out / "vmlinux-full")
            _prepare_computer_modules(root / "lib/modules" / version)
        subprocess.run(["depmod", "-b", root, version], check=True)
    shutil.rmtree(out / "boot")
    shutil.rmtree(out / "usr")


def _prepare_computer_modules(tree):
    for name in UNUSED:
        for folder in (tree / "kernel").glob(name):
            shutil.rmtree(folder)
    module = tree / "kernel/arch/x86/kvm/kvm-amd.ko"
    module.write_bytes(kvm_amd_patch.patched(module.read_bytes()))


def modules_in_load_order(root, names):
    """The files of the modules and of all they need, each once."""
    version = next((root / "lib/modules").iterdir()).name
    seen = {}
    for name in names:
        shown = subprocess.run(
            ["modprobe", "-d", root, "-S", version, "--show-depends", name],
            capture_output=True, text=True,
        )
        if shown.returncode:
            raise LabError(f"the kernel package has no module {name}: {shown.stderr.strip()}")
        for line in shown.stdout.splitlines():
            words = line.split()
            if words[0] == "insmod":
                seen[words[1]] = None
    return list(seen)

# SPDX-License-Identifier: GPL-3.0-or-later
"""All that the lab is made of, in order."""

import debian
import images
import installer_cd
import kernels
import media
import mirror
import template
from cache import Step, ensure, is_built, lock, log, note_use, prune, root

COMPUTER_TREE = Step("computer-tree", debian.make_computer_tree, intermediate=True)
GUEST_TREE = Step("guest-tree", debian.make_guest_tree, intermediate=True)
KERNELS = Step("kernels", kernels.make_kernels, inputs=["kvm_amd_patch.py"], needs=[COMPUTER_TREE])
COMPUTER_INITRD = Step(
    "computer-initrd", images.make_computer_initrd,
    inputs=["archive.py", "l1/initramfs-init"], needs=[COMPUTER_TREE, KERNELS],
)
COMPUTER_DISK = Step(
    "computer-disk", images.make_computer_disk,
    inputs=["l1/agent.c", "l1/init"], needs=[COMPUTER_TREE, KERNELS],
)
GUEST_INITRD = Step(
    "guest-initrd", images.make_guest_initrd,
    inputs=["archive.py", "l2/init", "l2/spin.S",
            *(f"l2/{name}.c" for name in images.GUEST_PROGRAMS + images.SCREEN_PROGRAMS)],
    needs=[COMPUTER_TREE, KERNELS],
)
GUEST_DISK = Step("guest-disk", images.make_guest_disk, needs=[GUEST_TREE])
MEDIA_TREE = Step("media-tree", media.make_media_tree, inputs=["debian.py"], intermediate=True)
MEDIA = Step("media", media.make_media, needs=[MEDIA_TREE])
ASSETS = Step("assets", images.make_assets, needs=[KERNELS, GUEST_INITRD, GUEST_DISK, MEDIA])
TEMPLATE = Step(
    "template", template.make_template, inputs=["qemu.py", "agent.py"],
    needs=[KERNELS, COMPUTER_INITRD, COMPUTER_DISK],
)
# For "lab case --long".
MIRROR = Step(
    "mirror", mirror.make_mirror,
    inputs=["debian.py", "packages.py", "installer/boot-loader", "installer/disk-setup"],
)
INSTALLER_CD = Step(
    "installer-cd", installer_cd.make_installer_cd,
    inputs=["archive.py", "media.py", "installer/grub.cfg", "installer/preseed.cfg"], needs=[MIRROR],
)
LONG_ASSETS = Step(
    "long-assets", installer_cd.make_long_assets, needs=[ASSETS, INSTALLER_CD, MIRROR],
)
STEPS = [
    COMPUTER_TREE, GUEST_TREE, KERNELS, COMPUTER_INITRD, COMPUTER_DISK, GUEST_INITRD, GUEST_DISK,
    MEDIA_TREE, MEDIA, ASSETS, TEMPLATE, MIRROR, INSTALLER_CD, LONG_ASSETS,
]
FINAL = [ASSETS, TEMPLATE]


def build(wanted=FINAL):
    """Makes what is wanted and not there; ASSETS alone need no computer."""
    if all(is_built(step) for step in wanted):
        note_use(STEPS)
        return
    with lock():
        for step in wanted:
            ensure(step)
        prune(STEPS)
    log(f"ready in {root()}")

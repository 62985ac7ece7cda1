# SPDX-License-Identifier: GPL-3.0-or-later
"""CDs as a person has them: GRUB's rescue disc, the memory test, and Debian's installer."""

import shutil
import subprocess

from cache import LabError
from debian import make_tree

PACKAGES = "debian-installer-12-netboot-amd64 memtest86+ grub-rescue-pc"
INSTALLER = "usr/lib/debian-installer/images/12/amd64"
FLAVOURS = ("text", "gtk")
DISCS = ("grub-rescue.iso", "memtest.iso", "installer.iso")
# What the menus of installers' discs need, for both kinds of firmware.
GRUB_MODULES = "normal configfile linux iso9660 search all_video echo halt test serial terminal"

MENU = """
set timeout=-1
insmod all_video
menuentry "Text installer" --hotkey=t {
	linux /linux quiet
	initrd /text.gz
}
menuentry "Graphical installer" --hotkey=g {
	linux /linux vga=788 quiet
	initrd /gtk.gz
}
menuentry "Serial installer" --hotkey=s {
	linux /linux console=ttyS0 quiet
	initrd /text.gz
}
"""


def make_media_tree(out, needed):
    make_tree(out, PACKAGES)


def make_disc(path, files):
    """A disc of a folder that GRUB starts from BIOS and from UEFI, by boot/grub/grub.cfg in it."""
    if not shutil.which("grub-mkrescue"):
        raise LabError("grub-mkrescue is not installed; .ci/install-packages check installs it")
    done = subprocess.run(
        ["grub-mkrescue", f"--install-modules={GRUB_MODULES}", "--fonts=", "--locales=",
         "--themes=", "-o", path, files],
        capture_output=True, text=True,
    )
    if done.returncode:
        raise LabError("no CD image could be made:\n" + done.stderr.strip()[-1500:])


def _make_installer_disc(tree, path):
    files = tree / "disc"
    (files / "boot/grub").mkdir(parents=True)
    (files / "boot/grub/grub.cfg").write_text(MENU)
    for flavour in FLAVOURS:
        source = tree / INSTALLER / flavour / "debian-installer/amd64"
        (source / "initrd.gz").rename(files / f"{flavour}.gz")
        shutil.copyfile(source / "linux", files / "linux")  # the same in both
    make_disc(path, files)


def make_media(out, needed):
    work = out / "work"
    work.mkdir()
    subprocess.run(
        ["tar", "-xf", needed["media-tree"] / "tree.tar", "-C", work, "--no-same-owner",
         f"./{INSTALLER}", "./usr/lib/memtest86+", "./usr/lib/grub-rescue"],
        check=True,
    )
    rescue, memtest, installer = (out / name for name in DISCS)
    (work / "usr/lib/grub-rescue/grub-rescue-cdrom.iso").rename(rescue)
    (work / "usr/lib/memtest86+/memtest86+x64.iso").rename(memtest)
    _make_installer_disc(work, installer)
    shutil.rmtree(work)

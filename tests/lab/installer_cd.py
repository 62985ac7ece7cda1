# SPDX-License-Identifier: GPL-3.0-or-later
"""A CD that installs Debian with nobody there: the installer's kernel and RAM disk with the answers
in it, started by GRUB from BIOS and from UEFI."""

import os
import shutil

from archive import Archive
from cache import HERE
from media import make_disc

PARTS = HERE / "installer"


def _initrd(path, installer):
    """The kernel takes archives one behind the other."""
    archive = Archive()
    archive.file("preseed.cfg", (PARTS / "preseed.cfg").read_bytes())
    answers = path.with_name("answers")
    archive.write(answers)
    path.write_bytes(installer.read_bytes() + answers.read_bytes())
    answers.unlink()


def make_installer_cd(out, needed):
    tree = out / "tree"
    (tree / "boot/grub").mkdir(parents=True)
    shutil.copyfile(PARTS / "grub.cfg", tree / "boot/grub/grub.cfg")
    os.link(needed["mirror"] / "linux", tree / "linux")
    _initrd(tree / "initrd.gz", needed["mirror"] / "initrd.gz")
    make_disc(out / "install.iso", tree)
    shutil.rmtree(tree)


def make_long_assets(out, needed):
    """What guests of ordinary cases boot from, and the installer's CD and mirror."""
    shutil.copytree(needed["assets"], out, dirs_exist_ok=True, copy_function=os.link)
    os.link(needed["installer-cd"] / "install.iso", out / "install.iso")
    shutil.copytree(needed["mirror"] / "debian", out / "mirror/debian", copy_function=os.link)

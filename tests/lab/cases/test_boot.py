# SPDX-License-Identifier: GPL-3.0-or-later
"""Stock Debian kernels and systems come up."""

import shutil

from guest import POWER_OFF


def _boots(lab, cpus):
    with lab.guest(cpus=cpus) as guest:
        guest.wait_for(rf"GUEST-UP cpus={cpus}\b")
        guest.expect_end(POWER_OFF)


def one_processor(lab):
    _boots(lab, 1)


def two_processors(lab):
    _boots(lab, 2)


def four_processors(lab):
    _boots(lab, 4)


def serial_line_goes_both_ways(lab):
    with lab.guest(do="answer") as guest:
        guest.wait_for("GUEST-LISTENS")
        guest.type("a word from the host\n")
        guest.wait_for("GUEST-HEARD a word from the host")


def debian_to_login(lab):
    """An installed Debian with systemd, on a raw disk: to the login prompt, in, and off."""
    disk = lab.scratch / "debian.raw"
    shutil.copyfile(lab.assets / "debian.raw", disk)
    _log_in(lab, disk)


def debian_from_a_layer(lab):
    """The same from a layer over a disk that is only read; what it has written is sound."""
    disk = lab.layer("debian.qcow2", lab.assets / "debian.raw", "raw")
    _log_in(lab, f"{disk},format=qcow2")
    lab.innctl("image", "check", disk)


def _log_in(lab, disk):
    with lab.guest("--disk", disk, do="debian", memory="512M") as guest:
        guest.wait_for("lab-guest login:", 180)
        guest.type("root\n")
        guest.wait_for("root@lab-guest:.*#", 60)
        guest.type("systemctl poweroff\n")
        guest.expect_end(POWER_OFF, 90)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian file systems from the package source this machine's apt already uses (mmdebstrap)."""

import os
import shutil
import subprocess

from cache import LabError

SUITE = "bookworm"
MERGED_USR = "/usr/share/mmdebstrap/hooks/merged-usr"

# The computer: never configured, only unpacked, which is quick and needs no package script.
COMPUTER_PACKAGES = (
    "base-files busybox-static coreutils dash e2fsprogs iproute2 kmod libc-bin mount procps"
    " python3 strace util-linux"
    " ovmf"
    " qemu-system-x86 qemu-utils seabios"  # to compare with
    " libglib2.0-0 libxml2 libjson-glib-1.0-0"  # innctl
    " passt"  # user networking
    " linux-image-amd64 linux-image-cloud-amd64"
)
# The guest: a whole system that a person could have installed.
GUEST_PACKAGES = "systemd-sysv udev e2fsprogs"
UNREAD = "doc locale man info lintian bug zoneinfo"


def mirror_address():
    """The first source apt gets base-files from; none: mmdebstrap's own default."""
    policy = subprocess.run(
        ["apt-cache", "policy", "base-files"], capture_output=True, text=True, check=True
    ).stdout
    for line in policy.splitlines():
        words = line.split()
        if len(words) > 2 and words[1].startswith("http") and "security" not in words[1]:
            return [words[1]]
    return []


def _mmdebstrap(out, *options):
    if not shutil.which("mmdebstrap"):
        raise LabError("mmdebstrap is not installed; .ci/install-packages check installs it")
    command = ["mmdebstrap", "--format=tar", *options, SUITE, str(out), *mirror_address()]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise LabError(
            "no Debian file system could be made"
            + ("" if os.geteuid() == 0 else " (as an ordinary user this needs user namespaces and"
               " the package uidmap; as root it needs neither)")
            + ":\n" + "\n".join(done.stderr.splitlines()[-8:])
        )


def _without_unread():
    paths = " ".join(f'"$1"/usr/share/{name}' for name in UNREAD.split())
    return f"--customize-hook=rm -rf {paths}"


def make_tree(out, packages):
    """What the packages and all they need hold: only unpacked, nothing of it can run."""
    _mmdebstrap(
        out / "tree.tar",
        "--variant=extract",
        f"--hook-dir={MERGED_USR}",
        "--include=" + ",".join(packages.split()),
        _without_unread(),
    )


def make_computer_tree(out, needed):
    make_tree(out, COMPUTER_PACKAGES)


def make_guest_tree(out, needed):
    _mmdebstrap(
        out / "tree.tar",
        "--variant=minbase",
        "--include=" + ",".join(GUEST_PACKAGES.split()),
        _without_unread(),
        '--customize-hook=chroot "$1" passwd -qd root',
        '--customize-hook=echo lab-guest > "$1"/etc/hostname',
        '--customize-hook=echo "/dev/vda / ext4 rw 0 1" > "$1"/etc/fstab',
    )

# SPDX-License-Identifier: GPL-3.0-or-later
"""A package mirror that holds what one small installation needs and no more: Debian's own packages
and descriptions, got with this machine's apt, under indexes of our own."""

import gzip
import hashlib
import lzma
import re
import shutil
import subprocess

from cache import HERE, LabError
from debian import SUITE
from packages import Apt, Index

# Beside the packages of priority "required". The installer takes all of priority "important" that
# the mirror has; what is not needed to install, to start and to log in is left out.
SYSTEM = """systemd-sysv udev init ifupdown isc-dhcp-client iproute2 netbase kmod cpio adduser
procps usr-is-merged apt-utils debconf-i18n debian-archive-keyring linux-image-cloud-amd64
initramfs-tools busybox zstd grub-pc grub-efi-amd64""".split()
# What the installer's RAM disk has not.
INSTALLER = "base-installer bootstrap-base".split()
INSTALLER_MODULES = "scsi-modules ext4-modules efi-modules".split()  # scsi: and virtio disks
# Parts of the installer that this lab does its own way (installer/), from packages of the system.
# Its menu tells steps apart by their descriptions.
DISK_SETUP_INSTEAD_OF = """harddrive-detection partitioned-harddrives made-filesystems
mounted-partitions created-fstab debootstrap-udeb di-utils-mapdevfs""".split()
DISK_SETUP = f"""Package: disk-setup
Provides: {", ".join(DISK_SETUP_INSTEAD_OF)}
Installer-Menu-Item: 4200
Description: partition the disk
"""
BOOT_LOADER = """Package: boot-loader
Provides: bootable-system
Depends: kernel-installer, efi-modules
Installer-Menu-Item: 7400
Description: let the disk start
"""
OWN_PART = """Version: 1
Architecture: amd64
Maintainer: Innkeeper <lab@localhost>
Section: debian-installer
Priority: standard
"""
DISK_PACKAGES = """debootstrap dosfstools e2fsprogs fdisk
libcom-err2 libext2fs2 libfdisk1 libsmartcols1""".split()
DISK_FILES = """sbin/sfdisk sbin/mke2fs sbin/mkfs.fat etc/mke2fs.conf usr/sbin/debootstrap
usr/share/debootstrap/* lib/*/libext2fs.so.* lib/*/libe2p.so.* lib/*/libcom_err.so.*
usr/lib/*/libfdisk.so.* usr/lib/*/libsmartcols.so.*""".split()
IMAGE = "debian-installer-12-netboot-amd64"
IMAGE_FILES = "usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64/"


def _is_udeb(stanza):
    return Index.field(stanza, "Filename").endswith(".udeb")


def _installer(apt, place, out):
    """Keeps its kernel and RAM disk; what this one has installed, and its kernel's version."""
    place.mkdir()
    apt("apt-get", "download", IMAGE, folder=place)
    subprocess.run(["dpkg-deb", "-x", *place.glob("*.deb"), place], check=True)
    for name in ("linux", "initrd.gz"):
        (place / IMAGE_FILES / name).rename(out / name)
    shutil.rmtree(place)
    packed = gzip.decompress((out / "initrd.gz").read_bytes())
    status = subprocess.run(
        ["cpio", "-i", "--quiet", "--to-stdout", "var/lib/dpkg/status"],
        input=packed, stdout=subprocess.PIPE, check=True,
    ).stdout.decode()
    installed = set(re.findall(r"^Package: (\S+)$", status, re.MULTILINE))
    kernel = re.search(r"^Package: kernel-image-(\S+)-di$", status, re.MULTILINE)
    return installed, kernel[1]


def _download(apt, index, names, out):
    """Into the places of the pool that the descriptions name."""
    place = out / "downloads"
    place.mkdir(parents=True)
    apt("apt-get", "download", *names, folder=place)
    files = {re.sub("_.*", "", path.name): path for path in place.iterdir()}
    for name in names:
        target = out / Index.field(index.stanzas[name], "Filename")
        target.parent.mkdir(parents=True, exist_ok=True)
        files[name].rename(target)
    place.rmdir()


def _write_index(folder, stanzas):
    folder.mkdir(parents=True)
    text = "".join(stanza.strip() + "\n\n" for stanza in stanzas).encode()
    for name, content in (("Packages", text), ("Packages.gz", gzip.compress(text, mtime=0)),
                          ("Packages.xz", lzma.compress(text))):
        (folder / name).write_bytes(content)
    (folder / "Release").write_text(f"Archive: {SUITE}\nComponent: main\nArchitecture: amd64\n")


def _write_release(folder):
    lines = ["Origin: Debian", "Label: Debian", f"Suite: {SUITE}", f"Codename: {SUITE}",
             "Date: Sat, 01 Jan 2022 00:00:00 UTC", "Architectures: amd64", "Components: main",
             "SHA256:"]
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        lines.append(f" {hashlib.sha256(data).hexdigest()} {len(data)} {path.relative_to(folder)}")
    (folder / "Release").write_text("\n".join(lines) + "\n")


def _own_part(pool, fields, script, files):
    """A package of the installer whose configuration is the script; its description."""
    (files / "DEBIAN").mkdir(parents=True)
    description = fields + OWN_PART
    (files / "DEBIAN/control").write_text(description)
    shutil.copyfile(HERE / "installer" / script, files / "DEBIAN/postinst")
    (files / "DEBIAN/postinst").chmod(0o755)
    pool.mkdir(parents=True, exist_ok=True)
    package = pool / f"{script}_1_amd64.udeb"
    subprocess.run(["dpkg-deb", "-Zxz", "--root-owner-group", "--build", files, package],
                   stdout=subprocess.DEVNULL, check=True)
    data = package.read_bytes()
    return (description + f"Filename: pool/lab/{package.name}\nSize: {len(data)}\n"
            f"SHA256: {hashlib.sha256(data).hexdigest()}\n")


def _disk_programs(apt, place, files):
    """What the disk is set up with, in a folder."""
    place.mkdir()
    apt("apt-get", "download", *DISK_PACKAGES, folder=place)
    whole = place / "whole"
    for package in place.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, whole], check=True)
    for pattern in DISK_FILES:
        found = sorted(whole.glob(pattern))
        if not found:
            raise LabError(f"none of {', '.join(DISK_PACKAGES)} has {pattern}")
        target = files / found[0].relative_to(whole).parent
        target.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", *found, target], check=True)
    (files / "bin").mkdir()
    mapdevfs = files / "bin/mapdevfs"
    mapdevfs.write_text('#!/bin/sh\nreadlink -f "$1"\n')
    mapdevfs.chmod(0o755)


def make_mirror(out, needed):
    """debian/, and the installer's kernel and RAM disk beside it."""
    place = out / "apt"
    apt = Apt(place)
    apt("apt-get", "update")
    installed, kernel = _installer(apt, place / "installer", out)
    index = Index(apt("apt-cache", "dumpavail"), kernel)
    base = [name for name, stanza in index.stanzas.items()
            if Index.field(stanza, "Priority") == "required" and not _is_udeb(stanza)]
    debs = index.with_needed(base + SYSTEM)
    modules = [f"{name}-{kernel}-di" for name in INSTALLER_MODULES]
    udebs = index.with_needed(INSTALLER + modules, without=installed.union(DISK_SETUP_INSTEAD_OF))
    _download(apt, index, debs + udebs, out / "debian")
    _disk_programs(apt, place / "programs", place / "disk-setup")
    pool = out / "debian/pool/lab"
    parts = [_own_part(pool, DISK_SETUP, "disk-setup", place / "disk-setup"),
             _own_part(pool, BOOT_LOADER, "boot-loader", place / "boot-loader")]
    shutil.rmtree(place)
    dists = out / "debian/dists" / SUITE
    _write_index(dists / "main/binary-amd64", [index.stanzas[name] for name in debs])
    _write_index(dists / "main/debian-installer/binary-amd64",
                 [index.stanzas[name] for name in udebs] + parts)
    _write_release(dists)

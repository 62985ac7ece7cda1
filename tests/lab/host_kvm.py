# SPDX-License-Identifier: GPL-3.0-or-later
"""Where cases run: on this machine if its own KVM runs ordinary guests, otherwise in the lab."""

import json
import os
import shutil
import subprocess
from pathlib import Path

NEEDED_PROGRAMS = ("qemu-system-x86_64", "mmdebstrap", "mke2fs", "depmod", "lz4", "gcc", "objcopy",
                   "grub-mkrescue", "xorriso", "mformat")


def own_kvm_is_good(innctl):
    """What our own host check says; it runs a probe guest (engine/host-check.h)."""
    try:
        done = subprocess.run([innctl, "host", "--json"], capture_output=True, timeout=30)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and json.loads(done.stdout).get("kvm") == "good"


def _has_user_namespaces():
    return shutil.which("newuidmap") and not subprocess.run(["unshare", "-U", "true"]).returncode


def why_no_lab():
    """Why the lab cannot be built or run on this machine; None when it can."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [name for name in NEEDED_PROGRAMS if not shutil.which(name, path=path)]
    if missing:
        return f"the lab needs {', '.join(missing)} (.ci/install-packages check)"
    if os.geteuid() != 0 and not (_has_user_namespaces() and shutil.which("fakeroot")):
        return "an ordinary user needs user namespaces, uidmap and fakeroot to build the lab"
    if not Path("/usr/bin/apt-cache").exists():
        return "the lab is built from Debian's packages, which needs apt"
    return None

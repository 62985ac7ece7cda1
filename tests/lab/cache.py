# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab has built, kept step by step.

A step's folder is named by a hash of everything that decides its content: the code and files it is
made from and the steps it needs. So a changed file remakes exactly what depends on it, a stopped
build goes on where it was, and two source trees share what is the same.
"""

import contextlib
import fcntl
import hashlib
import inspect
import os
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
UNUSED_DAYS = 14
RUN_HOURS = 6  # no command in the lab takes that long


class LabError(Exception):
    """A sentence for a person: what stopped and what to do."""


class Step:
    """make(out, needed) fills the empty folder `out`; `needed` maps the needs' names to folders."""

    def __init__(self, name, make, *, inputs=(), needs=(), intermediate=False):
        self.name = name
        self.make = make
        self.needs = needs
        self.intermediate = intermediate  # only other steps read it: dropped after a whole build
        self.key = self._hash([inspect.getsourcefile(make), *(HERE / name for name in inputs)])

    def _hash(self, files):
        digest = hashlib.sha256(self.name.encode())
        for file in files:
            digest.update(hashlib.sha256(Path(file).read_bytes()).digest())
        for need in self.needs:
            digest.update(need.key.encode())
        return digest.hexdigest()[:12]


def root():
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "innkeeper" / "lab"


def run_folder():
    """Where running copies keep their sockets; what killed ones left behind is cleared."""
    run = root() / "run"
    run.mkdir(parents=True, exist_ok=True)
    for entry in run.iterdir():
        if entry.stat().st_mtime < time.time() - RUN_HOURS * 3600:
            shutil.rmtree(entry, ignore_errors=True)
    return run


def folder(step):
    return root() / f"{step.name}-{step.key}"


def is_built(step):
    return folder(step).is_dir()


def log(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def lock():
    """One build at a time; the kernel drops the lock of a builder that dies."""
    root().mkdir(parents=True, exist_ok=True)
    with open(root() / ".lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log("waiting for another build of the lab")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def ensure(step):
    """Makes the step, and what it needs, unless it is there. Call with the lock held."""
    target = folder(step)
    if target.is_dir():
        return target
    needed = {need.name: ensure(need) for need in step.needs}
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    began = time.monotonic()
    step.make(part, needed)
    part.rename(target)
    log(f"made {step.name} in {time.monotonic() - began:.1f} s")
    return target


def note_use(steps):
    """Keeps other trees' builds from dropping what this one uses."""
    for step in steps:
        with contextlib.suppress(FileNotFoundError):
            os.utime(folder(step))


def prune(steps):
    """Drops intermediate steps, what stopped builds left, and what no tree has used for long."""
    keep = {folder(step).name for step in steps if not step.intermediate}
    drop = {folder(step).name for step in steps if step.intermediate}
    oldest = time.time() - UNUSED_DAYS * 86400
    for entry in root().iterdir():
        if not entry.is_dir() or entry.name in keep:
            continue
        stale = entry.name.endswith(".part") or entry.stat().st_mtime < oldest
        if entry.name in drop or (stale and entry.name != "run"):
            shutil.rmtree(entry, ignore_errors=True)

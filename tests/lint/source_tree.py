# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the source tree that the checks look at, and how they report."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def files(*patterns):
    """Paths relative to the root: what git tracks, or everything in an unpacked archive."""
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        capture_output=True, text=True,
    )
    if listed.returncode == 0:
        names = listed.stdout.splitlines()
        return sorted(Path(name) for name in names if (ROOT / name).is_file())
    return sorted(
        path.relative_to(ROOT) for pattern in patterns for path in ROOT.rglob(pattern)
    )


def report(complaints, sentence):
    """Prints the complaints; the exit status of the check."""
    for complaint in complaints:
        print(complaint)
    if complaints:
        print(sentence)
    sys.exit(1 if complaints else 0)

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one case here: run.py FILE CASE SECONDS [--peer]. Exit status 0 passed, 1 not, 2 the case
itself is broken, 77 cannot run here (the reason is the last line). One that takes longer than SECONDS
tells where it hangs, and is for others to end."""

import faulthandler
import importlib
import sys
import threading
import traceback
from pathlib import Path

from guest import Failure, Lab, Skip


def _read(path):
    try:
        return path.read_text(errors="replace").replace("\0", " ").strip()
    except OSError as error:
        return str(error)


def _tell_where_it_hangs():
    print("It takes too long; it is here, and its processes wait there:")
    sys.stdout.flush()
    faulthandler.dump_traceback(sys.stdout)
    for process in Path("/proc").glob("[0-9]*"):
        if any(word in _read(process / "comm") for word in ("innctl", "innkeeper", "qemu", "passt")):
            print(process.name, _read(process / "cmdline"))
            for thread in (process / "task").iterdir():
                print(" ", thread.name, _read(thread / "comm"), _read(thread / "syscall"),
                      _read(thread / "stack").replace("\n", " < "))
    sys.stdout.flush()


def main():
    name, case, seconds, *options = sys.argv[1:]
    patience = threading.Timer(float(seconds), _tell_where_it_hangs)
    patience.daemon = True
    patience.start()
    lab = Lab(peer="--peer" in options)
    try:
        getattr(importlib.import_module(name), case)(lab)
        return 0
    except Failure as failure:
        print(failure)
        return 1
    except Skip as reason:
        print(reason)
        return 77
    except Exception:
        traceback.print_exc(file=sys.stdout)
        return 2
    finally:
        lab.close()


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one case here: run.py FILE CASE [--peer]. Exit status 0 passed, 1 not, 2 the case itself is
broken, 77 cannot run here (the reason is the last line)."""

import importlib
import sys
import traceback

from guest import Failure, Lab, Skip


def main():
    name, case, *options = sys.argv[1:]
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

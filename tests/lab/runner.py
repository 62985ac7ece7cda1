# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the cases of a file, each in a fresh copy of the lab's computer, or directly where this
machine's own KVM is good, and prints TAP.

Emulated SVM now and then loses a guest with several processors. So a case that does not pass is
tried again, each time in a new computer and with QEMU beside it in the same one, and every such
attempt is printed with what both did: a fault of the lab shows in both.
"""

import ast
import dataclasses
import os
import subprocess
import sys
import time

import cache
import clone
import host_kvm
import recipe
from cache import HERE, LabError, folder

VMM, INNCTL = "engine/vmm/innkeeper-vmm", "engine/innctl/innctl"  # in the build folder
STATUS_CASE_BROKEN = 2  # no retry makes that better
STATUS_SKIPPED = 77
FINAL = (0, STATUS_CASE_BROKEN, STATUS_SKIPPED)


@dataclasses.dataclass
class Effort:
    """What cases are given: their /lab, time and attempts; and whether what they print is shown."""

    assets: cache.Step
    case_s: int
    attempts: int
    shows_output: bool = False


TELLING_S = 20  # before its end a case tells where it hangs
ORDINARY = Effort(recipe.ASSETS, 480, attempts=3)
LONG = Effort(recipe.LONG_ASSETS, 5400, attempts=1, shows_output=True)


def cases_of(name):
    """The public functions of a case file, in order."""
    tree = ast.parse((HERE / "cases" / f"{name}.py").read_text())
    return [
        node.name for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]


class InLab:
    """Cases run in copies of the lab's computer."""

    where = "in the lab"
    cases = "/tests/cases"

    def __init__(self, build, effort):
        self._build, self._effort = build, effort
        recipe.build([*recipe.FINAL, effort.assets])

    def run(self, command):
        output = []
        status = clone.run(
            command, share=self._build, timeout_s=self._effort.case_s, assets=self._effort.assets,
            output=output.append,
        )
        return status, b"".join(output).decode(errors="replace")


class OnThisMachine:
    """Cases run on this machine's own KVM."""

    where = "on this machine's own KVM"
    cases = str(HERE / "cases")

    def __init__(self, build, effort):
        recipe.build([effort.assets])
        self._case_s = effort.case_s
        self._env = dict(
            os.environ, INNKEEPER_LAB_ASSETS=str(folder(effort.assets)), INNKEEPER_LAB_BUILD=build
        )

    def run(self, command):
        try:
            done = subprocess.run(
                ["sh", "-c", command], env=self._env, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace", timeout=self._case_s,
            )
        except subprocess.TimeoutExpired as error:
            return clone.STATUS_TIMED_OUT, (error.stdout or b"").decode(errors="replace")
        return done.returncode, done.stdout


def _comment(text):
    for line in text.strip().splitlines():
        print(f"# {line}")


def _outcome(status):
    words = {0: "passed", STATUS_SKIPPED: "cannot run this",
             STATUS_CASE_BROKEN: "the case itself is broken",
             clone.STATUS_LOST: "lost the computer",
             clone.STATUS_TIMED_OUT: "was not done in time"}
    return words.get(status, "did not pass")


def _run_beside_peer(place, command):
    """The case, and after it the same case with QEMU in the same computer."""
    both = f"{command}; status=$?; {command} --peer >/tmp/peer 2>&1; echo PEER $?; exit $status"
    status, output = place.run(both)
    for code, line in ((int(line.split()[1]), line) for line in output.splitlines()
                       if line.startswith("PEER ")):
        output = output.replace(line, f"(QEMU in the same computer: {_outcome(code)})")
    return status, output


def _run_case(place, name, case, *, peer, effort):
    command = (f"PYTHONDONTWRITEBYTECODE=1 python3 {place.cases}/run.py {name} {case}"
               f" {effort.case_s - TELLING_S}")
    if peer:
        return place.run(command + " --peer")
    for attempt in range(1, effort.attempts + 1):
        run = place.run if attempt == 1 else lambda command: _run_beside_peer(place, command)
        status, output = run(command)
        if status not in (0, STATUS_SKIPPED):
            _comment(f"{case}, attempt {attempt} of {effort.attempts}: {_outcome(status)}\n{output}")
        if status in FINAL:
            break
    return status, output


PLACES = {"lab": InLab, "here": OnThisMachine}


def run_file(name, *, build, peer, only, place, effort=ORDINARY):
    """Prints TAP; true when no case stayed without a pass. place: of PLACES, or None to choose."""
    if not peer and not os.path.exists(os.path.join(build, VMM)):
        raise LabError(f"{build} has no {VMM}; build it first")
    place = place or ("here" if host_kvm.own_kvm_is_good(os.path.join(build, INNCTL)) else "lab")
    if place == "lab" and (reason := host_kvm.why_no_lab()):
        print(f"1..0 # SKIP {reason}")
        return True
    cases = [case for case in cases_of(name) if not only or case in only]
    place = PLACES[place](build, effort)
    print(f"1..{len(cases)}\n# {place.where}", flush=True)
    good = True
    for number, case in enumerate(cases, 1):
        began = time.monotonic()
        status, output = _run_case(place, name, case, peer=peer, effort=effort)
        if effort.shows_output and status == 0 or peer and status not in (0, STATUS_SKIPPED):
            _comment(output)
        reason = (output.strip().splitlines() or [""])[-1]
        word = "ok" if status in (0, STATUS_SKIPPED) else "not ok"
        skip = f" # SKIP {reason}" if status == STATUS_SKIPPED else ""
        print(f"{word} {number} {case}{skip}")
        _comment(f"{case}: {time.monotonic() - began:.1f} s")
        sys.stdout.flush()
        good = good and word == "ok"
    return good

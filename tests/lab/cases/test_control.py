# SPDX-License-Identifier: GPL-3.0-or-later
"""innctl drives machines of the store and a VMM run by hand, through the control channel."""

import os
import signal

from guest import BOOT_S, POWER_OFF, RESET, Failure, expect, until

NAME = "case"


def _create_and_start(lab, do):
    lab.needs_control()
    lab.innctl("create", NAME, *lab.kernel_options(do=do), "--memory", "256M", "--cpus", "1",
               "--disk", "64M")
    lab.innctl("start", NAME)


def _listed(lab):
    """What the list says about the machine; None when it is not in it."""
    return next((found for found in lab.innctl_json("list") if found["name"] == NAME), None)


def _state(lab):
    return (_listed(lab) or {"state": "gone"})["state"]


def _wait_for_state(lab, state, seconds=20):
    until(lambda: _state(lab) == state, seconds, f"the machine did not become {state}")


def a_machine_from_create_to_delete(lab):
    _create_and_start(lab, "button")
    with lab.innctl_process("console", NAME) as console:
        console.wait_for("GUEST-LISTENS")
        console.type("through the console\n")
        console.wait_for("GUEST-HEARD through the console")
        expect(_state(lab) == "running", f"a running machine is said to be {_state(lab)}")
        lab.innctl("shutdown", NAME)
        console.wait_for("GUEST-BUTTON", 20)
    _wait_for_state(lab, "off", 30)
    lab.innctl("delete", NAME)
    expect(_listed(lab) is None, "the deleted machine is still listed")


def pause_stops_time_and_resume_goes_on(lab):
    _create_and_start(lab, "tick")
    with lab.innctl_process("console", NAME) as console:
        console.wait_for("TICK 3")
        lab.innctl("pause", NAME)
        _wait_for_state(lab, "paused")
        until(lambda: _is_quiet(console), 10, "the paused guest goes on")
        before = len(console.output)
        lab.innctl("resume", NAME)
        console.wait_for(r"TICK \d+", 10, since=before)
    lab.innctl("poweroff", NAME)
    _wait_for_state(lab, "off")


def _is_quiet(console):
    """No output for a second, in which a running guest ticks ten times."""
    before = console.output
    try:
        console.wait_for("TICK", 1, since=len(before))
    except Failure:
        return True
    return False


def reset_boots_again(lab):
    _create_and_start(lab, "answer")
    with lab.innctl_process("console", NAME) as console:
        first = console.wait_for("GUEST-LISTENS")
        lab.innctl("reset", NAME)
        console.wait_for("GUEST-LISTENS", since=first.end())
    lab.innctl("poweroff", NAME)
    _wait_for_state(lab, "off")


def _expect_end(lab, state, end):
    _wait_for_state(lab, state, BOOT_S)
    found = _listed(lab)["last_end"]
    expect(found == end, f"the end is said to be {found}, not {end}")


def power_off_is_told(lab):
    _create_and_start(lab, "poweroff")
    _expect_end(lab, "off", "power-off")


def forced_off_is_told(lab):
    _create_and_start(lab, "idle")
    lab.innctl("poweroff", NAME)
    _expect_end(lab, "off", "forced-off")


def panic_is_told(lab):
    _create_and_start(lab, "panic")
    _expect_end(lab, "crashed", "panic")


def killed_vmm_is_told(lab):
    _create_and_start(lab, "idle")
    os.kill(lab.innctl_json("stats", NAME)["pid"], signal.SIGKILL)
    _expect_end(lab, "crashed", "killed")


def two_clients_at_once(lab):
    """What one does, the other's statistics show."""
    lab.needs_control()
    socket = lab.scratch / "control"
    by_hand = ["--control", socket]
    with lab.guest(*by_hand, do="answer") as guest:
        guest.wait_for("GUEST-LISTENS")
        watch = lab.innctl_process(*map(str, by_hand), "stats", "--follow", "--json")
        with watch:
            watch.wait_for('"running"', 20)
            lab.innctl(*by_hand, "pause")
            watch.wait_for('"paused"', 20)
            lab.innctl(*by_hand, "resume")
        lab.innctl(*by_hand, "poweroff")
        guest.expect_end(POWER_OFF)


def a_client_that_dies_changes_nothing(lab):
    lab.needs_control()
    socket = lab.scratch / "control"
    with lab.guest("--control", socket, "--no-reboot", do="answer") as guest:
        guest.wait_for("GUEST-LISTENS")
        for _ in range(3):
            with lab.innctl_process("--control", socket, "stats", "--follow", "--json") as client:
                client.wait_for('"running"', 20)
        guest.type("still here\n")
        guest.wait_for("GUEST-HEARD still here")
        lab.innctl("--control", socket, "reset")
        guest.expect_end(RESET)


def refusals_are_sentences(lab):
    """Exit status 1 and one sentence on standard error for what cannot be done; 2 for usage."""
    lab.needs_control()
    missing = lab.innctl("start", "no-such-machine", check=False)
    expect(missing.returncode == 1, f"status {missing.returncode} for a machine that is not there")
    expect("no-such-machine" in missing.stderr, f"no name in the message {missing.stderr!r}")
    unknown = lab.innctl("no-such-verb", check=False)
    expect(unknown.returncode == 2, f"status {unknown.returncode} for a wrong command line")

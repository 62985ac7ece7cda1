# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways a guest ends, or does not, are told apart."""

import signal
import time

from guest import GUEST_CRASH, POWER_OFF, RESET, Failure, expect, until

UNRESPONSIVE_S = 10  # how long a processor may take no interrupt (statistics-protocol.h)


def power_off(lab):
    with lab.guest("--no-reboot") as guest:
        guest.wait_for("GUEST-UP")
        guest.expect_end(POWER_OFF)


def reset_ends_it_when_asked_to(lab):
    with lab.guest("--no-reboot", do="reset") as guest:
        guest.wait_for("GUEST-UP")
        guest.expect_end(RESET)


def reset_boots_again(lab):
    with lab.guest(do="reset") as guest:
        first = guest.wait_for("GUEST-UP")
        guest.wait_for("GUEST-UP", since=first.end())
        expect(guest.is_running(), "the VMM ended though resets are allowed")


def panic(lab):
    with lab.guest("--no-reboot", do="panic") as guest:
        guest.wait_for("GUEST-PANICS")
        guest.expect_end(GUEST_CRASH)


def terminated(lab):
    with lab.guest(do="idle") as guest:
        guest.wait_for("GUEST-UP")
        guest.signal(signal.SIGTERM)
        guest.expect_end(POWER_OFF, 10)


def _unresponsive(lab, socket):
    return lab.innctl_json("--control", socket, "stats")["unresponsive"]


def hang(lab):
    """A processor that spins with interrupts off is noticed; an idle one is not."""
    lab.needs_control()
    socket = lab.scratch / "control"
    with lab.guest("--control", socket, kernel="spin") as guest:
        guest.wait_for("GUEST-SPINS")
        expect(not _unresponsive(lab, socket), "unresponsive from the start")
        until(lambda: _unresponsive(lab, socket), 3 * UNRESPONSIVE_S, "the hang was not noticed")


def idle_is_no_hang(lab):
    lab.needs_control()
    socket = lab.scratch / "control"
    with lab.guest("--control", socket, do="idle") as guest:
        guest.wait_for("GUEST-UP")
        end = time.monotonic() + 1.5 * UNRESPONSIVE_S
        while time.monotonic() < end:
            if _unresponsive(lab, socket):
                raise Failure("an idle guest is said to hang")
            time.sleep(1)

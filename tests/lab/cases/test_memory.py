# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory a guest gives back, and what it says about it."""

from guest import expect, until

MIB = 1 << 20


def _start(lab):
    socket = lab.scratch / "control"
    return socket, lab.guest("--control", socket, "--balloon", "on", do="balloon")


def _statistics(lab, socket):
    return lab.innctl_json("--control", socket, "stats")


def _held(lab, socket):
    return _statistics(lab, socket)["resident_bytes"]


def _told(lab, socket):
    return _statistics(lab, socket)["guest_memory"]


def free_pages_come_back(lab):
    """Without anybody asking: what the guest frees it reports."""
    lab.needs_control()
    socket, guest = _start(lab)
    with guest:
        guest.wait_for("GUEST-USED")
        until(lambda: _held(lab, socket) > 90 * MIB, 10, "90 MiB are used and not held")
        used = _held(lab, socket)
        guest.type("go on\n")
        guest.wait_for("GUEST-FREED")
        until(lambda: _held(lab, socket) < used - 60 * MIB, 30,
              f"less than 60 of {used >> 20} MiB came back")
        reported = _statistics(lab, socket)["reported_bytes"]
        expect(reported > 60 * MIB, f"only {reported >> 20} MiB are said to be reported")


def a_balloon_takes_memory_and_returns_it(lab):
    lab.needs_control()
    socket, guest = _start(lab)
    with guest:
        guest.wait_for("GUEST-USED")
        guest.type("go on\n")
        guest.wait_for("GUEST-FREED")
        lab.innctl("--control", socket, "setmem", "160M")
        until(lambda: _statistics(lab, socket)["balloon_bytes"] == 96 * MIB, 30,
              "the guest does not give up 96 MiB")
        # Free before were some 180 MiB; the total stays, since the guest may take back what it needs.
        until(lambda: 0 < _told(lab, socket)["free_bytes"] < 120 * MIB, 20,
              "the guest does not tell that it has less memory")
        told = _told(lab, socket)
        expect(told["available_bytes"] < told["total_bytes"] <= 256 * MIB,
               f"the guest tells nonsense about its memory: {told}")
        lab.innctl("--control", socket, "setmem", "256M")
        until(lambda: _statistics(lab, socket)["balloon_bytes"] == 0, 30,
              "the guest does not take its memory back")

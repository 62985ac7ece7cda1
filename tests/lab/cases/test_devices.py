# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices beside the disk, as a stock kernel sees them."""

from guest import POWER_OFF, expect


def random_numbers(lab):
    words = set()
    for _ in range(2):
        with lab.guest(do="rng") as guest:
            guest.wait_for(r"GUEST-RNG virtio_rng")
            words.add(guest.wait_for(r"GUEST-RANDOM (\w{64})").group(1))
            guest.expect_end(POWER_OFF)
    expect(len(words) == 2, "two guests were given the same random numbers")


def power_button(lab):
    lab.needs_control()
    socket = lab.scratch / "control"
    with lab.guest("--control", socket, do="button") as guest:
        guest.wait_for("GUEST-LISTENS")
        lab.innctl("--control", socket, "shutdown")
        guest.wait_for("GUEST-BUTTON", 20)
        guest.expect_end(POWER_OFF)

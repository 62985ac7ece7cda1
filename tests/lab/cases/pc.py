# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with a screen and a keyboard, as the one in front of it sees it."""

import re
import time

import screen_text
from channel import Channel
from guest import Failure

LOOK_S = 0.3  # between two looks at the screen


class Pc:
    """A machine and a channel to it."""

    def __init__(self, lab, *options, cpus=1, memory="512M"):
        lab.needs_control()
        self.control = lab.scratch / "control"
        options = ["--cpus", cpus, "--control", self.control, *options]
        self.machine = lab.machine(*options, memory=memory)
        try:
            self.channel = Channel(self.control)
        except BaseException:
            self.machine.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.machine.kill()

    def _fail(self, what):
        picture = self.channel.picture()
        colours = sorted(picture.colours().items(), key=lambda item: -item[1])[:6]
        shares = ", ".join(f"{colour:06x} {share:.0%}" for colour, share in colours)
        raise Failure(
            f"{what}; the screen shows {picture.size} in {shares}:\n{screen_text.read(picture)}\n"
            f"the serial line said last:\n{self.machine.output[-800:]}\n{self.machine.messages}"
        )

    def wait_for_picture(self, is_right, seconds, what):
        """The first picture for which is_right(picture) is true."""
        deadline = time.monotonic() + seconds
        while True:
            picture = self.channel.picture()
            if is_right(picture):
                return picture
            if time.monotonic() > deadline or not self.machine.is_running():
                self._fail(f"not on the screen in {seconds} s: {what}")
            time.sleep(LOOK_S)

    def wait_for_text(self, pattern, seconds):
        return self.wait_for_picture(
            lambda picture: re.search(pattern, screen_text.read(picture)), seconds, pattern)

    def wait_for_change(self, before, rows, seconds):
        """A picture that differs in so many rows at least."""
        return self.wait_for_picture(
            lambda picture: picture.differs_from(before) >= rows, seconds,
            f"a change in {rows} rows")

    def wait_for_colours(self, least, seconds):
        """A picture with so large a share, at least, of each colour in `least`."""
        def is_right(picture):
            shares = picture.colours()
            return all(shares.get(colour, 0) >= share for colour, share in least.items())
        wanted = ", ".join(f"{share:.0%} of {colour:06x}" for colour, share in least.items())
        return self.wait_for_picture(is_right, seconds, wanted)

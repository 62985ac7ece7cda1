#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole program on a real PC of our own: the wizard with the disc that GRUB's package brings, a
BIOS that starts it, and its menu on the screen. Where KVM only emulates, the place is chosen by
hand, which is what the wizard says it is good for; keys reach the menu only where KVM is good, since
the emulation gives no interrupt in the moments in which GRUB allows it.

Usage: test_engine_pc.py PROGRAM; INNCTL and INNKEEPER_VMM name the rest.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time

import harness

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, '..', 'lab', 'cases'))
import screen_text

PROGRAM = sys.argv[1]
INNCTL = os.environ['INNCTL']
DISC = '/usr/lib/grub-rescue/grub-rescue-cdrom.iso'
NAME = 'grub-rescue'
BOOT_S = 180 # where KVM only emulates, on a busy machine
LOOK_S = 1


class Picture:
    """Rows of little-endian pixels, as screen_text reads them."""

    def __init__(self, png):
        size = subprocess.run(['identify', '-format', '%w %h', png], capture_output=True,
                              text=True, check=True)
        self.width, self.height = map(int, size.stdout.split())
        pixels = subprocess.run(['convert', png, '-depth', '8', 'bgra:-'], capture_output=True,
                                check=True).stdout
        stride = 4 * self.width
        self.rows = [pixels[row * stride:(row + 1) * stride] for row in range(self.height)]


def verdict():
    done = subprocess.run([INNCTL, 'host', '--json'], capture_output=True, timeout=60, check=True)
    return json.loads(done.stdout)['kvm']


def innctl(session, *arguments):
    return subprocess.run([INNCTL, *arguments], env=session.environment, capture_output=True,
                          timeout=60)


def screen(session):
    png = session.path('screen.png')
    done = innctl(session, 'screenshot', NAME, png)
    return screen_text.read(Picture(png)) if done.returncode == 0 else ''


def wait_for_screen(app, pattern):
    def look():
        time.sleep(LOOK_S)
        return re.search(pattern, screen(app.session))
    return app.wait(f'“{pattern}” on the screen', look, BOOT_S)


def row(app, state):
    beginning = f'{NAME}, {state}'

    def begins(name):
        return name.startswith(beginning)
    begins.__doc__ = beginning + '…'
    return app.wait_for(begins, 'list item', 60)


def choose_the_engine(app):
    """It is the first place where its guests survive, and else the second."""
    if verdict() == 'good':
        return
    app.point(app.wait_for('Place', 'label'))
    time.sleep(harness.SETTLE_SECONDS)
    app.press('Down', 'Return')
    app.wait_text('Boot loaders and memory tests run.')


def test_disc(session):
    disc = session.path('home', NAME + '.iso')
    shutil.copy(DISC, disc)
    app = session.start([PROGRAM, disc])
    app.wait_state('Create', 'push button', 'SENSITIVE', timeout=60)
    choose_the_engine(app)
    app.wait_state('Create', 'push button', 'SENSITIVE')
    app.click('Create', timeout=60)
    try:
        row(app, 'running')
        console = app.wait_for(f'Screen of {NAME}')
        wait_for_screen(app, 'GNU GRUB +version')
        if verdict() == 'good':
            app.point(console)
            app.press('c')
            wait_for_screen(app, r'grub>')
    finally:
        innctl(session, 'poweroff', NAME)
    row(app, 'off')


if __name__ == '__main__':
    if '--one' not in sys.argv and verdict() not in ('good', 'emulates'):
        print('skipped: no KVM on this computer')
        sys.exit(harness.SKIPPED)
    sys.exit(harness.main({name[5:]: function for name, function in list(globals().items())
                           if name.startswith('test_')}))

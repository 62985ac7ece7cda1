#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole program on a real guest, as a newcomer would use it: the wizard, a stock Debian kernel
that boots in the place the host check has chosen, its words on the console, graphs that move,
closing and opening the window again, shutting down, deleting.

Usage: test_end_to_end.py PROGRAM; INNKEEPER_VMM names the VMM of the same build.
"""

import os
import shutil
import signal
import subprocess
import sys

import harness

PROGRAM = sys.argv[1]
LAB = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lab', 'lab')
NAME = 'Debian Guest'
BOOT_S = 240 # in software emulation on a busy machine


def _assets():
    done = subprocess.run([LAB, 'assets'], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise AssertionError('the guest could not be made; the lab has said why above')
    return done.stdout.strip().splitlines()[-1]


def _start(session, *arguments):
    return session.start([PROGRAM, *arguments])


def _console_text(app):
    """The last lines of the guest's serial line."""
    terminal = app.find(f'Serial console of {NAME}')
    return terminal.get_description() if terminal is not None else ''


def _row_state(app, state, timeout=harness.DEFAULT_TIMEOUT):
    beginning = f'{NAME}, {state}'

    def begins(name):
        return name.startswith(beginning)
    begins.__doc__ = beginning + '…'
    return app.wait_for(begins, 'list item', timeout)


def _wait_for_words(app, words, timeout=BOOT_S):
    return app.wait(f'the guest to say “{words}”', lambda: words in _console_text(app), timeout)


def _show_serial_line(app):
    """A machine with a screen shows that first; the menu has the other."""
    app.act(app.wait_for('More Actions', 'push button'))
    app.act(app.wait_for('Serial Line', 'menu item'))


def _end_what_is_left(session):
    """A guest outlives the window, so also a test that went wrong."""
    for folder, _, names in os.walk(session.folder):
        for name in names:
            if not name.endswith('.pid'):
                continue
            try:
                with open(os.path.join(folder, name)) as file:
                    os.kill(int(file.read()), signal.SIGTERM)
            except (OSError, ValueError):
                pass  # it has ended by itself


def test_newcomer(session):
    try:
        _be_a_newcomer(session)
    finally:
        _end_what_is_left(session)


def _be_a_newcomer(session):
    folder = _assets()
    for name in ('vmlinuz', 'initrd.gz'):
        shutil.copy(os.path.join(folder, name), session.path('home', name))

    app = _start(session, session.path('home', 'vmlinuz'))
    app.wait_state('Create', 'push button', 'SENSITIVE', timeout=60)
    app.wait_text('initrd.gz')
    app.set_text('Name', NAME)
    app.set_text('Command line', 'console=ttyS0 do=button')
    app.click('Create', timeout=60)
    _row_state(app, 'running', 60)
    _show_serial_line(app)
    _wait_for_words(app, 'GUEST-LISTENS')

    # The console has the keyboard, so the pointer it is.
    app.act(app.wait_for('Performance', 'page tab'))
    app.wait_for('Processor', 'label')
    app.wait('the processor graph to move', lambda: _percent(app) > 0, 60)

    # Closing the window leaves the guest running; opening it again finds it.
    assert app.quit() == 0
    app = _start(session)
    _row_state(app, 'running', 60)
    _show_serial_line(app)
    _wait_for_words(app, 'GUEST-LISTENS', 30)

    app.click(f'Shut Down {NAME}', 'panel')
    _row_state(app, 'off', 60)
    app.act(app.wait_for('More Actions', 'push button'))
    app.act(app.wait_for('Delete…', 'menu item'))
    app.click('Delete')
    app.wait_for('A Computer Inside Your Computer', 'label')


def _percent(app):
    """The big number of the processor card."""
    for node in app.nodes():
        name = node.get_name() or ''
        if node.get_role_name() == 'label' and name.endswith('%') and app.is_showing(node):
            digits = ''.join(c for c in name if c.isdigit())
            if digits and int(digits) > 0:
                return int(digits)
    return 0


if __name__ == '__main__':
    sys.exit(harness.main({name[5:]: function for name, function in list(globals().items())
                           if name.startswith('test_')}))

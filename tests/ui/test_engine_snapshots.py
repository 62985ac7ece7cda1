#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots and clones of the engine's machines in the window, while the command line looks at the
same files and changes them. The machine is off, or plays that it runs, so nothing of this computer
is needed.

Usage: test_engine_snapshots.py PROGRAM; INNCTL names the command line.
"""

import json
import os
import subprocess
import sys

import harness

PROGRAM = sys.argv[1]
INNCTL = os.environ['INNCTL']
NAME = 'keeper'


def innctl(session, *arguments):
    done = subprocess.run([INNCTL, *arguments], env=session.environment, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def begins_with(text):
    def begins(name):
        return name.startswith(text)
    begins.__doc__ = text + '…'
    return begins


def snapshot(app, name):
    return app.wait_for(begins_with(name + ','), 'list item')


def show_machine(session):
    kernel = session.path('home', 'kernel')
    with open(kernel, 'wb') as file:
        file.write(b'not really a kernel')
    innctl(session, 'create', NAME, '--memory', '64M', '--disk', '16M', '--kernel', kernel)
    app = session.start([PROGRAM])
    app.point(app.wait_for(begins_with(NAME), 'list item'))
    app.wait_for(NAME, 'frame')
    app.press('alt+4')
    app.wait_for('No Snapshots Yet', 'label')
    return app


def test_snapshots(session):
    app = show_machine(session)
    app.click('Take Snapshot', within=app.find('No Snapshots Yet', 'panel'))
    app.wait_text('Snapshot taken.')
    innctl(session, 'snapshot', 'create', NAME, 'Theirs')
    app.wait_text('changed since “Theirs”')
    names = [entry['name'] for entry in json.loads(innctl(session, 'snapshot', 'list', NAME, '--json'))]
    assert names == ['Snapshot 1', 'Theirs'], names

    app.point(snapshot(app, 'Snapshot 1'))
    app.wait('it to be selected',
             lambda: app.has_state(snapshot(app, 'Snapshot 1'), 'SELECTED'))
    app.click('Restore')
    app.wait_text('changed since “Snapshot 1”')
    innctl(session, 'snapshot', 'delete', NAME, 'Theirs')
    app.wait('theirs to go', lambda: not app.find(begins_with('Theirs,'), 'list item'))


def test_clones(session):
    app = show_machine(session)
    app.press('ctrl+shift+d')
    app.wait_for('Clone Machine', 'dialog')
    app.wait_state('Linked', 'radio button', 'CHECKED')
    app.wait_text('Only while the machine runs')
    app.wait_state('Live', 'radio button', 'SENSITIVE', False)
    app.click('Clone')
    app.wait_for(f'{NAME} (2)', 'frame')
    names = [entry['name'] for entry in json.loads(innctl(session, 'list', '--json'))]
    assert sorted(names) == [NAME, f'{NAME} (2)'], names


def test_live_clone(session):
    """A machine that runs goes on as two."""
    app = show_machine(session)
    innctl(session, 'start', NAME)
    app.wait_for(f'{NAME}, running', 'list item')
    app.press('ctrl+shift+d')
    app.wait_for('Clone Machine', 'dialog')
    app.wait_state('Live', 'radio button', 'CHECKED')
    app.click('Clone')
    app.wait_for(f'{NAME} (2)', 'frame')
    app.wait_text(f'“{NAME} (2)” runs. The guest paused for ')
    app.wait_for(f'{NAME} (2), running', 'list item')
    for name in (NAME, f'{NAME} (2)'):
        innctl(session, 'poweroff', name)


if __name__ == '__main__':
    sys.exit(harness.main({name[5:]: function for name, function in list(globals().items())
                           if name.startswith('test_')}))

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole program over a VMM that plays its part without a guest: its screen in the console and
small in the sidebar, its serial line beside it, and a screenshot of it while it is paused.

Usage: test_engine_screen.py PROGRAM; INNCTL and INNKEEPER_VMM name the rest.
"""

import os
import struct
import subprocess
import sys

import harness

PROGRAM = sys.argv[1]
INNCTL = os.environ['INNCTL']
NAME = 'Painter'
DEFINITION = f'''<domain><name>{NAME}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><kernel>%s</kernel></os><devices><video><model type='virtio'/></video></devices></domain>'''


def innctl(session, *arguments):
    subprocess.run([INNCTL, *arguments], env=session.environment, check=True, timeout=60)


def start_machine(session):
    kernel, definition = session.path('home', 'kernel'), session.path('home', 'painter.xml')
    with open(kernel, 'w', encoding='utf-8') as file:
        file.write('not really a kernel')
    with open(definition, 'w', encoding='utf-8') as file:
        file.write(DEFINITION % kernel)
    innctl(session, 'define', definition)
    innctl(session, 'start', NAME)


def pixel_at(app, node):
    """What is drawn in the middle of a node, or in the thumbnail of a row."""
    path = app.session.path('look.png')
    app.screenshot(path)
    x, y = app.center_of(node)
    if node.get_role_name() == 'list item':
        box = app.atspi.Component.get_extents(node, app.atspi.CoordType.WINDOW)
        x, y = box.x + 8 + 12, box.y + box.height // 2
    done = subprocess.run(
        ['convert', path, '-crop', f'1x1+{x}+{y}', '-depth', '8', 'rgb:-'],
        capture_output=True, check=True)
    return tuple(done.stdout[:3])


def is_painted(pixel):
    """The n-th colour is n times 1, 2, 3."""
    red, green, blue = pixel
    return red > 0 and green == 2 * red % 256 and blue == 3 * red % 256


def choose(app, item):
    app.act(app.wait_for('More Actions', 'push button'))
    app.act(app.wait_for(item, 'menu item'))


def row(app, state):
    beginning = f'{NAME}, {state}'

    def begins(name):
        return name.startswith(beginning)
    begins.__doc__ = beginning + '…'
    return app.wait_for(begins, 'list item')


def screenshots(session):
    folder = session.path('home', 'Screenshots')
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return [os.path.join(folder, name) for name in names if name.endswith('.png')]


def size_of(png):
    with open(png, 'rb') as file:
        data = file.read(24)
    assert data[:8] == b'\x89PNG\r\n\x1a\n', data
    return struct.unpack('>II', data[16:24])


def test_screen(session):
    start_machine(session)
    try:
        app = session.start([PROGRAM])
        screen = app.wait_for(f'Screen of {NAME}')
        app.wait('the picture in the console', lambda: is_painted(pixel_at(app, screen)))

        # The sidebar shows it too, whatever the console shows, and goes on doing so.
        choose(app, 'Serial Line')
        app.wait_for(f'Serial console of {NAME}')
        thumbnail = row(app, 'running')
        app.wait('the picture in the sidebar', lambda: is_painted(pixel_at(app, thumbnail)))
        before = pixel_at(app, thumbnail)
        app.wait('another picture in the sidebar',
                 lambda: pixel_at(app, thumbnail) != before and is_painted(pixel_at(app, thumbnail)))

        choose(app, 'Screen')
        app.wait('the picture in the console', lambda: is_painted(pixel_at(app, screen)))
        innctl(session, 'pause', NAME)
        row(app, 'paused')
        choose(app, 'Take Screenshot')
        app.wait_text('Screenshot saved as')
        [png] = screenshots(session)
        assert os.path.basename(png).startswith(NAME + ' '), png
        assert min(size_of(png)) >= 64, size_of(png)
    finally:
        innctl(session, 'poweroff', NAME)


if __name__ == '__main__':
    sys.exit(harness.main({name[5:]: function for name, function in list(globals().items())
                           if name.startswith('test_')}))

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole program over a VMM that plays its part without a guest: its screen in the console and
small in the sidebar, its serial line beside it, and a screenshot of it while it is paused; and a
disk of another program, with a script in the place of qemu-img, becoming a machine.

Usage: test_engine_screen.py PROGRAM; INNCTL and INNKEEPER_VMM name the rest.
"""

import os
import struct
import subprocess
import sys
import time

import harness

PROGRAM = sys.argv[1]
INNCTL = os.environ['INNCTL']
NAME = 'Painter'
DEFINITION = f'''<domain><name>{NAME}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><kernel>%s</kernel></os><devices><video><model type='virtio'/></video></devices></domain>'''


def innctl(session, *arguments):
    subprocess.run([INNCTL, *arguments], env=session.environment, check=True, timeout=60)


def machines(session):
    done = subprocess.run([INNCTL, 'list'], env=session.environment, check=True, timeout=60,
                          capture_output=True, text=True)
    return done.stdout


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


# Says what a small disk needs, and is half done until the file “go” is there.
QEMU_IMG = '''#!/bin/sh
case $1 in
info) echo '{"virtual-size": 1048576}';;
measure) echo '{"required": 65536}';;
convert) echo '    (50.00/100%%)'
  until [ -e %s ]; do sleep 0.05; done;;
esac
'''


def test_foreign_disk(session):
    tools, go = session.path('tools'), session.path('go')
    disk = session.path('home', 'Downloads', 'old-system.vmdk')
    os.mkdir(tools)
    with open(os.path.join(tools, 'qemu-img'), 'w', encoding='utf-8') as file:
        file.write(QEMU_IMG % go)
    os.chmod(os.path.join(tools, 'qemu-img'), 0o755)
    with open(disk, 'wb') as file:
        file.write(b'KDMV' + bytes(8) + struct.pack('<Q', 2048) + bytes(492))
    path = f'{tools}:{os.environ["PATH"]}'

    app = session.start([PROGRAM, disk], {'PATH': path})
    app.wait_text('Disk of another program, copied')
    app.wait_state('Create', 'push button', 'SENSITIVE', timeout=60)
    app.click('Create')
    app.wait_for('Copying the disk', 'progress bar')
    app.click('Cancel')
    app.wait_gone('Copying the disk', 'progress bar')
    layers = session.path('home', 'data', 'innkeeper', 'layers')
    assert not os.listdir(layers), os.listdir(layers)

    app.wait_state('Create', 'push button', 'SENSITIVE')
    app.click('Create')
    app.wait_for('Copying the disk', 'progress bar')
    with open(go, 'wb'):
        pass
    # The toolkit fails who asks for what is in a window while it closes.
    app.wait('the machine', lambda: 'old-system' in machines(session), 60)
    time.sleep(harness.SETTLE_SECONDS)
    app.wait('the machine in the window', lambda: app.find('old-system', 'frame'))
    innctl(session, 'poweroff', 'old-system')


if __name__ == '__main__':
    sys.exit(harness.main({name[5:]: function for name, function in list(globals().items())
                           if name.startswith('test_')}))

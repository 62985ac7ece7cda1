#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The window over machines that exist only in memory: what is shown, what can be done with the
pointer and with the keyboard alone, and what is said when something is wrong.

Usage: test_window_fake.py PROGRAM [NAME...]; without names all tests run.
"""

import os
import sys
import time

import harness

PROGRAM = sys.argv[1]
NNBSP = '\u202f'  # between a number and its unit


def write_iso(path, sectors=0):
    """The least that is a bootable CD image: ECMA-119 volume descriptors and El Torito's record.
    It says that it has so many sectors."""
    sector = 2048
    primary = bytearray(sector)
    primary[0:7] = b'\x01CD001\x01'
    primary[40:72] = b'TEST SYSTEM'.ljust(32)
    primary[80:84] = sectors.to_bytes(4, 'little')
    primary[128:130] = sector.to_bytes(2, 'little')
    boot = bytearray(sector)
    boot[0:7] = b'\x00CD001\x01'
    boot[7:39] = b'EL TORITO SPECIFICATION'.ljust(32, b'\0')
    boot[71:75] = (20).to_bytes(4, 'little')
    end = bytearray(sector)
    end[0:7] = b'\xffCD001\x01'
    with open(path, 'wb') as image:
        image.write(bytes(16 * sector) + primary + boot + end + bytes(8 * sector))


def write_kernel(path):
    """The least that is a bzImage: the header of the Linux boot protocol, version 2.15."""
    header = bytearray(64 * 1024)
    header[0x1f1] = 4
    header[0x1fe:0x200] = b'\x55\xaa'
    header[0x202:0x206] = b'HdrS'
    header[0x206:0x208] = (0x20f).to_bytes(2, 'little')
    header[0x211] = 1
    with open(path, 'wb') as image:
        image.write(header)


def start(session, scene, *files, environment=None):
    return session.start([PROGRAM, scene, *files], environment)


def row(app, beginning):
    """A row of the sidebar: its name tells name, state and load."""
    def begins(name):
        return name.startswith(beginning)
    begins.__doc__ = beginning + '…'
    return app.wait_for(begins, 'list item')


def medium(app, name):
    """A medium offered by the wizard, not the one in the window behind."""
    return app.wait_for(name, 'list item', within=app.wait_for('New Machine', 'frame'))


def select(app, name):
    app.point(row(app, name))
    app.wait(f'“{name}” to be shown', lambda: app.find(name, 'frame'))


def test_empty(session):
    write_iso(session.path('home', 'Downloads', 'test-system.iso'))
    app = start(session, 'empty')
    app.wait_for('A Computer Inside Your Computer', 'label')
    app.wait_text('This computer runs machines at full speed')
    # What is in Downloads is offered, and one click leads to the filled-in wizard.
    app.point(app.wait_for('test-system', 'list item'))
    app.wait_state('Create', 'push button', 'SENSITIVE')
    app.wait_for('Installation image · ' + size_text(session), 'label')


def test_cut_off(session):
    """It can be tried all the same."""
    write_iso(session.path('home', 'Downloads', 'test-system.iso'), sectors=1000)
    app = start(session, 'empty')
    app.point(app.wait_for('test-system', 'list item'))
    app.wait_for(f'Cut off: {size_text(session)} of 2.0\u00a0MB. Get it again.', 'label')
    app.wait_state('Create', 'push button', 'SENSITIVE')


def size_text(session):
    size = os.path.getsize(session.path('home', 'Downloads', 'test-system.iso'))
    return f'{size / 1000:.1f}\u00a0kB'


def test_create(session):
    write_iso(session.path('home', 'Downloads', 'test-system.iso'))
    app = start(session, 'empty')
    app.click('Choose Something Else…')
    app.wait_for('Pick what to run', 'label')
    app.wait_state('Create', 'push button', 'SENSITIVE', False)
    app.point(medium(app, 'test-system'))
    app.wait_state('Create', 'push button', 'SENSITIVE')
    app.set_text('Name', 'My Machine')
    app.click('Create')
    app.wait_for('My Machine', 'frame')
    row(app, 'My Machine, running')
    app.wait_for('Pause My Machine', 'push button')


def test_create_from_file(session):
    kernel = session.path('home', 'vmlinuz-test')
    write_kernel(kernel)
    app = start(session, 'empty')
    # A file given on the command line arrives as if it had been dropped; here the chooser is left
    # out, since it is the desktop's.
    app.quit()
    app = start(session, 'empty', kernel)
    app.wait_for('Linux kernel · 65.5\u00a0kB', 'label')
    app.wait_for('Initial ramdisk')
    app.set_text('Command line', 'console=ttyS0 quiet')
    app.click('Create')
    row(app, 'vmlinuz-test, running')


def test_create_from_network(session):
    app = start(session, 'empty')
    app.press('ctrl+n')
    app.point(app.wait_for('More Ways', 'push button'))
    app.act(app.wait_for('Start from the Network', 'menu item'))
    app.wait_for('A server there says what to start', 'label')
    app.wait_text('UEFI starts from the network by itself')
    app.wait_text('Takes space only as it fills')
    app.click('Create')
    row(app, 'Network Machine, running')


def choose_next(app, field):
    """Opens a row that offers choices and takes the next one."""
    app.point(app.wait_for(field, 'label'))
    time.sleep(harness.SETTLE_SECONDS)
    app.press('Down', 'Return')


def test_partial_place(session):
    """Where ordinary systems do not survive is never proposed, but can be chosen."""
    write_iso(session.path('home', 'Downloads', 'test-system.iso'))
    app = start(session, 'partial')
    app.press('ctrl+n')
    app.point(medium(app, 'test-system'))
    app.wait_text('Looking at what this computer can run')
    app.wait_state('Create', 'push button', 'SENSITIVE', False)
    app.wait_text('Software emulation: guests run slowly.')
    app.wait_state('Create', 'push button', 'SENSITIVE')
    choose_next(app, 'Place')
    app.wait_text('Ordinary systems do not survive here.')
    choose_next(app, 'Firmware')
    app.wait_for('UEFI', 'label')
    app.click('Create')
    row(app, 'test-system, running')


def test_partial_place_kernel(session):
    kernel = session.path('home', 'vmlinuz-test')
    write_kernel(kernel)
    app = start(session, 'partial', kernel)
    app.wait_text('Software emulation: guests run slowly.')
    app.wait_state('Create', 'push button', 'SENSITIVE')
    assert app.find('Firmware', 'label') is None


def test_create_wrong_values(session):
    write_iso(session.path('home', 'Downloads', 'test-system.iso'))
    app = start(session, 'empty')
    app.press('ctrl+n')
    app.point(medium(app, 'test-system'))
    app.wait_state('Create', 'push button', 'SENSITIVE')

    app.set_text('Name', '')
    app.wait_text('The machine needs a name.')
    app.wait_state('Create', 'push button', 'SENSITIVE', False)
    app.set_text('Name', 'a/b')
    app.wait_text('A name cannot have')
    app.set_text('Name', 'Good Name')
    app.wait_state('Create', 'push button', 'SENSITIVE')

    for field, wrong, sentence, good in [
            ('Memory', '1 MiB', 'A machine needs at least 64 MiB of memory.', '512 MiB'),
            ('Memory', '9000 TiB', 'That is more memory than this computer has.', '512 MiB'),
            ('Memory', 'much', 'Type a size such as “8 GiB”.', '512 MiB'),
            ('Processors', '0', 'A machine needs at least one processor.', '1'),
            ('Processors', '9999', 'That is more processors than this computer has.', '1'),
            ('Disk', '1 MiB', 'A disk cannot be smaller than 1 GiB.', '8 GiB')]:
        app.point(app.wait_for(field, 'label'))  # opens the row
        app.set_text(field, wrong)
        app.wait_text(sentence)
        app.wait_state('Create', 'push button', 'SENSITIVE', False)
        app.set_text(field, good)
        app.wait_gone(sentence, 'label')
        app.wait_state('Create', 'push button', 'SENSITIVE')
        app.point(app.wait_for(field, 'label'))

    app.press('Escape')
    app.wait_gone('Create', 'push button')


def test_create_refused(session):
    """The place's own words, in the page; the values stay."""
    write_iso(session.path('home', 'Downloads', 'test-system.iso'))
    app = start(session, 'trouble')
    app.press('ctrl+n')
    app.point(medium(app, 'test-system'))
    app.click('Create')
    app.wait_text('There is no space for a disk of that size.')
    app.wait_state('Create', 'push button', 'SENSITIVE', False)
    app.set_text('Name', 'Another')
    app.wait_gone('There is no space for a disk of that size. Choose a smaller one.', 'label')
    app.wait_state('Create', 'push button', 'SENSITIVE')


def test_not_a_medium(session):
    path = session.path('home', 'notes.txt')
    with open(path, 'w') as notes:
        notes.write('nothing to boot\n' * 100)
    app = start(session, 'empty', path)
    app.wait_for('Pick what to run', 'label')
    app.wait('a sentence about the file',
             lambda: app.find(lambda name: len(name) > 20 and name.endswith('.'), 'alert')
             or app.find(lambda name: 'Choose another' in name or 'cannot' in name, None))
    app.wait_state('Create', 'push button', 'SENSITIVE', False)


def test_states(session):
    """Every verb, and what the row and the header say after it."""
    app = start(session, 'lab')
    select(app, 'Debian 13')
    app.wait_text('The machine is off')
    app.click('Start Debian 13')
    row(app, 'Debian 13, running')
    app.click('Pause Debian 13')
    row(app, 'Debian 13, paused')
    app.wait_text('Nothing is sent while paused')
    app.click('Resume Debian 13')
    row(app, 'Debian 13, running')
    app.click('Shut Down Debian 13', 'panel')
    row(app, 'Debian 13, off')
    app.wait_for('Start Debian 13', 'push button')


def test_force_off_asks(session):
    app = start(session, 'lab')
    select(app, 'db-server')
    app.act(app.wait_for('Switch Off db-server', 'push button'))
    app.act(app.wait_for('Force Off…', 'menu item'))
    app.wait_for('Force “db-server” Off?', 'label')
    app.click('Cancel')
    app.wait_gone('Force “db-server” Off?', 'label')
    row(app, 'db-server, paused')
    app.act(app.wait_for('Switch Off db-server', 'push button'))
    app.act(app.wait_for('Force Off…', 'menu item'))
    app.click('Force Off')
    row(app, 'db-server, off')


def test_late_place(session):
    """What was offered before a place had answered is put right when it has."""
    write_iso(session.path('home', 'Downloads', 'test-system.iso'))
    app = start(session, 'late')
    app.wait_state('Pause Early Bird', 'push button', 'SENSITIVE', False)
    app.press('ctrl+n')
    app.point(medium(app, 'test-system'))
    app.wait_state('Create', 'push button', 'SENSITIVE')
    app.press('Escape')
    app.wait_state('Pause Early Bird', 'push button', 'SENSITIVE')


def test_trouble(session):
    """What goes wrong is told in words, and what cannot be done says why."""
    app = start(session, 'trouble')
    select(app, 'Trouble')
    app.click('Start Trouble')
    app.wait_for('“Trouble” Did Not Start', 'label')
    app.wait_text('Another program uses the disk')
    app.click('Close', within=app.find('“Trouble” Did Not Start', 'dialog'))
    select(app, 'Unpausable')
    app.wait_state('Pause Unpausable', 'push button', 'SENSITIVE', False)
    button = app.find('Pause Unpausable', 'push button')
    assert button.get_description() == 'This hypervisor cannot pause', button.get_description()


def test_delete(session):
    app = start(session, 'lab')
    disk = session.path('home', 'cache', 'alpine-router.raw')
    assert os.path.exists(disk)
    row(app, 'Alpine Router, running')
    app.press('Delete')
    app.wait_for('Delete “Alpine Router”?', 'label')
    app.wait_text('It is running and will be switched off first.')
    app.wait_for(f'Goes · 3{NNBSP}MiB', 'label')
    app.wait_for('alpine-router.raw')
    app.wait_for('Files you chose yourself')
    app.click('Cancel')
    row(app, 'Alpine Router, running')
    app.press('Delete')
    app.click('Delete')
    app.wait_for('“Alpine Router” deleted')
    app.wait('the row to go', lambda: not app.find(lambda n: n.startswith('Alpine Router,'),
                                                   'list item'))
    app.wait('the disk to go', lambda: not os.path.exists(disk))
    # Another machine takes its place beside the list.
    app.wait_for('Build Server', 'frame')


def test_search(session):
    app = start(session, 'lab')
    row(app, 'Alpine Router')
    app.press('ctrl+f')
    app.type('rout')
    app.wait('the others to go', lambda: not app.find(lambda n: n.startswith('Debian 13,'),
                                                      'list item'))
    row(app, 'router (OpenWrt)')
    row(app, 'Alpine Router')
    app.type('xyz')
    app.wait_for('Nothing Found', 'label')
    app.press('Escape')
    row(app, 'Debian 13')


def test_keyboard(session):
    """From the list to a running guest and to the graphs without the pointer."""
    app = start(session, 'lab')
    app.wait_for('Alpine Router', 'frame')
    app.press('Down')
    app.wait_for('Build Server', 'frame')
    app.press('Down')
    app.wait_for('Debian 13', 'frame')
    app.press('Return')
    row(app, 'Debian 13, running')
    app.press('F9')
    app.wait('the sidebar to go', lambda: not app.find(lambda n: n.startswith('Debian 13,'),
                                                       'list item'))
    app.press('F9')
    row(app, 'Debian 13, running')


def test_performance(session):
    app = start(session, 'lab')
    app.wait_for('Alpine Router', 'frame')
    app.press('alt+2')
    for title in ['Processor', 'Memory', 'Throughput', 'Operations', 'Exits']:
        app.wait_for(f'{title}, last 5 minutes')
    graph = app.find('Processor, last 5 minutes')
    app.wait('a description', lambda: 'highest' in (graph.get_description() or ''))
    app.wait_for('vCPU 3', 'label')
    app.click('10 s', 'push button')
    app.wait_for('Processor, last 10 seconds')
    app.click('1 h', 'push button')
    app.wait_for('Processor, last 60 minutes')
    # Exits are told by some places only.
    select(app, 'web-server')
    app.press('alt+2')
    app.wait_for('Processor, last 5 minutes')
    assert app.find(lambda name: name.startswith('Exits')) is None


def card_texts(app, graph):
    """What is written around a graph: its headline and its legend."""
    card = app.wait_for(graph).get_parent()
    return [node.get_name() for node in harness.walk(card) if node.get_role_name() == 'label']


def test_freeze(session):
    app = start(session, 'lab')
    app.wait_for('Alpine Router', 'frame')
    app.press('alt+2')
    before = card_texts(app, 'Processor, last 5 minutes')
    app.wait('the figures to move',
             lambda: card_texts(app, 'Processor, last 5 minutes') != before)
    app.click('Freeze')
    before = card_texts(app, 'Processor, last 5 minutes')
    time.sleep(2)
    assert card_texts(app, 'Processor, last 5 minutes') == before


def test_crosshair(session):
    """By the pointer, and by keys alone."""
    app = start(session, 'lab')
    app.wait_for('Alpine Router', 'frame')
    app.press('alt+2')
    app.click('Freeze')
    now = card_texts(app, 'Processor, last 5 minutes')
    app.hover(app.wait_for('Processor, last 5 minutes'))
    app.wait_text('Values at ')
    app.wait('the values of then', lambda: card_texts(app, 'Processor, last 5 minutes') != now)
    badge = app.find(lambda name: name.startswith('Values at '))
    then = badge.get_name()
    graph = app.find('Processor, last 5 minutes')

    def focused():
        app.press('Tab')
        return app.has_state(graph, 'FOCUSED')
    app.wait('Tab to reach the graph', focused)
    app.press('Page_Up')
    app.wait('another time', lambda: badge.get_name() != then)


def show_hardware(app, machine='Alpine Router'):
    app.wait_for(machine, 'frame')
    app.press('alt+3')
    return app.wait_for('Add Hardware', 'push button')


def test_hardware_pending(session):
    """What waits for the next start is summed up, can be undone, and a restart makes it so."""
    app = start(session, 'lab')
    show_hardware(app)
    app.click('More Memory')
    app.wait_text('1 change waits for the next start')
    app.wait_text(f'Memory 4 → 6{NNBSP}GiB')
    app.wait_text(f'Changed from 4{NNBSP}GiB.')
    app.point(app.wait_for('Firmware', 'combo box'))
    time.sleep(harness.SETTLE_SECONDS)
    app.press('Down', 'Return')
    app.wait_text('2 changes wait for the next start')
    app.click('Undo Both')
    app.wait_gone('2 changes wait for the next start', 'label')
    assert app.text_of(app.find('Memory', 'text')) == f'4{NNBSP}GiB'

    app.click('More Memory')
    app.click('Restart Now…')
    app.wait_for('Restart “Alpine Router” Now?', 'label')
    app.click('Restart')
    app.wait_gone('1 change waits for the next start', 'label')
    row(app, 'Alpine Router, running')
    assert app.text_of(app.find('Memory', 'text')) == f'6{NNBSP}GiB'


def test_hardware_at_once(session):
    app = start(session, 'lab')
    show_hardware(app)
    app.click('More Processors')
    app.wait_text('5 of the 16 threads of this computer')
    assert app.find('1 change waits for the next start', 'label') is None


def test_hardware_off(session):
    """A machine that is off has nothing to wait for."""
    app = start(session, 'lab')
    select(app, 'Debian 13')
    show_hardware(app, 'Debian 13')
    assert app.find('Next start', 'label') is None
    app.click('More Memory')
    app.wait('the new size', lambda: app.text_of(app.find('Memory', 'text')) == f'3{NNBSP}GiB')
    assert app.find(lambda name: 'next start' in name, 'label') is None


def test_hardware_wrong_values(session):
    """One sentence in the row; what was typed is still there, and what is stored too."""
    app = start(session, 'lab')
    show_hardware(app)
    for field, wrong, sentence in [
            ('Memory', '1 MiB', 'A machine needs at least 64 MiB of memory.'),
            ('Memory', '9000 TiB', 'That is more memory than this computer has.'),
            ('Memory', 'much', 'Type a size such as “8 GiB”.'),
            ('Processors', '0', 'A machine needs at least one processor.'),
            ('Processors', '17', 'That is more processors than this computer has.')]:
        app.set_text(field, wrong)
        app.wait_text(sentence)
        assert app.text_of(app.find(field, 'text')) == wrong
    app.set_text('Memory', '4 GiB')
    app.set_text('Processors', '4')
    app.wait_gone('That is more processors than this computer has.', 'label')
    assert app.find(lambda name: 'for the next start' in name, 'label') is None


def open_row(app, title):
    app.point(app.wait_for(title, 'label'))


def test_hardware_network(session):
    app = start(session, 'lab')
    show_hardware(app)
    open_row(app, 'Network adapter')
    app.set_text('Port of this computer', 'http')
    app.set_text('Port of the guest', '80')
    app.click('Forward This Port')
    app.wait_text('A port is a number from 1 to 65535.')
    app.set_text('Port of this computer', '8080')
    app.click('Forward This Port')
    app.wait_text('Port 8080 of this computer is in use by another program.')
    assert app.text_of(app.find('Port of this computer', 'text')) == '8080'
    app.set_text('Port of this computer', '8081')
    app.click('Forward This Port')
    app.wait_text('8081 → 80')
    app.wait_text('1 change waits for the next start')
    app.click('No Longer Forward 2222 → 22')
    app.wait_gone('2222 → 22', 'label')

    app.act(app.wait_for('Cable plugged in, Network adapter'))
    app.wait_text('unplugged')
    mac = app.set_text('MAC address, Network adapter', '52:54:00:00:00:01')
    app.point(mac)
    app.press('Return')
    app.wait_text('belongs to the machine “db-server” already')
    assert app.text_of(mac) == '52:54:00:00:00:01'


def test_hardware_order(session):
    """By keys alone: the focus goes with the device that moves."""
    app = start(session, 'lab')
    show_hardware(app)
    open_row(app, 'Start order')
    app.click('Start from CD drive Earlier')
    app.wait_text('CD drive, then Main disk, then Network adapter')
    app.wait_text('1 change waits for the next start')
    app.wait_state('Start from CD drive Later', 'push button', 'FOCUSED')
    app.press('space')
    app.wait_text('Main disk, then CD drive, then Network adapter')
    app.wait_gone('1 change waits for the next start', 'label')


def test_hardware_add(session):
    app = start(session, 'lab')
    show_hardware(app)
    app.click('Add Hardware')
    window = app.wait_for('Add Hardware', 'dialog')
    # What cannot be added says why.
    app.wait_text('This computer has no IOMMU')
    app.point(app.wait_for('CD drive', 'list item', within=window))
    app.wait_for('CD drive 2', 'label')
    app.wait_text('CD drive 2 added')

    app.click('Add Hardware')
    window = app.wait_for('Add Hardware', 'dialog')
    app.point(app.wait_for('Disk', 'list item', within=window))
    app.set_text('Disk Size', '0')
    app.wait_text('A disk cannot be smaller than 1 MiB.')
    app.wait_state('Add Disk', 'push button', 'SENSITIVE', False)
    app.set_text('Disk Size', '8 GiB')
    app.click('Add Disk')
    app.wait_for('Disk 2', 'label')
    app.wait_text('Disk 2 added, CD drive 2 added')


def test_hardware_remove(session):
    """The file of a disk stays, unless asked; it cannot be asked while the guest uses it."""
    app = start(session, 'lab')
    show_hardware(app)
    open_row(app, 'Main disk')
    app.click('Remove Main disk')
    app.wait_text('The guest keeps it until the next start. Its file stays.')
    assert app.find('Delete its file for good') is None
    app.click('Remove')
    app.wait_text('Main disk removed')
    app.click('Undo')
    app.wait_for('Main disk', 'label')

    select(app, 'Debian 13')
    show_hardware(app, 'Debian 13')
    open_row(app, 'Main disk')
    app.click('Remove Main disk')
    app.wait_for('Delete its file for good', 'check box')
    app.click('Remove')
    app.wait_gone('Remove Main disk', 'push button')


def test_hardware_grow(session):
    """A disk can only become larger."""
    app = start(session, 'lab')
    show_hardware(app)
    open_row(app, 'Main disk')
    app.click('Make Main disk Larger')
    app.wait_state('Make Larger', 'push button', 'SENSITIVE', False)
    app.set_text('New Size', '1 MiB')
    app.wait_text('A disk cannot become smaller.')
    app.wait_state('Make Larger', 'push button', 'SENSITIVE', False)
    app.set_text('New Size', '100 GiB')
    app.wait_gone('A disk cannot become smaller.', 'label')
    app.click('Make Larger')
    app.wait_text('18 of 100')


def test_hardware_refused(session):
    """The back end's own words, in the row."""
    app = start(session, 'trouble')
    show_hardware(app, 'Trouble')
    app.click('More Memory')
    app.wait_text('There is no space to store that.')
    app.wait_text('Nothing was changed.')


def test_hardware_fixed(session):
    """What can only be looked at says so once."""
    app = start(session, 'lab')
    select(app, 'db-server')
    app.press('alt+3')
    app.wait_text('Machines of libvirt are only shown here')
    app.wait_state('Add Hardware', 'push button', 'SENSITIVE', False)
    memory = app.find('Memory', 'list item')
    assert memory.get_description() == 'Machines of libvirt are only shown here'
    app.point(app.find('More Memory', 'push button'))
    app.point(app.find('Firmware', 'label'))
    assert app.text_of(app.find('Memory', 'text')) == f'4{NNBSP}GiB'


def test_hardware_limits(session):
    app = start(session, 'full')
    show_hardware(app, 'Full House')
    app.click('Add Hardware')
    app.wait_text('It has as many disks as it can have')
    app.wait_text('It has as many adapters as it can have')


def test_hardware_keys(session):
    """Everything on the page can be reached and used without a pointer."""
    app = start(session, 'lab')
    show_hardware(app)
    add = app.find('Add Hardware', 'push button')

    def reach(node):
        def focused():
            app.press('Tab')
            return app.has_state(node, 'FOCUSED')
        app.wait(f'Tab to reach “{node.get_name()}”', focused)
    reach(add)
    reach(app.find('More Memory', 'push button'))
    app.press('space')
    app.wait_text(f'Memory 4 → 6{NNBSP}GiB')
    app.press('shift+Tab', 'shift+Tab')
    app.press('ctrl+a')
    app.type('5 GiB')
    app.press('Return')
    app.wait_text(f'Memory 4 → 5{NNBSP}GiB')


def show_snapshots(session, scene='snapshots'):
    app = start(session, scene)
    app.wait_for('Alpine Router', 'frame')
    app.press('alt+4')
    snapshot(app, 'Before update')
    return app


def snapshot(app, beginning):
    """A row of the tree: its name tells name, age, size and parent."""
    def begins(name):
        return name.startswith(beginning + ',')
    begins.__doc__ = beginning + ',…'
    return app.wait_for(begins, 'list item', within=app.wait_for('Snapshots', 'list'))


def has_snapshot(app, beginning):
    return app.find(lambda name: name.startswith(beginning + ','), 'list item',
                    within=app.find('Snapshots', 'list'))


def pick_snapshot(app, name):
    app.point(snapshot(app, name))
    app.wait(f'“{name}” to be selected', lambda: app.has_state(snapshot(app, name), 'SELECTED'))


def test_snapshots_tree(session):
    """Newest first, each with what it derives from; the pane tells all about the selected one."""
    app = show_snapshots(session)
    rows = [node.get_name().split(',')[0]
            for node in harness.walk(app.find('Snapshots', 'list'))
            if node.get_role_name() == 'list item']
    assert rows == ['Now', 'Before update', 'Kept before restoring', 'Kernel 6.10 experiment',
                    'Toolchain installed', 'First login', 'Fresh installation'], rows
    name = snapshot(app, 'Before update').get_name()
    assert name.endswith(f', 1.1{NNBSP}GiB, parent Toolchain installed'), name
    assert 'kept for you' in snapshot(app, 'Kept before restoring').get_name()
    app.wait_text(f'3.1{NNBSP}ms')
    app.wait_text('Clean system, all tests pass.')
    pick_snapshot(app, 'Fresh installation')
    app.wait_gone(f'3.1{NNBSP}ms', 'label')  # it was off
    app.wait_text('disk only')
    assert_names(app)


def test_snapshots_take(session):
    """Nothing is asked; the note says how long the guest stood still and offers another name."""
    app = show_snapshots(session)
    app.press('ctrl+shift+s')
    app.wait_text(f'Snapshot taken. The guest paused for 3.1{NNBSP}ms.')
    app.act(app.find(lambda name: name == 'Rename Rename', 'push button'))
    dialog = app.wait_for('Rename Snapshot', 'dialog')
    app.set_text('Name', '   ')
    app.wait('Rename to be impossible', lambda: not app.has_state(
        app.find('Rename', 'push button', dialog), 'SENSITIVE'))
    app.set_text('Name', 'Tuesday')
    app.set_text('Note', 'Before the demonstration')
    app.click('Rename', within=dialog)
    snapshot(app, 'Tuesday')
    app.wait_text('Before the demonstration')
    app.wait('the new one to be selected',
             lambda: app.has_state(snapshot(app, 'Tuesday'), 'SELECTED'))
    assert 'parent Before update' in snapshot(app, 'Tuesday').get_name()
    app.point(snapshot(app, 'Now'))  # which cannot be selected
    assert app.has_state(snapshot(app, 'Tuesday'), 'SELECTED')


def test_snapshots_first(session):
    app = start(session, 'snapshots')
    select(app, 'Debian 13')
    app.press('alt+4')
    app.wait_for('No Snapshots Yet', 'label')
    app.click('Take Snapshot', within=app.find('No Snapshots Yet', 'panel'))
    app.wait_text('Snapshot taken.')
    snapshot(app, 'Snapshot 1')


def test_snapshots_restore(session):
    """What was there is kept."""
    app = show_snapshots(session)
    pick_snapshot(app, 'First login')
    app.click('Restore')
    app.wait_text('“First login” restored')
    app.wait_text('changed since “First login”')
    kept = [node for node in harness.walk(app.find('Snapshots', 'list'))
            if node.get_name().startswith('Kept before restoring,')]
    assert len(kept) == 2, app.dump()


def test_snapshots_delete(session):
    """Deleting can be undone for a while; what derives from it stays."""
    app = show_snapshots(session)
    pick_snapshot(app, 'Kernel 6.10 experiment')
    app.press('Delete')
    app.wait_text('“Kernel 6.10 experiment” deleted')
    app.wait('it to go', lambda: not has_snapshot(app, 'Kernel 6.10 experiment'))
    assert 'parent Toolchain installed' in snapshot(app, 'Kept before restoring').get_name()
    app.click('Undo')
    assert app.has_state(snapshot(app, 'Kernel 6.10 experiment'), 'SELECTED')

    app.press('F2')
    app.wait_for('Rename Snapshot', 'label')
    app.press('Escape')
    app.click('Delete')
    app.wait('it to go', lambda: not has_snapshot(app, 'Kernel 6.10 experiment'))
    app.click('Delete')  # the next one, before the first note has gone
    app.wait('it to go', lambda: not has_snapshot(app, 'Toolchain installed'))
    # Closing the window does not bring them back, and waits for neither.
    assert app.quit() == 0


def test_snapshots_slow(session):
    """What takes a while is shown and can be cancelled."""
    app = show_snapshots(session, 'slow-snapshots')
    app.click('Restore')
    app.wait_text('Restoring “Before update”…')
    app.click('Cancel')
    app.wait_gone('Restoring “Before update”…', 'label')
    assert not app.find('“Before update” Was Not Restored')  # nobody has to be told


def test_snapshots_trouble(session):
    """What cannot be done says why; what goes wrong says what is safe."""
    app = show_snapshots(session, 'bad-snapshots')
    app.wait_state('Restore', 'push button', 'SENSITIVE', False)
    app.wait_text('The machine is being saved')
    assert 'damaged' in snapshot(app, 'First login').get_name()
    pick_snapshot(app, 'First login')
    app.wait_text('Its memory is damaged')
    app.press('ctrl+shift+s')
    app.wait_for('No Snapshot Was Taken', 'label')
    app.wait_text('Nothing was changed.')


def test_snapshots_narrow(session):
    """The pane lies over the list, and goes again."""
    app = show_snapshots(session)
    app.resize(360, 700)
    app.point(snapshot(app, 'Toolchain installed'))
    app.click('Back to the Snapshots')
    app.wait_gone('Back to the Snapshots', 'push button')
    snapshot(app, 'Toolchain installed')


def test_clone(session):
    """The first kind that is possible is picked; the clone is shown."""
    app = start(session, 'snapshots')
    app.wait_for('Alpine Router', 'frame')
    app.press('ctrl+shift+d')
    window = app.wait_for('Clone Machine', 'dialog')
    app.wait_state('Live', 'radio button', 'CHECKED')
    app.wait_text(f'18.4{NNBSP}GiB more')
    assert app.text_of(app.find('Name', 'text', window)) == 'Alpine Router (2)'
    app.set_text('Name', 'Build Server')
    app.wait_text('There is a machine called “Build Server” already.')
    app.wait_state('Clone', 'push button', 'SENSITIVE', False)
    app.set_text('Name', 'Twin')
    assert_names(app)
    app.click('Clone')
    app.wait_for('Twin', 'frame')
    row(app, 'Twin, running')
    app.wait_text(f'“Twin” runs. The guest paused for 3.1{NNBSP}ms.')


def test_clone_slow(session):
    """How far a copy is can be seen at the machine; it can be cancelled; its end is told."""
    app = start(session, 'slow-snapshots')
    app.wait_for('Alpine Router', 'frame')

    def clone():
        app.press('ctrl+shift+d')
        window = app.wait_for('Clone Machine', 'dialog')
        app.point(app.wait_for('Full copy', 'list item', within=window))
        app.wait_state('Full copy', 'radio button', 'CHECKED')
        app.click('Clone')
        app.wait_text('This machine is being cloned')
    clone()
    app.wait_text('Cloning… ')
    app.press('ctrl+shift+d')
    app.wait_text('Another clone is being made')
    app.wait_state('Clone', 'push button', 'SENSITIVE', False)
    app.press('Escape')
    app.wait_gone('Clone Machine', 'dialog')
    app.click('Cancel')
    app.wait_gone('This machine is being cloned', 'label')
    clone()
    select(app, 'Debian 13')
    app.wait_text('“Alpine Router (2)” is ready')
    app.click('Show')
    app.wait_for('Alpine Router (2)', 'frame')


def test_clone_snapshot(session):
    """Of a snapshot; what is not possible says why."""
    app = show_snapshots(session, 'bad-snapshots')
    pick_snapshot(app, 'Toolchain installed')
    app.click('Open as New Machine…')
    app.wait_for('Open as New Machine', 'label')
    app.wait_text("This computer's memory is full")
    app.wait_state('Live', 'radio button', 'SENSITIVE', False)
    app.wait_state('Linked', 'radio button', 'CHECKED')
    app.click('Clone')
    app.wait_for('“Alpine Router (2)” Was Not Made', 'label')


def test_save(session):
    app = start(session, 'snapshots')
    app.wait_for('Alpine Router', 'frame')
    app.click('Pause Alpine Router')
    app.click('Switch Off Alpine Router', 'push button')
    app.act(app.wait_for('Save', 'menu item'))
    row(app, 'Alpine Router, saved')
    app.click('Resume Alpine Router')
    row(app, 'Alpine Router, running')


def test_saved_discarded(session):
    """The saved state goes only after a question."""
    app = start(session, 'snapshots')
    select(app, 'Ubuntu 24.04 LTS')
    app.wait_text('Saved yesterday')
    app.click('More Actions')
    app.act(app.wait_for('Discard Saved State…', 'menu item'))
    app.wait_text('Discard the Saved State of “Ubuntu 24.04 LTS”?')
    app.click('Discard')
    row(app, 'Ubuntu 24.04 LTS, off')


def test_disposable(session):
    """It says all the time that nothing of it is kept."""
    app = start(session, 'snapshots')
    select(app, 'Ubuntu 24.04 LTS')
    app.click('More Actions')
    app.act(app.wait_for('Start Without Keeping Changes', 'menu item'))
    row(app, 'Ubuntu 24.04 LTS, running disposably')
    app.wait_text('What this machine changes is thrown away when it ends')
    app.wait_text('Running disposably')
    app.click('Shut Down Ubuntu 24.04 LTS', 'panel')
    row(app, 'Ubuntu 24.04 LTS, off')
    app.wait_gone('What this machine changes is thrown away when it ends', 'label')


def test_template(session):
    """It is cloned instead of started, until it is a machine again."""
    app = start(session, 'snapshots')
    select(app, 'Debian 13')
    app.click('More Actions')
    app.act(app.wait_for('Turn into Template', 'menu item'))
    row(app, 'Debian 13, template')
    app.wait_gone('Start Debian 13', 'push button')
    app.wait_text('A template is cloned, and not started itself')
    app.click('More Actions')
    app.wait_for('Turn Back into Machine', 'menu item')
    assert not app.find('Start Without Keeping Changes', 'menu item'), app.dump()
    app.press('Escape')
    app.click('Clone…', 'push button')
    app.wait_state('Linked', 'radio button', 'CHECKED')
    app.press('Escape')
    app.click('More Actions')
    app.act(app.wait_for('Turn Back into Machine', 'menu item'))
    row(app, 'Debian 13, off')
    app.wait_for('Start Debian 13', 'push button')


def test_no_space(session):
    app = start(session, 'no-space')
    app.wait_text('is paused: the disk of this computer is full')
    app.wait_for('Free Up Space…', 'push button')
    app.wait_for('Resume Alpine Router', 'push button')


def test_emulated(session):
    app = start(session, 'emulated')
    app.wait_text('Machines run in software here and are slow')
    app.click('Hide This Message')
    app.wait_gone('Machines run in software here and are slow', 'label')


def test_broken_place(session):
    app = start(session, 'broken')
    app.wait_text('This computer is out of reach')
    app.click('Reconnect')
    app.wait_gone('This computer is out of reach', 'label')


def test_crashed(session):
    app = start(session, 'crashed')
    app.wait_for('The Guest Crashed', 'label')
    words = app.wait_for('Last words of the guest', 'text')
    assert 'Kernel panic - not syncing' in app.text_of(words), app.text_of(words)
    app.click('Start Again')
    row(app, 'Alpine Router, running')


def test_narrow(session):
    app = start(session, 'lab')
    app.wait_for('Alpine Router', 'frame')
    app.resize(360, 700)
    app.click('Back to the Machines')
    app.point(row(app, 'Build Server'))
    app.wait_for('Build Server', 'frame')
    # The verbs are in the strip now.
    app.click('Pause')
    app.click('Back to the Machines')
    row(app, 'Build Server, paused')


def test_names(session):
    """Every button and toggle that can be seen has a name."""
    app = start(session, 'lab')
    app.wait_for('Alpine Router', 'frame')
    assert_names(app)
    show_hardware(app)
    for title in ['Start order', 'Main disk', 'CD drive', 'Network adapter', 'Screen']:
        app.point(app.wait_for(title, 'label'))
    assert_names(app)
    app.click('Add Hardware')
    app.wait_for('Add Hardware', 'dialog')
    assert_names(app)


def assert_names(app):
    roles = ('push button', 'toggle button', 'menu button', 'text', 'entry', 'combo box', 'switch',
             'check box')
    nameless = [node for node in app.nodes()
                if node.get_role_name() in roles
                and app.is_showing(node) and not node.get_name()
                and not any(child.get_name() for child in harness.walk(node))]
    assert not nameless, app.dump()


def test_quit(session):
    app = start(session, 'lab')
    app.wait_for('Alpine Router', 'frame')
    assert app.quit() == 0


if __name__ == '__main__':
    sys.exit(harness.main({name[5:]: function for name, function in list(globals().items())
                           if name.startswith('test_')}))

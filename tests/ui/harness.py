# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives a real window of the program: own X server, own session bus, own home; finds widgets by
their accessible name and role, acts on them, and says clearly what was missing when it gives up.

Use it as a context manager:

    with Session() as session:
        app = session.start([program, argument])
        app.click('New Machine', 'push button')
        app.wait_for('Create', 'push button')

Environment: INNKEEPER_SCREENSHOTS names a folder for pictures of what went wrong.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

SKIPPED = 77
DEFAULT_TIMEOUT = float(os.environ.get('INNKEEPER_UI_TIMEOUT', '20'))
POLL_SECONDS = 0.04
SETTLE_SECONDS = 0.3
NEEDED = ['Xvfb', 'dbus-daemon', 'xdotool', 'import', 'xprop']

# What a GNOME desktop would tell the toolkit through its settings service.
GTK_SETTINGS = '''[Settings]
gtk-font-name=Cantarell 11
gtk-decoration-layout=:close
gtk-enable-animations=0
'''


class Missing(AssertionError):
    """Something did not appear in time."""


def skip_if_impossible():
    """Ends the test as skipped where this computer lacks what it takes to look at a window."""
    missing = [tool for tool in NEEDED if shutil.which(tool) is None]
    try:
        import gi
        gi.require_version('Atspi', '2.0')
    except (ImportError, ValueError) as error:
        missing.append(f'python bindings of AT-SPI ({error})')
    if missing:
        print('skipped: missing', ', '.join(missing))
        sys.exit(SKIPPED)


class Session:
    """An X server, a session bus with an accessibility bus, and a home folder, all of its own."""

    def __init__(self, width=1280, height=1300, environment=None):
        self.size = (width, height)
        self.extra = environment or {}
        self.processes = []
        self.apps = []

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix='innkeeper-ui-')
        try:
            self.environment = self._make_environment()
            self._start_display()
            self._start_bus()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, value, traceback):
        for app in self.apps:
            app.stop()
        for process in reversed(self.processes):
            stop(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def _make_environment(self):
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith(('XDG_', 'DBUS_', 'WAYLAND_', 'AT_SPI_'))}
        for name, folder in [('HOME', 'home'), ('XDG_DATA_HOME', 'home/data'),
                             ('XDG_CONFIG_HOME', 'home/config'), ('XDG_CACHE_HOME', 'home/cache'),
                             ('XDG_STATE_HOME', 'home/state'), ('XDG_RUNTIME_DIR', 'run')]:
            os.makedirs(self.path(folder), mode=0o700, exist_ok=True)
            environment[name] = self.path(folder)
        os.makedirs(self.path('home', 'Downloads'), exist_ok=True)
        os.makedirs(self.path('home', 'config', 'gtk-4.0'), exist_ok=True)
        with open(self.path('home', 'config', 'gtk-4.0', 'settings.ini'), 'w') as settings:
            settings.write(GTK_SETTINGS)
        environment.update({
            'GDK_BACKEND': 'x11', 'GSK_RENDERER': 'cairo', 'GSETTINGS_BACKEND': 'memory',
            'GTK_A11Y': 'atspi', 'NO_AT_BRIDGE': '0', 'LC_ALL': 'C.UTF-8', 'LANGUAGE': 'en',
            'TZ': 'UTC', 'G_ENABLE_DIAGNOSTIC': '0',
        })
        environment.update(self.extra)
        return environment

    def _start_display(self):
        read_end, write_end = os.pipe()
        width, height = self.size
        # Without -noreset the server starts afresh whenever the last client leaves.
        self.processes.append(subprocess.Popen(
            ['Xvfb', '-displayfd', str(write_end), '-screen', '0', f'{width}x{height}x24',
             '-noreset', '-nolisten', 'tcp'],
            pass_fds=[write_end], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        os.close(write_end)
        with os.fdopen(read_end) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise RuntimeError('Xvfb did not start')
        self.environment['DISPLAY'] = f':{number}'

    def _start_bus(self):
        bus = subprocess.Popen(
            ['dbus-daemon', '--session', '--nofork', '--print-address=1'],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.processes.append(bus)
        address = bus.stdout.readline().strip()
        if not address:
            raise RuntimeError('dbus-daemon did not start')
        self.environment['DBUS_SESSION_BUS_ADDRESS'] = address
        # The accessibility library reads the environment of this process.
        os.environ['DBUS_SESSION_BUS_ADDRESS'] = address
        os.environ['DISPLAY'] = self.environment['DISPLAY']
        os.environ.pop('AT_SPI_BUS_ADDRESS', None)

    def start(self, command, environment=None):
        """Starts a program and waits until it can be seen."""
        app = App(self, command, dict(self.environment, **(environment or {})))
        self.apps.append(app)
        app.wait_until_visible()
        return app

    def screenshot(self, path):
        """A picture of the whole screen."""
        subprocess.run(['import', '-window', 'root', path], env=self.environment, check=True)
        return path


def stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def children(node):
    for index in range(node.get_child_count()):
        child = node.get_child_at_index(index)
        if child is not None:
            yield child


def walk(node):
    yield node
    for child in children(node):
        yield from walk(child)


class App:
    """One running program, seen through AT-SPI and touched through it or the X server."""

    def __init__(self, session, command, environment):
        import gi
        gi.require_version('Atspi', '2.0')
        from gi.repository import Atspi, GLib
        self.atspi, self.glib = Atspi, GLib
        self.session = session
        self.environment = environment
        self.log_path = session.path(f'log-{len(session.apps)}.txt')
        self.log = open(self.log_path, 'w+')
        self.process = subprocess.Popen(command, env=environment, stdout=self.log,
                                        stderr=subprocess.STDOUT)
        self.root = None

    # Waiting

    def wait(self, what, function, timeout=None):
        """Calls @function until it gives something true, which is returned."""
        deadline = time.monotonic() + (timeout or DEFAULT_TIMEOUT)
        while time.monotonic() < deadline:
            try:
                result = function()
                if result:
                    return result
            except self.glib.Error:
                pass  # the tree changed while it was read
            if self.process.poll() is not None:
                raise Missing(f'{what}: the program ended with status {self.process.returncode}\n'
                              + self.read_log())
            context = self.glib.MainContext.default()
            while context.iteration(False):
                pass
            time.sleep(POLL_SECONDS)
        raise Missing(f'{what} did not happen within {timeout or DEFAULT_TIMEOUT} s\n'
                      + self.describe_failure())

    def wait_until_visible(self):
        def find():
            desktop = self.atspi.get_desktop(0)
            for app in children(desktop):
                if app.get_process_id() == self.process.pid and app.get_child_count() > 0:
                    return app
            return None
        self.root = self.wait('the window', find)

    # Finding

    def nodes(self):
        return walk(self.root)

    def find(self, name, role=None, within=None):
        """The first node of that name and role now, or None. @name: text or a predicate on it."""
        # A button with its label inside is called "Cancel Cancel" by GTK 4.8.
        matches = name if callable(name) else (lambda text: text in (name, f'{name} {name}'))
        for node in walk(within or self.root):
            if matches(node.get_name() or '') and role in (None, node.get_role_name()):
                if self.is_showing(node):
                    return node
        return None

    def is_showing(self, node):
        """GTK 4.8 sets "visible" by itself for each widget, so its parents have to be asked; what
        is folded away is visible too, but has no size."""
        visible = self.atspi.StateType.VISIBLE
        try:
            if self.atspi.Component.get_size(node).x == 0:
                return False
        except self.glib.Error:
            pass  # it is no widget
        while node is not None and node.get_role_name() not in ('application', 'desktop frame'):
            if not node.get_state_set().contains(visible):
                return False
            node = node.get_parent()
        return True

    def wait_for(self, name, role=None, timeout=None, within=None):
        label = name.__doc__ if callable(name) else name
        return self.wait(f'{role or "something"} “{label}”', lambda: self.find(name, role, within), timeout)

    def wait_gone(self, name, role=None, timeout=None):
        return self.wait(f'{role or "something"} “{name}” to go away',
                         lambda: self.find(name, role) is None, timeout)

    def wait_text(self, text, timeout=None):
        """Waits for a label with @text somewhere in it."""
        return self.wait(f'the text “{text}”', lambda: self.find(lambda name: text in name), timeout)

    def has_state(self, node, state):
        return node.get_state_set().contains(getattr(self.atspi.StateType, state))

    def wait_state(self, name, role, state, value=True, timeout=None):
        def check():
            node = self.find(name, role)
            return node is not None and self.has_state(node, state) == value
        word = state.lower() if value else f'not {state.lower()}'
        return self.wait(f'{role} “{name}” to be {word}', check, timeout)

    def text_of(self, node):
        """The text of an editable or terminal."""
        text = self.atspi.Text
        return text.get_text(node, 0, text.get_character_count(node))

    # Acting

    def click(self, name, role='push button', timeout=None, within=None):
        """Presses a button once it can be pressed."""
        def ready():
            node = self.find(name, role, within)
            return node if node and self.has_state(node, 'SENSITIVE') else None
        node = self.wait(f'{role} “{name}” to press', ready, timeout)
        self.act(node)
        return node

    def act(self, node):
        """Does what a click would do: on the node, or on the button inside it (menu buttons)."""
        for inner in walk(node):
            names = [self.atspi.Action.get_action_name(inner, index)
                     for index in range(self.atspi.Action.get_n_actions(inner))]
            for wanted in ('click', 'toggle', 'activate'):
                if wanted in names:
                    self.atspi.Action.do_action(inner, names.index(wanted))
                    # GTK 4.8 crashes when it is asked about widgets that are being taken down.
                    time.sleep(SETTLE_SECONDS)
                    return
        raise Missing(f'“{node.get_name()}” ({node.get_role_name()}) cannot be clicked')

    def set_text(self, name, text, role='text'):
        node = self.wait_for(name, role)
        self.atspi.EditableText.set_text_contents(node, text)
        return node

    def center_of(self, node):
        box = self.atspi.Component.get_extents(node, self.atspi.CoordType.WINDOW)
        x, y = self.window_origin()
        return x + box.x + box.width // 2, y + box.y + box.height // 2

    def window_origin(self):
        """Without a window manager the window is at 0,0; its own frame is inside it."""
        return 0, 0

    def point(self, node, button=1, count=1):
        """Clicks a node with the pointer, for rows and menus that have no action."""
        scale = int(self.environment.get('GDK_SCALE', '1'))
        x, y = self.center_of(node)
        self.xdotool('mousemove', str(x * scale), str(y * scale), 'click', '--repeat', str(count),
                     '--delay', '60', str(button))

    def hover(self, node):
        """Puts the pointer on a node."""
        x, y = self.center_of(node)
        scale = int(self.environment.get('GDK_SCALE', '1'))
        self.xdotool('mousemove', str(x * scale), str(y * scale))

    def press(self, *keys):
        """Presses keys or combinations such as "ctrl+n"."""
        for key in keys:
            self.xdotool('key', '--clearmodifiers', key)
            time.sleep(0.05)

    def type(self, text):
        self.xdotool('type', '--delay', '25', text)

    def resize(self, width, height):
        """Without a window manager the X server sizes the window as it is told."""
        window = self.xdotool('search', '--onlyvisible', '--pid', str(self.process.pid)).split()[-1]
        self.xdotool('windowsize', '--sync', window, str(width), str(height))

    def xdotool(self, *arguments):
        done = subprocess.run(['xdotool', *arguments], env=self.environment, check=True,
                              capture_output=True, text=True, timeout=30)
        return done.stdout

    # Looking

    def screenshot(self, path):
        return self.session.screenshot(path)

    def read_log(self):
        with open(self.log_path) as log:
            return log.read()

    def warnings(self):
        """What the program complained about, without what the test environment causes."""
        harmless = ('Broken accounting', 'dconf', 'fd limit', 'Unable to acquire session bus', 'IBUS', 'portal')
        return [line for line in self.read_log().splitlines()
                if ('WARNING' in line or 'CRITICAL' in line)
                and not any(word in line for word in harmless)]

    def dump(self):
        """The tree of what is shown, one line for each node."""
        lines = []

        def visit(node, depth):
            if depth > 0 and not self.has_state(node, 'VISIBLE'):
                return
            sensitive = '' if self.has_state(node, 'SENSITIVE') else ' (insensitive)'
            lines.append(f'{"  " * depth}{node.get_role_name()} “{node.get_name()}”{sensitive}')
            for child in children(node):
                visit(child, depth + 1)
        try:
            visit(self.root, 0)
        except (self.glib.Error, AttributeError) as error:
            lines.append(f'(the tree cannot be read: {error})')
        return '\n'.join(lines)

    def describe_failure(self):
        folder = os.environ.get('INNKEEPER_SCREENSHOTS') or tempfile.mkdtemp(prefix='innkeeper-shot-')
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f'failure-{os.getpid()}-{int(time.time() * 1000)}.png')
        try:
            self.screenshot(path)
        except (OSError, subprocess.SubprocessError) as error:
            path = f'none ({error})'
        return f'Screen: {path}\nTree:\n{self.dump()}\nLog:\n{self.read_log()}'

    def stop(self):
        stop(self.process)
        self.log.close()

    def quit(self):
        """Closes as a person would, and returns the exit status."""
        self.press('ctrl+q')
        try:
            return self.process.wait(DEFAULT_TIMEOUT)
        except subprocess.TimeoutExpired:
            raise Missing('the program did not end after Ctrl+Q\n' + self.describe_failure())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def run_test(function):
    """Runs one test in a session of its own; its trace, or None when all is well."""
    with Session() as session:
        try:
            function(session)
            complaints = [line for app in session.apps for line in app.warnings()]
            if complaints:
                raise AssertionError('the program complained:\n' + '\n'.join(complaints))
        except Exception:
            return traceback.format_exc()
    return None


def main(tests):
    """The main function of a file of tests: FILE PROGRAM [--part N/M | NAME...]; prints TAP.
    @tests: functions of a session by name."""
    skip_if_impossible()
    if sys.argv[2:3] == ['--one']:
        problem = run_test(tests[sys.argv[3]])
        print(problem or '', end='')
        return 1 if problem else 0

    names = sys.argv[2:] or list(tests)
    if names[0] == '--part':
        part, parts = map(int, names[1].split('/'))
        names = list(tests)[part - 1::parts]
    print(f'1..{len(names)}')
    failed = False
    for number, name in enumerate(names, 1):
        # A process each: the accessibility library never lets go of its first bus.
        done = subprocess.run([sys.executable, sys.argv[0], sys.argv[1], '--one', name],
                              stdout=subprocess.PIPE, text=True)
        failed = failed or done.returncode != 0
        print(f'{"not ok" if done.returncode else "ok"} {number} - {name}', flush=True)
        for line in done.stdout.splitlines():
            print('#', line, flush=True)
    return 1 if failed else 0

# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the control channel (engine/protocol/control-protocol.h) that stays connected, sees
the screen in shared memory, without a copy, and sends input."""

import array
import fcntl
import mmap
import os
import select
import socket
import struct
import time

from guest import Failure, until

MAGIC, MAJOR = 0x4C525443594B4E49, 2
HELLO, ATTACH, RESULT, OPEN_SCREEN, SCREEN = 1, 2, 3, 5, 6
RESET, WATCH_SCREEN, REFRESH_SCREEN, RESIZE_SCREEN, SET_LINK = 4, 8, 9, 10, 12
KEY, BUTTON, POSITION, MOTION, WHEEL = range(1, 6)
POSITION_MAX = 32767
KEY_STEP_S = 0.03
# linux/input-event-codes.h numbers keys along the rows of a keyboard.
LETTERS = {" ": 57, "\n": 28} | {
    letter: first + place
    for first, row in ((16, "qwertyuiop"), (30, "asdfghjkl"), (44, "zxcvbnm"))
    for place, letter in enumerate(row)
}

MESSAGE = struct.Struct("<QHHIQiI64x")
RING_HEAD, CONSUMER, NEED_WAKEUP = 128, 64, 68
# Slots and bytes of one, of the commands, replies, events and inputs, in that order.
RINGS = ((256, 64), (256, 32), (256, 32), (1024, 16))
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL

SEQUENCE_AT, MODE_AT, DAMAGE_AT, DAMAGE_SLOTS = 24, 64, 64 + 64 + 64 + 16384, 64
PAGE_SIZE = DAMAGE_AT + 64 + 8 * DAMAGE_SLOTS


class _Ring:
    """One end of a ring. The doorbell is always rung, so that no flag has to be exchanged."""

    def __init__(self, memory, offset, slots, size):
        self._words = memory[offset : offset + RING_HEAD].cast("I")
        self._slots = memory[offset + RING_HEAD : offset + RING_HEAD + slots * size]
        self._count, self._size, self._own = slots, size, 0

    def _slot(self):
        start = self._own % self._count * self._size
        return slice(start, start + self._size)

    def push(self, slot):
        if self._own - self._words[CONSUMER // 4] & 0xFFFFFFFF >= self._count:
            raise Failure("the VMM does not take what its ring holds")
        self._slots[self._slot()] = slot
        self._own += 1
        self._words[0] = self._own & 0xFFFFFFFF

    def pop(self):
        """A copy of the next slot, or None, and then the doorbell is asked for."""
        self._words[NEED_WAKEUP // 4] = 1
        if self._words[0] == self._own & 0xFFFFFFFF:
            return None
        slot = bytes(self._slots[self._slot()])
        self._own += 1
        self._words[CONSUMER // 4] = self._own & 0xFFFFFFFF
        return slot


class Picture:
    """A copy of what a screen showed: rows of pixels, each a little-endian word."""

    def __init__(self, width, height, rows):
        self.width, self.height, self.rows = width, height, rows
        self.size = f"{width}x{height}"

    def colours(self, step=5):
        """How large a share each colour has, by every step-th row and pixel."""
        counts = {}
        for row in self.rows[::step]:
            for pixel in array.array("I", row)[::step]:
                pixel &= 0xFFFFFF
                counts[pixel] = counts.get(pixel, 0) + 1
        total = sum(counts.values())
        return {colour: count / total for colour, count in counts.items()}

    def differs_from(self, other):
        """In how many rows."""
        if self.size != other.size:
            return self.height
        return sum(one != two for one, two in zip(self.rows, other.rows))


class Channel:
    """Call everything from one thread."""

    def __init__(self, path):
        self._path = str(path)
        self._memory = self._make_memory()
        self._doorbells = [os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC) for _ in range(2)]
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(30)
        self._last_id = 0
        self.events = 0
        self._attach()
        self._open_screen()

    def _make_memory(self):
        offset, areas = 64, []
        for slots, size in RINGS:
            areas.append((offset, slots, size))
            offset += RING_HEAD + slots * size
        self._memory_fd = os.memfd_create("channel", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self._memory_fd, offset)
        fcntl.fcntl(self._memory_fd, fcntl.F_ADD_SEALS, SEALS)
        self._memory_size = offset
        memory = memoryview(mmap.mmap(self._memory_fd, offset))
        placed = [number for offset, slots, _ in areas for number in (offset, slots)]
        memory[:48] = struct.pack("<QHHI8I", MAGIC, MAJOR, 0, self._memory_size, *placed)
        self._commands, self._replies, self._events, self._inputs = (
            _Ring(memory, *area) for area in areas)
        return memory

    def _receive(self, kind, fds=0):
        data, found, _, _ = socket.recv_fds(self._socket, MESSAGE.size, 3)
        if len(data) != MESSAGE.size:
            raise Failure("the VMM has closed the control channel")
        magic, major, _, answer, _, status, _ = MESSAGE.unpack(data)
        if (magic, major, answer, len(found)) != (MAGIC, MAJOR, kind, fds) or status:
            raise Failure(f"the VMM answered with message {answer}, status {status}, not {kind}")
        return found

    def _send(self, kind, fds=(), size=0):
        self._last_id += 1
        message = MESSAGE.pack(MAGIC, MAJOR, 0, kind, self._last_id, 0, size)
        socket.send_fds(self._socket, [message], list(fds))

    def _connect(self):
        try:
            self._socket.connect(self._path)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    def _attach(self):
        until(self._connect, 30, "nothing listens at the control socket")
        for fd in self._receive(HELLO, 1):
            os.close(fd)
        self._send(ATTACH, [self._memory_fd, *self._doorbells], self._memory_size)
        self._receive(RESULT)

    def _open_screen(self):
        self._send(OPEN_SCREEN)
        page, pixels = self._receive(SCREEN, 2)
        self._page = memoryview(mmap.mmap(page, PAGE_SIZE, prot=mmap.PROT_READ))
        self._pixels = memoryview(mmap.mmap(pixels, 0, prot=mmap.PROT_READ))
        os.close(page)
        os.close(pixels)

    def _ring(self):
        os.eventfd_write(self._doorbells[0], 1)

    def wait(self, seconds):
        """Until the VMM rings, or the time is over; counts the events there are."""
        if select.select([self._doorbells[1]], [], [], seconds)[0]:
            os.eventfd_read(self._doorbells[1])
        while self._events.pop():
            self.events += 1

    def call(self, operation, *arguments):
        """Sends a command and waits until it is carried out."""
        self._last_id += 1
        words = [*arguments, *[0] * (6 - len(arguments))]
        self._commands.push(struct.pack("<QI4x6Q", self._last_id, operation, *words))
        self._ring()
        deadline = time.monotonic() + 30
        while not (reply := self._replies.pop()):
            if time.monotonic() > deadline:
                raise Failure(f"no answer to command {operation}")
            self.wait(0.5)
        status = struct.unpack_from("<i", reply, 8)[0]
        if status:
            raise Failure(f"command {operation} ended with {os.strerror(-status)}")

    def send(self, kind, code, x, y=0):
        self._inputs.push(struct.pack("<HHii4x", kind, code, x, y))
        self._ring()

    def press(self, *keys):
        """All of them together, down in this order and up in the other, as fast as fingers are:
        firmware looks at its keyboard now and then and remembers few keys."""
        for key in keys:
            self.send(KEY, key, 1)
            time.sleep(KEY_STEP_S)
        for key in reversed(keys):
            self.send(KEY, key, 0)
            time.sleep(KEY_STEP_S)

    def type(self, text):
        """Small letters, spaces and newlines."""
        for character in text:
            self.press(LETTERS[character])

    def _copy_page(self):
        """A copy that was not written to meanwhile."""
        sequence = self._page[SEQUENCE_AT : SEQUENCE_AT + 4].cast("I")
        for _ in range(10000):
            before = sequence[0]
            copy = bytes(self._page)
            if before % 2 == 0 and sequence[0] == before:
                return copy
        raise Failure("the screen's page changes all the time")

    @property
    def size(self):
        """WIDTHxHEIGHT; 0x0 when nothing is shown."""
        return "%dx%d" % struct.unpack_from("<II", self._copy_page(), MODE_AT + 4)

    @property
    def damage(self):
        """How many rectangles have changed so far."""
        return struct.unpack_from("<I", self._copy_page(), DAMAGE_AT)[0]

    @property
    def last_damage(self):
        """x, y, width and height of the last rectangle that changed."""
        copy = self._copy_page()
        slot = (struct.unpack_from("<I", copy, DAMAGE_AT)[0] - 1) % DAMAGE_SLOTS
        return struct.unpack_from("<4H", copy, DAMAGE_AT + 64 + 8 * slot)

    def damaged_since(self, count):
        """How many rectangles have changed so far, and the pixels of those behind the count."""
        copy = self._copy_page()
        [now] = struct.unpack_from("<I", copy, DAMAGE_AT)
        slots = range(max(count, now - DAMAGE_SLOTS), now)
        sizes = [struct.unpack_from("<4xHH", copy, DAMAGE_AT + 64 + 8 * (slot % DAMAGE_SLOTS))
                 for slot in slots]
        return now, sum(width * height for width, height in sizes)

    def picture(self):
        """What the screen shows now; no rows when it shows nothing."""
        self.call(REFRESH_SCREEN)
        width, height, stride, offset = struct.unpack_from("<IIIQ", self._copy_page(), MODE_AT + 4)
        starts = [offset + row * stride for row in range(height)]
        return Picture(
            width, height, [bytes(self._pixels[at : at + 4 * width]) for at in starts])

# SPDX-License-Identifier: GPL-3.0-or-later
"""The little of a VNC client (RFC 6143) that sees what a QEMU shows and presses keys."""

import select
import socket
import struct

SHARED, RAW = b"\x01", 0
UPDATE, CUT_TEXT = 0, 3
DESKTOP_SIZE = -223


class Viewer:
    """What it shows is read and dropped: who looks at it asks where it has changed."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._socket.settimeout(30)
        self._read(12)
        self._socket.sendall(b"RFB 003.003\n")
        self._read(4)  # no authentication
        self._socket.sendall(SHARED)
        self._width, self._height = struct.unpack("!HH", self._read(4))
        self._read(16)
        [length] = struct.unpack("!I", self._read(4))
        self._read(length)
        self._socket.sendall(struct.pack("!BxHii", 2, 2, RAW, DESKTOP_SIZE))
        self._ask(0)

    def _read(self, size):
        data = bytearray(size)
        view = memoryview(data)
        while view:
            received = self._socket.recv_into(view)
            if not received:
                raise ConnectionError("QEMU has closed the connection of its viewer")
            view = view[received:]
        return data

    def _ask(self, incremental):
        self._socket.sendall(struct.pack(
            "!BBHHHH", 3, incremental, 0, 0, self._width, self._height))

    def _rectangle(self):
        _, _, width, height, encoding = struct.unpack("!HHHHi", self._read(12))
        if encoding == DESKTOP_SIZE:
            self._width, self._height = width, height
            return 0
        self._read(4 * width * height)
        return width * height

    def changed(self, seconds):
        """How many pixels an update has brought; 0 when none came in that time."""
        if not select.select([self._socket], [], [], seconds)[0]:
            return 0
        [kind] = self._read(1)
        if kind == CUT_TEXT:
            self._read(struct.unpack("!3xI", self._read(7))[0])
        if kind != UPDATE:
            return 0
        _, count = struct.unpack("!BH", self._read(3))
        pixels = sum(self._rectangle() for _ in range(count))
        self._ask(1)
        return pixels

    def press(self, symbol):
        """symbol: X's name for the key, as a number."""
        for down in (1, 0):
            self._socket.sendall(struct.pack("!BBHI", 4, down, 0, symbol))

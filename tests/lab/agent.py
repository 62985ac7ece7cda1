# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's end of the agent in the lab's computer (l1/agent.c)."""

import socket
import time

GRACE_S = 15  # the agent ends a script that is out of time; a silent agent is a lost computer


class Lost(Exception):
    """The computer no longer answers."""


class Agent:
    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._buffer = b""
        self._deadline = 0.0

    def close(self):
        self._socket.close()

    def run(self, script, timeout_s, output):
        """The script's exit status; its output goes to output(bytes) as it comes."""
        encoded = script.encode()
        self._socket.sendall(b"RUN %d %d\n" % (timeout_s, len(encoded)) + encoded)
        self._deadline = time.monotonic() + timeout_s + GRACE_S
        while True:
            kind, *numbers = self._line().split()
            if kind == b"OUT":
                output(self._exactly(int(numbers[0])))
            elif kind == b"END":
                return int(numbers[0])

    def _line(self):
        while b"\n" not in self._buffer:
            self._receive()
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line

    def _exactly(self, size):
        while len(self._buffer) < size:
            self._receive()
        piece, self._buffer = self._buffer[:size], self._buffer[size:]
        return piece

    def _receive(self):
        self._socket.settimeout(max(0.1, self._deadline - time.monotonic()))
        try:
            piece = self._socket.recv(65536)
        except (TimeoutError, ConnectionError) as error:
            raise Lost(str(error)) from error
        if not piece:
            raise Lost("QEMU has ended")
        self._buffer += piece

# SPDX-License-Identifier: GPL-3.0-or-later
"""Initial RAM file systems: cpio archives in the "newc" format (the kernel's
Documentation/driver-api/early-userspace/buffer-format.rst), made without being root."""

import gzip
import stat


class Archive:
    def __init__(self):
        self._parts = []
        self._inode = 0

    def _entry(self, name, mode, content=b"", device=(0, 0)):
        encoded = name.encode() + b"\0"
        self._inode += 1
        fields = (self._inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(encoded), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        for part in (header + encoded, content):
            self._parts.append(part + b"\0" * (-len(part) % 4))

    def folder(self, name):
        self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, name, content, *, executable=False):
        self._entry(name, stat.S_IFREG | (0o755 if executable else 0o644), content)

    def console(self):
        """/dev/console, which the first process needs before it can mount anything."""
        self._entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))

    def write(self, path):
        self._entry("TRAILER!!!", 0)
        path.write_bytes(gzip.compress(b"".join(self._parts), 6, mtime=0))

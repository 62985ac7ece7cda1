# SPDX-License-Identifier: GPL-3.0-or-later
"""A disc (ISO 9660 with El Torito) that holds nothing but a boot sector."""

import struct

SECTOR = 2048
CATALOG, PROGRAM, SECTORS = 19, 20, 24


def _descriptor(kind, rest=b""):
    return (bytes([kind]) + b"CD001\x01" + rest).ljust(SECTOR, b"\0")


def _both_ends(form, number):
    return struct.pack("<" + form, number) + struct.pack(">" + form, number)


def _volume():
    root = bytearray(34)
    root[0], root[25], root[32] = 34, 2, 1
    descriptor = bytearray(_descriptor(1))
    descriptor[80:88] = _both_ends("I", SECTORS)
    descriptor[120:124] = descriptor[124:128] = _both_ends("H", 1)
    descriptor[128:132] = _both_ends("H", SECTOR)
    descriptor[156:190] = root
    return bytes(descriptor)


def _catalog():
    words = [0x0001, 0, *[0] * 12, 0, 0xAA55]
    words[14] = -sum(words) & 0xFFFF  # all of them make zero
    # Bootable, no emulation, one sector of 512 bytes.
    entry = struct.pack("<BBHBBHI", 0x88, 0, 0, 0, 0, 1, PROGRAM)
    return (struct.pack("<16H", *words) + entry).ljust(SECTOR, b"\0")


def bootable(text):
    """A disc whose boot sector writes the text to the first serial port and stops."""
    code = b"\xfa" + b"".join(b"\xba\xf8\x03\xb0" + bytes([byte]) + b"\xee" for byte in text)
    code += b"\xf4\xeb\xfd"
    record = b"EL TORITO SPECIFICATION".ljust(64, b"\0") + struct.pack("<I", CATALOG)
    sectors = [_volume(), _descriptor(0, record), _descriptor(255), _catalog(),
               code.ljust(SECTOR, b"\0")]
    return (bytes(16 * SECTOR) + b"".join(sectors)).ljust(SECTORS * SECTOR, b"\0")

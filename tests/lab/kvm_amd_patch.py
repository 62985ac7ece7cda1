# SPDX-License-Identifier: GPL-3.0-or-later
"""Works round a fault of QEMU's emulated SVM in the computer's kvm-amd module.

When a nested guest writes CR8 while KVM has a virtual interrupt pending, QEMU (7.2 to 10.0 at
least) changes interrupt state without its lock and aborts. KVM leaves CR8 writes alone only after
svm_update_cr8_intercept() has cleared their intercept, so that function is made to return at once:
CR8 writes always exit then, and the fault is never met.
"""

import struct

from cache import LabError

FUNCTION = b"svm_update_cr8_intercept"
SIGNATURE_MARK = b"~Module signature appended~\n"
SYMBOL_TABLE = 2  # SHT_SYMTAB
ENDBR64 = b"\xf3\x0f\x1e\xfa"
CALL, RETURN = 0xE8, 0xC3


def _sections(elf):
    """(type, offset, size, link) of each section (ELF-64 object file format, section header)."""
    table, = struct.unpack_from("<Q", elf, 0x28)
    size, count = struct.unpack_from("<HH", elf, 0x3A)
    for index in range(count):
        _, kind, _, _, offset, length, link = struct.unpack_from("<IIQQQQI", elf, table + index * size)
        yield kind, offset, length, link


def _function_offset(elf):
    sections = list(_sections(elf))
    for kind, offset, length, link in sections:
        if kind != SYMBOL_TABLE:
            continue
        names = sections[link][1]
        for entry in range(offset, offset + length, 24):
            name, _, _, section, value = struct.unpack_from("<IBBHQ", elf, entry)
            if elf.startswith(FUNCTION + b"\0", names + name):
                return sections[section][1] + value
    raise LabError("kvm-amd has no " + FUNCTION.decode() + "; the lab's patch needs another look")


def _without_signature(module):
    if not module.endswith(SIGNATURE_MARK):
        return module
    body = module[: -len(SIGNATURE_MARK)]
    length, = struct.unpack(">I", body[-4:])
    return body[: -12 - length]


def patched(module):
    code = bytearray(_without_signature(module))
    at = _function_offset(bytes(code))
    if code[at : at + 4] == ENDBR64:
        at += 4
    if code[at] != CALL:
        raise LabError("kvm-amd begins " + FUNCTION.decode() + " without the tracer's call")
    code[at + 5] = RETURN  # behind the call, which the kernel turns into a no-op and back
    return bytes(code)

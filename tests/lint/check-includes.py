#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may include whom. A layer sees itself, the layers named for it, and nothing else: that is
what keeps each of them readable and testable alone."""

import re
from pathlib import Path

import source_tree

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')

# The whole of the VMM may use these.
VMM = {
    "engine/base",
    "engine/protocol",
    "engine/vmm/loop",
    "engine/vmm/memory",
    "engine/vmm/state",
}
# Counters are added where the work is done.
STATISTICS = "engine/vmm/control/statistics-page.h"
BACKENDS = {"engine/vmm/block", "engine/vmm/display", "engine/vmm/net"}
VMM_FOLDERS = {
    f"engine/vmm/{name}"
    for name in (
        "machine cpu memory bus pci virtio devices devices/vga block display boot control net loop"
        " sandbox state"
    ).split()
}

# Folder (with what is below it, unless that has a line of its own): folders or files it may see.
ALLOWED = {
    "engine/base": set(),
    "engine/protocol": {"engine/base"},
    "engine/image": {"engine/base"},
    "engine": {"engine/base", "engine/image", "engine/protocol"},
    "engine/vmm": VMM | VMM_FOLDERS,
    "engine/vmm/loop": {"engine/base"},
    "engine/vmm/memory": {"engine/base"},
    "engine/vmm/state": {"engine/base"},
    "engine/vmm/bus": VMM,
    "engine/vmm/cpu": VMM | {"engine/vmm/bus", STATISTICS},
    "engine/vmm/pci": VMM | {"engine/vmm/bus"},
    "engine/vmm/block": VMM | {STATISTICS, "engine/image"},
    "engine/vmm/display": VMM,
    "engine/vmm/net": VMM | {STATISTICS},
    "engine/vmm/net-keeper": {"engine/base", "engine/protocol"},
    "engine/vmm/virtio": VMM | {"engine/vmm/pci", "engine/vmm/bus", STATISTICS} | BACKENDS,
    "engine/vmm/devices": VMM | {"engine/vmm/pci", "engine/vmm/bus"} | BACKENDS,
    "engine/vmm/devices/vga": VMM | {"engine/vmm/pci", "engine/vmm/bus"} | BACKENDS,
    "engine/vmm/boot": VMM | {"engine/vmm/bus/memory-slot.h", "engine/vmm/devices/fw-cfg.h",
                              "engine/vmm/devices/vmgenid.h"},
    "engine/vmm/control": VMM | {"engine/vmm/machine/machine.h"},
    "engine/vmm/sandbox": {"engine/base", "engine/protocol"},
    "engine/vmm/machine": VMM | VMM_FOLDERS | {"engine/image"},
    "src": {"src/model", "src/model/engine", "src/model/libvirt", "src/console", "src/ui"},
    "src/model": set(),
    "src/model/engine": {"src/model", "engine", "engine/protocol/statistics-protocol.h"},
    "src/model/libvirt": {"src/model"},
    "src/console": {
        "src/model/console-endpoint.h",
        "src/model/shared-screen.h",
        "engine/protocol/screen-protocol.h",
        "engine/protocol/input-protocol.h",
    },
    "src/ui": {"src/model", "src/console/console-view.h", "src/console/screen-preview.h"},
}
GENERATED = {"config.h"}

# System headers that a folder (and what is below it) may not see.
FORBIDDEN_SYSTEM = {
    "engine/base": r"glib|gio|gtk|adwaita|libvirt",
    "engine/image": r"glib|gio|gtk|adwaita|libvirt",
    "engine/protocol": r"glib|gio|gtk|adwaita|libvirt",
    "engine/vmm": r"glib|gio|gtk|adwaita|libvirt",
    "engine": r"gtk|adwaita|libvirt",
    "src/model": r"gtk/|adwaita|vte|gvnc",
    "src/ui": r"libvirt|gvnc|vte",
    "src/console": r"libvirt|linux/kvm",
}


def _layer(path, table):
    """The nearest folder above the path that the table has a line for."""
    for folder in path.parents:
        if str(folder) in table:
            return str(folder)
    return None


def _resolve(source, name):
    """The header a quoted include means, by the include folders of the build."""
    for folder in (source.parent, Path("engine/vmm"), Path("engine"), Path("src"), Path(".")):
        candidate = Path(*folder.parts, *Path(name).parts)
        if (source_tree.ROOT / candidate).is_file():
            return candidate
    return None


def _quoted_complaint(source, name):
    target = _resolve(source, name)
    if name in GENERATED or target is None:  # made by the build, which finds it or stops
        return None
    layer, seen = _layer(source, ALLOWED), _layer(target, ALLOWED)
    if str(target).startswith("tests/"):
        return f"nothing outside tests/ may include {target}"
    if seen == layer or seen in ALLOWED[layer] or str(target) in ALLOWED[layer]:
        return None
    return f"{layer} may not include {target}"


def _system_complaint(source, name):
    folder = _layer(source, FORBIDDEN_SYSTEM)
    if folder and re.match(FORBIDDEN_SYSTEM[folder], name):
        return f"{folder} may not include <{name}>"
    return None


def _complaints(source):
    text = (source_tree.ROOT / source).read_text()
    for number, line in enumerate(text.splitlines(), 1):
        if match := INCLUDE.match(line):
            check = _quoted_complaint if match[1] == '"' else _system_complaint
            if complaint := check(source, match[2]):
                yield f"{source}:{number}: {complaint}"


sources = source_tree.files("engine/**/*.[ch]", "engine/*.[ch]", "src/**/*.[ch]", "src/*.[ch]")
source_tree.report(
    [complaint for source in sources for complaint in _complaints(source)],
    "The table of who may include whom is in tests/lint/check-includes.py.",
)

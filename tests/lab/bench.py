# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of what Innkeeper's VMM costs and does beside QEMU, what is compared measured in one run in
one computer of the lab (measure.py: booting and idling; measure_pc.py: whole PCs and their disks;
measure_state.py: snapshots), as Markdown."""

import json
import statistics
import sys

import clone
import recipe
import runner
from cache import HERE, LabError

README = HERE.parent.parent / "README.md"
MEASURE_S = 900

# (title, figure, format); the first three are medians over all boots. Less is better everywhere.
ROWS = (
    ("Start to first process, in the lab", "boot_s", "{:.1f} s"),
    ("KVM exits on the way", "exits", "{:.0f}"),
    ("of which to the VMM", "userspace_exits", "{:.0f}"),
    ("System calls before the first KVM_RUN", "calls_before_first_run", "{:.0f}"),
    ("Private dirty memory beside guest RAM", "overhead_kib", "{:.0f} KiB"),
    ("Threads", "threads", "{:.0f}"),
    ("Idle: KVM exits a second", "idle_exits_per_s", "{:.0f}"),
    ("Idle: wakeups a second", "idle_wakeups_per_s", "{:.1f}"),
)

# Whole PCs: (title, figure, format). Less is better.
PC_COSTS = (
    ("From power-on to a disc's boot sector: exits to the VMM", "cd_exits", "{:.0f}"),
    ("First start of UEFI: exits to the VMM", "uefi_exits", "{:.0f}"),
    ("First start of UEFI: memory slots set", "uefi_slots", "{:.0f}"),
    ("From a key in GRUB's menu to the changed screen (shared memory; VNC)", "key_ms", "{:.0f} ms"),
    ("PC with a disk and two networks: private dirty memory", "pc_overhead_kib", "{:.0f} KiB"),
)
DISK_LOADS = (
    ("4 KiB random reads, one at a time", "disk_read_1"),
    ("4 KiB random reads, 32 at a time", "disk_read_32"),
    ("4 KiB random writes, one at a time", "disk_write_1"),
    ("4 KiB random writes, 32 at a time", "disk_write_32"),
)
NET_LOADS = (
    ("passt, from the guest", "user_from"),
    ("passt, to the guest", "user_to"),
    ("tap, from the guest", "tap_from"),
    ("tap, to the guest", "tap_to"),
)
# Snapshots of running guests: (title, figure, factor, format). Less is better.
STATE_ROWS = (
    ("the guest stands still", "pause_s", 1e3, "{:.0f} ms"),
    ("until it is stored", "save_s", 1, "{:.1f} s"),
    ("bytes of memory and devices", "bytes", 1 / (1 << 20), "{:.0f} MiB"),
    ("from the process, or loadvm's command, until the guest runs", "run_s", 1e3, "{:.0f} ms"),
    ("from the wish to go on from it to the guest's next word", "restore_s", 1, "{:.1f} s"),
    ("live clone: the guest stands still", "clone_pause_s", 1e3, "{:.0f} ms"),
    ("live clone: from the moment until the clone runs", "clone_run_s", 1e3, "{:.0f} ms"),
    ("live clone: from the wish to its next word", "clone_word_s", 1, "{:.1f} s"),
    ("memory of it and ten idle live clones, by its own before", "clones_held", 1, "{:.2f}"),
)
STATE_SIZES = (256, 2048)  # MiB of memory
SLIRP = "QEMU q35 with slirp"  # a machine of its own, beside our passt
SLIRP_LOADS = (
    ("passt beside QEMU's slirp, from the guest", "user_from"),
    ("passt beside QEMU's slirp, to the guest", "user_to"),
)


def _figures(build, command):
    """What the last line says; what comes before it is shown as it comes."""
    output = []

    def collect(piece):
        sys.stderr.buffer.write(piece)
        sys.stderr.flush()
        output.append(piece)

    status = clone.run(command, share=build, timeout_s=MEASURE_S, output=collect)
    lines = b"".join(output).decode(errors="replace").splitlines()
    if status:
        raise LabError(f"the measurement ended with status {status}")
    return json.loads(lines[-1])


def _value(figures, key):
    boots = figures["boots"]
    if key in boots[0]:
        return statistics.median(boot[key] for boot in boots)
    return figures[key]


def _ratio(ours, theirs):
    if not theirs:
        return "–"
    ratio = ours / theirs
    return f"{ratio:.4f}" if 0 < ratio < 0.01 else f"{ratio:.2f}"


def _markdown(titles, rows):
    lines = ["| " + " | ".join(titles) + " |", "|---|" + "---:|" * (len(titles) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def table(figures):
    peers = [name for name in figures if name != "Innkeeper"]
    ours = figures.get("Innkeeper")
    rows = []
    for title, key, form in ROWS:
        cells = [form.format(_value(figures[name], key)) for name in figures]
        if ours:
            cells += [_ratio(_value(ours, key), _value(figures[peer], key)) for peer in peers]
        rows.append([title, *cells])
    return _markdown(["", *figures, *(f"to {peer.split()[-1]}" for peer in peers if ours)], rows)


def _median(figures, load, value):
    return statistics.median(value(run) for run in figures["loads"][load])


def _pc_row(title, form, ours, theirs):
    return [title, form.format(ours), form.format(theirs), _ratio(ours, theirs)]


def _load_rows(figures, title, load, unit, done):
    """How much was done in a second, and in a second of processor time: the guest's, its VMM's
    and its passt's."""
    for per, key in (("", "seconds"), (" of processor time", "cpu_s")):
        values = [_median(one, load, lambda run: done(run) / run[key]) for one in figures.values()]
        yield _pc_row(f"{title}: {unit} a second{per}", "{:.0f}", *values)


def _megabits(run):
    return run["bytes"] / 125000


def pc_table(figures):
    slirp = figures.pop(SLIRP)
    rows = [_pc_row(title, form, *(one[key] for one in figures.values()))
            for title, key, form in PC_COSTS]
    for title, load in DISK_LOADS:
        for what, key in (("system calls", "calls"), ("KVM exits", "exits")):
            values = [_median(one, load, lambda run: run[key] / run["requests"])
                      for one in figures.values()]
            rows.append(_pc_row(f"{title}: {what} each", "{:.2f}", *values))
    for title, load in DISK_LOADS:
        rows += _load_rows(figures, title, load, "requests", lambda run: run["requests"])
    for title, load in NET_LOADS:
        rows += _load_rows(figures, title, load, "Mbit", _megabits)
    beside = {"Innkeeper": figures["Innkeeper"], SLIRP: slirp}
    for title, load in SLIRP_LOADS:
        rows += _load_rows(beside, title, load, "Mbit", _megabits)
    return _markdown(["", *figures, "to q35"], rows)


def _qcow2_row(figures, title, load, value, form):
    """Ours in qcow2 and raw, and QEMU's in qcow2."""
    qcow2 = load.replace("disk", "qcow2")
    places = (("Innkeeper", qcow2), ("Innkeeper", load), ("QEMU q35", qcow2))
    values = [_median(figures[name], one, value) for name, one in places]
    return [title, *map(form.format, values), *(_ratio(values[0], other) for other in values[1:])]


def qcow2_table(figures):
    rows = [_qcow2_row(figures, f"{title}: system calls each", load,
                       lambda run: run["calls"] / run["requests"], "{:.2f}")
            for title, load in DISK_LOADS]
    for title, load in DISK_LOADS:
        for per, key in (("", "seconds"), (" of processor time", "cpu_s")):
            rows.append(_qcow2_row(figures, f"{title}: requests a second{per}", load,
                                   lambda run, key=key: run["requests"] / run[key], "{:.0f}"))
    return _markdown(["", "Innkeeper", "Innkeeper, raw", "QEMU q35", "to raw", "to q35"], rows)


def state_table(figures):
    """figures: by MiB of memory."""
    rows = []
    for size, ways in figures.items():
        for title, key, factor, form in STATE_ROWS:
            values = [statistics.median(run[key] for run in runs) * factor if key in runs[0]
                      else None for runs in ways.values()]
            texts = ["–" if value is None else form.format(value) for value in values]
            rows.append([f"{size} MiB: {title}", *texts,
                         *(_ratio(values[0], value) for value in values[1:])])
    names = list(ways)
    return _markdown(["", *names, *(f"to {name.split()[-1]}" for name in names[1:])], rows)


def _update_readme(name, text):
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = README.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise LabError(f"README.md has no place for the table ({begin} and {end})")
    README.write_text(f"{before}{begin}\n{text}{end}{after}")


def _boot_table(build, runs):
    print(f"lab: {runs} boots of each, two minutes or so", file=sys.stderr, flush=True)
    return table(_figures(build, f"python3 /tests/measure.py /host/{runner.VMM} {runs}"))


def _whole_pcs(build, runs):
    print(f"lab: whole PCs, {runs} times each, five minutes or so", file=sys.stderr, flush=True)
    return pc_table(_figures(build, f"python3 /tests/measure_pc.py {runs}"))


def _qcow2(build, runs):
    print(f"lab: qcow2 disks, {runs} times each, three minutes or so", file=sys.stderr, flush=True)
    loads = [load for _, disk in DISK_LOADS for load in (disk, disk.replace("disk", "qcow2"))]
    return qcow2_table(_figures(build, f"python3 /tests/measure_pc.py {runs} {' '.join(loads)}"))


def _snapshots(build, runs):
    print(f"lab: snapshots, {runs} of each kind, ten minutes or so", file=sys.stderr, flush=True)
    return state_table({size: _figures(build, f"python3 /tests/measure_state.py {runs} {size}")
                        for size in STATE_SIZES})


TABLES = {"bench": _boot_table, "bench-pc": _whole_pcs, "bench-qcow2": _qcow2,
          "bench-state": _snapshots}


def run(*, build, runs, only, update_readme):
    """only: the name of one table, or None for all."""
    recipe.build()
    for name in [only] if only else TABLES:
        text = TABLES[name](build, runs)
        print(text, flush=True)
        if update_readme:
            _update_readme(name, text)

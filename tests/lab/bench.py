# SPDX-License-Identifier: GPL-3.0-or-later
"""One table of what Innkeeper's VMM costs beside QEMU, measured in one run in one computer of the
lab (measure.py), as Markdown."""

import json
import statistics
import sys

import clone
import recipe
from cache import HERE, LabError

README = HERE.parent.parent / "README.md"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
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


def _figures(build, runs):
    output = []
    status = clone.run(
        f"python3 /tests/measure.py /host/engine/vmm/innkeeper-vmm {runs}",
        share=build, timeout_s=MEASURE_S, output=output.append,
    )
    text = b"".join(output).decode(errors="replace")
    if status:
        raise LabError(f"the measurement ended with status {status}:\n{text[-2000:]}")
    return json.loads(text)


def _value(figures, key):
    boots = figures["boots"]
    if key in boots[0]:
        return statistics.median(boot[key] for boot in boots)
    return figures[key]


def _ratio(ours, theirs):
    return f"{ours / theirs:.2f}" if theirs else "–"


def table(figures):
    peers = [name for name in figures if name != "Innkeeper"]
    ours = figures.get("Innkeeper")
    titles = ["", *figures, *(f"to {peer.split()[-1]}" for peer in peers if ours)]
    lines = ["| " + " | ".join(titles) + " |", "|---|" + "---:|" * (len(titles) - 1)]
    for title, key, form in ROWS:
        cells = [form.format(_value(figures[name], key)) for name in figures]
        if ours:
            cells += [_ratio(_value(ours, key), _value(figures[peer], key)) for peer in peers]
        lines.append("| " + " | ".join([title, *cells]) + " |")
    return "\n".join(lines) + "\n"


def _update_readme(text):
    before, begin, rest = README.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise LabError(f"README.md has no place for the table ({BEGIN} and {END})")
    README.write_text(f"{before}{BEGIN}\n{text}{END}{after}")


def run(*, build, runs, update_readme):
    recipe.build()
    print(f"lab: {runs} boots of each, two minutes or so", file=sys.stderr, flush=True)
    text = table(_figures(build, runs))
    print(text)
    if update_readme:
        _update_readme(text)

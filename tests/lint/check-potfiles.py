#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""po/POTFILES names every file that has words to translate, and no other; and xgettext, which knows
no macros, sees whole strings."""

import re

import source_tree

GETTEXT_CALL = re.compile(r"\b(_|N_|C_|NC_|ngettext|g_dngettext|g_dpgettext2)\s*\(")
# A string, a macro, and perhaps another string: "%" G_GUINT64_FORMAT " bytes"
CUT_STRING = re.compile(r'\b(_|N_|C_|NC_|ngettext)\s*\((\s*"([^"\\\\]|\\\\.)*",?)+\s*[A-Z]')
MERGED = (".desktop.in", ".metainfo.xml.in", ".gschema.xml")


def _has_words(path):
    if path.name.endswith(MERGED):
        return True
    if path.suffix not in (".c", ".ui"):
        return False
    text = (source_tree.ROOT / path).read_text()
    return bool(GETTEXT_CALL.search(text)) if path.suffix == ".c" else 'translatable="' in text


def _listed():
    path = source_tree.ROOT / "po/POTFILES"
    lines = path.read_text().splitlines() if path.exists() else []
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


candidates = source_tree.files("src/**/*", "src/*", "engine/**/*", "engine/*", "data/*")
present = {str(path) for path in candidates if _has_words(path)}
listed = _listed()
sources = [path for path in candidates if path.suffix == ".c"]
cut = [path for path in sources if CUT_STRING.search((source_tree.ROOT / path).read_text())]
source_tree.report(
    [f"{name} has words to translate and is not in po/POTFILES" for name in sorted(present - listed)]
    + [f"po/POTFILES names {name}, which has none" for name in sorted(listed - present)]
    + [f"{path} has a macro within a string to translate" for path in cut],
    "po/POTFILES must name exactly the files that have words to translate, in whole strings.",
)

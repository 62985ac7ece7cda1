# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a PC's text screen from its pixels, exactly: every cell is looked up in the font that the
video BIOS has brought."""

from functools import lru_cache
from pathlib import Path

VIDEO_BIOS = Path("/usr/share/seabios/vgabios-stdvga.bin")
CELL_HEIGHT, GLYPH_WIDTH = 16, 8
# The letter A of the PC's 8x16 font, by which the font is found in the ROM.
LETTER_A = bytes.fromhex("000010386cc6c6fec6c6c6c600000000")
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


@lru_cache
def _font():
    """Characters by their dots; of two with the same dots the one that people type."""
    rom = VIDEO_BIOS.read_bytes()
    start = rom.index(LETTER_A) - ord("A") * CELL_HEIGHT
    codes = [*range(255, 126, -1), *range(1, 32), *range(126, 31, -1)]
    return {
        rom[start + code * CELL_HEIGHT : start + (code + 1) * CELL_HEIGHT]:
            bytes([code]).decode("cp437") for code in codes
    }


@lru_cache(maxsize=None)
def _character(cell):
    """cell: 16 rows of 8 pixels. The colours may be either way round."""
    pixels = [cell[at : at + 4] for at in range(0, len(cell), 4)]
    colours = sorted(set(pixels))
    if len(colours) == 1:
        return " "
    for ink in colours if len(colours) == 2 else []:
        dots = bytes(
            sum((pixels[row + column] == ink) << (7 - column) for column in range(GLYPH_WIDTH))
            for row in range(0, len(pixels), GLYPH_WIDTH)
        )
        if dots in _font():
            return _font()[dots]
    return UNKNOWN


def read(picture):
    """The lines of a text mode or of the kernel's console, which has the same font."""
    cell_width = 9 if picture.width == 720 else GLYPH_WIDTH
    lines = []
    for top in range(0, picture.height - CELL_HEIGHT + 1, CELL_HEIGHT):
        rows = picture.rows[top : top + CELL_HEIGHT]
        lines.append("".join(
            _character(b"".join(row[at : at + 4 * GLYPH_WIDTH] for row in rows))
            for at in range(0, 4 * (picture.width - GLYPH_WIDTH + 1), 4 * cell_width)
        ).rstrip())
    return "\n".join(lines).strip("\n")

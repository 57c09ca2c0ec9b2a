"""How the fonts here were made: NanumGothic (OFL 1.1) cut to the letters of Korean text, under a name of its own.

    python sim/fonts/subset.py FOLDER    # with NanumGothic.ttf and NanumGothicBold.ttf, e.g. of Debian's fonts-nanum

Kept: the 2,350 syllables of KS X 1001, Latin, Greek, arrows and signs; the minus, which it lacks, is its en dash. The
licence reserves the name Nanum for the unchanged font, so the cut one is "LaborShift Gothic"; `OFL.txt` goes with it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

FAMILY = "LaborShift Gothic"
STYLES = {"NanumGothic.ttf": "Regular", "NanumGothicBold.ttf": "Bold"}
RANGES = (
    *((0x20, 0x17F), (0x370, 0x3FF), (0x2010, 0x2044), (0x2070, 0x209F), (0x20A9, 0x20AD), (0x2190, 0x21FF)),
    *(
        (0x2200, 0x22FF),
        (0x25A0, 0x26FF),
        (0x3000, 0x301F),
        (0x3130, 0x318F),
        (0x3380, 0x33DF),
        (0xFF01, 0xFF5E),
    ),
)


def letters() -> list[int]:
    """Code points that are kept."""
    pairs = (bytes((row, cell)) for row in range(0xB0, 0xC9) for cell in range(0xA1, 0xFF))
    syllables = (pair.decode("euc-kr") for pair in pairs)
    return [*(ord(one) for one in syllables), *(point for a, b in RANGES for point in range(a, b + 1))]


def cut(source: Path, style: str, out: Path) -> None:
    """Write the cut font under its new name."""
    options = subset.Options(
        layout_features=["*"], name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], notdef_outline=True
    )
    options.hinting = False
    font = TTFont(source)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=letters())
    cutter.subset(font)
    post = FAMILY.replace(" ", "")
    names = {1: FAMILY, 2: style, 3: f"{post}-{style}", 4: f"{FAMILY} {style}", 6: f"{post}-{style}"}
    for one in font["cmap"].tables:  # the source has no minus; its en dash is as wide and as high
        one.cmap[0x2212] = one.cmap[0x2013]
    table = font["name"]
    table.names = [one for one in table.names if one.langID in (0, 0x409) and one.nameID not in names]
    for id, text in names.items():
        table.setName(text, id, 3, 1, 0x409)
    font["OS/2"].usWeightClass = 700 if style == "Bold" else 400
    font.save(out / f"{post}-{style}.ttf")


if __name__ == "__main__":
    for name, style in STYLES.items():
        cut(Path(sys.argv[1]) / name, style, Path(__file__).parent)

"""The house style of the pictures, and the small parts that they share.

Colours are Okabe and Ito's, safe for the colour-blind; markers, dashes and hatches keep pictures readable in
grey.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, YearLocator
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from sim.figure_words import WORDS

BLUE, ORANGE, GREEN, PURPLE, BLACK, GREY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#222222", "#8a8a8a"
RED = "#D55E00"
COLOURS = (BLUE, RED, GREEN, PURPLE, ORANGE, BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 2)), (0, (6, 2, 1, 2)), "-", "-")
FONTS = Path(__file__).parent / "fonts"
KOREAN = "LaborShift Gothic"  # ships in FONTS: Korean pictures are the same on every machine
WIDE = 6.8
"""Width of a picture in inches: letters of SMALL points stay above 8 on a page of A4."""
HEAD, SMALL = 11.0, 8.6
SPACING = 1.3  # of lines: Korean letters stand close
STYLE: Any = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "svg.hashsalt": "laborshift",
    "axes.unicode_minus": False,
    "hatch.linewidth": 0.6,
}


@lru_cache(maxsize=1)
def korean_font() -> str:
    """The font with Korean letters that ships, known to matplotlib."""
    for file in sorted(FONTS.glob("*.ttf")):
        font_manager.fontManager.addfont(str(file))
    return KOREAN


@contextmanager
def style(lang: str) -> Iterator[Callable[[str], str]]:
    """The house style, and the words of a language. KeyError: unknown language."""
    words = WORDS[lang]
    with matplotlib.rc_context(STYLE | {"font.family": [korean_font(), "DejaVu Sans"]}):
        yield lambda key: words.get(key, WORDS["en"].get(key, key))


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write `name.png` and `name.svg`; the same picture gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}.png", folder / f"{name}.svg"]
    with matplotlib.rc_context(STYLE):
        figure.savefig(files[0], dpi=150, metadata={"Software": None})
        figure.set_layout_engine("none")  # it stands: laying it out takes half of the time again
        figure.savefig(files[1], metadata={"Date": None})
    return files


def panels(
    across: int,
    down: int,
    size: tuple[float, float],
    sharey: bool = True,
    widths: Sequence[float] | None = None,
) -> tuple[Figure, list[list[Axes]]]:
    """A figure of a size in inches, and its axes by row. widths: of the columns, against each other."""
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(down, across, squeeze=False, sharey=sharey, width_ratios=widths)
    return figure, [list(row) for row in axes]


def heading(figure: Figure, title: str, note: str, keys: Sequence[Artist] = ()) -> None:
    """Title on top, the keys of the colours under it, a note at the foot; long ones go on in the next line."""
    across, height = 72.0 * figure.get_size_inches()
    lines = wrapped(title, int(across / (0.66 * HEAD)))
    labels = [str(key.get_label()) for key in keys]
    columns = int(across / max((0.56 * SMALL * _width(text) + 46.0 for text in labels), default=across))
    rows = -(-len(keys) // max(columns, 1))
    figure.suptitle(
        lines + "\n" * rows, x=0.01, ha="left", fontweight="bold", fontsize=HEAD, linespacing=SPACING
    )
    if keys:
        top = 1.0 - (SPACING * HEAD * (1 + lines.count("\n")) + 6.0) / height
        figure.legend(
            handles=list(keys),
            loc="upper left",
            bbox_to_anchor=(0.0, top),
            ncols=max(columns, 1),
            fontsize=SMALL,
            borderaxespad=0.0,
        )
    if note:
        text = wrapped(note, int(across / (0.53 * SMALL)))
        figure.supxlabel(text, x=0.01, ha="left", fontsize=SMALL, color="#555555", linespacing=SPACING)


def wrapped(text: str, wide: int) -> str:
    """The text in lines of at most `wide` half-widths, of which a Korean letter takes two; words stay whole."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _width(longer) > wide:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def points(
    ax: Axes, x: np.ndarray, mean: np.ndarray, low: np.ndarray, high: np.ndarray, k: int, label: str
) -> None:
    ax.errorbar(
        x,
        mean,
        yerr=error_bars(mean, low, high),
        color=COLOURS[k],
        linestyle=DASHES[k],
        marker=MARKERS[k],
        markersize=6,
        capsize=3,
        linewidth=1.6,
        elinewidth=1.0,
        label=label,
    )


def error_bars(mean: Any, low: Any, high: Any) -> np.ndarray | None:
    """Lengths of error bars (2, points); None without intervals."""
    ends = np.atleast_2d(np.array([np.subtract(mean, low), np.subtract(high, mean)], dtype=float))
    ends = ends.reshape(2, -1)
    return None if not np.isfinite(ends).any() else np.nan_to_num(np.maximum(ends, 0.0))


def year_axis(ax: Axes, most: int = 4) -> None:
    """Years along the axis, at most so many that they have room."""
    first, last = ax.get_xlim()
    ax.xaxis.set_major_locator(YearLocator(max(1, ceil((last - first) / 366.0 / most))))
    ax.xaxis.set_major_formatter(DateFormatter("%Y"))


def note_on(ax: Axes, text: str) -> None:
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color="#555555")


MARKS = {
    "en": ((1e9, "bn"), (1e6, "m"), (1e3, "k")),
    "ko": ((1e8, "억"), (1e4, "만"), (1e3, "천")),
}


def short(x: float, lang: str = "en") -> str:
    """12,345,678 as 12.3m; in Korean, as 1230만."""
    for size, mark in MARKS[lang]:
        if abs(x) >= size:
            return f"{float(f'{x / size:.3g}'):,g}{mark}"
    return f"{x:.0f}"


def numbers(say: Callable[[str], str], units: str = "") -> FuncFormatter:
    """Numbers in three digits, large ones with their mark (k, m, bn), shares in percent."""

    def told(x: float, _: int | None = None) -> str:
        if units == "share":
            return f"{100.0 * x:.3g}%" if abs(x) > 1e-12 else "0%"
        if abs(x) < 1000:
            return f"{x:.3g}" if abs(x) > 1e-12 else "0"
        return short(x, say("language"))

    return FuncFormatter(told)

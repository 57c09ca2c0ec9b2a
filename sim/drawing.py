"""The house style of the pictures, and the small parts that they share.

Colours are Okabe and Ito's, safe for the colour-blind; markers, dashes and hatches keep pictures readable in
grey.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, YearLocator
from matplotlib.figure import Figure

from sim.figure_words import WORDS

BLUE, ORANGE, GREEN, PURPLE, BLACK, GREY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#222222", "#8a8a8a"
RED = "#D55E00"
COLOURS = (BLUE, RED, GREEN, PURPLE, ORANGE, BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 2)), (0, (6, 2, 1, 2)), "-", "-")
KOREAN_FONTS = (
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "NanumGothic",
    "NanumBarunGothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "AppleGothic",
    "UnDotum",
    "Baekmuk Gulim",
)
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
def korean_font() -> str | None:
    """A font with Korean letters, if this machine has one of the usual ones."""
    there = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in KOREAN_FONTS if name in there), None)


@contextmanager
def style(lang: str) -> Iterator[Callable[[str], str]]:
    """The house style, and the words of a language; English without a Korean font. KeyError: unknown."""
    font = korean_font() if lang == "ko" else None
    words = WORDS["ko" if font else "en"] if lang == "ko" else WORDS[lang]
    family = {"font.family": [font, "DejaVu Sans"]} if font else {}
    with matplotlib.rc_context(STYLE | family):
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
    across: int, down: int, size: tuple[float, float], sharey: bool = True
) -> tuple[Figure, list[list[Axes]]]:
    height = size[1] * (down if down > 1 and size[1] < 4.5 else 1)
    figure = Figure(figsize=(size[0], height), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False, sharey=sharey)
    return figure, [list(row) for row in axes]


def heading(figure: Figure, title: str, note: str) -> None:
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    if note:
        figure.supxlabel(note, x=0.01, ha="left", fontsize=8, color="#555555")


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


def year_axis(ax: Axes) -> None:
    ax.xaxis.set_major_locator(YearLocator())
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
        if x >= size:
            return f"{float(f'{x / size:.3g}'):,g}{mark}"
    return f"{x:.0f}"

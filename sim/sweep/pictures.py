"""The pictures of a sweep: what moves an outcome, how two factors go together, which policy is best.

Each function takes a table or arrays and returns a Figure for `sim.drawing.save`. Names of outcomes, factors and
policies come from the caller in the language of the picture; units are translated where `sim.figure_words` knows them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from sim.drawing import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    RED,
    SMALL,
    SPACING,
    WIDE,
    error_bars,
    heading,
    numbers,
    style,
    wrapped,
)
from sim.errors import InputError

MOST_FACTORS, MOST_POLICIES = 15, 20
MOST_CELLS = 8  # along a side: more values than that are put into bins
FEWEST = 5  # points of a cell that is shown, where values are put into bins
WIDEST = 38  # half-widths of a label in a line
FALLING = LinearSegmentedColormap.from_list("falling", ["white", RED])
RISING = LinearSegmentedColormap.from_list("rising", ["white", BLUE])
GREY_OF = (0.299, 0.587, 0.114)  # how bright red, green and blue are to the eye
BOTH_WAYS = LinearSegmentedColormap.from_list("both ways", [RED, "white", BLUE])
Values = np.ndarray | pd.Categorical


# ---------------------------------------------------------------------------------------------------- factors


def tornado(table: pd.DataFrame, outcome_label: str, units: str, lang: str = "en") -> Figure:
    """The fifteen factors that matter most, the first on top.

    table: of `sim.sweep.sensitivity`, with readable names in a column `label` if there is one. Effects (Morris) are in
    `units`, shares of variance (Sobol) side by side, alone and with others.
    """
    shown = table.head(MOST_FACTORS).iloc[::-1]
    effects, total = "mu_star" in shown, "total" in shown
    y = np.arange(len(shown))
    with style(lang) as say:
        labels = _wrapped(shown["label"] if "label" in shown else shown["factor"])
        figure = Figure(figsize=(WIDE, 1.7 + sum(0.19 + 0.15 * (1 + text.count("\n")) for text in labels)))
        figure.set_layout_engine("constrained")
        ax = figure.subplots()
        if effects:
            _bars(ax, y, shown, "mu_star", 0.62, BLUE, "")
            ax.plot(
                shown["mu"], y, linestyle="", marker="D", markersize=4.5, color=ORANGE, markeredgecolor=BLACK
            )
            ax.xaxis.set_major_formatter(numbers(say, units))
            ax.set_xlabel(say("morris axis").format(units=say(units)))
        elif total:
            _bars(ax, y + 0.19, shown, "total", 0.36, BLUE, "", say("total"))
            _bars(ax, y - 0.19, shown, "first", 0.36, ORANGE, "//", say("first"))
            ax.legend(loc="lower right")
        else:
            _bars(ax, y, shown, "first", 0.62, ORANGE, "//")
        if not effects:
            ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
            ax.set_xlabel(say("variance axis"))
        ax.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
        ax.axvline(0.0, color=BLACK, linewidth=0.9)
        if not effects:
            ax.set_xlim(0.0, None)  # a share of the variance is not negative, though its interval may be
        ax.set_yticks(y, labels, fontsize=SMALL, linespacing=SPACING)
        ax.set_ylim(-0.6, len(shown) - 0.4)
        ax.grid(visible=False, axis="y")
        note = "morris note" if effects else "sobol note" if total else "first note"
        _finish(figure, say("tornado").format(outcome=outcome_label), say(note))
    return figure


def _bars(
    ax: Axes,
    y: np.ndarray,
    table: pd.DataFrame,
    name: str,
    height: float,
    colour: str,
    hatch: str,
    label: str | None = None,
) -> None:
    """Bars of a column with its interval."""
    ax.barh(y, table[name], height, color=colour, hatch=hatch, edgecolor=BLACK, linewidth=0.6, label=label)
    half = error_bars(table[name], table[f"{name}_low"], table[f"{name}_high"])
    if half is not None:
        ax.errorbar(table[name], y, xerr=half, linestyle="", color=BLACK, capsize=2.5, elinewidth=1.0)


# --------------------------------------------------------------------------------------------------- heat map


def heat_map(
    x: Values,
    y: Values,
    z: np.ndarray,
    x_label: str,
    y_label: str,
    z_label: str,
    units: str,
    lang: str = "en",
) -> Figure:
    """Mean of z by two factors, x to the right and y upwards; points where z is NaN are left out.

    x, y: (points,) numbers or choices; a `pandas.Categorical` keeps the order of its options. A factor with at most
    eight values has a row or column for each; more numbers are put into bins of as many points each, and cells with
    fewer than five points are hatched. White is zero where z has both signs. InputError where all of z is NaN.
    """
    z = np.asarray(z, dtype=np.float64)
    known = ~np.isnan(z)
    if not known.any():
        raise InputError(f"no point has a number for {z_label}")
    bins = int(np.clip(np.sqrt(known.sum() / 10.0), 2, MOST_CELLS))
    with style(lang) as say:
        across, up = (_axis(values[known], bins, say) for values in (x, y))
        shape = (up.cells, across.cells)
        at = up.at * across.cells + across.at
        count = np.bincount(at, minlength=up.cells * across.cells).reshape(shape)
        total = np.bincount(at, weights=z[known], minlength=up.cells * across.cells).reshape(shape)
        binned = across.cut or up.cut
        mean = np.divide(total, count, out=np.full(shape, np.nan), where=count >= (FEWEST if binned else 1))
        figure = Figure(figsize=(WIDE, 2.2 + 0.5 * max(up.cells, 4)))
        figure.set_layout_engine("constrained")
        ax = figure.subplots()
        _paint(figure, ax, mean, numbers(say, units), "///" if binned else "")
        for axis, one in ((ax.xaxis, across), (ax.yaxis, up)):
            axis.set_ticks(np.arange(len(one.ticks)) - (0.5 if one.cut else 0.0), one.ticks, fontsize=SMALL)
        ax.set_xlabel(wrapped(x_label, WIDEST))
        ax.set_ylabel(wrapped(y_label, WIDEST))
        note = say("heat note bins" if binned else "heat note cells").format(fewest=FEWEST)
        _finish(figure, f"{z_label}, {say(units)}", note)
    return figure


class Cells(NamedTuple):
    """Rows or columns of a heat map: that of each point, labels, whether these stand at edges between them."""

    at: np.ndarray
    ticks: list[str]
    cut: bool

    @property
    def cells(self) -> int:
        return len(self.ticks) - self.cut


def _axis(values: Values, bins: int, say: Callable[[str], str]) -> Cells:
    number = numbers(say)
    if isinstance(values, pd.Categorical):
        return Cells(
            np.asarray(values.codes, dtype=np.int64), [say(str(one)) for one in values.categories], False
        )
    if values.dtype.kind not in "iuf":
        kinds, at = np.unique(values.astype(str), return_inverse=True)
        return Cells(at, [say(str(kind)) for kind in kinds], False)
    kinds, at = np.unique(values, return_inverse=True)
    if len(kinds) <= MOST_CELLS:
        return Cells(at, [number(kind) for kind in kinds], False)
    edges = np.unique(np.quantile(values, np.linspace(0.0, 1.0, bins + 1)))
    return Cells(np.searchsorted(edges[1:-1], values, side="right"), [number(edge) for edge in edges], True)


def _paint(figure: Figure, ax: Axes, mean: np.ndarray, number: FuncFormatter, hatch: str) -> None:
    """Cells with their numbers, if not too many, and the bar of colours; NaN is left blank or hatched."""
    shown = mean[~np.isnan(mean)]
    low, high = (float(shown.min()), float(shown.max())) if len(shown) else (0.0, 1.0)
    if low < 0.0 < high:
        colours, most = BOTH_WAYS, max(-low, high)
        low, high = -most, most
    else:
        colours = RISING if low >= 0.0 else FALLING.reversed()
    scale = Normalize(low, high if high > low else low + (abs(low) or 1.0))
    ax.imshow(mean, cmap=colours, norm=scale, origin="lower", aspect="auto")
    ax.grid(visible=False)
    for (row, column), value in np.ndenumerate(mean):
        if np.isnan(value):
            corner = (column - 0.5, row - 0.5)
            ax.add_patch(Rectangle(corner, 1, 1, fill=False, hatch=hatch, edgecolor=GREY, linewidth=0))
        elif max(mean.shape) <= MOST_CELLS:
            dark = np.dot(colours(scale(value))[:3], GREY_OF) < 0.55
            colour = "white" if dark else BLACK
            ax.text(column, row, number(value), ha="center", va="center", fontsize=SMALL, color=colour)
    bar = figure.colorbar(ScalarMappable(scale, colours), ax=ax, format=number)
    bar.outline.set_visible(False)


# --------------------------------------------------------------------------------------------------- policies


def choice_picture(table: pd.DataFrame, outcome_label: str, units: str, lang: str = "en") -> Figure:
    """How often each policy is best, and its regret: the twenty with the least mean regret, the least on top.

    table: of `sim.sweep.choice`, with readable names in a column `label` if there is one.
    """
    shown = table.sort_values("regret", kind="stable").head(MOST_POLICIES).iloc[::-1]
    y = np.arange(len(shown))
    with style(lang) as say:
        labels = _wrapped(shown["label"] if "label" in shown else shown["policy"])
        figure = Figure(figsize=(WIDE, 2.2 + sum(0.2 + 0.15 * (1 + text.count("\n")) for text in labels)))
        figure.set_layout_engine("constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        _bars(left, y, shown, "best", 0.6, BLUE, "")
        left.set(xlim=(0.0, 1.0), xlabel=say("choice best"))
        left.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        left.set_yticks(y, labels, fontsize=SMALL, linespacing=SPACING)
        right.barh(
            y,
            shown["regret"],
            0.6,
            color=ORANGE,
            hatch="//",
            edgecolor=BLACK,
            linewidth=0.6,
            label=say("regret mean"),
        )
        right.hlines(y, shown["regret"], shown["regret_most"], color=GREY, linewidth=1.0)
        right.plot(
            shown["regret_90"],
            y,
            linestyle="",
            marker="|",
            markersize=11,
            color=BLACK,
            markeredgewidth=1.6,
            label=say("regret 90"),
        )
        right.plot(
            shown["regret_most"],
            y,
            linestyle="",
            marker="o",
            markersize=5,
            color=GREY,
            label=say("regret most"),
        )
        least = shown["minimax"].to_numpy(dtype=bool)
        right.plot(shown["regret_most"][least], y[least], linestyle="", marker="*", markersize=12, color=RED)
        right.set_xlim(0.0, None)
        right.set_xlabel(say("choice regret").format(units=say(units)))
        right.xaxis.set_major_formatter(numbers(say, units))
        right.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        for ax in (left, right):
            ax.set_ylim(-0.6, len(shown) - 0.4)
            ax.grid(visible=False, axis="y")
        keys = right.get_legend_handles_labels()[0]
        _finish(
            figure, say("choice").format(outcome=outcome_label), say("choice note"), keys[-1:] + keys[:-1]
        )
    return figure


# ----------------------------------------------------------------------------------------------- small parts


def _wrapped(labels: Sequence[str] | pd.Series[str]) -> list[str]:
    return [wrapped(str(label), WIDEST) for label in labels]


def _finish(figure: Figure, title: str, note: str, keys: Sequence[Artist] = ()) -> None:
    """Heading and layout, while the fonts of the language are set."""
    heading(figure, title, note, keys)
    figure.draw_without_rendering()


__all__ = ["choice_picture", "heat_map", "tornado"]

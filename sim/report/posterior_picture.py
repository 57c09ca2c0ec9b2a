"""What the published figures told about the estimated parameters: the posterior of each beside its prior."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.drawing import BLACK, BLUE, SMALL, WIDE, heading, style, wrapped
from sim.intervals import LEVEL
from sim.parameters import PARAMETERS
from sim.report.tables_review import calibration
from sim.report.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRIOR = "#b0b0b0"


class Known(NamedTuple):
    """An estimated parameter. low, high, estimate: of the posterior, where 0 and 1 are the ends of the prior's 90%
    range. contraction: by how much the posterior's variance is less than the prior's."""

    name: str
    label: str
    low: float
    high: float
    estimate: float
    contraction: float
    pinned: bool


def known(say: Words) -> list[Known]:
    """The parameters of the calibration that ships, those that the data tell most about first."""
    from sim.estimation.priors import of_parameter

    made = []
    for one in calibration("diagnostics.json")["parameters"]:
        record = PARAMETERS[one["name"]]
        ends = np.array([(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
        least, most = of_parameter(record).quantile(ends)
        low, high, estimate = ((one[key] - least) / (most - least) for key in ("low", "high", "estimate"))
        label = say.of(record.label, record.label_ko)
        made.append(
            Known(record.name, label, low, high, estimate, float(one["contraction"]), bool(one["pinned"]))
        )
    return sorted(made, key=lambda row: -row.contraction)


def picture(say: Words) -> Figure:
    """A line a parameter: the prior's 90% range (thin, grey, from 0 to 1), the posterior's (thick, blue) and the
    estimate, filled where the data pin it."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    rows = known(say)
    with style(say.lang):
        labels = [wrapped(row.label, 50) for row in rows]
        tall = 1.3 + sum(0.19 + 0.135 * text.count("\n") for text in labels)
        figure = Figure(figsize=(WIDE, tall), layout="constrained")
        ax = figure.subplots()
        heights = np.array([1.0 + 0.72 * text.count("\n") for text in labels])
        places = np.cumsum(heights) - heights / 2.0
        ax.hlines(places, 0.0, 1.0, color=PRIOR, linewidth=1.4)
        ax.hlines(places, [row.low for row in rows], [row.high for row in rows], color=BLUE, linewidth=4.5)
        for row, place in zip(rows, places, strict=True):
            ax.plot(row.estimate, place, "o", **_dot(row.pinned))
        ax.axvline(0.0, color=PRIOR, linewidth=0.6)
        ax.axvline(1.0, color=PRIOR, linewidth=0.6)
        ax.set_yticks(places, labels, fontsize=SMALL, linespacing=1.1)
        ax.set_ylim(float(heights.sum()), 0.0)
        ax.set_xlim(min(0.0, *(row.low for row in rows)) - 0.05, max(1.0, *(row.high for row in rows)) + 0.05)
        ax.set_xticks([0.0, 0.25, 0.5, 0.75, 1.0])
        ax.set_xlabel(say("picture.posterior.axis"))
        ax.grid(visible=False, axis="y")
        keys = [
            Line2D([], [], color=PRIOR, linewidth=1.4, label=say("picture.posterior.prior")),
            Line2D([], [], color=BLUE, linewidth=4.5, label=say("picture.posterior.posterior")),
            *(
                Line2D(
                    [],
                    [],
                    linestyle="",
                    marker="o",
                    label=say(f"picture.posterior.{key}"),
                    **_dot(key == "pinned"),
                )
                for key in ("pinned", "open")
            ),
        ]
        heading(figure, say("picture.title.posterior"), say("picture.posterior.note"), keys)
    return figure


def _dot(pinned: bool) -> dict[str, Any]:
    return {"markersize": 6, "markeredgecolor": BLACK, "markerfacecolor": BLACK if pinned else "white"}


__all__ = ["Known", "known", "picture"]

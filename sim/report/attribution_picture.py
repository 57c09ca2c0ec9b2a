"""Which part of a plan does what: Shapley shares of the change in person-months of work, beside the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sim.drawing import BLACK, BLUE, GREEN, SMALL, SPACING, WIDE, error_bars, heading, numbers, style, wrapped
from sim.report.first_page_answers import SAID_OF
from sim.report.table import Number
from sim.report.tables_review import ends

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sim.report.words import Words


def shares(told: Mapping[str, Any]) -> dict[str, Number]:
    """Shapley share of each part of the plan, then the interaction-free whole as "all"."""
    known = {(row["outcome"], row["measure"], row["player"]): ends(row) for row in told["attribution"]}
    outcome = SAID_OF[0]
    return {player: known[outcome, "shapley", player] for player in told["players"]} | {
        "all": known[outcome, "whole", "all"]
    }


def picture(told: Mapping[str, Any], say: Words, labels: Mapping[str, str]) -> Figure:
    """A bar with its interval for each part, and one for the whole plan, to which the parts add up."""
    from matplotlib.figure import Figure

    found = shares(told)
    with style(say.lang) as word:
        figure = Figure(figsize=(WIDE, 0.42 * len(found) + 1.6), layout="constrained")
        ax = figure.subplots()
        for place, (player, value) in enumerate(reversed(found.items())):
            whole = player == "all"
            colour, hatch = (GREEN, "//") if whole else (BLUE, "")
            ax.barh(place, value.mean, 0.6, color=colour, hatch=hatch, edgecolor=BLACK, linewidth=0.6)
            half = error_bars(*([x] for x in value))
            ax.errorbar(value.mean, place, xerr=half, linestyle="", color=BLACK, capsize=3, elinewidth=1.0)
        ax.axvline(0.0, color=BLACK, linewidth=0.9)
        names = [wrapped(labels[player], 36) for player in reversed(found)]
        ax.set_yticks(range(len(names)), names, fontsize=SMALL, linespacing=SPACING)
        ax.xaxis.set_major_formatter(numbers(word))
        ax.grid(visible=False, axis="y")
        ax.set_xlabel(say("picture.attribution.axis"))
        title = say(
            "picture.attribution.title",
            scenario=labels[told["policy"]],
            base=labels[told["base"]],
            months=told["months"],
        )
        heading(figure, title, say("picture.attribution.note"))
    return figure


__all__ = ["picture", "shares"]

"""The provinces as a tile map: each a square where the economy's `regions` puts it (x to the right, y downwards).

Boundaries are not drawn: no free ones ship, and squares of one size do not make empty land look important.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.drawing import BLACK, BLUE, GREY, RED, SMALL, SPACING, WIDE, heading, style, wrapped
from sim.economy import Economy
from sim.report.effect_rows import label, ratio_of, rows_by, scenario_label, value_of
from sim.report.subject import Subject
from sim.report.table import Number, written
from sim.report.words import Words
from sim.summary import LAST

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = (0.12, 0.28, 0.46)
"""How strong the colour of a tile is, by thirds of the largest value."""
HATCH = "///"


class Tile(NamedTuple):
    """A province. place: column, row. value: what is told, in `unit`. share: of the people in work, in percent; NaN for
    a run. colour: strength from -1 to 1, 0 where zero cannot be ruled out; NaN where too few agents are behind it."""

    code: str
    place: tuple[int, int]
    value: Number
    unit: str
    share: float
    colour: float


def layout(economy: Economy) -> dict[str, tuple[int, int]]:
    """Column and row of each region; none where the codebook has no whole numbers x and y of its own for each."""
    try:
        at = np.column_stack([economy.attribute("region", axis) for axis in ("x", "y")])
    except KeyError:
        return {}
    places = [(round(x), round(y)) for x, y in at.tolist()]
    whole = np.array_equal(at, np.round(at)) and len(set(places)) == len(places)
    return dict(zip(economy.codes["region"], places, strict=True)) if whole else {}


def tiles(subject: Subject, say: Words) -> list[Tile]:
    """Of a comparison the net change of people in work at the end (table 13); of a run the unemployment rate of the
    last twelve months. None where the economy has no layout."""
    places = layout(subject.economy)
    if not places or subject.results is None:
        return []
    return _rates(subject, places) if subject.effects is None else _changes(subject, places, say)


def _changes(subject: Subject, places: Mapping[str, tuple[int, int]], say: Words) -> list[Tile]:
    effects = subject.effects
    assert effects is not None
    months = effects.horizons[-1]
    found = rows_by(effects.decomposition("region"), "scenario", "outcome", "category", "horizon_months")
    people = effects.results.cells.sums.persons_by_region.sel(scenario=effects.base, state="employed")
    working = people.isel(month=months - 1).mean("replicate")
    values = {}
    for code in places:
        value = value_of(found[subject.main, "net", code, months], say)
        assert isinstance(value, Number)
        values[code] = value
    shares = {code: 100.0 * values[code].mean / float(working.sel(region=code)) for code in places}
    most = max((abs(shares[code]) for code in places if values[code].clear), default=1.0)
    made = []
    for code, place in places.items():
        value, share = values[code], shares[code]
        strength = value.mean if value.mean != value.mean else share / most * value.clear
        made.append(Tile(code, place, value, "change of persons", share, strength))
    return made


def _rates(subject: Subject, places: Mapping[str, tuple[int, int]]) -> list[Tile]:
    results = subject.results
    assert results is not None
    people = results.cells.sums.persons_by_region.sel(scenario=subject.main)
    people = people.isel(month=slice(-LAST, None)).sum("month")
    top = people.sel(state="unemployed")
    force = top + people.sel(state="employed")
    values = {
        code: ratio_of(results.design, top.sel(region=code).values, force.sel(region=code).values)
        for code in places
    }
    means = [value.mean for value in values.values()]
    spread = max(max(means) - min(means), 1e-12)
    return [
        Tile(
            code, place, values[code], "share", float("nan"), 0.01 + (values[code].mean - min(means)) / spread
        )
        for code, place in places.items()
    ]


def picture(subject: Subject, say: Words) -> Figure:
    """A square a province with its name and numbers. A change whose interval holds zero is white with grey numbers, a
    loss is hatched; rates are the darker the higher."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    found = tiles(subject, say)
    wide, high = (1 + max(tile.place[k] for tile in found) for k in (0, 1))
    with style(say.lang):
        figure = Figure(figsize=(WIDE, 0.86 * high + 1.2), layout="constrained")
        ax = figure.subplots()
        for tile in found:
            x, y = tile.place
            at = (x + 0.02, y + 0.03)
            ax.add_patch(Rectangle(at, 0.96, 0.94, facecolor=_shade(tile), edgecolor=GREY, linewidth=0.8))
            if tile.colour < 0 or tile.colour != tile.colour:
                hatch = HATCH if tile.colour < 0 else "..."
                edge = "#b8522a" if tile.colour < 0 else "#d0d0d0"
                ax.add_patch(
                    Rectangle(
                        (x + 0.02, y + 0.03), 0.96, 0.16, fill=False, hatch=hatch, edgecolor=edge, linewidth=0
                    )
                )
            name = wrapped(label(subject, say, "region", tile.code), 12)
            known = "#666666" if not tile.colour or tile.colour != tile.colour else BLACK
            ax.text(
                x + 0.5, y + 0.35, name, ha="center", va="center", linespacing=1.1, color=BLACK, fontsize=9.5
            )
            said = numbers_of(tile, say)
            bold = "normal" if known != BLACK else "bold"
            ax.text(
                x + 0.5,
                y + 0.73,
                said,
                ha="center",
                va="center",
                color=known,
                fontsize=SMALL,
                fontweight=bold,
                linespacing=SPACING,
            )
        ax.set(xlim=(0, wide), ylim=(high, 0))
        ax.set_axis_off()
        heading(figure, title(subject, say), say(f"picture.map.note {subject.kind}"))
    return figure


def title(subject: Subject, say: Words) -> str:
    """What the map shows."""
    if subject.effects is None:
        return say("picture.map.run", months=LAST)
    names = {key: scenario_label(subject, say, name) for key, name in _compared(subject).items()}
    return say("picture.map.comparison", months=subject.effects.horizons[-1], **names)


def _compared(subject: Subject) -> dict[str, str]:
    assert subject.effects is not None
    return {"scenario": subject.main, "base": subject.effects.base}


def numbers_of(tile: Tile, say: Words) -> str:
    """The numbers of a tile as it prints them."""
    plain = Number(tile.value.mean)
    told = written(plain, tile.unit, say)
    if tile.unit == "share":
        return f"{told}%"
    return told if tile.share != tile.share else f"{told}\n{tile.share:+.2f}%".replace("-", "−")


def _shade(tile: Tile) -> tuple[float, float, float] | str:
    from matplotlib.colors import to_rgb

    if not tile.colour or tile.colour != tile.colour:
        return "white"
    strength = STEPS[min(int(3 * abs(tile.colour)), 2)]
    red, green, blue = (1.0 - strength * (1.0 - part) for part in to_rgb(BLUE if tile.colour > 0 else RED))
    return red, green, blue


__all__ = ["Tile", "layout", "numbers_of", "picture", "tiles", "title"]

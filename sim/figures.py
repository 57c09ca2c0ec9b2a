"""The pictures of a run and of a comparison (matplotlib, no screen needed).

Each function returns a Figure; `draw_all` writes those of a run as PNG and SVG. labels: how scenarios are called in
the picture, by name; a name that is not there stands for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from sim.datatree import NO_EMPLOYER
from sim.drawing import (
    BLACK,
    BLUE,
    COLOURS,
    DASHES,
    GREY,
    MARKERS,
    ORANGE,
    SMALL,
    WIDE,
    error_bars,
    heading,
    note_on,
    numbers,
    panels,
    points,
    save,
    short,
    style,
    wrapped,
    year_axis,
)
from sim.results import Results
from sim.summary import FEWEST, LAST

Interval = Sequence[float]
Labels = Mapping[str, str] | None
STAGES = ("entry", "active", "transition")
APART = 0.12
"""Least distance between the years that a Beveridge curve names, in widths of the picture."""


def draw_all(results: Results, folder: Path, lang: str = "en") -> list[Path]:
    """All pictures of a run into a folder, made if need be; the files written, PNG and SVG of each."""
    makers: dict[str, Callable[..., Figure]] = {
        "reemployment": reemployment,
        "unemployment": unemployment_fan,
        "staircase": staircase,
        "productivity": productivity,
        "beveridge": beveridge,
    }
    return [file for name, make in makers.items() for file in save(make(results, lang=lang), folder, name)]


# ------------------------------------------------------------------------------------------------ of a run


def reemployment(
    results: Results, *, definition: str = "official", lang: str = "en", labels: Labels = None
) -> Figure:
    """In work 3 to 36 months after the start (all enrolled) and after completion (completers), by stage.

    People who had no job at enrolment, with intervals; points that rest on fewer than 30 agents are left out.
    """
    sums = results.programmes.sums.sel(origin="not employed", definition=definition).sum("programme")
    stages = [stage for stage in STAGES if stage != "active"]
    with style(lang) as say:
        figure, axes = panels(len(stages), 2, (WIDE, 5.6))
        for row, counted in zip(axes, ("enrolled", "completers"), strict=True):
            for ax, stage in zip(row, stages, strict=True):
                here = sums.sel(counted=counted, stage=stage)
                shown = [
                    _followed(ax, results, here.sel(scenario=name), k)
                    for k, name in enumerate(results.scenarios)
                ]
                ax.set(ylim=(0, 1), xlim=(0, 38.5), xticks=here["horizon"].values)
                ax.set_title(f"{say(stage)}: {say(f'counted {counted}')}", fontsize=SMALL)
                ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
                if not any(shown):
                    note_on(ax, say("too few"))
            row[0].set_ylabel(say(f"in work {definition}"))
        for ax in axes[-1]:
            ax.set_xlabel(say("months"))
        note = say("reemployment note" if results.replicates > 1 else "one replicate").format(fewest=FEWEST)
        heading(figure, say("reemployment"), note, _keys(results, labels))
    return figure


def _followed(ax: Axes, results: Results, heads: Any, k: int) -> bool:
    """Shares placed at each horizon, with a band from end to end of their intervals; whether there are any."""
    known, placed = (heads[name].transpose("replicate", "horizon").values for name in ("known", "placed"))
    enough = results.agents(known.sum(axis=0)) >= FEWEST
    months = heads["horizon"].values[enough] + (k - (len(results.scenarios) - 1) / 2) * 0.5
    mean, low, high = (ends[enough] for ends in results.design.ratio(placed, known)[:3])
    ax.fill_between(months, low, high, color=COLOURS[k], alpha=0.15, linewidth=0)
    points(ax, months, mean, low, high, k, "")
    return bool(enough.any())


def _keys(results: Results, labels: Labels) -> list[Artist]:
    """Colours, dashes and markers of the scenarios, if there are several."""
    several = results.scenarios if len(results.scenarios) > 1 else []
    return [
        Line2D(
            [],
            [],
            color=COLOURS[k],
            linestyle=DASHES[k],
            marker=MARKERS[k],
            markersize=6,
            label=_called(name, labels),
        )
        for k, name in enumerate(several)
    ]


def _called(name: str, labels: Labels) -> str:
    return (labels or {}).get(name, name)


def unemployment_fan(results: Results, *, lang: str = "en", labels: Labels = None) -> Figure:
    """Unemployment rate by stage at policy start: median of the replicates, half and nine tenths of them."""
    rates = results.cells["unemployment_rate_by_stage"]
    months = rates["month"].values
    with style(lang) as say:
        figure, axes = panels(3, 1, (WIDE, 3.4), sharey=False)
        for ax, stage in zip(axes[0], STAGES, strict=True):
            for k, scenario in enumerate(results.scenarios):
                values = rates.sel(scenario=scenario, stage=stage).transpose("replicate", "month").values
                if results.replicates > 1:
                    for width, alpha in ((0.9, 0.18), (0.5, 0.32)):
                        low, high = np.quantile(values, (0.5 - width / 2, 0.5 + width / 2), axis=0)
                        ax.fill_between(months, low, high, color=COLOURS[k], alpha=alpha, linewidth=0)
                ax.plot(
                    months,
                    np.median(values, axis=0),
                    color=COLOURS[k],
                    linestyle=DASHES[k],
                    linewidth=1.5,
                    marker=MARKERS[k],
                    markevery=(4 * k, 12),
                    markersize=4.5,
                )
            ax.set_title(say(stage), fontsize=9.5)
            ax.set_ylim(0.0, None)
            ax.yaxis.set_major_formatter(numbers(say, "share"))
            ax.tick_params(labelsize=SMALL)
            year_axis(ax)
        axes[0][0].set_ylabel(say("unemployment rate"))
        note = say("bands") if results.replicates > 1 else say("one replicate")
        heading(figure, say("unemployment"), note, _keys(results, labels))
    return figure


def staircase(
    results: Results,
    *,
    scenario: str | None = None,
    programmes: int = 6,
    lang: str = "en",
    labels: Labels = None,
) -> Figure:
    """From the applicants to the retained, for the programmes with most trainees (log scale, persons).

    Intakes that are followed for 12 months past completion, of all programmes apart; in work 6, and still 12, months
    after completion. Who may apply in the first month is told above: a number at one moment is no step of a flow.
    """
    name = scenario or results.scenarios[-1]
    steps = stairs(results, name)
    with style(lang) as say:
        shown = list(steps)[:programmes]
        rows = max(1, -(-len(shown) // 2))
        figure, axes = panels(min(2, max(1, len(shown))), rows, (WIDE, 1.0 + 1.85 * rows))
        flat = [ax for row in axes for ax in row]
        sums = results.programmes.sums.sel(scenario=name).mean("replicate")
        for ax, code in zip(flat, shown, strict=False):
            _stairs(ax, steps[code], say, results)
            label = str(sums[f"programme_label_{lang}"].sel(programme=code).values)
            first = short(float(sums["eligible"].sel(programme=code)[0]), lang)
            ax.set_title(f"{wrapped(label, 38)}\n{say('eligible')} {first}", fontsize=SMALL)
        for ax in flat[len(shown) :]:
            ax.set_axis_off()
        if not shown:
            note_on(flat[0], say("run too short"))
        heading(figure, f"{say('staircase')}: {_called(name, labels)}", say("staircase note"))
    return figure


STEPS = ("applied", "enrolled", "completed", "employed", "retained")


def stairs(results: Results, scenario: str) -> dict[str, list[float]]:
    """Persons at each of `STEPS`, mean of the replicates, by programme with trainees, the largest first."""
    sums = results.programmes.sums.sel(scenario=scenario).mean("replicate")
    steps = sums["staircase"].sum(("stage", "origin")).transpose("programme", "step")
    counts = np.column_stack([sums["applied_followed"].values, steps.values])
    order = np.argsort(-counts[:, 1], kind="stable")
    codes = steps["programme"].values
    return {str(codes[k]): counts[k].tolist() for k in order if counts[k, 1] > 0}


def _stairs(ax: Axes, heads: Sequence[float], say: Callable[[str], str], results: Results) -> None:
    place = np.arange(len(STEPS))[::-1]
    enough = [results.agents(n) * results.replicates >= FEWEST for n in heads]
    shades = ("#8ec1e0", "#5aa2d0", BLUE, "#00507d", "#002f4a")
    ax.barh(place, [n if ok else 0 for n, ok in zip(heads, enough, strict=True)], color=shades, height=0.72)
    ax.set_xscale("log")
    ax.set_xlim(results.scale, max(*heads, 10 * results.scale) * 30)
    ax.set_yticks(place, [say(n) for n in STEPS], fontsize=SMALL)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: short(x, say("language"))))
    ax.tick_params(axis="x", labelsize=SMALL)
    ax.grid(visible=False, axis="y")
    for n, (y, count) in enumerate(zip(place, heads, strict=True)):
        share = f"  {count / heads[n - 1]:.0%}" if n and heads[n - 1] else ""
        text = f" {short(count, say('language'))}{share}" if enough[n] else f" {say('too few')}"
        ax.text(count if enough[n] else results.scale, y, text, va="center", fontsize=SMALL)


def productivity(results: Results, *, lang: str = "en", labels: Labels = None) -> Figure:
    """Gain in output from AI by size of employer: the first month (hollow) against the last twelve (filled)."""
    with style(lang) as say:
        figure, axes = panels(1, 1, (WIDE, 3.8))
        ax, names = axes[0][0], results.scenarios
        for k, scenario in enumerate(names):
            for first in (True, False):
                gains = gain_by_size(results, scenario, slice(0, 1) if first else slice(-LAST, None))
                ends = np.array(list(gains.values()))
                place = np.arange(len(gains)) + (k - (len(names) - 1) / 2) * 0.2
                ax.errorbar(
                    place,
                    ends[:, 0],
                    yerr=error_bars(*ends.T),
                    color=COLOURS[k],
                    linestyle="",
                    marker=MARKERS[k],
                    markersize=7.5,
                    markerfacecolor="white" if first else COLOURS[k],
                    capsize=3,
                    elinewidth=1.0,
                )
        ax.set_xticks(range(len(gains)), list(gains))
        ax.set(xlabel=say("size"), ylabel=say("gain"))
        ax.axhline(0.0, color=BLACK, linewidth=0.9)
        ax.yaxis.set_major_formatter(numbers(say, "share"))
        ax.grid(visible=False, axis="x")
        heading(figure, say("productivity"), say("productivity note"), _keys(results, labels))
    return figure


def gain_by_size(results: Results, scenario: str, months: slice) -> dict[str, tuple[float, float, float]]:
    """Output over output without AI, less one, in some months, by size of employer: mean, low, high."""
    sums = results.employers.sums.sum("industry").drop_sel(size=NO_EMPLOYER).sel(scenario=scenario)
    part = sums.isel(month=months).sum("month").transpose("replicate", "size")
    ends = np.array(results.design.ratio(part["output"].values, part["base_output"].values)[:3]) - 1.0
    return {
        str(code): (float(a), float(b), float(c))
        for code, (a, b, c) in zip(part["size"].values, ends.T, strict=True)
    }


def beveridge(results: Results, *, lang: str = "en", labels: Labels = None) -> Figure:
    """Vacancy rate against unemployment rate: months as dots, twelve-month means as a path with its years."""
    with style(lang) as say:
        figure, axes = panels(1, 1, (WIDE, 4.6))
        ax = axes[0][0]
        for k, scenario in enumerate(results.scenarios):
            x, y = market_rates(results, scenario)
            ax.plot(x, y, linestyle="", marker=MARKERS[k], markersize=3, color=COLOURS[k], alpha=0.25)
            path = yearly(results, scenario)
            across, up = zip(*path.values(), strict=True)
            ax.plot(
                across,
                up,
                color=COLOURS[k],
                linestyle=DASHES[k],
                linewidth=1.6,
                marker=MARKERS[k],
                markersize=7,
            )
        ax.set(xlabel=say("unemployment rate"), ylabel=say("vacancy rate"))
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
            axis.set_major_formatter(PercentFormatter(1.0, decimals=2))
        _name_years(ax, yearly(results, results.scenarios[0]))
        heading(figure, say("beveridge"), say("beveridge note"), _keys(results, labels))
    return figure


def market_rates(results: Results, scenario: str) -> tuple[np.ndarray, np.ndarray]:
    """Unemployment and vacancy rate by month, mean of the replicates."""
    u, v = (results.market[name].sel(scenario=scenario) for name in ("unemployment_rate", "vacancy_rate"))
    return u.mean("replicate").values, v.mean("replicate").values


def yearly(results: Results, scenario: str) -> dict[str, tuple[float, float]]:
    """Unemployment and vacancy rate by calendar year, mean of its months and of the replicates."""
    years = results.months.astype("datetime64[Y]")
    u, v = market_rates(results, scenario)
    return {
        str(year): (float(u[years == year].mean()), float(v[years == year].mean()))
        for year in np.unique(years)
    }


def _name_years(ax: Axes, path: Mapping[str, tuple[float, float]]) -> None:
    """The first and the last year beside their points, and those between that stand far enough from others."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    places = {
        year: np.array([(x - left) / (right - left), (y - low) / (high - low)])
        for year, (x, y) in path.items()
    }
    named: list[str] = []
    years = list(path)
    for year in dict.fromkeys((years[0], years[-1], *years)):
        if all(np.hypot(*(places[year] - places[other])) >= APART for other in named):
            named.append(year)
    for year in named:
        outward = -1.0 if places[year][0] > 0.85 else 1.0
        ax.annotate(
            year,
            path[year],
            xytext=(9 * outward, 6),
            textcoords="offset points",
            ha="left" if outward > 0 else "right",
            fontsize=9,
            fontweight="bold",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8},
        )


# ----------------------------------------------------------------------------------------- of a comparison


def waterfall(
    effects: Mapping[str, Interval], *, title: str = "", unit: str = "persons in work", lang: str = "en"
) -> Figure:
    """From gross placements to net jobs, as steps that add up.

    effects: `gross`, `deadweight`, `direct`, `substitution`, `displacement`, `net`, each (mean, low, high),
    in `unit`; direct = gross - deadweight, net = direct - substitution - displacement. An interval that is
    NaN is not drawn.
    """
    mean = {name: float(ends[0]) for name, ends in effects.items()}
    steps = (  # name, where the bar starts, where it ends, colour, hatch
        ("gross", 0.0, mean["gross"], BLUE, ""),
        ("deadweight", mean["gross"], mean["direct"], ORANGE, "//"),
        ("direct", 0.0, mean["direct"], BLUE, ""),
        ("substitution", mean["direct"], mean["direct"] - mean["substitution"], ORANGE, "//"),
        ("displacement", mean["direct"] - mean["substitution"], mean["net"], ORANGE, "\\\\"),
        ("net", 0.0, mean["net"], "#00507d", ""),
    )
    less = ("deadweight", "substitution", "displacement")  # what is subtracted: a negative one adds
    with style(lang) as say:
        figure, axes = panels(2, 1, (WIDE, 4.0), sharey=False, widths=(3, 5))
        for ax, shown in zip(
            axes[0], (steps[:3], steps[2:]), strict=True
        ):  # what follows the direct effect is smaller
            for n, (name, start, end, colour, hatch) in enumerate(shown):
                ax.bar(
                    n,
                    end - start,
                    0.62,
                    bottom=start,
                    color=colour,
                    hatch=hatch,
                    edgecolor=BLACK,
                    linewidth=0.7,
                )
                half = error_bars(*effects[name])
                if half is not None:
                    half = half if end >= start else half[::-1]
                    ax.errorbar(n, end, yerr=half, color=BLACK, capsize=4, elinewidth=1.1)
                if n < len(shown) - 1:
                    ax.plot([n + 0.31, n + 0.69], [end, end], color=GREY, linewidth=0.9)
                value = -mean[name] if name in less else mean[name]
                top = max(start, end, end + (half[1, 0] if half is not None else 0.0))
                ax.annotate(
                    (f"{value:+,.0f}" if name in less else f"{value:,.0f}").replace("-", "−"),
                    (n, top),
                    xytext=(0, 4),
                    ha="center",
                    textcoords="offset points",
                    fontsize=9,
                    fontweight="bold" if name == "net" else "normal",
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
                )
            ax.axhline(0.0, color=BLACK, linewidth=0.9)
            labels = [
                (say("gains" if end > start else "less") if name in less else "{name}").format(name=say(name))
                for name, start, end, *_ in shown
            ]
            ax.set_xticks(range(len(shown)), labels, fontsize=SMALL)
            ax.margins(y=0.14)
            ax.yaxis.set_major_formatter(numbers(say))
            ax.tick_params(axis="y", labelsize=SMALL)
            ax.grid(visible=False, axis="x")
        axes[0][0].set_ylabel(say(unit))
        heading(figure, title or say("waterfall"), say("waterfall note"))
    return figure

"""The pictures of a run and of a comparison (matplotlib, no screen needed).

Each function returns a Figure; `draw_all` writes those of a run as PNG and SVG.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
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
    error_bars,
    heading,
    korean_font,
    note_on,
    panels,
    points,
    save,
    short,
    style,
    year_axis,
)
from sim.results import Results
from sim.summary import FEWEST, LAST

Interval = Sequence[float]
STAGES = ("entry", "active", "transition")


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


def reemployment(results: Results, *, definition: str = "official", lang: str = "en") -> Figure:
    """In work 3 to 36 months after the start (all enrolled) and after completion (completers), by stage.

    People who had no job at enrolment; points that rest on fewer than 30 agents are left out.
    """
    sums = results.programmes.sums.sel(origin="not employed", definition=definition).sum("programme")
    with style(lang) as say:
        figure, axes = panels(2, len(results.scenarios), (8.6, 3.9))
        for row, scenario in zip(axes, results.scenarios, strict=True):
            for ax, counted in zip(row, ("enrolled", "completers"), strict=True):
                here = sums.sel(scenario=scenario, counted=counted)
                shown = 0
                for k, stage in enumerate(s for s in STAGES if s != "active"):
                    known, placed = (
                        here[n].sel(stage=stage).transpose("replicate", "horizon").values
                        for n in ("known", "placed")
                    )
                    enough = results.agents(known.sum(axis=0)) >= FEWEST
                    mean, low, high = results.design.ratio(placed, known)[:3]
                    points(
                        ax,
                        here["horizon"].values[enough] + (k - 0.5) * 0.3,
                        mean[enough],
                        low[enough],
                        high[enough],
                        k,
                        say(stage),
                    )
                    shown += int(enough.sum())
                ax.set(
                    title=_title(results, scenario, say(f"counted {counted}")),
                    ylim=(0, 1),
                    xlim=(0, 38.5),
                    xticks=here["horizon"].values,
                    xlabel=say("months"),
                )
                ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
                if not shown:
                    note_on(ax, say("too few"))
            row[0].set_ylabel(say(f"in work {definition}"))
            row[-1].legend(title=say("stage at enrolment"), loc="lower right", labelcolor=BLACK)
        figure.suptitle(say("reemployment"), x=0.01, ha="left", fontweight="bold")
    return figure


def unemployment_fan(results: Results, *, lang: str = "en") -> Figure:
    """Unemployment rate by stage at policy start: median of the replicates, half and nine tenths of them."""
    rates = results.cells["unemployment_rate_by_stage"]
    months = rates["month"].values
    with style(lang) as say:
        figure, axes = panels(3, 1, (9.6, 3.6), sharey=False)
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
                    label=scenario,
                )
            ax.set(title=say(stage), ylim=(0, None))
            ax.yaxis.set_major_formatter(PercentFormatter(1.0))
            year_axis(ax)
        axes[0][0].set_ylabel(say("unemployment rate"))
        if len(results.scenarios) > 1:
            axes[0][-1].legend(loc="upper right")
        heading(figure, say("unemployment"), say("bands") if results.replicates > 1 else say("one replicate"))
    return figure


def staircase(
    results: Results, *, scenario: str | None = None, programmes: int = 6, lang: str = "en"
) -> Figure:
    """From the eligible to the retained, for the programmes with most trainees (log scale, persons).

    Eligible: admitted by the rules at the end of the first month. The rest: intakes that are followed for 12
    months past completion, of all programmes apart; in work 6, and still 12, months after completion.
    """
    name = scenario or results.scenarios[-1]
    sums = results.programmes.sums.sel(scenario=name).mean("replicate")
    steps = sums["staircase"].sum(("stage", "origin"))
    largest = steps.sel(step="enrolled").sortby(steps.sel(step="enrolled"), ascending=False)
    shown = [str(code) for code in largest["programme"].values if float(largest.sel(programme=code)) > 0][
        :programmes
    ]
    with style(lang) as say:
        rows = max(1, -(-len(shown) // 3))
        figure, axes = panels(min(3, max(1, len(shown))), rows, (10.2, 0.7 + 2.6 * rows))
        flat = [ax for row in axes for ax in row]
        for ax, code in zip(flat, shown, strict=False):
            heads = [
                float(sums["eligible"].sel(programme=code)[0]),
                float(sums["applied_followed"].sel(programme=code)),
                *(float(x) for x in steps.sel(programme=code).values),
            ]
            _stairs(ax, heads, say, results)
            label = str(sums[f"programme_label_{lang if korean_font() else 'en'}"].sel(programme=code).values)
            ax.set_title("\n".join(wrap(label, 32, max_lines=2, placeholder=" …")), fontsize=9)
        for ax in flat[len(shown) :]:
            ax.set_axis_off()
        if not shown:
            note_on(flat[0], say("run too short"))
        heading(figure, say("staircase"), f"{name}; {say('staircase note')}")
    return figure


def _stairs(ax: Axes, heads: Sequence[float], say: Callable[[str], str], results: Results) -> None:
    names = ("eligible", "applied", "enrolled", "completed", "employed", "retained")
    place = np.arange(len(names))[::-1]
    enough = [results.agents(n) * results.replicates >= FEWEST for n in heads]
    shades = (GREY, "#6baed6", "#3f8fc5", BLUE, "#00507d", "#002f4a")
    ax.barh(place, [n if ok else 0 for n, ok in zip(heads, enough, strict=True)], color=shades, height=0.72)
    ax.set_xscale("log")
    ax.set_xlim(results.scale, max(*heads, results.scale) * 60)
    ax.set_yticks(place, [say(n) for n in names])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: short(x, say("language"))))
    ax.grid(visible=False, axis="y")
    for n, (y, count) in enumerate(zip(place, heads, strict=True)):
        share = f"  {count / heads[n - 1]:.0%}" if n > 1 and heads[n - 1] else ""
        text = f" {short(count, say('language'))}{share}" if enough[n] else f" {say('too few')}"
        ax.text(count if enough[n] else results.scale, y, text, va="center", fontsize=8)


def productivity(results: Results, *, lang: str = "en") -> Figure:
    """Gain in output from AI by size of employer: the first month against the mean of the last twelve."""
    sums = results.employers.sums.sum("industry").drop_sel(size=NO_EMPLOYER)
    with style(lang) as say:
        figure, axes = panels(len(results.scenarios), 1, (3.2 + 3.6 * len(results.scenarios), 3.8))
        for ax, scenario in zip(axes[0], results.scenarios, strict=True):
            here = sums.sel(scenario=scenario)
            sizes = [str(code) for code in here["size"].values]
            place = np.arange(len(sizes))
            spans = (
                ("first month", slice(0, 1), "#c7dcea", "//"),
                ("last months", slice(-LAST, None), BLUE, ""),
            )
            for k, (label, months, colour, hatch) in enumerate(spans):
                part = here.isel(month=months).sum("month").transpose("replicate", "size")
                found = results.design.ratio(part["output"].values, part["base_output"].values)[:3]
                ends = np.array(found) - 1.0
                error = error_bars(*ends)
                ax.bar(
                    place + (k - 0.5) * 0.38,
                    ends[0],
                    0.36,
                    color=colour,
                    hatch=hatch,
                    edgecolor=BLACK,
                    linewidth=0.6,
                    yerr=error,
                    capsize=3,
                    label=say(label),
                    error_kw={"elinewidth": 1.0},
                )
            ax.set_xticks(place, sizes)
            ax.set(xlabel=say("size"), title=scenario)
            ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
            ax.grid(visible=False, axis="x")
            ax.legend(loc="upper left")
        axes[0][0].set_ylabel(say("gain"))
        heading(figure, say("productivity"), "")
    return figure


def beveridge(results: Results, *, lang: str = "en") -> Figure:
    """Vacancy rate against unemployment rate: months as dots, twelve-month means as a path with its years."""
    u, v = (
        results.market["unemployment_rate"].mean("replicate"),
        results.market["vacancy_rate"].mean("replicate"),
    )
    with style(lang) as say:
        figure, axes = panels(1, 1, (5.6, 4.6))
        ax = axes[0][0]
        for k, scenario in enumerate(results.scenarios):
            x, y = (series.sel(scenario=scenario).values for series in (u, v))
            ax.plot(x, y, linestyle="", marker=MARKERS[k], markersize=3, color=COLOURS[k], alpha=0.35)
            years = results.months.astype("datetime64[Y]")
            means = [
                (str(year), x[years == year].mean(), y[years == year].mean()) for year in np.unique(years)
            ]
            ax.plot(
                [m[1] for m in means],
                [m[2] for m in means],
                color=COLOURS[k],
                linestyle=DASHES[k],
                linewidth=1.6,
                marker=MARKERS[k],
                markersize=7,
                label=scenario,
            )
            if k == 0:
                for year, a, b in means:
                    ax.annotate(year, (a, b), xytext=(6, 5), textcoords="offset points", fontsize=8.5)
        ax.set(xlabel=say("unemployment rate"), ylabel=say("vacancy rate"))
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
            axis.set_major_formatter(PercentFormatter(1.0, decimals=2))
        ax.legend(loc="best")
        heading(figure, say("beveridge"), say("beveridge note"))
    return figure


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
        figure, axes = panels(2, 1, (9.4, 4.4), sharey=False)
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
                    f"{value:+,.0f}" if name in less else f"{value:,.0f}",
                    (n, top),
                    xytext=(0, 4),
                    ha="center",
                    textcoords="offset points",
                    fontsize=9,
                    fontweight="bold" if name == "net" else "normal",
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
                )
            ax.axhline(0.0, color=BLACK, linewidth=0.9)
            labels = [("− " if name in less else "") + say(name) for name, *_ in shown]
            ax.set_xticks(range(len(shown)), labels, fontsize=8)
            ax.margins(y=0.14)
            ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.0f}"))
            ax.grid(visible=False, axis="x")
        axes[0][0].set_ylabel(say(unit))
        heading(figure, title or say("waterfall"), say("waterfall note"))
    return figure


def _title(results: Results, scenario: str, text: str) -> str:
    return f"{scenario}: {text}" if len(results.scenarios) > 1 else text

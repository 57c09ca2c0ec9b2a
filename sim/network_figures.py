"""The picture of a run on a network economy: the Beveridge curve, and unemployment by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from sim.drawing import BLUE, GREY, RED, heading, panels, style

if TYPE_CHECKING:
    from sim.network_results import NetworkResults


def beveridge(results: NetworkResults, *, lang: str = "en") -> Figure:
    """Vacancy rate against unemployment rate, and unemployment by step: mean and nine tenths of the replicates, the
    mean field of the same equations, and the closed-form rest point. The first fifth of the run is left out on the left
    (everyone starts in work)."""
    rates = ("unemployment_rate", "vacancy_rate")
    (u, v), (limit_u, limit_v) = (
        [group[n].values[0] for n in rates] for group in (results.market, results.mean_field)
    )
    begin = results.steps // 5
    with style(lang) as say:
        figure, (axes,) = panels(2, 1, (9.6, 4.2), sharey=False)
        curve, course = axes
        around, above = u.mean(axis=0)[begin:], v.mean(axis=0)[begin:]
        curve.plot(around, above, ".-", color=BLUE, linewidth=0.5, markersize=4, label=say("agents"))
        curve.plot(
            limit_u[begin:],
            limit_v[begin:],
            color=RED,
            linestyle="--",
            linewidth=1.2,
            label=say("mean field"),
        )
        rest = results.rest
        curve.plot(
            [rest.unemployment_rate],
            [rest.vacancy_rate],
            color=GREY,
            linestyle="",
            marker="D",
            label=say("rest point"),
        )
        curve.set(xlabel=say("unemployment rate"), ylabel=say("vacancy rate"))
        steps = np.arange(results.steps)
        if results.replicates > 1:
            course.fill_between(
                steps, *np.quantile(u, (0.05, 0.95), axis=0), color=BLUE, alpha=0.25, linewidth=0
            )
        course.plot(steps, u.mean(axis=0), color=BLUE, linewidth=1.4)
        course.plot(steps, limit_u, color=RED, linestyle="--", linewidth=1.2)
        course.axhline(rest.unemployment_rate, color=GREY, linewidth=0.9)
        course.set(xlabel=say("step"), ylabel=say("unemployment rate"), ylim=(0, None))
        for axis in (curve.xaxis, curve.yaxis, course.yaxis):
            axis.set_major_formatter(PercentFormatter(1.0))
            axis.set_major_locator(MaxNLocator(6))
        figure.legend(*curve.get_legend_handles_labels(), loc="upper right", ncols=3)
        heading(figure, say("beveridge"), say("network note"))
    return figure

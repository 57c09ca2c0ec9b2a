"""The result of the calibration on its page: the tables and the picture of docs/calibration.md.

    python calibration/page.py

`calibration/posterior.csv`, `.json` and `diagnostics.json`, which `laborshift calibrate --accept` leaves, are what the
page says: nobody types a number between its marks.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from report import fill

from sim.estimation.calibrate import fitted
from sim.estimation.posterior import Posterior
from sim.estimation.priors import of_parameter
from sim.parameters import PARAMETERS

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "calibration.md"
PICTURE = HERE.parent / "docs" / "images" / "posterior.png"
MOST = 8  # moments named as those that move a parameter most, and so on: no list is longer


def main() -> None:
    """Fill the page and draw the picture."""
    record = json.loads((HERE / "diagnostics.json").read_text(encoding="utf-8"))
    posterior = Posterior.load(HERE / "posterior")
    fill(PAGE, "summary", summary(record))
    fill(PAGE, "parameters", parameters(record))
    fill(PAGE, "moments", moments(record))
    draw(posterior, record)


def summary(record: dict[str, Any]) -> str:
    """What was run, what was met, and what the tests say."""
    told, history, rows = record["diagnostics"], record["history_matching"], record["parameters"]
    moments = [row for row in record["moments"] if row["fitted"]]
    held = [row for row in record["moments"] if row["role"] == "test"]
    loose = [f"`{row['name']}`" for row in rows if not row["pinned"]]
    apart = np.abs(record["smoother"]["from_the_posterior_in_sds"])
    missed = f"; at the best of the rest the model misses {', '.join(history['blockers'][:MOST])}"
    lines = [
        f"* {record['runs']:,} runs of {record['months']} months at {record['scale']} people an agent, "
        f"{record['seconds'] / 60:.0f} minutes; {len(rows)} parameters, {len(moments)} moments.",
        f"* Met by the point estimate ({record['estimate_is']}): "
        f"**{sum(one['met'] for one in moments)} of {len(moments)}** fitted moments, "
        f"{sum(one['met'] for one in held)} of {len(held)} held out.",
        f"* J test: {told['j']['statistic']:.1f} on {told['j']['df']:.1f} degrees of freedom, "
        f"p = {told['j']['p']:.3f}. Conflict with the prior: p = {told['prior_conflict']['p']:.3f}.",
        f"* Not pinned by these moments, so drawn from their priors: {', '.join(loose) or 'none'}.",
        f"* Draws beyond the last wave of runs: {told['outside_wave']:.1%}; moments emulated badly: "
        f"{', '.join(told['poorly_emulated']) or 'none'}; largest R-hat {max(told['rhat']):.3f}.",
        f"* The ensemble smoother's means lie {np.median(apart):.2f} posterior sds from the posterior's (median; most "
        f"{apart.max():.2f}, `{rows[int(apart.argmax())]['name']}`).",
        f"* History matching: {history['share_not_ruled_out']:.0%} of {history['points']} points of the prior are "
        f"not ruled out{missed if history['blockers'] else ''}.",
    ]
    return "\n".join(lines)


def parameters(record: dict[str, Any]) -> str:
    """Prior, estimate, interval, standard errors, and the moment that moves each most (Andrews et al. 2017)."""
    of, sensitivity = record["sensitivity_of"]["moments"], record["diagnostics"]["sensitivity_times_sd"]
    lines = [
        "| parameter | prior centre | estimate | 90% interval | contraction | se | se, worst case | moved most by |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: | --- |",
    ]
    for row, moved in zip(record["parameters"], sensitivity, strict=True):
        by = of[int(np.abs(moved).argmax())]
        lines.append(
            f"| `{row['name']}` | {row['centre']:.4g} | {row['estimate']:.4g} | {row['low']:.3g} to {row['high']:.3g} "
            f"| {row['contraction']:.2f} | {row['sandwich_se']:.2g} | {row['worst_case_se']:.2g} | `{by}` |"
        )
    return "\n".join(lines)


def moments(record: dict[str, Any]) -> str:
    """Fitted moments that are not met, then the others."""
    rows = sorted((row for row in record["moments"] if row["fitted"]), key=lambda row: bool(row["met"]))
    lines = ["| moment | published | model | range | met |", "| --- | ---: | ---: | --- | --- |"]
    lines += [
        f"| `{row['id']}` | {row['target']:.4g} | {row['model']:.4g} ± {row['error']:.2g} | "
        f"{row['low']:.4g} to {row['high']:.4g} | {'yes' if row['met'] else '**no**'} |"
        for row in rows
    ]
    return "\n".join(lines)


def draw(posterior: Posterior, record: dict[str, Any]) -> None:
    """Draws of every parameter against its prior, each over its own range."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [name for name in fitted() if name in posterior.names]
    across = 6
    figure, axes = plt.subplots(
        -(-len(names) // across), across, figsize=(13, 1.6 * -(-len(names) // across))
    )
    estimates = {row["name"]: row["estimate"] for row in record["parameters"]}
    for axis, name in zip(axes.flat, names, strict=False):
        one = of_parameter(PARAMETERS[name])
        low, high = (float(x) for x in one.quantile(np.array([0.01, 0.99])))
        drawn = posterior.theta[:, posterior.names.index(name)]
        low, high = min(low, float(drawn.min())), max(high, float(drawn.max()))
        edges = np.linspace(low, high, 25)
        prior = np.diff(one.share(edges)) / np.diff(edges)
        axis.stairs(prior, edges, color="0.6", fill=True)
        axis.hist(
            drawn,
            bins=edges,
            weights=posterior.weight / (edges[1] - edges[0]),
            histtype="step",
            color="#0b5394",
            lw=1.6,
        )
        axis.axvline(estimates[name], color="#b45f06", lw=1.2, ls="--")
        axis.set_title(name, fontsize=8.5)
        axis.set_yticks([])
        axis.tick_params(labelsize=7)
        axis.locator_params(axis="x", nbins=4)
        axis.spines[["top", "right", "left"]].set_visible(False)
    for axis in list(axes.flat)[len(names) :]:
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(PICTURE, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()

"""What a sweep says: outcomes by lever, what they hang on, when the plan fails, and which lever is best.

`answer` writes the tables and pictures of a sweep into its folder and gives those to print. Means over replicates stand
for a point, so that the spread between points is what is not known, not chance, as far as replicates allow.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.drawing import save
from sim.errors import InputError
from sim.evaluation.answers import number, printed, rows
from sim.folder import whole
from sim.intervals import LEVEL
from sim.sweep.answers import Sweep
from sim.sweep.choice import choice
from sim.sweep.design import Failure, Sample
from sim.sweep.discovery import discover
from sim.sweep.outcomes import OUTCOMES, TOLD
from sim.sweep.points import LEVELS
from sim.sweep.sensitivity import given_data, morris, sobol

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

SHOWN = 10
"""Factors of a table on the terminal; files have all."""
LANGUAGES = ("en", "ko")
NEW_POINTS = ("latin-hypercube", "sobol", "posterior")
"""Samples that are fair draws: shares of points, chances and regret are told of these, not of walks and corners."""
KINDS = {
    "morris": "change of the outcome as a factor goes through its range (Morris, mean of absolute effects)",
    "saltelli": "share of the variance: by the factor alone, and with others (Sobol indices)",
    "given": "share of the variance that goes with the factor alone (RBD-FAST)",
}


def answer(sweep: Sweep, folder: Path) -> tuple[dict[str, Any], list[Table]]:
    """Tables and pictures of a sweep into a folder, which appears whole; what is told, and tables for people."""
    outcomes = list(sweep.design.file.answers.outcomes or TOLD)
    best, fails = sweep.design.file.answers.best, sweep.design.file.answers.fails
    levels = by_lever(sweep, outcomes)
    matters = sensitivities(sweep, outcomes)
    policies, said = policy_choice(sweep, best)
    boxes = discoveries(sweep, fails)
    with whole(folder) as part:
        for name, table in (
            ("outcomes", levels),
            ("sensitivity", matters),
            ("choice", policies),
            ("discovery", boxes),
        ):
            if len(table):
                table.to_csv(part / f"{name}.csv", index=False, encoding="utf-8", lineterminator="\n")
        _runs(sweep).to_csv(part / "runs.csv", encoding="utf-8", lineterminator="\n")
        for name, draw in pictures(sweep, matters, policies, best):
            for lang in LANGUAGES:
                save(draw(lang), part / "figures", name if lang == "en" else f"{name}-{lang}")
        told = {
            "folder": str(sweep.store.folder),
            "runs": sweep.store.runs,
            "failed": sweep.failed(),
            "outcomes": rows(levels),
            "choice": rows(policies),
            "discovery": rows(boxes),
            "sensitivity": rows(matters),
        }
        text = json.dumps(told, ensure_ascii=False, indent=1, default=float) + "\n"
        (part / "answer.json").write_text(text, encoding="utf-8")
    return told, [*_printed(sweep, outcomes, levels, matters, policies, said, boxes, fails)]


# ----------------------------------------------------------------------------------------------------- tables


def by_lever(sweep: Sweep, outcomes: list[str]) -> pd.DataFrame:
    """A row a sample, lever and outcome: mean, median, 5% and 95% over points; share of points where it is above zero."""
    made = []
    sample = np.asarray(sweep.points["sample"])
    for name in outcomes:
        one, values = OUTCOMES[name], _points(sweep, name)
        for n, asked in enumerate(sweep.design.file.samples):
            for k, lever in enumerate(sweep.levers):
                if one.effect and sweep.store.bases[k] is None:
                    continue
                here = values[sample == n, k]
                here = here[np.isfinite(here)]
                if not here.size:
                    continue
                low, median, high = np.quantile(here, ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2))
                made.append(
                    (
                        n,
                        asked.method,
                        name,
                        lever,
                        one.units,
                        here.size,
                        here.mean(),
                        low,
                        median,
                        high,
                        (here > 0).mean(),
                    )
                )
    columns = (
        "sample",
        "method",
        "outcome",
        "lever",
        "unit",
        "points",
        "mean",
        "low",
        "median",
        "high",
        "above_zero",
    )
    return pd.DataFrame(made, columns=list(columns))


def sensitivities(sweep: Sweep, outcomes: list[str]) -> pd.DataFrame:
    """What every outcome of every lever hangs on, by the analysis that each sample is made for.

    Columns: sample, method (morris, saltelli or given), outcome, lever, factor, label, label_ko, then those of
    `sim.sweep.sensitivity`. Levels are told of every lever, effects of those with a base. Samples that are too small
    for their analysis are left out.
    """
    made = []
    sample = np.asarray(sweep.points["sample"])
    labels = {one.name: (one.label, one.label_ko) for one in sweep.factors}
    for n, asked in enumerate(sweep.design.file.samples):
        for name in outcomes:
            values = _points(sweep, name)[sample == n]
            for k, lever in enumerate(sweep.levers):
                if OUTCOMES[name].effect and sweep.store.bases[k] is None:
                    continue
                table = _analysed(sweep, asked, sample == n, values[:, k])
                if table is None:
                    continue
                told = [labels[factor] for factor in table["factor"]]
                table.insert(0, "label_ko", [ko for _, ko in told])
                table.insert(0, "label", [en for en, _ in told])
                kind = asked.method if asked.method in KINDS else "given"
                for column, value in (("lever", lever), ("outcome", name), ("method", kind), ("sample", n)):
                    table.insert(0, column, value)
                made.append(table)
    return pd.concat(made, ignore_index=True) if made else pd.DataFrame()


def _analysed(sweep: Sweep, sample: Sample, at: np.ndarray, y: np.ndarray) -> pd.DataFrame | None:
    every = [one.name for one in sweep.factors]
    names = sweep.design.sampled(sample)
    cube = sweep.cube[at][:, [every.index(name) for name in names]]
    try:
        if sample.method == "morris":
            return morris(cube, y, names, sample.levels or LEVELS["morris"], sample.seed)
        if sample.method == "saltelli":
            return sobol(y, names, sample.seed)
        if sample.method in NEW_POINTS:
            varied = every if sample.rest == "posterior" else names
            value = sweep.store.values(0, len(at))[at][:, [every.index(name) for name in varied]]
            return given_data(value, y, varied, sample.seed)
    except InputError:  # too few points
        return None
    return None


def policy_choice(sweep: Sweep, best: str) -> tuple[pd.DataFrame, str]:
    """Chances of being best and regret over points that are fair draws; the base takes part. Empty without a base or such
    points. Also which points were used, in words."""
    if all(base is None for base in sweep.store.bases):
        return pd.DataFrame(), ""
    fair = [n for n, one in enumerate(sweep.design.file.samples) if one.method in NEW_POINTS]
    at = np.isin(sweep.points["sample"], fair)
    values = _points(sweep, best)[at] * OUTCOMES[best].better
    try:
        found = choice(values, sweep.levers)
    except InputError:
        return pd.DataFrame(), ""
    found.insert(0, "outcome", best)
    used = f"{found.attrs['used']:,} points"
    return found, used + (f", {found.attrs['dropped']} left out" if found.attrs["dropped"] else "")


def discoveries(sweep: Sweep, fails: Failure) -> pd.DataFrame:
    """When levers fail, as boxes of the factors (classification trees): a row a box, by lever."""
    fair = [n for n, one in enumerate(sweep.design.file.samples) if one.method in (*NEW_POINTS, "grid")]
    at = np.isin(sweep.points["sample"], fair)
    table = sweep.points[at].drop(columns="sample")
    table = table.loc[:, table.notna().all()]
    if not len(table) or not len(table.columns):
        return pd.DataFrame()
    values, made = _points(sweep, fails.outcome)[at], []
    labels = {one.name: one.label for one in sweep.factors}
    for k, lever in enumerate(sweep.levers):
        if OUTCOMES[fails.outcome].effect and sweep.store.bases[k] is None:
            continue
        known = np.isfinite(values[:, k])
        if not known.any():
            continue
        x, y = table[known], values[known, k]
        failed = y < fails.below if fails.below is not None else y > (fails.above or 0.0)
        found = discover(x, failed)
        share = float(failed.mean())
        for box in found.boxes or [None]:
            limits = json.dumps(box.limits, default=str) if box else ""
            numbers = (
                (box.coverage, box.density, box.density_low, box.density_high, box.mass, box.points)
                if box
                else (np.nan,) * 6
            )
            told = box.told(labels) if box else "no box is told from the rest"
            made.append((lever, fails.outcome, share, found.quality, told, *numbers, limits))
    columns = (
        "lever",
        "outcome",
        "share_failing",
        "quality",
        "when",
        "coverage",
        "density",
        "density_low",
        "density_high",
    )
    return pd.DataFrame(made, columns=[*columns, "mass", "points", "limits"])


def _points(sweep: Sweep, name: str) -> np.ndarray:
    """(points, levers) of an outcome, mean over the replicates that are done."""
    values = sweep.told(name)
    counts = np.isfinite(values).sum(axis=1)
    return np.asarray(np.where(counts > 0, np.nansum(values, axis=1) / np.maximum(counts, 1), np.nan))


def _runs(sweep: Sweep) -> pd.DataFrame:
    """A row a run: what it is, and every outcome that can be told."""
    table = sweep.runs
    for name in sweep.outcomes():
        table[name] = sweep.told(name).ravel()
    return table


# --------------------------------------------------------------------------------------------------- pictures


def pictures(
    sweep: Sweep, matters: pd.DataFrame, policies: pd.DataFrame, best: str
) -> Iterator[tuple[str, Callable[[str], Figure]]]:
    """Name and drawing, by language, of each picture."""
    from sim.sweep.pictures import choice_picture, heat_map, tornado

    def words(name: str) -> Callable[[str], str]:
        return lambda lang: OUTCOMES[name].label_ko if lang == "ko" else OUTCOMES[name].label

    def in_words(table: pd.DataFrame, lang: str) -> pd.DataFrame:
        return table.assign(label=table["label_ko"]) if lang == "ko" else table

    if len(matters):
        for (n, method, name, lever), part in matters.groupby(
            ["sample", "method", "outcome", "lever"], sort=False
        ):
            part = part.dropna(axis=1, how="all")
            if name in (best, _first(sweep)) and ({"mu_star", "total", "first"} & set(part)):
                units = OUTCOMES[str(name)].units
                yield (
                    f"tornado-{method}-{n}-{name}-{lever}".replace(" ", "_"),
                    lambda lang, p=part, of=str(name), u=units: tornado(
                        in_words(p, lang), words(of)(lang), u, lang
                    ),
                )
    heat = _heat(sweep, matters, best)
    if heat:
        at = np.isfinite(np.nan_to_num(sweep.cube[:, [_number(sweep, f) for f in heat]], nan=np.inf)).all(
            axis=1
        )
        fair = [n for n, one in enumerate(sweep.design.file.samples) if one.method != "morris"]
        at &= np.isin(sweep.points["sample"], fair)
        values = _points(sweep, best)
        table = sweep.points[at]
        factors = [sweep.factors[_number(sweep, f)] for f in heat]
        for k, lever in enumerate(sweep.levers):
            if at.any() and not (OUTCOMES[best].effect and sweep.store.bases[k] is None):
                yield (
                    f"heat-{heat[0]}-{heat[1]}-{lever}".replace(" ", "_"),
                    lambda lang, k=k: heat_map(
                        *(np.asarray(table[f]) for f in heat),
                        values[at, k],
                        *((one.label_ko if lang == "ko" else one.label) for one in factors),
                        words(best)(lang),
                        OUTCOMES[best].units,
                        lang,
                    ),
                )
    if len(policies):
        yield "choice", lambda lang: choice_picture(policies, words(best)(lang), OUTCOMES[best].units, lang)


def _first(sweep: Sweep) -> str:
    return (sweep.design.file.answers.outcomes or TOLD)[0]


def _number(sweep: Sweep, factor: str) -> int:
    return [one.name for one in sweep.factors].index(factor)


def _heat(sweep: Sweep, matters: pd.DataFrame, best: str) -> tuple[str, ...]:
    """The factors of the heat map: as asked, else the two that matter most for the best outcome."""
    if asked := sweep.design.file.answers.heat:
        return asked
    if not len(matters):
        return ()
    mine = matters[(matters["outcome"] == best) & (matters["method"] != "morris")]
    column = "total" if "total" in mine and mine["total"].notna().any() else "first"
    if column not in mine or mine[column].notna().sum() < 2:
        return ()
    names = mine.groupby("factor")[column].max().sort_values(ascending=False, kind="stable").index[:2]
    return tuple(str(name) for name in names)


# ---------------------------------------------------------------------------------------------------- printed


def _printed(
    sweep: Sweep,
    outcomes: list[str],
    levels: pd.DataFrame,
    matters: pd.DataFrame,
    policies: pd.DataFrame,
    said: str,
    boxes: pd.DataFrame,
    fails: Failure,
) -> Iterator[Table]:
    design, title = sweep.design, sweep.store.manifest["title"] or sweep.store.manifest["name"]
    lines = []
    for row in levels.to_dict("records"):
        one = OUTCOMES[row["outcome"]]
        ends = f"{_said(row['low'], one.units)} to {_said(row['high'], one.units)}"
        above = f"{row['above_zero']:.0%}" if one.effect else ""
        what = (one.label, row["lever"], row["method"], f"{row['points']:,}")
        lines.append((*what, _said(row["mean"], one.units), ends, above, one.units))
    note = "effects are against the base at the same point and seed; each point is the mean of its replicates"
    if sweep.failed():
        note += (
            f"; {sweep.failed()} of {sweep.store.runs:,} runs failed and are left out (--status shows why)"
        )
    header = ("outcome", "lever", "sample", "points", "mean", "90% of points", "above zero", "unit")
    yield printed(title, header, lines, note)
    if len(matters):
        first = outcomes[0]
        for (n, method, lever), part in matters[matters["outcome"] == first].groupby(
            ["sample", "method", "lever"], sort=False
        ):
            yield _factors(
                part, str(method), f"{OUTCOMES[first].label}, {lever}", OUTCOMES[first].units, int(n)
            )
    if len(policies):
        best = OUTCOMES[str(policies["outcome"].iloc[0])]
        lines = [
            (
                row["policy"],
                f"{row['best']:.0%}",
                f"{row['best_low']:.0%} to {row['best_high']:.0%}",
                *(_said(row[name], best.units) for name in ("mean", "regret", "regret_90", "regret_most")),
                "least" if row["minimax"] else "",
            )
            for row in policies.to_dict("records")
        ]
        header = (
            "lever",
            "best at",
            "90% interval",
            "mean",
            "regret",
            "90% of points below",
            "largest",
            "minimax",
        )
        direction = "" if best.better > 0 else ", less is better (signs turned)"
        note = f"{said}; regret: what the best lever at the same point would have given more; {best.units}"
        yield printed(f"Which lever is best: {best.label}{direction}", header, lines, note)
    if len(boxes):
        limit = f"below {fails.below:g}" if fails.below is not None else f"above {fails.above:g}"
        lines = [
            (
                row["lever"],
                f"{row['share_failing']:.0%}",
                row["when"],
                number(row["coverage"] * 100, digits=0) + "%" if row["points"] == row["points"] else "-",
                f"{row['density']:.0%} ({row['density_low']:.0%} to {row['density_high']:.0%})"
                if row["points"] == row["points"]
                else "-",
                f"{row['quality']:.2f}" if row["quality"] == row["quality"] else "-",
            )
            for row in boxes.to_dict("records")
        ]
        header = ("lever", "fails at", "above all when", "holds of failures", "fails there", "accuracy")
        note = "accuracy: balanced, at points that the tree has not seen; 0.5 says nothing (CART)"
        yield printed(f"When it fails: {OUTCOMES[fails.outcome].label} {limit}", header, lines, note)


def _factors(table: pd.DataFrame, method: str, of: str, units: str, sample: int) -> Table:
    if method == "morris":
        header = ("factor", "effect", "90% interval", "mean with sign", "sigma")
        lines = [
            (
                row["label"],
                _said(row["mu_star"], units),
                f"{_said(row['mu_star_low'], units)} to {_said(row['mu_star_high'], units)}",
                _said(row["mu"], units),
                _said(row["sigma"], units),
            )
            for row in table.head(SHOWN).to_dict("records")
        ]
    else:
        names = [name for name in ("total", "first") if name in table and table[name].notna().any()]
        header = ("factor", *(x for name in names for x in (_SHARES[name], "90% interval")))
        lines = [
            (
                row["label"],
                *(
                    x
                    for name in names
                    for x in (f"{row[name]:.2f}", f"{row[f'{name}_low']:.2f} to {row[f'{name}_high']:.2f}")
                ),
            )
            for row in table.head(SHOWN).to_dict("records")
        ]
    note = KINDS[method] + (f"; {units}" if method == "morris" else "")
    return printed(f"What it hangs on: {of} (sample {sample + 1})", header, lines, note)


_SHARES = {"total": "with others", "first": "alone"}


def _said(x: float, units: str) -> str:
    """A number with as many digits as its unit deserves."""
    if x != x:
        return "-"
    if units in ("share", "ratio"):
        return f"{x:.4f}"
    return f"{x:,.0f}" if abs(x) >= 100 else f"{x:.3g}"


__all__ = ["answer", "by_lever", "discoveries", "pictures", "policy_choice", "sensitivities"]

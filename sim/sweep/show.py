"""What a sweep says: outcomes by lever, what they hang on, when the plan fails, and which lever is best.

`answer` writes the tables and pictures of a sweep into its folder and gives those to print (`sim.sweep.tables`). Means
over replicates stand for a point, so that the spread between points is what is not known, not chance, as far as
replicates allow.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.drawing import save
from sim.errors import InputError
from sim.evaluation.answers import rows
from sim.folder import whole
from sim.intervals import LEVEL
from sim.sweep.answers import Sweep
from sim.sweep.choice import choice
from sim.sweep.design import Factor, Failure, Sample
from sim.sweep.discovery import Box, discover
from sim.sweep.outcomes import OUTCOMES, TOLD
from sim.sweep.points import LEVELS
from sim.sweep.sensitivity import given_data, morris, sobol
from sim.sweep.tables import choice_table, factor_tables, failure_table, outcome_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

BOX = ("coverage", "density", "density_low", "density_high", "mass", "points")
NEW_POINTS = ("latin-hypercube", "sobol", "posterior")
"""Samples that are fair draws: shares of points, chances and regret are told of these, not of walks and corners."""
GIVEN = "given"
"""What the analysis of a sample that was not made for one is called (RBD-FAST)."""


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
            for lang in ("en", "ko"):
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
    tables = [outcome_table(sweep, levels)]
    if len(matters):
        main = best if best in outcomes else outcomes[0]
        tables += factor_tables(matters[matters["outcome"] == main], main)
    if len(policies):
        tables.append(choice_table(policies, said))
    if len(boxes):
        tables.append(failure_table(boxes, fails))
    return told, tables


# ----------------------------------------------------------------------------------------------------- tables


def by_lever(sweep: Sweep, outcomes: list[str]) -> pd.DataFrame:
    """A row a sample, lever and outcome: mean, median, 5% and 95% over points; the share of points above zero; and the
    share of the variance of a single run that is chance (`chance_share`), with two replicates or more."""
    made: list[dict[str, Any]] = []
    sample = np.asarray(sweep.points["sample"])
    for name in outcomes:
        one, runs, values = OUTCOMES[name], sweep.told(name), _points(sweep, name)
        for n, asked in enumerate(sweep.design.file.samples):
            for k, lever in enumerate(sweep.levers):
                here = values[sample == n, k]
                here = here[np.isfinite(here)]
                if not here.size or (one.effect and sweep.store.bases[k] is None):
                    continue
                low, median, high = np.quantile(here, ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2))
                said = {
                    "sample": n,
                    "method": asked.method,
                    "outcome": name,
                    "lever": lever,
                    "unit": one.units,
                }
                said |= {"points": here.size, "mean": here.mean(), "low": low, "median": median, "high": high}
                chance = chance_share(runs[sample == n, :, k])
                made.append(said | {"above_zero": (here > 0).mean(), "chance_share": chance})
    return pd.DataFrame(made)


def chance_share(values: np.ndarray) -> float:
    """Share of the variance of one run, over points and seeds, that seeds make: values (points, replicates).

    By one-way analysis of variance over the points whose replicates are all done; NaN with one replicate or point.
    """
    whole = values[np.isfinite(values).all(axis=1)]
    points, replicates = whole.shape
    if points < 2 or replicates < 2:
        return float("nan")
    within = float(whole.var(axis=1, ddof=1).mean())
    between = max(0.0, float(whole.mean(axis=1).var(ddof=1)) - within / replicates)
    return within / (within + between) if within + between > 0 else float("nan")


def sensitivities(sweep: Sweep, outcomes: list[str]) -> pd.DataFrame:
    """What every outcome of every lever hangs on, by the analysis that each sample is made for.

    Columns: sample, method (morris, saltelli or given), outcome, lever, factor, label, label_ko, then those of
    `sim.sweep.sensitivity`. Effects are told of the levers that have a base, levels of those that have none. Samples
    that are too small for their analysis are left out.
    """
    made = []
    sample = np.asarray(sweep.points["sample"])
    labels = {one.name: (one.label, one.label_ko) for one in sweep.factors}
    for n, asked in enumerate(sweep.design.file.samples):
        for name in outcomes:
            values = _points(sweep, name)[sample == n]
            for k, lever in enumerate(sweep.levers):
                if OUTCOMES[name].effect == (sweep.store.bases[k] is None):
                    continue
                table = _analysed(sweep, asked, sample == n, values[:, k])
                if table is None:
                    continue
                told = [labels[factor] for factor in table["factor"]]
                table.insert(0, "label_ko", [ko for _, ko in told])
                table.insert(0, "label", [en for en, _ in told])
                kind = asked.method if asked.method in ("morris", "saltelli") else GIVEN
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
    """Chances of being best and regret over points that are fair draws; the base takes part. Empty without a base or
    such points. Also which points were used, in words."""
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
        said = (lever, fails.outcome, float(failed.mean()), found.quality)
        if not found.boxes:
            made.append((*said, "no box stands out", *(np.nan for _ in BOX), ""))
        for box in found.boxes:
            numbers = [getattr(box, name) for name in BOX]
            made.append((*said, box.told(labels), *numbers, _limits(box)))
    return pd.DataFrame(
        made, columns=["lever", "outcome", "share_failing", "quality", "when", *BOX, "limits"]
    )


def _limits(box: Box) -> str:
    """The limits as JSON; null where they are open."""
    plain = {
        name: [x if isinstance(x, str) or np.isfinite(x) else None for x in ends]
        for name, ends in box.limits.items()
    }
    return json.dumps(plain, ensure_ascii=False)


def _points(sweep: Sweep, name: str) -> np.ndarray:
    """(points, levers) of an outcome, mean over the replicates that are done."""
    values = sweep.told(name)
    counts = np.isfinite(values).sum(axis=1)
    return np.asarray(np.where(counts > 0, np.nansum(values, axis=1) / np.maximum(counts, 1), np.nan))


def _runs(sweep: Sweep) -> pd.DataFrame:
    """A row a run: what it is, and every outcome that can be told."""
    return sweep.runs.assign(**{name: sweep.told(name).ravel() for name in sweep.outcomes()})


# --------------------------------------------------------------------------------------------------- pictures


def pictures(
    sweep: Sweep, matters: pd.DataFrame, policies: pd.DataFrame, best: str
) -> Iterator[tuple[str, Callable[[str], Figure]]]:
    """Name and drawing, by language, of each picture."""
    if len(matters):
        mine = matters[matters["outcome"].isin((best, _first(sweep)))]
        for (n, method, name, lever), part in mine.groupby(
            ["sample", "method", "outcome", "lever"], sort=False
        ):
            yield f"tornado-{method}-{n}-{name}-{lever}".replace(" ", "_"), partial(_tornado, part, str(name))
    if heat := _heat(sweep, matters, best):
        for k, lever in enumerate(sweep.levers):
            if not (OUTCOMES[best].effect and sweep.store.bases[k] is None):
                yield (
                    f"heat-{'-'.join(heat)}-{lever}".replace(" ", "_"),
                    partial(_heat_map, sweep, heat, best, k),
                )
    if len(policies):
        yield "choice", partial(_choice, policies, best)


def _tornado(table: pd.DataFrame, outcome: str, lang: str) -> Figure:
    from sim.sweep.pictures import tornado

    shown = {"morris": ("mu_star",), "saltelli": ("first", "total"), GIVEN: ("first",)}[
        str(table["method"].iloc[0])
    ]
    kept = [f"{name}{end}" for name in shown for end in ("", "_low", "_high")] + ["mu"] * ("mu_star" in shown)
    table = table[["factor", "label", "label_ko", *kept]]
    table = table.assign(label=table["label_ko"]) if lang == "ko" else table
    return tornado(table, _label(outcome, lang), OUTCOMES[outcome].units, lang)


def _heat_map(sweep: Sweep, names: Sequence[str], outcome: str, lever: int, lang: str) -> Figure:
    """Over points that are not steps of a walk, where both factors have a value."""
    from sim.sweep.pictures import heat_map

    factors = [next(one for one in sweep.factors if one.name == name) for name in names]
    walks = [n for n, one in enumerate(sweep.design.file.samples) if one.method == "morris"]
    at = sweep.points[list(names)].notna().all(axis=1) & ~sweep.points["sample"].isin(walks)
    x, y = (_in_order(sweep.points.loc[at, one.name], one) for one in factors)
    labels = [one.label_ko if lang == "ko" else one.label for one in factors]
    z = _points(sweep, outcome)[np.asarray(at), lever]
    return heat_map(x, y, z, labels[0], labels[1], _label(outcome, lang), OUTCOMES[outcome].units, lang)


def _in_order(values: pd.Series, factor: Factor) -> Any:
    """Choices in the order of their options, numbers as they are."""
    return pd.Categorical(values, factor.options, ordered=True) if factor.options else np.asarray(values)


def _choice(policies: pd.DataFrame, outcome: str, lang: str) -> Figure:
    from sim.sweep.pictures import choice_picture

    return choice_picture(policies, _label(outcome, lang), OUTCOMES[outcome].units, lang)


def _label(outcome: str, lang: str) -> str:
    return OUTCOMES[outcome].label_ko if lang == "ko" else OUTCOMES[outcome].label


def _first(sweep: Sweep) -> str:
    return (sweep.design.file.answers.outcomes or TOLD)[0]


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


__all__ = ["answer", "by_lever", "discoveries", "pictures", "policy_choice", "sensitivities"]

"""The followed workers as one table: a row a worker and month, codes as readable categories.

The same workers (rows are identities) are followed in every scenario of the same seed, replicate and scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim import economy as economies
from sim.economy import Economy
from sim.programmes import ATTENDING, COMPLETED, DROPPED
from sim.replicate import RunData
from sim.workers import ABSENT, EMPLOYED, NO_CONTRACT, NOBODY, STAGES

TRAINING = ("none", "attending", "completed", "dropped", "left")
COLUMNS = (
    "replicate",
    "worker",
    "month",
    "age",
    "sex",
    "education",
    "region",
    "stage",
    "state",
    "contract",
    "occupation",
    "industry",
    "employer",
    "size_class",
    "tenure_months",
    "ai_skill",
    "exposure",
    "complementarity",
    "wage_krw",
    "programme",
    "training_status",
    "benefit_months_left",
)


def panel_table(runs: Sequence[RunData]) -> pd.DataFrame:
    """One row for every followed worker alive in a month, sorted by replicate, worker and month.

    `occupation`, `industry`, `exposure` and `complementarity` are of the job held or, without one, of the
    last; `contract`, `employer`, `size_class`, `tenure_months` and `wage_krw` (an hour, won of 2025) are
    empty without a job, `employer` and `size_class` also for those who work for themselves; `programme` is
    the one attended. Several scenarios add a first column `scenario`.
    """
    several = len({run.scenario.name for run in runs}) > 1
    tables = []
    for run in runs:
        table = _one_run(run, economies.load(run.scenario.run.economy))
        if several:
            table.insert(0, "scenario", run.scenario.name)
        tables.append(table)
    if not tables:
        return pd.DataFrame(columns=list(COLUMNS))
    whole = pd.concat(tables, ignore_index=True)
    for name in ("scenario", "programme"):  # categories of scenarios may differ
        if name in whole:
            whole[name] = whole[name].astype("category")
    return whole


def write_panel(runs: Sequence[RunData], path: Path) -> None:
    """Write `panel_table` as parquet (zstd)."""
    panel_table(runs).to_parquet(path, index=False, compression="zstd")


def _one_run(run: RunData, economy: Economy) -> pd.DataFrame:
    months, followed = len(run.record.panel), run.panel_rows.size
    raw = {name: np.array([month[name] for month in run.record.panel]) for name in run.record.panel[0]}
    month = np.repeat(np.arange(months), followed)
    worker = np.tile(run.panel_rows, months)
    status = _training_status(run, months)
    here = raw["state"].ravel() != ABSENT
    c = {name: values.ravel()[here] for name, values in raw.items()}
    month, worker, status = month[here], worker[here], status.ravel()[here]
    employed = c["state"] == EMPLOYED
    staff = employed & (c["employer"] >= 0)
    size = run.employer_size[np.maximum(c["employer"], 0)].astype(np.int64)
    start = np.datetime64(run.scenario.run.start.isoformat(), "M")
    codes = economy.codes
    table = pd.DataFrame(
        {
            "replicate": np.full(month.size, run.replicate, dtype=np.int32),
            "worker": worker,
            "month": (start + month).astype("datetime64[s]"),
            "age": ((month - c["birth"].astype(np.int64)) // 12).astype(np.int16),
            "sex": _named(c["sex"], codes["sex"]),
            "education": _named(c["education"], codes["education"]),
            "region": _named(c["region"], codes["region"]),
            "stage": _named(c["stage"], list(STAGES)),
            "state": _named(c["state"].astype(np.int64) - 1, codes["state"]),
            "contract": _named(
                _only(c["contract"], employed & (c["contract"] != NO_CONTRACT)), codes["contract"]
            ),
            "occupation": _named(c["occupation"], economy.labels("occupation")),
            "industry": _named(c["industry"], economy.labels("industry")),
            "employer": pd.array(np.where(staff, c["employer"], 0), dtype="Int64"),
            "size_class": _named(_only(size, staff), codes["size"]),
            "tenure_months": pd.array(np.where(employed, c["spell"], 0), dtype="Int32"),
            "ai_skill": c["skill"],
            "exposure": run.exposure[c["occupation"]].astype(np.float32),
            "complementarity": run.complementarity[c["occupation"]].astype(np.float32),
            "wage_krw": np.where(employed, np.exp(c["wage"]), np.nan).astype(np.float32),
            "programme": _named(_only(c["programme"], c["programme"] != NOBODY), list(run.programmes)),
            "training_status": _named(status, list(TRAINING)),
            "benefit_months_left": c["benefit"],
        }
    )
    table.loc[~staff, "employer"] = pd.NA
    table.loc[~employed, "tenure_months"] = pd.NA
    return table.sort_values(["worker", "month"], kind="stable", ignore_index=True)[list(COLUMNS)]


def _only(values: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Codes where `keep`, -1 (no category) elsewhere."""
    return np.where(keep, values.astype(np.int64), -1)


def _named(values: np.ndarray, names: Sequence[str]) -> Any:
    return pd.Categorical.from_codes(values.astype(np.int64).tolist(), categories=pd.Index(names))


def _training_status(run: RunData, months: int) -> np.ndarray:
    """Place in `TRAINING` of followed workers at month ends (months, workers); the latest course counts."""
    status = np.zeros((months, run.panel_rows.size), dtype=np.int64)
    e = run.enrolments
    mine = np.flatnonzero(np.isin(e.person, run.panel_rows))
    places = {int(row): n for n, row in enumerate(run.panel_rows)}
    ended = {COMPLETED: "completed", DROPPED: "dropped"}
    for k in mine[np.argsort(e.start[mine], kind="stable")]:
        column = status[:, places[int(e.person[k])]]
        column[int(e.start[k]) :] = TRAINING.index("attending")
        if e.status[k] != ATTENDING:
            column[int(e.end[k]) :] = TRAINING.index(ended.get(int(e.status[k]), "left"))
    return status


__all__ = ["COLUMNS", "panel_table", "write_panel"]

"""A trial inside the run touches its own months and its own losers, and nobody else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.model import LaborMarket
from sim.randomised import LOTTERY, WITHHELD
from sim.scenario import load

FIRST, LAST, MONTHS = 5, 7, 12  # months of the run, counted from 1, in which seats are withheld
LOTTERY_COURSE = """
based_on = "no-training"
[policy.programmes.course]
label_en = "A course with many more applicants than seats"
kind = "course"
stages = ["entry", "transition"]
selection = "lottery"
unit_cost = 1_000_000
months = 1
completion = 1.0
apply = 0.3
awareness = 1.0
skill = 0.5
budget = { 2026 = 500_000_000_000 }
eligibility = { states = ["unemployed"] }
"""
WITHHELD_HERE = (
    "evaluation.withhold.programmes=['course']",
    f"evaluation.withhold.first_month={FIRST}",
    f"evaluation.withhold.last_month={LAST}",
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("window") / "course.toml"
    path.write_text(LOTTERY_COURSE, encoding="utf-8")
    return path


def market(file: Path, *overrides: str) -> LaborMarket:
    return LaborMarket(load(file, overrides=overrides).with_run(scale=1000, months=MONTHS, replicates=1))


def test_before_its_first_month_a_trial_changes_nothing(file: Path) -> None:
    """Losers of the record's own lottery apply again as they would without a trial that is yet to come."""
    plain, trial = market(file), market(file, *WITHHELD_HERE)
    for _ in range(FIRST - 1):
        plain.step()
        trial.step()
    assert (plain.randomised.offered == 0).sum() > 100
    for name in plain.workers._fields:
        assert np.array_equal(getattr(plain.workers, name), getattr(trial.workers, name)), name
    for lots in ("person", "month", "offered"):
        assert np.array_equal(getattr(plain.randomised, lots), getattr(trial.randomised, lots)), lots
    trial.step()
    plain.step()
    assert not np.array_equal(plain.randomised.offered, trial.randomised.offered)


@pytest.mark.parametrize("again", ["all", "others", "none"])
def test_only_losers_of_the_trial_are_kept_from_coming_back(file: Path, again: str) -> None:
    """Losers of the lottery, before the trial's months and after them, may always apply again."""
    model = market(file, *WITHHELD_HERE, f"evaluation.withhold.again='{again}'")
    model.run()
    lots = model.randomised
    first, last = FIRST - 1, LAST - 1
    inside = (lots.month >= first) & (lots.month <= last)
    assert ((lots.design == WITHHELD) == inside).all()

    def came_back(losers: np.ndarray) -> int:
        since = {int(i): int(t) for i, t in zip(lots.person[losers], lots.month[losers], strict=True)}
        later = zip(lots.person.tolist(), lots.month.tolist(), strict=True)
        return sum(t > since.get(i, MONTHS) for i, t in later)

    lost = lots.offered == 0
    ordinary = lost & (lots.design == LOTTERY)
    assert came_back(ordinary & (lots.month < first)) > 0 and came_back(ordinary & (lots.month > last)) > 0
    refused = came_back(lost & inside)
    assert refused > 0 if again == "all" else refused == 0

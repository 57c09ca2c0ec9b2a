"""Signs come out of the rules: who gains by training, who pays for it, and what the number of jobs decides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim import economy
from sim.evaluation.effects import Groups, Observed, PairSums, decompose
from sim.model import LaborMarket
from sim.replicate import simulate
from sim.scenario import load

FIXED_JOBS = (
    "world.scale_effect=0",
    "world.adoption_frozen=true",
    "world.growth='none'",
    "world.substitution=0",
    "world.productivity_gain=0",
)
VALUED = ("world.score_certificate=5", "world.score_skill=5", "world.ai_post_share=1")
COURSE = """
title = "A short course for the unemployed that employers value"
based_on = "no-training"
[policy.programmes.valued]
label_en = "A short course that employers value"
kind = "course"
stages = ["entry", "transition"]
unit_cost = 1_000_000
months = 1
completion = 1.0
apply = 0.5
awareness = 1.0
seats = 1_000_000
skill = 0.9
certificate = true
budget = { 2026 = 600_000_000_000, 2027 = 600_000_000_000 }
[policy.programmes.valued.eligibility]
states = ["unemployed"]
"""


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[PairSums]:
    """A course that exists in a scenario file alone, against the same economy without it; jobs are fixed."""
    path: Path = tmp_path_factory.mktemp("scenario") / "valued.toml"
    path.write_text(COURSE, encoding="utf-8")
    out = []
    for replicate in range(2):
        runs = [
            simulate(
                load(name, overrides=[*FIXED_JOBS, *VALUED, "world.job_creation=0"]).with_run(
                    scale=1000, months=12, replicates=1
                ),
                replicate,
                keep_status=True,
            )
            for name in (str(path), "no-training")
        ]
        groups = Groups.of(economy.load("korea"), runs[0].programmes)
        out.append(decompose(Observed.of(runs[0]), Observed.of(runs[1]), groups))
    return out


def test_a_valued_course_helps_those_who_take_it(pairs: list[PairSums]) -> None:
    """Two months after the start the trained are in work more often, by far more than chance."""
    known, gross, anyway = np.sum([pair.since[2, 0] for pair in pairs], axis=0)
    assert known > 500
    error = np.sqrt(0.5 * known)  # at most: every second outcome changed by chance
    assert gross - anyway > 4 * error


def test_with_fixed_jobs_the_trained_displace_the_others(pairs: list[PairSums]) -> None:
    """psi = 0: what the trained gain the others lose, but for posts that would have stayed empty."""
    for pair in pairs:
        trained, gross, anyway, gains, losses, _ = pair.heads[-1, 0]
        direct, net = gross - anyway, gross - anyway + gains - losses
        assert trained > 100
        assert direct > 20
        assert net < 0.5 * direct


def held(psi: float, searching: float) -> np.ndarray:
    """Jobs held over 30 months when the inactive search `searching` times as much as in the tables."""
    scenario = load("no-training", overrides=[*FIXED_JOBS, f"world.job_creation={psi}"])
    model = LaborMarket(scenario.with_run(scale=1000, months=30, replicates=1))
    model.tables.search_n[...] = np.minimum(model.tables.search_n * searching, 0.9)
    jobs, empty = [], []
    for _ in range(30):
        model.step()
        jobs.append(int(model.posts.held.sum()))
        empty.append(int(np.maximum(0, model.posts.wanted - model.posts.held).sum()))
    return np.array([jobs[12:], empty[12:]]).mean(axis=1)


def test_free_entry_turns_searchers_into_jobs() -> None:
    """More searchers fill posts that stood empty (psi = 0), and create posts the more freely these are opened."""
    gain = {}
    for psi in (0.0, 0.5, 0.9):
        (few, empty), (many, _) = held(psi, 1.0), held(psi, 1.5)
        gain[psi] = many - few
        if psi == 0.0:
            assert 0 < gain[psi] < empty
    assert gain[0.5] > 1.3 * gain[0.0]
    assert gain[0.9] > 2.0 * gain[0.5]

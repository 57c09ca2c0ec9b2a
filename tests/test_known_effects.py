"""Programmes whose effect is known: the account and the trials inside the run say it, within their intervals.

Each answer follows from what the course is: nothing, hours, a place, a certificate, a skill. Runs are small and pooled.
"""

from __future__ import annotations

import importlib
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.evaluation.compare import compare
from sim.evaluation.comparison import Effects
from sim.evaluation.effects import SINCE
from sim.evaluation.experiments import Lots, contrast
from sim.model import LaborMarket
from sim.scenario import Scenario, load

SCALE = 1000
NO_FADING = "world.skill_decay=0"  # else a course that teaches nothing lets what people knew before fade
FIXED_JOBS = (
    "world.scale_effect=0",
    "world.adoption_frozen=true",
    "world.growth='none'",
    "world.substitution=0",
    "world.productivity_gain=0",
    "world.job_creation=0",
)
COURSE = """
based_on = "no-training"
[policy.programmes.{id}]
label_en = "A course with a known effect"
kind = "course"
stages = ["entry", "transition"]
unit_cost = 1_000_000
months = {months}
full_time = {full_time}
completion = 1.0
apply = 0.3
awareness = 1.0
skill = {skill}
certificate = {certificate}
budget = {{ 2026 = {money} }}
eligibility = {{ states = ["unemployed"] }}
[evaluation.withhold]
programmes = [{withheld}]
again = "{again}"
last_month = 4
"""
DEFAULTS = {"months": 1, "full_time": "false", "skill": 0.0, "certificate": "false", "money": 500_000_000_000}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tmp_path_factory.mktemp("courses"))


def course(
    folder: Path, name: str, *world: str, trial: bool = False, again: str = "others", **facts: Any
) -> Scenario:
    """A scenario `name` with one course, `magic` or `plain`."""
    id = "magic" if name == "magic" else "plain"
    withheld = f'"{id}"' if trial else ""
    text = COURSE.format(**DEFAULTS | facts, id=id, withheld=withheld, again=again)
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, overrides=world)


def against_nothing(world: tuple[str, ...], *others: Scenario, months: int, replicates: int) -> Effects:
    """The scenarios against no training in the same world."""
    base = load("no-training", overrides=world)
    return compare(base, *others, scale=SCALE, months=months, replicates=replicates)


def counted(effects: Effects, scenario: str) -> tuple[np.ndarray, np.ndarray]:
    """Direct effect and net jobs, agents by replicate and month."""
    heads = effects.paired.heads.sel(scenario=scenario, group="all:all") // SCALE
    direct = (heads.sel(account="gross") - heads.sel(account="deadweight")).values
    return direct, direct + (heads.sel(account="gains") - heads.sel(account="losses")).values


def since_start(effects: Effects, scenario: str) -> np.ndarray:
    """Known, in work, in work anyway by months since the start, agents of all replicates."""
    known = {"clock": "start", "definition": "official", "count": list(SINCE)}
    since = effects.paired.followed.sel(scenario=scenario, group="all:all", **known)
    return np.asarray(since.sum("replicate").values // SCALE)


@pytest.fixture
def magic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Completers of the course `magic` who are not at work win a vacancy of the same month, whoever else applies."""
    train, search = (importlib.import_module(f"sim.phases.{phase}") for phase in ("train", "search"))
    complete, apply = train.complete, search.apply
    graduates: list[int] = []

    def completed(model: LaborMarket, done: np.ndarray) -> None:
        complete(model, done)
        ids = np.array(model.programme_ids)[model.enrolments.programme[done]]
        graduates[:] = model.enrolments.person[done][ids == "magic"].tolist()

    def placed(model: LaborMarket, sent: np.ndarray) -> Any:
        state = model.workers.state
        mine = np.array(sorted(i for i in graduates if state[i] in (2, 3)), dtype=np.uint32)
        graduates.clear()
        made = apply(model, sent)
        new = np.setdiff1d(mine, made.worker)  # those who would not have applied
        at = np.searchsorted(made.worker, new)
        made = type(made)(*map(np.insert, made, (at,) * 4, (new, 0, -1, 0.0)))
        first = np.searchsorted(made.worker, mine)[: model.advertised]
        made.vacancy[first], made.score[first] = np.arange(first.size), 1e9
        return made

    monkeypatch.setattr(train, "complete", completed)
    monkeypatch.setattr(search, "apply", placed)


# ------------------------------------------------------------------------------------------------ nothing, hours


@pytest.fixture(scope="module")
def nothing_and_hours(folder: Path) -> Effects:
    """A course that is nothing, and the same for three months in full time."""
    empty = course(folder, "empty", NO_FADING)
    hours = course(folder, "hours", NO_FADING, full_time="true", months=3)
    return against_nothing((NO_FADING,), empty, hours, months=16, replicates=3)


def test_a_course_that_is_nothing_changes_nobody(nothing_and_hours: Effects) -> None:
    heads = nothing_and_hours.paired.heads.sel(scenario="empty")
    assert heads.sel(account="trained", group="all:all").isel(month=-1).sum() > 500 * SCALE
    assert (heads.sel(account="gross") == heads.sel(account="deadweight")).all()
    assert not heads.sel(account=["gains", "losses", "forgone"]).any()
    market = nothing_and_hours.results.market
    for name in ("employed", "unemployed", "hires", "wages", "output", "skill", "vacancies"):
        assert (market[name].sel(scenario="empty") == market[name].sel(scenario="no-training")).all(), name


def test_a_course_of_hours_alone_locks_in_while_it_lasts(nothing_and_hours: Effects) -> None:
    known, gross, anyway = since_start(nothing_and_hours, "hours").T
    effect = (gross - anyway) / np.maximum(known, 1)
    noise = np.sqrt(np.maximum(gross + anyway, 1)) / np.maximum(known, 1)  # as if all changes were by chance
    assert (gross[:3] == 0).all() and (anyway[:3] > 0).all()  # nobody in the course looks for work
    assert (effect[3:5] < 0).all()
    assert effect[2] < -0.2
    assert all(abs(effect[k]) < 3 * noise[k] and abs(effect[k]) < 0.2 * abs(effect[2]) for k in (9, 12))


# ------------------------------------------------------------------------------------------------- places by magic


def test_magic_places_all_and_takes_the_places_of_others(folder: Path, magic: None) -> None:
    """With a fixed number of jobs: direct = 1 - comparison, and what the placed gain the others lose."""
    effects = against_nothing(FIXED_JOBS, course(folder, "magic", *FIXED_JOBS), months=12, replicates=3)
    known, gross, anyway = since_start(effects, "magic")[1]
    assert known > 500
    assert gross >= 0.99 * known  # but for a few whom an own account or the end of a life takes elsewhere
    assert abs((gross - anyway) / known - (1 - anyway / known)) < 0.01
    direct, net = counted(effects, "magic")
    assert (direct[:, 1] > 0).all() and direct.sum() > 500
    assert abs(net.sum()) < 0.3 * direct.sum()
    accounts = effects.accounts.sel(scenario="magic")
    assert (accounts.net == accounts.direct - accounts.substitution - accounts.displacement).all()


def test_with_fixed_jobs_more_in_work_are_fewer_empty_posts(folder: Path, magic: None) -> None:
    """psi = 0: employers want the same posts, and to the head the change in employment is that of empty posts, with its
    sign turned, but for own accounts and for posts held above what is wanted."""
    runs = [
        LaborMarket(one.with_run(scale=SCALE, months=12, replicates=1))
        for one in (load("no-training", overrides=FIXED_JOBS), course(folder, "magic", *FIXED_JOBS))
    ]
    moved = 0
    for _ in range(12):
        held = []
        for model in runs:
            model.step()
            w, posts = model.workers, model.posts
            over = posts.held.astype(np.int64) - posts.wanted
            at_work = w.state == 1
            held.append(
                [at_work.sum(), (at_work & (w.job < 0)).sum(), over.clip(0).sum(), (-over).clip(0).sum()]
            )
        assert (runs[0].posts.wanted == runs[1].posts.wanted).all()
        jobs, own, above, empty = np.subtract(held[1], held[0])
        assert jobs == own + above - empty
        moved += abs(jobs)
    assert moved > 0


# ---------------------------------------------------------------------------------------------- a signal, a skill


def test_a_signal_only_moves_jobs_and_a_skill_makes_some(folder: Path) -> None:
    """Courses that help their own as much: employers who meet better skilled hires open posts, a certificate opens
    none (model.md, post: chi)."""
    world = (
        *("world.scale_effect=0", "world.growth='none'", "world.substitution=0", "world.productivity_gain=0"),
        *(
            "world.job_creation=0.9",
            "world.hiring_quality=1.5",
            "world.ai_post_share=1",
            "world.adoption='high'",
        ),
        *("world.score_certificate=1", "world.score_skill=5"),
    )
    money = 2_000_000_000_000
    signal = course(folder, "signal", *world, certificate="true", money=money)
    skill = course(folder, "skill", *world, skill=0.9, money=money)
    effects = against_nothing(world, signal, skill, months=20, replicates=3)
    (moved, no_jobs), (earned, jobs) = (
        (direct[:, 3:].sum(), net[:, 3:].sum())
        for direct, net in (counted(effects, name) for name in ("signal", "skill"))
    )
    assert moved > 1000 and 0.6 < earned / moved < 1.6
    assert no_jobs < 0.25 * moved
    assert jobs > 0.5 * earned


# -------------------------------------------------------------------------------------------- trials and the truth

REPEATED = 20


def band(n: int, p: float, tail: float = 0.005) -> tuple[int, int]:
    """The least and the most of n that a chance p explains, but for a `tail` at either end."""
    below = np.cumsum([comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)])
    return int(np.searchsorted(below, tail)), int(np.searchsorted(below, 1 - tail))


@pytest.fixture(scope="module")
def trials(folder: Path) -> Effects:
    """Seats of a course that is nothing and of one that places by magic, half of them withheld; losers of the second
    may apply again, so that some enrol after all."""
    patch = pytest.MonkeyPatch()
    magic.__wrapped__(patch)  # type: ignore[attr-defined]
    money = 2_000_000_000_000
    try:
        return against_nothing(
            (NO_FADING,),
            course(folder, "empty", NO_FADING, trial=True, money=money),
            course(folder, "magic", NO_FADING, trial=True, again="all", money=money),
            months=7,
            replicates=REPEATED,
        )
    finally:
        patch.undo()


def by_replicate(effects: Effects, scenario: str) -> list[Lots]:
    table = effects.results.tree["trials"].to_dataset()
    mine = table.scenario_code.values == effects.results.scenarios.index(scenario)
    return [Lots(table, mine & (table.replicate_code.values == r)) for r in range(effects.replicates)]


@pytest.mark.parametrize("scenario", ["empty", "magic"])
@pytest.mark.parametrize("wald", [False, True])
def test_intervals_of_trials_cover_the_paired_truth(trials: Effects, scenario: str, wald: bool) -> None:
    """Three months after the lot, of so many trials as many as 90% intervals should cover."""
    covered = 0
    for lots in by_replicate(trials, scenario):
        known = (lots.employed[:, 0, 0] >= 0) & (lots.anyway[:, 0] >= 0)
        assert known.sum() > 500
        took = lots.by(lots.enrolled, 0)[known].astype(float) if wald else None
        at_work = lots.employed[known, 0, 0].astype(float)
        where = lots.offered[known], lots.stratum[known], lots.cluster[known], took
        truth = contrast(at_work - lots.anyway[known, 0], *where)
        _, low, high = contrast(at_work, *where).ends()
        covered += low <= truth.value <= high
        assert scenario == "magic" or truth.value == 0.0
    least, most = band(REPEATED, 0.9)
    assert least <= covered <= most


def test_trials_report_what_paired_runs_say(trials: Effects) -> None:
    """All replicates together: the trial's interval holds the difference of both effects; who may come back enrols
    later, so that an offer does less than the course."""
    found = trials.trials()
    found = found[found.horizon_months == 3].set_index(["scenario", "outcome"])
    for scenario in ("empty", "magic"):
        itt = found.loc[scenario, "trial: offered less not offered"]
        truth = found.loc[scenario, "paired: the first less the second"]
        assert itt["low"] < truth["mean"] < itt["high"]
    late = found.loc["magic", "trial: not offered, enrolled later"]["mean"]
    assert late > 5 and found.loc["empty", "trial: not offered, enrolled later"]["mean"] == 0
    offer = found.loc["magic", "trial: offered less not offered"]["mean"]
    assert found.loc["magic", "trial: effect on those an offer enrols (Wald)"]["mean"] > offer > 5
    assert found.loc["magic", "paired: effect on the offered"]["mean"] > offer  # the losers have some of it
    for effect in ("paired: effect on the offered", "paired: effect on the not offered"):
        assert found.loc["empty", effect][["mean", "low", "high"]].tolist() == [0.0, 0.0, 0.0]


# ------------------------------------------------------------------------------------- a change that reaches nobody


def leavings(scenario: Scenario) -> dict[str, bytes]:
    """What a run leaves, but for the money it was given."""
    model = LaborMarket(scenario.with_run(scale=SCALE, months=24, replicates=1)).run()
    record, lasting = model.record, ("workers", "employers", "posts")
    columns = {
        f"{owner}.{n}": getattr(getattr(model, owner), n)
        for owner in lasting
        for n in getattr(model, owner)._fields
    }
    kept = columns | {"sums": record.sums, "flows": record.flows, "spent": model.ledger.books[1:].sum(axis=1)}
    return {name: np.ascontiguousarray(array).tobytes() for name, array in kept.items()}


def test_money_and_seats_below_one_seat_change_no_byte(folder: Path) -> None:
    """An agent's seat costs 1 billion won here. Money is released by twelfths and carried over: 0.3 of a seat more in a
    year never makes one; nor does a programme, or a number of places, of less than one."""
    none = load("no-training")
    plain = course(folder, "plain", certificate="true")
    given = leavings(plain)
    key = "policy.programmes.plain"
    assert given != leavings(none)
    assert given == leavings(load(folder / "plain.toml", overrides=[f"{key}.budget.2026=500_300_000_000"]))
    assert given != leavings(load(folder / "plain.toml", overrides=[f"{key}.budget.2026=501_000_000_000"]))
    tiny = course(folder, "tiny", certificate="true", money=900_000_000)
    assert leavings(tiny) == leavings(none)
    places = [
        leavings(load(folder / "plain.toml", overrides=[f"{key}.seats={n}"]))
        for n in (400_000, 400_100, 401_000)
    ]
    assert places[0] == places[1] != places[2]

"""Effects: counted by hand, by brute force, and between real runs that share their draws."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from sim.errors import InputError
from sim.evaluation import compare as comparing
from sim.evaluation.comparison import EFFECTS, Effects
from sim.evaluation.effects import ACCOUNTS, Groups, Observed, PairSums, decompose
from sim.evaluation.show import tables
from sim.programmes import HORIZONS
from sim.replicate import simulate
from sim.scenario import Scenario, load
from sim.variables import REVENUE

GROUPS = Groups(
    {"all": ("all",), "stage": ("entry", "active"), "sex": ("male", "female"), "programme": ("long", "short")}
)
Course = tuple[int, int, int, int]  # person, programme, month of start, stage at enrolment


def observed(
    employed: Sequence[Sequence[int]],
    employer: dict[int, Sequence[int]],
    hirers: dict[int, Sequence[int]],
    courses: Sequence[Course] = (),
    stage: Sequence[int] | None = None,
    sex: Sequence[int] | None = None,
) -> Observed:
    """A run written out: rows of 0 and 1 by month, employers at year-ends, employers that hired a trainee."""
    n = len(employed[0])
    person, programme, start, at = np.array(courses, dtype=np.int64).reshape(-1, 4).T
    return Observed(
        employed=np.packbits(np.array(employed, dtype=bool), axis=1),
        unemployed=np.packbits(~np.array(employed, dtype=bool), axis=1),
        employer={t: np.array(row, dtype=np.int32) for t, row in employer.items()},
        hired_by={t: np.packbits(np.array(row, dtype=bool)) for t, row in hirers.items()},
        person=person,
        programme=programme,
        start=start,
        stage=at,
        people={"stage": np.array(stage or [0] * n), "sex": np.array(sex or [0] * n)},
        programmes=GROUPS.dimensions["programme"],
    )


def heads(pair: PairSums, month: int, group: str = "all:all") -> dict[str, int]:
    """Every account of one month and group, derived as the results derive them (month must be a year-end)."""
    place = [f"{d}:{c}" for d, c in pair.groups.labels].index(group)
    out = {name: int(pair.heads[month, place, k]) for k, name in enumerate(ACCOUNTS)}
    gains, losses = (int(x) for x in pair.at_hirers[pair.horizons.index(month + 1), place])
    out["direct"] = out["gross"] - out["deadweight"]
    out["spillover"] = out["gains"] - out["losses"]
    out["substitution"] = losses - gains
    out["displacement"] = -out["spillover"] - out["substitution"]
    out["net"] = out["direct"] - out["substitution"] - out["displacement"]
    return out


# -- by hand -------------------------------------------------------------------------------------------

# Persons 0 to 9, two months. Employer 0 has hired a trainee under the policy by month 1, employer 1 has not.
#   0  trained at once, finds work at employer 0 because of it          direct +1
#   1  trained at once, is at employer 1 in any case                    deadweight
#   2  trained from month 1, loses work to the course (lock-in)         direct -1, in month 0 not yet trained
#   3  untrained, would be at employer 0, is without work               substitution +1
#   4  untrained, would be at employer 0, is at employer 1              no change of state: nothing
#   5  untrained, would be at employer 1, is without work               displacement +1
#   6  untrained, for herself without work, works at employer 0         substitution -1 (a gain there)
#   7  untrained, for himself without work, works on own account        displacement -1
#   8  trained in both runs, at employer 0 only in the comparison       not of the policy: displacement +1
#   9  trained by the comparison only, who has work only there (0)      untrained: substitution +1
STAGE = [0, 1, 1, 0, 0, 0, 0, 0, 1, 0]
SEX = [0, 1, 0, 1, 0, 1, 1, 0, 0, 1]
POLICY = observed(
    [[0, 1, 1, 1, 1, 1, 0, 0, 1, 1], [1, 1, 0, 0, 1, 0, 1, 1, 0, 0]],
    {1: [0, 1, -1, -1, 1, -1, 0, -1, -1, -1]},
    {1: [1, 0]},
    [(0, 0, 0, 0), (1, 1, 0, 1), (8, 0, 0, 1), (2, 1, 1, 1)],
    STAGE,
    SEX,
)
COMPARISON = observed(
    [[0, 1, 1, 1, 1, 1, 0, 0, 1, 1], [0, 1, 1, 1, 1, 1, 0, 0, 1, 1]],
    {1: [-1, 1, 1, 0, 0, 1, -1, -1, 0, 0]},
    {1: [1, 1]},
    [(8, 0, 0, 1), (9, 1, 0, 0)],
    STAGE,
    SEX,
)


def test_ten_people_counted_by_hand() -> None:
    found = heads(decompose(POLICY, COMPARISON, GROUPS), 1)
    assert found == {
        "trained": 3,
        "gross": 2,  # 0 and 1
        "deadweight": 2,  # 1 and 2
        "direct": 0,
        "gains": 2,  # 6 and 7
        "losses": 4,  # 3, 5, 8 and 9
        "forgone": 1,
        "spillover": -2,
        "substitution": 1,  # 3 and 9, less 6
        "displacement": 1,  # 5 and 8, less 7
        "net": -2,  # 5 in work instead of 7
    }


def test_nobody_counts_as_trained_before_the_start() -> None:
    pair = decompose(POLICY, COMPARISON, GROUPS)
    assert pair.heads[0, 0].tolist() == [2, 1, 1, 0, 0, 1]
    assert pair.horizons == (2,)


def test_groups_by_hand() -> None:
    pair = decompose(POLICY, COMPARISON, GROUPS)
    entry, active = heads(pair, 1, "stage:entry"), heads(pair, 1, "stage:active")
    assert (entry["trained"], entry["gross"], entry["deadweight"]) == (1, 1, 0)
    assert (active["trained"], active["gross"], active["deadweight"], active["losses"]) == (2, 1, 2, 1)
    assert (heads(pair, 1, "sex:female")["net"], heads(pair, 1, "sex:male")["net"]) == (-2, 0)
    short = heads(pair, 1, "programme:short")
    assert (short["trained"], short["direct"], short["spillover"]) == (2, -1, 0)


def test_stage_of_the_trained_is_that_at_enrolment() -> None:
    later = replace(POLICY, stage=np.array([1, 1, 1, 1]))  # 0 was entry at the start, enrols as active
    pair = decompose(later, COMPARISON, GROUPS)
    assert heads(pair, 1, "stage:entry")["trained"] == 0
    assert heads(pair, 1, "stage:active")["trained"] == 3


def test_months_count_from_the_start_of_each_course() -> None:
    since = decompose(POLICY, COMPARISON, GROUPS).since[:, 0]
    assert since[0].tolist() == [3, 1, 2]  # 0 and 1 in month 0, 2 in month 1
    assert since[1].tolist() == [2, 2, 1]  # 2 is not followed that far


def test_who_is_trained_in_both_runs_later_on_leaves_the_trained() -> None:
    late = replace(
        COMPARISON,
        person=np.array([8, 9, 0]),
        programme=np.array([0, 1, 0]),
        start=np.array([0, 0, 1]),
        stage=np.array([1, 0, 0]),
    )
    pair = decompose(POLICY, late, GROUPS)
    assert heads(pair, 1)["trained"] == 2
    assert pair.heads[0, 0, 0] == 2
    assert pair.since[1, 0].tolist() == [1, 1, 1]
    assert heads(pair, 1)["net"] == -2


def test_a_run_against_itself_changes_nothing() -> None:
    pair = decompose(POLICY, POLICY, GROUPS)
    assert not pair.heads.any() and not pair.at_hirers.any() and not pair.since.any()


def test_runs_of_different_people_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="same people"):
        decompose(POLICY, replace(COMPARISON, employed=COMPARISON.employed[:1]), GROUPS)
    with pytest.raises(ValueError, match="same people"):
        decompose(POLICY, replace(COMPARISON, people={"stage": np.zeros(11), "sex": np.zeros(11)}), GROUPS)


# -- by brute force ------------------------------------------------------------------------------------


def random_run(rng: np.random.Generator, people: dict[str, np.ndarray], months: int) -> Observed:
    """Any run at all of these people, with 20 employers."""
    n = people["stage"].size
    work = rng.random((months, n)) < 0.6
    ends = [t for t in range(months) if (t + 1) % 3 == 0 or t == months - 1]
    courses = int(rng.integers(0, n))
    start = np.sort(rng.integers(0, months, courses))
    return Observed(
        employed=np.packbits(work, axis=1),
        unemployed=np.packbits(~work & (rng.random(work.shape) < 0.5), axis=1),
        employer={t: np.where(work[t], rng.integers(-1, 20, n), -1) for t in ends},
        hired_by={t: np.packbits(rng.random(20) < 0.4) for t in ends},
        person=rng.integers(0, n, courses),
        programme=rng.integers(0, 2, courses),
        start=start,
        stage=rng.integers(0, 2, courses),
        people=people,
        programmes=GROUPS.dimensions["programme"],
    )


@pytest.mark.parametrize("seed", range(8))
def test_every_account_equals_a_plain_count(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, months = int(rng.integers(3, 90)), 7
    people = {"stage": rng.integers(0, 2, n), "sex": rng.integers(0, 2, n)}
    policy, base = random_run(rng, people, months), random_run(rng, people, months)
    pair = decompose(policy, base, GROUPS)
    for t in policy.employer:
        found, plain = heads(pair, t), plain_count(policy, base, t)
        assert {name: found[name] for name in plain} == plain
        work_p, work_c = (np.unpackbits(run.employed[t], count=n).sum(dtype=int) for run in (policy, base))
        assert found["net"] == found["direct"] + found["spillover"] == work_p - work_c
    dimension = [d for d, _ in GROUPS.labels]
    for name in ("stage", "sex"):
        places = [k for k, d in enumerate(dimension) if d == name]
        assert np.array_equal(pair.heads[:, places].sum(axis=1), pair.heads[:, 0])
        assert np.array_equal(pair.at_hirers[:, places].sum(axis=1), pair.at_hirers[:, 0])
        assert np.array_equal(pair.since[:, places].sum(axis=1), pair.since[:, 0])
    courses = [k for k, d in enumerate(dimension) if d == "programme"]
    assert np.array_equal(pair.heads[:, courses, :3].sum(axis=1), pair.heads[:, 0, :3])
    back = decompose(base, policy, GROUPS)
    assert all(heads(back, t)["net"] == -heads(pair, t)["net"] for t in policy.employer)


def plain_count(policy: Observed, base: Observed, t: int) -> dict[str, int]:
    """The definitions of model.md section 6, one person after the other."""
    n = policy.size
    work_p, work_c = (np.unpackbits(run.employed[t], count=n) for run in (policy, base))
    hirers = np.unpackbits(policy.hired_by[t])
    taught_p, taught_c = ({int(i) for i in r.person[r.start <= t]} for r in (policy, base))
    before = {
        int(i): max(int(s) - 1, 0) for i, s in zip(policy.person[::-1], policy.start[::-1], strict=True)
    }
    state = [
        [np.unpackbits(kept, axis=1) for kept in (run.employed, run.unemployed)] for run in (policy, base)
    ]
    first = {int(i): int(s) for i, s in zip(policy.person[::-1], policy.start[::-1], strict=True)}
    alike = {
        i
        for i, m in before.items()
        if first[i] == 0 or all(a[m, i] == b[m, i] for a, b in zip(*state, strict=True))
    }
    out = dict.fromkeys(("trained", "gross", "deadweight", "substitution", "displacement"), 0)
    for i in range(n):
        now, then = int(work_p[i]), int(work_c[i])
        if i in taught_p and i not in taught_c and i in alike:
            out["trained"] += 1
            out["gross"] += now
            out["deadweight"] += then
        elif now != then:
            employer = int((policy if now else base).employer[t][i])
            at_hirer = i not in taught_p and employer >= 0 and hirers[employer] == 1
            out["substitution" if at_hirer else "displacement"] += then - now
    return out


# -- real runs -----------------------------------------------------------------------------------------

RUN = ["run.scale=1000", "run.months=13", "run.replicates=2"]


def scenarios() -> list[Scenario]:
    base = load("no-training", overrides=RUN)
    same = base.model_copy(update={"name": "same"})
    return [base, same, load("roadmap", overrides=RUN)]


@pytest.fixture(scope="module")
def effects() -> Effects:
    """no-training against itself under another name, and against the roadmap."""
    return comparing.compare(*scenarios())


def test_the_same_scenario_changes_exactly_nothing(effects: Effects) -> None:
    same = effects.tidy()
    same = same[
        (same.scenario == "same")
        & ~same.outcome.str.contains("treated|won per|before|after|over|marginal value")
    ]
    assert len(same) > 500
    assert (same[["mean", "low", "high"]] == 0.0).all(axis=None)


def test_accounts_add_up_to_the_difference_in_employment(effects: Effects) -> None:
    accounts, months = effects.accounts, effects.in_months
    assert (accounts.direct == accounts.gross - accounts.deadweight).all()
    assert (accounts.net == accounts.direct - accounts.substitution - accounts.displacement).all()
    assert (months.net == months.direct + months.spillover).all()
    assert accounts.net.sel(scenario="roadmap").any()
    employed = effects.results.market["employed"]
    change = employed.sel(scenario=effects.scenarios) - employed.sel(scenario=effects.base, drop=True)
    everyone = {"group": "all:all"}
    for h in effects.horizons:
        net = accounts.net.sel(everyone | {"horizon": h})
        assert np.array_equal(net.values, change.isel(month=h - 1).values)
        total = months.net.sel(everyone | {"horizon": h})
        assert np.array_equal(total.values, change.isel(month=slice(h)).sum("month").values)


@pytest.mark.parametrize("by", ["sex", "region"])
def test_net_by_group_equals_the_difference_of_the_monthly_sums(effects: Effects, by: str) -> None:
    paired, summed = effects.net("employed", by), effects._states("employed", by)
    key = ["scenario", "category", "horizon_months"]
    both = paired.merge(summed, on=key, suffixes=("", "_summed"))
    assert len(both) == len(summed)
    numbers = both[both["mean"].notna()]
    assert len(numbers) and (numbers["mean"] == numbers["mean_summed"]).all()


def test_groups_add_up(effects: Effects) -> None:
    accounts = effects.accounts
    total = accounts.sel(group="all:all")
    for by in ("stage", "age", "sex", "education", "region"):
        parts = accounts.isel(group=np.flatnonzero(accounts.dimension.values == by)).sum("group")
        assert all((parts[name] == total[name]).all() for name in EFFECTS)
    parts = accounts.isel(group=np.flatnonzero(accounts.dimension.values == "programme")).sum("group")
    assert all((parts[name] == total[name]).all() for name in ("trained", "gross", "deadweight", "direct"))


def test_trained_are_the_people_enrolled_when_nobody_is_without_the_policy(effects: Effects) -> None:
    trained = effects.paired.heads.sel(scenario="roadmap", group="all:all", account="trained")
    enrolled = effects.results.programmes["enrolled"].sel(scenario="roadmap").sum("programme").cumsum("month")
    assert (trained <= enrolled).all() and (
        trained > 0.5 * enrolled
    ).all()  # some enrol twice, some had been moved before
    assert not effects.paired.heads.sel(account="forgone").any()


def test_months_since_the_start_are_those_of_the_memory_of_courses() -> None:
    """The engine notes who is in work 3 months after the start; the bits kept of everyone say the same."""
    run = simulate(load("roadmap", overrides=RUN).with_run(months=8), keep_status=True)
    courses, three = run.enrolments, HORIZONS.index(3)
    noted = courses.placed[:, 0, 0, three]
    known = np.flatnonzero(noted >= 0)
    work = np.stack([np.unpackbits(month) for month in run.record.employed])
    assert known.size > 30
    assert np.array_equal(work[courses.start[known] + 3, courses.person[known]], noted[known])


def test_estimates_on_few_agents_have_no_number(effects: Effects) -> None:
    found = effects.direct("region")
    few = found[found.unit == "too few (persons)"]
    assert len(few) and few[["mean", "low", "high"]].isna().all(axis=None)
    rest = found[found.unit == "persons"]
    assert rest["mean"].notna().all()


def test_money_closes_to_the_won(effects: Effects) -> None:
    books = effects.money()
    assert (books.planned == books.spent + books.unspent).all()
    assert set(books.scenario) == {"no-training", "same", "roadmap"}
    costs = effects.cost().set_index(["scenario", "outcome"])
    spent = books.assign(all=books.spent + books.allowance).groupby("scenario")["all"].sum()
    assert costs.loc[("roadmap", "additional money spent"), "mean"] == spent["roadmap"] - spent["no-training"]
    assert costs.loc[("same", "additional money spent"), "mean"] == 0


def test_net_cost_is_what_is_paid_less_what_comes_back(effects: Effects) -> None:
    """Programmes and benefits, less tax and contributions at the economy's rates on the pay of employees."""
    costs = effects.cost().set_index(["scenario", "outcome"])["mean"]
    mine, market = costs["roadmap"], effects.results.market.sums
    paid = mine["additional money spent"] + mine["additional benefits"]
    assert mine["additional net cost"] == paid - mine["additional tax and contributions"]
    assert costs["same"]["additional net cost"] == 0
    wages = market.wages.sum("month").mean("replicate")
    extra = float(wages.sel(scenario="roadmap") - wages.sel(scenario=effects.base))
    rate = sum(float(market[name].sum() / market.wages.sum()) for name in REVENUE)
    assert mine["additional tax and contributions"] == pytest.approx(extra * rate, rel=1e-4)


def test_effects_of_unknown_outcomes_are_refused(effects: Effects) -> None:
    with pytest.raises(InputError, match='did you mean "unemployed"'):
        effects.net("unemploied")
    with pytest.raises(InputError, match="unknown dimension"):
        effects.net("employed", by="planet")
    with pytest.raises(InputError, match="unknown dimension"):
        effects.net("unemployed", by="planet")
    with pytest.raises(InputError, match="is not known by"):
        effects.net("output", by="sex")
    assert list(effects.net("output").horizon_months.unique()) == effects.horizons


def test_tables_are_printed_and_add_up(effects: Effects) -> None:
    from rich.console import Console

    console = Console(width=200, file=io.StringIO(), record=True)
    for table in tables(effects):
        console.print(table)
    text = console.export_text()
    assert "roadmap against no-training" in text and "net jobs" in text and "of the goal of 1,000,000" in text
    table = effects.table()["roadmap"]["mean"]
    assert table["net"] == table["direct"] - table["substitution"] - table["displacement"]

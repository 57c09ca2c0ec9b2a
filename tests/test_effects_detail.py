"""Behind the account: whose jobs they were, where the trained stand from either clock, and gaps before and after."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from sim.errors import InputError
from sim.evaluation import compare as comparing
from sim.evaluation import detail
from sim.evaluation.breakdown import GAINED, GAPS, GINI, INCOME, LOST, OTHERS, PAY, RATE
from sim.evaluation.comparison import Effects
from sim.evaluation.detail import CLOCKS, DEFINITIONS, FOLLOWED
from sim.evaluation.effects import Groups, Observed, decompose
from sim.evaluation.incomes import inequality, unequal
from sim.evaluation.show import details
from sim.incomes import Incomes
from sim.programmes import HORIZONS
from sim.record import STATES
from sim.replicate import simulate
from sim.scenario import load

RUN = ["run.scale=1000", "run.months=14", "run.replicates=2"]
WORK = ("occupation", "size", "industry")
KEPT = ("placed", "kept", "at_work")


@pytest.fixture(scope="module")
def effects() -> Effects:
    """no-training against itself under another name, and against the roadmap."""
    base = load("no-training", overrides=RUN)
    same = base.model_copy(update={"name": "same"})
    return comparing.compare(base, same, load("roadmap", overrides=RUN))


# -- by hand -------------------------------------------------------------------------------------------

# Three people, five months, one course of two months from month 1 (person 0, in occupation 1 when enrolled).
#   0  in work under the policy from month 2 (insured from month 3), in the comparison in months 0 and 4 (insured)
#   1  has a job of occupation 0 under the policy only;  2  has one of occupation 1 in the comparison only
POLICY_WORK = [[0, 0, 0], [0, 0, 1], [1, 1, 0], [1, 1, 0], [1, 1, 0]]
BASE_WORK = [[0, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1], [1, 0, 1]]
HAND = Groups(
    {"all": ("all",), "exposure": ("low", "high"), "programme": ("course",)}, {"occupation": ("0", "1")}
)


def written(work: list[list[int]], insured: list[list[int]], courses: int, pay: list[int]) -> Observed:
    """A run of the three, with one snapshot of workplaces and pay in month 4."""
    bits = np.packbits(np.array(work, dtype=bool), axis=1)
    idle = np.packbits(~np.array(work, dtype=bool), axis=1)
    rows = np.zeros(courses, dtype=np.int64)
    return Observed(
        bits,
        idle,
        {4: np.array([-1, -1, -1])},
        {4: np.packbits(np.zeros(3, dtype=bool))},
        rows,
        rows,
        rows + 1,
        rows,
        {"stage": np.zeros(3, dtype=np.int64)},
        ("course",),
        insured=np.packbits(np.array(insured, dtype=bool), axis=1),
        work_at={4: {"occupation": np.array([0, 0, 1])}},
        occupation={4: np.array([0, 0, 1])},
        pay={4: np.array(pay)},
        trade=rows + 1,
        exposure=np.array([0, 1]),
        length=np.array([2]),
    )


def by_hand() -> tuple[Observed, Observed]:
    late = [row if t > 2 else [0, 0, 0] for t, row in enumerate(POLICY_WORK)]
    return written(POLICY_WORK, late, 1, [2000, 1500, 0]), written(BASE_WORK, BASE_WORK, 0, [900, 0, 1100])


def test_three_people_counted_by_hand_from_both_clocks() -> None:
    pair = decompose(*by_hand(), HAND)
    start, end = pair.followed[0], pair.followed[1]
    # known, in work, anyway, months in work after month 0 of the clock, anyway
    assert start[0, :, 0].tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 1, 0],
        [1, 1, 0, 2, 0],
        [1, 1, 1, 3, 1],
        [0, 0, 0, 0, 0],
    ]
    assert start[1, :4, 0].tolist() == [[1, 0, 0, 0, 0], [1, 0, 0, 0, 0], [1, 1, 0, 1, 0], [1, 1, 1, 2, 1]]
    assert end[0, :3, 0].tolist() == [[1, 1, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]]
    exposed = [f"{d}:{c}" for d, c in HAND.labels].index("exposure:high")
    assert np.array_equal(pair.followed[..., exposed, :], pair.followed[..., 0, :])


def test_pay_and_occupation_by_hand() -> None:
    pair = decompose(*by_hand(), HAND)
    three = HORIZONS.index(3)
    assert pair.earnings[0, three, 0].tolist() == [
        1,
        2000,
        900,
        1,
        1,
        1,
        1,
    ]  # month 4, in occupation 0 and not 1
    assert not pair.earnings[1].any()  # month 6 is not lived
    assert pair.wages[0, 0].tolist() == [3500, 2, 2000, 2]


def test_a_job_is_traced_to_where_it_is_worked() -> None:
    pair = decompose(*by_hand(), HAND)
    assert HAND.workplaces.labels == [("all", "all"), ("occupation", "0"), ("occupation", "1")]
    assert pair.trace[0].tolist() == [[1, 1], [1, 0], [0, 1]]


def test_the_clock_of_completion_is_that_of_the_start_for_a_course_of_no_months() -> None:
    policy, base = by_hand()
    pair = decompose(replace(policy, length=np.array([0])), base, HAND)
    assert np.array_equal(pair.followed[0], pair.followed[1])
    assert np.array_equal(pair.earnings[0], pair.earnings[1])


# Five people enrolled in month 0, over 20 months; who is in work, and in which months a job begins.
#   0  works from month 2 on, in one job                             placed, kept 6 and 12 months
#   1  works from month 2 on, moves in month 9                       placed, kept 6, in work after 12
#   2  works in months 1 to 4 and from 12 on                         placed, not kept, out after 6, in work after 12
#   3  works from month 7 on                                         not placed within six months
#   4  held a job all along                                          placed in month 0, kept
def five() -> tuple[np.ndarray, np.ndarray]:
    work = np.zeros((20, 5), dtype=bool)
    work[2:, 0] = work[2:, 1] = work[1:5, 2] = work[12:, 2] = work[7:, 3] = work[:, 4] = True
    begun = np.zeros_like(work)
    for month, who in ((2, 0), (2, 1), (9, 1), (1, 2), (12, 2), (7, 3)):
        begun[month, who] = True
    return work, begun


def observed(work: np.ndarray, begun: np.ndarray, courses: int) -> Observed:
    n = work.shape[1]
    rows, none = np.arange(courses), np.zeros(courses, dtype=np.int64)
    return Observed(
        *(np.packbits(x, axis=1) for x in (work, ~work)),
        {19: np.full(n, -1)},
        {19: np.packbits(np.zeros(n, dtype=bool))},
        rows,
        none,
        none,
        none,
        {"stage": np.zeros(n, dtype=np.int64)},
        ("course",),
        job_begun=np.packbits(begun, axis=1),
        length=np.array([0]),
    )


def test_retention_of_five_people_by_hand() -> None:
    work, begun = five()
    nothing = np.zeros_like(work)
    groups = Groups({"all": ("all",), "programme": ("course",)})
    pair = decompose(observed(work, begun, 5), observed(nothing, nothing, 0), groups)
    assert detail.RETAINED == (6, 12) and detail.RETENTION[0] == "known"
    for clock in range(2):  # a course of no months
        assert pair.retention[clock, 0, 0].tolist() == [5, 4, 0, 3, 0, 3, 0]
        assert pair.retention[clock, 1, 0].tolist() == [5, 4, 0, 2, 0, 4, 0]
    swapped = decompose(observed(nothing, nothing, 5), observed(work, begun, 0), groups)
    assert swapped.retention[0, 1, 0].tolist() == [5, 0, 4, 0, 2, 0, 4]


def test_nobody_is_followed_beyond_the_run() -> None:
    work, begun = (
        x[:18] for x in five()
    )  # 17 months after month 0: six and six are known, six and twelve are not
    late = observed(work, begun, 5)
    late = replace(late, employer={17: late.employer[19]}, hired_by={17: late.hired_by[19]})
    none = replace(late, person=late.person[:0])
    pair = decompose(late, none, Groups({"all": ("all",), "programme": ("course",)}))
    assert pair.retention[0, :, 0, 0].tolist() == [5, 0]


@pytest.mark.parametrize(
    ("won", "gini", "lower", "top"),
    [
        ([5] * 10, 0.0, 0.5, 0.1),
        ([0] * 9 + [100], 0.9, 0.0, 1.0),
        ([1, 2, 3, 4], 0.25, 0.3, 0.0),  # too few for a tenth
        ([], 0.0, 0.0, 0.0),
    ],
)
def test_inequality_of_known_incomes(won: list[int], gini: float, lower: float, top: float) -> None:
    found = unequal(np.array(won, dtype=np.int64))
    assert found == pytest.approx((gini, lower, top, len(won)))


def test_inequality_is_of_the_same_people_in_both_runs() -> None:
    """Who has an income in one run only counts with nothing in the other; others than those asked for do not count."""

    def of(pay: dict[int, int]) -> dict[int, Incomes]:
        nobody = (np.empty(0, dtype=np.int32), np.empty(0, dtype=np.uint32))
        rows = (np.array(list(pay), dtype=np.int32), np.array(list(pay.values()), dtype=np.uint32))
        return {2026: {"pay": rows, "own_account": nobody, "benefits": nobody, "allowances": nobody}}

    found = inequality(of({0: 10, 1: 10}), of({0: 10, 3: 90}), np.arange(5) < 2)
    assert found.shape == (1, 2, 4)
    assert found[0].tolist() == [[0.5, 0.0, 0.0, 2.0], [0.0, 0.5, 0.0, 2.0]]


# -- real runs -----------------------------------------------------------------------------------------


def test_the_engine_notes_the_same_insured_work() -> None:
    """Its memory of courses and the bits kept of everyone agree on who is insured 3 months after the start."""
    run = simulate(load("roadmap", overrides=RUN).with_run(months=8), keep_status=True)
    noted = run.enrolments.placed[:, 0, 1, HORIZONS.index(3)]
    known = np.flatnonzero(noted >= 0)
    insured = np.stack([np.unpackbits(month) for month in run.record.insured])
    assert known.size > 30
    assert np.array_equal(
        insured[run.enrolments.start[known] + 3, run.enrolments.person[known]], noted[known]
    )
    done = np.flatnonzero(run.enrolments.status == 1)
    planned = run.enrolments.start + np.array(run.months_of_course)[run.enrolments.programme]
    assert done.size and np.array_equal(run.enrolments.end[done], planned[done])


def test_pay_adds_up_to_the_wages_of_the_month() -> None:
    """Kept in whole thousands of each person, within half a thousand won a head of the sum in the record."""
    run = simulate(load("roadmap", overrides=RUN).with_run(months=3), keep_status=True)
    totals = run.record.layout.block(run.record.sums, "totals")[2]
    pay = run.record.pay[2].astype(np.int64)
    assert (pay > 0).sum() == totals[13]
    assert abs(1000 * pay.sum() - totals[0]) < 501 * (pay > 0).sum()
    assert set(run.record.occupation) == {2} and set(run.record.place) == {2}


def test_traces_add_up_to_the_last_agent(effects: Effects) -> None:
    """The others' jobs by any dimension are all the others' jobs, and lost, gained and net fit together."""
    trace, accounts = effects.paired.trace, effects.accounts.sel(group="all:all")
    for by in WORK:
        parts = trace.isel(place=np.flatnonzero(trace.kind.values == by)).sum("place")
        for name in ("gains", "losses"):
            assert np.array_equal(parts.sel(change=name), accounts[name])
    assert accounts.losses.sel(scenario="roadmap").any()
    slack = effects._grouped(effects.accounts, "slack").sum("group")
    assert all((slack[name] == accounts[name]).all() for name in effects.accounts.data_vars)
    for by in (None, "age", "slack", *WORK):
        found = effects.trace(by).pivot(
            index=["scenario", "category", "horizon_months"], columns="outcome", values="mean"
        )
        known = found.dropna()
        assert len(known) and (known[GAINED] - known[LOST] == known[OTHERS]).all()


def test_groups_of_the_trained_add_up_on_every_clock(effects: Effects) -> None:
    for data in (effects.paired.followed, effects.paired.earnings, effects.paired.retention):
        for by in ("stage", "age", "sex", "education", "region", "exposure", "size", "programme"):
            parts = data.isel(group=np.flatnonzero(data.dimension.values == by)).sum("group")
            assert np.array_equal(parts, data.sel(group="all:all"))
    followed = effects.paired.followed.sel(scenario="roadmap", group="all:all")
    assert (followed.sel(definition="insured") <= followed.sel(definition="official")).all()
    assert (followed.sel(clock="completion") <= followed.sel(clock="start")).sel(count="known").all()


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("clock", CLOCKS)
def test_direct_is_gross_less_deadweight(effects: Effects, clock: str, definition: str) -> None:
    found = effects.treated(clock=clock, definition=definition)
    table = found[found.scenario == "roadmap"].pivot(index="horizon_months", columns="outcome", values="mean")
    table.columns = [name.split(",")[0] for name in table.columns]
    known = table.dropna()
    assert len(known) >= 2 and known["employment of the treated"].gt(0).all()
    for kept, effect in (("employment", "the treated"), ("months in work", "months in work of the treated")):
        gross, anyway = known[f"{kept} of the treated"], known[f"{kept} of the treated without the policy"]
        assert np.allclose(gross - anyway, known[f"direct effect on {effect}"], atol=1e-9)
    assert (known["months in work of the treated"] <= known.index).all()
    assert FOLLOWED[0] == "known" and set(known.index) <= set(HORIZONS)


def test_kept_jobs_are_some_of_the_placed() -> None:
    """Over 24 months: who keeps a job is at work, who is at work was placed, and shares are what they say."""
    base, plan = (load(name, overrides=RUN).with_run(months=24) for name in ("no-training", "roadmap"))
    found = comparing.compare(base, plan)
    n = found.paired.retention.sel(scenario="roadmap", group="all:all")
    for own in ("", "_anyway"):
        known, placed, kept, at_work = (n.sel(kept=name) for name in ("known", *(x + own for x in KEPT)))
        assert ((kept <= at_work) & (at_work <= placed) & (placed <= known)).all()
    six, twelve = (n.sel(clock="start", months_kept=m) for m in (6, 12))
    assert six.sel(kept="kept").sum() > 0 and (twelve.sel(kept="known") <= six.sel(kept="known")).all()
    table = found.retention().set_index(["outcome", "horizon_months"])["mean"]
    sums = six.sum("replicate")
    assert table["retention: same job of the placed", 6] == pytest.approx(
        100 * float(sums.sel(kept="kept")) / float(sums.sel(kept="placed"))
    )
    gross = table["placed and still in the same job, of the treated", 6]
    anyway = table["placed and still in the same job, of the treated without the policy", 6]
    assert table["direct effect on placed and still in the same job", 6] == pytest.approx(gross - anyway)
    by = found.retention("size")
    assert set(by.category) == {"1-4", "5-29", "30-99", "100-299", "300+", "no employer"}


def test_size_is_that_of_the_employer_at_enrolment(effects: Effects) -> None:
    """The employed of the active stage have one, but for the self-employed; nobody who enrolled without work has."""
    heads = effects.accounts.trained.sel(scenario="roadmap")
    sizes = heads.isel(group=np.flatnonzero(heads.dimension.values == "size"))
    assert np.array_equal(sizes.sum("group"), heads.sel(group="all:all"))
    assert (sizes.sel(group="size:no employer") >= heads.sel(group="stage:entry")).all()
    assert sizes.sel(group="size:5-29").sum() > 0
    found = effects.treated("size")
    assert set(found.dimension) == {"size"}


def test_the_account_adds_up_by_exposure_and_size(effects: Effects) -> None:
    """Everyone has an exposure and a size at the policy's start, so that losses and gains add up over them too."""
    for by in ("exposure", "size"):
        parts = effects._grouped(effects.accounts, by).sum("group")
        whole = effects.accounts.sel(group="all:all")
        assert all((parts[name] == whole[name]).all() for name in effects.accounts.data_vars), by
    start = effects.paired.start
    whole = start.sel(group="all:all")
    sizes, exposed = (
        start.isel(group=np.flatnonzero(start.dimension.values == by)) for by in ("size", "exposure")
    )
    assert (sizes.sum("group") == whole).all() and (exposed.sum("group") == whole).all()
    assert (exposed.sel(group="exposure:entered later") == 0).all()
    assert 0.9 < float((exposed / whole).isel(group=slice(0, 3)).sum("group").min()) <= 1.0


def test_income_by_group_adds_up_to_that_of_all(effects: Effects) -> None:
    won = effects.paired.incomes
    kinds = ("stage", "age", "sex", "education", "region", "exposure", "size")
    for by in kinds:
        parts = won.isel(group=np.flatnonzero(won.dimension.values == by)).sum("group")
        assert np.array_equal(parts, won.sel(group="all:all"))
    found = effects.distribution()
    mine = found[found.outcome == INCOME]
    assert set(mine.dimension) == {"all", *kinds}
    assert (mine[mine.scenario == "same"]["mean"].dropna() == 0.0).all()
    assert (mine[(mine.scenario == "roadmap") & (mine.dimension == "all")]["mean"] != 0.0).all()


def test_inequality_before_and_after(effects: Effects) -> None:
    found = effects.distribution()
    gini = found[found.outcome.str.startswith(GINI)].set_index(["scenario", "outcome", "horizon_months"])[
        "mean"
    ]
    last = effects.horizons[-1]
    for scenario in ("same", "roadmap"):
        before, after, change = (gini[scenario, f"{GINI}, {w}", last] for w in ("before", "after", "change"))
        assert 0.2 < before < 0.7 and after - before == pytest.approx(change)
    assert gini["same", f"{GINI}, change", last] == 0.0 != gini["roadmap", f"{GINI}, change", last]


def test_the_same_scenario_leaves_every_gap_as_it_was(effects: Effects) -> None:
    found = effects.distribution()
    same = found[(found.scenario == "same") & found.outcome.str.endswith("change")]
    assert len(same) > 60 and (same[["mean", "low", "high"]].dropna() == 0.0).all(axis=None)
    assert same["mean"].notna().sum() > 40
    others = effects.trace("occupation")
    assert (others[others.scenario == "same"]["mean"] == 0.0).all()


def test_gaps_are_differences_of_the_rates_of_their_groups(effects: Effects) -> None:
    found = effects.distribution()
    found = found[(found.scenario == "roadmap") & (found.horizon_months == 12)].set_index(
        ["outcome", "category"]
    )
    for outcome in (RATE, PAY):
        for told in ("before", "after", "change"):
            rate = found.loc[f"{outcome}, {told}", "mean"]
            assert rate[GAPS[0]] == pytest.approx(rate["female"] - rate["male"], abs=1e-6)
            assert rate[GAPS[1]] == pytest.approx(rate["15-29"] - rate["40-49"], abs=1e-6)
        after, before = (found.loc[f"{outcome}, {t}", "mean"] for t in ("after", "before"))
        change = found.loc[f"{outcome}, change", "mean"].dropna()
        assert np.allclose((after - before)[change.index], change, atol=1e-6)
    people = effects.results.cells["persons_by_sex"].sel(scenario="roadmap").isel(month=11)
    rate = people.sel(state="employed") / people.sel(state=list(STATES)).sum("state")
    told = found.loc[(f"{RATE}, after", "female"), "mean"]
    assert told == pytest.approx(100 * float(rate.sel(sex="female").mean("replicate")))


def test_unknown_clocks_definitions_and_dimensions_are_refused(effects: Effects) -> None:
    with pytest.raises(InputError, match='did you mean "completion"'):
        effects.treated(clock="completions")
    with pytest.raises(InputError, match="unknown definition"):
        effects.treated(definition="paid")
    with pytest.raises(InputError, match='did you mean "occupation"'):
        effects.trace("ocupation")


def test_details_are_printed(effects: Effects) -> None:
    console = Console(width=200, file=io.StringIO(), record=True)
    for scenario in effects.scenarios:
        for table in details(effects, scenario):
            console.print(table)
    text = console.export_text()
    for told in (
        "completion: in work (insured)",
        "roadmap: jobs of people it does not train",
        "female less male",
    ):
        assert told in text

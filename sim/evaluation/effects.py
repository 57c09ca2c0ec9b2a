"""Who holds a job because of a policy, and who lost one: two runs with the same draws, person by person.

A row is the same person in every scenario, so `d_i = E_i(policy) - E_i(comparison)` is known for everyone,
and every account below is a count of heads. With T the persons trained by the policy and not by the
comparison, and in the same labour state in both when they started:

    direct       = gross - deadweight        gross = sum_T E(policy), deadweight = sum_T E(comparison)
    spillover    = gains - losses            of everyone outside T: d = +1 and d = -1
    substitution = losses - gains            of the untrained, at employers that the policy had hire a trainee
    displacement = -spillover - substitution all other losses, net of gains
    net          = direct - substitution - displacement = direct + spillover = the difference in employment

All of it adds up to the head, because nothing is estimated (model.md section 6). Gains at trainees' employers
are taken off substitution: a changed draw of jobs sends people from one employer to another by the thousand,
and without that step a programme that does nothing would seem to push out everyone who was merely reshuffled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from sim import economy as economies
from sim.evaluation import detail
from sim.evaluation.detail import (
    CLOCKS,
    DEFINITIONS,
    EARNINGS,
    FOLLOWED,
    RETAINED,
    RETENTION,
    WAGES,
    Trained,
)
from sim.evaluation.detail import bits as _bits
from sim.evaluation.incomes import INEQUALITY, ITEMS, RUNS, SIDES, income_sums, incomes_of, inequality
from sim.incomes import Incomes
from sim.programmes import HORIZONS
from sim.record import AGES5
from sim.workers import STAGES

if TYPE_CHECKING:
    from sim.economy import Economy
    from sim.replicate import RunData

ACCOUNTS = ("trained", "gross", "deadweight", "gains", "losses", "forgone")
"""Heads by month: T, its employed in each run, changes of all others, those only the comparison trains."""
CHANGES = ("gains", "losses")
SINCE = FOLLOWED[:3]
EXPOSURES = ("low exposure", "middle exposure", "high exposure")
LATER = "entered later"
"""Of exposure: people who were not yet there at the policy's start, and so had no occupation."""
TRAINED_ONLY = ("programme",)
"""Dimensions that are known of the trained alone."""
NO_EMPLOYER = "no employer"
NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Groups:
    """The axis of groups: everyone, then each category of each dimension, one after the other.

    dimensions: categories by dimension, in order, "all" first: of the trained at enrolment, of everyone else at the
    policy's start. Exposure is that of the occupation (the last one for those without a job), size the employer's.
    Programmes group the trained only. work: categories of workplaces, for the jobs others lose and gain.
    """

    dimensions: Mapping[str, tuple[str, ...]]
    work: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, economy: Economy, programmes: Sequence[str]) -> Groups:
        """The groups of an economy's people and of these programmes."""
        codes = {name: tuple(economy.codes[name]) for name in ("sex", "education", "region")}
        people = {"all": ("all",), "stage": STAGES, "age": AGES5, **codes}
        work = {
            "occupation": _major_groups(economy)[0],
            "size": (*economy.codes["size"], NO_EMPLOYER),
            "industry": tuple(economy.codes["industry"]),
        }
        own = {"exposure": (*EXPOSURES, LATER), "size": work["size"], "programme": tuple(programmes)}
        return cls({**people, **own}, work)

    @property
    def workplaces(self) -> Groups:
        """The axis of workplaces: all jobs, then each category of each of their dimensions."""
        return Groups({"all": ("all",), **self.work})

    @property
    def labels(self) -> list[tuple[str, str]]:
        """(dimension, category) of each place on the axis."""
        return [(name, category) for name, every in self.dimensions.items() for category in every]

    def tally(
        self, codes: Mapping[str, np.ndarray], rows: np.ndarray, amount: np.ndarray | None = None
    ) -> np.ndarray:
        """How many of `rows` are in each group (groups,), or the sum of their whole `amount` (one for each of them).

        codes: category by dimension, indexed by row."""
        parts = []
        for name, every in self.dimensions.items():
            if name == "all":
                parts.append(np.array([rows.size if amount is None else amount.sum()]))
            elif name in codes:
                parts.append(np.bincount(codes[name][rows], amount, minlength=len(every)))
            else:
                parts.append(np.zeros(len(every), dtype=np.int64))
        return np.concatenate(parts).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Observed:
    """What the decomposition needs of one run, arrays over everyone (n) in the order of identities.

    employed, unemployed: bits of who is so at month-ends (months, ceil(n / 8)). employer: at year-ends (by month),
    the employer of everyone (n,), -1 none; hired_by: bits of the employers that have hired a trainee by then.
    person, programme, start, stage: one row an enrolment, in the order of start; stage at enrolment. people:
    category codes by dimension (n,), at the policy's start; programmes: ids of the programme codes.

    insured: bits as of employed, of work that employment insurance covers; None: all work is. work_at: at year-ends,
    workplace of everyone by dimension of `Groups.work` (n,). occupation, pay: at quarter-ends, occupation and monthly
    pay of employees in thousand won (n,). trade: occupation at enrolment, by enrolment. exposure: exposure class of
    each occupation, a third of the employed in each; size_class: of the employer at enrolment, by enrolment (the last
    class: none); job_begun: bits as of employed, of the first month of a job; length: months of each programme's
    course. incomes: of everyone who had any, by calendar year and item.
    """

    employed: np.ndarray
    unemployed: np.ndarray
    employer: Mapping[int, np.ndarray]
    hired_by: Mapping[int, np.ndarray]
    person: np.ndarray
    programme: np.ndarray
    start: np.ndarray
    stage: np.ndarray
    people: Mapping[str, np.ndarray]
    programmes: Sequence[str]
    insured: np.ndarray | None = None
    work_at: Mapping[int, Mapping[str, np.ndarray]] = field(default_factory=dict)
    occupation: Mapping[int, np.ndarray] = field(default_factory=dict)
    pay: Mapping[int, np.ndarray] = field(default_factory=dict)
    trade: np.ndarray | None = None
    exposure: np.ndarray = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    size_class: np.ndarray | None = None
    job_begun: np.ndarray | None = None
    length: np.ndarray | None = None
    incomes: Mapping[int, Incomes] = field(default_factory=dict)

    @classmethod
    def of(cls, run: RunData) -> Observed:
        """From a replicate that was run with `keep_status`. ValueError without it."""
        if not run.people:
            raise ValueError("effects need runs with keep_status=True")
        e, people = run.enrolments, run.people
        age = -people["birth"].astype(np.int64) // 12
        codes = {"stage": people["stage0"], "age": np.clip((age - 20) // 10, 0, len(AGES5) - 1)}
        codes |= {name: people[name] for name in ("sex", "education", "region")}
        economy, classes = economies.load(run.scenario.run.economy), _exposure_classes(run)
        trade, codes["size"] = (x.astype(np.int64) for x in run.record.start)
        codes["exposure"] = np.append(classes, len(EXPOSURES))[np.minimum(trade, classes.size)]
        major = _major_groups(economy)[1]
        record = run.record
        work_at = {
            t: {"occupation": major[record.occupation[t]], "size": place[0], "industry": place[1]}
            for t, place in record.place.items()
        }
        return cls(
            np.stack(run.record.employed),
            np.stack(run.record.unemployed),
            run.record.employer,
            run.record.hired_by,
            e.person,
            e.programme,
            e.start,
            e.stage,
            codes,
            run.programmes,
            np.stack(record.insured),
            work_at,
            record.occupation,
            record.pay,
            e.occupation,
            classes,
            size_class=_sizes(run, len(economy.codes["size"])),
            job_begun=np.stack(record.job_begun),
            length=np.array(run.months_of_course, dtype=np.int64),
            incomes=incomes_of(run),
        )

    def work(self, definition: str) -> np.ndarray:
        """Bits of who is in work by a definition (`DEFINITIONS`), (months, ceil(n / 8))."""
        return self.employed if definition == "official" or self.insured is None else self.insured

    @property
    def size(self) -> int:
        """Rows of people, living or not."""
        return int(next(iter(self.people.values())).size)

    def first_course(self) -> tuple[np.ndarray, np.ndarray]:
        """Month of everyone's first enrolment, NEVER for most (n,), and the row of that enrolment (n,)."""
        month = np.full(self.size, NEVER, dtype=np.int32)
        row = np.zeros(self.size, dtype=np.int64)
        who, first = np.unique(self.person, return_index=True)
        month[who], row[who] = self.start[first], first
        return month, row


@dataclass(frozen=True, eq=False)
class PairSums:
    """Counts of agents from one pair of runs; nothing is divided yet.

    heads (months, groups, ACCOUNTS); at_hirers (horizons, groups, CHANGES): the untrained, at employers that
    hired a trainee; followed (clocks, definitions, months since a person's own start or planned end, groups,
    FOLLOWED), earnings (clocks, HORIZONS, groups, EARNINGS) and retention (clocks, RETAINED, groups, RETENTION): the
    trained, while the run lasts; trace (horizons,
    workplaces, CHANGES): jobs of everyone outside the trained; wages (horizons, groups, WAGES): pay and employees of
    everyone; incomes (years, groups, SIDES, ITEMS): won of agents, policy less comparison, in the calendar `years`;
    inequality (years, RUNS, INEQUALITY): of annual incomes, a measure and no count; start (groups,): everyone who was
    there at the policy's start.
    horizons: months from the start of the run to each year-end.
    """

    groups: Groups
    horizons: tuple[int, ...]
    heads: np.ndarray
    at_hirers: np.ndarray
    followed: np.ndarray
    earnings: np.ndarray
    retention: np.ndarray
    trace: np.ndarray
    wages: np.ndarray
    incomes: np.ndarray
    inequality: np.ndarray
    start: np.ndarray
    years: tuple[int, ...]

    @property
    def since(self) -> np.ndarray:
        """The trained by months since their start, officially in work (months, groups, SINCE)."""
        return np.asarray(self.followed[0, 0, ..., : len(SINCE)])


def decompose(policy: Observed, comparison: Observed, groups: Groups) -> PairSums:
    """Count the effects of `policy` against `comparison`, month by month.

    ValueError when the two runs do not have the same people and months.
    """
    if policy.size != comparison.size or policy.employed.shape != comparison.employed.shape:
        raise ValueError("the two runs do not have the same people and months, so they cannot be paired")
    if "exposure" in comparison.people:  # classes of the comparison, so that they are one for both runs
        people = {**policy.people, "exposure": comparison.people["exposure"]}
        policy = replace(policy, people=people)
    months, n = policy.employed.shape[0], policy.size
    (first, row), (other, _) = policy.first_course(), comparison.first_course()
    who = np.flatnonzero(first < other)
    who = who[_alike(policy, comparison, who, first[who])]
    trained_ones = _trained(policy, comparison, who, first[who], other[who], row[who], groups)
    begin, until, traits = trained_ones.begin, trained_ones.until, trained_ones.traits
    forgone = np.flatnonzero(other < first)
    everyone = policy.people
    there = np.ones(n, dtype=bool)  # at the policy's start
    if "exposure" in everyone:
        there = everyone["exposure"] != len(EXPOSURES)
    inside = np.zeros(n, dtype=bool)
    heads = np.zeros((months, len(groups.labels), len(ACCOUNTS)), dtype=np.int64)
    at_hirers, traced, wages = [], [], []
    for t in range(months):
        trained = np.flatnonzero((begin <= t) & (t < until))
        placed, anyway = (_bits(run.employed[t], who[trained]) for run in (policy, comparison))
        inside[who] = False
        inside[who[trained]] = True
        changed = np.flatnonzero(np.unpackbits(policy.employed[t] ^ comparison.employed[t], count=n))
        changed = changed[~inside[changed]]
        won = _bits(policy.employed[t], changed)
        missed = forgone[(other[forgone] <= t) & (t < first[forgone])]
        for k, (codes, rows) in enumerate(
            (
                (traits, trained),
                (traits, trained[placed]),
                (traits, trained[anyway]),
                (everyone, changed[won]),
                (everyone, changed[~won]),
                (everyone, missed),
            )
        ):
            heads[t, :, k] = groups.tally(codes, rows)
        if t in policy.employer:
            wages.append(detail.wages(policy, comparison, t, groups))
            traced.append(detail.trace(policy, comparison, t, changed, groups))
            untrained = first[changed] > t
            gains = changed[won & untrained & _at_hirers(policy, policy, changed, t)]
            losses = changed[~won & untrained & _at_hirers(comparison, policy, changed, t)]
            at_hirers.append(
                np.stack([groups.tally(everyone, gains), groups.tally(everyone, losses)], axis=-1)
            )
    horizons = tuple(t + 1 for t in sorted(policy.employer))
    followed = detail.followed(policy, comparison, trained_ones, groups)
    earnings = detail.earnings(policy, comparison, trained_ones, groups)
    retention = detail.retention(policy, comparison, trained_ones, groups)
    incomes = income_sums(policy.incomes, comparison.incomes, who, traits, everyone, groups)
    return PairSums(
        groups,
        horizons,
        heads,
        np.stack(at_hirers),
        followed,
        earnings,
        retention,
        np.stack(traced),
        np.stack(wages),
        incomes,
        inequality(policy.incomes, comparison.incomes, _of_working_age(everyone, there)),
        groups.tally(everyone, np.flatnonzero(there)),
        tuple(sorted(policy.incomes)),
    )


def _alike(policy: Observed, comparison: Observed, who: np.ndarray, begin: np.ndarray) -> np.ndarray:
    """Whether people were in the same labour state in both runs at the month-end before their course began.

    Someone whom the policy had already moved before (through others' jobs) and who then enrolled was picked by
    that move: counting him or her among the trained would read chance as an effect of the course.
    """
    before = np.maximum(begin - 1, 0)
    same = np.ones(who.size, dtype=bool)
    for kept in ("employed", "unemployed"):
        ours, theirs = (_bits(getattr(run, kept), who, before) for run in (policy, comparison))
        same &= ours == theirs
    return np.asarray(same | (begin == 0))  # before the first month the two runs are one


def _trained(
    policy: Observed,
    comparison: Observed,
    who: np.ndarray,
    begin: np.ndarray,
    until: np.ndarray,
    row: np.ndarray,
    groups: Groups,
) -> Trained:
    """The trained, with their categories: stage, programme and exposure at enrolment, the rest as everyone's.

    row: of the first enrolment. Exposure classes are those of the comparison, so they are one for both runs.
    """
    known = groups.dimensions["programme"]
    place = np.array([known.index(name) for name in policy.programmes], dtype=np.int64)
    codes = {name: code[who] for name, code in policy.people.items()}
    course = policy.programme[row]
    none = np.zeros(who.size, dtype=np.int64)
    programme = place[course] if row.size else none
    trade = none if policy.trade is None else policy.trade[row]
    length = none if policy.length is None else policy.length[course]
    size = none if policy.size_class is None else policy.size_class[row]
    codes |= {"stage": policy.stage[row], "programme": programme, "exposure": comparison.exposure[trade]}
    codes["size"] = size
    return Trained(who, begin, begin + length, until, trade, codes)


def _major_groups(economy: Economy) -> tuple[tuple[str, ...], np.ndarray]:
    """Codes of the major groups, and the place of each occupation's; the occupations themselves without groups."""
    if "major" not in economy.codes:
        return tuple(economy.codes["occupation"]), np.arange(economy.n("occupation"))
    codes = economy.codes["major"]
    return tuple(codes), np.array([codes.index(code) for code in economy.majors])


def _exposure_classes(run: RunData) -> np.ndarray:
    """Class of each occupation (occupations,): ordered by exposure, a third of month 0's employed in each class."""
    employed = run.record.layout.block(run.record.sums[0], "trades")[..., 0].sum(axis=1)
    order = np.argsort(run.exposure, kind="stable")
    below = np.cumsum(employed[order]) - 0.5 * employed[order]
    out = np.empty(order.size, dtype=np.int64)
    out[order] = np.minimum(len(EXPOSURES) * below // max(1, employed.sum()), len(EXPOSURES) - 1)
    return out


def _of_working_age(people: Mapping[str, np.ndarray], there: np.ndarray) -> np.ndarray:
    """Who was there at the policy's start and below 60 (n,)."""
    return there & (people["age"] < len(AGES5) - 1) if "age" in people else there


def _sizes(run: RunData, classes: int) -> np.ndarray:
    """Size class of the employer at enrolment, by enrolment; `classes`: without an employer."""
    employer = run.enrolments.employer
    sizes = run.employer_size[np.maximum(employer, 0)].astype(np.int64)
    return np.where(employer >= 0, sizes, classes)


def _at_hirers(where: Observed, policy: Observed, rows: np.ndarray, month: int) -> np.ndarray:
    """Whether `rows` work, in the run `where`, for an employer that hired a trainee under the policy."""
    hirers = np.unpackbits(policy.hired_by[month]).astype(bool)
    employer = where.employer[month][rows]
    return np.asarray((employer >= 0) & hirers[np.maximum(employer, 0)])


def paired_dataset(
    pairs: Sequence[Sequence[PairSums]],
    names: Sequence[str],
    replicates: Sequence[int],
    months: np.ndarray,
    scale: int,
) -> xr.Dataset:
    """The counts of all pairs, in persons, on labelled axes.

    pairs: one for every scenario `names` and replicate; months: month starts (datetime64). Groups are written
    `dimension:category`.
    """
    first = pairs[0][0]
    dims = {
        "heads": ("month", "group", "account"),
        "at_hirers": ("horizon", "group", "change"),
        "followed": ("clock", "definition", "months_since", "group", "count"),
        "earnings": ("clock", "months_after", "group", "item"),
        "retention": ("clock", "months_kept", "group", "kept"),
        "trace": ("horizon", "place", "change"),
        "wages": ("horizon", "group", "sum"),
        "incomes": ("year", "group", "side", "income"),
        "start": ("group",),
    }
    notes = {
        "heads": "people by what the policy did to them",
        "at_hirers": "untrained people with a changed state, at employers that hired a trainee",
        "followed": "the trained by months since the start or the planned end of their course",
        "earnings": "the trained at the first quarter-end from so many months on; pay in thousand won a month",
        "retention": "the trained by the first job after the start or the planned end, and whether they keep it",
        "trace": "jobs of everyone outside the trained, by workplace",
        "wages": "monthly pay of employees in thousand won, and employees, in the policy and in the base",
        "incomes": "incomes of participants and of all others, against the base",
        "start": "people at the policy's start",
    }
    data = {}
    for name, axes in dims.items():
        values = np.array([[getattr(pair, name) for pair in row] for row in pairs]) * scale
        units, method = ("won", "sum") if name == "incomes" else ("persons", "point")
        attrs = {"long_name": notes[name], "units": units, "cell_methods": f"{axes[0]}: {method}"}
        data[name] = (("scenario", "replicate", *axes), values, attrs)
    unequal = np.array([[pair.inequality for pair in row] for row in pairs])
    attrs = {"long_name": "annual incomes of those who were there, below 60, at the start", "units": "1"}
    data["inequality"] = (("scenario", "replicate", "year", "run", "measure"), unequal, attrs)
    labels = first.groups.labels
    return xr.Dataset(
        data,
        coords={
            "scenario": list(names),
            "replicate": list(replicates),
            "month": months,
            "group": [f"{dimension}:{category}" for dimension, category in labels],
            "dimension": ("group", [dimension for dimension, _ in labels]),
            "category": ("group", [category for _, category in labels]),
            "account": ("account", list(ACCOUNTS)),
            "change": list(CHANGES),
            "count": list(FOLLOWED),
            "clock": list(CLOCKS),
            "definition": list(DEFINITIONS),
            "item": list(EARNINGS),
            "sum": list(WAGES),
            "months_after": list(HORIZONS),
            "months_kept": list(RETAINED),
            "kept": list(RETENTION),
            "run": list(RUNS),
            "measure": list(INEQUALITY),
            "place": [f"{kind}:{code}" for kind, code in first.groups.workplaces.labels],
            "kind": ("place", [kind for kind, _ in first.groups.workplaces.labels]),
            "workplace": ("place", [code for _, code in first.groups.workplaces.labels]),
            "horizon": (
                "horizon",
                list(first.horizons),
                {"long_name": "months since the start", "units": "months"},
            ),
            "months_since": np.arange(first.followed.shape[2]),
            "year": list(first.years),
            "side": list(SIDES),
            "income": list(ITEMS),
        },
    )


__all__ = [
    "ACCOUNTS",
    "CHANGES",
    "SINCE",
    "TRAINED_ONLY",
    "Groups",
    "Observed",
    "PairSums",
    "decompose",
    "paired_dataset",
]

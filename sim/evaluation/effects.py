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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from sim.evaluation.incomes import ITEMS, SIDES, income_sums, incomes_of
from sim.incomes import Incomes
from sim.record import AGES5
from sim.workers import STAGES

if TYPE_CHECKING:
    from sim.economy import Economy
    from sim.replicate import RunData

ACCOUNTS = ("trained", "gross", "deadweight", "gains", "losses", "forgone")
"""Heads by month: T, its employed in each run, changes of all others, those only the comparison trains."""
CHANGES = ("gains", "losses")
SINCE = ("known", "gross", "deadweight")
NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Groups:
    """The axis of groups: everyone, then each category of each dimension, one after the other.

    dimensions: categories by dimension, in order, "all" first. Programmes group the trained only.
    """

    dimensions: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, economy: Economy, programmes: Sequence[str]) -> Groups:
        """The groups of an economy's people and of these programmes."""
        codes = {name: tuple(economy.codes[name]) for name in ("sex", "education", "region")}
        return cls({"all": ("all",), "stage": STAGES, "age": AGES5, **codes, "programme": tuple(programmes)})

    @property
    def labels(self) -> list[tuple[str, str]]:
        """(dimension, category) of each place on the axis."""
        return [(name, category) for name, every in self.dimensions.items() for category in every]

    def tally(self, codes: Mapping[str, np.ndarray], rows: np.ndarray) -> np.ndarray:
        """How many of `rows` are in each group (groups,). codes: category by dimension, indexed by row."""
        parts = []
        for name, every in self.dimensions.items():
            if name == "all":
                parts.append(np.array([rows.size]))
            elif name in codes:
                parts.append(np.bincount(codes[name][rows], minlength=len(every)))
            else:
                parts.append(np.zeros(len(every), dtype=np.int64))
        return np.concatenate(parts).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Observed:
    """What the decomposition needs of one run, arrays over everyone (n) in the order of identities.

    employed, unemployed: bits of who is so at month-ends (months, ceil(n / 8)). employer: at year-ends (by month),
    the employer of everyone (n,), -1 none; hired_by: bits of the employers that have hired a trainee by then.
    person, programme, start, stage: one row an enrolment, in the order of start; stage at enrolment. people:
    category codes by dimension (n,), at the policy's start; programmes: ids of the programme codes. incomes: of
    everyone who had any, by calendar year and item.
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
            incomes_of(run),
        )

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
    hired a trainee; since (months since a person's own start, groups, SINCE): the trained, while the run
    lasts. horizons: months from the start of the run to each year-end. incomes (years, groups, SIDES, ITEMS): won of
    agents, policy less comparison, in the calendar `years`.
    """

    groups: Groups
    horizons: tuple[int, ...]
    heads: np.ndarray
    at_hirers: np.ndarray
    since: np.ndarray
    incomes: np.ndarray
    years: tuple[int, ...]


def decompose(policy: Observed, comparison: Observed, groups: Groups) -> PairSums:
    """Count the effects of `policy` against `comparison`, month by month.

    ValueError when the two runs do not have the same people and months.
    """
    if policy.size != comparison.size or policy.employed.shape != comparison.employed.shape:
        raise ValueError("the two runs do not have the same people and months, so they cannot be paired")
    months, n = policy.employed.shape[0], policy.size
    (first, row), (other, _) = policy.first_course(), comparison.first_course()
    who = np.flatnonzero(first < other)
    who = who[_alike(policy, comparison, who, first[who])]
    begin, until, traits = first[who], other[who], _traits(policy, who, row[who], groups)
    forgone = np.flatnonzero(other < first)
    everyone = policy.people
    inside = np.zeros(n, dtype=bool)
    heads = np.zeros((months, len(groups.labels), len(ACCOUNTS)), dtype=np.int64)
    at_hirers = []
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
            untrained = first[changed] > t
            gains = changed[won & untrained & _at_hirers(policy, policy, changed, t)]
            losses = changed[~won & untrained & _at_hirers(comparison, policy, changed, t)]
            at_hirers.append(
                np.stack([groups.tally(everyone, gains), groups.tally(everyone, losses)], axis=-1)
            )
    horizons = tuple(t + 1 for t in sorted(policy.employer))
    since = _since_start(policy, comparison, who, begin, until, traits, groups)
    incomes = income_sums(policy.incomes, comparison.incomes, who, traits, everyone, groups)
    return PairSums(
        groups, horizons, heads, np.stack(at_hirers), since, incomes, tuple(sorted(policy.incomes))
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


def _traits(policy: Observed, who: np.ndarray, row: np.ndarray, groups: Groups) -> dict[str, np.ndarray]:
    """Categories of the trained by dimension: stage and programme at enrolment, the rest as everyone's."""
    known = groups.dimensions["programme"]
    place = np.array([known.index(name) for name in policy.programmes], dtype=np.int64)
    codes = {name: code[who] for name, code in policy.people.items()}
    programme = place[policy.programme[row]] if row.size else np.empty(0, dtype=np.int64)
    return codes | {"stage": policy.stage[row], "programme": programme}


def _since_start(
    policy: Observed,
    comparison: Observed,
    who: np.ndarray,
    begin: np.ndarray,
    until: np.ndarray,
    traits: Mapping[str, np.ndarray],
    groups: Groups,
) -> np.ndarray:
    """The trained by months since their own start (k, groups, SINCE): known, employed, employed anyway."""
    months = policy.employed.shape[0]
    out = np.zeros((months, len(groups.labels), len(SINCE)), dtype=np.int64)
    for k in range(months):
        known = np.flatnonzero((begin + k < months) & (begin + k < until))
        t = begin[known] + k
        placed, anyway = (_bits(run.employed, who[known], t) for run in (policy, comparison))
        for j, rows in enumerate((known, known[placed], known[anyway])):
            out[k, :, j] = groups.tally(traits, rows)
    return out


def _at_hirers(where: Observed, policy: Observed, rows: np.ndarray, month: int) -> np.ndarray:
    """Whether `rows` work, in the run `where`, for an employer that hired a trainee under the policy."""
    hirers = np.unpackbits(policy.hired_by[month]).astype(bool)
    employer = where.employer[month][rows]
    return np.asarray((employer >= 0) & hirers[np.maximum(employer, 0)])


def _bits(packed: np.ndarray, rows: np.ndarray, month: np.ndarray | None = None) -> np.ndarray:
    """Bits of `rows` in packed bits (bytes,), or in those of each row's own month (months, bytes)."""
    byte = packed[rows >> 3] if month is None else packed[month, rows >> 3]
    return np.asarray((byte >> (7 - (rows & 7)) & 1).astype(bool))


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
        "since": ("months_since", "group", "count"),
        "incomes": ("year", "group", "side", "income"),
    }
    notes = {
        "heads": "people by what the policy did to them",
        "at_hirers": "untrained people with a changed state, at employers that hired a trainee",
        "since": "the trained by months since the start of their course",
        "incomes": "incomes of participants and of all others, against the base",
    }
    data = {}
    for name, axes in dims.items():
        values = np.array([[getattr(pair, name) for pair in row] for row in pairs]) * scale
        units, method = ("won", "sum") if name == "incomes" else ("persons", "point")
        attrs = {"long_name": notes[name], "units": units, "cell_methods": f"{axes[0]}: {method}"}
        data[name] = (("scenario", "replicate", *axes), values, attrs)
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
            "count": list(SINCE),
            "horizon": (
                "horizon",
                list(first.horizons),
                {"long_name": "months since the start", "units": "months"},
            ),
            "months_since": np.arange(first.since.shape[0]),
            "year": list(first.years),
            "side": list(SIDES),
            "income": list(ITEMS),
        },
    )


__all__ = ["ACCOUNTS", "CHANGES", "SINCE", "Groups", "Observed", "PairSums", "decompose", "paired_dataset"]

"""Who was randomised, under which rule, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.designs import Again, Evaluation, Saturation, Withhold
from sim.draws import TRIAL, uniforms
from sim.programmes import HORIZONS, Enrolments

if TYPE_CHECKING:
    import xarray as xr

    from sim.economy import Economy

LOTTERY, WITHHELD, SATURATION = 0, 1, 2
DESIGNS = ("lottery", "withheld", "saturation")
NEVER = -1
LONGEST = 1024  # more than the months of any run


class Rule(NamedTuple):
    """The design of one programme as a market follows it. refused: share by province; months count from 0."""

    design: int
    refused: np.ndarray
    first: int
    last: int
    again: Again
    refilled: bool

    def holds(self, month: int) -> bool:
        """Whether lots are drawn in a month of the run."""
        return self.first <= month <= self.last


def rules_of(
    evaluation: Evaluation, ids: Sequence[str], economy: Economy, key: np.ndarray
) -> dict[int, Rule]:
    """Rules by the number of the programme. key: of the replicate, which draws the provinces' levels."""
    rules = {}
    for name, design in evaluation.trials.items():
        refilled = isinstance(design, Withhold) and design.seats == "refilled"
        if isinstance(design, Saturation):
            refused = 1.0 - levels_by_province(key, people_of(economy), design.levels)
        else:
            assert isinstance(design, Withhold)
            refused = np.full(economy.n("region"), design.share)
        code = WITHHELD if name == "withhold" else SATURATION
        for id in design.programmes:
            rules[ids.index(id)] = Rule(
                code, refused, design.first_month - 1, design.last_month - 1, design.again, refilled
            )
    return dict(sorted(rules.items()))


def people_of(economy: Economy) -> np.ndarray:
    """People of each province in the base year's tables."""
    return np.asarray(economy.array("region_state", "region", "state").sum(axis=1))


def levels_by_province(key: np.ndarray, people: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """A level for each province by lot, stratified by size: of each run of as many provinces as there are levels,
    from the largest down, every level has one; the smallest left over have some of them."""
    order, k = np.argsort(-people, kind="stable"), len(levels)
    out = np.empty(people.size)
    for block, first in enumerate(range(0, people.size, k)):
        mine = order[first : first + k]
        lot = uniforms(key, TRIAL, 0, np.arange(k), block + 1)[:, 1]
        out[mine] = np.array(levels)[np.argsort(lot, kind="stable")[: mine.size]]
    return out


class Randomised(Enrolments):
    """Everyone whose seat was decided by lot: one row a person and lot, a table that grows."""

    FIELDS: tuple[tuple[str, Any], ...] = (
        ("person", np.int32),
        ("programme", np.int16),
        ("month", np.int16),
        ("region", np.int8),
        ("state", np.int8),
        ("design", np.int8),
        ("offered", np.int8),
        ("level", np.float32),  # share of offers made by the lot; 0 in a lottery, where seats decide
        ("enrolled", np.int16),  # first month of this programme from then on, NEVER without
        ("trained", np.int16),  # first month of any programme from then on
        ("alike", np.int8),  # in the same labour state in the comparison the month before; -1 not compared
        ("anyway", np.uint32),  # a bit for each of HORIZONS: employed in the comparison
        ("known", np.uint32),  # as of enrolments, from the lot on
        ("at_work", np.uint32),
    )

    def draw(self, month: int, rule: Rule | None, **who: np.ndarray) -> None:
        """Add the applicants of one programme and month; the rule is that of a design, None in a lottery."""
        n, region = who["person"].size, who["region"]
        self.append(
            **who,
            month=np.full(n, month),
            design=np.full(n, LOTTERY if rule is None else rule.design),
            level=np.zeros(n) if rule is None else 1.0 - rule.refused[region],
            enrolled=np.full(n, NEVER),
            trained=np.full(n, NEVER),
            alike=np.full(n, -1),
        )

    def barred(self, rules: Mapping[int, Rule], rows: np.ndarray, choice: np.ndarray) -> np.ndarray:
        """Which of these applicants (rows, programme) have lost a lot of a design that closes this programme to them.

        Lotteries of a record's own, in months without the design, close nothing.
        """
        out = np.zeros(rows.size, dtype=bool)
        for p, rule in rules.items():
            if rule.again != "all":
                lost = (self.offered == 0) & (self.design == rule.design)
                losers = self.person[lost & (self.programme == p)]
                mine = slice(None) if rule.again == "none" else choice == p
                out[mine] |= np.isin(rows[mine], losers)
        return out

    def settle(self, enrolments: Enrolments) -> None:
        """Note when each of them first trained from the month of the lot on, in this programme and in any."""
        programmes = int(max(self.programme.max(initial=0), enrolments.programme.max(initial=0))) + 1
        for column, kinds in ((self.enrolled, programmes), (self.trained, 1)):
            theirs, mine = (
                (x.person.astype(np.int64) * kinds + (x.programme if kinds > 1 else 0)) * LONGEST
                for x in (enrolments, self)
            )
            starts = np.sort(theirs + enrolments.start)
            at = np.searchsorted(starts, mine + self.month)
            found = np.append(starts, -1)[at]
            column[:] = np.where(found // LONGEST == mine // LONGEST, found % LONGEST, NEVER)

    def compare(self, employed: np.ndarray, unemployed: np.ndarray, ours: Sequence[np.ndarray]) -> None:
        """Note who works in the comparison (bits by month), and who was in the same state in both the month before.

        ours: the same bits, employed and unemployed, of the run of the lots.
        """
        before = np.maximum(self.month.astype(np.int64) - 1, 0)
        same = np.ones(self.size, dtype=bool)
        for mine, theirs in zip(ours, (employed, unemployed), strict=True):
            same &= bits_of(mine, self.person, before) == bits_of(theirs, self.person, before)
        self.alike[:] = same | (self.month == 0)
        self.anyway[:] = 0
        for h, months in enumerate(HORIZONS):
            then = self.month.astype(np.int64) + months
            known = np.flatnonzero(then < employed.shape[0])
            at_work = bits_of(employed, self.person[known], then[known])
            self.anyway[known] |= at_work.astype(np.uint32) << np.uint32(h)


def applicants(
    runs: Sequence[tuple[int, int, Sequence[str], Randomised]],
    programmes: Sequence[str],
    regions: Sequence[str],
) -> xr.Dataset:
    """Everyone whose seat was decided by lot as one labelled table (axis `applicant`), agents.

    runs: number of the scenario, number of the replicate, programmes and lots of each run.
    """
    import xarray as xr

    codes = ("scenario_code", "replicate_code", "programme_code", "region_code")
    plain = ("person", "month", "state", "design", "offered", "level", "enrolled", "trained", "alike")
    notes = {
        "scenario_code": "number of the scenario",
        "replicate_code": "number of the replicate",
        "programme_code": "number of the programme",
        "region_code": "number of the province",
        "person": "identity, the same in every scenario",
        "month": "month of the lot, 0 the first of the run",
        "state": "labour state then: 1 employed, 2 unemployed, 3 inactive",
        "design": "0 lottery, 1 withheld, 2 saturation",
        "offered": "1: won a seat",
        "level": "share of offers that the lot made",
        "enrolled": "first month in this programme from then on, -1 never",
        "trained": "first month in any programme from then on, -1 never",
        "alike": "1: in the same labour state in the comparison the month before, 0 not, -1 not compared",
        "employed": "1 employed, 0 not, -1 not known; by the official definition, or insured",
        "anyway": "the same in the comparison, by the official definition",
    }
    found: dict[str, list[np.ndarray]] = {name: [] for name in notes}
    for s, r, ids, lots in runs:
        place = np.array([programmes.index(id) for id in ids], dtype=np.int16)
        values = (
            np.full(lots.size, s, dtype=np.int16),
            np.full(lots.size, r, dtype=np.int16),
            place[lots.programme],
            lots.region,
        )
        every = dict(zip(codes, values, strict=True)) | {name: getattr(lots, name) for name in plain}
        every["employed"] = lots.placed[:, 0]
        compared = (every["alike"] >= 0)[:, None] & (every["employed"][:, 0] >= 0)
        bits = lots.anyway[:, None] >> np.arange(len(HORIZONS), dtype=np.uint32) & 1
        every["anyway"] = np.where(compared, bits.astype(np.int8), np.int8(-1))
        for name, column in every.items():
            found[name].append(column)
    dims = {"employed": ("applicant", "definition", "horizon"), "anyway": ("applicant", "horizon")}
    return xr.Dataset(
        {
            name: (
                dims.get(name, ("applicant",)),
                np.concatenate(parts),
                {"long_name": notes[name], "units": "1"},
            )
            for name, parts in found.items()
        },
        coords={
            "definition": ["official", "insured"],
            "horizon": ("horizon", list(HORIZONS), {"long_name": "months since the lot", "units": "months"}),
            "programme": list(programmes),
            "region": list(regions),
        },
    )


def bits_of(packed: np.ndarray, rows: np.ndarray, month: np.ndarray) -> np.ndarray:
    """Bits of `rows` in packed bits (months, bytes), each in its own month."""
    return np.asarray((packed[month, rows >> 3] >> (7 - (rows & 7)) & 1).astype(bool))


__all__ = [
    "DESIGNS",
    "LOTTERY",
    "NEVER",
    "SATURATION",
    "WITHHELD",
    "Randomised",
    "Rule",
    "levels_by_province",
    "rules_of",
]

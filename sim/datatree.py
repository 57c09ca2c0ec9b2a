"""From replicates to one labelled tree: every sum with its name, unit and how its cells were made.

All counts are persons (agents times the scale). Dims are in the order scenario, replicate, month or year,
stage, occupation, region, and so on. Only sums are stored; `sim.ratios` divides them when asked.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from sim import economy as economies
from sim.errors import InputError
from sim.placements import COUNTED, DEFINITIONS, ORIGINS, Placements, applied_followed, placements, staircase
from sim.programmes import COURSE_KINDS, HORIZONS
from sim.randomised import applicants
from sim.record import AGES5, FIRM_ITEMS, FLOWS, PAY_BINS, STATES, TOTALS
from sim.records import Programme
from sim.replicate import RunData
from sim.uncertainty import draw_of, ensemble, per_draw, variants
from sim.variables import (
    BOOKS,
    COUNTS,
    FIRM_LABELS,
    FLOW_LABELS,
    MARGINS,
    MARKET,
    PEOPLE_AXES,
    POINT,
    REVENUE,
    SUM,
)
from sim.versions import versions
from sim.workers import STAGES

if TYPE_CHECKING:
    from sim.economy import Economy

LEAD = ("scenario", "replicate")
STEPS = ("enrolled", "completed", "employed", "retained")
NO_EMPLOYER = "none"
GROUPS = ("market", "cells", "programmes", "employers", "flows", "calibration")


class TreeBuilder:
    """Builds the tree from one RunData for every scenario and replicate, in any order.

    ValueError when the runs do not form a grid or were not asked for the same months, scale, start and seed;
    InputError when two scenarios with different settings share a name.
    """

    def __init__(
        self,
        runs: Sequence[RunData],
        programmes: Sequence[str] | None = None,
        economy: Economy | None = None,
    ) -> None:
        """programmes: ids of the axis, where they are more than those of the runs. economy: theirs, where it is at
        hand."""
        self.names = list(dict.fromkeys(run.scenario.name for run in runs))
        self.replicates = sorted({run.replicate for run in runs})
        cells = {(run.scenario.name, run.replicate): run for run in runs}
        if not runs or len(cells) != len(runs) or len(runs) != len(self.names) * len(self.replicates):
            raise ValueError("runs must hold every scenario with every replicate once")
        self.grid = [[cells[name, r] for r in self.replicates] for name in self.names]
        self.first = self.grid[0][0]
        self._refuse_mixtures()
        self.run = self.first.scenario.run
        self.scale = self.run.scale
        self.economy = economy or economies.load(self.run.economy)
        self.programme_ids = sorted(programmes or {p for run in runs for p in run.programmes})

    def _refuse_mixtures(self) -> None:
        runs = [run for row in self.grid for run in row]
        for setting in ("start", "months", "scale", "seed", "economy", "uncertainty"):
            if len({getattr(run.scenario.run, setting) for run in runs}) > 1:
                raise ValueError(f"runs of one result share {setting}")
        for row in self.grid:
            if any(run.scenario.settings() != row[0].scenario.settings() for run in row):
                raise InputError("two different scenarios have the same name", key=row[0].scenario.name)

    def tree(self) -> xr.DataTree:
        """All groups and the attributes of the root."""
        groups = {name: self.dataset(self.variables(name)) for name in GROUPS}
        groups["calibration"] = self._with_margins(groups["calibration"])
        if any(run.randomised.size for row in self.grid for run in row):
            groups["trials"] = self.trials()
        tree = xr.DataTree.from_dict(groups)
        tree.attrs = self.root()
        return tree

    def variables(self, group: str) -> dict[str, xr.Variable]:
        """The sums of one of `GROUPS`, without coordinates."""
        made: dict[str, xr.Variable] = getattr(self, f"_{group}")()
        return made

    def trials(self) -> xr.Dataset:
        """Everyone whose seat was decided by lot."""
        runs = [
            (s, r, run.programmes, run.randomised)
            for s, row in enumerate(self.grid)
            for r, run in enumerate(row)
        ]
        return applicants(runs, self.programme_ids, self.economy.codes["region"])

    # ------------------------------------------------------------------------------------------- the groups

    def _market(self) -> dict[str, xr.Variable]:
        """Totals of the labour market by month, and the distribution of hourly pay."""
        people = self.block("people").sum(axis=(3, 4, 5, 6))
        out = {
            name: self.heads(("month",), people[..., s], label, "persons", POINT)
            for s, (name, label) in enumerate(zip(STATES, ("in work", "unemployed", "inactive"), strict=True))
        }
        totals = self.block("totals")
        for name, (label, units, method, factor) in MARKET.items():
            out[name] = self.heads(
                ("month",), self.scaled(totals[..., TOTALS.index(name)], factor), label, units, method
            )
        wages = totals[..., TOTALS.index("wages")]
        for name, (rate, label) in REVENUE.items():  # whole won: rates are known to the millionth
            millionths = round(self.economy.scalar(rate) * 1_000_000)
            out[name] = self.heads(("month",), wages * millionths // 1_000_000, label, "won", SUM)
        saved = self.block("firms")[..., FIRM_ITEMS.index("hours_saved")].sum(axis=(3, 4))
        out["hours_saved"] = self.heads(
            ("month",), self.scaled(saved, 1e-3), "hours that AI saves", "hours", SUM
        )
        flows = self.stack(lambda run: run.record.flows * self.scale)
        for n, name in enumerate(FLOWS):
            label, units, method = FLOW_LABELS.get(name, (name.replace("_", " "), "persons", SUM))
            values = flows[..., n] if name == "exposed_intensity" else np.rint(flows[..., n]).astype(np.int64)
            out[name] = self.var(("month",), values, label, units, method)
        out["employees_by_wage"] = self.heads(
            ("month", "wage"), self.block("pay"), "employees by hourly pay, won of 2025", "persons", POINT
        )
        return out

    def _cells(self) -> dict[str, xr.Variable]:
        """People by state and listed marginals; never the full cross."""
        people, out = self.block("people"), {}
        for name, kept in MARGINS.items():
            dropped = tuple(3 + n for n, axis in enumerate(PEOPLE_AXES) if axis not in kept)
            label = f"people by {' and '.join(_said(k) for k in kept)} and labour state"
            out[name] = self.heads(
                ("month", *kept, "state"), people.sum(axis=dropped), label, "persons", POINT
            )
        places = self.block("places")  # province, stage, state
        out["persons_by_region"] = self.heads(
            ("month", "region", "state"),
            places.sum(axis=4),
            "people by province and labour state",
            "persons",
            POINT,
        )
        out["persons_by_stage_region"] = self.heads(
            ("month", "stage", "region", "state"),
            np.swapaxes(places, 3, 4),
            "people by stage at policy start, province and labour state",
            "persons",
            POINT,
        )
        trades = self.block("trades")  # occupation, age, employed or unemployed
        for s, state in enumerate(STATES[:2]):
            out[f"{state}_by_occupation_age"] = self.heads(
                ("month", "occupation", "age"),
                trades[..., s],
                f"{state} by occupation{' last held' if s else ''} and age",
                "persons",
                POINT,
            )
        return out

    def _flows(self) -> dict[str, xr.Variable]:
        """People by age, state a month ago and state now, both at month ends as surveys measure them."""
        label = "people by age, labour state at the last month end and now"
        moves = {
            "persons": self.heads(
                ("month", "age", "state_before", "state"), self.block("moves"), label, "persons", POINT
            )
        }
        return moves

    def _employers(self) -> dict[str, xr.Variable]:
        """Work, output and AI use by size class (`none`: without an employer) and industry."""
        firms = self.block("firms")
        out = {}
        for n, name in enumerate(FIRM_ITEMS):
            label, units, method, factor = FIRM_LABELS[name]
            out[name] = self.heads(
                ("month", "size", "industry"), self.scaled(firms[..., n], factor), label, units, method
            )
        adoption = self.stack(lambda run: run.record.adoption)
        for n, name in enumerate(("open_employers", "adopters")):
            label, units, method = FLOW_LABELS[name]
            out[name] = self.heads(("month", "size", "industry"), adoption[..., n], label, units, method)
        return out

    def _programmes(self) -> dict[str, xr.Variable]:
        """Counts by month, the books by year, and where trainees stand later."""
        out: dict[str, xr.Variable] = {}
        counts = self.by_programme(lambda run: run.record.programmes, 1)
        for k, (name, label) in enumerate(COUNTS.items()):
            method = POINT if name == "attending" else SUM
            out[name] = self.heads(("month", "programme"), counts[..., k], label, "persons", method)
        eligible = self.by_programme(lambda run: run.eligible, 1)
        out["eligible"] = self.heads(
            ("run_year", "programme"),
            eligible,
            "people whom the programme's rules admit, at the end of the first month",
            "persons",
            "run_year: point",
        )
        books = self.by_programme(lambda run: np.moveaxis(run.books, 0, 2), 0)  # programme, year, account
        won = {
            **{name: books[..., k] for k, name in enumerate(("budget", "course", "fixed", "allowance"))},
            "unspent": books[..., 0] - books[..., 1] - books[..., 2],
            "self_payment": self.by_programme(self._self_payments, 0),
        }
        for name, label in BOOKS.items():
            out[name] = self.var(
                ("year", "programme"), np.swapaxes(won[name], 2, 3), label, "won", "year: sum"
            )
        out["persons_paid"] = self.var(
            ("year", "programme"),
            np.swapaxes(books[..., 4], 2, 3),
            "course places and instructors paid for",
            "persons",
            "year: sum",
        )
        heads = ("stage", "programme", "origin")
        found = [[placements(run.enrolments, len(run.programmes)) for run in row] for row in self.grid]
        for k, label in enumerate(("followed to the horizon", "in work at the horizon")):
            values = self.placed(partial(_nth, found, k))
            out[("known", "placed")[k]] = self.heads(
                (*heads, "counted", "definition", "horizon"),
                values,
                f"trainees {label}",
                "persons",
                "month: sum",
            )
        steps = self.placed(
            lambda s, r: staircase(
                self.grid[s][r].enrolments,
                len(self.grid[s][r].programmes),
                self.grid[s][r].months_of_course,
                self.run.months,
            )
        )
        out["staircase"] = self.heads(
            (*heads, "step"),
            steps,
            "trainees of intakes followed 12 months past completion",
            "persons",
            "month: sum",
        )
        asked = self.by_programme(applied_followed, 0)
        out["applied_followed"] = self.heads(
            ("programme",), asked, "applications in the months of those intakes", "persons", "month: sum"
        )
        return out

    def _self_payments(self, run: RunData) -> np.ndarray:
        """Won that trainees pay (programmes, years)."""
        records = self._records_of(run)
        fee = np.array([records[p].own_payment * (records[p].kind in COURSE_KINDS) for p in run.programmes])
        return np.asarray(run.books[4] * fee[:, None])

    def _calibration(self) -> dict[str, xr.Variable]:
        """How far the built population is from its margins, and the spin-up before the first month."""
        margins, sizes = list(self.first.residuals), list(self.first.headcount)
        out = {
            "residual": self.var(
                ("margin",),
                self.stack(lambda run: np.array([run.residuals[m] for m in margins])),
                "largest deviation of a margin",
                "share of its total",
                "",
            ),
            "headcount_factor": self.var(
                ("headcount_size",),
                self.stack(lambda run: np.array([run.headcount[s] for s in sizes])),
                "mean headcount of employers over the published mean",
                "1",
                "",
            ),
            "spin_up_persons": self.heads(
                ("spin_up_month", "state"),
                self.stack(_spin_up),
                "people by labour state before the first month",
                "persons",
                POINT,
            ),
        }
        return out

    def _with_margins(self, data: xr.Dataset) -> xr.Dataset:
        first = self.first
        return data.assign_coords(
            margin=list(first.residuals),
            headcount_size=list(first.headcount),
            spin_up_month=np.arange(-first.spin_up_months, 0),
        )

    def root(self) -> dict[str, Any]:
        """Attributes of the tree: what was asked, of which model and data."""
        from sim import __version__
        from sim.kernels import source_digest

        scenarios = [row[0].scenario for row in self.grid]
        return {
            "title": " against ".join(s.title or s.name for s in scenarios),
            "conventions": "counts are persons (agents times scale); money is whole won",
            "model": f"LaborShift {__version__}",
            "seed": self.run.seed,
            "scale": self.scale,
            "start": self.run.start.isoformat(),
            "economy": self.economy.name,
            "economy_sha256": self.economy.digest,
            "discount_rate": self.economy.scalar("macro.discount_rate"),
            "kernels_sha256": source_digest(),
            "scenario_sha256": json.dumps({s.name: s.digest(self.economy.digest) for s in scenarios}),
            "scenario_toml": json.dumps({s.name: s.resolved_toml() for s in scenarios}, ensure_ascii=False),
            "versions": json.dumps(versions()),
            **self._uncertainty(),
        }

    def _uncertainty(self) -> dict[str, Any]:
        """Where parameters are drawn: from what, which draw each replicate has, and how many share one."""
        first = self.first.scenario
        if not (each := per_draw(first)):
            return {}
        return {
            "uncertainty": first.run.uncertainty,
            "posterior_sha256": ensemble(first.run.uncertainty).digest,
            "draws": json.dumps([draw_of(first, r) for r in self.replicates]),
            "replicates_a_draw": each,
            "variants": json.dumps(variants(first)),
        }

    # ------------------------------------------------------------------------------------------ small steps

    def stack(self, made: Callable[[RunData], np.ndarray]) -> np.ndarray:
        """One array a run, stacked on the axes scenario and replicate."""
        return np.array([[made(run) for run in row] for row in self.grid])

    def block(self, name: str) -> np.ndarray:
        """One block of the monthly sums (scenario, replicate, month, ...), in agents."""
        return self.grid[0][0].record.layout.block(self._sums, name)

    @cached_property
    def _sums(self) -> np.ndarray:
        return self.stack(lambda run: run.record.sums)

    def by_programme(self, made: Callable[[RunData], np.ndarray], axis: int) -> np.ndarray:
        """Arrays with an axis of each run's own programmes, laid on the axis of all programmes."""
        return self.stack(lambda run: self._laid(run, made(run), axis))

    def placed(self, made: Callable[[int, int], np.ndarray]) -> np.ndarray:
        """As `by_programme`, for arrays (stage, programme, ...) made from positions in the grid."""
        return np.array(
            [[self._laid(run, made(s, r), 1) for r, run in enumerate(row)] for s, row in enumerate(self.grid)]
        )

    def _laid(self, run: RunData, values: np.ndarray, axis: int) -> np.ndarray:
        places = [self.programme_ids.index(p) for p in run.programmes]
        shape = list(values.shape)
        shape[axis] = len(self.programme_ids)
        out = np.zeros(shape, dtype=values.dtype)
        np.moveaxis(out, axis, 0)[places] = np.moveaxis(values, axis, 0)
        return out

    def scaled(self, values: np.ndarray, factor: float) -> np.ndarray:
        """Fixed point to units; whole numbers stay whole."""
        return values if factor == 1 else values * factor

    def heads(
        self, dims: tuple[str, ...], agents: np.ndarray, label: str, units: str, method: str
    ) -> xr.Variable:
        """A variable led by scenario and replicate, from counts or sums over agents."""
        return self.var(dims, agents * self.scale, label, units, method)

    def var(
        self, dims: tuple[str, ...], values: np.ndarray, label: str, units: str, method: str
    ) -> xr.Variable:
        """A variable led by scenario and replicate, in its own unit."""
        return xr.Variable((*LEAD, *dims), values, _attrs(label, units, method))

    def dataset(self, variables: dict[str, xr.Variable]) -> xr.Dataset:
        """A group with the coordinates of the dims that it uses."""
        used = {dim for v in variables.values() for dim in v.dims}
        coords = {name: c for name, c in self.coords.items() if set(c.dims) <= used}
        return xr.Dataset(variables, coords=coords)

    @cached_property
    def coords(self) -> dict[str, xr.Variable]:
        """Coordinates of every dim, and the labels of those that have codes."""
        start = np.datetime64(self.run.start.isoformat(), "M")
        months = (start + np.arange(self.run.months)).astype("datetime64[ns]")
        wage = np.exp(8.0 + (np.arange(PAY_BINS) + 0.5) / 32.0)
        codes = self.economy.codes
        values: dict[str, Any] = {
            "scenario": self.names,
            "replicate": self.replicates,
            "month": months,
            "year": list(self.first.years),
            "run_year": np.arange(math.ceil(self.run.months / 12)),
            "stage": list(STAGES),
            "age": list(AGES5),
            "sex": codes["sex"],
            "education": codes["education"],
            "region": codes["region"],
            "occupation": codes["occupation"],
            "industry": codes["industry"],
            "size": [*codes["size"], NO_EMPLOYER],
            "state": list(STATES),
            "state_before": ["absent", *STATES],
            "programme": self.programme_ids,
            "origin": list(ORIGINS),
            "counted": list(COUNTED),
            "definition": list(DEFINITIONS),
            "horizon": list(HORIZONS),
            "step": list(STEPS),
            "wage": wage,
        }
        notes = {
            "wage": _attrs("hourly pay, middle of the bin", "won of 2025"),
            "horizon": _attrs("months since the start or since completion", "months"),
            "stage": _attrs("life stage: of trainees at enrolment, of all others at policy start", "1"),
        }
        coords = {dim: xr.Variable((dim,), v, notes.get(dim, {})) for dim, v in values.items()}
        records = self._records()
        for lang in ("en", "ko"):
            for dim in ("region", "occupation", "industry", "education", "sex"):
                coords[f"{dim}_label_{lang}"] = xr.Variable((dim,), self.economy.labels(dim, lang))
            labels = [getattr(records[p], f"label_{lang}") or records[p].label_en for p in self.programme_ids]
            coords[f"programme_label_{lang}"] = xr.Variable(("programme",), labels)
        plan = np.array([records[p].plan for p in self.programme_ids], dtype=np.int8)
        coords["in_plan"] = xr.Variable(
            ("programme",), plan, _attrs("1: part of the AI plan of 2025-12-18", "1")
        )
        kinds = [records[p].kind for p in self.programme_ids]
        coords["programme_kind"] = xr.Variable(("programme",), kinds)
        return coords

    def _records(self) -> dict[str, Programme]:
        records: dict[str, Programme] = {}
        for row in self.grid:
            records = self._records_of(row[0]) | records
        return records

    def _records_of(self, run: RunData) -> dict[str, Programme]:
        return run.scenario.programmes(self.economy.programmes)


def _nth(found: list[list[Placements]], k: int, s: int, r: int) -> np.ndarray:
    return found[s][r][k]


def _spin_up(run: RunData) -> np.ndarray:
    """Agents by labour state in each month of the spin-up (months, state)."""
    layout = run.record.layout
    sums = np.array(run.record.spin_up_sums, dtype=np.int64).reshape(-1, layout.offsets[-1])
    return np.asarray(layout.block(sums, "people").sum(axis=(1, 2, 3, 4)))


def _attrs(label: str, units: str, method: str = "") -> dict[str, str]:
    return {"long_name": label, "units": units, **({"cell_methods": method} if method else {})}


def _said(axis: str) -> str:
    return "stage at policy start" if axis == "stage" else axis

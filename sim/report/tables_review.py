"""Tables 15, 17 and 18: the next won, the roadmap's pillars, validation."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.economy import Economy
from sim.report.effect_rows import mean_of, n_of, not_here, rows_by, scenario_label, value_at, value_of
from sim.report.subject import Subject
from sim.report.table import Column, Number, ReportTable, Value, money, too_short
from sim.report.words import Words
from sim.summary import PLAN_END, pick
from sim.uncertainty import shipped
from sim.validation.rows import ORDER

if TYPE_CHECKING:
    from sim.evaluation.comparison import Effects
    from sim.results import Results

PILLARS = Path(__file__).with_name("pillars.csv")
AFTER = 12
MEASURED = {
    "net-employment": "change of person-months",
    "equity": "change of person-months",
    "productivity": "won",
    "fiscal": "change of 100 million won",
}
"""Objective of `marginal` and `allocate` -> unit of a report."""
PLAN_STAGES = ("entry", "active", "transition")


@lru_cache(maxsize=2)
def calibration(name: str) -> dict[str, Any]:
    """A file of the calibration that ships."""
    found: dict[str, Any] = json.loads(shipped().with_name(name).read_text(encoding="utf-8"))
    return found


def cited(economy: Economy, source: str) -> str:
    """A source as it is cited: ids of the economy's sources joined by ; are looked up, other text stays."""
    table = economy.tables["sources"]
    known = dict(zip(table.column("id"), table.column("citation"), strict=True))
    return "; ".join(known.get(id, id) for id in source.split(";"))


# -------------------------------------------------------------------------------------------- 15 marginal returns


def table_15(subject: Subject, say: Words) -> ReportTable:
    """What the next money buys in each programme, and what binds there: of `laborshift marginal`; of `laborshift
    allocate` the money of each programme before and after."""
    key, title, told = "marginal", say("review.15.title"), subject.allocation
    if told is not None and "splits" in told:
        return _of_split(subject, told, say)
    if told is None or "marginal" not in told:
        return too_short(15, key, title, say("review.15.missing"))
    columns = (
        Column(say("inputs.programme")),
        Column(say("review.15.effect"), MEASURED[told["objective"]]),
        Column(say("review.15.places"), "number with digits"),
        Column(say("review.15.binds")),
        Column(say("review.15.best"), "share"),
        Column(say("review.15.replicates"), "count"),
    )
    rows: list[tuple[Value, ...]] = [
        (
            programme_label(subject, say, str(row["programme"])),
            ends(row),
            float(row["extra_places"]),
            say(f"review.binds.{row['binds']}"),
            float(row["chance_best"]),
            int(row["replicates"]),
        )
        for row in marginal_rows(told)
    ]
    definition = say(
        "review.15.definition",
        amount=money(told["amount"], say),
        objective=say(f"review.objective.{told['objective']}"),
    )
    n = say("review.15.n", months=told["months"], scale=f"{told['scale']:,}")
    notes = (say("review.15.sure") if told["sure"] else say("review.15.unsure"), say("review.15.binding"))
    source = str(subject.provenance["model"])
    return ReportTable(15, key, title, columns, rows, definition, source, n, notes)


def _of_split(subject: Subject, told: Mapping[str, Any], say: Words) -> ReportTable:
    columns = (
        Column(say("inputs.programme")),
        *(Column(say(f"review.15.{which}"), "100 million won") for which in ("published", "found", "most")),
    )
    rows: list[tuple[Value, ...]] = [
        (
            programme_label(subject, say, row["programme"]),
            *(float(row[f"{which}_won_a_year"]) for which in ("published", "found", "most")),
        )
        for row in told["programmes"]
    ]
    n = say("review.15.n", months=told["months"], scale=f"{told['scale']:,}")
    objective = say(f"review.objective.{told['objective']}")
    definition = say("review.15.split definition", objective=objective)
    source = str(subject.provenance["model"])
    title, note = say("review.15.split title"), say("review.15.missing")
    return ReportTable(15, "marginal", title, columns, rows, definition, source, n, (note,))


def marginal_rows(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of `marginal` that are about its objective, the largest effect first."""
    return [row for row in told["marginal"] if row["measure"] == told["objective"]]


def ends(row: Mapping[str, Any]) -> Number:
    """A number as answer.json has it; NaN where it has none."""
    return Number(*(math.nan if row[end] is None else float(row[end]) for end in ("mean", "low", "high")))


def programme_label(subject: Subject, say: Words, id: str) -> str:
    """A programme in the language of the report."""
    records = next(iter(subject.scenarios.values())).programmes(subject.economy.programmes)
    return say.of(records[id].label_en, records[id].label_ko) if id in records else id


# --------------------------------------------------------------------------------------------- 17 roadmap map


def table_17(subject: Subject, say: Words) -> ReportTable:
    """Results by the published pillars of the plan, the roadmap and the basic plan; those without a result say so."""
    key, title = "roadmap", say("review.17.title")
    if subject.results is None:
        return not_here(subject, say, 17, key, title)
    names = ("plan", "pillar", "indicator", "value", "unit", "owner", "year", "source")
    columns = tuple(Column(say(f"review.17.{name}"), "number" if name == "value" else "") for name in names)
    found, owner = indicators(subject, say), say("review.17.no owner")
    rows: list[tuple[Value, ...]] = []
    with PILLARS.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            plan, pillar = (say.of(line[f"{name}_en"], line[f"{name}_ko"]) for name in ("plan", "pillar"))
            outcomes = [one for one in line["outcomes"].split(";") if one in found]
            if not outcomes:
                rows.append((plan, pillar, say("review.17.none"), None, "", owner, "", line["source"]))
            for one in outcomes:
                value, unit, year = found[one]
                indicator = say(f"review.17.{one}")
                rows.append(
                    (plan, pillar, indicator, value, say(f"unit.{unit}"), owner, year, line["source"])
                )
    definition = say("review.17.definition", scenario=scenario_label(subject, say, subject.main))
    n = n_of(subject.effects, say) if subject.effects is not None else ""
    notes = (say("review.17.owners"), say("review.17.text"))
    return ReportTable(
        17, key, title, columns, rows, definition, str(subject.results.attrs["model"]), n, notes
    )


def indicators(subject: Subject, say: Words) -> dict[str, tuple[Value, str, str]]:
    """Indicator of the main scenario -> number in its unit, unit, year."""
    results, name = subject.results, subject.main
    assert results is not None
    last = str(results.months[-1])[:4]
    table = results.summary()
    mine = table[table["scenario"] == name]
    found: dict[str, tuple[Value, str, str]] = {}
    for indicator, outcome, dimension in (
        ("user_share", "user_share", "all"),
        ("goal", "plan_trained_of_goal", "until"),
    ):
        row = pick(mine, outcome=outcome, dimension=dimension)
        found[indicator] = (_times(Number.of(row), 100.0), "share", last)
    found["ai_gain"] = (Number.of(pick(mine, outcome="ai_gain", dimension="all")), "ratio", last)
    trained = pick(mine, outcome="plan_trained")
    found["trained"] = (Number.of(trained), "persons", str(trained["category"])[:4])
    for stage, heads in trained_by_stage(subject, results).items():
        found[f"trained_{stage}"] = (heads, "persons", str(trained["category"])[:4])
    placed = rows_by(
        mine[mine["outcome"] == "reemployment_official_completers_from_nonemployment"],
        "dimension",
        "category",
        "horizon_months",
    )
    for stage in PLAN_STAGES:
        if ("stage", stage, AFTER) in placed:
            value = value_of(placed["stage", stage, AFTER], say)
            found[f"placed_{stage}"] = (_times(value, 100.0), "share", last)
    return found if subject.effects is None else found | _of_effects(subject.effects, name, say, last)


def _of_effects(effects: Effects, name: str, say: Words, last: str) -> dict[str, tuple[Value, str, str]]:
    from sim.evaluation.fiscal import PRESENT_VALUE
    from sim.evaluation.front import SINCE

    direct = rows_by(effects.treated(months=(AFTER,)), "scenario", "outcome")
    net = rows_by(effects.net("employed"), "scenario", "horizon_months")
    costs = rows_by(effects.fiscal(), "scenario", "outcome", "category")
    benefits = value_at(costs, (name, "public balance: benefits", PRESENT_VALUE), say)
    return {
        "direct": (value_at(direct, (name, SINCE), say), "points", last),
        "net": (value_at(net, (name, effects.horizons[-1]), say), "change of persons", last),
        "benefits": (_times(benefits, 1e-8), "100 million won", last),
    }


def trained_by_stage(subject: Subject, results: Results) -> dict[str, Number]:
    """People who start in the plan's programmes until `PLAN_END`, by the first stage of the programme's record."""
    from sim.evaluation.variants import first_stage

    known = subject.scenarios[subject.main].programmes(subject.economy.programmes)
    sums = results.programmes.sums.sel(scenario=subject.main)
    plan = sums.isel(month=sums["month"].dt.year.values <= PLAN_END, programme=sums["in_plan"].values == 1)
    heads = plan["enrolled"].sum("month").transpose("replicate", "programme")
    stages = [first_stage(known[str(id)]) for id in heads["programme"].values]
    return {
        stage: mean_of(results.design, heads.values[:, [one == stage for one in stages]].sum(axis=1))
        for stage in PLAN_STAGES
    }


def _times(value: Value, factor: float) -> Value:
    return Number(*(factor * x for x in value)) if isinstance(value, Number) else value


# ------------------------------------------------------------------------------------------------ 18 validation


def table_18(subject: Subject, say: Words) -> ReportTable:
    """Every comparison of the model with a published fact, failures first, as the calibration that ships has them."""
    told = calibration("validation.json")
    numbers = ("model", "error", "published", "low", "high")
    columns = (
        *(Column(say(f"review.18.{name}")) for name in ("status", "group", "what", "unit")),
        *(Column(say(f"review.18.{name}"), "number") for name in numbers),
        Column(say("review.18.source")),
    )
    rows: list[tuple[Value, ...]] = []
    for row in sorted(told["rows"], key=lambda one: ORDER.index(one["status"])):
        status, group = say(f"review.18.is {row['status']}"), say(f"review.18.of {row['group']}")
        head = (status, group, say.of(row["label"], row["label_ko"]), say(f"review.in.{row['unit']}"))
        values = (row["value"], row["error"], row["published"], row["low"], row["high"])
        source = cited(subject.economy, row["source"])
        rows.append((*head, *(None if x is None else float(x) for x in values), source))
    fails, untested, passes = (sum(row["status"] == status for row in told["rows"]) for status in ORDER)
    n = say("review.18.n", fails=fails, untested=untested, passes=passes)
    definition, source = say("review.18.definition"), say("review.18.command", model=told["model"])
    return ReportTable(18, "validation", say("review.18.title"), columns, rows, definition, source, n)


__all__ = [
    "MEASURED",
    "calibration",
    "cited",
    "ends",
    "marginal_rows",
    "programme_label",
    "table_15",
    "table_17",
    "table_18",
]

"""Tables 15 and 17 to 20: the next won, the roadmap, validation, sensitivity, and what the evidence is worth."""

from __future__ import annotations

import csv
import json
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

from sim.parameters import ASSUMED, PARAMETERS, Parameter
from sim.report.effect_rows import not_here, rows_by, scenario_label, value_at
from sim.report.subject import Subject
from sim.report.table import Column, Number, ReportTable, Value, too_short
from sim.report.words import Words
from sim.summary import pick
from sim.uncertainty import shipped
from sim.validation.rows import ORDER

PILLARS = Path(__file__).with_name("pillars.csv")
AFTER = 12
KOREAN = ("Korea", "KDI", "BOK", "KEIS", "KLI", "KOSIS", "HRD-Net", "NIA", "MoEL", "Ministry")
CAUSAL = ("randomised", "trial", "QJE", "instrument", "natural experiment")


@lru_cache(maxsize=2)
def _calibration(name: str) -> dict[str, Any]:
    """A file of the calibration that ships."""
    found: dict[str, Any] = json.loads(shipped().with_name(name).read_text(encoding="utf-8"))
    return found


# -------------------------------------------------------------------------------------------- 15 marginal returns


def table_15(subject: Subject, say: Words) -> ReportTable:
    """What the next money buys in each programme, and what binds there: of `laborshift marginal`."""
    key, title, told = "marginal", say("review.15.title"), subject.allocation
    if told is None or "marginal" not in told:
        return too_short(15, key, title, say("review.15.missing"))
    columns = (
        Column(say("inputs.programme")),
        Column(say("review.15.effect"), "number with digits"),
        Column(say("review.15.unit")),
        Column(say("review.15.binds")),
        Column(say("review.15.best")),
    )
    rows: list[tuple[Value, ...]] = []
    for row in told["marginal"]:
        if row["measure"] != told["objective"]:
            continue
        number = Number(
            *(math.nan if row[end] is None else float(row[end]) for end in ("mean", "low", "high"))
        )
        best = say("review.15.is best") if row["programme"] == told["best"] else ""
        programme = _programme(subject, say, str(row["programme"]))
        binds = (
            say(f"review.binds.{row['binds']}")
            if f"review.binds.{row['binds']}" in say
            else str(row["binds"])
        )
        rows.append((programme, number, str(row["unit"]), binds, best))
    n = say("review.15.n", months=told["months"], scale=f"{told['scale']:,}")
    sure = say("review.15.sure") if told["sure"] else say("review.15.unsure")
    return ReportTable(
        15,
        key,
        title,
        columns,
        rows,
        say("review.15.definition", amount=f"{told['amount']:,}"),
        "",
        n,
        (sure,),
    )


def _programme(subject: Subject, say: Words, id: str) -> str:
    records = next(iter(subject.scenarios.values())).programmes(subject.economy.programmes)
    return say.of(records[id].label_en, records[id].label_ko) if id in records else id


# --------------------------------------------------------------------------------------------- 17 roadmap map


def table_17(subject: Subject, say: Words) -> ReportTable:
    """Results by the published pillars of the roadmap and of the basic plan; those without a result say so."""
    key, title = "roadmap", say("review.17.title")
    if subject.results is None:
        return not_here(subject, say, 17, key, title)
    columns = tuple(
        Column(say(f"review.17.{name}"))
        for name in ("plan", "pillar", "indicator", "value", "unit", "year", "source")
    )
    columns = tuple(c._replace(unit="number") if k == 3 else c for k, c in enumerate(columns))
    found = _indicators(subject, say)
    rows: list[tuple[Value, ...]] = []
    with PILLARS.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            plan, pillar = (say.of(line[f"{name}_en"], line[f"{name}_ko"]) for name in ("plan", "pillar"))
            outcomes = [one for one in line["outcomes"].split(";") if one in found]
            if not outcomes:
                rows.append((plan, pillar, say("review.17.none"), None, "", "", line["source"]))
            for one in outcomes:
                value, unit = found[one]
                year = str(subject.results.months[-1])[:4]
                rows.append((plan, pillar, say(f"review.17.{one}"), value, unit, year, line["source"]))
    notes = (say("review.17.owner"), say("review.17.text"))
    scenario = scenario_label(subject, say, subject.main)
    definition = say("review.17.definition", scenario=scenario)
    source = str(subject.results.attrs["model"])
    return ReportTable(17, key, title, columns, rows, definition, source, "", notes)


def _indicators(subject: Subject, say: Words) -> dict[str, tuple[Value, str]]:
    """Indicator -> its number and unit, of the main scenario."""
    results, effects, name = subject.results, subject.effects, subject.main
    assert results is not None
    table = results.summary()
    mine = table[table["scenario"] == name]
    share, persons = say("unit.share"), say("unit.persons")

    def of(outcome: str, factor: float = 1.0, **equal: Any) -> Value:
        row = pick(mine, outcome=outcome, **equal)
        return Number(*(factor * float(row[end]) for end in ("mean", "low", "high")))

    found: dict[str, tuple[Value, str]] = {
        "trained": (of("plan_trained"), persons),
        "goal": (of("plan_trained_of_goal", 100.0), share),
        "user_share": (of("user_share", 100.0, dimension="all"), share),
        "ai_gain": (of("ai_gain", 1.0, dimension="all"), say("unit.ratio")),
        "placed_transition": (
            of(
                "reemployment_official_completers_from_nonemployment",
                100.0,
                dimension="stage",
                category="transition",
                horizon_months=AFTER,
            ),
            share,
        ),
    }
    if effects is not None:
        direct = rows_by(effects.treated(months=(AFTER,)), "scenario", "outcome")
        found["direct"] = (value_at(direct, (name, "direct effect on the treated"), say), say("unit.points"))
        net = rows_by(effects.net("employed"), "scenario", "horizon_months")
        found["net"] = (value_at(net, (name, effects.horizons[-1]), say), persons)
        costs = rows_by(effects.fiscal(), "scenario", "outcome")
        for (scenario, outcome), row in costs.items():
            if scenario == name and "benefit" in str(outcome):
                value = value_at(costs, (scenario, outcome), say)
                if isinstance(value, Number):
                    found["benefits"] = (Number(*(x / 1e9 for x in value)), say("unit.billion won"))
                del row
                break
    return found


# ------------------------------------------------------------------------------------------------ 18 validation


def table_18(subject: Subject, say: Words) -> ReportTable:
    """Every comparison of the model with a published fact, failures first, as the calibration that ships has them."""
    told = _calibration("validation.json")
    columns = (
        Column(say("review.18.status")),
        Column(say("review.18.group")),
        Column(say("review.18.what")),
        Column(say("review.18.unit")),
        Column(say("review.18.model"), "number"),
        Column(say("review.18.published"), "number"),
        Column(say("review.18.low"), "number"),
        Column(say("review.18.high"), "number"),
        Column(say("review.18.source")),
    )
    rows: list[tuple[Value, ...]] = []
    for row in sorted(told["rows"], key=lambda one: ORDER.index(one["status"])):
        numbers = (row["value"], row["published"], row["low"], row["high"])
        what = say.of(row["label"], row["label_ko"])
        head = (say(f"review.18.is {row['status']}"), say(f"review.18.of {row['group']}"), what, row["unit"])
        rows.append((*head, *(None if x is None else float(x) for x in numbers), row["source"]))
    counts = [sum(row["status"] == status for row in told["rows"]) for status in ORDER]
    n = say("review.18.n", fails=counts[0], untested=counts[1], passes=counts[2])
    definition, source = say("review.18.definition"), say("review.18.command", model=told["model"])
    return ReportTable(18, "validation", say("review.18.title"), columns, rows, definition, source, n)


# ----------------------------------------------------------------------------------- 19 sensitivity, uncertainty


def table_19(subject: Subject, say: Words) -> ReportTable:
    """Of a sweep what its outcomes hang on; else the estimated parameters and how well they are known."""
    if subject.sweep is not None:
        return _of_sweep(subject, say)
    title = say("review.19.title")
    columns = (
        Column(say("review.19.parameter")),
        Column(say("review.19.estimate"), "number"),
        Column(say("review.19.low"), "number"),
        Column(say("review.19.high"), "number"),
        Column(say("review.19.prior")),
        Column(say("review.19.contraction"), "share"),
        Column(say("review.19.pinned")),
    )
    rows: list[tuple[Value, ...]] = []
    known = _calibration("diagnostics.json")["parameters"]
    for one in sorted(known, key=lambda row: row["contraction"]):
        record = PARAMETERS[one["name"]]
        pinned = say("review.19.yes") if one["pinned"] else say("review.19.no")
        numbers = (float(one["estimate"]), float(one["low"]), float(one["high"]))
        who = f"{say.of(record.label, record.label_ko)} ({one['name']})"
        rows.append((who, *numbers, str(one["prior"]), float(one["contraction"]), pinned))
    notes = [say("review.19.note")]
    if subject.results is not None:
        drawn = bool(subject.results.design.per_draw)
        notes.append(say("review.19.posterior") if drawn else say("review.19.seeds"))
    source = say("review.19.source")
    return ReportTable(
        19, "uncertainty", title, columns, rows, say("review.19.definition"), source, "", tuple(notes)
    )


def _of_sweep(subject: Subject, say: Words) -> ReportTable:
    from sim.sweep.outcomes import OUTCOMES, TOLD
    from sim.sweep.show import sensitivities

    assert subject.sweep is not None
    sweep, title = subject.sweep, say("review.19.sweep title")
    outcomes = list(sweep.design.file.answers.outcomes or TOLD)
    found = sensitivities(sweep, outcomes)
    if not len(found):
        return too_short(19, "uncertainty", title, say("review.19.small"))
    columns = (
        Column(say("review.19.outcome")),
        Column(say("jobs.scenario")),
        Column(say("review.19.method")),
        Column(say("review.19.parameter")),
        Column(say("review.19.effect"), "number"),
        Column(say("review.19.alone"), "share"),
        Column(say("review.19.total"), "share"),
    )
    rows: list[tuple[Value, ...]] = []
    for (_, method, name, lever), part in found.groupby(["sample", "method", "outcome", "lever"], sort=False):
        for row in part.head(5).to_dict("records"):
            cells = (_ends(row, one) for one in ("mu_star", "first", "total"))
            said = OUTCOMES[str(name)]
            words = (say.of(said.label, said.label_ko), str(lever), say(f"review.19.by {method}"))
            rows.append((*words, say.of(str(row["label"]), str(row["label_ko"])), *cells))
    n = say("review.19.n", runs=f"{sweep.store.runs:,}", points=f"{len(sweep.points):,}")
    return ReportTable(
        19,
        "uncertainty",
        title,
        columns,
        rows,
        say("review.19.sweep definition"),
        str(sweep.store.manifest["model"]),
        n,
        (say("review.19.chance"),),
    )


def _ends(row: dict[Any, Any], name: str) -> Value:
    if name not in row or row[name] != row[name]:
        return None
    return Number(float(row[name]), float(row[f"{name}_low"]), float(row[f"{name}_high"]))


# -------------------------------------------------------------------------------------- 20 evidence and limits


def table_20(subject: Subject, say: Words) -> ReportTable:
    """Every parameter: where it comes from, and a grade of that evidence by stated rules."""
    columns = tuple(
        Column(say(f"review.20.{name}"))
        for name in ("parameter", "value", "grade", "kind", "where", "source")
    )
    columns = tuple(c._replace(unit="number") if k == 1 else c for k, c in enumerate(columns))
    rows: list[tuple[Value, ...]] = []
    for one in sorted(PARAMETERS.values(), key=lambda p: (grade(p), p.name)):
        who = f"{say.of(one.label, one.label_ko)} ({one.name})"
        kind = say("review.20.calibrated") if one.estimate is not None else say(f"review.20.{_kind(one)}")
        where = say("review.20.korean") if _korean(one) else say("review.20.foreign")
        where = "" if _kind(one) == "assumed" else where
        rows.append((who, float(one.default), grade(one), kind, where, one.source))
    notes = (say("review.20.programmes"), say("review.20.limits"))
    definition = say("review.20.definition")
    source = say("review.20.records", economy=subject.economy.name)
    return ReportTable(20, "evidence", say("review.20.title"), columns, rows, definition, source, "", notes)


def grade(parameter: Parameter) -> str:
    """A: causal evidence from Korea; B: causal from elsewhere, or published Korean figures; C: fitted to published
    figures, or published elsewhere; D: assumption."""
    kind = _kind(parameter)
    if kind == "assumed":
        return "C" if parameter.estimate is not None else "D"
    if kind == "causal":
        return "A" if _korean(parameter) else "B"
    return "B" if _korean(parameter) else "C"


def _kind(parameter: Parameter) -> str:
    """assumed, causal or published: by the words of the source."""
    first = _main_source(parameter)
    if first.startswith(ASSUMED):
        return "assumed"
    return "causal" if any(word in first for word in CAUSAL) else "published"


def _korean(parameter: Parameter) -> bool:
    return any(word in _main_source(parameter) for word in KOREAN)


def _main_source(parameter: Parameter) -> str:
    """What the value rests on: the part before a semicolon, behind which stands what it was checked against."""
    return parameter.source.split(";")[0]


__all__ = ["grade", "table_15", "table_17", "table_18", "table_19", "table_20"]

"""Tables 19 and 20: what the results hang on and how well that is known, and what the evidence is worth."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sim.parameters import ASSUMED, PARAMETERS, Parameter
from sim.report.effect_rows import rows_by, scenario_label
from sim.report.subject import Subject
from sim.report.table import Column, Number, ReportTable, Value, too_short
from sim.report.tables_review import calibration, cited
from sim.report.words import Words
from sim.summary import SHARES

if TYPE_CHECKING:
    from sim.sweep.answers import Sweep

KOREAN = (
    *("Korea", "KDI", "BOK", "KEIS", "KLI", "KOSIS", "HRD-Net", "NIA", "MoEL", "Ministry"),
    *("published flows of 2025", "the economy's factors"),
)
"""Words by which the source of a parameter is known as Korean; the last two stand for the economy's own tables."""
CAUSAL = ("randomised", "trial", "QJE", "instrument", "natural experiment")
FIGURES = ("unit_cost", "completion", "skill")
"""Of each programme of the plan, what table 20 grades."""
FIRST = 5
"""Factors of a sweep that are named for each outcome."""


# ----------------------------------------------------------------------------------- 19 sensitivity, uncertainty


def table_19(subject: Subject, say: Words) -> ReportTable:
    """Of a sweep what its outcomes hang on; else the estimated parameters and how well they are known."""
    if subject.sweep is not None:
        return _of_sweep(subject, subject.sweep, say)
    columns = (
        Column(say("review.19.parameter")),
        Column(say("review.19.estimate"), "number"),
        Column(say("review.19.prior")),
        Column(say("review.19.contraction"), "share"),
        Column(say("review.19.pinned")),
    )
    rows: list[tuple[Value, ...]] = []
    for one in sorted(calibration("diagnostics.json")["parameters"], key=lambda row: row["contraction"]):
        estimate = Number(float(one["estimate"]), float(one["low"]), float(one["high"]))
        pinned = say("review.19.yes") if one["pinned"] else say("review.19.no")
        prior = _prior(str(one["prior"]), say)
        rows.append(
            (_named(PARAMETERS[one["name"]], say), estimate, prior, float(one["contraction"]), pinned)
        )
    notes = [say("review.19.note"), say("review.19.negative"), *_of_what(subject, say)]
    title, definition, source = (say(f"review.19.{name}") for name in ("title", "definition", "source"))
    return ReportTable(19, "uncertainty", title, columns, rows, definition, source, "", tuple(notes))


def unpinned() -> dict[str, Mapping[str, Any]]:
    """Estimated parameters that the data do not pin: they keep their prior."""
    return {one["name"]: one for one in calibration("diagnostics.json")["parameters"] if not one["pinned"]}


def shares_of(row: Mapping[str, Any]) -> dict[str, float]:
    """How the variance of one replicate is split (`SHARES`), the parts that are known."""
    return {name: float(row[name]) for name in SHARES if row[name] == row[name]}


def _of_what(subject: Subject, say: Words) -> list[str]:
    """What the intervals of the report hold, and how the spread of the net effect is split where that can be told."""
    results, effects = subject.results, subject.effects
    if results is None:
        return []
    told = [say("review.19.posterior") if results.design.per_draw else say("review.19.seeds")]
    if effects is not None:
        net = rows_by(effects.net("employed"), "scenario", "horizon_months")
        for name in effects.scenarios:
            parts = shares_of(net[name, effects.horizons[-1]])
            if parts:
                text = ", ".join(f"{say(f'review.19.{part}')} {100 * x:.0f}%" for part, x in parts.items())
                label = scenario_label(subject, say, name)
                told.append(say("review.19.split", scenario=label, parts=text))
    return told


def _prior(text: str, say: Words) -> str:
    """A prior in the language of the report."""
    wide = re.fullmatch(r"lognormal, median (.+), sd of logs (.+)", text)
    if wide:
        return say("review.19.lognormal", median=wide[1], sd=wide[2])
    return text.replace("uniform", say("review.19.uniform")).replace("beta", say("review.19.beta"))


def _named(parameter: Parameter, say: Words) -> str:
    return f"{say.of(parameter.label, parameter.label_ko)} ({parameter.name})"


def _of_sweep(subject: Subject, sweep: Sweep, say: Words) -> ReportTable:
    from sim.sweep.outcomes import OUTCOMES, TOLD
    from sim.sweep.show import sensitivities

    title = say("review.19.sweep title")
    found = sensitivities(sweep, list(sweep.design.file.answers.outcomes or TOLD))
    if not len(found):
        return too_short(19, "uncertainty", title, say("review.19.small"))
    columns = (
        Column(say("review.19.outcome")),
        Column(say("jobs.scenario")),
        Column(say("review.19.method")),
        Column(say("review.19.parameter")),
        Column(say("review.19.effect"), "number"),
        Column(say("review.18.unit")),
        Column(say("review.19.alone"), "share"),
        Column(say("review.19.total"), "share"),
    )
    rows: list[tuple[Value, ...]] = []
    for (_, method, name, lever), part in found.groupby(["sample", "method", "outcome", "lever"], sort=False):
        said = OUTCOMES[str(name)]
        scenario = scenario_label(subject, say, str(lever))
        words = (say.of(said.label, said.label_ko), scenario, say(f"review.19.by {method}"))
        for row in part.head(FIRST).to_dict("records"):
            factor = say.of(str(row["label"]), str(row["label_ko"]))
            effect, alone, total = (_ends(row, one) for one in ("mu_star", "first", "total"))
            unit = say(f"review.in.{said.units}") if effect is not None else ""
            rows.append((*words, factor, effect, unit, alone, total))
    n = say("review.19.n", runs=f"{sweep.store.runs:,}", points=f"{len(sweep.points):,}")
    definition, source = say("review.19.sweep definition"), str(sweep.store.manifest["model"])
    notes = (say("review.19.chance"),)
    return ReportTable(19, "uncertainty", title, columns, rows, definition, source, n, notes)


def _ends(row: dict[Any, Any], name: str) -> Value:
    if name not in row or row[name] != row[name]:
        return None
    return Number(float(row[name]), float(row[f"{name}_low"]), float(row[f"{name}_high"]))


# -------------------------------------------------------------------------------------- 20 evidence and limits


def table_20(subject: Subject, say: Words) -> ReportTable:
    """Every parameter and the key figures of the plan's programmes: where they come from, and a grade of that evidence
    by stated rules."""
    names = ("parameter", "value", "grade", "kind", "where", "source")
    columns = tuple(Column(say(f"review.20.{name}"), "number" if name == "value" else "") for name in names)
    rows: list[tuple[Value, ...]] = []
    for one in PARAMETERS.values():
        kind = _kind(one)
        where = "" if kind in ("assumed", "unpinned", "fitted") else _where(_korean(one), say)
        said = say(f"review.20.{kind}")
        source = "" if one.source == ASSUMED else one.source  # the kind says it
        rows.append((_named(one, say), float(one.default), grade(one), said, where, source))
    rows += _of_programmes(subject, say)
    rows.sort(key=lambda row: str(row[2]))
    definition, source = (
        say("review.20.definition"),
        say("review.20.records", economy=subject.economy.name),
    )
    notes = tuple(say(f"review.20.{name}") for name in ("value note", "programmes", "limits"))
    return ReportTable(20, "evidence", say("review.20.title"), columns, rows, definition, source, "", notes)


def _of_programmes(subject: Subject, say: Words) -> list[tuple[Value, ...]]:
    """Key figures of the plan's programmes, as the economy's records have them."""
    rows: list[tuple[Value, ...]] = []
    for record in subject.economy.programmes.values():
        for name in FIGURES if record.get("plan") else ():
            figure = record.get(name)
            if figure is None or isinstance(figure["value"], dict):
                continue
            kind, source = str(figure["kind"]), cited(subject.economy, figure.get("source", ""))
            parts = [text for text in (source, figure.get("note", "")) if text]
            label = f"{say.of(record['label_en'], record.get('label_ko', ''))}: {say(f'review.20.of {name}')}"
            where = "" if kind in ("assumption", "recalled") else _where(True, say)
            value, said = float(figure["value"]), say(f"review.20.figure {kind}")
            rows.append((label, value, OF_FIGURES[kind], said, where, "; ".join(parts)))
    return rows


OF_FIGURES = {"published": "B", "derived": "C", "assumption": "D", "recalled": "D"}
"""Kind of a programme's figure -> grade: none of them is an effect, so none is causal."""


def grade(parameter: Parameter) -> str:
    """A: causal evidence from Korea; B: causal from abroad, or published Korean figures; C: pinned by fitting published
    figures, published abroad, or published figures with an assumption of their own; D: assumption, or a prior that the
    data do not pin."""
    kind = _kind(parameter)
    if kind in ("assumed", "unpinned"):
        return "D"
    if kind == "fitted":
        return "C"
    if kind == "causal":
        return "A" if _korean(parameter) else "B"
    return "B" if _korean(parameter) and ASSUMED not in parameter.source else "C"


def _kind(parameter: Parameter) -> str:
    """causal or published, by the words of the source; of those that rest on neither: fitted where the data pin them,
    unpinned where they keep their prior, assumed where they are not estimated."""
    main = _main_source(parameter)
    if main.startswith((ASSUMED, "uniform prior")):
        if parameter.estimate is None:
            return "assumed"
        return "unpinned" if parameter.name in unpinned() else "fitted"
    return "causal" if any(word in main for word in CAUSAL) else "published"


def _korean(parameter: Parameter) -> bool:
    return any(word in _main_source(parameter) for word in KOREAN)


def _main_source(parameter: Parameter) -> str:
    """What the value rests on: the part before a semicolon, behind which stands what it was checked against."""
    return parameter.source.split(";")[0]


def _where(korean: bool, say: Words) -> str:
    return say("review.20.korean") if korean else say("review.20.foreign")


__all__ = ["grade", "shares_of", "table_19", "table_20", "unpinned"]

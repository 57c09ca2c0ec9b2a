"""The first page: what was asked, the answer in three sentences with intervals, how sure it is, what would change it.

Every sentence is chosen by rules from the results; none is written by hand for a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sim.evaluation.front import QUOTABLE, SINCE
from sim.report.effect_rows import rows_by, scenario_label, value_at
from sim.report.subject import Subject
from sim.report.table import Number, Value, written
from sim.report.tables_evidence import shares_of, unpinned
from sim.report.tables_review import calibration
from sim.report.words import Words
from sim.summary import LAST, PLAN_GOAL, pick

if TYPE_CHECKING:
    import pandas as pd

    from sim.evaluation.comparison import Effects
    from sim.results import Results
    from sim.sweep.answers import Sweep

SOON, LATE = 6, 24
"""Months after the start at which the effect on the trained is told."""
WITHOUT_OUTCOME = ("card-ai", "remote-ai")
"""Programmes of the plan without an outcome figure of their own: only that of the old card of 2015 to 2017."""


class FirstPage(NamedTuple):
    """question; answer: three sentences; certainty: what intervals know of, whether the answer can be told from nothing
    and whether the run may be quoted; changes: what would change the answer; unknown: what the model does not know;
    picture: key of the picture beside it, "" for none."""

    question: str
    answer: tuple[str, ...]
    certainty: tuple[str, ...]
    changes: tuple[str, ...]
    unknown: tuple[str, ...]
    picture: str = ""


def first_page(subject: Subject, say: Words) -> FirstPage:
    """The first page of any subject."""
    from sim.report.first_page_answers import of_answer

    if subject.effects is not None:
        return _of_comparison(subject, subject.effects, say)
    if subject.sweep is not None:
        return _of_sweep(subject, subject.sweep, say)
    if subject.results is not None:
        return _of_run(subject, subject.results, say)
    return of_answer(subject, subject.allocation or {}, say)


# -------------------------------------------------------------------------------------------------- comparison


def _of_comparison(subject: Subject, effects: Effects, say: Words) -> FirstPage:
    name, months, results = subject.main, effects.horizons[-1], effects.results
    titles = {one: scenario_label(subject, say, one) for one in (effects.base, *effects.scenarios)}
    base = titles[effects.base]
    question = say("first_question.comparison", scenario=titles[name], base=base, months=months)
    table = results.summary()
    spent = value_at(rows_by(effects.cost(), "scenario", "outcome"), (name, "additional money spent"), say)
    money = say("first.spent", base=base, money=text_of(spent, "change of trillion won", say))
    trained = f"{trained_of(table[table['scenario'] == name], say)} {money}"
    net_of = rows_by(effects.net("employed"), "scenario", "horizon_months")
    net = {one: value_at(net_of, (one, months), say) for one in effects.scenarios}
    at_end = say("first.at end", months=months)
    told = {one: told_of(value, "change of persons", say, at_end) for one, value in net.items()}
    answer = (trained, _direct(effects, name, say), say("first.net", told=told[name]))

    sign = net[name]
    clear = isinstance(sign, Number) and sign.clear
    sure = [say("first_knows.sign" if clear else "first_knows.no sign")]
    sure += certainty(results.replicates, bool(results.design.per_draw), results.scale, say)
    changes = []
    share = shares_of(net_of[name, months]).get("share_parameter")
    if share is not None:
        changes.append(say("first_changes.share", share=f"{100 * share:.0f}"))
    changes += of_parameters(say, drawn=bool(results.design.per_draw))
    for one in effects.scenarios[1:]:
        changes.append(say("first_changes.other", scenario=titles[one], told=told[one]))
    return FirstPage(question, answer, tuple(sure), tuple(changes), unknown(subject, say), "waterfall")


def _direct(effects: Effects, name: str, say: Words) -> str:
    """The effect on those whom the plan trains, soon and late; where the run is too short, that it is."""
    horizons = [h for h in (SOON, LATE) if h < effects.results.months.size]
    found = (
        rows_by(effects.treated(months=horizons), "scenario", "outcome", "horizon_months") if horizons else {}
    )
    parts = [
        told_of(value_at(found, (name, SINCE, h), say), "points", say, say("first.at", months=h))
        for h in horizons
        if (name, SINCE, h) in found
    ]
    return say("first.direct", parts="; ".join(parts)) if parts else say("first.no direct")


# ----------------------------------------------------------------------------------------------- run and sweep


def _of_run(subject: Subject, results: Results, say: Words) -> FirstPage:
    name = subject.main
    table = results.summary()
    mine = table[table["scenario"] == name]
    question = say(
        "first_question.run", scenario=scenario_label(subject, say, name), months=results.months.size
    )
    answer = []
    for outcome in ("unemployment_rate", "employment_rate"):
        value = Number.of(pick(mine, outcome=outcome, dimension="all"))
        months = min(LAST, results.months.size)
        answer.append(say(f"first_run.{outcome}", months=months, told=text_of(value, "share", say)))
    answer.append(trained_of(mine, say))
    sure = certainty(results.replicates, bool(results.design.per_draw), results.scale, say)
    changes = [say("first_changes.no base"), *of_parameters(say, drawn=bool(results.design.per_draw))]
    return FirstPage(
        question, tuple(answer), tuple(sure), tuple(changes), unknown(subject, say), "reemployment"
    )


def _of_sweep(subject: Subject, sweep: Sweep, say: Words) -> FirstPage:
    from sim.sweep.outcomes import OUTCOMES
    from sim.sweep.show import policy_choice, sensitivities

    best = sweep.design.file.answers.best
    outcome = say.of(OUTCOMES[best].label, OUTCOMES[best].label_ko)
    told = sweep.store.manifest
    title = say.of(told["title"], told["title_ko"]) or told["name"]
    question = say("first_question.sweep", title=title, runs=f"{sweep.store.runs:,}")
    found = policy_choice(sweep, best)[0]
    answer = []
    rows = found.sort_values("best", ascending=False).to_dict("records")[:3] if len(found) else []
    for row in rows:
        share = Number(float(row["best"]), float(row["best_low"]), float(row["best_high"]))
        label = scenario_label(subject, say, str(row["policy"]))
        answer.append(
            say("first_sweep.best", lever=label, outcome=outcome, share=text_of(share, "share", say))
        )
    sure = [say("first_sweep.spread")]
    if len(rows) > 1:
        ahead = float(rows[0]["best_low"]) > float(rows[1]["best_high"])
        sure.insert(0, say("first_sweep.ahead" if ahead else "first_sweep.not ahead"))
    scale = next(iter(subject.scenarios.values())).run.scale
    if scale > QUOTABLE:
        sure.append(coarse(scale, say))
    changes = []
    matters = sensitivities(sweep, [best])
    if len(matters):
        factors = [say.of(str(one["label"]), str(one["label_ko"])) for one in _strongest(matters)]
        changes.append(say("first_changes.factors", outcome=outcome, factors=", ".join(factors)))
    changes.append(say("first_changes.sweep"))
    answer = answer or [say("first_sweep.none")]
    return FirstPage(question, tuple(answer), tuple(sure), tuple(changes), unknown(subject, say), "tornado")


def _strongest(matters: pd.DataFrame) -> list[dict[str, object]]:
    """The three factors that matter most to the first lever, by the first analysis."""
    first = matters.iloc[0]
    same = (matters["method"] == first["method"]) & (matters["lever"] == first["lever"])
    rows: list[dict[str, object]] = (
        matters[same & (matters["sample"] == first["sample"])].head(3).to_dict("records")
    )
    return rows


# ------------------------------------------------------------------------------------------------ shared parts


def trained_of(mine: pd.DataFrame, say: Words) -> str:
    """People who start in the plan's programmes, and the goal; that nobody does, where nobody does."""
    row = pick(mine, outcome="plan_trained")
    if not float(row["mean"]) > 0.0:
        return say("first.no plan")
    return say(
        "first.trained",
        persons=text_of(Number.of(row), "persons", say),
        until=str(row["category"]),
        goal=f"{100 * float(row['mean']) / PLAN_GOAL:.0f}",
        million=f"{PLAN_GOAL:,}",
    )


def certainty(replicates: int, drawn: bool, scale: int, say: Words) -> list[str]:
    """What the intervals know of, from how many runs, and whether they may be quoted."""
    key = "nothing" if replicates == 1 else "posterior" if drawn else "seeds"
    told = [say(f"first_knows.{key}", replicates=replicates)]
    return [*told, coarse(scale, say)] if scale > QUOTABLE else told


def coarse(scale: int, say: Words) -> str:
    """That a run with so many people an agent is not to be quoted."""
    return say("first.coarse", scale=f"{scale:,}", fine=QUOTABLE)


def of_parameters(say: Words, *, drawn: bool) -> list[str]:
    """Parameters that the data leave open and that decide what training does, with their 90% ranges."""
    known = {one["name"]: one for one in calibration("diagnostics.json")["parameters"]}
    told = []
    for name in ("score_certificate", "job_creation"):
        low, high = (f"{known[name][end]:.2f}" for end in ("low", "high"))
        told.append(say(f"first_changes.{name}", low=low, high=high))
    told.append(say("first_changes.unpinned", unpinned=len(unpinned()), parameters=len(known)))
    return told if drawn else [*told, say("first_changes.posterior")]


def unknown(subject: Subject, say: Words) -> tuple[str, ...]:
    """What the model does not know, with the share of planned persons whose programmes have no outcome of their own."""
    persons = {
        id: float(one["persons_2026"]["value"])
        for id, one in subject.economy.programmes.items()
        if one.get("plan") and one["kind"] != "instructors" and "persons_2026" in one
    }
    told = []
    if persons and set(WITHOUT_OUTCOME) <= set(persons):
        share = sum(persons[id] for id in WITHOUT_OUTCOME) / sum(persons.values())
        told.append(say("first_unknown.card", share=f"{100 * share:.0f}"))
    rows = calibration("validation.json")["rows"]
    fails = sum(row["status"] == "fails" for row in rows)
    told += [say("first_unknown.years"), say("first_unknown.facts", fails=fails, rows=len(rows))]
    return tuple(told)


def told_of(value: Value, unit: str, say: Words, when: str = "") -> str:
    """A number with its time, or that it cannot be told from zero, or why there is none."""
    if isinstance(value, str):
        return say("first.why", when=when, why=value).strip()
    if not isinstance(value, Number) or value.mean != value.mean:
        return say("first.too few", when=when).strip()
    number = text_of(value, unit, say)
    if value.low != value.low:
        return say("first.no interval", when=when, number=number).strip()
    if value.mean == value.low == value.high == 0.0:
        return say("first.nothing", when=when).strip()
    return say("first.clear" if value.clear else "first.zero", when=when, number=number).strip()


def text_of(value: Value, unit: str, say: Words) -> str:
    """A number with its unit, then its interval."""
    return _with_unit(written(value, unit, say), say(f"unit.{unit}"), say)


def _with_unit(text: str, unit: str, say: Words) -> str:
    number, bracket, ends = text.partition(" [")
    glue = "" if say.lang == "ko" or unit.startswith("%") else " "
    return f"{number}{glue if unit else ''}{unit}{bracket}{ends}"


__all__ = ["FirstPage", "certainty", "first_page", "of_parameters", "text_of", "told_of", "unknown"]

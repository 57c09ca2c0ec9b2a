"""The first page: what was asked, the answer in three sentences with intervals, how sure it is, what would change it.

Every sentence is chosen by rules from the results; none is written by hand for a run.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from sim.evaluation.front import QUOTABLE, SINCE
from sim.report.effect_rows import rows_by, scenario_label, value_at
from sim.report.subject import Subject
from sim.report.table import Number, Value, written
from sim.report.words import Words
from sim.summary import PLAN_GOAL, pick

if TYPE_CHECKING:
    from sim.evaluation.comparison import Effects
    from sim.results import Results

SOON, LATE = 6, 24
"""Months after the start at which the effect on the trained is told."""


class FirstPage(NamedTuple):
    """question; answer: three sentences; certainty: what intervals know of and whether the run may be quoted; changes:
    what would change the answer; unknown: what the model does not know."""

    question: str
    answer: tuple[str, ...]
    certainty: tuple[str, ...]
    changes: tuple[str, ...]
    unknown: tuple[str, ...]


def first_page(subject: Subject, say: Words) -> FirstPage:
    """The first page of any subject."""
    if subject.effects is not None:
        return _of_comparison(subject, subject.effects, say)
    if subject.sweep is not None:
        return _of_sweep(subject, say)
    if subject.results is not None:
        return _of_run(subject, subject.results, say)
    told = subject.allocation or {}
    sentence = str(told.get("sentence", "")) or say("first_allocation.none")
    question = str(told.get("question", subject.folder.name))
    return FirstPage(question, (sentence,), (), (say("first_changes.parameters"),), _unknown(say))


def _of_comparison(subject: Subject, effects: Effects, say: Words) -> FirstPage:
    name, months = subject.main, effects.horizons[-1]
    titles = {one: scenario_label(subject, say, one) for one in (effects.base, name)}
    question = say(
        "first_question.comparison", scenario=titles[name], base=titles[effects.base], months=months
    )
    mine = effects.results.summary()
    mine = mine[mine["scenario"] == name]
    trained = pick(mine, outcome="plan_trained")
    costs = rows_by(effects.cost(), "scenario", "outcome")
    spent = _scaled(value_at(costs, (name, "additional money spent"), say), 1e-9)
    answer = [
        say(
            "first.trained",
            persons=_text(Number.of(trained), "persons", say),
            until=str(trained["category"]),
            goal=f"{100 * float(trained['mean']) / PLAN_GOAL:.0f}",
            million=f"{PLAN_GOAL:,}",
            money=_text(spent, "number", say),
        )
    ]
    found = rows_by(effects.treated(months=(SOON, LATE)), "scenario", "outcome", "horizon_months")
    soon, late = (value_at(found, (name, SINCE, h), say) for h in (SOON, LATE))
    parts = [
        _told(value, "points", say, say("first.at", months=h))
        for value, h in ((soon, SOON), (late, LATE))
        if value is not None
    ]
    answer.append(say("first.direct", parts="; ".join(parts)))
    net = value_at(rows_by(effects.net("employed"), "scenario", "horizon_months"), (name, months), say)
    answer.append(
        say("first.net", told=_told(net, "change of persons", say, say("first.at end", months=months)))
    )
    return FirstPage(
        question,
        tuple(answer),
        _certainty(effects.results, say),
        _changes(effects.results, say),
        _unknown(say),
    )


def _of_run(subject: Subject, results: Results, say: Words) -> FirstPage:
    name = results.scenarios[0]
    table = results.summary()
    mine = table[table["scenario"] == name]
    question = say(
        "first_question.run", scenario=scenario_label(subject, say, name), months=results.months.size
    )
    answer = []
    for outcome, unit in (("unemployment_rate", "share"), ("employment_rate", "share")):
        row = pick(mine, outcome=outcome, dimension="all")
        answer.append(say(f"first_run.{outcome}", told=_text(Number.of(row), unit, say)))
    trained = pick(mine, outcome="plan_trained")
    answer.append(
        say(
            "first_run.trained",
            persons=_text(Number.of(trained), "persons", say),
            until=str(trained["category"]),
        )
    )
    return FirstPage(question, tuple(answer), _certainty(results, say), _changes(results, say), _unknown(say))


def _of_sweep(subject: Subject, say: Words) -> FirstPage:
    from sim.sweep.outcomes import OUTCOMES
    from sim.sweep.show import policy_choice

    assert subject.sweep is not None
    sweep = subject.sweep
    best = sweep.design.file.answers.best
    question = say(
        "first_question.sweep",
        title=say.of(sweep.store.manifest["title"], sweep.store.manifest["title_ko"])
        or sweep.store.manifest["name"],
        runs=f"{sweep.store.runs:,}",
    )
    policies, _ = policy_choice(sweep, best)
    answer = []
    for row in policies.sort_values("best", ascending=False).to_dict("records")[:3] if len(policies) else ():
        share = Number(float(row["best"]), float(row["best_low"]), float(row["best_high"]))
        outcome = say.of(OUTCOMES[best].label, OUTCOMES[best].label_ko)
        answer.append(
            say(
                "first_sweep.best",
                lever=str(row["policy"]),
                outcome=outcome,
                share=_text(share, "share", say),
            )
        )
    answer = answer or [say("first_sweep.none")]
    return FirstPage(
        question, tuple(answer), (say("first_sweep.spread"),), (say("first_changes.sweep"),), _unknown(say)
    )


def _certainty(results: Results, say: Words) -> tuple[str, ...]:
    """What the intervals know of, from how many runs, and whether they may be quoted."""
    drawn = bool(results.design.per_draw)
    told = [say("first_knows.posterior" if drawn else "first_knows.seeds", replicates=results.replicates)]
    if results.replicates == 1:
        told = [say("first_knows.nothing")]
    if results.scale > QUOTABLE:
        told.append(say("first.coarse", scale=f"{results.scale:,}", fine=QUOTABLE))
    return tuple(told)


def _changes(results: Results, say: Words) -> tuple[str, ...]:
    """What would change the answer: parameters that the data do not pin down decide most of it."""
    told = [say("first_changes.parameters"), say("first_changes.job_creation")]
    if not results.design.per_draw:
        told.append(say("first_changes.posterior"))
    return tuple(told)


def _unknown(say: Words) -> tuple[str, ...]:
    return say("first_unknown.card"), say("first_unknown.years"), say("first_unknown.facts")


def _told(value: Value, unit: str, say: Words, when: str) -> str:
    """A number with its time, or that it is not told from zero."""
    if not isinstance(value, Number) or value.mean != value.mean:
        return say("first.too few", when=when)
    if math.isnan(value.low):
        return say("first.no interval", when=when, number=_text(value, unit, say))
    key = "first.clear" if value.clear else "first.zero"
    return say(key, when=when, number=_text(value, unit, say))


def _text(value: Value, unit: str, say: Words) -> str:
    """A number with its interval and unit."""
    name = say(f"unit.{unit}")
    return f"{written(value, unit, say)} {name}".strip()


def _scaled(value: Value, factor: float) -> Value:
    return Number(*(factor * x for x in value)) if isinstance(value, Number) else value


__all__ = ["FirstPage", "first_page"]

"""The first page of what many variants answer: the next won, the best split, which programme does what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.report.effect_rows import scenario_label
from sim.report.first_page import FirstPage, certainty, of_parameters, text_of, told_of, unknown
from sim.report.subject import Subject
from sim.report.table import money
from sim.report.tables_review import MEASURED, ends, marginal_rows, programme_label
from sim.report.words import Words

Told = Mapping[str, Any]
SAID_OF = ("employed_months", "change of person-months")
"""Outcome of an attribution that the page tells of, and its unit."""


def of_answer(subject: Subject, told: Told, say: Words) -> FirstPage:
    """The first page of a folder of `marginal`, `allocate` or `attribute`."""
    tell = {"marginal": _of_marginal, "allocation": _of_split, "attribution": _of_attribution}[
        subject.question
    ]
    question, answer, replicates, picture = tell(subject, told, say)
    drawn = subject.provenance["uncertainty"] != "seed"
    sure = certainty(replicates, drawn, told["scale"], say)
    changes = of_parameters(say, drawn=drawn)
    return FirstPage(question, tuple(answer), tuple(sure), tuple(changes), unknown(subject, say), picture)


def _of_marginal(subject: Subject, told: Told, say: Words) -> tuple[str, list[str], int, str]:
    objective, rows = told["objective"], marginal_rows(told)
    best = next(row for row in rows if row["programme"] == told["best"])
    question = say(
        "first_question.marginal",
        scenario=scenario_label(subject, say, told["scenario"]),
        amount=money(told["amount"], say),
        objective=say(f"review.objective.{objective}"),
    )
    replicates = max(int(row["replicates"]) for row in rows)
    leads = told_of(ends(best), MEASURED[objective], say)
    confidence = f"{100 * told['confidence']:.0f}"
    if told["sure"]:
        rank = say("first_marginal.sure", confidence=confidence, replicates=replicates)
    else:
        chance = text_of(float(best["chance_best"]), "share", say)
        rank = say("first_marginal.unsure", chance=chance, replicates=replicates)
        if told["replicates_needed"] is not None:
            needed = f"{told['replicates_needed']:,}"
            rank += " " + say("first_marginal.needed", needed=needed, confidence=confidence)
    bound = sum(row["binds"] == "money" for row in rows)
    answer = [
        say("first_marginal.leads", programme=programme_label(subject, say, best["programme"]), told=leads),
        rank,
        say("first_marginal.binds", money=bound, programmes=len(rows)),
    ]
    return question, answer, replicates, "marginal"


def _of_split(subject: Subject, told: Told, say: Words) -> tuple[str, list[str], int, str]:
    from sim.evaluation.allocate import STAYS

    objective, unit = told["objective"], MEASURED[told["objective"]]
    question = say(
        "first_question.split",
        scenario=scenario_label(subject, say, told["scenario"]),
        objective=say(f"review.objective.{objective}"),
    )
    gain = ends(next(row for row in told["gains"] if row["outcome"] == objective))
    stays = max(abs(row["found"] - row["published"]) for row in told["splits"]) < STAYS
    key = "stays" if stays else "same" if not gain.clear else "better" if gain.low > 0.0 else "worse"
    shares = "; ".join(
        say(
            "first_split.share",
            group=_player(subject, row["group"], say),
            published=text_of(float(row["published"]), "share", say),
            found=text_of(float(row["found"]), "share", say),
        )
        for row in told["splits"]
    )
    creation = "; ".join(
        say("first_split.at", value=f"{row['job_creation']:.2f}", told=told_of(ends(row), unit, say))
        for row in told["job_creation"]
    )
    answer = [
        say(f"first_split.{key}", told=told_of(gain, unit, say)),
        say("first_split.shares", shares=shares),
        say("first_split.creation", parts=creation),
    ]
    return question, answer, int(told["fresh_replicates"]), "allocation"


def _of_attribution(subject: Subject, told: Told, say: Words) -> tuple[str, list[str], int, str]:
    outcome, unit = SAID_OF
    known = {(row["outcome"], row["measure"], row["player"]): row for row in told["attribution"]}
    question = say(
        "first_question.attribution",
        scenario=scenario_label(subject, say, told["policy"]),
        base=scenario_label(subject, say, told["base"]),
    )
    parts = "; ".join(
        say(
            "first_attribution.part",
            player=_player(subject, player, say),
            told=told_of(ends(known[outcome, "shapley", player]), unit, say),
        )
        for player in told["players"]
    )
    whole, rest = (told_of(ends(known[outcome, name, "all"]), unit, say) for name in ("whole", "interaction"))
    answer = [
        say("first_attribution.whole", months=told["months"], told=whole),
        say("first_attribution.shares", parts=parts),
        say("first_attribution.interaction", told=rest),
    ]
    return question, answer, int(told["replicates"]), "attribution"


def _player(subject: Subject, code: str, say: Words) -> str:
    """A life stage or a programme."""
    key = f"label.stage.{code}"
    return say(key) if key in say else programme_label(subject, say, code)


__all__ = ["of_answer"]

"""What is to be seen on a picture, in words with the numbers of the results: for those who do not see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.figures import STAGES, STEPS, gain_by_size, stairs, yearly
from sim.report import attribution_picture, posterior_picture
from sim.report.effect_rows import label, ratio_of, scenario_label
from sim.report.first_page import text_of, told_of
from sim.report.first_page_answers import SAID_OF
from sim.report.map import tiles
from sim.report.subject import Subject
from sim.report.table import Number, money, written
from sim.report.tables_review import MEASURED, ends, marginal_rows, programme_label
from sim.report.words import Words
from sim.summary import FEWEST, LAST

if TYPE_CHECKING:
    from sim.results import Results
    from sim.sweep.answers import Sweep

AFTER = 12
"""Months after which re-employment is told."""
FIRST = 3
"""Factors of a sweep, and parameters, that are named."""


def waterfall(subject: Subject, say: Words) -> str:
    """Each step from the gross to the net."""
    effects = subject.effects
    assert effects is not None
    table = effects.table()[subject.main]
    steps = {
        name: text_of(sign * float(table.loc[name, "mean"]), unit, say)
        for name, unit, sign in (
            ("gross", "persons", 1),
            ("deadweight", "persons", 1),
            ("direct", "change of persons", 1),
            ("substitution", "change of persons", -1),
            ("displacement", "change of persons", -1),
        )
    }
    net = told_of(Number.of(table.loc["net"]), "change of persons", say)
    months = effects.horizons[-1]
    return say("picture.alt.waterfall", months=months, net=net, **_compared(subject, say), **steps)


def provinces(subject: Subject, say: Words) -> str:
    """The highest and the lowest province, and how many cannot be told from zero."""
    found = [tile for tile in tiles(subject, say) if tile.value.mean == tile.value.mean]
    if not found:
        return say("picture.alt.map none")
    found.sort(key=lambda tile: tile.value.mean)
    places = {}
    for which, tile in (("lowest", found[0]), ("highest", found[-1])):
        name = label(subject, say, "region", tile.code)
        tell = text_of if subject.effects is None else told_of
        places[which] = say("picture.alt.part", name=name, told=tell(tile.value, tile.unit, say))
    if subject.effects is None:
        return say("picture.alt.map run", months=LAST, **places)
    open_ones = sum(not tile.value.clear for tile in found)
    return say(
        "picture.alt.map comparison",
        months=subject.effects.horizons[-1],
        open=open_ones,
        known=len(found),
        **_compared(subject, say),
        **places,
    )


def reemployment(subject: Subject, say: Words) -> str:
    """Shares in work after twelve months by stage, of all enrolled and of completers."""
    results = _results(subject)
    sums = results.programmes.sums.sel(
        scenario=subject.main, origin="not employed", definition="official", horizon=AFTER
    ).sum("programme")
    told = []
    for counted in ("enrolled", "completers"):
        parts = []
        for stage in (one for one in STAGES if one != "active"):
            here = sums.sel(counted=counted, stage=stage)
            known = here["known"].values
            enough = results.agents(known.sum()) >= FEWEST
            value = ratio_of(results.design, here["placed"].values, known) if enough else Number(float("nan"))
            parts.append(_part(say(f"label.stage.{stage}"), value, "share", say))
        told.append("; ".join(parts))
    return say(
        "picture.alt.reemployment",
        months=AFTER,
        scenario=_main(subject, say),
        enrolled=told[0],
        completers=told[1],
    )


def unemployment_fan(subject: Subject, say: Words) -> str:
    """The rate of each stage in the first and in the last month."""
    results = _results(subject)
    rates = results.cells["unemployment_rate_by_stage"].sel(scenario=subject.main).mean("replicate")
    parts = []
    for stage in STAGES:
        first, last = (text_of(float(rates.sel(stage=stage)[at]), "share", say) for at in (0, -1))
        parts.append(say("picture.alt.from to", name=say(f"label.stage.{stage}"), first=first, last=last))
    begin, end = (str(results.months[at])[:7] for at in (0, -1))
    scenario = _main(subject, say)
    return say(
        "picture.alt.unemployment_fan", scenario=scenario, begin=begin, end=end, parts="; ".join(parts)
    )


def staircase(subject: Subject, say: Words) -> str:
    """The steps of the programme with most trainees."""
    results = _results(subject)
    found = stairs(results, subject.main)
    if not found:
        return say("picture.alt.staircase none")
    code, heads = next(iter(found.items()))
    enough = [results.agents(n) * results.replicates >= FEWEST for n in heads]
    steps = {
        name: _text(Number(n if ok else float("nan")), "persons", say)
        for name, n, ok in zip(STEPS, heads, enough, strict=True)
    }
    programme = programme_label(subject, say, code)
    return say("picture.alt.staircase", scenario=_main(subject, say), programme=programme, **steps)


def productivity(subject: Subject, say: Words) -> str:
    """The gain of each size class in the last twelve months."""
    gains = gain_by_size(_results(subject), subject.main, slice(-LAST, None))
    parts = "; ".join(
        _part(label(subject, say, "size", size), Number(*gain), "share", say) for size, gain in gains.items()
    )
    return say("picture.alt.productivity", scenario=_main(subject, say), months=LAST, parts=parts)


def beveridge(subject: Subject, say: Words) -> str:
    """Unemployment and vacancies in the first and the last year."""
    years = yearly(_results(subject), subject.main)
    told = {}
    for which, at in (("first", 0), ("last", -1)):
        year, (u, v) = list(years.items())[at]
        rates = [text_of(x, "small share", say) for x in (u, v)]
        told[which] = say("picture.alt.year", year=year, unemployment=rates[0], vacancies=rates[1])
    return say("picture.alt.beveridge", scenario=_main(subject, say), **told)


def posterior(say: Words) -> str:
    """How many parameters the data pin, and of which they tell most and least."""
    rows = posterior_picture.known(say)
    named = lambda some: ", ".join(row.label for row in some)  # noqa: E731
    return say(
        "picture.alt.posterior",
        pinned=sum(row.pinned for row in rows),
        parameters=len(rows),
        most=named(rows[:FIRST]),
        least=named(rows[: -FIRST - 1 : -1]),
    )


# ---------------------------------------------------------------------------------------------------- answers


def marginal(subject: Subject, told: Mapping[str, Any], say: Words) -> str:
    """The programme that leads, and how many have money as what binds."""
    rows = marginal_rows(told)
    best = next(row for row in rows if row["programme"] == told["best"])
    return say(
        "picture.alt.marginal",
        amount=money(told["amount"], say),
        programme=programme_label(subject, say, best["programme"]),
        told=told_of(ends(best), MEASURED[told["objective"]], say),
        binds=say(f"review.binds.{best['binds']}"),
        money=sum(row["binds"] == "money" for row in rows),
        programmes=len(rows),
    )


def allocation(told: Mapping[str, Any], say: Words, labels: Mapping[str, str]) -> str:
    """The share of each group, published and found."""
    parts = []
    for row in told["splits"]:
        shares = [text_of(float(row[key]), "share", say) for key in ("published", "found")]
        parts.append(say("picture.alt.from to", name=labels[row["group"]], first=shares[0], last=shares[1]))
    return say("picture.alt.allocation", parts="; ".join(parts))


def front(told: Mapping[str, Any], say: Words) -> str:
    """How many splits there are and how many are not beaten in both, and the largest gain."""
    one, rows = told["objective"], told["front"]
    best = max(rows, key=lambda row: row[f"{one}_mean"])
    value = Number(*(float(best[f"{one}_{end}"]) for end in ("mean", "low", "high")))
    return say(
        "picture.alt.front",
        splits=len(rows),
        front=sum(bool(row["on_front"]) for row in rows),
        objective=say(f"review.objective.{one}"),
        told=told_of(value, MEASURED[one], say),
    )


def attribution(told: Mapping[str, Any], say: Words, labels: Mapping[str, str]) -> str:
    """The share of each part, and the whole."""
    found, unit = attribution_picture.shares(told), SAID_OF[1]
    whole = told_of(found.pop("all"), unit, say)
    parts = "; ".join(
        say("picture.alt.part", name=labels[player], told=told_of(value, unit, say))
        for player, value in found.items()
    )
    return say("picture.alt.attribution", months=told["months"], whole=whole, parts=parts)


# ------------------------------------------------------------------------------------------------------ sweeps


def tornado(part: pd.DataFrame, say: Words, *, scenario: str) -> str:
    """The factors that matter most: effects in the unit of the outcome, or shares of the variance."""
    column = next(name for name in ("mu_star", "total", "first") if name in part and part[name].notna().all())
    kind, form = ("effects", "number") if column == "mu_star" else ("variance", "share")
    parts = "; ".join(
        _part(
            say.of(str(row["label"]), str(row["label_ko"])),
            Number(*(float(row[f"{column}{end}"]) for end in ("", "_low", "_high"))),
            form,
            say,
        )
        for row in part.head(FIRST).to_dict("records")
    )
    said = _outcome(str(part["outcome"].iloc[0]), say)
    return say(f"picture.alt.tornado {kind}", scenario=scenario, parts=parts, **said)


def heat(sweep: Sweep, key: str, lever: str, say: Words, *, scenario: str) -> str:
    """The mean of the outcome over points and nine tenths of them, and which factors are on the axes.

    key: that of the picture, which names the factors.
    """
    from sim.sweep.show import by_lever

    best = sweep.design.file.answers.best
    levels = by_lever(sweep, [best])
    row = levels[levels["lever"] == lever].iloc[-1]
    places = {}
    for axis, name in zip("xy", key.split("-")[1:3], strict=True):
        one = next(factor for factor in sweep.factors if factor.name.replace(" ", "_") == name)
        places[axis] = say.of(one.label, one.label_ko)
    told = written(Number.of(row), "number", say)
    places |= _outcome(best, say)
    return say("picture.alt.heat", scenario=scenario, told=told, points=f"{row['points']:,}", **places)


def choice(policies: pd.DataFrame, say: Words) -> str:
    """How often each policy is best, and its mean regret."""
    said = _outcome(str(policies["outcome"].iloc[0]), say)
    parts = []
    for row in policies.sort_values("regret", kind="stable").to_dict("records"):
        best = Number(*(float(row[name]) for name in ("best", "best_low", "best_high")))
        regret = written(float(row["regret"]), "number", say)
        share = text_of(best, "share", say)
        parts.append(
            say("picture.alt.best", name=row["label"], share=share, regret=regret, unit=said["unit"])
        )
    return say("picture.alt.choice", outcome=said["outcome"], parts="; ".join(parts))


def _outcome(name: str, say: Words) -> dict[str, str]:
    """An outcome of a sweep and its unit in the language of the report."""
    from sim.sweep.outcomes import OUTCOMES

    one = OUTCOMES[name]
    return {"outcome": say.of(one.label, one.label_ko), "unit": say(f"review.in.{one.units}")}


# ------------------------------------------------------------------------------------------------- small parts


def _results(subject: Subject) -> Results:
    assert subject.results is not None
    return subject.results


def _main(subject: Subject, say: Words) -> str:
    return scenario_label(subject, say, subject.main)


def _part(name: str, value: Number, unit: str, say: Words) -> str:
    return say("picture.alt.part", name=name, told=_text(value, unit, say))


def _text(value: Number, unit: str, say: Words) -> str:
    """A number with its unit, then its interval; or that it rests on too few agents."""
    return text_of(value, unit, say) if value.mean == value.mean else say("table.too few")


def _compared(subject: Subject, say: Words) -> dict[str, str]:
    """The scenarios of a comparison, as the report calls them."""
    assert subject.effects is not None
    return {"scenario": _main(subject, say), "base": scenario_label(subject, say, subject.effects.base)}

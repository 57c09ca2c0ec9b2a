"""The pictures of a report: which ones a subject has, how each is drawn, and what is to be seen on it in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.report import attribution_picture, map, picture_alts, posterior_picture
from sim.report.effect_rows import scenario_label
from sim.report.subject import Subject
from sim.report.tables_review import MEASURED, programme_label
from sim.report.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sim.sweep.answers import Sweep

OF_RESULTS = ("reemployment", "unemployment_fan", "staircase", "productivity", "beveridge")
"""Functions of `sim.figures` and of `picture_alts`."""


class Picture(NamedTuple):
    """key; alt: what is to be seen; draw: makes it."""

    key: str
    title: str
    alt: str
    draw: Callable[[], Figure]


def pictures(subject: Subject, say: Words) -> Iterator[Picture]:
    """The pictures of a subject, the one of the first page first."""
    if subject.sweep is not None:
        yield from _of_sweep(subject, subject.sweep, say)
    elif subject.allocation is not None:
        yield from _of_answer(subject, subject.allocation, say)
    else:
        yield from _of_results(subject, say)
    title = say("picture.title.posterior")
    yield Picture("posterior", title, picture_alts.posterior(say), partial(posterior_picture.picture, say))


# ---------------------------------------------------------------------------------- of a run, of a comparison


def _of_results(subject: Subject, say: Words) -> Iterator[Picture]:
    from sim import figures

    labels = {name: scenario_label(subject, say, name) for name in subject.scenarios}
    effects = subject.effects
    if effects is not None and effects.table()[subject.main]["mean"].notna().all():
        draw = partial(_waterfall, subject, say, labels)
        yield Picture("waterfall", say("picture.title.waterfall"), picture_alts.waterfall(subject, say), draw)
    for key in OF_RESULTS:
        more = {"scenario": subject.main} if key == "staircase" else {}
        draw = partial(getattr(figures, key), subject.results, lang=say.lang, labels=labels, **more)
        yield Picture(key, say(f"picture.title.{key}"), getattr(picture_alts, key)(subject, say), draw)
    if map.layout(subject.economy):
        title = say(f"picture.title.map {subject.kind}")
        yield Picture("map", title, picture_alts.provinces(subject, say), partial(map.picture, subject, say))


def _waterfall(subject: Subject, say: Words, labels: Mapping[str, str]) -> Figure:
    from sim.drawing import style
    from sim.figures import waterfall

    effects = subject.effects
    assert effects is not None
    table = effects.table()[subject.main]
    steps = {str(name): [float(x) for x in table.loc[name]] for name in table.index}
    with style(say.lang) as word:
        names = {"name": labels[subject.main], "base": labels[effects.base]}
        title = word("against").format(months=effects.horizons[-1], **names)
    return waterfall(steps, title=title, lang=say.lang)


# ----------------------------------------------------------------------------------------------- of an answer


def _of_answer(subject: Subject, told: Mapping[str, Any], say: Words) -> Iterator[Picture]:
    """Of `laborshift marginal`, `allocate` or `attribute`."""
    from sim.evaluation import allocate
    from sim.evaluation import marginal as returns

    labels = _names(subject, told, say)
    key = subject.question
    title = say(f"picture.title.{key}")
    if key == "marginal":
        alt = picture_alts.marginal(subject, told, say)
        yield Picture(key, title, alt, partial(returns.picture, told, say.lang, labels))
    elif key == "allocation":
        alt = picture_alts.allocation(told, say, labels)
        yield Picture(key, title, alt, partial(allocate.picture, told, say.lang, labels))
        if "front" in told:
            draw = partial(allocate.front_picture, told, say.lang, labels)
            yield Picture("front", say("picture.title.front"), picture_alts.front(told, say), draw)
    else:
        alt = picture_alts.attribution(told, say, labels)
        yield Picture(key, title, alt, partial(attribution_picture.picture, told, say, labels))


def _names(subject: Subject, told: Mapping[str, Any], say: Words) -> dict[str, str]:
    """Scenarios, stages, programmes, objectives and what binds, as the report calls them, by id."""
    scenario = next(iter(subject.scenarios.values()))
    known = {id: programme_label(subject, say, id) for id in scenario.programmes(subject.economy.programmes)}
    known |= {name: scenario_label(subject, say, name) for name in subject.scenarios}
    known |= {stage: say(f"label.stage.{stage}") for stage in ("entry", "active", "transition")}
    known |= {one: say(f"review.objective.{one}") for one in MEASURED} | {
        "all": say("picture.attribution.all")
    }
    return known | {row["binds"]: say(f"review.binds.{row['binds']}") for row in told.get("marginal", ())}


# ------------------------------------------------------------------------------------------------- of a sweep


def _of_sweep(subject: Subject, sweep: Sweep, say: Words) -> Iterator[Picture]:
    from sim.sweep.outcomes import TOLD
    from sim.sweep.show import pictures as of_sweep
    from sim.sweep.show import policy_choice, sensitivities

    asked = sweep.design.file.answers
    matters = sensitivities(sweep, list(asked.outcomes or TOLD))
    labels = {lever: scenario_label(subject, say, lever) for lever in sweep.levers}
    policies = policy_choice(sweep, asked.best)[0]
    if len(policies):
        policies = policies.assign(label=[labels[name] for name in policies["policy"]])
    by = ["sample", "method", "outcome", "lever"]
    parts = {
        _file("tornado", method, n, outcome, lever): part
        for (n, method, outcome, lever), part in (matters.groupby(by, sort=False) if len(matters) else ())
    }
    for key, make in of_sweep(sweep, matters, policies, asked.best):
        kind = key.split("-")[0]
        title, draw = say(f"picture.title.{kind}"), partial(make, say.lang)
        if kind == "choice":
            yield Picture(key, title, picture_alts.choice(policies, say), draw)
            continue
        lever = next(one for one in sweep.levers if key.endswith(_file("", one)))
        scenario = labels[lever]
        if kind == "tornado":
            alt = picture_alts.tornado(parts[key], say, scenario=scenario)
        else:
            alt = picture_alts.heat(sweep, key, lever, say, scenario=scenario)
        yield Picture(key, f"{title}: {scenario}", alt, partial(_of_lever, draw, scenario))


def _file(*parts: object) -> str:
    """The name of a picture as a sweep has it."""
    return "-".join(str(part) for part in parts).replace(" ", "_")


def _of_lever(draw: Callable[[], Figure], lever: str) -> Figure:
    """A picture whose title names the lever."""
    from sim.drawing import heading

    figure = draw()
    heading(figure, f"{figure.get_suptitle()}, {lever}", "")
    return figure


__all__ = ["Picture", "pictures"]

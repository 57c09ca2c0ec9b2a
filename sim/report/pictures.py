"""The pictures of a report: which ones a subject has, how each is drawn, and what is to be seen on it in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.report.subject import Subject
from sim.report.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Picture(NamedTuple):
    """key; alt: what is to be seen; draw: makes it."""

    key: str
    title: str
    alt: str
    draw: Callable[[], Figure]


def pictures(subject: Subject, say: Words) -> Iterator[Picture]:
    """The pictures of a subject, the one of the first page first."""
    from sim import figures

    lang = say.lang
    if (effects := subject.effects) is not None and effects.table()[subject.main]["mean"].notna().all():
        accounts = effects.table()[subject.main]["mean"]
        heads = {name: f"{float(accounts[name]):,.0f}" for name in ("gross", "direct", "net")}
        alt = say("picture.alt.waterfall", **heads)
        draw = lambda: effects.plot.waterfall(subject.main, lang=lang)  # noqa: E731
        yield Picture("waterfall", say("picture.title.waterfall"), alt, draw)
    if (results := subject.results) is not None:
        for key in ("reemployment", "unemployment_fan", "staircase", "productivity", "beveridge"):
            draw = _bound(getattr(figures, key), results, lang)
            yield Picture(key, say(f"picture.title.{key}"), say(f"picture.alt.{key}"), draw)
    if (sweep := subject.sweep) is not None:
        from sim.sweep.outcomes import TOLD
        from sim.sweep.show import pictures as of_sweep
        from sim.sweep.show import policy_choice, sensitivities

        asked = sweep.design.file.answers
        matters = sensitivities(sweep, list(asked.outcomes or TOLD))
        for name, make in of_sweep(sweep, matters, policy_choice(sweep, asked.best)[0], asked.best):
            kind = name.split("-")[0]
            yield Picture(name, say(f"picture.title.{kind}"), say(f"picture.alt.{kind}"), _bound(make, lang))


def _bound(make: Callable[..., Any], *values: Any) -> Callable[[], Any]:
    """A drawing with its arguments: `figures` take the language by name."""
    if len(values) == 2:
        return lambda: make(values[0], lang=values[1])
    return lambda: make(*values)


__all__ = ["Picture", "pictures"]

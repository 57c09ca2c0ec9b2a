"""Scenarios that share their history: the years before month 0 are lived once a replicate, then they part.

A history is shared when `sim.checkpoint.history` is equal. Scenarios that differ in policy from a later year on still
part at month 0. A process takes all scenarios of a replicate in turn (`one_replicate`); with fewer replicates than
processes, and enough to do, one scenario of one replicate (`spread`), so that no core waits for long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sim.checkpoint import Place, history
from sim.economy import load as load_economy
from sim.jobs import bar, side_by_side
from sim.replicate import RunData, live_history, simulate
from sim.scenario import Scenario

WORTH_A_PROCESS = 50_000_000
"""Worker-months of one scenario from which it gets a process of its own, which takes ten seconds to be ready."""


def apart(scenarios: Sequence[Scenario], jobs: int, replicates: int) -> bool:
    """Whether the scenarios of a replicate go to processes of their own."""
    if len(scenarios) < 2 or jobs <= replicates:
        return False
    run = scenarios[0].run
    people = load_economy(run.economy).array("population", "sex", "age", "state").sum()
    return bool(people / run.scale * run.months >= WORTH_A_PROCESS)


def sharing(scenarios: Sequence[Scenario]) -> list[bool]:
    """Whether each scenario has its history in common with another of them."""
    if len(scenarios) < 2:
        return [False] * len(scenarios)
    histories = [history(one) for one in scenarios]
    return [histories.count(one) > 1 for one in histories]


def one_replicate(
    scenarios: Sequence[Scenario],
    replicate: int,
    place: Place,
    keep_status: bool = False,
    panel: int = 0,
    on_month: Callable[[int], None] | None = None,
) -> Iterator[RunData]:
    """One replicate of every scenario, one after the other."""
    for one, shared in zip(scenarios, sharing(scenarios), strict=True):
        yield simulate(one, replicate, keep_status, panel, on_month=on_month, place=place, shared=shared)
    place.forget_histories(scenarios, replicate)


def all_of_replicate(*arguments: Any) -> list[RunData]:
    """`one_replicate` as a list, for a process of its own."""
    return list(one_replicate(*arguments))


def spread(
    tasks: Sequence[tuple[Scenario, int]],
    jobs: int,
    place: Place,
    *,
    keep_status: bool = False,
    panel: int = 0,
    bring: bool = True,
    progress: bool = False,
) -> list[RunData]:
    """Scenarios and replicates (`tasks`) in processes of their own, which wait only for the history they share.

    bring: bring home what they leave; else it is only kept in `place`, where `simulate` finds it.
    """
    waiting = [(one, r) for one, r in tasks if not place.file(one, r, "done").exists()]
    shares = Counter((history(one), r) for one, r in waiting)
    first: dict[tuple[str, int], int] = {}
    calls: list[tuple[Any, ...]] = []
    for one, r in waiting:
        key = history(one), r
        if shares[key] > 1 and key not in first:
            first[key] = len(calls)
            calls.append((live_history, one, r, place))
    after: list[int | None] = [None] * len(calls)
    for one, r in tasks:
        key = history(one), r
        after.append(first.get(key))
        calls.append((_kept, one, r, keep_status, panel, place, key in first, bring))
    with bar(len(calls), "runs", progress) as tick:
        done = side_by_side(_call, calls, jobs, tick, after)
    for one, r in tasks:
        place.forget_histories([one], r)
    return [run for run in done if run is not None]


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def _kept(
    scenario: Scenario, replicate: int, keep_status: bool, panel: int, place: Place, shared: bool, bring: bool
) -> RunData | None:
    run = simulate(scenario, replicate, keep_status, panel, place=place, shared=shared)
    return run if bring else None

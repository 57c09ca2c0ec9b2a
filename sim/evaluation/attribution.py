"""Which programmes a plan's net effect comes from: each alone, the plan without it, and Shapley shares.

A plan is taken apart into players: the programmes, or stages of programmes, on which it spends other money than the
base, or which it words otherwise. The value of a coalition is the effect of the plan with the money of its players
only, against the base, on the same draws. A player's Shapley value (Shapley 1953) is what it adds on average over the
orders in which players can join; the values add up to the effect of the whole plan in every replicate.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.draws import ORDER, key_of, uniforms
from sim.errors import InputError
from sim.evaluation.compare import require_pairable
from sim.evaluation.variants import (
    TOTALS,
    Evaluate,
    Measures,
    first_stage,
    grouped,
    kept_beside,
    records_of,
    with_money,
)
from sim.intervals import Design
from sim.scenario import Scenario
from sim.uncertainty import per_draw

if TYPE_CHECKING:
    from rich.console import Console

OUTCOMES = {
    "employed_months": "net employment over the run",
    "employed_last": "net jobs in the last month",
    "output": "output over the run",
    "net_cost": "net cost to the public over the run",
}
ALL_ORDERS_UP_TO = 4
"""Players whose orders are all gone through (24); more are sampled."""
PAIRS = 4
"""Orders drawn for each replicate where they are sampled, each with its reverse (antithetic)."""
NOTES = {
    "alone": "base with the money of this player only",
    "left out": "whole plan, less the plan without this player",
    "shapley": "mean of what it adds over the orders in which players can join",
}

Player = str
Order = tuple[Player, ...]
Value = Callable[[frozenset[Player]], np.ndarray]


def orders(players: Sequence[Player], seed: int, replicate: int, pairs: int = PAIRS) -> list[Order]:
    """The orders in which players join, for a replicate: all of them for `ALL_ORDERS_UP_TO` players or fewer, else
    `pairs` drawn for the replicate and their reverses (Mitchell et al. 2022, J. Mach. Learn. Res. 23)."""
    if len(players) <= ALL_ORDERS_UP_TO:
        return list(permutations(players))
    key, ids = key_of(seed, replicate), np.arange(len(players))
    drawn: list[Order] = []
    for pair in range(pairs):
        order = tuple(players[n] for n in np.argsort(uniforms(key, ORDER, pair, ids)[:, 0], kind="stable"))
        drawn += [order, order[::-1]]
    return drawn


def prefixes(order: Order) -> list[frozenset[Player]]:
    """The coalitions that an order goes through, nobody and everybody included."""
    return [frozenset(order[:n]) for n in range(len(order) + 1)]


def shapley(value: Value, every: Iterable[Order]) -> dict[Player, np.ndarray]:
    """Mean over `every` order of what each player adds. value: of a coalition, an array of any one shape."""
    every = list(every)
    total: dict[Player, np.ndarray] = {}
    for order in every:
        path = prefixes(order)
        for player, before, after in zip(order, path, path[1:], strict=False):
            total[player] = total.get(player, 0.0) + (value(after) - value(before))
    return {player: added / len(every) for player, added in sorted(total.items())}


# --------------------------------------------------------------------------------------- of two scenarios


def players_of(base: Scenario, policy: Scenario, by: str = "stage") -> dict[Player, tuple[str, ...]]:
    """The players of a plan: programmes with other money than in the base, or with money and other words.

    InputError when the two differ in more than policy, or in nothing.
    """
    require_pairable([base, policy])
    if base.world != policy.world:
        different = [
            name
            for name in type(base.world).model_fields
            if getattr(base.world, name) != getattr(policy.world, name)
        ]
        problem = f"{policy.name} and {base.name} differ in it: an effect cannot be given to programmes alone"
        raise InputError(problem, key=f"world.{different[0]}", allowed="the same [world] in both")
    records, were = records_of(policy), records_of(base)
    money, had = policy.money(records), base.money(were)
    nothing = dict.fromkeys(policy.years, 0)
    found = [
        id
        for id, record in (were | records).items()
        if money.get(id, nothing) != had.get(id, nothing)
        or (any(money.get(id, nothing).values()) and records.get(id) != were.get(id, record))
    ]
    if not found:
        raise InputError(f"{policy.name} spends what {base.name} spends: there is no effect to attribute")
    return grouped(were | records, found, by)


def coalition(base: Scenario, policy: Scenario, inside: Iterable[str]) -> Scenario:
    """The plan with the money and the words of the programmes `inside`, and those of the base for all others.

    Programmes that only the plan knows are there without money when they are outside.
    """
    records, were = records_of(policy), records_of(base)
    money, had = policy.money(records), base.money(were)
    nothing = dict.fromkeys(policy.years, 0)
    said, says = base.policy.programmes, policy.policy.programmes
    changes, won = {}, {}
    for id in were | records:
        taken = id in set(inside)
        words = says if (taken and id in records) or id not in were else said
        if id in words:
            changes[id] = words[id]
        won[id] = (money if taken else had).get(id, nothing)
    return with_money(policy, won, changes)


class Attribution:
    """What each player does to each outcome of `OUTCOMES`.

    whole (R, outcomes); alone, left_out, shapley: by player, the same shape. orders: for each replicate, of which
    `all_orders` says that they are all there are.
    """

    def __init__(
        self,
        players: Mapping[Player, tuple[str, ...]],
        values: Sequence[Mapping[frozenset[Player], np.ndarray]],
        gone_through: Sequence[Sequence[Order]],
        design: Design,
    ) -> None:
        """values: of each replicate, by coalition: effects on the outcomes (outcomes,)."""
        self.players, self.design = dict(players), design
        self.orders = len(gone_through[0])
        self.all_orders = len(players) <= ALL_ORDERS_UP_TO
        everyone = frozenset(players)
        self.whole = np.array([one[everyone] for one in values])
        self.alone = {p: np.array([one[frozenset([p])] for one in values]) for p in players}
        self.left_out = {
            p: np.array([one[everyone] - one[everyone - {p}] for one in values]) for p in players
        }
        each = [shapley(one.__getitem__, every) for one, every in zip(values, gone_through, strict=True)]
        self.shapley = {p: np.array([one[p] for one in each]) for p in players}

    def frame(self) -> pd.DataFrame:
        """One row for each outcome, measure and player, with 90% intervals across replicates.

        measure: "whole" (the plan), "alone", "left out", "shapley", "sum alone", "interaction" (whole less the sum of
        each alone). share: of the whole, percent, where the whole's interval is off zero.
        """
        rows = []
        ones = sum(self.alone.values())
        parts: list[tuple[str, str, np.ndarray]] = [("whole", "all", self.whole)]
        for measure, of in (("alone", self.alone), ("left out", self.left_out), ("shapley", self.shapley)):
            parts += [(measure, p, of[p]) for p in self.players]
        parts += [("sum alone", "all", np.asarray(ones)), ("interaction", "all", self.whole - ones)]
        for k, outcome in enumerate(OUTCOMES):
            whole, low, high, *_ = (float(x) for x in self.design.mean(self.whole[:, k]))
            for measure, player, values in parts:
                mean, below, above, *_ = (float(x) for x in self.design.mean(values[:, k]))
                share = 100 * mean / whole if low > 0 or high < 0 else np.nan
                rows.append((outcome, measure, player, mean, below, above, share, TOTALS[outcome]))
        return pd.DataFrame(
            rows, columns=["outcome", "measure", "player", "mean", "low", "high", "percent_of_whole", "unit"]
        )


def attribute(
    base: Scenario, policy: Scenario, by: str, evaluate: Evaluate, *, pairs: int = PAIRS
) -> Attribution:
    """Attribute the effect of `policy` against `base` to its players, over the replicates of their run settings."""
    players = players_of(base, policy, by)
    names, run = list(players), policy.run
    everyone = frozenset(names)
    gone_through = [orders(names, run.seed, r, pairs) for r in range(run.replicates)]
    tasks: dict[tuple[frozenset[Player], int], tuple[Scenario, int]] = {}
    scenarios: dict[frozenset[Player], Scenario] = {}
    for r, every in enumerate(gone_through):
        needed = {frozenset[Player](), everyone, *(c for order in every for c in prefixes(order))}
        needed |= {frozenset([p]) for p in names} | {everyone - {p} for p in names}
        for one in sorted(needed, key=sorted):
            if one not in scenarios:
                scenarios[one] = coalition(base, policy, [id for p in one for id in players[p]])
            tasks[one, r] = (scenarios[one], r)
    found = dict(zip(tasks, evaluate(list(tasks.values())), strict=True))
    values = []
    for r in range(run.replicates):
        nobody = _outcomes(found[frozenset(), r])
        values.append({one: _outcomes(x) - nobody for (one, s), x in found.items() if s == r})
    return Attribution(players, values, gone_through, Design(per_draw(policy)))


def _outcomes(measures: Measures) -> np.ndarray:
    return np.array([measures[name] for name in OUTCOMES], dtype=np.float64)


# --------------------------------------------------------------------------------------------- the command


def attribute_command(
    base: Scenario,
    policy: Scenario,
    *,
    by: str = "stage",
    pairs: int = PAIRS,
    out: Path | None = None,
    jobs: int = 1,
    json: bool = False,
    quiet: bool = False,
    force: bool = False,
) -> None:
    """`laborshift attribute`: run the coalitions, keep the folder, print tables or one JSON object."""
    from sim.runner import say_if_compiling

    players_of(base, policy, by)
    say_if_compiling(quiet=quiet or json)
    told, folder = attribute_into(
        base, policy, by=by, pairs=pairs, out=out, jobs=jobs, force=force, progress=not (quiet or json)
    )
    if json:
        print(_text(told | {"folder": str(folder)}))
    elif not quiet:
        from sim.evaluation.answers import console

        show(told, console())
        console().print(f"results: {folder}", highlight=False, soft_wrap=True)


def attribute_into(
    base: Scenario,
    policy: Scenario,
    *,
    by: str = "stage",
    pairs: int = PAIRS,
    out: Path | None = None,
    jobs: int = 1,
    force: bool = False,
    progress: bool = False,
) -> tuple[dict[str, Any], Path]:
    """Attribute and write the folder; a finished one is read, unless `force`. What is told, and the folder."""
    from sim.evaluation import answers

    started = time.perf_counter()
    players = players_of(base, policy, by)
    asked = f"{answers.digest_of(base, policy)} {by} {pairs if len(players) > ALL_ORDERS_UP_TO else 'all'}"
    number = hashlib.sha256(asked.encode()).hexdigest()[:8]
    folder = answers.folder_of(f"attribution-{base.name}-{policy.name}", number, out)
    if not force and (known := answers.finished(folder)) is not None:
        return known, folder
    with kept_beside(folder, jobs, progress) as evaluate:
        found = attribute(base, policy, by, evaluate, pairs=pairs)
        table = found.frame()
        told = {
            "question": f"{policy.name} against {base.name}, by {by}",
            "base": base.name,
            "policy": policy.name,
            "by": by,
            "players": {p: list(ids) for p, ids in players.items()},
            "orders": "all" if found.all_orders else f"{found.orders} a replicate, in antithetic pairs",
            "replicates": policy.run.replicates,
            "months": policy.run.months,
            "scale": policy.run.scale,
            "definitions": NOTES | OUTCOMES,
            "attribution": answers.rows(table),
        }
        answers.write(
            folder,
            told,
            {"attribution": table},
            [base, policy],
            evaluate,
            seconds=time.perf_counter() - started,
        )
    return told, folder


def _text(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False)


def show(told: Mapping[str, Any], console: Console) -> None:
    """Print a table for each outcome: players down, measures across."""
    from sim.evaluation.answers import number, printed

    known = {(row["outcome"], row["measure"], row["player"]): row for row in told["attribution"]}
    caption = f"{told['replicates']} paired replicates, 90% intervals; orders: {told['orders']}"
    for outcome, label in OUTCOMES.items():
        unit = str(known[outcome, "whole", "all"]["unit"])
        divisor, unit = (1e9, f"billion {unit}") if unit.startswith("won") else (1.0, unit)

        def cells(measure: str, player: str, outcome: str = outcome, divisor: float = divisor) -> list[str]:
            row = known[outcome, measure, player]
            return [
                number(row["mean"], divisor),
                f"{number(row['low'], divisor)} to {number(row['high'], divisor)}",
            ]

        rows = []
        for player in told["players"]:
            share = known[outcome, "shapley", player]["percent_of_whole"]
            measures = [cell for name in ("alone", "left out", "shapley") for cell in cells(name, player)]
            rows.append([player, *measures, "-" if share is None else f"{share:.0f}%"])
        for measure, name in (
            ("whole", "whole plan"),
            ("sum alone", "sum of each alone"),
            ("interaction", "interaction: whole less sum"),
        ):
            rows.append([name, *cells(measure, "all"), *[""] * 5])
        header = (told["by"], "alone", "90%", "left out", "90%", "Shapley", "90%", "of whole")
        title = f"{told['policy']} against {told['base']}: {label}, {unit}"
        console.print(printed(title, header, rows, caption))


__all__ = [
    "OUTCOMES",
    "Attribution",
    "attribute",
    "attribute_command",
    "attribute_into",
    "coalition",
    "first_stage",
    "orders",
    "players_of",
    "prefixes",
    "shapley",
    "show",
]

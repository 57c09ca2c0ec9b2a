"""Trials inside the run (phase 5 of the oracle): whose seat is decided by lot, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from sim.designs import Withhold
from sim.records import Programme
from sim.reference import arithmetic as a
from sim.reference.agents import Lot, Person

if TYPE_CHECKING:
    from sim.reference.market import ReferenceMarket

Seated = Callable[[list[Person], list[int]], list[Person]]


class Design(NamedTuple):
    """The trial of a programme this month: its number, the share refused by province, whether seats are refilled."""

    number: int
    refused: list[float]
    refilled: bool


def design_of(model: ReferenceMarket, record: Programme) -> Design | None:
    """The trial that a programme is in this month, if any."""
    withhold, saturation = model.evaluation.withhold, model.evaluation.saturation
    for rule in (withhold, saturation):
        if record.id in rule.programmes and rule.first_month <= model.month + 1 <= rule.last_month:
            if isinstance(rule, Withhold):
                regions = model.economy.n("region")
                return Design(1, [rule.share] * regions, rule.seats == "refilled")
            return Design(2, [1.0 - level for level in levels(model)], False)
    return None


def levels(model: ReferenceMarket) -> list[float]:
    """The level of each province: blocks of provinces of like size, in each of which the levels are shuffled."""
    people = model.economy.array("region_state", "region", "state").sum(axis=1).tolist()
    given = model.evaluation.saturation.levels
    largest = sorted(range(len(people)), key=lambda r: (-people[r], r))
    found = {}
    for n, r in enumerate(largest):
        block, place = divmod(n, len(given))
        tickets = [(model.words("TRIAL", k, block + 1, month=0)[1], k) for k in range(len(given))]
        found[r] = given[sorted(tickets)[place][1]]
    return [found[r] for r in range(len(people))]


def by_lot(
    model: ReferenceMarket, design: Design, order: list[Person], seats: list[int], seated: Seated
) -> tuple[list[Person], list[Person], bool]:
    """Who gets a seat and who is refused one, of a queue; whether the refused seats stay empty.

    Each in turn is put into the queue of those who count: everyone, or where seats are refilled those not struck.
    """
    struck = {
        person
        for person in order
        if a.unit(model.words("TRIAL", person.row)[0]) < design.refused[person.region]
    }
    chosen: list[Person] = []
    lost: list[Person] = []
    for person in order:
        queue = [one for one in order if one is person or not design.refilled or one not in struck]
        if person in seated(queue, seats):
            (lost if person in struck else chosen).append(person)
    return chosen, lost, not design.refilled


def barred(model: ReferenceMarket, person: Person, p: int) -> bool:
    """Whether someone lost a lot of a design after which this programme is closed to them."""
    lost = [
        lot.programme for lot in model.programmes.lots if lot.who is person and lot.design and not lot.offered
    ]
    for rule in (model.evaluation.withhold, model.evaluation.saturation):
        here = [one for one in lost if model.programmes.records[one].id in rule.programmes]
        if (rule.again == "none" and here) or (rule.again == "others" and p in here):
            return True
    return False


def note(
    model: ReferenceMarket, p: int, design: Design | None, won: list[Person], lost: list[Person]
) -> None:
    """Remember who won and who lost a seat, in the order of identities."""
    for person in sorted([*won, *lost], key=lambda person: person.row):
        level = 0.0 if design is None else a.single(1.0 - design.refused[person.region])
        number = 0 if design is None else design.number
        model.programmes.lots.append(Lot(person, p, model.month, number, person in won, level))

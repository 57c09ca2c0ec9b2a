"""What must add up in every run, whatever its numbers: persons, enrolments and won are conserved."""

from __future__ import annotations

import numpy as np

from sim.ledger import ACCOUNTS
from sim.programmes import ATTENDING, COMPLETED, DROPPED, LEFT
from sim.record import FLOWS
from sim.replicate import RunData


def broken(run: RunData) -> list[str]:
    """The identities that a run breaks, in plain words; empty when all hold."""
    return [*_persons(run), *_enrolments(run), *_money(run)]


def _persons(run: RunData) -> list[str]:
    """Every block counts the same people, and stocks follow from the moves between month ends."""
    sums, layout, wrong = run.record.sums, run.record.layout, []
    people = layout.block(sums, "people").sum(axis=(1, 2, 3, 4))  # (months, state)
    moves = layout.block(sums, "moves").sum(axis=1)  # (months, state before, state)
    if not (layout.block(sums, "places").sum(axis=(1, 2)) == people).all():
        wrong.append("people by province do not add up to all people")
    if not (moves.sum(axis=1) == people).all():
        wrong.append("people by last month's state do not add up to all people")
    if not (layout.block(sums, "trades").sum(axis=(1, 2)) == people[:, :2]).all():
        wrong.append("people by occupation do not add up to the labour force")
    if not (layout.block(sums, "firms")[..., 0].sum(axis=(1, 2)) == people[:, 0]).all():
        wrong.append("people by industry and size do not add up to those in work")
    gone = people[:-1].sum(axis=1) - moves[1:, 1:].sum(axis=(1, 2))  # there last month, not this month
    if (people[:-1] < moves[1:, 1:].sum(axis=2)).any():
        wrong.append("more people moved out of a state than were in it")
    entered, left = (run.record.flows[1:, FLOWS.index(name)] for name in ("entered", "left"))
    if not (gone == left).all() or not (moves[1:, 0].sum(axis=1) == entered).all():
        wrong.append("people who entered and left do not explain the change of the population")
    return wrong


def _enrolments(run: RunData) -> list[str]:
    """Everyone who starts is still there, or has completed, dropped out or left the population."""
    e, wrong = run.enrolments, []
    counts = run.record.programmes.sum(axis=(0, 1))  # applied, enrolled, completed, dropped, attending
    if counts[1] != e.size or not np.isin(e.status, (ATTENDING, COMPLETED, DROPPED, LEFT)).all():
        wrong.append("enrolments counted by month are not those remembered")
    if counts[2] != (e.status == COMPLETED).sum() or counts[3] != (e.status == DROPPED).sum():
        wrong.append("completions and drop-outs counted by month are not those remembered")
    if run.record.programmes[-1, :, 4].sum() != (e.status == ATTENDING).sum():
        wrong.append("people in a course at the end are not those remembered")
    placed = e.placed
    if (placed[:, :, 1] > placed[:, :, 0]).any():
        wrong.append("someone is in an insured job without being in work")
    return wrong


def _money(run: RunData) -> list[str]:
    """No account is negative and no programme spends more than its line."""
    budget, course, fixed = (run.books[ACCOUNTS.index(name)] for name in ("budget", "course", "fixed"))
    wrong = []
    if (run.books < 0).any():
        wrong.append("an account is negative")
    if (course + fixed > budget).any():
        wrong.append("a programme spent more than its budget of the year")
    return wrong

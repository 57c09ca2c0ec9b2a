"""MobilityMarket: workers and vacancies on a network of occupations, every step from the state at its start.

The model of del Rio-Chanona et al. (2021), J. R. Soc. Interface 18, 20200898. A worker is one agent (for `run.scale`
persons), a vacancy one post. `LaborMarket` cannot be set to be this model: its vacancies belong to employers that
close, shrink and pay, its people age and leave, its phases follow one another; so this is a class of its own on the
same ground (kernels, draws, scenarios, results folder, command).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import mesa
import numpy as np

from sim import economy as economies
from sim.draws import MOBILITY, SPIN_UP_OFFSET, key_of
from sim.fitting import round_total
from sim.jobs import threads_by_size
from sim.kernels import BLOCK, CHUNK, draw_block, jit, place_, unit_
from sim.network_tables import network_of, require_network, target_demand
from sim.scenario import Scenario

STOCKS = ("employed", "unemployed", "long_term_unemployed", "vacancies", "target_demand")
FLOWS = ("separations", "openings", "hires", "left_unemployment")
NOBODY = np.int64(-1)


class MobilityWorkers(NamedTuple):
    """Columns of the workers (N,): occupation (the last one of the unemployed), 1 when employed, steps completed in the
    spell of unemployment; and, of the step, what the worker does: see `_decide`."""

    occupation: np.ndarray
    employed: np.ndarray
    spell: np.ndarray
    event: np.ndarray
    ticket: np.ndarray


class Vacancies(NamedTuple):
    """Posts open at the start of a step, ordered by occupation, then by age and by the worker whose job gave rise to
    it: occupation, step and worker of the opening (V,), which together are the post's identity."""

    occupation: np.ndarray
    opened: np.ndarray
    worker: np.ndarray


class MobilityMarket(mesa.Model):  # type: ignore[misc]
    """One replicate of a scenario on a network economy.

    Everyone starts in work, as many in each occupation as its employment, and no vacancy is open. `stocks` and `flows`
    hold agents by step and occupation (steps, n) under the names of `STOCKS` (at the start of the step) and `FLOWS` (in
    it). threads: moves no digit. Raises InputError when the economy is no network, or its tables hold a mistake.
    """

    def __init__(self, scenario: Scenario, replicate: int = 0, *, threads: int | None = None) -> None:
        super().__init__(seed=0)  # Mesa's own generators serve nothing: every draw goes through sim.draws
        self.scenario, self.replicate = scenario, replicate
        self.economy = economies.load(scenario.run.economy)
        require_network(scenario, self.economy)
        self.network = network_of(self.economy)
        self.key = key_of(scenario.run.seed, replicate)
        self.month, self.last = 0, self.network.steps(scenario)  # a step counts as a month in the draws
        heads = round_total(self.network.employment / scenario.run.scale)
        self.demand_start = heads.astype(np.float64)
        n, people = len(self.network.ids), int(heads.sum())
        self.workers = MobilityWorkers(
            np.repeat(np.arange(n), heads).astype(np.int32),
            np.ones(people, dtype=np.uint8),
            np.zeros(people, dtype=np.int32),
            np.zeros(people, dtype=np.int64),
            np.zeros(people, dtype=np.uint32),
        )
        nothing = np.empty(0, dtype=np.int64)
        self.vacancies = Vacancies(nothing, nothing, nothing)
        self.threads = threads or scenario.run.threads or threads_by_size(people)
        self.stocks: dict[str, np.ndarray] = {
            name: np.zeros((self.last, n), dtype=np.float64 if name == "target_demand" else np.int64)
            for name in STOCKS
        }
        self.flows = {name: np.zeros((self.last, n), dtype=np.int64) for name in FLOWS}
        self._pool: ThreadPoolExecutor | None = None

    def step(self) -> None:
        """Separations, openings, applications and hires, all from the state at the start of the step."""
        employed, vacant, target = self._count()
        separate, opening = self._chances(employed, employed + vacant, target)
        pull = np.empty_like(self.network.mobility)
        _pull(self.network.starts, self.network.targets, self.network.mobility, vacant, pull)
        self._decide(separate, opening, pull, vacant)
        self._settle()
        self.month += 1

    def run(self, on_step: Callable[[int], None] | None = None) -> MobilityMarket:
        """All steps of the scenario; `on_step` is told each one done."""
        with self._side_by_side():
            while self.month < self.last:
                self.step()
                if on_step:
                    on_step(self.month)
        return self

    # ------------------------------------------------------------------------------------------ the four parts

    def _count(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Keep the stocks; employed e and vacancies v in agents, target demand d†, each (n,)."""
        now = {name: self.stocks[name][self.month] for name in STOCKS}
        w, long = self.workers, self.network.long_term
        heads = (now["employed"], now["unemployed"], now["long_term_unemployed"])
        _heads(w.occupation, w.employed, w.spell, long, *heads)
        now["vacancies"][:] = np.bincount(self.vacancies.occupation, minlength=len(self.network.ids))
        now["target_demand"][:] = target_demand(
            self.network, self.scenario.network, self.demand_start, self.month
        )
        return now["employed"], now["vacancies"], now["target_demand"]

    def _chances(
        self, employed: np.ndarray, demand: np.ndarray, target: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of each employed worker to separate and to give rise to an opening (n,); d = e + v."""
        rates, heads = self.network.rates, np.maximum(employed, 1)
        surplus = np.minimum(rates.gamma_u * np.maximum(0.0, demand - target) / heads, 1.0)
        lack = np.minimum(rates.gamma_v * np.maximum(0.0, target - demand) / heads, 1.0)
        return (
            rates.delta_u + (1.0 - rates.delta_u) * surplus,
            rates.delta_v + (1.0 - rates.delta_v) * lack,
        )

    def _decide(
        self, separate: np.ndarray, opening: np.ndarray, pull: np.ndarray, vacant: np.ndarray
    ) -> None:
        """Every worker's draws of the step."""
        w, network, first = self.workers, self.network, np.concatenate([[0], np.cumsum(vacant)])
        counter = np.uint64(self.month + SPIN_UP_OFFSET)
        tables = (separate, opening, network.starts, network.targets, pull, vacant, first)

        def chunk(lo: int) -> None:
            words = np.zeros((4, BLOCK), dtype=np.uint32)
            _decide(lo, min(lo + CHUNK, w.event.size), counter, self.key, words, *tables, *w)

        chunks = range(0, w.event.size, CHUNK)
        for _ in self._pool.map(chunk, chunks) if self._pool else map(chunk, chunks):
            pass

    def _settle(self) -> None:
        """Each vacancy takes the applicant with the lowest (ticket, worker); everyone moves, posts open and close."""
        posts, w = self.vacancies, self.workers
        taken = np.full(posts.occupation.size, NOBODY)
        flows = [self.flows[name][self.month] for name in FLOWS]
        opened = np.empty(int(_choose(w.event, w.ticket, w.employed, taken)), dtype=np.int64)
        _move(*w, posts.occupation, taken, opened, *flows)
        left = np.flatnonzero(taken == NOBODY)
        occupation = np.concatenate([posts.occupation[left], w.occupation[opened].astype(np.int64)])
        order = np.argsort(occupation, kind="stable")
        since = np.concatenate([posts.opened[left], np.full(opened.size, self.month)])
        worker = np.concatenate([posts.worker[left], opened])
        self.vacancies = Vacancies(occupation[order], since[order], worker[order])

    @contextmanager
    def _side_by_side(self) -> Iterator[None]:
        """Threads for the draws, where there is more than one."""
        if self.threads == 1:
            yield
            return
        with ThreadPoolExecutor(self.threads) as self._pool:
            yield
        self._pool = None


# --------------------------------------------------------------------------------------------------- kernels


@jit
def _heads(occupation, employed, spell, long, at_work, without, for_long):
    """Heads by occupation (n,): employed, unemployed, and those of them with `long` steps or more completed."""
    for i in range(occupation.size):
        o = occupation[i]
        at_work[o] += employed[i]
        without[o] += 1 - employed[i]
        for_long[o] += (1 - employed[i]) * int(spell[i] >= long)


@jit
def _pull(starts, targets, mobility, vacant, pull):
    """Running sums (m,) of v_j A_ij over the edges of each source i."""
    for i in range(starts.size - 1):
        total = 0.0
        for k in range(starts[i], starts[i + 1]):
            total += vacant[targets[k]] * mobility[k]
            pull[k] = total


@jit
def _decide(
    lo,
    hi,
    counter,
    key,
    words,
    separate,
    opening,
    starts,
    targets,
    pull,
    vacant,
    first,
    occupation,
    employed,
    spell,
    event,
    ticket,
):
    """What workers lo to hi do: at work, 1 to separate plus 2 to give rise to an opening; without, the place of the
    vacancy applied to, occupation j with probability v_j A_ij / sum of them, any of its vacancies; -1 for none."""
    for start in range(lo, hi, BLOCK):
        n = min(BLOCK, hi - start)
        draw_block(start, n, counter, MOBILITY, key, words)
        for j in range(n):
            i, o = start + j, occupation[start + j]
            ticket[i] = words[2, j]
            if employed[i] == 1:
                leaves, opens = unit_(words[0, j]) < separate[o], unit_(words[1, j]) < opening[o]
                event[i] = int(leaves) + 2 * int(opens)
                continue
            low, high = starts[o], starts[o + 1] - 1
            wanted = unit_(words[0, j]) * pull[high]
            event[i] = NOBODY
            if pull[high] > 0.0:
                while low < high:
                    middle = (low + high) // 2
                    if pull[middle] > wanted:
                        high = middle
                    else:
                        low = middle + 1
                event[i] = first[targets[low]] + place_(words[1, j], vacant[targets[low]])


@jit
def _choose(event, ticket, employed, taken):
    """Fill `taken` (V,) with the worker whom each vacancy takes, -1 without applicants; the number of openings."""
    openings = 0
    for i in range(event.size):
        if employed[i] == 1:
            openings += event[i] >> 1
        elif event[i] >= 0:
            best = taken[event[i]]
            if best < 0 or ticket[i] < ticket[best]:
                taken[event[i]] = i
    return openings


@jit
def _move(
    occupation, employed, spell, event, ticket, post, taken, opened, separations, openings, hires, left
):
    """Everyone into the state after the step; flows by occupation (n,): `left` by the one they were last in."""
    n = 0
    for i in range(event.size):
        o, e = occupation[i], event[i]
        if employed[i] == 1:
            if e >= 2:
                opened[n] = i
                n += 1
                openings[o] += 1
            if e & 1:
                employed[i], spell[i] = 0, 0
                separations[o] += 1
        elif e >= 0 and taken[e] == i:
            left[o] += 1
            hires[post[e]] += 1
            occupation[i], employed[i], spell[i] = post[e], 1, 0
        else:
            spell[i] += 1


__all__ = ["FLOWS", "STOCKS", "MobilityMarket", "MobilityWorkers", "Vacancies"]

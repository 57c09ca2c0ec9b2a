"""The same function for many arguments: one after the other, or in processes side by side, with a bar."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, Self, TypeVar

T = TypeVar("T")
Tick = Callable[[int], None]

MANY = 2_000_000
"""Workers from which one run takes more than one thread: below, they wait for each other more than they help."""


def threads_by_size(workers: int) -> int:
    """Threads of a run that was not told how many: one for few workers and in a process beside others, else the
    cores that this process may use, at most eight."""
    if workers < MANY or multiprocessing.parent_process() is not None:
        return 1
    return min(8, cores())


def in_threads(threads: int, function: Callable[[Any], None], each: Iterable[Any]) -> None:
    """`function` of each, in so many threads; for kernels, which release Python's lock."""
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(function, each):
            pass


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Processes:
    """Up to `jobs` fresh processes, for as long as a `with` lasts; an exception in it ends them."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def __enter__(self) -> Self:
        self._before = set(multiprocessing.active_children())
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(self.jobs, mp_context=context, initializer=ignore_interrupt)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._pool.shutdown()
            return
        self._pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - self._before:
            child.terminate()

    def each(
        self,
        function: Callable[..., T],
        calls: Sequence[tuple[Any, ...]],
        tick: Tick,
        after: Sequence[int | None] = (),
    ) -> list[T]:
        """`function(*arguments)` for each of `calls`, in their order. tick, after: as of `side_by_side`."""
        asked: dict[int, Future[T]] = {}
        done: set[Future[T]] = set()
        while len(done) < len(calls):
            for n in range(len(calls)):
                first = after[n] if after else None
                if n not in asked and (first is None or asked[first] in done):
                    asked[n] = self._pool.submit(function, *calls[n])
            new, _ = wait(set(asked.values()) - done, return_when=FIRST_COMPLETED)
            for one in new:
                one.result()
                tick(1)
            done |= new
        return [asked[n].result() for n in range(len(calls))]


def side_by_side(
    function: Callable[..., T],
    calls: Sequence[tuple[Any, ...]],
    jobs: int,
    tick: Tick,
    after: Sequence[int | None] = (),
) -> list[T]:
    """`function(*arguments)` for each of `calls`, in their order, in up to `jobs` fresh processes.

    tick: told 1 for every call done. after: for each call the earlier one that it waits for, or None. The first
    failure, or an interrupt, ends the processes and is passed on.
    """
    with Processes(min(jobs, len(calls))) as processes:
        return processes.each(function, calls, tick, after)


def ignore_interrupt() -> None:
    """In a process of the pool: the one that asked decides what an interrupt ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def bar(total: int, what: str, shown: bool, rate: bool = False) -> Iterator[Tick]:
    """A progress bar with the time left, on standard error and on a terminal only; yields what to tell it.

    rate: also how many are done a second."""
    if not shown or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.2f}/s" if rate and task.speed else "")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda n: progress.advance(task, n)


__all__ = ["Processes", "bar", "cores", "ignore_interrupt", "in_threads", "side_by_side", "threads_by_size"]

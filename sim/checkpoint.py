"""Checkpoints: a market put down at the end of a month and taken up again, to the same bytes.

Draws are functions of seed, replicate and month, so what one month leaves to the next (`LaborMarket.STATE`) is all
there is to keep. Three kinds of file stand in one folder, all of them zip files of plain NumPy arrays and a
`manifest.json` that says of what they are:

* `<scenario>-<replicate>.run.npz`: an unfinished replicate at the end of a month, the newest only;
* `<scenario>-<replicate>.done.npz`: what a finished replicate leaves (`sim.replicate.RunData`);
* `<digest>-<replicate>.history.npz`: everyone at month 0, for all scenarios that share the years before it.

A file is written under another name and then moved into place. One that does not fit (another scenario, other
kernels, broken) is never taken: `read` and its sisters say why, and `Place` computes anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import InputError
from sim.scenario import Scenario

if TYPE_CHECKING:
    from sim.model import LaborMarket
    from sim.replicate import RunData

FORMAT = 1
MANIFEST = "manifest.json"
MISFIT = {
    "format": "of another version of LaborShift",
    "kernels": "of other kernels, that is of another version of the model",
    "kind": "of another kind",
    "question": "of another scenario",
    "replicate": "of another replicate",
    "panel": "of a run with another panel",
    "keep_status": "of a run that keeps other things of persons",
}
Load = Callable[[str], np.ndarray]


# ------------------------------------------------------------------------------------------------- a market


def write(path: Path, model: LaborMarket, more: Mapping[str, Any] | None = None) -> None:
    """Put a market down at the end of a month. more: plain values and arrays to keep with it.

    Columns are written as they stand, a few megabytes at a time: no second copy of the state is made.
    """
    values = {name: _get(model, name) for name in model.STATE if _has(model, name)}
    who = _identity("run", question(model.asked), model.replicate, model.followed, model.record.keep_status)
    _write(path, who, {"state": values, "more": dict(more or {})})


def read(
    path: Path,
    scenario: Scenario,
    replicate: int = 0,
    *,
    keep_status: bool = False,
    panel: int = 0,
    threads: int | None = None,
) -> tuple[LaborMarket, dict[str, Any]]:
    """The market of a file that `write` made, to be stepped on, and what was kept with it.

    Raises InputError when the file is not of this scenario, replicate, panel and today's kernels.
    """
    with _open(path, _identity("run", question(scenario), replicate, panel, keep_status)) as (plan, load):
        state = {name: _unpack(one, load, name) for name, one in plan["state"].items()}
        more = {name: _unpack(one, load, name) for name, one in plan["more"].items()}
    return _begun(state, scenario, replicate, keep_status=keep_status, panel=panel, threads=threads), more


def write_history(path: Path, model: LaborMarket) -> None:
    """Put down what a market at month 0 has in common with others of its `history`. ValueError at another month."""
    if model.month != 0:
        raise ValueError(f"scenarios share the years before month 0, not month {model.month}")
    values = {name: _get(model, name) for name in model.HISTORY if _has(model, name)}
    who = _identity("history", history(model.asked), model.replicate, 0, False)
    _write(path, who, {"state": values})


def read_history(path: Path, scenario: Scenario, replicate: int = 0, **settings: Any) -> LaborMarket:
    """A market at month 0 of a file that `write_history` made of any scenario with this one's history.

    settings: of LaborMarket. Raises InputError when the file is of another history or other kernels.
    """
    with _open(path, _identity("history", history(scenario), replicate, 0, False)) as (plan, load):
        state = {name: _unpack(one, load, name) for name, one in plan["state"].items()}
    return _begun(state, scenario, replicate, **settings)


def question(scenario: Scenario) -> str:
    """The digest of a scenario with the content of its economy."""
    from sim.economy import load

    return scenario.digest(load(scenario.run.economy).digest)


def history(scenario: Scenario) -> str:
    """A digest (hex) of all that the years before month 0 depend on, but for the replicate.

    That is the whole of `[world]`, or what it is drawn from, the economy, and of `[run]` the start, seed, scale and
    months (rows are reserved for those who enter until the end). Nobody trains before month 0, so no programme and no
    money has a part.
    """
    from sim import __version__
    from sim.economy import load
    from sim.uncertainty import question as drawn_from

    run = scenario.run
    asked = {
        "world": scenario.world.model_dump(),
        "run": [run.start.isoformat(), run.months, run.scale, run.seed],
        "economy": load(run.economy).digest,
        "version": __version__,
        **drawn_from(scenario),
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _begun(state: dict[str, Any], scenario: Scenario, replicate: int, **settings: Any) -> LaborMarket:
    from sim.model import LaborMarket, Start

    start = Start(*(state.pop(name) for name in LaborMarket.HISTORY[: len(Start._fields)]))
    model = LaborMarket(scenario, replicate, spin_up=False, start=start, **settings)
    for name, value in state.items():
        *owners, last = name.split(".")
        setattr(reduce(getattr, owners, model), last, value)
    return model


def _get(model: LaborMarket, name: str) -> Any:
    return reduce(getattr, name.split("."), model)


def _has(model: LaborMarket, name: str) -> bool:
    """Some names are first set at the start of policy, and `steps` is Mesa's."""
    return "." in name or hasattr(model, name)


# ---------------------------------------------------------------------------------------- a finished replicate


def write_done(path: Path, run: RunData, panel: int = 0) -> None:
    """Keep what a finished replicate leaves. panel: workers it was asked to follow."""
    values = {one.name: getattr(run, one.name) for one in fields(run) if one.name != "scenario"}
    values["record"] = {name: x for name, x in vars(run.record).items() if name != "layout"}
    values |= {name: vars(getattr(run, name)) for name in ("enrolments", "randomised")}
    who = _identity("done", question(run.scenario), run.replicate, panel, run.record.keep_status)
    _write(path, who, {"run": values})


def read_done(
    path: Path, scenario: Scenario, replicate: int = 0, *, keep_status: bool = False, panel: int = 0
) -> RunData:
    """What a finished replicate left. Raises InputError when the file is of another one or of other kernels."""
    from sim.economy import load as load_economy
    from sim.programmes import Enrolments
    from sim.randomised import Randomised
    from sim.record import Layout, Record
    from sim.replicate import RunData

    with _open(path, _identity("done", question(scenario), replicate, panel, keep_status)) as (plan, load):
        values = {name: _unpack(one, load, name) for name, one in plan["run"].items()}
    layout = Layout.of(load_economy(scenario.run.economy))
    record, enrolments, randomised = Record(layout, 0, 0, keep_status), Enrolments(), Randomised()
    vars(record).update(values.pop("record"))
    vars(enrolments).update(values.pop("enrolments"))
    vars(randomised).update(values.pop("randomised"))
    return RunData(scenario=scenario, record=record, enrolments=enrolments, randomised=randomised, **values)


# ------------------------------------------------------------------------------------------------- the folder


@dataclass(frozen=True)
class Place:
    """The folder where one command keeps what it has done, and how often.

    every: months between checkpoints of a replicate, 0 for none. finished: whether finished replicates are kept.
    Processes that work for the same command share it.
    """

    folder: Path
    every: int = 0
    finished: bool = False

    def file(self, scenario: Scenario, replicate: int, kind: str) -> Path:
        """The file of a scenario's replicate. kind: "run", "done" or "history"."""
        owner = history(scenario)[:16] if kind == "history" else scenario.name
        return self.folder / f"{owner}-{replicate}.{kind}.npz"

    def done(self, scenario: Scenario, replicate: int, keep_status: bool, panel: int) -> RunData | None:
        """What the replicate left, when it is finished and kept."""
        file = self.file(scenario, replicate, "done")
        with suppress(InputError):
            if self.finished:
                return read_done(file, scenario, replicate, keep_status=keep_status, panel=panel)
        return None

    def begin(
        self, scenario: Scenario, replicate: int, shared: bool, **settings: Any
    ) -> tuple[LaborMarket, dict[str, Any]]:
        """A market as far as it is known here, and what was kept with it.

        shared: start from the history that scenarios share, and keep it here for the others when it is not.
        """
        from sim.model import LaborMarket

        if self.every:
            with suppress(InputError):
                return read(self.file(scenario, replicate, "run"), scenario, replicate, **settings)
        if not shared:
            return LaborMarket(scenario, replicate, **settings), {}
        file = self.file(scenario, replicate, "history")
        with suppress(InputError):
            return read_history(file, scenario, replicate, **settings), {}
        model = LaborMarket(scenario, replicate, **settings)
        with suppress(InputError):  # no room to keep it: the others live it again
            write_history(file, model)
        return model, {}

    def month_done(self, model: LaborMarket, more: Callable[[], Mapping[str, Any]]) -> None:
        """Write a checkpoint when it is time. The last month needs none: the replicate is then finished."""
        if self.every and model.month % self.every == 0 and model.month < model.scenario.run.months:
            write(self.file(model.asked, model.replicate, "run"), model, more())

    def run_done(self, run: RunData, panel: int) -> None:
        """Keep a finished replicate; its checkpoint is then of no use."""
        try:
            if self.finished:
                write_done(self.file(run.scenario, run.replicate, "done"), run, panel)
        except InputError:
            if self.every:  # else nobody asked for it: whoever needs it runs it again
                raise
        if self.every:
            self.file(run.scenario, run.replicate, "run").unlink(missing_ok=True)

    def forget_histories(self, scenarios: Sequence[Scenario], replicate: int) -> None:
        """Remove the histories of a replicate whose scenarios are all done."""
        for scenario in scenarios:
            self.file(scenario, replicate, "history").unlink(missing_ok=True)


NOWHERE = Place(Path())
"""Keeps nothing."""


def beside(folder: Path) -> Path:
    """The hidden sibling of a results folder that holds its checkpoints."""
    return folder.with_name(f".{folder.name}.checkpoints")


@contextmanager
def keeping(folder: Path, every: int) -> Iterator[Place | None]:
    """The place of a command that fills a results folder: None without checkpoints (`every` 0), which writes nothing.

    It goes when the command succeeds, also the one that an earlier command left. An interrupt says what is kept.
    """
    kept = beside(folder)
    try:
        for half in kept.glob("*.part") if every else ():
            half.unlink(missing_ok=True)
        yield Place(kept, every, finished=True) if every else None
        shutil.rmtree(kept, ignore_errors=True)
    except KeyboardInterrupt:
        if not every:
            kept_is = "nothing is kept without --checkpoint-every"
        elif any(kept.glob("*.npz")):
            kept_is = "the same command goes on from its checkpoints"
        else:
            kept_is = "nothing is kept before the first checkpoint"
        raise KeyboardInterrupt(f"interrupted; {kept_is}") from None


@contextmanager
def for_now(place: Place | None, needed: bool, finished: bool = False) -> Iterator[Place]:
    """`place`; or else, where it is needed, a folder of temporary files (TMPDIR says where); or else nowhere."""
    if place is not None or not needed:
        yield place or NOWHERE
        return
    with tempfile.TemporaryDirectory(prefix="laborshift-", ignore_cleanup_errors=True) as folder:
        yield Place(Path(folder), finished=finished)


# --------------------------------------------------------------------------------------------------- a file


def _identity(kind: str, question: str, replicate: int, panel: int, keep_status: bool) -> dict[str, Any]:
    from sim import kernels

    return {
        "format": FORMAT,
        "kernels": kernels.source_digest(),
        "kind": kind,
        "question": question,
        "replicate": int(replicate),
        "panel": int(panel),
        "keep_status": keep_status,
    }


def _write(path: Path, who: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Arrays one after the other, then the move into place. InputError where that is not possible."""
    arrays: dict[str, np.ndarray] = {}
    plan = {
        name: {key: _pack(x, f"{name}.{key}", arrays) for key, x in part.items()}
        for name, part in values.items()
    }
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with zipfile.ZipFile(part, "w") as file:
                file.writestr(MANIFEST, json.dumps({**who, "plan": plan}))
                for name, array in arrays.items():
                    with file.open(f"{name}.npy", "w", force_zip64=True) as entry:
                        np.lib.format.write_array(entry, array, allow_pickle=False)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as reason:
        raise InputError(
            f"a checkpoint cannot be written ({reason.strerror})", file=str(path), key="--checkpoint-every"
        ) from reason


@contextmanager
def _open(path: Path, who: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], Load]]:
    """The plan of a file and what reads its arrays. InputError when it is broken or not of whom it should be."""
    try:
        with zipfile.ZipFile(path) as file:
            manifest = json.loads(file.read(MANIFEST))
            for key, said in who.items():
                if manifest.get(key) != said:
                    raise InputError(f"is a checkpoint {MISFIT[key]}", file=str(path))

            def load(name: str) -> np.ndarray:
                with file.open(f"{name}.npy") as entry:
                    array = np.lib.format.read_array(entry, allow_pickle=False)
                    entry.read(1)  # to the end, where the sum is checked
                    return np.asarray(array)

            yield manifest["plan"], load
    except (OSError, EOFError, ValueError, KeyError, AttributeError, zipfile.BadZipFile) as reason:
        raise InputError(f"is not a whole checkpoint ({reason})", file=str(path)) from reason


def _pack(value: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    """A plan (plain JSON) of how a value is made of arrays, which are added to `arrays` and not copied."""
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {"array": name}
    if isinstance(value, np.void):  # a record of tables
        each = {key: np.asarray(value[key]) for key in value.dtype.names or ()}
        return {"record": {key: _pack(x, f"{name}.{key}", arrays) for key, x in each.items()}}
    if hasattr(value, "_fields"):
        return {"columns": {key: _pack(x, f"{name}.{key}", arrays) for key, x in value._asdict().items()}}
    if isinstance(value, dict):
        return {"dict": [[key, _pack(x, f"{name}.{key}", arrays)] for key, x in value.items()]}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_pack(x, f"{name}.{n}", arrays) for n, x in enumerate(value)]}
    return {"is": value.item() if isinstance(value, np.generic) else value}


def _unpack(plan: Mapping[str, Any], load: Load, name: str) -> Any:
    """The value that `_pack` took apart."""
    ((kind, inner),) = plan.items()
    if kind == "array":
        return load(inner)
    if kind == "record":
        from sim import kernels

        return kernels.record_of({key: _unpack(x, load, key) for key, x in inner.items()})
    if kind == "columns":
        return _columns(name, inner, load)
    if kind == "dict":
        return {key: _unpack(x, load, name) for key, x in inner}
    if kind in ("list", "tuple"):
        made = [_unpack(x, load, name) for x in inner]
        return made if kind == "list" else tuple(made)
    return inner


def _columns(name: str, plan: Mapping[str, Any], load: Load) -> Any:
    """Columns laid out as for a new market, filled one by one; or the boards."""
    from sim.boards import Boards
    from sim.employers import new_employers, new_posts
    from sim.workers import new_columns

    if name == "boards":
        return Boards(**{key: _unpack(x, load, key) for key, x in plan.items()})
    make = {"workers": new_columns, "employers": new_employers, "posts": new_posts}[name]
    columns: Any = None
    for key, one in plan.items():
        array = load(one["array"])
        columns = make(array.size) if columns is None else columns
        getattr(columns, key)[...] = array
    return columns


__all__ = [
    "NOWHERE",
    "Place",
    "beside",
    "for_now",
    "history",
    "keeping",
    "question",
    "read",
    "read_done",
    "read_history",
    "write",
    "write_done",
    "write_history",
]

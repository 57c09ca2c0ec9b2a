"""The folder of a sweep: what was asked, what is done, and the numbers, safe against a kill at any moment.

* `design.toml`, `levers/`: the question, self-contained; `manifest.json`: of which model, data and layout;
* `data.zarr/`: Zarr v3 arrays (run, time, column), one shard for each work unit, and the points of the design;
* `units/NNNNNNN.json`: a marker with the checksum of a unit's numbers, written after them: no marker, not done;
* `at/`: the run that each unit is at; `tasks/`, `logs/`: of cluster jobs; `answers/`: tables and pictures.

A shard has one owner and is written whole: writing a part of a shard beside somebody else would lose data silently,
so unaligned writes are refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from sim.economy import load as load_economy
from sim.errors import InputError
from sim.folder import commit, whole
from sim.jobs import in_threads
from sim.layers import read
from sim.records import validated
from sim.scenario import Scenario
from sim.sweep.design import Design, DesignFile
from sim.sweep.outcomes import Kept
from sim.sweep.points import at_point, points
from sim.versions import versions

MANIFEST, DATA, UNITS, AT, LOCK = "manifest.json", "data.zarr", "units", "at", "driver.lock"
NOT_DONE, DONE, FAILED = 0, 1, 2
"""`status` of a run."""
CHUNK_CELLS = 480
"""Time steps times columns of an inner chunk, about: a variable is read without most others."""
CHUNK_POINTS = 4096
INDEX = 100_000
"""Runs of a chunk of the arrays that say what each run is."""


class Store:
    """A sweep's folder, opened. InputError when it is not one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            self.kept = Kept.of(self.manifest["kept"])
        except (OSError, ValueError, KeyError, TypeError):
            raise InputError(
                "is not the folder of a sweep", file=str(folder), allowed="what laborshift sweep wrote"
            ) from None
        self.runs, self.unit = int(self.manifest["runs"]), int(self.manifest["unit"])

    # ------------------------------------------------------------------------------------------- what it is of

    @cached_property
    def design(self) -> Design:
        """The question, with levers as they were when the folder was made."""
        layer = read(self.folder / "design.toml", dict)
        files = tuple(sorted((self.folder / "levers").glob("*.toml")))
        made = self.manifest
        return Design(made["name"], validated(DesignFile, layer.table), layer.text, None, (), files)

    @property
    def levers(self) -> list[str]:
        """Labels of the levers."""
        return list(self.manifest["levers"])

    @property
    def bases(self) -> list[int | None]:
        """For each lever the number of the one it is compared with."""
        return list(self.manifest["bases"])

    @property
    def replicates(self) -> int:
        """Seeds at every point."""
        return int(self.manifest["replicates"])

    def place(self, run: int) -> tuple[int, int, int]:
        """Point, replicate and lever of a run."""
        pair, lever = divmod(run, len(self.levers))
        point, replicate = divmod(pair, self.replicates)
        return point, replicate, lever

    def scenario(self, run: int) -> tuple[Scenario, int]:
        """What a run was asked, complete, and its replicate: `simulate` of these gives the run again, to the bit."""
        if not 0 <= run < self.runs:
            raise InputError(f"there is no run {run}", file=str(self.folder), allowed=f"0 to {self.runs - 1}")
        point, replicate, lever = self.place(run)
        return at_point(self.design, lever, self.values(point, point + 1)[0]), replicate

    def values(self, first: int, last: int) -> np.ndarray:
        """Values of the factors (points, factors) at some points."""
        return np.asarray(self.array("factor_value")[first:last])

    # ------------------------------------------------------------------------------------------- what is done

    @property
    def units(self) -> int:
        """Work units."""
        return -(-self.runs // self.unit)

    def runs_of(self, unit: int) -> range:
        """Runs of a unit."""
        return range(unit * self.unit, min(self.runs, (unit + 1) * self.unit))

    def marker(self, unit: int) -> Path:
        """The file that says that a unit is done."""
        return self.folder / UNITS / f"{unit:07d}.json"

    def done(self) -> set[int]:
        """Units that are done."""
        with suppress(FileNotFoundError):
            return {
                int(entry.name[:-5])
                for entry in os.scandir(self.folder / UNITS)
                if entry.name.endswith(".json")
            }
        return set()

    def missing(self) -> list[int]:
        """Units that are not done."""
        done = self.done()
        return [unit for unit in range(self.units) if unit not in done]

    def told(self, unit: int) -> dict[str, Any]:
        """What a unit's marker says."""
        found: dict[str, Any] = json.loads(self.marker(unit).read_text(encoding="utf-8"))
        return found

    def markers(self) -> Iterator[dict[str, Any]]:
        """What all markers say, in order."""
        return (self.told(unit) for unit in sorted(self.done()))

    # ------------------------------------------------------------------------------------------- the numbers

    @cached_property
    def data(self) -> zarr.Group:
        """The Zarr group."""
        return zarr.open_group(
            self.folder / DATA, mode="r+" if os.access(self.folder / DATA, os.W_OK) else "r"
        )

    def write(self, first: int, blocks: Mapping[str, np.ndarray], status: np.ndarray) -> str:
        """Write the runs of one unit, from run `first` on, and sync them to disk; the checksum (sha256) of them.

        blocks: (runs, time, columns) of every array. ValueError where that is not exactly one unit.
        """
        unit, rest = divmod(first, self.unit)
        many = len(self.runs_of(unit))
        if rest or {len(block) for block in (*blocks.values(), status)} != {many}:
            raise ValueError(f"runs from {first} are not a unit: one starts at every {self.unit}th run")
        if blocks.keys() != self.kept.arrays.keys():
            raise ValueError(f"a unit has the arrays {', '.join(self.kept.arrays)}")
        for name, block in (*blocks.items(), ("status", status)):
            array = self.array(name)
            if (array.shards or array.chunks)[0] != self.unit:
                raise ValueError(f"the shards of {name} are not units")
            array[first : first + many] = block
        shards = [self.folder / DATA / name / "c" / str(unit) for name in (*blocks, "status")]
        in_threads(len(shards), _sync, shards)  # the disk does them together
        return checksum(blocks, status)

    def mark(self, unit: int, told: Mapping[str, Any]) -> None:
        """Say that a unit is done. Call it after `write`."""
        put(self.marker(unit), json.dumps({"unit": unit, **told}, ensure_ascii=False) + "\n")

    def read(self, unit: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The blocks and the status of a unit."""
        runs = self.runs_of(unit)
        at = slice(runs.start, runs.stop)
        return {name: np.asarray(self.array(name)[at]) for name in self.kept.arrays}, np.asarray(
            self.array("status")[at]
        )

    def array(self, name: str) -> zarr.Array[Any]:
        """One array of the group. KeyError when there is none."""
        found = self.data[name]
        if not isinstance(found, zarr.Array):
            raise KeyError(name)
        return found

    def damaged(self) -> list[int]:
        """Units whose numbers are not those that their markers vouch for."""
        return [
            unit for unit in sorted(self.done()) if checksum(*self.read(unit)) != self.told(unit)["sha256"]
        ]

    def forget(self, units: Sequence[int]) -> None:
        """Take the markers away: the units will be done again."""
        for unit in units:
            self.marker(unit).unlink(missing_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only driver of this folder. InputError when another one is at work."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / LOCK)
        who = self.folder / "driver.json"
        try:
            lock.acquire(timeout=0)
        except Timeout:
            told = who.read_text(encoding="utf-8").strip() if who.exists() else ""
            raise InputError(
                f"another driver is at work on this sweep {told}".rstrip(), file=str(self.folder)
            ) from None
        try:
            put(who, json.dumps({"host": os.uname().nodename, "process": os.getpid()}) + "\n")
            yield
        finally:
            lock.release()


def checksum(blocks: Mapping[str, np.ndarray], status: np.ndarray) -> str:
    """sha256 (hex) of a unit's numbers."""
    digest = hashlib.sha256()
    for name in sorted(blocks):
        digest.update(np.ascontiguousarray(blocks[name], dtype="<f8").tobytes())
    digest.update(np.ascontiguousarray(status, dtype=np.uint8).tobytes())
    return digest.hexdigest()


def put(file: Path, text: str) -> None:
    """Write a small file that is there whole or not at all, also after a power cut."""
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    with part.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    os.replace(part, file)
    _sync_folder(file.parent)


def _sync(path: Path) -> None:
    """Bring a shard, or the shards in a folder, to disk."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()] if path.exists() else []
    for file in files:
        handle = os.open(file, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# -------------------------------------------------------------------------------------------------- creation


def create(folder: Path, design: Design, kept: Kept) -> Store:
    """Make the folder of a sweep, whole or not at all. The points are worked out here, once."""
    from sim import __version__
    from sim.kernels import source_digest

    first = design.scenarios[0]
    economy = load_economy(first.run.economy)
    found = points(design)
    manifest = {
        "name": design.name,
        "title": design.file.title,
        "title_ko": design.file.title_ko,
        "digest": design.digest,
        "runs": design.runs,
        "unit": design.unit,
        "points": len(found.value),
        "replicates": design.replicates,
        "levers": [one.label for one in design.levers],
        "bases": [one.base for one in design.levers],
        "factors": [one.name for one in design.factors],
        "scale": first.run.scale,
        "seed": first.run.seed,
        "start": first.run.start.isoformat(),
        "months": first.run.months,
        "economy": economy.name,
        "economy_sha256": economy.digest,
        "kernels_sha256": source_digest(),
        "model": f"LaborShift {__version__}",
        "versions": versions(),
        "commit": commit(),
        "kept": kept.record(),
    }
    with whole(folder) as part:
        for name in (UNITS, AT, "tasks", "logs", "levers"):
            (part / name).mkdir()
        (part / "design.toml").write_text(design.text, encoding="utf-8")
        place = Path(first.run.economy)
        for n, scenario in enumerate(design.scenarios):
            if place.is_dir():  # whoever does a unit may stand in another folder
                scenario = scenario.with_run(economy=str(place.resolve()))
            (part / "levers" / f"{n:03d}.toml").write_text(scenario.resolved_toml(), encoding="utf-8")
        _arrays(part / DATA, design, kept, found, manifest)
        created = {"created": datetime.now(UTC).isoformat(timespec="seconds")}
        (part / MANIFEST).write_text(
            json.dumps(manifest | created, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
    return Store(folder)


def _arrays(path: Path, design: Design, kept: Kept, found: Any, manifest: Mapping[str, Any]) -> None:
    group = zarr.create_group(path, zarr_format=3)
    group.attrs.update({k: v for k, v in manifest.items() if k not in ("kept", "versions", "commit")})
    runs, unit = design.runs, design.unit

    def small(
        name: str,
        values: np.ndarray,
        dims: Sequence[str],
        chunks: tuple[int, ...] | None = None,
        **attrs: Any,
    ) -> None:
        shape = chunks or tuple(max(1, n) for n in values.shape)
        dtype: Any = str if values.dtype.kind in "UO" else values.dtype
        array = group.create_array(
            name,
            shape=values.shape,
            chunks=tuple(min(c, max(1, n)) for c, n in zip(shape, values.shape, strict=True)),
            dtype=dtype,
            dimension_names=tuple(dims),
        )
        array[...] = values.astype(object) if dtype is str else values
        array.attrs.update(attrs)

    number = np.arange(runs, dtype=np.int64)
    many = len(design.levers)
    small("run", number, ("run",), (INDEX,))
    small("point", (number // (many * design.replicates)).astype(np.int32), ("run",), (INDEX,))
    small("replicate", (number // many % design.replicates).astype(np.int32), ("run",), (INDEX,))
    flags = {
        "flag_values": list(range(many)),
        "flag_meanings": " ".join(one.label.replace(" ", "_") for one in design.levers),
    }
    small("lever", (number % many).astype(np.int16), ("run",), (INDEX,), **flags)
    small("factor", np.array(manifest["factors"], dtype=object), ("factor",))
    wide = ("points", "factor")
    size = (CHUNK_POINTS, max(1, found.value.shape[1]))
    small(
        "factor_value",
        found.value,
        wide,
        size,
        long_name="value of each factor; of a choice the number of the option",
    )
    small("factor_cube", found.cube, wide, size, long_name="where each factor stands in its range, 0 to 1")
    small("sample", found.sample, ("points",), (INDEX,), long_name="number of the sample a point belongs to")
    start = np.datetime64(manifest["start"], "M")
    for dim in sorted({one.time for one in kept.variables} - {""}):
        codes = kept.codes[dim]
        if dim == "month":
            days = (start + np.arange(len(codes))).astype("datetime64[D]") - start.astype("datetime64[D]")
            small(
                dim,
                days.astype(np.int64),
                (dim,),
                units=f"days since {manifest['start']}",
                calendar="proleptic_gregorian",
            )
        else:
            small(dim, np.array(codes, dtype=np.int64), (dim,))
    for name, (length, columns) in kept.arrays.items():
        first = next(one for one in kept.variables if one.array == name)
        wide_chunk = min(-(-CHUNK_CELLS // length), columns)
        group.create_array(
            name,
            shape=(runs, length, columns),
            shards=(unit, length, -(-columns // wide_chunk) * wide_chunk),
            chunks=(unit, length, wide_chunk),
            dtype="float64",
            fill_value=float("nan"),
            dimension_names=("run", first.time or f"{name}_step", f"{name}_column"),
        )
        small(f"{name}_column", np.array(kept.labels(name), dtype=object), (f"{name}_column",))
    group.create_array(
        "status", shape=(runs,), chunks=(unit,), dtype="uint8", fill_value=NOT_DONE, dimension_names=("run",)
    ).attrs.update({"flag_values": [0, 1, 2], "flag_meanings": "not_done done failed"})
    with (
        warnings.catch_warnings()
    ):  # consolidated metadata is not in the v3 specification yet; readers without it go on
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(group.store)


__all__ = ["AT", "DONE", "FAILED", "NOT_DONE", "Store", "checksum", "create", "put"]

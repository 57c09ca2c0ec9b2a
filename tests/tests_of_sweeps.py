"""What the tests of sweeps share: a small design, the bytes of a store, and the work done in this process."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sim.sweep import work
from sim.sweep.design import Design, read_design
from sim.sweep.store import DATA, Store

SMALL = """
unit = {unit}
[run]
scale = 1000
months = 4
replicates = 2
[levers]
scenarios = ["baseline", "roadmap"]
[[samples]]
method = "list"
rows = [{{job_creation = 0.1}}, {{job_creation = 0.9, exposure = "aioe"}}, {{}}]
rest = "posterior"
"""


def design_of(folder: Path, text: str = SMALL, unit: int = 4) -> Design:
    file = folder / "small.toml"
    file.write_text(text.format(unit=unit), encoding="utf-8")
    return read_design(file)


def bytes_of(folder: Path) -> dict[str, str]:
    """sha256 of every file of the numbers."""
    data = folder / DATA
    return {
        str(file.relative_to(data)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(data.rglob("*"))
        if file.is_file()
    }


def in_this_process(store: Store) -> Store:
    for unit in store.missing():
        work.do_unit(store.folder, unit)
    return store

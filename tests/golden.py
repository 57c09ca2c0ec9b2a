"""Hashes of a short run of every scenario that ships, part by part: `python tests/golden.py --write` rewrites them
(`tests/golden.json`). A changed hash is a change of results: it goes with an entry marked **Numbers** in CHANGELOG.md.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sim.layers import scenario_folder
from sim.model import LaborMarket
from sim.scenario import load

KEPT = Path(__file__).with_name("golden.json")
SCALE, MONTHS = 1000, 14


def names() -> list[str]:
    """Every scenario that ships."""
    return sorted(path.stem for path in Path(scenario_folder()).glob("*.toml"))


def hashed(arrays: Iterable[np.ndarray]) -> str:
    """Sixteen hexadecimal digits of the bytes of arrays."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def parts(scenario: str) -> dict[str, str]:
    """Hashes of what a run of a scenario leaves: people, employers, posts, the record and the ledger."""
    model = LaborMarket(load(scenario).with_run(scale=SCALE, months=MONTHS, replicates=1)).run()
    record = model.record
    return {
        "workers": hashed(model.workers),
        "employers": hashed(model.employers),
        "posts": hashed(model.posts),
        "sums": hashed([record.sums]),
        "flows": hashed([record.flows]),
        "programmes": hashed([record.programmes]),
        "ledger": hashed([model.ledger.books]),
    }


if __name__ == "__main__":
    found = {name: parts(name) for name in names()}
    if "--write" in sys.argv[1:]:
        KEPT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    else:
        print(json.dumps(found, indent=1))

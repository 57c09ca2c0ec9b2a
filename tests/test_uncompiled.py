"""The same source gives the same bytes, compiled or not (`NUMBA_DISABLE_JIT=1`)."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

LIFE = """
import hashlib
import numpy as np
from sim.model import LaborMarket
from sim.scenario import load

model = LaborMarket(load("roadmap").with_run(scale=1000, months=1, replicates=1), spin_up=False)
model.step()  # the first month of the spin-up
model.month = 0
model.step()  # and the first one with programmes
digest = hashlib.sha256()
for column in (*model.workers, *model.posts, *model.employers, model.record.sums, model.ledger.books):
    digest.update(np.ascontiguousarray(column).tobytes())
print(model.enrolments.size, digest.hexdigest())
"""


def life(**environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", LIFE],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.slow
def test_compiled_and_plain_python_give_the_same_bytes() -> None:
    compiled, plain = life(), life(NUMBA_DISABLE_JIT="1")
    assert compiled == plain
    assert int(compiled[0]) > 5

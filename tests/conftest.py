"""Tests in several processes: each has compiled kernels of its own, as Numba's index of them is not made for two that
add to one function at once."""

import os
from pathlib import Path

if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["LABORSHIFT_CACHE"] = str(Path(__file__).parents[1] / ".pytest_cache" / "kernels" / worker)

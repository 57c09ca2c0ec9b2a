"""The cache of compiled kernels is never stale, never ambiguous and never fatal."""

from __future__ import annotations

import ast
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import sim
from sim import kernels
from sim.model import LaborMarket  # noqa: F401 (for the process of its own)
from sim.scenario import load  # noqa: F401

SOURCES = Path(sim.__file__).parent
COMPILED = os.environ.get("NUMBA_DISABLE_JIT") != "1"
# a kernel in one file whose value comes from another: what Numba's own cache would not see
TINY = """
from sim.kernels import cache_folder
from sim.twice import twice
print(cache_folder().name, twice(2.0))
"""
TWICE = """
from sim.kernels import jit, weight


@jit
def twice(x):
    return weight(x) * 2.0
"""
WEIGHT = "\n\n@device\ndef weight(x):\n    return x * 3.0\n"


def tiny(tree: Path, cache: Path, **other: str) -> tuple[str, float]:
    """Cache folder and value of the tiny kernel, in a process of its own."""
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    environment |= {"PYTHONPATH": str(tree), "LABORSHIFT_CACHE": str(cache)} | other
    done = subprocess.run(
        [sys.executable, "-c", TINY], env=environment, cwd=tree, capture_output=True, text=True, check=True
    )
    folder, value = done.stdout.split()
    return folder, float(value)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the package with a tiny kernel that calls a helper of another file."""
    shutil.copytree(
        SOURCES, tmp_path / "tree" / "sim", ignore=shutil.ignore_patterns("__pycache__", "economies")
    )
    package = tmp_path / "tree" / "sim"
    (package / "twice.py").write_text(TWICE)
    ground = package / "kernels.py"
    ground.write_text(ground.read_text() + WEIGHT)
    return package.parent


def test_a_changed_helper_in_another_file_is_compiled_anew(tree: Path, tmp_path: Path) -> None:
    before = tiny(tree, tmp_path / "cache")
    assert tiny(tree, tmp_path / "cache") == before  # from the cache
    ground = tree / "sim" / "kernels.py"
    ground.write_text(ground.read_text().replace("x * 3.0", "x * 5.0"))
    after = tiny(tree, tmp_path / "cache")
    assert (before[1], after[1]) == (12.0, 20.0)
    assert after[0] != before[0]


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled")
def test_a_cache_that_cannot_be_written_or_read_is_not_fatal(tree: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert tiny(tree, blocked)[1] == 12.0
    cache = tmp_path / "cache"
    tiny(tree, cache)
    indexes = sorted(cache.rglob("*.nbi"))
    assert indexes
    assert (
        tiny(tree, cache, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")[1] == 12.0
    )  # another machine's cache
    for index in indexes:  # as another version of Numba may have left it
        index.write_bytes(pickle.dumps("0.0.0"))
    assert tiny(tree, cache)[1] == 12.0


# ------------------------------------------------------------------------------------------- how kernels are written


def parsed() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCES.rglob("*.py"))}


def decorators(function: ast.FunctionDef) -> list[str]:
    return [ast.unparse(d) for d in function.decorator_list]


def is_kernel(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        d in ("jit", "device") or "njit" in d for d in decorators(node)
    )


def test_every_file_with_a_kernel_is_in_the_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "sim"
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("__pycache__", "economies"))
    monkeypatch.setattr(kernels, "_HERE", copy)
    digest = kernels.source_digest()
    checked = 0
    for path, tree in parsed().items():
        if any(is_kernel(node) for node in ast.walk(tree)):
            mine = copy / path.relative_to(SOURCES)
            mine.write_text(mine.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
            changed = kernels.source_digest()
            assert changed != digest, f"{path} holds kernels and is not in source_digest"
            digest, checked = changed, checked + 1
    assert checked > 15


def test_only_kernels_py_speaks_to_numba() -> None:
    for path, tree in parsed().items():
        names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
        if any(name.split(".")[0] == "numba" for name in names):
            assert path.name in ("kernels.py", "versions.py", "cli.py"), f"{path} imports numba"


def test_no_option_and_no_factory_that_would_change_results_or_share_an_entry() -> None:
    for path, tree in parsed().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg in ("parallel", "fastmath"):
                raise AssertionError(f"{path}:{node.value.lineno} asks for {node.arg}")
            if isinstance(node, (ast.FunctionDef, ast.Lambda)):
                inner = [n for n in ast.walk(node) if n is not node and is_kernel(n)]
                assert not inner, f"{path}:{node.lineno} makes kernels"
        own = [n.name for n in ast.walk(tree) if is_kernel(n) and isinstance(n, ast.FunctionDef)]
        assert len(own) == len(set(own)), f"{path} has two kernels of one name"


def dispatchers() -> dict[str, object]:
    """Every kernel that Python may call, by its name."""
    found = {}
    for name, module in list(sys.modules.items()):
        if (
            isinstance(module, ModuleType)
            and name.startswith("sim.")
            and not name.startswith("sim.reference")
        ):
            for key, value in vars(module).items():
                inner = getattr(value, "py_func", None)
                if inner is not None and inner.__module__ == name:
                    found[f"{name}.{key}"] = value
    return found


# Rules of a few instructions that scalars of several types go through inside kernels: they cost next to nothing
SEVERAL = {f"sim.kernels.{n}" for n in ("exp_", "log_", "unit_", "place_", "alias_", "_round")} | {
    "sim.wages.liking"
}


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled")
def test_no_kernel_is_compiled_twice() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import test_kernel_cache as t\n"
        "t.LaborMarket(t.load('roadmap').with_run(scale=1000, months=4), keep_status=True, panel=3).run()\n"
        "for name, f in t.dispatchers().items():\n"
        "    if f.signatures: print(name, len(f.signatures))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    counts = {name: int(n) for name, n in (line.split() for line in done.stdout.splitlines())}
    assert len(counts) > 40
    assert {name: n for name, n in counts.items() if n > 1 and name not in SEVERAL} == {}

"""The researchers' notebooks run from the first cell to the last, leave nothing behind and hold no outputs."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("0*.py"))
SECONDS = 120  # for a whole notebook
NEEDED = ("jupytext", "nbclient", "ipykernel")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"notebooks need {', '.join(MISSING)}: not installed")


@pytest.fixture(scope="module")
def _compiled() -> None:
    """Compiling is no part of a notebook's time."""
    from sim.runner import warmup

    warmup()


def read(path: Path) -> Any:
    import jupytext

    return jupytext.read(path)


def test_there_are_seven_in_order() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{n:02d}" for n in range(1, 8)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_begins_with_a_title_and_says_the_scale(path: Path) -> None:
    first, setup = read(path).cells[:2]
    assert first.cell_type == "markdown" and first.source.startswith(f"# {path.name[:2]} ")
    assert setup.cell_type == "code" and "SCALE = 1000" in setup.source


@pytest.mark.slow
@pytest.mark.usefixtures("_compiled")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client", "ignore::DeprecationWarning:zmq")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_without_an_error(path: Path, tmp_path: Path) -> None:
    from nbclient import NotebookClient

    notebook, end = read(path), time.monotonic() + SECONDS
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout_func=lambda _: max(1, int(end - time.monotonic())),
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()  # CellExecutionError or CellTimeoutError says which cell
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    said = [output.text for output in outputs if output.get("name") == "stderr"]
    assert not said, f"warnings in a notebook: {said}"
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert list(tmp_path.iterdir()) == []

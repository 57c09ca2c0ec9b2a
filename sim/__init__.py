"""LaborShift: an agent-based model of the Korean labour market for training-budget scenarios.

`sim.load`, `sim.run`, `sim.compare`, `sim.open_sweep`, `sim.LaborMarket`, `sim.Results` and `sim.Scenario` are loaded
when first used, so that `import sim` and the command line start at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.evaluation.compare import compare
    from sim.model import LaborMarket
    from sim.results import Results
    from sim.runner import run_results as run
    from sim.scenario import Scenario, load
    from sim.sweep.answers import open_sweep

__version__ = "0.1.0"

__all__ = ["LaborMarket", "Results", "Scenario", "__version__", "compare", "load", "open_sweep", "run"]

_HOMES = {
    "load": ("sim.scenario", "load"),
    "run": ("sim.runner", "run_results"),
    "open_sweep": ("sim.sweep.answers", "open_sweep"),
    "compare": ("sim.evaluation.compare", "compare"),
    "LaborMarket": ("sim.model", "LaborMarket"),
    "Results": ("sim.results", "Results"),
    "Scenario": ("sim.scenario", "Scenario"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

"""Frames that are asked for again and again: made once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import pandas as pd

P = ParamSpec("P")
S = TypeVar("S")


def kept(method: Callable[Concatenate[S, P], pd.DataFrame]) -> Callable[Concatenate[S, P], pd.DataFrame]:
    """A method whose frame is kept with its object, by arguments; every caller has a copy of their own.

    For objects that do not change: those of results.
    """

    @wraps(method)
    def asked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> pd.DataFrame:
        frames: dict[tuple[str, str, str], pd.DataFrame] = self.__dict__.setdefault("_frames", {})
        key = (method.__name__, repr(args), repr(sorted(kwargs.items())))
        if key not in frames:
            frames[key] = method(self, *args, **kwargs)
        return frames[key].copy()

    return asked


__all__ = ["kept"]

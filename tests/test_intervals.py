"""Intervals across replicates, against tables and simple cases."""

from __future__ import annotations

import numpy as np
import pytest

from sim.intervals import mean_interval, ratio_interval, student_t


@pytest.mark.parametrize(
    ("df", "t"), [(1, 6.313752), (2, 2.919986), (3, 2.353363), (7, 1.894579), (30, 1.697261)]
)
def test_student_t_as_tabled(df: int, t: float) -> None:
    assert student_t(df) == pytest.approx(t, abs=1e-6)


def test_mean_interval_over_replicates() -> None:
    mean, low, high = mean_interval(np.array([[1.0, 5.0], [3.0, 5.0]]))
    assert mean.tolist() == [2.0, 5.0]
    assert (low[0], high[0]) == pytest.approx((2 - 6.313752, 2 + 6.313752), abs=1e-5)  # sd of the mean is 1
    assert (low[1], high[1]) == (5.0, 5.0)
    assert np.isnan(mean_interval(np.array([4.0]))[1:]).all()


def test_ratio_interval_weighs_replicates_by_their_denominator() -> None:
    ratio, low, high = ratio_interval(np.array([1.0, 9.0, 0.0]), np.array([2.0, 18.0, 0.0]))
    assert [float(x) for x in (ratio, low, high)] == [0.5, 0.5, 0.5]
    assert np.isnan(ratio_interval(np.zeros(3), np.zeros(3))).all()

"""What a sweep says: sensitivity against known answers, planted boxes, choices that can be done by hand, pictures."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("SALib")
pytest.importorskip("sklearn")

from matplotlib.figure import Figure
from SALib.test_functions import Ishigami
from scipy.stats import binom

from sim.drawing import save
from sim.errors import InputError
from sim.sweep import pictures, sensitivity
from sim.sweep.choice import choice, jeffreys
from sim.sweep.discovery import boxes, discover, quality

NAMES = ["a", "b", "c"]
FIRST, TOTAL = (
    np.array([0.3139, 0.4424, 0.0]),
    np.array([0.5576, 0.4424, 0.2437]),
)  # of Ishigami's function with A = 7, B = 0.1


def ishigami(cube: np.ndarray) -> np.ndarray:
    return np.asarray(Ishigami.evaluate((2.0 * cube - 1.0) * np.pi))


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_index("factor").loc[NAMES]


# ---------------------------------------------------------------------------------------------------- samples


@pytest.mark.parametrize("seed", [0, 7])
def test_samples_lie_in_the_half_open_cube_and_follow_their_seed(seed: int) -> None:
    def made(seed: int) -> list[np.ndarray]:
        return [
            sensitivity.morris_sample(5, 6, 8, seed),
            sensitivity.saltelli_sample(5, 12, seed),
            sensitivity.latin_hypercube(5, 30, seed),
            sensitivity.sobol_sequence(5, 30, seed),
        ]

    for one, again, other in zip(made(seed), made(seed), made(seed + 1), strict=True):
        assert one.min() >= 0.0 and one.max() < 1.0
        assert (one == again).all() and (one != other).any()
    assert [len(one) for one in made(seed)] == [6 * 6, 12 * 7, 30, 30]
    assert (np.sort(np.floor(made(seed)[2] * 30), axis=0) == np.arange(30)[:, None]).all()


def test_longer_sobol_samples_begin_with_the_shorter() -> None:
    assert (sensitivity.sobol_sequence(3, 40, 1)[:25] == sensitivity.sobol_sequence(3, 25, 1)).all()
    assert (sensitivity.saltelli_sample(3, 10, 1)[:35] == sensitivity.saltelli_sample(3, 7, 1)).all()


def test_odd_levels_are_refused() -> None:
    with pytest.raises(InputError, match="even"):
        sensitivity.morris_sample(3, 4, 5, 1)


# ------------------------------------------------------------------------------------------------ sensitivity


def test_morris_finds_the_slopes_of_a_linear_function() -> None:
    cube = sensitivity.morris_sample(3, 8, 8, 1)
    table = sensitivity.morris(cube, cube @ [2e9, -5e9, 0.0], NAMES, 8, 1)
    assert table["factor"].tolist() == ["b", "a", "c"]
    assert table["mu"].to_numpy() == pytest.approx([-5e9, 2e9, 0.0])
    assert table["mu_star"].to_numpy() == pytest.approx([5e9, 2e9, 0.0])
    assert table["mu_star_low"].to_numpy() == pytest.approx(table["mu_star_high"].to_numpy())
    assert (table["sigma"] < 1.0).all()
    assert table.attrs == {"used": 8, "dropped": 0}


def test_morris_tells_interactions_by_sigma_and_drops_whole_trajectories() -> None:
    cube = sensitivity.morris_sample(3, 12, 8, 2)
    y = cube[:, 0] * cube[:, 1] + cube[:, 2]
    table = in_order(sensitivity.morris(cube, y, NAMES, 8, 2))
    assert (table["sigma"] > 0.1).tolist() == [True, True, False]
    y[[4 * 3 + 1, 4 * 7]] = np.nan  # in the trajectories 3 and 7
    left = np.ones(12, dtype=bool)
    left[[3, 7]] = False
    rows = np.repeat(left, 4)
    dropped = sensitivity.morris(cube, y, NAMES, 8, 2)
    pd.testing.assert_frame_equal(dropped, sensitivity.morris(cube[rows], y[rows], NAMES, 8, 2))
    assert dropped.attrs == {"used": 10, "dropped": 2}
    y[4 : 4 * 12 : 4] = np.nan
    with pytest.raises(InputError, match="1 trajectories"):
        sensitivity.morris(cube, y, NAMES, 8, 2)
    with pytest.raises(ValueError, match="trajectories of 4"):
        sensitivity.morris(cube[1:], y[1:], NAMES, 8, 2)


def test_sobol_indices_of_ishigami() -> None:
    held = []
    for seed in range(30):
        y = ishigami(sensitivity.saltelli_sample(3, 256, seed))
        table = in_order(sensitivity.sobol(y, NAMES, seed))
        for name, true in (("first", FIRST), ("total", TOTAL)):
            held.append((table[f"{name}_low"] <= true) & (true <= table[f"{name}_high"]))
    assert 0.85 < np.mean(held) <= 1.0
    table = sensitivity.sobol(ishigami(sensitivity.saltelli_sample(3, 4096, 0)), NAMES, 0)
    assert table["factor"].tolist() == ["a", "b", "c"]
    assert table["first"].to_numpy() == pytest.approx(FIRST, abs=0.03)
    assert table["total"].to_numpy() == pytest.approx(TOTAL, abs=0.03)
    again = sensitivity.sobol(ishigami(sensitivity.saltelli_sample(3, 4096, 0)), NAMES, 0)
    pd.testing.assert_frame_equal(table, again)


def test_sobol_drops_whole_blocks() -> None:
    y = ishigami(sensitivity.saltelli_sample(3, 64, 1))
    y[[7, 52]] = np.nan  # in the blocks 1 and 10
    table = sensitivity.sobol(y, NAMES, 1)
    left = np.delete(y.reshape(64, 5), [1, 10], axis=0).ravel()
    pd.testing.assert_frame_equal(table, sensitivity.sobol(left, NAMES, 1))
    assert table.attrs == {"used": 62, "dropped": 2}
    with pytest.raises(InputError, match="4 or more"):
        sensitivity.sobol(left[:15], NAMES, 1)


def test_first_order_indices_from_any_sample() -> None:
    held = []
    for seed in range(30):
        cube = (sensitivity.latin_hypercube, sensitivity.sobol_sequence)[seed % 2](3, 300, seed)
        table = in_order(sensitivity.given_data(cube, ishigami(cube), NAMES, seed))
        held.append((table["first_low"] <= FIRST) & (table["first_high"] >= FIRST))
    assert 0.85 < np.mean(held) <= 1.0
    cube = sensitivity.sobol_sequence(3, 2048, 1)  # RBD-FAST alone is 0.16 off here
    y = ishigami(cube)
    table = sensitivity.given_data(cube, y, NAMES, 1)
    assert in_order(table)["first"].to_numpy() == pytest.approx(FIRST, abs=0.02)
    in_won = np.exp(5.0 * cube)  # only the order counts
    pd.testing.assert_frame_equal(table, sensitivity.given_data(in_won, y, NAMES, 1))
    y[100] = np.nan
    assert sensitivity.given_data(cube, y, NAMES, 1).attrs == {"used": 2047, "dropped": 1}
    assert np.isfinite(sensitivity.given_data(cube[:65], y[:65], NAMES, 1)["first_low"]).all()
    with pytest.raises(InputError, match="65 or more"):
        sensitivity.given_data(cube[:64], y[:64], NAMES, 1)


def test_an_outcome_that_does_not_vary_has_no_indices() -> None:
    constant = np.full(100, 0.3)
    for table in (
        sensitivity.sobol(constant, NAMES, 1),
        sensitivity.given_data(sensitivity.latin_hypercube(3, 100, 1), constant, NAMES, 1),
    ):
        assert table.drop(columns="factor").isna().all(axis=None)
        assert table["factor"].tolist() == NAMES
    assert (
        sensitivity.morris(sensitivity.morris_sample(3, 25, 4, 1), constant, NAMES, 4, 1)["mu_star"] == 0
    ).all()


# -------------------------------------------------------------------------------------------------- discovery


def factors(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    numbers = {f"f{k}": rng.random(n) for k in range(6)}
    return pd.DataFrame(numbers | {"adoption": rng.choice(["slow", "central", "fast"], n)})


def test_a_planted_box_is_found() -> None:
    table = factors(800, 1)
    failed = ((table["f2"] < 0.31) & (table["adoption"] == "fast")).to_numpy()
    (box,) = boxes(table, failed)
    assert box.limits.keys() == {"f2", "adoption"} and box.limits["adoption"] == ("fast",)
    low, high = box.limits["f2"]
    assert low == -math.inf and high == pytest.approx(0.31, abs=0.02)
    assert (box.coverage, box.density, box.density_high) == (1.0, 1.0, 1.0)
    assert box.points == failed.sum() and box.mass == failed.mean()
    assert box.told() == f"f2 below {high:.3g} and adoption is fast"
    assert box.told({"f2": "job creation"}).startswith("job creation below")
    assert quality(table, failed) > 0.95


def test_a_box_among_noise_keeps_its_limits() -> None:
    table = factors(1500, 2)
    inside = (table["f0"] > 0.6) & (table["f0"] < 0.9) & (table["adoption"] != "slow")
    failed = inside.to_numpy() ^ (np.random.default_rng(3).random(1500) < 0.08)
    found = discover(table, failed)
    box = found.boxes[0]
    assert box.limits["adoption"] == ("central", "fast")
    assert box.limits["f0"] == pytest.approx((0.6, 0.9), abs=0.02)
    assert " from 0." in box.told() and "adoption is central or fast" in box.told()
    assert box.density_low < box.density < box.density_high and box.density > 0.85
    held = table["f0"].between(*box.limits["f0"]) & table["adoption"].isin(box.limits["adoption"])
    if len(box.limits) == 2:
        assert held.sum() == box.points and failed[held].sum() / failed.sum() == box.coverage
    assert found == discover(table, failed)
    assert [one.coverage * one.density for one in found.boxes] == sorted(
        (one.coverage * one.density for one in found.boxes), reverse=True
    )


def test_noise_has_no_box() -> None:
    found = [
        discover(factors(400, seed), np.random.default_rng(100 + seed).random(400) < 0.3) for seed in range(8)
    ]
    assert sum(len(one.boxes) for one in found) == 0
    assert np.mean([one.quality for one in found]) == pytest.approx(0.5, abs=0.03)


def test_nothing_to_discover() -> None:
    table = factors(100, 1)
    for failed in (np.zeros(100, dtype=bool), np.ones(100, dtype=bool), np.arange(100) < 4):
        found = discover(table, failed)
        assert found.boxes == [] and math.isnan(found.quality)
    with pytest.raises(ValueError, match="no value"):
        boxes(table.assign(f0=np.nan), np.arange(100) < 50)


# ----------------------------------------------------------------------------------------------------- choice


def test_choice_by_hand() -> None:
    values = np.array(
        [[1.0, 3.0, 3.0], [5.0, 1.0, 0.0], [np.nan, 9.0, 9.0], [2.0, 0.0, 4.0], [4.0, 3.0, 1.0]]
    )
    table = choice(values, ["a", "b", "c"])
    assert table["policy"].tolist() == ["a", "b", "c"]
    assert table["best"].tolist() == [2 / 4, 0.5 / 4, 1.5 / 4]
    assert table["mean"].tolist() == [3.0, 1.75, 2.0]
    assert table["regret"].tolist() == [1.0, 9 / 4, 2.0]
    assert table["regret_most"].tolist() == [2.0, 4.0, 5.0]
    assert table["minimax"].tolist() == [True, False, False]
    assert table.attrs == {"used": 4, "dropped": 1}
    with pytest.raises(InputError):
        choice(np.full((3, 2), np.nan), ["a", "b"])


def test_what_moves_all_policies_alike_takes_no_part() -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 8, (300, 4)).astype(float)
    plain = choice(values, list("abcd"))
    moved = choice(values + rng.integers(-1000, 1000, (300, 1)), list("abcd"))
    compared = ["policy", "best", "best_low", "best_high", "regret", "regret_90", "regret_most", "minimax"]
    pd.testing.assert_frame_equal(plain[compared], moved[compared])
    assert plain["best"].sum() == pytest.approx(1.0)
    assert plain["best"].between(plain["best_low"], plain["best_high"]).all()
    values[:, 2] = 9.0
    best = choice(values, list("abcd")).iloc[2]
    assert (best["best"], best["regret"], best["regret_most"], best["minimax"]) == (1.0, 0.0, 0.0, True)


def test_jeffreys_interval() -> None:
    low, high = jeffreys(np.array([0.0, 5.0, 10.0]), 10)
    assert low[0] == 0.0 and high[2] == 1.0
    assert low + high[::-1] == pytest.approx(np.ones(3))
    hits, share = np.arange(41), np.linspace(0.01, 0.99, 99)[:, None]
    low, high = jeffreys(hits, 40)
    held = (binom.pmf(hits, 40, share) * ((low <= share) & (share <= high))).sum(axis=1)
    assert held.mean() == pytest.approx(0.9, abs=0.01)


# --------------------------------------------------------------------------------------------------- pictures

LONG = "posts created as a hiring subsidy lowers the cost of a job (epsilon)"


def pictured(lang: str) -> dict[str, Callable[[], Figure]]:
    """Every picture, and its hard cases."""
    korean = lang == "ko"
    outcome = "순고용 효과 (마지막 12개월)" if korean else "net effect on people in work, last 12 months"
    names = [f"{LONG} {k}" for k in range(18)]
    cube, slopes = sensitivity.latin_hypercube(18, 400, 1), 1e6 * np.linspace(-1.0, 0.5, 18)
    walks, blocks = sensitivity.morris_sample(18, 6, 8, 1), sensitivity.saltelli_sample(18, 16, 1)
    morris = sensitivity.morris(walks, walks @ slopes, names, 8, 1)
    morris["label"] = "채용장려금의 고용 창출 탄력성" if korean else morris["factor"].str.upper()
    sobol, given = (
        sensitivity.sobol(blocks @ slopes, names, 1),
        sensitivity.given_data(cube, cube @ slopes, names, 1),
    )
    nothing = sensitivity.sobol(np.zeros(100), NAMES, 1)
    policies = choice(cube[:, :3] * [1e6, 8e5, 9e5], names[:3])
    alone = choice(cube[:, :1], ["a"])
    ordered = pd.Categorical.from_codes((cube[:, 1] * 3).astype(int), ["slow", "central", "fast"])
    words = np.array(["slow", "fast"])[(cube[:, 1] * 2).astype(int)]
    x, y, z = cube[:, 0], cube[:, 1], cube @ slopes
    return {
        "bins": lambda: pictures.heat_map(x, y, z, LONG, "b", outcome, "won", lang),
        "choice": lambda: pictures.choice_picture(policies, outcome, "person-months", lang),
        "morris": lambda: pictures.tornado(morris, outcome, "persons", lang=lang),
        "sobol": lambda: pictures.tornado(sobol, outcome, "persons", lang=lang),
        "given": lambda: pictures.tornado(given, outcome, "won", lang=lang),
        "nothing": lambda: pictures.tornado(nothing, outcome, "share", lang=lang),
        "choices": lambda: pictures.heat_map(ordered, words, z * 1e-8, "a", LONG, outcome, "share", lang),
        "one": lambda: pictures.heat_map(words[:1], np.ones(1), z[:1], "a", "b", outcome, "won", lang),
        "few": lambda: pictures.heat_map(x[:12], y[:12], z[:12], "a", "b", outcome, "won", lang),
        "no choice": lambda: pictures.choice_picture(alone, outcome, "won", lang),
    }


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_pictures_are_drawn_the_same_each_time(tmp_path: Path, lang: str) -> None:
    for name, draw in pictured(lang).items():
        files = save(draw(), tmp_path / "one", name)
        if name in ("bins", "choice"):
            again = save(draw(), tmp_path / "two", name)
            assert [file.read_bytes() for file in files] == [file.read_bytes() for file in again]


def test_heat_map_cells() -> None:
    x, y = np.repeat([0.0, 1.0, 2.0], 2), np.tile([10, 20], 3)
    z = np.array([-4.0, 1.0, 2.0, np.nan, 0.5, 3.0])
    ax = pictures.heat_map(x, y, z, "x", "y", "z", "persons").axes[0]
    shown = {(int(t.get_position()[0]), int(t.get_position()[1])): t.get_text() for t in ax.texts}
    assert shown == {(0, 0): "-4", (0, 1): "1", (1, 0): "2", (2, 0): "0.5", (2, 1): "3"}
    assert ax.images[0].get_clim() == (-4.0, 4.0)
    with pytest.raises(InputError, match="no point"):
        pictures.heat_map(x, y, np.full(6, np.nan), "x", "y", "z", "persons")

"""The economy `korea-2022`: Korea as published for 2022, laid over `korea`, for the backtest of 2022 to 2025.

    python calibration/korea_2022.py

Writes the tables of sim/economies/korea-2022 that differ from those of `korea`, from the published figures below (in
thousands) and from the tables of `korea`, which say what nobody published for 2022. Run it again when `korea` changes.
`economy.toml`, `sources.csv` and `targets.csv` of the folder are written by hand.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from sim import economy as economies
from sim.fitting import fit
from sim.population import SECTOR

FOLDER = Path(economies.__file__).parent / "economies" / "korea-2022"
BASE = economies.load("korea")
EXPOSURE = "ilo-2025"  # the measure that growth is purged of: the model's default

# Economically Active Population Survey, annual averages of 2022 by sex: people, employed, unemployed, inactive
STATES = {
    "male": {
        "15-19": (1136, 73, 5, 1057),
        "15-24": (2382, 583, 48, 1751),
        "20-29": (3148, 1823, 134, 1191),
        "30-39": (3586, 3196, 80, 310),
        "40-49": (4112, 3743, 64, 305),
        "50-59": (4308, 3763, 69, 476),
        "60+": (5983, 3330, 96, 2557),
        "15-64": (18327, 14086, 398, 3844),
    },
    "female": {
        "15-19": (1109, 105, 7, 997),
        "15-24": (2594, 851, 61, 1682),
        "20-29": (3175, 1995, 126, 1053),
        "30-39": (3273, 2107, 68, 1098),
        "40-49": (3973, 2570, 65, 1337),
        "50-59": (4274, 2856, 45, 1373),
        "60+": (7184, 2527, 74, 4583),
        "15-64": (17907, 10738, 335, 6834),
    },
}
# People by sex in 2023, 2024 and 2025, the same survey
PEOPLE = {
    "male": {
        "15-19": (1150, 1132, 1134),
        "15-24": (2373, 2279, 2221),
        "20-29": (3057, 2948, 2849),
        "30-39": (3553, 3580, 3632),
        "40-49": (4051, 3984, 3917),
        "50-59": (4311, 4343, 4326),
        "60+": (6240, 6473, 6716),
        "15-64": (18205, 18061, 17909),
    },
    "female": {
        "15-19": (1108, 1101, 1106),
        "15-24": (2515, 2434, 2359),
        "20-29": (3075, 2972, 2864),
        "30-39": (3234, 3223, 3239),
        "40-49": (3912, 3830, 3753),
        "50-59": (4282, 4312, 4295),
        "60+": (7434, 7675, 7931),
        "15-64": (17751, 17557, 17341),
    },
}
# Population projection, medium variant, both sexes, persons: 2022 to 2026
PROJECTION = {
    "15-19": (2287873, 2301077, 2272843, 2267007, 2309228),
    "20-24": (3105237, 2953664, 2838789, 2660295, 2494651),
    "25-29": (3628784, 3594717, 3533643, 3476469, 3392971),
    "30-34": (3390434, 3524540, 3615767, 3670087, 3717056),
    "35-39": (3482511, 3349843, 3297256, 3305481, 3320524),
    "40-44": (4035019, 4066215, 4023556, 3851246, 3679608),
    "45-49": (4061992, 3926944, 3828741, 3865770, 3944572),
    "50-54": (4489552, 4525612, 4459873, 4367799, 4202152),
    "55-59": (4113957, 4070751, 4246026, 4292571, 4384454),
    "60-64": (4148113, 4258205, 4211091, 4155466, 4042638),
    "65-69": (3063850, 3274183, 3509250, 3688605, 3937463),
    "70+": (5917283, 6161645, 6428925, 6825302, 7187553),
}
# Regional Employment Survey, employed by section: first and second half of 2022, of 2025
SECTIONS = {
    "A": (1545, 1641, 1427, 1467),
    "B": (13, 6, 8, 9),
    "C": (4518, 4525, 4397, 4364),
    "D": (76, 84, 89, 102),
    "E": (157, 147, 152, 149),
    "F": (2123, 2139, 1948, 1937),
    "G": (3342, 3272, 3239, 3180),
    "H": (1651, 1635, 1716, 1730),
    "I": (2111, 2249, 2313, 2352),
    "J": (981, 988, 1151, 1128),
    "K": (709, 734, 810, 816),
    "L": (545, 551, 517, 531),
    "M": (1258, 1293, 1516, 1445),
    "N": (1459, 1421, 1346, 1409),
    "O": (1295, 1288, 1369, 1347),
    "P": (1900, 1914, 1925, 1966),
    "Q": (2721, 2826, 3180, 3307),
    "R": (481, 489, 539, 578),
    "S": (1106, 1118, 1153, 1136),
    "T": (73, 80, 77, 76),
    "U": (13, 18, 14, 13),
}
# Economically Active Population Survey, employed by KSCO major group, annual average of 2022
MAJORS = (436, 5880, 4859, 3269, 2681, 1463, 2403, 3039, 4060)
# The same survey, employed by size of the establishment, 2022: 1-4, 5-299, 300 and over
SIZES = (9898, 15193, 2998)
# Unfilled vacancies of establishments with 5 workers and over, second half of 2022 and of 2025, persons
UNFILLED = (153_262, 85_752)
# Firms that use AI: Informatization Statistics 2022 and 2023 (None: not published), and Business Activities Survey
NIA = {"5-29": (0.288, 0.274), "30-99": (0.280, 0.303), "100-299": (0.212, None), "300+": (0.364, None)}
BUSINESS = (0.044, 0.064)

Row = Sequence[object]
ALL_BANDS = list(PROJECTION)


def main() -> int:
    """Write every table."""
    people = population()
    employed = people[:, :, 0]
    write("population", "sex age state", population_rows(people))
    write("projection", "sex age year", projection_rows(people))
    total = employed.sum()
    industry = scaled(industries(), total)
    by_major, cells = occupations(industry, total)
    occupation = by_major.sum(axis=1)
    of_major = BASE.array("occupation_major", "occupation", "major")
    of_major[occupation > 0] = by_major[occupation > 0] / occupation[occupation > 0, None]
    write("industry", "industry", rows_of(("industry",), industry, INDUSTRY))
    write("industry_occupation", "industry major", rows_of(("industry", "major"), cells, CELLS))
    write("occupation", "occupation", rows_of(("occupation",), occupation, OCCUPATION))
    record = ("share", *OCCUPATION[1:])
    write("occupation_major", "occupation major", rows_of(("occupation", "major"), of_major, record, 6))
    learned = BASE.array("education_age", "age", "education", state="employed")
    for table, dim, heads in (
        ("occupation_age", "age5", by_age5(employed)),
        ("occupation_sex", "sex", employed.sum(axis=1)),
        ("occupation_education", "education", employed.sum(axis=0) @ learned),
    ):
        shares = BASE.array(table, "occupation", dim)
        held = occupation > 0.0
        fitted = fit(shares * occupation[:, None], [((0,), occupation), ((1,), heads)], 1e-9, 200)
        shares[held] = fitted[held] / fitted[held].sum(axis=1, keepdims=True)
        note = f"shares of korea, fitted to employed by {dim} and by occupation 2022"
        if dim == "education":
            note += "; education by age as in korea (2025): later structure"
        record = ("share", "eaps-2025;res-2024h1;isco-crosswalk", "derived", note)
        write(table, f"occupation {dim}", rows_of(("occupation", dim), shares, record, 6))
    write("region_state", "region state", region_rows(people))
    write("region_sector", "region sector", sector_rows(people, industry))
    write_contracts_and_sizes(total)
    write("flows", "item", flow_rows())
    write("flows_age", "age flow", flows_by_age(people))
    write("adoption", "series size year", adoption_rows())
    write("growth", "dimension code", growth_rows(industry, cells, by_major))
    print(f"wrote {FOLDER.name}: {len(economies.check(FOLDER))} mistakes")
    return 0


# ------------------------------------------------------------------------------------------------ people

SURVEY = "eaps-2025"
SPLIT = "eaps-2025;projection-medium"
INDUSTRY = (
    "persons",
    "res-sections;eaps-2025",
    "derived",
    "table of korea (2025) x section 2022 over 2025 in the Regional Employment Survey, means of halves; scaled to the "
    "annual total",
)
CELLS = (
    "persons",
    "res-sections;eaps-occupation-2025;res-2025h2",
    "derived",
    "cells of korea (2025) fitted to sections and major groups of 2022: later structure",
)
OCCUPATION = (
    "persons",
    "eaps-occupation-2025;res-2024h1;isco-crosswalk",
    "derived",
    "table of korea (2025) x major group 2022 over 2025; the mix within a major group is of 2024: later structure",
)


def exact(sex: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Bands that differences of published ones give, and those left to split."""
    p = {band: np.array(row, np.float64) for band, row in sex.items()}
    below_60 = p["15-19"] + p["20-29"] + p["30-39"] + p["40-49"] + p["50-59"]
    return {
        "15-19": p["15-19"],
        "20-24": p["15-24"] - p["15-19"],
        "25-29": p["20-29"] - (p["15-24"] - p["15-19"]),
        "30-39": p["30-39"],
        "40-49": p["40-49"],
        "50-59": p["50-59"],
        "60-64": p["15-64"] - below_60,
        "65+": p["60+"] - (p["15-64"] - below_60),
    }


HALVES = {
    "30-39": ("30-34", "35-39"),
    "40-49": ("40-44", "45-49"),
    "50-59": ("50-54", "55-59"),
    "65+": ("65-69", "70+"),
}


def population() -> np.ndarray:
    """People of 2022 (sexes, ages, states): published by ten years, split in two by the projection's ages and the
    rates of korea by five years."""
    later = BASE.array("population", "sex", "age", "state")
    out = np.zeros((2, len(ALL_BANDS), 3))
    for s, sex in enumerate(STATES):
        for band, (_, *states) in exact(STATES[sex]).items():
            if band not in HALVES:
                out[s, ALL_BANDS.index(band)] = states
                continue
            at = [ALL_BANDS.index(half) for half in HALVES[band]]
            ages = np.array([PROJECTION[half][0] for half in HALVES[band]], np.float64)
            ages *= sum(states) / ages.sum()
            seed = later[s, at] / later[s, at].sum(axis=1, keepdims=True) * ages[:, None]
            out[s, at] = fit(seed, [((0,), ages), ((1,), np.array(states))], 1e-12, 500)
    return out * 1000.0


def population_rows(people: np.ndarray) -> Iterable[Row]:
    for (s, a, k), heads in np.ndenumerate(people):
        band = ALL_BANDS[a]
        split = not any(band == one for one in ("15-19", "20-24", "25-29", "60-64"))
        note = (
            "published by ten years of age; split by the ages of the projection and the rates of korea (2025)"
            if split
            else "published, or the difference of two published ages, in thousands"
        )
        place = (BASE.codes["sex"][s], band, BASE.codes["state"][k])
        yield (*place, round(heads), "persons", 2022, SPLIT if split else SURVEY, "derived", note)


def projection_rows(people: np.ndarray) -> Iterable[Row]:
    """People by sex and age, 2022 to 2026."""
    path = np.zeros((2, len(ALL_BANDS), 5))
    for s, sex in enumerate(PEOPLE):
        path[s, :, 0] = people[s].sum(axis=1)
        for band, heads in exact(PEOPLE[sex]).items():
            halves = HALVES.get(band, (band,))
            ages = np.array([PROJECTION[half][1:4] for half in halves], np.float64)
            at = [ALL_BANDS.index(half) for half in halves]
            path[s, at, 1:4] = ages / ages.sum(axis=0) * heads * 1000.0
    growth = np.array([PROJECTION[band][4] / PROJECTION[band][3] for band in ALL_BANDS])
    path[:, :, 4] = path[:, :, 3] * growth
    for (s, a, y), heads in np.ndenumerate(path):
        note = "survey, annual average; five-year ages by the medium projection"
        if y == 4:
            note = "2025 x growth of the age in the medium projection, both sexes"
        place = (BASE.codes["sex"][s], ALL_BANDS[a], 2022 + y)
        yield (*place, round(heads), "persons", "eaps-series;projection-medium", "derived", note)


def by_age5(employed: np.ndarray) -> np.ndarray:
    """Employed by the five wide bands."""
    bands = (slice(0, 3), slice(3, 5), slice(5, 7), slice(7, 9), slice(9, None))
    return np.array([employed[:, band].sum() for band in bands])


def region_rows(people: np.ndarray) -> Iterable[Row]:
    later = BASE.array("region_state", "region", "state")
    note = "provinces of korea (2025), scaled to the national state of 2022: later structure"
    record = ("persons", "eaps-region-2025;eaps-2025", "derived", note)
    return rows_of(("region", "state"), later / later.sum(axis=0) * people.sum(axis=(0, 1)), record)


def sector_rows(people: np.ndarray, industry: np.ndarray) -> Iterable[Row]:
    region = BASE.array("region_state", "region", "state")[:, 0]
    sector = np.array([industry[k == SECTOR].sum() for k in range(3)])
    margins = [((0,), scaled(region, people[:, :, 0].sum())), ((1,), sector)]
    cells = fit(BASE.array("region_sector", "region", "sector"), margins, 1e-9, 500)
    note = "cells of korea (2025) fitted to provinces and sections of 2022: later structure"
    return rows_of(("region", "sector"), cells, ("persons", "eaps-region-sector-2025", "derived", note))


# -------------------------------------------------------------------------------------------------- jobs


def industries() -> np.ndarray:
    """Employed by section: the table of 2025 by the survey's growth backwards."""
    halves = np.array([SECTIONS[code] for code in BASE.codes["industry"]], np.float64)
    return BASE.array("industry", "industry") * halves[:, :2].sum(axis=1) / halves[:, 2:].sum(axis=1)


def occupations(industry: np.ndarray, total: float) -> tuple[np.ndarray, np.ndarray]:
    """Employed by occupation and major group, and by section and major group, of 2022."""
    of_major = BASE.array("occupation_major", "occupation", "major")
    later = BASE.array("occupation", "occupation")[:, None] * of_major
    major = scaled(np.array(MAJORS, np.float64), total)
    cells = BASE.array("industry_occupation", "industry", "major")
    return later * (major / later.sum(axis=0)), fit(cells, [((0,), industry), ((1,), major)], 1e-9, 500)


def write_contracts_and_sizes(total: float) -> None:
    later = BASE.array("contract", "contract")
    contract = scaled(later, total)
    note = "shares of korea (2025), scaled to the employed of 2022: later structure"
    record = ("persons", "eaps-nonwage-2025-08;eaps-2025", "derived", note)
    write("contract", "contract", rows_of(("contract",), contract, record))
    size = BASE.array("size", "size")
    middle = size[1:4] / size[1:4].sum() * SIZES[1]
    new = scaled(np.array([SIZES[0], *middle, SIZES[2]]), total)
    note = "published for 1-4, 5-299 and 300+; 5-299 split as in korea (2025)"
    write(
        "size",
        "size",
        rows_of(("size",), new, ("persons", "eaps-size-2022;eaps-size-2025-05", "derived", note)),
    )
    staff = scaled(BASE.array("size_employees", "size") / size * new, contract[:3].sum())
    note = "size of 2022 x employees over employed of the size in korea (2025); scaled to employees"
    record = ("persons", "eaps-size-2022;eaps-size-2025-05", "derived", note)
    write("size_employees", "size", rows_of(("size",), staff, record))


# ------------------------------------------------------------------------------------------------- flows


def flow_rows() -> Iterable[Row]:
    """The table of korea with the vacancies of 2022: no later flow is known to differ."""
    vacancies = BASE.value("flows", "vacancies") * UNFILLED[0] / UNFILLED[1]
    for row in BASE.tables["flows"].rows:
        if row[0] == "vacancies":
            note = (
                "the table of korea (November 2025) x unfilled vacancies of establishments with 5+ workers, "
                "second half of 2022 over that of 2025"
            )
            yield (
                "vacancies",
                round(vacancies),
                "persons",
                2022,
                "els-2025-11;unfilled-5plus",
                "derived",
                note,
            )
        else:
            yield row


def flows_by_age(people: np.ndarray) -> Iterable[Row]:
    """Monthly rates by age that keep the stocks of 2022 as those of korea keep the stocks of 2025: the same moves a
    head of the age's population, over the state they leave."""
    now, later = people.sum(axis=0), BASE.array("population", "sex", "age", "state").sum(axis=0)
    share = (later / later.sum(axis=1, keepdims=True)) / (now / now.sum(axis=1, keepdims=True))
    note = "korea (2025): moves a head of the age's population kept, over the state left in 2022"
    for flow in BASE.codes["flow"]:
        rates = BASE.array("flows_age", "age", flow=flow) * share[:, "eun".index(flow[0])]
        for band, rate in zip(BASE.codes["age"], rates, strict=True):
            yield (band, flow, f"{min(rate, 1.0):.6f}", "share a month", 2022, "eaps-2025", "derived", note)


def adoption_rows() -> Iterable[Row]:
    """Adopters by series and size, 2022 to 2026: what was observed, and the paths of korea from 2024 on."""
    for series in BASE.codes["series"]:
        for s, size in enumerate(BASE.codes["size"]):
            for year in range(2022, 2027):
                if year >= 2024:
                    value = BASE.array("adoption", "size", series=series, year=year)[s]
                    record = ("", "assumption", "the path of korea")
                else:
                    value, *record = observed(series, size, year)  # type: ignore[assignment]
                yield (series, size, year, f"{value:.5f}", "share of establishments", *record)


def observed(series: str, size: str, year: int) -> tuple[float, str, str, str]:
    """Adopters before 2024: share, source, kind, note."""
    first = float(BASE.array("adoption", "size", series=series, year=2024)[BASE.codes["size"].index(size)])
    if series == "high":
        if size == "1-4":
            value = 0.5 * (NIA["30-99"][year - 2022] or 0.0)
            return (
                value,
                "nia-2022",
                "derived",
                "half the share of all firms with 10 staff and over, as in korea",
            )
        value = NIA[size][year - 2022]
        if value is not None:
            return (
                value,
                "nia-2022",
                "published",
                "Korea: 10-49, all of 10+, 50-249 and 250+ staff for the sizes",
            )
        middle = (logit(NIA[size][0] or 0.0) + logit(first)) / 2.0
        return expit(middle), "nia-2022;nia-2024", "derived", "between 2022 and 2024, logit"
    if series == "central":
        note = "back from 2024 on the logit path of korea, 0.25 a year (OECD 2020-2024)"
        return expit(logit(first) - 0.25 * (2024 - year)), "oecd-2024", "derived", note
    step = 0.17 + (logit(BUSINESS[1]) - logit(BUSINESS[0])) * (2023 - year)
    note = "back from 2024: 0.17 a year to 2023, then the published step from 4.4 to 6.4% of firms with 50+ staff"
    return expit(logit(first) - step), "business-2023", "derived", note


# ------------------------------------------------------------------------------------------------ growth


def growth_rows(industry: np.ndarray, cells: np.ndarray, by_major: np.ndarray) -> Iterable[Row]:
    """Annual growth of employment by section, 2022 to 2025, purged of exposure, and the provinces of korea."""
    halves = np.array([SECTIONS[code] for code in BASE.codes["industry"]], np.float64)
    rate = (halves[:, 2:].sum(axis=1) / halves[:, :2].sum(axis=1)) ** (1.0 / 3.0) - 1.0
    slope, purged = purge(rate, exposure_by_industry(cells, by_major), industry)
    note = (
        "survey growth of employment 2022-2025, means of halves, less its slope on the section's mean exposure "
        f"({EXPOSURE}, ranks of employment), employed of 2022 as weights: {slope:+.4f} a year a unit of exposure; "
        "as published {:+.5f}"
    )
    for code, value, published in zip(BASE.codes["industry"], purged, rate, strict=True):
        source = ("res-sections", "derived", note.format(published))
        yield ("industry", code, f"{value:.5f}", "share a year", 2022, *source)
    for row in BASE.tables["growth"].rows:
        if row[0] == "region":
            yield row


def exposure_by_industry(cells: np.ndarray, by_major: np.ndarray) -> np.ndarray:
    """Mean exposure of each section's employed, in ranks of employment (0 to 1)."""
    scores, held = BASE.array("exposure", "occupation", measure=EXPOSURE), by_major.sum(axis=1)
    order = np.argsort(scores, kind="stable")
    rank = np.empty(held.size)
    rank[order] = (np.cumsum(held[order]) - 0.5 * held[order]) / held.sum()
    mean = rank @ (by_major / by_major.sum(axis=0))
    return np.asarray((cells * mean).sum(axis=1) / cells.sum(axis=1))


def purge(rate: np.ndarray, exposure: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
    """The weighted slope of a rate on exposure, and the rate without it: same weighted mean, no correlation."""
    away = exposure - np.average(exposure, weights=weight)
    slope = float((weight * away * rate).sum() / (weight * away**2).sum())
    return slope, rate - slope * away


# --------------------------------------------------------------------------------------------- small parts


def scaled(values: np.ndarray, total: float) -> np.ndarray:
    return np.asarray(values / values.sum() * total)


def logit(p: float) -> float:
    return float(np.log(p / (1.0 - p)))


def expit(x: float) -> float:
    return float(1.0 / (1.0 + np.exp(-x)))


def rows_of(
    dims: Sequence[str], values: np.ndarray, record: tuple[str, str, str, str], digits: int = 0
) -> Iterable[Row]:
    """Rows of a table of arrays: codes, value, then unit, year, source, kind and note."""
    unit, *rest = record
    for at, value in np.ndenumerate(values):
        codes = [BASE.codes[dim][n] for dim, n in zip(dims, at, strict=True)]
        yield (*codes, f"{value:.{digits}f}", unit, 2022, *rest)


def write(name: str, keys: str, rows: Iterable[Row]) -> None:
    columns = [column for column in ("unit", "year", "source", "kind", "note") if column not in keys.split()]
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*keys.split(), "value", *columns])
        table.writerows(rows)


if __name__ == "__main__":
    raise SystemExit(main())

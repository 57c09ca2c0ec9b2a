"""Employers and their posts: one row an employer, one row an (employer, occupation) pair of posts.

Births and closures keep the row: a closed employer leaves its row to the next one born with the same region,
industry, size and posts, so that rows stay identities shared by all scenarios.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

import mesa
import numpy as np

from sim.kernels import columns_of

if TYPE_CHECKING:
    from sim.model import LaborMarket

# stages of the SME package's funnel
NOT_REACHED, DISCOVERED, DIAGNOSED, TRAINING, DONE = 0, 1, 2, 3, 4
FUNNEL = ("not reached", "discovered", "diagnosed", "training", "done")

EMPLOYER_COLUMNS: tuple[tuple[str, Any, str], ...] = (
    ("region", np.uint8, "province"),
    ("industry", np.uint8, "KSIC section"),
    ("size", np.uint8, "size class"),
    ("open", np.uint8, "1 when in business"),
    ("posts_from", np.int32, "first row of its posts"),
    ("posts_to", np.int32, "one past the last row of its posts"),
    ("intensity", np.float32, "AI adoption intensity A in [0, 1]; 0 = no adoption"),
    ("productivity", np.float32, "relative productivity, log"),
    ("shock", np.float32, "log demand shock (AR(1))"),
    ("unit_cost", np.float32, "unit cost relative to the start"),
    ("lever", np.float32, "proportional rise in the adoption hazard, from programmes"),
    ("staff_skill", np.float32, "mean AI skill of the staff"),
    ("staff_use", np.float32, "mean of use times novelty of the staff"),
    ("funnel", np.uint8, "stage in the SME package"),
    ("hired_trainee", np.uint8, "1 when it has hired someone who took part in a programme"),
)
EmployerColumns = namedtuple("EmployerColumns", [name for name, _, _ in EMPLOYER_COLUMNS])  # type: ignore[misc]

POST_COLUMNS: tuple[tuple[str, Any, str], ...] = (
    ("employer", np.int32, "row of the employer"),
    ("occupation", np.uint8, "occupation"),
    ("base", np.float32, "posts wanted at the start"),
    ("rounding", np.float32, "what is added before rounding down, drawn once"),
    ("base_labour", np.float32, "unit labour requirement at the start"),
    ("wage_share", np.float32, "share in the employer's wage bill"),
    ("held", np.int32, "posts held"),
    ("wanted", np.int32, "posts wanted"),
    ("vacant", np.int32, "posts open"),
    (
        "flags",
        np.uint8,
        "bits: 1 closing, 2 restructuring, 4 laying off, 8 in the SME package's training, 16 adopter",
    ),
)
PostColumns = namedtuple("PostColumns", [name for name, _, _ in POST_COLUMNS])  # type: ignore[misc]

# an advertised vacancy: log pay of the post itself, row of posts, AI intensity of the employer, occupation, size class
# of the employer (a record has a `size` of its own), and whether it asks for AI skill
ADVERT = np.dtype(
    [
        ("pay", np.float32),
        ("post", np.int32),
        ("intensity", np.float32),
        ("occupation", np.uint8),
        ("size_class", np.uint8),
        ("asks", np.uint8),
    ],
    align=True,
)

CLOSING, RESTRUCTURING, LAYING_OFF, IN_TRAINING, ADOPTER = (np.uint8(1 << n) for n in range(5))


def new_employers(rows: int) -> Any:
    """Empty employer columns."""
    return EmployerColumns(*columns_of([field[:2] for field in EMPLOYER_COLUMNS], rows))


def new_posts(rows: int) -> Any:
    """Empty post columns; `flags` has a last entry more, which stays 0 and is where the job -1 of people without an
    employer points."""
    columns = PostColumns(*columns_of([field[:2] for field in POST_COLUMNS], rows + 1))
    return PostColumns(
        *(column if name == "flags" else column[:-1] for name, column in columns._asdict().items())
    )


STRETCH = 1 << 14  # employers a kernel call takes; fixed, like the chunks of workers


class Employer(mesa.Agent):  # type: ignore[misc]
    """A view of one employer's row, made when asked for; not registered with Mesa."""

    def __init__(self, model: LaborMarket, row: int) -> None:
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "unique_id", int(row))
        object.__setattr__(self, "pos", None)

    def __getattr__(self, name: str) -> Any:
        if name in EmployerColumns._fields:
            return getattr(self.model.employers, name)[self.unique_id]
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in EmployerColumns._fields:
            raise AttributeError(f"an employer has no column {name!r}")
        getattr(self.model.employers, name)[self.unique_id] = value

    @property
    def posts(self) -> slice:
        """Rows of its posts."""
        return slice(int(self.posts_from), int(self.posts_to))

    @property
    def headcount(self) -> int:
        """People employed here now."""
        return int(self.model.posts.held[self.posts].sum())

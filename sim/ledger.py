"""Every won, booked once: whole won by programme, budget year and account.

budget = course + fixed + unspent holds to the won for every programme and year. A year's remainder too small for one
agent (who stands for many people) may be used in the next year, so that no programme is lost to rounding; what is
used then counts against the later year's unspent. Allowances are entitlements paid on top of a programme's own line
and are booked in the year they are paid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

ACCOUNTS = ("budget", "course", "fixed", "allowance", "persons")


class Ledger:
    """Accounts of whole won (int64), arrays of shape (accounts, programmes, years)."""

    def __init__(
        self, programmes: Sequence[str], money: Mapping[str, Mapping[int, int]], years: Sequence[int]
    ) -> None:
        self.programmes, self.years = list(programmes), list(years)
        self.books = np.zeros((len(ACCOUNTS), len(self.programmes), len(self.years)), dtype=np.int64)
        self.brought = np.zeros((len(self.programmes), len(self.years)), dtype=np.int64)
        for p, name in enumerate(self.programmes):
            for y, year in enumerate(self.years):
                self.books[0, p, y] = int(money.get(name, {}).get(year, 0))

    def budget(self, programme: int, year: int) -> int:
        """Money of a programme in a year, won."""
        return int(self.books[0, programme, year])

    def left(self, programme: int, year: int) -> int:
        """Money of the year, with the remainder brought from the year before, not yet spent, won."""
        spent = self.books[1:3, programme, year].sum()
        return int(self.books[0, programme, year] + self.brought[programme, year] - spent)

    def bring_forward(self, programme: int, year: int, agent_cost: int) -> None:
        """Bring into `year` what the year before left that is less than the cost of one agent."""
        if year > 0 and self.budget(programme, year) > 0 and agent_cost > 0:
            self.brought[programme, year] = max(0, self.left(programme, year - 1)) % agent_cost

    def spend(self, account: str, programme: int, year: int, won: int, persons: int = 0) -> None:
        """Book `won` (>= 0). ValueError when it is negative or more than the line has left."""
        if won < 0:
            raise ValueError(f"cannot spend a negative amount ({won:,} won) on {self.programmes[programme]}")
        if account != "allowance" and won > self.left(programme, year):
            raise ValueError(
                f"{self.programmes[programme]} would spend {won:,} won of {self.left(programme, year):,}"
            )
        self.books[ACCOUNTS.index(account), programme, year] += won
        self.books[ACCOUNTS.index("persons"), programme, year] += persons

    @property
    def unspent(self) -> np.ndarray:
        """Budget less courses and fixed cost (programmes, years)."""
        return np.asarray(self.books[0] - self.books[1] - self.books[2])

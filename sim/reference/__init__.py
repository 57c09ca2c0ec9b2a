"""The oracle: the same month as :mod:`sim.model`, written a second time with one plain Mesa agent a person.

Nothing here is fast and nothing is shared with the compiled loops but the inputs: the population at the start, the
tables, the parameters, the programme records, the ledger and the three grids behind exp, log and the normal quantile.
Random numbers, rules and bookkeeping are written anew, from the model description, so that one mistake has to be made
twice to go unseen. Numbers are stored as narrow as the columns store them (`single`), so equality is bit for bit.

    market = LaborMarket(scenario, spin_up=False)
    oracle = ReferenceMarket(market)
    oracle.step(); market.step()
    differences(market, oracle)  # [] when every person, post, employer, course and won agrees
"""

from sim.reference.agreement import differences
from sim.reference.market import ReferenceMarket

__all__ = ["ReferenceMarket", "differences"]

"""The month: nine phases in order, one module each with one public function that takes the model.

The eighth, learn, works on a block of workers and is called by the ninth, so that both are one pass over everyone.
"""

from sim.phases.adopt import adopt
from sim.phases.age import age
from sim.phases.match import match
from sim.phases.post import post
from sim.phases.produce import produce
from sim.phases.search import search
from sim.phases.separate import separate
from sim.phases.train import train

PHASES = (age, adopt, separate, post, train, search, match, produce)

__all__ = ["PHASES", "adopt", "age", "match", "post", "produce", "search", "separate", "train"]

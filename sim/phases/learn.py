"""Phase 8, learn: AI skill grows by use at an adopting employer; what a course taught fades where it is not used;
tenure and records go on.

Each rule is a loop over one block of a few columns, cut out of the whole (`column[start:end]`): only then does the
compiler know that no index is negative, and vectorises. The month's last pass over everyone (`produce`) calls `learn`
for a block before it adds the block up.
"""

from __future__ import annotations

import numpy as np

from sim.employers import ADOPTER
from sim.kernels import device, logistic_
from sim.phases.reach import AT_ADOPTER
from sim.workers import ABSENT, EMPLOYED, HELD12, INSURED, OWN_ACCOUNT, TENURE_PAY_MONTHS, TRAINED

WINDOW = np.uint32((1 << 18) - 1)  # the last 18 months
MONTHS_AT = np.uint32(18)  # above them: insured months in all
MOST_INSURED = np.uint32(16383)
LONGEST, YEAR = np.uint16(65535), np.uint16(12)


@device
def learn(start, end, w, e, posts, tb, pm, clock, reached, desk):
    """Workers start to end: AI skill, tenure pay, insurance record, spell and experience. Left on the desk: how much
    each used AI at work (`used`), and a list of those who may have (`waiting`), whose length is returned."""
    state, skill, contract = w.state[start:end], w.skill[start:end], w.contract[start:end]
    spell, tags = w.spell[start:end], w.tags[start:end]
    job, occupation = w.job[start:end], w.occupation[start:end]
    users = _use(state, job, occupation, skill, e, posts, tb, pm, reached[start:end], desk)
    _forget(state, tags, skill, pm, desk.ids)
    _raise(contract, spell, w.wage[start:end], pm.tenure_wage, tb.minimum_wage[clock.year_index])
    _insure(state, contract, tags, w.insured[start:end])
    _stay(state, spell, w.experience[start:end], tags)
    return users


@device
def _use(state, job, occupation, skill, e, posts, tb, pm, bits, desk):
    """Use of AI at work (the employer's intensity x the occupation's exposure x use(skill)), and the skill it adds."""
    slope, midpoint, learning = pm.use_slope, pm.use_midpoint, pm.learning_by_use
    users, used = desk.waiting, desk.used
    n = np.uint64(0)
    for j in range(job.size):
        users[n] = j
        n += np.uint64((bits[j] & AT_ADOPTER) != 0)
    for q in range(np.int64(n)):
        u = np.uint64(users[q])
        used[u] = 0.0
        if (posts.flags[job[u]] & ADOPTER) != 0:
            intensity, a = float(e.intensity[posts.employer[np.uint64(job[u])]]), float(skill[u])
            used[u] = intensity * tb.exposure[np.uint64(occupation[u])] * logistic_(slope * (a - midpoint))
            skill[u] = min(1.0, a + learning * used[u] * (1.0 - a)) if state[u] != ABSENT else a
    return np.int64(n)


@device
def _forget(state, tags, skill, pm, trained):
    """What was taught fades in those who do not use it: at the rate of decay, less the chance of regular use at their
    skill. What people taught themselves is what they use."""
    n = np.uint64(0)
    for j in range(state.size):
        trained[n] = j
        n += np.uint64((tags[j] & TRAINED) != 0)
    for q in range(np.int64(n)):
        u = np.uint64(trained[q])
        a = float(skill[u])
        idle = 1.0 - logistic_(pm.use_slope * (a - pm.use_midpoint))
        skill[u] = a - pm.skill_decay * idle * a if state[u] != ABSENT else a


@device
def _raise(contract, spell, wage, tenure_wage, lowest):
    """Pay rises with tenure, for five years, and nobody is paid below the minimum."""
    for j in range(contract.size):
        employee = contract[j] < OWN_ACCOUNT
        paid = float(wage[j])
        rises = employee and spell[j] < TENURE_PAY_MONTHS
        risen = float(np.float32(paid + (tenure_wage if rises else 0.0)))
        wage[j] = max(risen, lowest) if employee else paid


@device
def _insure(state, contract, tags, insured):
    for j in range(state.size):
        covered = np.uint32((contract[j] < OWN_ACCOUNT) & ((tags[j] & INSURED) != 0))
        record = insured[j]
        months = np.uint32(record >> MONTHS_AT)
        months = np.uint32(months + (covered if months < MOST_INSURED else np.uint32(0)))
        shifted = np.uint32(np.uint32(record << np.uint32(1)) | covered) & WINDOW
        insured[j] = np.uint32(np.uint32(months << MONTHS_AT) | shifted) if state[j] != ABSENT else record


@device
def _stay(state, spell, experience, tags):
    for j in range(state.size):
        lives, works = state[j] != ABSENT, state[j] == EMPLOYED
        months = np.uint16(spell[j] + np.uint16(lives & (spell[j] < LONGEST)))
        spell[j] = months
        experience[j] = np.uint16(experience[j] + np.uint16(works & (experience[j] < LONGEST)))
        tags[j] |= np.uint8(works & (months >= YEAR)) * HELD12

"""Changes of a ledger by somebody without its key: `audit verify` finds each, with the last head held elsewhere.

A thousand here; `make tamper`, which CI runs too, makes ten thousand.
"""

from evals.forging import KINDS, NEED_A_HELD_HEAD
from evals.tamper import trial

CHANGES = 1000


def test_changes_are_all_found() -> None:
    """What only a held head shows must not be found without one: else the trial would find what is not there."""
    tally = trial(CHANGES)
    assert sum(tally.made.values()) >= CHANGES and set(tally.made) == {kind.__name__ for kind in (*KINDS, *NEED_A_HELD_HEAD)}
    assert {name: made - tally.found[name] for name, made in tally.made.items() if made != tally.found[name]} == {}
    assert {name: found for name, (_, found) in tally.without.items()} == {kind.__name__: 0 for kind in NEED_A_HELD_HEAD}

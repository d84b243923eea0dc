"""What the processes on one database tell each other: a log that grew, a run that may start, a run that is asked to stop, a
verdict on an execution.

It is told off the path of writes, after the transaction that it tells of. A notice is a hint to look at the rows; one that is lost
costs a second, for everyone also looks every so often (`worker.py`). On PostgreSQL it goes over a `Wire` (`wire.py`); where one
process serves alone (SQLite) there is nobody to tell.
"""

from collections.abc import Callable
from typing import Literal, Protocol

Kind = Literal["log", "run", "stop", "wake"]
Hear = Callable[[Kind, str], None]


class News(Protocol):
    """How to tell the others. `log`: a thread's id; `run`: ""; `stop`: a run's id; `wake`: an execution's id."""

    def tell(self, kind: Kind, id: str = "") -> None: ...


class Silence:
    """No other process listens."""

    def tell(self, kind: Kind, id: str = "") -> None:
        """Nothing is told."""

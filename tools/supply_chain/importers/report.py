"""What an import says of itself: rows read, kept and rejected, with the reason and a place to look."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

Progress = Callable[[int, int], None]  # lines done, lines in the file


def quiet(done: int, total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Rejection:
    """Rows left out for one reason, and the first of them."""

    reason: str
    count: int
    example: str


@dataclass(frozen=True)
class ImportReport:
    """How an import ended. `read` = `kept` + `rejected`; `notes` are what a reader of the data should know."""

    source: str
    path: str
    sha256: str
    read: int
    kept: int
    rejected: int
    rejections: tuple[Rejection, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class Tally:
    """The running count behind a report."""

    read: int = 0
    kept: int = 0
    notes: list[str] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _examples: dict[str, str] = field(default_factory=dict)

    def reject(self, line: int, reason: str, value: str) -> None:
        self._counts[reason] += 1
        self._examples.setdefault(reason, f"line {line}: {value!r}")

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    @property
    def rejected(self) -> int:
        return self._counts.total()

    def rejections(self) -> tuple[Rejection, ...]:
        """Most frequent first."""
        return tuple(Rejection(reason, count, self._examples[reason]) for reason, count in self._counts.most_common())

    def report(self, source: str, path: str, sha256: str) -> ImportReport:
        return ImportReport(source, path, sha256, self.read, self.kept, self.rejected, self.rejections(), tuple(self.notes))

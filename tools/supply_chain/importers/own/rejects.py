"""The rows that an import leaves out, as a CSV file for the person who has to mend them."""

import csv
import shutil
import tempfile
from pathlib import Path

HEADER = ("row", "column", "value", "reason")
_ACTIVE = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet program would run as a formula


class Rejects:
    """Collects rejected rows beside the import; `save` puts them in place once the import is certain."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by close()
            max_size=1 << 20, mode="w+", encoding="utf-8-sig", newline=""
        )
        self._writer = csv.writer(self._file)
        self._writer.writerow(HEADER)
        self.count = 0

    def add(self, row: int, column: str, value: str, reason: str) -> None:
        self._writer.writerow([row, _still(column), _still(value), reason])
        self.count += 1

    def save(self, path: Path) -> None:
        """Write the file, also over an older one; without any rejected row the older one goes."""
        if not self.count:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file.seek(0)
        with path.open("w", encoding="utf-8-sig", newline="") as target:
            shutil.copyfileobj(self._file, target)

    def close(self) -> None:
        self._file.close()


def _still(text: str) -> str:
    """Text that stays text in a spreadsheet program."""
    return f"'{text}" if text.startswith(_ACTIVE) else text

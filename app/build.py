"""Which build of the page this service serves: a page that was loaded from another one is told to reload. Told by `/info`."""

import hashlib
from pathlib import Path

STATIC = Path(__file__).parent / "static"


def build_of(folder: Path) -> str:
    """16 hex digits; empty where there is no build. The entry page names every other file by its content."""
    entry = folder / "index.html"
    return hashlib.sha256(entry.read_bytes()).hexdigest()[:16] if entry.is_file() else ""

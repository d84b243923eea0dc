"""How a status looks: one word, one symbol and one colour for each, the same in terminal, drawings and pages."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """`style` is the terminal's; `hue` a colour that reads on light and dark ground. Word and symbol say it without colour."""

    symbol: str
    word: str
    style: str
    hue: str


LOOKS: dict[str, Look] = {
    "pending": Look("○", "to do", "dim", "#7b8794"),
    "ready": Look("○", "ready", "dim", "#7b8794"),
    "running": Look("▶", "running", "bold blue", "#2f80c9"),
    "waiting_approval": Look("◆", "needs you", "bold yellow", "#b8860b"),
    "waiting_external": Look("◇", "waiting", "yellow", "#b8860b"),
    "succeeded": Look("✓", "done", "green", "#2e8b6b"),
    "failed": Look("✗", "failed", "bold red", "#d0503f"),
    "skipped": Look("–", "skipped", "dim", "#7b8794"),
    "cancelled": Look("■", "stopped", "dim", "#7b8794"),
    "superseded": Look("↷", "replaced", "dim", "#7b8794"),
    "compensated": Look("↶", "undone", "magenta", "#9b59b6"),
}


def look(status: str) -> Look:
    """The look of a status; an unknown one shows its own name."""
    return LOOKS.get(status, Look("?", status, "", "#7b8794"))

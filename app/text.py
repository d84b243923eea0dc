"""Text as people see it: hidden characters revealed, long text shortened. Used by every renderer and prompt."""

import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_BLANK = {"\u115f", "\u1160", "\u2800", "\u3164", "\uffa0"}  # letters that show nothing


def hidden(char: str) -> bool:
    """Is this a character that shows nothing, or changes how its neighbours show? Newline and tab are not."""
    if char in "\n\t":
        return False
    selector = "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
    return unicodedata.category(char) in _HIDDEN or char in _BLANK or selector


def reveal(text: str) -> str:
    """`text` with bidirectional, zero-width and control characters written out, such as ‹U+202E›.

    What an approver reads is then what is sent, and no text can move the cursor or recolour a terminal.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"‹U+{ord(char):04X}›" if hidden(char) else char for char in text)


def shorten(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, cut at the end."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + "…"


def seconds(value: float | None) -> str:
    """A duration: `0.4 s`, `12 s`, `3 min 05 s`."""
    if value is None:
        return ""
    if value < 10:
        return f"{value:.1f} s"
    if value < 60:
        return f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s"


def code_points(chars: str) -> str:
    """The distinct characters of `chars` by code point, for messages: `U+0007, U+001B`."""
    return ", ".join(f"U+{ord(char):04X}" for char in sorted(set(chars)))

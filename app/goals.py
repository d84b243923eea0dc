"""The goal as it was typed, checked before anything is opened. Used by every command that takes a goal or an answer."""

import unicodedata

from app.text import code_points

_DIRECTION = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class BadGoal(ValueError):
    """The goal cannot be taken; the message says why and what to do."""


def check_goal(text: str, limit: int, *, name: str = "goal") -> str:
    """`text` without surrounding space and with plain newlines.

    Raises `BadGoal` when it is empty, longer than `limit` characters, not valid UTF-8, or carries control characters other
    than newline and tab: what a person reads must be what the models are given.
    """
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise BadGoal(
            f'the {name} is empty: say it in a sentence, such as "which suppliers deliver late, and what do we spend there?"'
        )
    if len(text) > limit:
        raise BadGoal(
            f"the {name} has {len(text):,} characters and at most {limit:,} are taken: shorten it, or raise CLEARANCE_GOAL_CHARACTERS"
        )
    if broken := [char for char in text if unicodedata.category(char) == "Cs"]:
        raise BadGoal(
            f"the {name} is not valid UTF-8 ({len(broken)} broken bytes): set the terminal to UTF-8 and type it again"
        )
    control = [char for char in text if char in _DIRECTION or (unicodedata.category(char) == "Cc" and char not in "\n\t")]
    if control:
        where = text.index(control[0]) + 1
        raise BadGoal(
            f"the {name} has control characters ({code_points(''.join(control))}), the first as character {where}: remove them"
        )
    return text

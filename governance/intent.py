"""Did the user ask for this effect? Read from the user's own words and the tool's manifest or name; used by the labels.

A frozen plan answers better (`CallFacts.planned`); this is for what runs without one. It errs to no: then a person is asked.
"""

import re
from functools import lru_cache

from governance.manifest import ToolManifest

# Ways to say the same deed. Generic: no domain's, no attack's.
_DEEDS = (
    "create add make schedule book set invite plan open start new",
    "send email mail write forward message reply post tell",
    "delete remove erase clear drop",
    "update change adjust edit modify correct move",
    "append add put insert write",
    "share",
    "cancel",
    "reschedule move postpone shift",
    "reserve book reservation booking",
    "close resolve",
    "assign give reassign",
    "remind reminder",
)
_THINGS = (
    "email mail message",
    "event appointment meeting calendar reminder",
    "file document doc docx xlsx drive list spreadsheet",
    "participant participants attendee guest",
    "money payment transfer",
    "hotel room stay",
    "info information details data",
)
_GENERIC = frozenset(
    (
        "add",
        "append",
        "book",
        "change",
        "create",
        "do",
        "edit",
        "make",
        "post",
        "put",
        "reserve",
        "run",
        "send",
        "set",
        "update",
        "write",
    )
)


def _kin(word: str, groups: tuple[str, ...]) -> set[str]:
    return {word}.union(*(group.split() for group in groups if word in group.split()))


def _words(text: str) -> set[str]:
    """Lower-case words, each also without a plural or verb ending."""
    found = set(re.findall(r"[a-z]+", text.casefold()))
    return {word.removesuffix(ending) for word in found for ending in ("", "s", "es", "ed")}


@lru_cache(maxsize=4096)
def asks_for(request: str, tool: str, manifest: ToolManifest) -> bool:
    """Do the user's words ask for this tool's effect? By the manifest's `asks`, else by deed and thing in the tool's name."""
    if manifest.asks:
        return any(re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", request, re.IGNORECASE) for phrase in manifest.asks)
    deed, *things = tool.casefold().split("_")
    said = _words(request)
    if not _kin(deed, _DEEDS) & said:
        return False
    if deed not in _GENERIC or not things:
        return True
    return any(_kin(thing, _THINGS) & said for thing in things)

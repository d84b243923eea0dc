"""Names made comparable: for screening suppliers against the sanctions list. Pure functions."""

import re
import unicodedata
from collections.abc import Sequence

from rapidfuzz import fuzz, process

_LEGAL_FORM_NAMES = """
    LTD LIMITED INC INCORPORATED CO COMPANY CORP CORPORATION PLC LLC LLP LP GMBH AG KG BV NV SA SAS SRL SPA OY AB PTY PVT
    PTE EV SARL FZE FZCO JSC OJSC PJSC OOO UC RL CV THE AND OF
"""
LEGAL_FORMS = frozenset(_LEGAL_FORM_NAMES.split())
_INITIALS = re.compile(r"\b(?:[A-Z]\.){2,}[A-Z]?")
_FORMER = re.compile(r"\((?:formerly|formally|previously|a\.?k\.?a\.?|subsidiary of)\s+(.*?)\)*\s*$", re.IGNORECASE)


def normalise(name: str) -> str:
    """Upper-case ASCII words without punctuation and legal forms: "Orgenics, Ltd" is "ORGENICS"."""
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().upper().replace("'", "")
    text = _INITIALS.sub(lambda found: found[0].replace(".", ""), text)
    words = re.sub(r"[^A-Z0-9]+", " ", text).split()
    return " ".join(word for word in words if word not in LEGAL_FORMS) or " ".join(words)


def variants(name: str) -> list[str]:
    """The name as it is, and the two names in "A (FORMERLY B)"."""
    found = _FORMER.search(name)
    return [name[: found.start()].strip(), found[1].strip()] if found else [name]


def best_matches(names: Sequence[str], entries: Sequence[str]) -> list[tuple[int, float]]:
    """For each normalised name the index of the most similar normalised entry, and the similarity from 0 to 100.

    Similarity is the larger of the plain edit ratio and the ratio after sorting the words, so that word order does not hide a
    match. A shared word alone does not make one, as it would with a token-set ratio.
    """
    if not names or not entries:
        return [(-1, 0.0) for _ in names]
    plain = process.cdist(names, entries, scorer=fuzz.ratio)
    ordered = process.cdist(names, entries, scorer=fuzz.token_sort_ratio)
    found = []
    for row_plain, row_ordered in zip(plain, ordered, strict=True):
        best = row_plain if row_plain.max() >= row_ordered.max() else row_ordered
        index = int(best.argmax())
        found.append((index, float(best[index])))
    return found


def nearest(name: str, entries: Sequence[str], limit: int) -> list[tuple[int, float]]:
    """The `limit` entries most similar to `name`, best first, as (index, similarity). Both sides normalised."""
    scored = [(index, max(fuzz.ratio(name, entry), fuzz.token_sort_ratio(name, entry))) for index, entry in enumerate(entries)]
    return sorted(scored, key=lambda found: (-found[1], found[0]))[:limit]

"""Where an amount comes from: said by the user, set by the system in a record the call is about, or computed from just these.

Used by the labels. An amount that is none of these was chosen by the agent, and a person looks at it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import product
from typing import Any, Literal

from governance.manifest import ToolManifest
from governance.matching import number, numbers, percentages, same
from governance.sources import EVERY, Leaf, Reading, leaves

AmountLabel = Literal["none", "user", "system", "computed", "untraced"]
CENT = Decimal("0.01")
UNREADABLE = 10**15
TELLING = 5  # letters of a word that can tie a record to a request


def amount_label(value: Any, request: str, aimed: Sequence[Any], read: Sequence[Reading], names: Sequence[str]) -> AmountLabel:
    """`aimed` are the call's targets, `names` the manifest's amount arguments."""
    wanted = number(value)
    if wanted is None:
        return "untraced"
    if wanted in numbers(request):
        return "user"
    bases = set(_set_by_system(request, aimed, read, names))
    said, shares = sorted(numbers(request)), sorted(percentages(request))
    if not said and not shares:
        return "system" if wanted in bases else "untraced"
    near = {base.quantize(CENT) for base in computed(bases, said, shares)}
    return "computed" if wanted.quantize(CENT) in near else "untraced"


def spend_of(manifest: ToolManifest, args: Mapping[str, Any]) -> int:
    """What a call commits, in hundredths: the sum of its amounts. One that cannot be read counts as more than any limit."""
    found = [number(one.value) for name in manifest.amounts for one in leaves(args.get(name))]
    return sum(UNREADABLE if one is None else int(abs(one) * 100) for one in found)


def computed(bases: Iterable[Decimal], said: Sequence[Decimal], shares: Sequence[Decimal]) -> set[Decimal]:
    """What one base and *every* figure of the request give: a share of it or with it, plus or minus the figure or half of it."""
    if len(said) > 1 or len(shares) > 1:
        return set()
    found = set(bases)
    for share in shares:
        found = {base * by for base, by in product(found, (share, 1 + share, 1 - share))}
    for one in said:
        found = {abs(base + by) for base, by in product(found, (one, -one, one / 2, -one / 2))}
    return found


def _set_by_system(request: str, aimed: Sequence[Any], read: Sequence[Reading], names: Sequence[str]) -> Iterable[Decimal]:
    words = _telling(request)
    for reading in read:
        for leaf in reading.system:
            value = number(leaf.value)
            if value is None or leaf.record is None or not _is_amount(leaf, names, reading):
                continue
            around = [one.value for one in leaves(leaf.record) if one.field != leaf.field]
            at_it = any(same(one, target) for one in around for target in aimed)
            if at_it or any(words & _telling(str(one)) for one in around):
                yield value


def _is_amount(leaf: Leaf, names: Sequence[str], reading: Reading) -> bool:
    known = set(names) & set(leaf.record or ())
    return leaf.field in known if known else EVERY in reading.fields or isinstance(leaf.value, float)


def _telling(text: str) -> set[str]:
    return {word for word in re.findall(r"[^\W\d_]+", text.casefold()) if len(word) >= TELLING}

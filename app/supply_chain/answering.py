"""Which of the domain's example questions order lines with these columns can answer. Used by `clearance data` and by `/data`."""

from collections.abc import Iterable
from dataclasses import dataclass

from graphs.specialists.supply_chain.domain import PLAYBOOKS, PRODUCTS
from tools.supply_chain.catalogue import TOOLS
from tools.supply_chain.coverage import cover


@dataclass(frozen=True)
class Answering:
    """A question. `needs` are columns, in words, without which there is no answer; `without` are parts that it will lack."""

    question: str
    needs: tuple[str, ...]
    without: tuple[str, ...]


def answering(columns: Iterable[str]) -> list[Answering]:
    """Each example question, by what its products need."""
    titles = {product.name: product.title.lower() for product in PRODUCTS}
    there, found = frozenset(columns), []
    for playbook in PLAYBOOKS:
        covered = cover(playbook.products, there, TOOLS)
        found.append(Answering(playbook.example, covered.titles(), tuple(titles[name] for name in covered.without)))
    return found

"""Somebody's own order lines, from a file with columns of their own: propose a mapping, have it confirmed, import by it.

`propose(path)` reads the file once and says what it takes each column for; a person confirms or changes `Proposal.mapping` and
answers `Proposal.questions`; `import_orders(db, path, mapping)` writes the lines. Called by `clearance data import --orders`, and
fit for a page that takes uploads: nothing here asks or prints.
"""

from tools.supply_chain.importers.own.mapping import (
    MappedColumn,
    Mapping,
    Remembered,
    forget,
    mapping_in,
    read_mapping,
    recall,
    remember,
    remembered,
)
from tools.supply_chain.importers.own.orders import check, check_header, import_orders
from tools.supply_chain.importers.own.proposal import (
    Guess,
    Proposal,
    Question,
    known,
    mapped,
    propose,
    questions,
    refreshed,
    settled,
)

__all__ = [
    "Guess",
    "MappedColumn",
    "Mapping",
    "Proposal",
    "Question",
    "Remembered",
    "check",
    "check_header",
    "forget",
    "import_orders",
    "known",
    "mapped",
    "mapping_in",
    "propose",
    "questions",
    "read_mapping",
    "recall",
    "refreshed",
    "remember",
    "remembered",
    "settled",
]

"""A person's own order lines, uploaded: how they can be read, and reading them into the system of record. Used by `operations.py`.

The functions block, and are for a thread. What is wrong with a file is a `Refused` (422) that names it as its sender does: it lies
in a folder of its own while it is read, and nowhere after. A workbook that would unpack to too much, formulas without values, binary
files and lost line ends are the importer's to tell.
"""

import csv
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from itertools import islice
from pathlib import Path, PurePosixPath

from app.api.errors import Refused
from app.supply_chain.answering import answering
from app.supply_chain.shapes import (
    AnsweringShape,
    ColumnShape,
    LoadedShape,
    ProposalShape,
    QuestionShape,
    RejectionShape,
    RejectShape,
    RememberedShape,
    TargetShape,
)
from app.text import reveal, shorten
from database import Database
from tools.supply_chain.columns import ORDER_COLUMNS, lacking
from tools.supply_chain.importers import own
from tools.supply_chain.importers.own.mapping import FORMATS, UNCLEAR
from tools.supply_chain.importers.own.orders import SOURCE
from tools.supply_chain.importers.source_file import ImportProblem
from tools.supply_chain.importers.writing import refuse_mixing

SHOWN = 1000  # rejected rows that an answer lists
LONGEST_NAME = 120  # bytes
LONGEST_SAMPLE = 200
LONGEST_PROBLEM = 600
_WORDS = {  # the importer's advice is for the command line; here the same things are parameters
    "choose one with --sheet NAME": "name one as `sheet`",
    "leave --sheet out": "leave `sheet` out",
    "Map this file anew with --map": "Have a mapping proposed for this file",
    "add --replace to delete": "say `replace` to delete",
}
_TARGETS = [
    TargetShape(
        name=one.name, title=one.title, kind=one.kind, formats=tuple(f for f in FORMATS.get(one.kind, ()) if f != UNCLEAR)
    )
    for one in ORDER_COLUMNS.values()
]


def named(given: str) -> str:
    """What a file that somebody sends is called: no folder, nothing that cannot be seen, not too long."""
    name = "".join(char for char in PurePosixPath(given.replace("\\", "/")).name if char.isprintable())
    return name.encode("utf-8", "ignore")[:LONGEST_NAME].decode("utf-8", "ignore").strip(". ") or "upload"


def propose(db: Database, body: bytes, name: str, sheet: str | None, mapping: str | None) -> ProposalShape:
    """How a file can be read: by `mapping` (JSON) if one is given, as it was confirmed before, or as its columns look."""
    with _placed(body, name) as path:
        proposal = own.propose(path, sheet)
        given = own.mapping_in(mapping, "mapping") if mapping else None
        if given:
            own.check_header(proposal.table, given)
            given = own.settled(given, proposal.profile)
        known = None if given else own.known(db, proposal)
        taken = given or known or proposal.mapping
        return ProposalShape(
            file=name,
            form=proposal.table.form,
            sheet=proposal.table.sheet,
            rows=proposal.profile.rows,
            mapping=taken,
            remembered=known is not None,
            columns=[_column(guess, taken) for guess in proposal.guesses],
            targets=_TARGETS,
            questions=[QuestionShape.model_validate(one) for one in own.questions(taken, proposal.profile)],
            lacking=lacking(frozenset(taken.columns)),
            conflict=_conflict(db),
            answers=_answers(taken),
        )


def load(db: Database, body: bytes, name: str, sheet: str | None, mapping: str | None, replace: bool) -> LoadedShape:
    """Read a file into the system of record, whole or not at all; the mapping is remembered. With `replace` all records go first."""
    with _placed(body, name) as path:
        given = own.mapping_in(mapping, "mapping") if mapping else None
        proposal = own.propose(path, sheet or (given.sheet if given else None))
        taken = given or own.known(db, proposal)
        if taken is None:
            raise ImportProblem(
                f"{path}: nobody has said yet what its columns mean: have a mapping proposed, and send it along"
            )
        own.check(proposal.table, taken)
        if asked := own.questions(taken, proposal.profile):
            raise ImportProblem(f"{path}: one thing is not clear. {asked[0].text} Say it in the mapping")
        rejects = path.with_name("rejects.csv")
        done = own.import_orders(db, path, taken, replace=replace, rejects=rejects, rows=proposal.profile.rows, called=name)
        own.remember(db, taken, Path(name))
        return LoadedShape(
            file=name,
            sha256=done.sha256,
            read=done.read,
            kept=done.kept,
            rejected=done.rejected,
            rejections=[RejectionShape.model_validate(one) for one in done.rejections],
            rejects=_rejects(rejects),
            notes=done.notes,
            answers=_answers(taken),
        )


def remembered(db: Database) -> list[RememberedShape]:
    """The mappings that were confirmed, newest first."""
    return [
        RememberedShape(
            fingerprint=one.mapping.fingerprint,
            file=Path(one.path).name,
            confirmed_at=one.at.replace(tzinfo=UTC),
            mapping=one.mapping,
        )
        for one in own.remembered(db)
    ]


@contextmanager
def _placed(body: bytes, name: str) -> Iterator[Path]:
    """The file in a folder of its own. What is wrong with it becomes a `Refused` in the words of this place."""
    with tempfile.TemporaryDirectory(prefix="clearance-") as folder:
        path = Path(folder) / "table"
        path.write_bytes(body)
        try:
            yield path
        except ImportProblem as problem:
            said = str(problem).replace(str(path), name)
            for old, new in _WORDS.items():
                said = said.replace(old, new)
            raise Refused(422, shorten(reveal(said), LONGEST_PROBLEM)) from problem


def _column(guess: own.Guess, taken: own.Mapping) -> ColumnShape:
    name = next((name for name, at in taken.columns.items() if at.column == guess.column), None)
    sure = guess.confidence if name == guess.name else float(name is not None)
    return ColumnShape(column=guess.column, name=name, confidence=sure, sample=shorten(guess.sample, LONGEST_SAMPLE))


def _answers(mapping: own.Mapping) -> list[AnsweringShape]:
    return [AnsweringShape.model_validate(one) for one in answering(mapping.answers)]


def _conflict(db: Database) -> str:
    """Why own order lines cannot stand beside the records that are there; empty where they can."""
    try:
        db.run_sync(lambda connection: refuse_mixing(connection, SOURCE))
    except ImportProblem as problem:
        return str(problem).partition(":")[0]
    return ""


def _rejects(path: Path) -> list[RejectShape]:
    """The first rows left out; there is no file where none was."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return [RejectShape.model_validate(row) for row in islice(csv.DictReader(stream), SHOWN)]

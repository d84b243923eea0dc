"""Loading records that everybody's goals read: who may, and that they did. Every try is in the ledger, also a refused one.

What is loaded, and into what, is the domain's: its operations over HTTP enter `recorded` around the loading. Records are kept in a
database of the domain's own, so the ledger says that it began before, and how it ended after: a crash in between shows as no end.
"""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from governance.decisions import Decisions, Record
from governance.digest import digest
from governance.identity import Caller


class LoadRefused(PermissionError):
    """This person may not load records; the message says who may."""


class Loads:
    """`stewards` are the roles that may load; `org` is the organisation that the records are of, whoever else may read them."""

    def __init__(self, decisions: Decisions, stewards: Sequence[str], org: str) -> None:
        self._decisions, self._stewards, self._org = decisions, tuple(stewards), org

    def may(self, caller: Caller) -> bool:
        """May they load records? Never a program that acts as itself."""
        return caller.person and caller.org == self._org and bool(set(caller.roles) & set(self._stewards))

    def check(self, caller: Caller) -> None:
        """Raises `LoadRefused`."""
        if not self.may(caller):
            takes = f"a person of {self._org} with the role {' or '.join(self._stewards)}"
            raise LoadRefused(f"{caller.user} may not load records: that takes {takes}")

    @asynccontextmanager
    async def recorded(self, caller: Caller, source: str, args: Mapping[str, Any]) -> AsyncIterator[dict[str, str | int]]:
        """Around the loading of one `source`, with what was asked for. What is put into the dict it yields (such as how many rows
        were kept; no fractions) is recorded with the end. Raises `LoadRefused`."""
        call, told = uuid.uuid4().hex, dict[str, str | int]()

        def record(outcome: str, **more: Any) -> Record:
            about = ("", "", call, "", caller.user, source, "", digest(dict(args)))
            return Record("load", outcome, caller.org, *about, roles=caller.roles, **more)

        try:
            self.check(caller)
        except LoadRefused as refused:
            await self._decisions.append(record("refused", error=str(refused)), args)
            raise
        await self._decisions.append(record("begun"), args)
        try:
            yield told
        except Exception as error:  # whatever it was goes on; the ledger says that it ended so
            await self._decisions.append(record("failed", error=str(error)))
            raise
        await self._decisions.append(record("loaded", known=told))

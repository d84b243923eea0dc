"""The text of every bundle of policies that was in use, so that a decision of long ago can be read and judged again.

Kept when a bundle is taken into use, before it decides anything; read by the audit.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from governance.bundle import Bundle
from governance.tables import insert_new, policy_texts


def keep(connection: Connection, bundle: Bundle) -> None:
    """Store a bundle's files, unless they are there."""
    insert_new(connection, policy_texts, {"version": bundle.version, "files": dict(bundle.texts)})


def recall(connection: Connection, versions: Iterable[str]) -> dict[str, Mapping[str, str]]:
    """The files of each of these versions that was kept."""
    query = select(policy_texts).where(policy_texts.c.version.in_(list(versions)))
    return {row.version: row.files for row in connection.execute(query)}

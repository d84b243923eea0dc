"""Alembic's environment: the connection is handed in by `app/db/upgrade.py`, inside its transaction."""

from typing import Any

from alembic import context

from app.db.tables import every


def ours(name: str | None, kind: str, parent: Any) -> bool:
    """Is it one of our tables? The saver's tables, in PostgreSQL in the same schema, are the saver's own business, and an index of
    an expression is made with its table (`governance/tables.py`), for its text differs by database."""
    if kind == "index":
        return name != "ledger_approvals"
    return kind != "table" or any(name in metadata.tables for metadata in every)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=list(every),
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=False,  # the transaction is the caller's
    include_name=ours,
)
context.run_migrations()

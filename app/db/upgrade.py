"""Brings a database to the newest schema at start. Called by `app/main.py`; by hand: `python -m app.db.upgrade`.

A room's tables that are missing are made by the room (`Database.create`); every change to a table that exists is a migration here.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from database import Database, alone
from settings import Settings


def config_of(connection: Connection) -> Config:
    """Alembic's configuration over an open connection: no file, no second URL."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(db: Database) -> None:
    """Apply the migrations that are missing, all or none; one process at a time."""

    def work(connection: Connection) -> None:
        alone(connection)
        command.upgrade(config_of(connection), "head")

    db.run_sync(work)


if __name__ == "__main__":
    upgrade(Database(Settings().app_url()))

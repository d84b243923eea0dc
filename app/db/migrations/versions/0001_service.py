"""The service: assistants and their versions, threads, runs, and the threads' logs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "assistants",
        sa.Column("assistant_id", sa.String(36), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False, comment="the one in use: a row of assistant_versions"),
        sa.Column("updated_at", sa.String(32), nullable=False),
        *_described(),
    )
    op.create_index("ix_assistants_graph_id", "assistants", ["graph_id"])
    op.create_table(
        "assistant_versions",
        sa.Column("assistant_id", sa.String(36), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        *_described(),
    )
    op.create_table(
        "threads",
        sa.Column("thread_id", sa.String(36), primary_key=True),
        sa.Column("status", sa.String(12), nullable=False, comment="idle, busy, interrupted, error"),
        sa.Column("metadata", sa.JSON, nullable=False),
        sa.Column("config", sa.JSON, nullable=False),
        sa.Column("values", sa.JSON, comment="the state's values after the last run or update"),
        sa.Column("interrupts", sa.JSON, nullable=False, comment="task id -> the interrupts that wait"),
        sa.Column("error", sa.JSON, comment="of the last run: {error, message}"),
        sa.Column("last_seq", sa.BigInteger, nullable=False, comment="of the thread's log"),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
        sa.Column("state_updated_at", sa.String(32), nullable=False),
    )
    op.create_index("threads_updated", "threads", ["updated_at"])
    op.create_index("threads_status", "threads", ["status"])
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String(36), primary_key=True),
        sa.Column("thread_id", sa.String(36), nullable=False),
        sa.Column("assistant_id", sa.String(36), nullable=False),
        sa.Column("graph_id", sa.String(100), nullable=False),
        sa.Column("status", sa.String(12), nullable=False, comment="pending, running, success, error, timeout, interrupted"),
        sa.Column("multitask_strategy", sa.String(10), nullable=False),
        sa.Column("metadata", sa.JSON, nullable=False),
        sa.Column("kwargs", sa.JSON, nullable=False, comment="what it was asked to do: spec.Spec"),
        sa.Column("stateless", sa.Boolean, nullable=False, comment="its thread is deleted with its end"),
        sa.Column("not_before", sa.Float, comment="seconds since the epoch before which it does not start"),
        sa.Column(
            "attempt", sa.Integer, nullable=False, comment="how often it was claimed; with `worker` the fence of its writes"
        ),
        sa.Column("worker", sa.String(80), comment="who holds it"),
        sa.Column("leased_until", sa.Float, comment="seconds since the epoch, by the database's clock on PostgreSQL"),
        sa.Column("cancel", sa.String(10), comment="interrupt or rollback: asked of whoever holds it"),
        sa.Column("error", sa.JSON),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
    )
    op.create_index("runs_of_thread", "runs", ["thread_id", "created_at"])
    op.create_index("runs_open", "runs", ["status", "not_before"])
    running = sa.text("status = 'running'")
    op.create_index("runs_one_active", "runs", ["thread_id"], unique=True, sqlite_where=running, postgresql_where=running)
    op.create_table(
        "thread_events",
        sa.Column("thread_id", sa.String(36), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False, comment="increases; a crash leaves a gap"),
        sa.Column("run_id", sa.String(36), nullable=False),
        sa.Column("event", sa.String(200), nullable=False, comment="the stream's name of it, with the namespace after a |"),
        sa.Column("data", sa.LargeBinary, nullable=False, comment="JSON, as it is sent"),
    )
    op.create_index("thread_events_run", "thread_events", ["run_id", "seq"])


def _described() -> tuple[sa.Column, ...]:  # type: ignore[type-arg]  # columns of several types
    """What an assistant and each of its versions say."""
    return (
        sa.Column("graph_id", sa.String(100), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("config", sa.JSON, nullable=False),
        sa.Column("context", sa.JSON, nullable=False),
        sa.Column("metadata", sa.JSON, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
    )


def downgrade() -> None:
    for table in ("thread_events", "runs", "threads", "assistant_versions", "assistants"):
        op.drop_table(table)

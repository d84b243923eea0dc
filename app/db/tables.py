"""The service's tables: assistants, threads, runs (which are the queue) and the log of each thread; `every` gathers all rooms'.

Times are text from `app.db.clock.stamp`, which sorts as it reads. A migration in `migrations/versions` goes with each change here.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from governance.tables import metadata as governance_metadata
from graphs.tables import metadata as graphs_metadata

metadata = MetaData()

assistants = Table(
    "assistants",
    metadata,
    Column("assistant_id", String(36), primary_key=True),
    Column("org", String(100), index=True, comment="whose it is; null: a graph's own, which everybody may use"),
    Column("graph_id", String(100), nullable=False, index=True),
    Column("version", Integer, nullable=False, comment="the one in use: a row of assistant_versions"),
    Column("name", String(200), nullable=False),
    Column("description", Text),
    Column("config", JSON, nullable=False),
    Column("context", JSON, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("updated_at", String(32), nullable=False),
)
versions = Table(
    "assistant_versions",
    metadata,
    Column("assistant_id", String(36), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("graph_id", String(100), nullable=False),
    Column("name", String(200), nullable=False),
    Column("description", Text),
    Column("config", JSON, nullable=False),
    Column("context", JSON, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("created_at", String(32), nullable=False),
)
threads = Table(
    "threads",
    metadata,
    Column("thread_id", String(36), primary_key=True),
    Column("status", String(12), nullable=False, comment="idle, busy, interrupted, error"),
    Column("metadata", JSON, nullable=False),
    Column("config", JSON, nullable=False),
    Column("values", JSON(none_as_null=True), comment="the state's values after the last run or update"),
    Column("interrupts", JSON, nullable=False, comment="task id -> the interrupts that wait"),
    Column("error", JSON(none_as_null=True), comment="of the last run: {error, message}"),
    Column("last_seq", BigInteger, nullable=False, comment="of the thread's log"),
    Column("org", String(100), nullable=False, server_default="local"),
    Column("owner", String(100), nullable=False, server_default="local", comment="the user whose it is"),
    Column("created_at", String(32), nullable=False),
    Column("updated_at", String(32), nullable=False),
    Column("state_updated_at", String(32), nullable=False),
    Index("threads_updated", "updated_at"),
    Index("threads_status", "status"),
    Index("threads_owner", "org", "owner"),
)
runs = Table(
    "runs",
    metadata,
    Column("run_id", String(36), primary_key=True),
    Column("thread_id", String(36), nullable=False),
    Column("assistant_id", String(36), nullable=False),
    Column("graph_id", String(100), nullable=False),
    Column("status", String(12), nullable=False, comment="pending, running, success, error, timeout, interrupted"),
    Column("multitask_strategy", String(10), nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("kwargs", JSON, nullable=False, comment="what it was asked to do: spec.Spec"),
    Column("stateless", Boolean, nullable=False, comment="its thread is deleted with its end"),
    Column("not_before", Float, comment="seconds since the epoch before which it does not start"),
    Column("attempt", Integer, nullable=False, comment="how often it was claimed; with `worker` the fence of its writes"),
    Column("worker", String(80), comment="who holds it"),
    Column("leased_until", Float, comment="seconds since the epoch, by the database's clock on PostgreSQL"),
    Column("cancel", String(10), comment="interrupt or rollback: asked of whoever holds it"),
    Column("error", JSON(none_as_null=True)),
    Column("created_at", String(32), nullable=False),
    Column("updated_at", String(32), nullable=False),
    Index("runs_of_thread", "thread_id", "created_at"),
    Index("runs_open", "status", "not_before"),
    Index("runs_stateless", "updated_at", sqlite_where=text("stateless"), postgresql_where=text("stateless")),
    # a thread is held by one run at a time, whoever claims
    Index(
        "runs_one_active",
        "thread_id",
        unique=True,
        sqlite_where=text("status = 'running'"),
        postgresql_where=text("status = 'running'"),
    ),
)
events = Table(
    "thread_events",
    metadata,
    Column("thread_id", String(36), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False, comment="increases; a crash leaves a gap"),
    Column("run_id", String(36), nullable=False),
    Column("event", String(200), nullable=False, comment="the stream's name of it, with the namespace after a |"),
    Column("data", LargeBinary, nullable=False, comment="JSON, as it is sent"),
    Index("thread_events_run", "run_id", "seq"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", String(36), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("digest", String(64), nullable=False, unique=True, comment="SHA-256 of the secret, hexadecimal"),
    Column("caller", JSON, nullable=False, comment="whom it acts as: Caller"),
    Column("created_at", String(32), nullable=False),
    Column("revoked_at", String(32)),
)
sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True, comment="SHA-256 of the cookie's secret, hexadecimal"),
    Column("caller", JSON(none_as_null=True), comment="who signed in: Caller; null while they do"),
    Column("kept", JSON, nullable=False, comment="of a sign-in under way: state, nonce, verifier, next; then the ID token"),
    Column("expires_at", String(32), nullable=False, index=True),
)
people = Table(
    "people",
    metadata,
    Column("org", String(100), primary_key=True),
    Column("user", String(100), primary_key=True),
    Column("roles", JSON, nullable=False, comment="as the identity provider last said"),
    Column("seen_at", String(32), nullable=False),
)

every = (metadata, governance_metadata, graphs_metadata)
"""Every room's tables in the application's database; a room that gets tables adds its metadata here."""

"""The tables of the graphs: executions, plan revisions, answers, feedback, step attempts, what the core's roles used, waits, what
users said and edited meanwhile, workflows; in the app's database."""

from sqlalchemy import JSON, Column, Float, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()

executions = Table(
    "executions",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("thread_id", String(64), nullable=False, index=True),
    Column("org", String(100), nullable=False),
    Column("requester", JSON, nullable=False, comment="Caller: the authority on who asked"),
    Column("goal", Text, nullable=False),
    Column("request", JSON, nullable=False),
    Column("today", String(10), nullable=False, comment="the date of the run, fixed when it was planned"),
    Column("status", String(12), nullable=False, comment="running, waiting, stopping, finished, cancelled, replaced, declined"),
    Column("outcome", String(10), comment="of one that is finished or declined: success, partial, failed, refused"),
    Column("seq", Integer, nullable=False, comment="how often execute was entered; fenced with checkpoint_id"),
    Column("checkpoint_id", String(64)),
    Column("forked_from", String(36)),
    Column("lease", String(100), comment="who runs it now"),
    Column("created", String(32), nullable=False),
    Column("ended", String(32)),
    Index("executions_begun", "org", "created"),
)
revisions = Table(
    "plan_revisions",
    metadata,
    Column("execution_id", String(36), primary_key=True),
    Column("rev", Integer, primary_key=True),
    Column("plan", JSON, nullable=False),
    Column("created", String(32), nullable=False),
)
answers = Table(
    "answers",
    metadata,
    Column("execution_id", String(36), primary_key=True),
    Column("status", String(10), nullable=False, comment="complete, partial, failed"),
    Column("body", JSON, nullable=False, comment="Answer"),
    Column("made", String(32), nullable=False),
)
feedback = Table(
    "feedback",
    metadata,
    Column("execution_id", String(36), primary_key=True),
    Column("user", String(100), primary_key=True),
    Column("org", String(100), nullable=False),
    Column("thumb", String(4), nullable=False, comment="up, down"),
    Column("comment", Text, nullable=False),
    Column("at", String(32), nullable=False),
)
steers = Table(
    "steers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("execution_id", String(36), nullable=False, index=True),
    Column("caller", JSON, nullable=False),
    Column("text", Text, nullable=False),
    Column("answer", Text, comment="what came of it; null until it was taken up"),
    Column("created", String(32), nullable=False),
)
plan_edits = Table(
    "plan_edits",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("execution_id", String(36), nullable=False, index=True),
    Column("caller", JSON, nullable=False),
    Column("base", Integer, nullable=False, comment="the revision that is edited"),
    Column("changes", JSON, nullable=False, comment="list of Change"),
    Column("reason", Text, nullable=False),
    Column("answer", Text, comment="what came of it; null until it was taken up"),
    Column("created", String(32), nullable=False),
)
step_waits = Table(
    "step_waits",
    metadata,
    Column("execution_id", String(36), primary_key=True),
    Column("step_id", String(40), primary_key=True),
    Column("event", String(80), index=True, comment="null: a time alone"),
    Column("due", String(32), comment="when it may start, or its event is too late; null: an event may come at any time"),
    Column("arrived", String(32), comment="when the event came"),
    Column("sender", String(200), comment="who signed the event"),
    Column("data", JSON, comment="what the event carried"),
    Column("message_id", String(200), index=True, comment="the sender's own id of the message"),
    Column("taken", String(32), comment="when the step started after it"),
    Column("begun", String(32), nullable=False),
)
workflows = Table(
    "workflows",
    metadata,
    Column("org", String(100), primary_key=True),
    Column("name", String(60), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", JSON, nullable=False, comment="Workflow"),
)
attempts = Table(
    "step_attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("execution_id", String(36), nullable=False),
    Column("step_id", String(40), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("specialist", String(60), nullable=False),
    Column("thread_id", String(36), nullable=False),
    Column("parent_thread_id", String(64), nullable=False),
    Column("status", String(20), nullable=False),
    Column("result", JSON, comment="StepResult, once it ended"),
    Column("started", String(32), nullable=False),
    Column("ended", String(32)),
    Column("seconds", Float),
    UniqueConstraint("execution_id", "step_id", "attempt"),
    Index("step_attempts_parent", "parent_thread_id"),
)
role_usage = Table(
    "role_usage",
    metadata,
    Column("thread_id", String(36), primary_key=True, comment="the role's own"),
    Column("execution_id", String(36), nullable=False, index=True, comment="empty: intake, of which no execution came yet"),
    Column("parent_thread_id", String(64), nullable=False),
    Column("org", String(100), nullable=False),
    Column("role", String(60), nullable=False),
    Column("status", String(10), nullable=False, comment="succeeded or failed"),
    Column("model", String(200), nullable=False, comment="what it calls itself in its last answer; empty: it gave none"),
    Column("model_calls", Integer, nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("ended", String(32), nullable=False),
    Index("role_usage_ended", "org", "ended"),
)

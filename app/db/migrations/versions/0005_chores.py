"""What the service does by itself: crons, webhooks to be sent, how long threads are kept."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "crons",
        sa.Column("cron_id", sa.String(36), primary_key=True),
        sa.Column("assistant_id", sa.String(36), nullable=False),
        sa.Column("thread_id", sa.String(36), comment="empty: each run on a thread of its own"),
        sa.Column("schedule", sa.String(100), nullable=False, comment="as crontab has it"),
        sa.Column("timezone", sa.String(64), comment="IANA name; empty: UTC"),
        sa.Column("end_time", sa.String(32), comment="from then on it fires no more"),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("on_run_completed", sa.String(10), nullable=False, comment="delete or keep: the thread of a run without one"),
        sa.Column("payload", sa.JSON, nullable=False, comment="the request of each run"),
        sa.Column("metadata", sa.JSON, nullable=False),
        sa.Column("caller", sa.JSON, comment="who asked: a Caller; null in local mode"),
        sa.Column("org", sa.String(100), nullable=False),
        sa.Column("owner", sa.String(100), nullable=False, comment="the user whose it is"),
        sa.Column("next_run", sa.Float, comment="seconds since the epoch; null: never again"),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
    )
    op.create_index("ix_crons_assistant_id", "crons", ["assistant_id"])
    op.create_index("ix_crons_thread_id", "crons", ["thread_id"])
    op.create_index("crons_due", "crons", ["enabled", "next_run"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("delivery_id", sa.String(36), primary_key=True),
        sa.Column("run_id", sa.String(36), nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False, comment="JSON, as it is sent"),
        sa.Column("attempt", sa.Integer, nullable=False, comment="how often it was tried"),
        sa.Column("due", sa.Float, comment="seconds since the epoch of the next try; null: given up"),
        sa.Column("error", sa.Text, comment="what became of the last try"),
        sa.Column("created_at", sa.String(32), nullable=False),
    )
    op.create_index("webhook_deliveries_due", "webhook_deliveries", ["due"])
    op.create_table(
        "thread_lifetimes",
        sa.Column("thread_id", sa.String(36), primary_key=True),
        sa.Column("minutes", sa.Float, nullable=False, comment="after the thread's last change"),
        sa.Column("strategy", sa.String(12), nullable=False, comment="delete or keep_latest"),
        sa.Column("swept_at", sa.String(32), comment="the thread's last change when its old checkpoints went"),
    )


def downgrade() -> None:
    for table in ("thread_lifetimes", "webhook_deliveries", "crons"):
        op.drop_table(table)

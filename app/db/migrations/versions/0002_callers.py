"""Whose a thread is, and API keys."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("threads", sa.Column("org", sa.String(100), nullable=False, server_default="local"))
    whose = sa.Column("owner", sa.String(100), nullable=False, server_default="local", comment="the user whose it is")
    op.add_column("threads", whose)
    op.create_index("threads_owner", "threads", ["org", "owner"])
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String(36), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, unique=True, comment="SHA-256 of the secret, hexadecimal"),
        sa.Column("caller", sa.JSON, nullable=False, comment="whom it acts as: Caller"),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("revoked_at", sa.String(32)),
    )


def downgrade() -> None:
    op.drop_table("api_keys")
    op.drop_index("threads_owner", "threads")
    for name in ("owner", "org"):
        op.drop_column("threads", name)

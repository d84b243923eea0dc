"""Sessions of browsers, whom the identity provider named, and whose an assistant is."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    whose = sa.Column("org", sa.String(100), comment="whose it is; null: a graph's own, which everybody may use")
    op.add_column("assistants", whose)
    op.create_index("ix_assistants_org", "assistants", ["org"])
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), primary_key=True, comment="SHA-256 of the cookie's secret, hexadecimal"),
        sa.Column("caller", sa.JSON(none_as_null=True), comment="who signed in: Caller; null while they do"),
        sa.Column(
            "kept", sa.JSON, nullable=False, comment="of a sign-in under way: state, nonce, verifier, next; then the ID token"
        ),
        sa.Column("expires_at", sa.String(32), nullable=False, index=True),
    )
    op.create_table(
        "people",
        sa.Column("org", sa.String(100), primary_key=True),
        sa.Column("user", sa.String(100), primary_key=True),
        sa.Column("roles", sa.JSON, nullable=False, comment="as the identity provider last said"),
        sa.Column("seen_at", sa.String(32), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("people")
    op.drop_table("sessions")
    op.drop_index("ix_assistants_org", "assistants")
    op.drop_column("assistants", "org")

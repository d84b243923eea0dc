"""How executions came out, and their order by organisation and time. A home without executions gets their table whole, by its room."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if sa.inspect(op.get_bind()).has_table("executions"):
        how = "of one that is finished or declined: success, partial, failed, refused"
        op.add_column("executions", sa.Column("outcome", sa.String(10), comment=how))
        op.create_index("executions_begun", "executions", ["org", "created"])


def downgrade() -> None:
    op.drop_index("executions_begun", "executions")
    op.drop_column("executions", "outcome")

"""Find the stateless runs that ended a while ago."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    where = sa.text("stateless")
    op.create_index("runs_stateless", "runs", ["updated_at"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("runs_stateless", "runs")

"""The first ledger: result sets, runs, what tasks made, supersessions, exclusions."""

import sqlalchemy as sa
from alembic import op

from benchside.study.migrations.append_only import append_only

revision = "0001"
down_revision = None


def texts(*names: str) -> list[sa.Column[str]]:
    """Return text columns that must be filled."""
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def number() -> sa.Column[int]:
    """Return a running number as primary key."""
    return sa.Column("id", sa.Integer, primary_key=True)


def upgrade() -> None:
    """Create the tables and make them append-only."""
    op.create_table(
        "result_sets",
        sa.Column("set_id", sa.String, primary_key=True),
        *texts("verb", "version", "settings", "inputs", "kind", "kind_version", "table_hash", "lineage_hash"),
        sa.Column("rows", sa.Integer, nullable=False),
        *texts("software", "created"),
    )
    op.create_table("run_events", number(), *texts("run_id", "at", "event", "detail"))
    made_by = sa.Column("set_id", sa.String, sa.ForeignKey("result_sets.set_id"), nullable=False)
    op.create_table("task_results", number(), *texts("run_id", "task"), made_by)
    op.create_table("supersessions", number(), *texts("task", "old_set", "new_set", "at"))
    op.create_table("exclusions", number(), *texts("action", "plate_id", "well", "who", "why", "at"))
    append_only("result_sets", "run_events", "task_results", "supersessions", "exclusions")

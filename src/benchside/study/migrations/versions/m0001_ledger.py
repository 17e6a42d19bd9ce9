"""The first ledger: result sets, runs, what tasks made, supersessions, exclusions."""

import sqlalchemy as sa
from alembic import op

from benchside.study.migrations.append_only import append_only

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables and make them append-only."""
    text = {"nullable": False}
    op.create_table(
        "result_sets",
        sa.Column("set_id", sa.String, primary_key=True),
        *(sa.Column(name, sa.Text, **text) for name in ("verb", "version", "settings", "inputs", "kind", "kind_version")),
        *(sa.Column(name, sa.Text, **text) for name in ("table_hash", "lineage_hash")),
        sa.Column("rows", sa.Integer, **text),
        *(sa.Column(name, sa.Text, **text) for name in ("software", "created")),
    )
    number = [sa.Column("id", sa.Integer, primary_key=True) for _ in range(4)]
    op.create_table("run_events", number[0], *(sa.Column(name, sa.Text, **text) for name in ("run_id", "at", "event", "detail")))
    op.create_table(
        "task_results",
        number[1],
        *(sa.Column(name, sa.Text, **text) for name in ("run_id", "task")),
        sa.Column("set_id", sa.String, sa.ForeignKey("result_sets.set_id"), **text),
    )
    op.create_table("supersessions", number[2], *(sa.Column(name, sa.Text, **text) for name in ("task", "old_set", "new_set", "at")))
    op.create_table(
        "exclusions", number[3], *(sa.Column(name, sa.Text, **text) for name in ("action", "plate_id", "well", "who", "why", "at"))
    )
    append_only("result_sets", "run_events", "task_results", "supersessions", "exclusions")

"""Triggers that refuse to change or delete a row; every migration that touches a table sets them anew."""

import sqlalchemy as sa
from alembic import op


def append_only(*tables: str) -> None:
    """Make tables append-only, in the transaction of the migration."""
    for table in tables:
        for action in ("UPDATE", "DELETE"):
            name = f"{table}_no_{action.lower()}"
            op.execute(sa.text(f"DROP TRIGGER IF EXISTS {name}"))
            op.execute(
                sa.text(
                    f"CREATE TRIGGER {name} BEFORE {action} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: {table} refuses {action}'); END"
                )
            )

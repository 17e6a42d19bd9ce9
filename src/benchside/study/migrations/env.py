"""Alembic's entry: the connection is handed in, opened and committed by the ledger itself."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True, transaction_per_migration=False)
context.run_migrations()

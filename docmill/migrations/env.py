"""What alembic runs for every command: the steps, on the connection that `docmill.migrations` hands over."""

from __future__ import annotations

from alembic import context

from docmill.migrations import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()

"""The event log: an append-only Delta table and the tables that stand beside it."""

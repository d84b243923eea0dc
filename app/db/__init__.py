"""The service's tables, their migrations, and the one list of every room's tables (`tables.every`)."""

"""Runs the command with less patience for a locked database than the product has; all else is the product. For `test_cli.py`."""

import database
from app.cli import main

if __name__ == "__main__":
    database.BUSY_MS = 1_000
    main()

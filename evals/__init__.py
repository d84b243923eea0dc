"""Floor 6: what measures the house from outside. Imports any room below; nothing imports it."""

"""Public benchmarks run against Clearance. Their data come from their own packages and are never kept here."""

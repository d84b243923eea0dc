"""`/governance`: what runs did and wait for, who decides it, what stops it. `routes.py` gathers it."""

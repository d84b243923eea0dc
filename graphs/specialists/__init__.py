"""Specialists. What a specialist, a product and a domain are: `base.py`; the core's own: `core.py`; a domain's: its folder."""

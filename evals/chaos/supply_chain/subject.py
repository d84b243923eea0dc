"""The flagship goal on the generated company. `life` and `rounds` find this module by the domain's name."""

from datetime import date

from settings import Settings
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

GOAL = "Analyze supplier risk across our logistics network"
TODAY = date(2016, 2, 1)  # a fixed day: due dates are part of the answer

# What the run did to the world, asked of the system of record in plain SQL.
CASES = "SELECT cases.id, suppliers.name FROM cases JOIN suppliers ON suppliers.id = cases.supplier_id"
EVENTS = "SELECT id FROM case_events"
NOTIFICATIONS = "SELECT id FROM notifications"
KEYS = "SELECT key FROM cases"
CLEAR = ("DELETE FROM notifications", "DELETE FROM case_events", "DELETE FROM cases")


def load(settings: Settings) -> None:
    """Write the generated company into an empty home."""
    records = open_records(settings)
    try:
        make_demo(records.writing)
    finally:
        records.close()

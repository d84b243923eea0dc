"""The domain's specialists as graphs of their own, for `langgraph.json` and LangGraph Studio."""

from graphs.studio import alone

procurement = alone("procurement")
finance = alone("finance")
shipments = alone("shipments")
country_risk = alone("country_risk")
sanctions = alone("sanctions")
research = alone("research")
risk = alone("risk")
approvals = alone("approvals")
escalation = alone("escalation")
cases = alone("cases")
records = alone("records")

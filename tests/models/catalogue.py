"""A small catalogue of the kind that the graphs hand to intake and planner, for the tests of the offline model."""

from typing import Any


def product(name: str, title: str, *words: str) -> dict[str, Any]:
    return {"name": name, "title": title, "words": list(words)}


PRODUCTS = [
    product("suppliers", "Suppliers", "supplier list", "vendors"),
    product("exposure", "Financial exposure", "spend", "concentration", "top five share"),
    product("deliveries", "Delivery performance", "late deliveries", "worst on delivery", "on time", "delays"),
    product("country_risk", "Geopolitical risk", "governance", "geopolitics", "political stability"),
    product("sanctions", "Sanctions screening", "sanctions", "OFAC", "screening"),
    product("risk_scores", "Supplier risk scores", "risk score", "risk ranking"),
    product("approval_briefs", "Approval briefs", "brief the approver"),
    product("case", "Escalation cases", "open a case", "escalate", "escalation"),
    product("mode_comparison", "Shipment modes compared", "air and ocean", "compare modes", "freight"),
    product("single_source", "Single-sourced items", "single sourced", "sole supplier"),
    product("unstable_sites", "Sites in unstable countries", "unstable countries", "factories", "manufacturing sites"),
]
PLAYBOOKS = [
    {
        "name": "supplier_risk",
        "title": "Analyze supplier risk and escalate",
        "example": "Analyze supplier risk across our logistics network",
        "products": ["risk_scores", "case"],
        "words": ["supplier risk", "risk across our network"],
    },
    {
        "name": "concentration",
        "title": "Spend concentration",
        "example": "What share of spend goes to the top five suppliers?",
        "products": ["exposure"],
        "words": ["share of the top five", "concentration"],
    },
    {
        "name": "delivery",
        "title": "Worst suppliers on delivery",
        "example": "Who is the worst on delivery?",
        "products": ["deliveries"],
        "words": ["worst on delivery", "late"],
    },
]


def specialist(name: str, produces: list[str], consumes: list[str] | None = None, **more: Any) -> dict[str, Any]:
    entry = {"name": name, "title": name.replace("_", " ").title(), "purpose": f"Does {name}. And more.", "produces": produces}
    return {**entry, "consumes": consumes or [], "optional": [], "for_each": None, "fallbacks": [], **more}


SPECIALISTS = [
    specialist("procurement", ["suppliers", "single_source"]),
    specialist("finance", ["exposure"], ["suppliers"]),
    specialist("logistics", ["deliveries", "mode_comparison"], ["suppliers"]),
    specialist("geopolitics", ["country_risk"], ["suppliers"], fallbacks=["indicators"]),
    specialist("screening", ["sanctions"], ["suppliers"]),
    specialist("scoring", ["risk_scores"], ["exposure", "deliveries"], optional=["country_risk", "sanctions"]),
    specialist("advisor", ["approval_briefs"], ["risk_scores"]),
    specialist("escalation", ["case"], ["approval_briefs"], for_each="approval_briefs"),
    specialist("indicators", ["country_risk"], ["suppliers"]),
]

SETTINGS = ["countries", "suppliers", "modes", "year_from", "year_to", "threshold"]
ANCHORS = ["supplier", "vendor", "shipment", "logistics", "procurement", "spend", "delivery"]


def intake(goal: str, *mentions: dict[str, str]) -> dict[str, Any]:
    catalogue = {"products": PRODUCTS, "playbooks": PLAYBOOKS, "settings": SETTINGS, "anchors": ANCHORS}
    return {"role": "intake", "goal": goal, "mentions": list(mentions), "catalogue": catalogue}


def planner(products: list[str], **more: Any) -> dict[str, Any]:
    catalogue = {"specialists": SPECIALISTS, "products": [{"name": p["name"], "title": p["title"]} for p in PRODUCTS]}
    base = {"role": "planner", "goal": "g", "products": products, "exclude": [], "settings": [], "catalogue": catalogue}
    return {**base, "plan": None, "failures": [], "errors": [], "next_id": 1, **more}

"""Supply-chain risk, declared: products, specialists, playbooks. What a specialist consumes is read off its tools' arguments."""

from pathlib import Path
from typing import Any

from graphs.specialists.base import Domain, Playbook, Product, Reading, Specialist
from graphs.specialists.supply_chain.entities import READ
from graphs.specialists.supply_chain.entities import read as read_entities
from graphs.specialists.supply_chain.facts import FACTS
from tools.supply_chain.catalogue import TOOLS
from tools.supply_chain.connectors import CONNECTORS
from tools.supply_chain.origins import origins_of
from tools.supply_chain.store import open_records, version_of
from tools.supply_chain.views import OPENED

PROMPTS = Path(__file__).parent / "prompts"

PRODUCTS = (
    Product("suppliers", "Suppliers and orders", ("suppliers", "vendors", "who do we buy from", "list of suppliers", "orders")),
    Product(
        "supplier_profile",
        "Supplier profile",
        ("profile", "one page", "summary of a supplier", "tell me about", "about supplier"),
    ),
    Product(
        "single_source",
        "Single-sourced items",
        ("single source", "single sourced", "sole source", "only one supplier", "alternatives"),
    ),
    Product("exposure", "Financial exposure", ("spend", "share", "top five", "concentration", "money", "largest suppliers")),
    Product(
        "country_exposure",
        "Exposure by country",
        ("exposed to one country", "country exposure", "dependence on a country", "made in"),
    ),
    Product(
        "period_comparison",
        "Periods compared",
        ("compared with the year", "compare years", "year against year", "year on year", "side by side with"),
    ),
    Product(
        "price_comparison",
        "Prices by supplier",
        ("price", "prices", "cheapest", "price comparison", "price per pack", "least expensive"),
    ),
    Product(
        "freight_costs",
        "Freight costs",
        ("freight cost", "freight bill", "total freight", "freight by country", "freight per kilogram"),
    ),
    Product("annual_spend", "Spend by year", ("spend by year", "annual spend", "per year", "trend of spend", "over the years")),
    Product(
        "deliveries",
        "Delivery performance",
        ("late", "delivery", "delivery risk", "on time", "worst on delivery", "delays", "punctual", "reliability"),
    ),
    Product(
        "mode_comparison",
        "Transport modes compared",
        ("modes", "air and ocean", "compare air", "compare modes", "freight", "transport"),
    ),
    Product(
        "network_deliveries",
        "Deliveries in the network",
        ("network", "all lines", "late lines", "overall delivery", "late deliveries"),
    ),
    Product(
        "country_risk",
        "Country risk",
        ("country risk", "risk of a country", "geopolitical", "geopolitics", "governance"),
    ),
    Product(
        "unstable_sites",
        "Sites in unstable countries",
        ("unstable sites", "unstable countries", "sites in unstable countries", "political stability"),
    ),
    Product(
        "sanctions",
        "Sanctions screening",
        ("sanctions", "sanctioned", "ofac", "sdn", "screen", "screening", "blacklist", "watch list", "embargo"),
    ),
    Product("country_indicators", "Country indicators", ("indicators", "world bank", "corruption", "rule of law", "indicator")),
    Product(
        "list_entries",
        "Entries of the sanctions list",
        ("sanctions list entry", "is on the list", "sdn entry", "search the list"),
    ),
    Product(
        "risk_scores",
        "Risk score per supplier",
        (
            "risk",
            "risk score",
            "riskiest",
            "risky suppliers",
            "supplier risk",
            "score",
            "score and rank",
            "rank suppliers by risk",
        ),
    ),
    Product(
        "approval_briefs",
        "Briefs for the approvers",
        ("brief", "approval brief", "who should be escalated", "draft cases", "draft"),
        live=True,
    ),
    Product(
        "case",
        "Escalation cases",
        (
            "escalate",
            "escalation",
            "open a case",
            "open cases",
            "open the cases",
            "raise a case",
            "create a case",
            "file a case",
            "start a case",
        ),
    ),
    Product(
        "cases",
        "Cases on record",
        ("list cases", "which cases", "cases are open", "overdue", "status of cases", "due"),
        live=True,
    ),
    Product("case_note", "Note on a case", ("add a note", "note on case", "note to case")),
    Product("case_assignment", "New owner of a case", ("assign case", "reassign", "new owner")),
    Product("case_due", "New due date of a case", ("due date", "postpone", "set due")),
    Product("case_closed", "Closed case", ("close case", "close the case", "resolve case")),
    Product("case_reminder", "Reminder to a case's owner", ("remind", "reminder", "chase the owner")),
    Product("query", "Answer from the records", ("query", "sql", "select", "records")),
)

SPECIALISTS = (
    Specialist(
        "procurement",
        "Procurement",
        "Knows what was ordered from whom. Suppliers, items, single sources.",
        ("list_suppliers", "supplier_profile", "single_sourced_items", "compare_prices"),
        PROMPTS / "procurement.md",
    ),
    Specialist(
        "finance",
        "Finance",
        "Measures money at stake. Spend, shares, concentration, by supplier, country and year.",
        ("financial_exposure", "country_exposure", "annual_spend", "compare_periods"),
        PROMPTS / "finance.md",
    ),
    Specialist(
        "country_risk",
        "Country risk",
        "Judges where goods are made. Governance indicators of the countries of manufacturing sites.",
        ("country_risk", "unstable_sites"),
        PROMPTS / "country_risk.md",
        fallbacks=(),
    ),
    Specialist(
        "shipments",
        "Shipments",
        "Measures deliveries. Late lines, days late, transport modes.",
        ("delivery_performance", "compare_modes", "network_deliveries", "freight_costs"),
        PROMPTS / "shipments.md",
    ),
    Specialist(
        "sanctions",
        "Sanctions",
        "Screens names against the sanctions list. Finds candidates for a human, never verdicts.",
        ("screen_suppliers",),
        PROMPTS / "sanctions.md",
    ),
    Specialist(
        "research",
        "Research",
        "Looks things up in outside sources. Country indicators and list entries.",
        ("country_indicators", "search_sanctions_list", "country_risk_from_ranks"),
        PROMPTS / "research.md",
    ),
    Specialist(
        "risk",
        "Risk",
        "Combines the parts into one score per supplier. Shows each part and its weight.",
        ("score_suppliers",),
        PROMPTS / "risk.md",
    ),
    Specialist(
        "approvals",
        "Approvals",
        "Assembles evidence and a recommendation for approvers. Never votes.",
        ("approval_briefs",),
        PROMPTS / "approvals.md",
    ),
    Specialist(
        "escalation",
        "Escalation",
        "Opens a case for a supplier over the threshold, with its owner notified and a due date.",
        ("open_case",),
        PROMPTS / "escalation.md",
        for_each="approval_briefs",
    ),
    Specialist(
        "cases",
        "Case desk",
        "Looks after open cases. Lists, assigns, notes, due dates, reminders, closing.",
        ("list_cases", "assign_case", "add_note", "set_due_date", "close_case", "remind_owner"),
        PROMPTS / "cases.md",
    ),
    Specialist(
        "records",
        "Records",
        "Answers from the records by one read-only query, for what no other specialist answers.",
        ("query_records",),
        PROMPTS / "records.md",
    ),
)

PLAYBOOKS = (
    Playbook(
        "supplier_risk",
        "Supplier risk across the network",
        "Analyze supplier risk across our logistics network",
        ("risk_scores", "case"),
        (
            "supplier risk",
            "vendor risk",
            "risk across",
            "risk analysis",
            "risk of our suppliers",
            "assess our suppliers",
            "supply chain risk",
            "risk in our supply chain",
        ),
    ),
    Playbook(
        "worst_delivery",
        "Worst suppliers on delivery",
        "Who is the worst on delivery?",
        ("deliveries",),
        ("worst on delivery", "latest supplier", "who delivers late", "delivery performance"),
    ),
    Playbook(
        "concentration",
        "Share of the largest suppliers",
        "What share of spend goes to the top five suppliers?",
        ("exposure",),
        ("top five", "share goes to", "concentration", "largest suppliers"),
    ),
    Playbook(
        "unstable",
        "Sites in unstable countries",
        "Which sites sit in unstable countries?",
        ("unstable_sites",),
        ("unstable", "unstable countries", "sites in unstable", "politically unstable", "political stability", "instability"),
    ),
    Playbook(
        "modes",
        "Transport modes compared",
        "Compare air and ocean",
        ("mode_comparison",),
        ("compare air", "air and ocean", "air versus ocean"),
    ),
    Playbook(
        "single_sourcing",
        "Single-sourced items",
        "Where are we single-sourced?",
        ("single_source",),
        ("single-sourced", "single source"),
    ),
    Playbook(
        "country_dependence",
        "Exposure to one country",
        "How exposed are we to one country?",
        ("country_exposure",),
        ("exposed", "exposed to", "exposure to a country", "depend on"),
    ),
    Playbook(
        "one_supplier",
        "One page on a supplier",
        "Give me a one-page summary of a supplier",
        ("supplier_profile",),
        ("one-page summary", "summary of", "supplier stopped tomorrow", "stopped tomorrow"),
    ),
    Playbook(
        "draft_cases",
        "Draft escalations without opening them",
        "Draft the escalations, do not open them",
        ("risk_scores", "approval_briefs"),
        ("draft the escalations", "draft escalation", "prepare escalations"),
    ),
    Playbook(
        "two_suppliers",
        "Suppliers compared",
        "Compare two suppliers on spend and late deliveries",
        ("exposure", "deliveries"),
        ("compare two suppliers", "suppliers side by side"),
        settings=("suppliers",),
    ),
    Playbook(
        "two_periods",
        "Two periods side by side",
        "Compare spend and late deliveries with 2012",
        ("period_comparison",),
        ("compare with a year", "two periods"),
        settings=("compare_years",),
    ),
    Playbook(
        "two_thresholds",
        "Escalation over two thresholds",
        "Open an escalation for every supplier with more than $10 million of spend and more than 10 % late lines",
        ("exposure", "deliveries", "case"),
        ("escalation over two thresholds", "suppliers over two thresholds", "over both thresholds"),
        settings=("min_spend", "min_late_rate"),
        exclude=("country_risk", "sanctions"),
    ),
    Playbook(
        "open_cases",
        "Cases and their due dates",
        "Which cases are overdue?",
        ("cases",),
        ("cases overdue", "cases are open", "which cases"),
    ),
)

ANCHORS = tuple(
    [
        "supplier",
        "vendor",
        "supply",
        "logistics",
        "shipment",
        "delivery",
        "order",
        "procurement",
        "purchase",
        "freight",
        "spend",
        "sanctions",
        "risk",
        "case",
        "escalation",
        "site",
        "country",
        "mode",
        "air",
        "ocean",
        "truck",
        "warehouse",
        "manufacturer",
        "exposure",
        "late",
        "record",
        "network",
    ]
)
SETTINGS = (
    "countries", "made_in", "suppliers", "supplier", "item", "modes", "year_from", "year_to", "compare_years", "product_groups",
    "min_lines", "min_spend", "min_late_rate", "max_percentile", "similarity", "by", "top", "order", "threshold", "case_id", "owner",
    "due", "resolution", "text", "reason", "message", "sql", "name", "status",
)  # fmt: skip


def read(goal: str, resources: Any) -> Reading:
    return read_entities(goal, resources.reading)


def domain() -> Domain:
    """The declaration the core asks for."""
    return Domain(
        name="supply_chain",
        title="Supply-chain risk",
        products=PRODUCTS,
        specialists=SPECIALISTS,
        playbooks=PLAYBOOKS,
        tools=TOOLS,
        settings=tuple(dict.fromkeys((*SETTINGS, *READ))),
        open=open_records,
        read=read,
        anchors=ANCHORS,
        facts=FACTS,
        version=lambda resources: version_of(resources.reading),
        origins=lambda resources: origins_of(resources.reading),
        verifier_tools=("check_evidence",),
        views=OPENED,
        asks={"supplier": "Which supplier do you mean?", "case_id": "Which case do you mean? Say its number."},
        policies=("core", "changes", "supply_chain"),
        owner="supply-chain risk",
        connectors=CONNECTORS,
    )

"""Topics that people ask about and these records do not hold: what is said instead of guessing. Called by `entities.read`."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Lack:
    """A topic, the words that show it, and what is missing for it."""

    topic: str
    words: str
    why: str


LACKS = (
    Lack(
        "CO₂ and other emissions",
        r"co2|co₂|carbon|greenhouse|ghg|emissions?|emitted|emit|footprint|scope [123]\b|climate|esg scores?",
        "the records hold weights and modes of some lines, but no distances, no fuel and no emission factors",
    ),
    Lack(
        "credit ratings and financial health",
        r"credit (?:rating|score|worthiness|risk)|creditworth\w*|credit|solven\w+|insolven\w+|bankrupt\w*|moody'?s|s ?& ?p|fitch"
        r"|financial (?:health|statements?|results?)|balance sheets?|profits?|profitability|liquidity|revenues?",
        "the records hold orders, not the finances of suppliers",
    ),
    Lack(
        "stock levels",
        r"stock ?(?:levels?|outs?)|in stock|on hand|inventor(?:y|ies)|warehouse stock|days of supply|reorder points?",
        "the records hold orders and deliveries, not what lies in a warehouse",
    ),
    Lack(
        "share prices and other market data",
        r"(?:share|stock|market) prices?|stock (?:market|exchange|quote)|market cap\w*|exchange rates?|shares? trad\w+",
        "the records hold prices paid on orders, not those of any market",
    ),
    Lack(
        "weather",
        r"wea?th?er(?: forecast)?|rain\w*|temperatures?|snow\w*|sunny|storms?|hurricanes?|typhoons?|forecast \w+ (?:tomorrow|week)",
        "there is no weather or forecast in the records",
    ),
    Lack(
        "people and what they earn",
        r"salar(?:y|ies)|wages?|payroll|employees?|headcount|holidays?|vacation",
        "the records hold no personal data beyond the owners of cases",
    ),
    Lack("news", r"news|headlines|press (?:release|coverage)|social media|twitter|linkedin", "no news source is connected"),
    Lack(
        "contracts and payment terms",
        r"contracts?|payment terms|invoices? (?:due|paid|open)|warrant(?:y|ies)|discounts?|penalt(?:y|ies)|sla\b",
        "the records hold orders and deliveries, no contracts or invoices",
    ),
    Lack(
        "quality and defects",
        r"defects?|defective|quality (?:audits?|complaints?|issues?|ratings?)|recalls?|returns? rate|complaints?|certificat\w+",
        "the records hold no inspections, complaints or certificates",
    ),
    Lack(
        "poems, jokes and the like",
        r"poems?|poetry|songs?|jokes?|stor(?:y|ies) about|recipes?|horoscopes?|movies?|lyrics|haikus?|limericks?",
        "this answers from records and writes nothing else",
    ),
)


def lacking(goal: str) -> str:
    """Why a goal cannot be met from these records, naming the words it was read from; empty when it may be."""
    text = goal.casefold().replace("’", "'")
    for lack in LACKS:
        if found := re.search(rf"(?<!\w)(?:{lack.words})(?!\w)", text):
            return f"“{found[0]}” asks for {lack.topic}, which is not there to answer from: {lack.why}."
    return ""

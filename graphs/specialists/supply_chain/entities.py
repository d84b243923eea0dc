"""What code alone reads from a goal: suppliers, countries, modes, case numbers and years, from what is on record.

A name that fits nothing is refused with the nearest ones, a name that fits several is asked back; no model is asked to guess.
Called by intake through the domain's `read`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process
from sqlalchemy import func, select

from database import Database
from graphs.specialists.base import Mention, Reading
from graphs.specialists.supply_chain.amounts import limits
from graphs.specialists.supply_chain.lacks import lacking
from models.listed import pack
from tools.supply_chain.tables import countries, items, order_lines, supplier_names, suppliers

ALSO_CALLED: dict[str, tuple[str, ...]] = {
    "COD": ("democratic republic of the congo", "congo drc", "congo kinshasa", "drc", "dr congo", "congo dr"),
    "COG": ("republic of the congo", "congo brazzaville", "congo republic"),
    "CIV": ("ivory coast", "côte d'ivoire", "cote d'ivoire", "côte d’ivoire"),
    "VNM": ("vietnam", "viet nam"),
    "SWZ": ("swaziland", "eswatini"),
    "TZA": ("tanzania",),
    "SSD": ("south sudan",),
    "KGZ": ("kyrgyzstan", "kyrgyz republic"),
    "LAO": ("laos",),
    "RUS": ("russia",),
    "KOR": ("south korea",),
    "USA": ("united states", "usa", "america"),
    "GBR": ("united kingdom", "uk", "britain"),
    "EGY": ("egypt",),
    "SYR": ("syria",),
    "VEN": ("venezuela",),
}
AMBIGUOUS: dict[str, tuple[str, ...]] = {"congo": ("Congo DRC", "Congo Republic")}
MODES: dict[str, tuple[str, ...]] = {
    "Air": ("air", "air freight", "airfreight", "by plane"),
    "Ocean": ("ocean", "sea", "sea freight", "by ship", "vessel", "vessels", "maritime"),
    "Truck": ("truck", "trucks", "road", "by truck", "lorry", "lorries"),
    "Air Charter": ("air charter", "charter"),
}
# What people call product groups and sub-classifications → how the records spell them.
GROUPS: dict[str, str] = {
    "HIV test": r"hiv (?:rapid )?(?:diagnostic )?tests?(?: kits?)?|rapid (?:hiv )?tests?|test kits?|rtks?",
    "Malaria": r"malaria (?:rapid )?tests?(?: kits?)?|mrdts?",
    "HRDT": r"hrdt",
    "ARV": r"arvs?|anti-?retrovirals?",
    "ACT": r"acts?(?= (?:only|spend|lines|drugs|products))|artemisinin\w*",
    "ANTM": r"anti-?malarials?",
    "Pediatric": r"p(?:a)?ediatric (?:arvs?|drugs|products|formulations?)",
}
# A country after these words made the goods; after any other it received them.
_MADE = (
    r"(?:made|manufactured|produced|sourced|sourcing|originating|coming|comes?|purchased|bought|factories|plants|sites|exports?"
    r"|suppl(?:y|ies)|goods|built)\s+(?:only\s+)?(?:in|from|of|out of)\s+(?:the\s+)?"
)
READ = ("made_in", "min_lines", "min_spend", "min_late_rate", "top", "item", "compare_years")  # settings that only code reads
COMMON = frozenset(
    [
        "limited",
        "ltd",
        "pharma",
        "pharmaceuticals",
        "pharmaceutical",
        "laboratories",
        "labs",
        "inc",
        "gmbh",
        "co",
        "kg",
        "plc",
        "private",
        "pvt",
        "company",
        "group",
        "account",
        "accounts",
        "the",
        "of",
        "and",
        "logistics",
        "logistic",
        "supply",
        "supplies",
        "supplier",
        "suppliers",
        "standard",
        "premier",
        "global",
        "national",
        "united",
        "first",
        "pure",
        "india",
        "south",
        "africa",
        "health",
        "care",
        "healthcare",
        "international",
        "medical",
        "trading",
        "services",
        "products",
        "chemicals",
        "fine",
        "new",
        "general",
    ]
)
_CASE = re.compile(r"\bcase\s*(?:no\.?|number|#)?\s*(\d{1,9})\b", re.IGNORECASE)
_SQL = re.compile(r"\b(select\s.+?\sfrom\s.+)", re.IGNORECASE | re.DOTALL)
_BECAUSE = re.compile(
    r"\b(?:because|saying|note|reason|resolution|with the text)\s*[:,]?\s+[\"“]?(.{3,400}?)[\"”]?\s*$", re.IGNORECASE
)
_ANSWERED = re.compile(r"\(([^()]{3,400})\)\s*$")  # what intake adds to a goal when its question was answered
_CLOSE = re.compile(r"\b(?:close|resolve)\b[^.]*\bcase\b", re.IGNORECASE)
_STANDING = re.compile(r"\b(overdue|closed)\b|\bare (?:still )?(open)\b", re.IGNORECASE)
_TO = re.compile(r"\b(?:assign|reassign)\b.*?\bto\s+([\w.@-]{2,60})", re.IGNORECASE)
_DAY = re.compile(r"\b(\d{4}-\d{2}-\d{2})\b")
_QUOTED = re.compile(r"[\"“']([^\"”']{3,80})[\"”']")
_RELATIVE = re.compile(r"\b(last|this|past|current|next) (quarter|month|week|year)\b|\byesterday\b", re.IGNORECASE)
_EXPOSED = r"(?:expos\w+(?: \w+){0,3} to|depend\w* on|reli(?:ant|ance) on|exports? from)\s+(?:the\s+)?"
_OPEN_CASE = re.compile(
    r"\b(?:open|raise|create|start|file|opening)\b[^.?!]*\b(?:case|escalation)\b|^\s*(?:please |pls )?escalate\b", re.IGNORECASE
)
_FORMS = (
    r"(?:Pharmaceuticals?|Pharma|Ltd|Limited|Laborator(?:y|ies)|Labs|Inc|GmbH|AG|AB|SA|SAS|BV|NV|PLC|Plc|LLC|Corp|Co|Biotest"
    r"|Biotech|Diagnostics|Healthcare|Chemicals|Logistics|Industries)"
)
_FIRM = re.compile(rf"\b([A-Z][\w&'’-]+(?: [A-Z][\w&'’-]+)* {_FORMS}\b\.?)")
_NAMED_SUPPLIER = re.compile(r"\b(?:[Ss]upplier|[Vv]endor) ((?:[A-Z][\w&'’-]+ ?){1,4})")
_BESIDE = re.compile(r"\bcompar\w+\b[^.;]*?\b(?:with|to|against) ((?:19|20)\d\d)\b", re.IGNORECASE)
_LEFT_OUT_MODE = re.compile(
    r"\b(?:not|no|without|excluding|except|but not) (?:by )?(?:air charter|charter|air|ocean|sea|trucks?|road)\b"
)
_INTENT_ONLY = re.compile(
    r"\bskip (the )?approvals?\b|\bwithout (any )?approvals?\b|\bno approvals? needed\b"
    r"|\bapprove (?:\w+ ){0,2}(?:yourself|everything|all)\b|\b(?:ignore|bypass|forget|override|skip)\b.{0,40}"
    r"\b(?:sign-?off|approvals?|rules?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Gazetteer:
    """Names on record: lower-case spelling → canonical value."""

    suppliers: dict[str, str]
    words: dict[str, set[str]]
    countries: dict[str, str]
    items: tuple[str, ...]
    first_year: int
    last_year: int

    @classmethod
    def load(cls, db: Database) -> "Gazetteer":
        """From the system of record. Empty where nothing is loaded."""

        def work(c):  # type: ignore[no-untyped-def]
            named = c.execute(
                select(supplier_names.c.name, suppliers.c.name)
                .join(suppliers, suppliers.c.id == supplier_names.c.supplier_id)
                .where(suppliers.c.internal.is_(False))
            ).all()
            own = c.execute(select(suppliers.c.name).where(suppliers.c.internal.is_(False))).scalars().all()
            lands = c.execute(select(countries.c.iso3, countries.c.name)).all()
            described = c.execute(select(items.c.description).distinct()).scalars().all()
            span = c.execute(select(func.min(order_lines.c.day), func.max(order_lines.c.day))).one()
            return named, own, lands, described, span

        named, own, lands, described, span = db.run_sync(work)
        by_name = {name.lower(): name for name in own} | {alias.lower(): name for alias, name in named}
        words: dict[str, set[str]] = {}
        for alias, name in by_name.items():
            brand = next(iter(re.findall(r"[a-z0-9]{4,}", alias)), "")  # the first word tells firms apart; later ones describe
            if brand and brand not in COMMON:
                words.setdefault(brand, set()).add(name)
        places = {name.lower(): iso3 for iso3, name in lands}
        known = set(places.values())
        places |= {alias: iso3 for iso3, aliases in ALSO_CALLED.items() if iso3 in known for alias in aliases}
        years = (span[0].year, span[1].year) if span[0] else (0, 0)
        return cls(by_name, words, places, tuple(filter(None, described)), *years)


def flatten(text: str) -> str:
    """Lower case, punctuation as spaces."""
    return " ".join(re.sub(r"[^\w ]+", " ", text.lower()).split())


def find_countries(text: str, known: dict[str, str]) -> tuple[list[tuple[str, str]], tuple[str, str] | None]:
    """[(iso3, as written)], and the first ambiguous name with no fuller one beside it."""
    found: list[tuple[str, str]] = []
    rest = f" {flatten(text)} "
    for name in sorted(known, key=len, reverse=True):
        flat = flatten(name)
        if f" {flat} " in rest:
            found.append((known[name], name))
            rest = rest.replace(f" {flat} ", "  ")
    doubtful = next(((word, word) for word in AMBIGUOUS if f" {word} " in rest), None)
    return found, doubtful


def find_suppliers(text: str, gazetteer: Gazetteer) -> tuple[list[tuple[str, str]], tuple[str, Sequence[str]] | None]:
    """[(canonical name, as written)], and the first word that fits several suppliers."""
    lower, found = text.lower(), []
    for alias in sorted(gazetteer.suppliers, key=len, reverse=True):
        if len(alias) > 3 and re.search(rf"(?<!\w){re.escape(alias)}(?!\w)", lower):
            found.append((gazetteer.suppliers[alias], alias))
            lower = lower.replace(alias, " ")
    doubtful = None
    for word in re.findall(r"[a-z0-9]{4,}", lower):
        names = gazetteer.words.get(word)
        if not names:
            tried = len(word) > 5 and word not in COMMON
            close = process.extractOne(word, list(gazetteer.words), scorer=fuzz.ratio, score_cutoff=88) if tried else None
            names = gazetteer.words[close[0]] if close else None
        if names and len(names) == 1:
            found.append((next(iter(names)), word))
        elif names and doubtful is None and not {name for name, _ in found} & names:
            doubtful = (word, sorted(names))
    return list({name: (name, word) for name, word in reversed(found)}.values())[::-1], doubtful


def made_in(goal: str, gazetteer: Gazetteer) -> list[tuple[str, str]]:
    """The countries that a goal names as those of manufacture: "made in India", "Indian factories", "exposed to India"."""
    text = flatten(goal)
    found = []
    for name, iso3 in gazetteer.countries.items():
        flat = re.escape(flatten(name))
        people = rf"{flat}(?:n|an|ian|ese|i)?\s+(?:factor\w+|plants?|sites?|manufactur\w+|producers?|makers?|goods|products)"
        if re.search(rf"\b(?:{_MADE}|{_EXPOSED}){flat}\b|\b{people}\b", text):
            found.append((iso3, name))
    return found


def find_items(goal: str, known: Sequence[str]) -> list[tuple[str, str]]:
    """[(item as the records spell it, as written)]: the one whose name, strength and pack size the goal gives, else none.

    A name that fits several items fits none: which of them is meant would be a guess.
    """
    text = flatten(re.sub(r"(\d)\s+(mg|ml|g)\b", r"\1\2", goal.lower()))
    words = text.split()
    best: list[tuple[int, str]] = []
    for name in known:
        own = flatten(name.lower()).split()
        if not own or own[0] not in words or len(own[0]) < 5:
            continue
        figures = [word for word in own if word[0].isdigit()]
        if all(word in words for word in figures):
            best.append((len(figures), name))
    most = max((count for count, _ in best), default=0)
    said = set(words)
    spare = {name: len(set(flatten(name.lower()).split()) - said) for count, name in best if count == most and most > 1}
    fits = [name for name, count in spare.items() if count == min(spare.values())]
    if len(fits) != 1:
        return []
    parts = set(flatten(fits[0].lower()).split())
    return [
        (fits[0], " ".join(word for word in re.findall(r"\w+", goal) if word.lower() in parts or word.lower() in ("mg", "ml")))
    ]


def unknown_firm(goal: str, gazetteer: Gazetteer) -> str:
    """A refusal for a firm that is named like one and is not on record, with the nearest names; empty when none is."""
    named = _FIRM.search(goal) or _NAMED_SUPPLIER.search(goal)
    if not named or flatten(named[1]).split()[0] in COMMON:
        return ""
    near = process.extract(named[1].lower(), list(gazetteer.suppliers), scorer=fuzz.WRatio, limit=3)
    nearest = "; ".join(dict.fromkeys(gazetteer.suppliers[match[0]] for match in near))
    return f"No supplier on record is called “{named[1]}”. The nearest names are: {nearest}."


def read(goal: str, db: Database) -> Reading:
    """Entities, the reasons to ask or to decline, and notes that belong into the answer."""
    gazetteer = Gazetteer.load(db)
    if not gazetteer.last_year:
        return Reading(
            refusal="No order lines are loaded, so there is nothing to answer from: run `clearance data demo` for the generated "
            "company, or `clearance data import` for your own files."
        )
    mentions: list[Mention] = []
    notes: list[str] = []
    if sql := _SQL.search(goal):
        return Reading((Mention("sql", sql[1].strip().rstrip(";"), ""),))
    if missing := lacking(goal):
        return Reading(refusal=missing)
    places, doubtful_place = find_countries(goal, gazetteer.countries)
    if doubtful_place:
        word = doubtful_place[0]
        return Reading(
            question=f"“{word.title()}” can be more than one country. Which one do you mean?", choices=AMBIGUOUS[word]
        )
    made = made_in(goal, gazetteer)
    wares = find_items(goal, gazetteer.items)
    firms, doubtful_firm = find_suppliers(
        re.sub("|".join(re.escape(p) for p in [*(p for _, p in places), *(t for _, t in wares)]) or r"\b\B", " ", goal.lower()),
        gazetteer,
    )
    if doubtful_firm:
        word, names = doubtful_firm
        return Reading(question=f"“{word}” fits more than one supplier. Which one do you mean?", choices=tuple(names))
    for setting, found in (("made_in", made), ("countries", [place for place in places if place not in made])):
        if found:
            mentions.append(Mention(setting, pack(iso3 for iso3, _ in found), ", ".join(text for _, text in found)))
    if wares:
        mentions.append(Mention("item", wares[0][0], wares[0][1]))
    kinds = {name: match[0] for name, words in GROUPS.items() if (match := re.search(rf"\b(?:{words})\b", goal, re.IGNORECASE))}
    if kinds and not wares:
        mentions.append(Mention("product_groups", pack(kinds), ", ".join(kinds.values())))
    if firms:
        mentions.append(Mention("suppliers", pack(name for name, _ in firms), ", ".join(text for _, text in firms)))
        if len(firms) == 1:
            mentions.append(Mention("supplier", firms[0][0], firms[0][1]))
        if _OPEN_CASE.search(goal):  # somebody named the supplier: whether a score would have named it too is not the question
            mentions.append(Mention("threshold", "0", ""))
    elif unknown := unknown_firm(goal, gazetteer):
        return Reading(refusal=unknown)
    bounds = list(limits(goal))
    mentions += bounds
    if {"min_spend", "min_late_rate"} <= {m.setting for m in bounds}:
        mentions.append(Mention("threshold", "0", ""))
    for quoted in _QUOTED.findall(goal):
        if not firms and not places and re.search(r"\b(supplier|vendor|company)\b", goal, re.IGNORECASE):
            near = [gazetteer.suppliers[m[0]] for m in process.extract(quoted.lower(), list(gazetteer.suppliers), limit=3)]
            return Reading(
                refusal=f"No supplier on record is called “{quoted}”. The nearest names are: {'; '.join(dict.fromkeys(near))}."
            )
    lower = f" {_LEFT_OUT_MODE.sub(' ', goal.lower())} "
    modes = [mode for mode, words in MODES.items() if any(re.search(rf"\b{w}\b", lower) for w in words)]
    if "Air Charter" in modes and "air" not in re.sub(r"air charter", "", lower):
        modes.remove("Air")
    if modes:
        mentions.append(Mention("modes", pack(modes), ""))
    if case := _CASE.search(goal):
        mentions.append(Mention("case_id", case[1], case[0]))
        why = _BECAUSE.search(goal) or _ANSWERED.search(goal)
        if not why and _CLOSE.search(goal):
            return Reading(question=f"How was case {case[1]} resolved? The resolution is kept with the case.")
        if why:
            mentions += [Mention(name, why[1].strip(), "") for name in ("resolution", "text", "reason", "message")]
        if day := _DAY.search(goal):
            mentions.append(Mention("due", day[1], day[0]))
        if to := _TO.search(goal):
            mentions.append(Mention("owner", to[1], to[0]))
    about_cases = re.search(r"\bcases?\b", goal, re.IGNORECASE)  # cases live in the present, orders do not
    if about_cases and not case and (standing := _STANDING.search(goal)):
        mentions.append(Mention("status", (standing[1] or standing[2]).lower(), ""))
    if not about_cases and (relative := _RELATIVE.search(goal)):
        return Reading(
            refusal=f"The records run from {gazetteer.first_year} to {gazetteer.last_year}, so “{relative[0]}” is not among them. "
            f"Name a year or a span of years, for example “in {gazetteer.last_year}”."
        )
    if beside := _BESIDE.search(goal):
        mentions.append(Mention("compare_years", beside[1], beside[0]))
    years = [int(y) for y in re.findall(r"\b(19[5-9]\d|20\d\d)\b", _DAY.sub("", goal))]
    outside = [y for y in years if gazetteer.last_year and not gazetteer.first_year <= y <= gazetteer.last_year]
    if outside:
        return Reading(
            refusal=f"The records run from {gazetteer.first_year} to {gazetteer.last_year}; {outside[0]} is not among them."
        )
    if _INTENT_ONLY.search(goal):
        notes.append("Approvals are decided by policy and by the people it names; a request to skip them changes nothing.")
    return Reading(tuple(mentions), notes=tuple(notes))

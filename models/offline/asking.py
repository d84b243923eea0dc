"""Simple questions over the facts that a catalogue describes: which measure, by what, in which order; and the SELECT for them.

"Average freight per kg by mode in 2014" is a measure, a group, a filter. Words, columns and filters come with the brief; nothing
here knows a domain. Used by `reading.py` only.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models.listed import unpack
from models.offline.request import Json
from models.offline.words import split, stem

MOST = 50  # rows of a grouped answer
_BY = (
    r"(?:by|per|each|every|which|what|for each|across|rank(?:ing)?(?: the| our| all)?|list(?: the| our| all)?|top|worst|best|\d+"
    r"|two|three|four|five|six|seven|eight|nine|ten)"
)
_BLANK = (
    r"(?:no|without|w/o|missing|blank|empty|lack\w*|never recorded|not recorded|unrecorded|unknown|not given|not stated|never stated"
    r"|not filled|absent)"
)
_COUNTED = re.compile(r"\b(?:how many|number of|count(?: of)?)\b")
_LOWEST = re.compile(r"\b(?:lowest|least|smallest|fewest|cheapest|bottom|best|minimum)\b")
_LATER = re.compile(r"\b(?:worst|highest|most|largest|biggest|top|greatest|maximum)\b")


@dataclass(frozen=True)
class Question:
    """What is asked of the facts: measures in the order they are said, the group ("" for none), the empty column ("" for none)."""

    measures: tuple[Json, ...]
    group: str
    blank: str = ""

    @property
    def products(self) -> list[str]:
        """The product of each measure's own tool, where there is one for this group; "" where there is none."""
        return [str(one["products"].get(self.group, "")) for one in self.measures]


def phrases(text: str, words: Iterable[str]) -> list[tuple[int, int]]:
    """Where a text's stems have one of the phrases: (start, end) pairs, the longest first."""
    said = [stem(word) for word in split(text)]
    found = []
    for phrase in words:
        wanted = [stem(word) for word in split(phrase)]
        found += [(at, at + len(wanted)) for at in range(len(said) - len(wanted) + 1) if said[at : at + len(wanted)] == wanted]
    return sorted(found, key=lambda span: span[0] - span[1])


def ask_facts(goal: str, facts: Json, raw: str = "") -> Question | None:
    """The question a goal puts to the facts, or None. `raw` is the goal with its negations, for what is left blank."""
    taken: list[tuple[int, int]] = []
    measures: list[tuple[int, Json]] = []
    spans = [(span, one) for one in facts["measures"] for span in phrases(goal, one["words"])]
    for span, one in sorted(spans, key=lambda pair: pair[0][0] - pair[0][1]):
        if any(span[0] < end and start < span[1] for start, end in taken):
            continue
        taken.append(span)
        if one["name"] not in {m["name"] for _, m in measures}:
            measures.append((span[0], one))
    measures.sort(key=lambda pair: pair[0])
    blank = blank_column(raw or goal, facts)
    if not measures and not blank:
        return None
    chosen = [one for _, one in measures] or [one for one in facts["measures"] if one["columns"][0].startswith("COUNT(*)")][:1]
    if blank:  # "how many lines have no mode" counts lines, whatever else is said
        chosen = [one for one in facts["measures"] if one["columns"][0].startswith("COUNT(*)")][:1]
    elif len(chosen) > 1:  # "how many late lines" is about what is late; "late deliveries" counts nothing else
        chosen = [one for one in chosen if not one["columns"][0].startswith("COUNT(*)")] or chosen
    return Question(tuple(chosen), "" if blank else group_of(goal, facts), blank)


def group_of(goal: str, facts: Json) -> str:
    """What a goal groups by: a group's word after "by", "per", "which" and the like, or in the plural at its head; else ""."""
    text = " ".join(split(goal))
    best: tuple[int, int, str] | None = None
    for group in facts["groups"]:
        for word in group["words"]:
            name = " ".join(split(word))
            forms = rf"{re.escape(name)}(?:s|es)?"
            asked = name in ("who", "whom", "anyone", "where") and re.search(rf"\b{name}\b", text)
            named = re.search(rf"\b{_BY}(?: \w+){{0,2}}? {forms}\b", text)
            if named or asked:
                rank = (0 if named else 1, -len(name), str(group["name"]))
                best = rank if best is None or rank < best else best
    return best[2] if best else ""


def blank_column(goal: str, facts: Json) -> str:
    """The column that a goal asks to be empty ("lines without a mode"), or ""."""
    text = " ".join(goal.casefold().replace("'", "").split())
    if not _COUNTED.search(text):  # "no country risk" leaves something out, it counts no blanks
        return ""
    for group in facts["groups"]:
        for word in sorted(group["words"], key=len, reverse=True):
            before = rf"\b{_BLANK}(?: (?:a|an|any|the|shipment|transport)){{0,2}} {re.escape(word)}\b"
            after = rf"\b{re.escape(word)}\b(?: \w+){{0,3}} {_BLANK}\b"
            if word not in ("who", "whom", "anyone", "where") and (re.search(before, text) or re.search(after, text)):
                return str(group["column"])
    return ""


def compose(question: Question, goal: str, settings: Sequence[Json], facts: Json) -> str:
    """One SELECT for the question, narrowed by the settings that the facts know a column for."""
    given = {item["name"]: str(item["value"]) for item in settings}
    group = next((one["column"] for one in facts["groups"] if one["name"] == question.group), "")
    where = [one["where"] for one in question.measures if one["where"]]
    where += [one["where"] for one in facts["groups"] if one["name"] == question.group and one["where"]]
    where += [sql for sql, words in facts["scopes"].items() if phrases(goal, words)]
    for name, columns in facts["filters"].items():
        if given.get(name):
            values = ", ".join(literal(value) for value in unpack(given[name]))
            narrowed = " OR ".join(f"{column} IN ({values})" for column in columns)
            where.append(f"({narrowed})" if len(columns) > 1 else narrowed)
    if first := given.get("year_from"):
        where.append(f"{facts['day']} >= '{int(first)}-01-01'")
    if last := given.get("year_to"):
        where.append(f"{facts['day']} <= '{int(last)}-12-31'")
    if question.blank:
        where.append(f"{question.blank} IS NULL")
    having = [f"{sql} >= {float(given[name]):g}" for name, sql in facts["at_least"].items() if given.get(name) and group]
    columns = list(dict.fromkeys(column for one in question.measures for column in one["columns"]))
    select = [f"{group} AS {question.group}", *columns] if group else columns
    sql = f"SELECT {', '.join(select)} FROM {facts['view']}"
    if where:
        sql += f" WHERE {' AND '.join(dict.fromkeys(where))}"
    if not group:
        return sql
    sql += f" GROUP BY {group}" + (f" HAVING {' AND '.join(having)}" if having else "")
    order = columns[0].rpartition(" AS ")[2]
    if question.group == facts.get("time", "year"):
        return f"{sql} ORDER BY {question.group}"
    return f"{sql} ORDER BY {order} {'ASC' if lowest(goal) else 'DESC'}, {question.group} LIMIT {int(given.get('top') or MOST)}"


def literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def lowest(goal: str) -> bool:
    """Does a goal want the smallest first?"""
    text = " ".join(split(goal))
    return bool(_LOWEST.search(text)) and not _LATER.search(text)

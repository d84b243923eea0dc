"""Which products a goal asks for, where the catalogue describes facts: topics by their names, and questions to the facts.

A question that a typed tool answers with all its filters goes to that tool; any other becomes one SELECT. Called by `reading.py`
before its matching by weights, which is left with what is said in other words.
"""

from dataclasses import dataclass, replace

from models.listed import unpack
from models.offline.asked import drafts
from models.offline.asking import Question, ask_facts, compose
from models.offline.catalogue import Candidate, Catalogue
from models.offline.replies import answer, clarified
from models.offline.request import Json

VAGUE = 3  # readings of a single word from which it is asked back


@dataclass(frozen=True)
class Goal:
    """A goal as it was read. `rest`: without names and what it leaves out; `words`: its topic in stems."""

    spelt: str
    rest: str
    words: list[str]
    exclude: list[str]
    settings: list[Json]

    @property
    def given(self) -> dict[str, str]:
        return {item["name"]: str(item["value"]) for item in self.settings}


def by_facts(goal: Goal, catalogue: Catalogue) -> Json | None:
    """An Intake, or None when neither a topic nor a measure is named."""
    if choices := readings(goal, catalogue):
        return clarified("That can mean several things. Which one do you want?", choices)
    topics = named(goal.words, catalogue)
    question = ask_facts(goal.rest, catalogue.facts or {}, goal.spelt)
    if question and not topics and not plausible(goal, catalogue):
        return None
    if question and question.blank:  # "lines without a mode" leaves nothing out, and is about nothing else
        goal, topics = replace(goal, exclude=[]), []
    products = list(dict.fromkeys(product for topic in topics for product in topic.products))
    settings, exclude = list(goal.settings), [*goal.exclude, *left_out(goal, products, catalogue)]
    for rule in catalogue.candidates:  # a setting that only one kind of goal has: "… compared with 2012"
        if rule.playbook and len(rule.settings) == 1 and rule.settings <= set(goal.given) - catalogue.narrowing:
            products += rule.products
    if question:
        asked = grouped(question, goal)
        typed, rest = split_up(asked, goal, catalogue)
        products += typed
        exclude = [product for product in exclude if product not in typed]  # "air, not air charter" narrows: nothing falls
        if rest and "query" in catalogue.products:
            sql = compose(replace(asked, measures=tuple(rest)), goal.spelt, goal.settings, catalogue.facts or {})
            products.append("query")
            settings.append({"name": "sql", "value": sql})
    elif not topics:
        products = compared(goal, catalogue)
    if drafts(goal.spelt):
        changing = [c for c in catalogue.products.values() if c.changes and c.products[0] in products and c.drafted_as]
        products += [c.drafted_as for c in changing]
        exclude += [c.products[0] for c in changing]
    products = [p for p in dict.fromkeys(products) if p not in exclude and p in catalogue.products]
    # What cannot be made of this goal goes, if anything else is left ("side by side" of one period).
    products = [p for p in products if catalogue.products[p].requires <= {s["name"] for s in settings}] or products
    return answer("goal", products=products, exclude=list(dict.fromkeys(exclude)), settings=settings) if products else None


def readings(goal: Goal, catalogue: Catalogue) -> list[str]:
    """Titles of what a goal of a single word may mean, when there are several and nothing narrows it."""
    if len(set(goal.words)) != 1 or goal.settings or goal.exclude:
        return []
    word = goal.words[0]
    found = [c for c in catalogue.products.values() if word in {stem for name in c.names for stem in name} and not c.changes]
    return [c.title for c in found][:5] if len(found) >= VAGUE else []


def named(words: list[str], catalogue: Catalogue) -> list[Candidate]:
    """The playbooks and products whose names a goal has, longest names first; no word is counted twice."""
    spans: list[tuple[int, bool, int, tuple[int, ...], Candidate]] = []
    for order, candidate in enumerate(catalogue.candidates):
        if set(candidate.products) <= catalogue.measured:
            continue
        for name in candidate.names:
            if set(name) <= catalogue.grouped or not (places := found_at(words, name)):
                continue
            spans.append((-len(name), not candidate.playbook, order, places, candidate))
    taken: set[int] = set()
    chosen: dict[str, Candidate] = {}
    for *_, places, candidate in sorted(spans, key=lambda span: span[:3]):
        if not taken & set(places):
            taken |= set(places)
            chosen.setdefault(candidate.title, candidate)
    return list(chosen.values())


def found_at(words: list[str], name: tuple[str, ...]) -> tuple[int, ...]:
    """The places of a name's stems in a goal, in order, at most one word between two of them; empty when it is not there."""
    for start, word in enumerate(words):
        places = [start] if word == name[0] else []
        for wanted in name[1:]:
            following = (
                [at for at in range(places[-1] + 1, min(places[-1] + 3, len(words))) if words[at] == wanted] if places else []
            )
            places = [*places, following[0]] if following else []
        if places:
            return tuple(places)
    return ()


def plausible(goal: Goal, catalogue: Catalogue) -> bool:
    """Is more of a question known than one word of it? "Why is my train late?" is not about these records."""
    spoken = {*catalogue.vocabulary, *catalogue.anchors, *catalogue.fact_stems}
    known = {word for word in goal.words if word in spoken}
    return len(known) > 1 or bool(goal.settings) or not set(goal.words) - known


def left_out(goal: Goal, products: list[str], catalogue: Catalogue) -> list[str]:
    """What the playbooks whose settings are all named do without, unless the goal names it."""
    rules = [c for c in catalogue.candidates if c.playbook and len(c.settings) > 1 and c.settings <= set(goal.given)]
    return [product for rule in rules for product in rule.exclude if product not in products]


def compared(goal: Goal, catalogue: Catalogue) -> list[str]:
    """Nothing but several names ("Cipla vs Hetero"): the products that compare such names."""
    many = {name for name, value in goal.given.items() if len(unpack(value)) > 1}
    found = [c for c in catalogue.candidates if c.playbook and len(c.settings) == 1 and c.settings <= many]
    return list(found[0].products) if found and not goal.words else []


def grouped(question: Question, goal: Goal) -> Question:
    """The question, grouped by the names it compares, where it does not say by what."""
    if question.group or question.blank:
        return question
    given = goal.given
    if given.get("suppliers") or "top" in given:
        return replace(question, group="supplier")
    if len(unpack(given.get("modes", ""))) > 1:
        return replace(question, group="mode")
    return replace(question, group="made") if given.get("made_in") and shares(goal.spelt) else question


def shares(text: str) -> bool:
    """Is a part of the whole asked for? Then the names pick rows, and narrow nothing."""
    return any(word in text for word in ("share", "percent", "%", "exposed", "exposure", "depend", "part of", "proportion"))


def split_up(question: Question, goal: Goal, catalogue: Catalogue) -> tuple[list[str], list[Json]]:
    """(products of typed tools that take all the goal's filters, the measures that are left to a query)."""
    typed: list[str] = []
    rest: list[Json] = []
    narrowing = {name for name in goal.given if name in catalogue.narrowing}
    for measure, product in zip(question.measures, question.products, strict=True):
        candidate = catalogue.products.get(product)
        if candidate and not question.blank and (narrowing <= candidate.settings or not measure["columns"]):
            typed.append(product)
        elif measure["columns"]:
            rest.append(measure)
    return typed, rest

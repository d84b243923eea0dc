"""Intake: which products of the catalogue a message asks for, or why it has to be asked back or declined.

Matching is by word stems, weighted by how rare they are in the catalogue. It sees only the catalogue in the brief; entities
were found by code before (`mentions`).
"""

import re
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA

from models.offline.asked import asked_settings, leave_out
from models.offline.catalogue import Catalogue, Match
from models.offline.deciding import Goal, by_facts
from models.offline.following import about, asks_back, change, changes
from models.offline.replies import answer, clarified
from models.offline.request import Json, Reply, Request, Turn
from models.offline.words import STOP, fold, split, stem, without

LEAST = 0.34  # share of a goal's weight that its best reading must explain
NEAR = 0.92  # a second reading this close to the best is a second reading
ENOUGH = 0.7  # of an ordinary word's weight, for a further reading to add its products
_OFF_TOPIC = "poem poetry song joke story weather forecast recipe salary horoscope movie lyrics"
OFF_TOPIC = frozenset(stem(word) for word in _OFF_TOPIC.split())


@dataclass(frozen=True)
class Asked:
    """A goal, split: its topic in stems, and what it does not want. `plainly`: all of its topic is one name, in a sentence."""

    words: list[str]
    exclude: list[str]
    plainly: bool = False


def take(brief: Json, turn: Turn, request: Request) -> Reply:
    """An `Intake` for the goal."""
    catalogue = Catalogue.of(brief["catalogue"])
    goal, mentions = str(brief["goal"]), list(brief.get("mentions") or ())
    if any(one["setting"] == "sql" for one in mentions):
        settings = asked_settings("", mentions, catalogue.settings)
        return Reply(answer={"name": "Intake", "value": answer("goal", products=["query"], settings=settings)})
    spelt = spelling(goal, catalogue, mentions)
    rest, exclude = leave_out(without(spelt, mentions) if catalogue.facts else spelt, catalogue)
    words = topic(rest, mentions)
    plainly = len(words) == 1 and len(split(goal)) > 1 and any(tuple(words) in c.names for c in catalogue.candidates)
    asked = Asked(words, exclude, plainly)
    settings = asked_settings(goal, mentions, catalogue.settings)
    before = brief.get("before")
    if before and asks_back(goal):
        return Reply(answer={"name": "Intake", "value": answer("explain", products=about(words, catalogue, before))})
    if before and changes(goal, words, settings, exclude):
        return Reply(answer={"name": "Intake", "value": amend(goal, asked, before, catalogue, settings)})
    examples = {tuple(split(one["example"])): one["products"] for one in brief["catalogue"]["playbooks"] if one.get("example")}
    products = [product for product in examples.get(tuple(split(goal)), ()) if product not in exclude]
    if products and not settings:
        return Reply(answer={"name": "Intake", "value": answer("goal", products=products, exclude=exclude, settings=settings)})
    value = decide(asked, bool(mentions), catalogue, settings)
    if catalogue.facts:
        words = topic(rest, mentions)
        value = by_facts(Goal(spelt, without(rest, mentions), words, exclude, settings), catalogue) or value
    return Reply(answer={"name": "Intake", "value": value})


def spelling(goal: str, catalogue: Catalogue, mentions: list[Json]) -> str:
    """The goal, folded, with words that are one or two letters off a word of the catalogue put right."""
    named = {word for mention in mentions for word in split(str(mention.get("text", "")))}
    known = [word for word in catalogue.lexicon if len(word) > 4]

    def put_right(match: re.Match[str]) -> str:
        word = match[0]
        if len(word) < 6 or word in catalogue.lexicon or word in STOP or word in named or stem(word) in catalogue.vocabulary:
            return word
        best = process.extractOne(word, known, scorer=OSA.distance, score_cutoff=1 if len(word) < 8 else 2)
        return best[0] if best and best[0][0] == word[0] else word

    return re.sub(r"[a-z]+", put_right, fold(goal))


def amend(goal: str, asked: Asked, before: Json, catalogue: Catalogue, settings: list[Json]) -> Json:
    """What a message changes of the goal before it: products that it names besides, those it leaves out, its settings."""
    added: list[str] = []
    valued = {stem(word) for setting in settings for word in split(setting["value"])}  # "only ocean" asks for no comparison
    asked = Asked([word for word in asked.words if word not in valued], asked.exclude)
    if asked.words:
        read = decide(asked, True, catalogue, settings)
        added = read["products"] if read["kind"] == "goal" else []
    changed = change(goal, before, settings)
    if not added and not changed and not asked.exclude and asked.words:
        return decide(asked, bool(settings), catalogue, settings)  # it only opened like a change
    return answer("amend", products=added, exclude=asked.exclude, settings=[*changed, *asked_anew(before, changed, catalogue)])


def asked_anew(before: Json, changed: list[Json], catalogue: Catalogue) -> list[Json]:
    """The goal's query with the changed settings in it: one that stayed as it was would drop them silently."""
    settings = {one["name"]: str(one["value"]) for one in [*(before.get("settings") or ()), *changed]}
    if not catalogue.facts or not settings.pop("sql", "") or not changed:
        return []
    goal = spelling(str(before["goal"]), catalogue, [])
    kept = [{"name": name, "value": value} for name, value in settings.items() if value]
    read = by_facts(Goal(goal, goal, topic(goal, []), [], kept), catalogue)
    return [one for one in read["settings"] if one["name"] == "sql"] if read else []


def topic(goal: str, mentions: list[Json]) -> list[str]:
    """The stems of the goal, less the words that only name an entity, years and other numbers."""
    return [stem(word) for word in split(without(goal, mentions)) if word not in STOP and not word.isdigit()]


def decide(asked: Asked, mentioned: bool, catalogue: Catalogue, settings: list[Json]) -> Json:
    """The Intake's fields."""
    words = asked.words
    if off := [w for w in words if w in OFF_TOPIC and w not in catalogue.vocabulary]:
        return declined(catalogue, f"that is not what this can help with ({', '.join(off)})")
    matches = catalogue.match(words)
    if asked.plainly:
        matches.sort(key=lambda match: (tuple(words) not in match.candidate.names, match.candidate.playbook))
    if len(set(words)) == 1 and not mentioned and len(matches) > 1 and not asked.plainly:
        return clarified("That can mean several things. Which one do you want?", [m.candidate.title for m in matches[:4]])
    if not matches or not (mentioned or catalogue.anchored(words)):
        if mentioned and not words:
            return clarified("What would you like to know about it?", catalogue.offers())
        return declined(catalogue, "nothing in it names something that can be looked up here")
    best = matches[0]
    if best.share < LEAST:
        return declined(catalogue, "too little of it matches what can be looked up here")
    rivals = [m for m in matches[1:] if rival(best, m) and not asked.plainly]
    if rivals:
        choices = [m.candidate.title for m in [best, *rivals[:3]]]
        return clarified("That can be read in more than one way. Which one do you mean?", choices)
    products = [p for p in together(best, matches, words, catalogue) if p not in asked.exclude]
    if not products:
        return declined(catalogue, "everything it asks for is also what it does not want")
    return answer("goal", products=products, exclude=asked.exclude, settings=settings)


def rival(best: Match, other: Match) -> bool:
    """Is `other` a second reading of the same words, nearly as strong, with products of its own?"""
    nested = set(other.candidate.products) <= set(best.candidate.products) or set(best.candidate.products) <= set(
        other.candidate.products
    )
    return not nested and other.score >= NEAR * best.score and other.words <= best.words


def together(best: Match, matches: list[Match], words: list[str], catalogue: Catalogue) -> list[str]:
    """The products of the best reading, and of readings that explain other words of the goal well ("… and compare modes")."""
    products, explained = list(best.candidate.products), set(best.words)
    left = [m for m in matches if m is not best and m.strong]
    while left:
        scored = [(catalogue.weight(m.strong - explained), -len(m.candidate.products), -i, m) for i, m in enumerate(left)]
        gain, _, _, more = max(scored, key=lambda entry: entry[:3])
        if gain < ENOUGH * catalogue.typical:
            break
        products += [p for p in more.candidate.products if p not in products]
        explained |= more.words
        left.remove(more)
    return products


def declined(catalogue: Catalogue, why: str) -> Json:
    return answer("decline", reason=f"I cannot take this goal: {why}. I can do: {'; '.join(catalogue.offers())}.")

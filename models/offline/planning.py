"""The planner: chains back from the wanted products over what specialists consume and produce. Nobody writes edges.

On a re-plan, finished and running steps keep their place, waiting steps whose sources still stand keep theirs, and only the
rest is planned anew, around the specialists that failed.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from models.offline.request import Json, Reply, Request, Turn
from models.offline.words import without_figures

DONE = frozenset({"succeeded"})
BUSY = frozenset({"running", "waiting_approval", "waiting_external"})
IDLE = frozenset({"pending", "ready"})
NOBODYS_FAULT = frozenset({"upstream", "cancelled"})


@dataclass
class New:
    """A step in the making."""

    specialist: Json
    products: list[str]
    needs: dict[str, str] = field(default_factory=dict)
    depth: int = 0
    id: str = ""


@dataclass
class Chain:
    """One chaining back. `made` maps a product to the reference of the step that keeps its place and makes it."""

    brief: Json
    made: dict[str, str] = field(default_factory=dict)
    steps: dict[str, New] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    chosen: dict[str, Json | None] = field(default_factory=dict)

    @cached_property
    def specialists(self) -> list[Json]:
        return list(self.brief["catalogue"]["specialists"])

    @cached_property
    def titles(self) -> dict[str, str]:
        return {product["name"]: product["title"] for product in self.brief["catalogue"]["products"]}

    @cached_property
    def failed(self) -> set[tuple[str, str]]:
        """(specialist, product) pairs not to be tried again. A denied product is not tried by anybody: a person said no."""
        pairs: set[tuple[str, str]] = set()
        for failure in self.brief.get("failures") or ():
            if failure.get("kind") in NOBODYS_FAULT:
                continue
            everybody = [s["name"] for s in self.specialists] if failure.get("kind") == "denied" else [failure["specialist"]]
            pairs |= {(name, product) for name in everybody for product in failure["products"]}
        return pairs

    def title(self, product: str) -> str:
        return self.titles.get(product, product.replace("_", " "))

    def candidates(self, product: str) -> list[Json]:
        """Who can make a product, best first: the fallbacks a failed specialist names, then the order of the catalogue."""
        named = [
            fallback
            for one in self.specialists
            if (one["name"], product) in self.failed and product in one["produces"]
            for fallback in one.get("fallbacks") or ()
        ]
        able = [s for s in self.specialists if product in s["produces"] and (s["name"], product) not in self.failed]
        return sorted(able, key=lambda s: named.index(s["name"]) if s["name"] in named else len(named))

    def want(self, product: str, above: tuple[str, ...] = ()) -> bool:
        """Plan whatever makes `product`. False, with the reason in `lost`, when it cannot be made."""
        if product in self.made or self.chosen.get(product):
            return True
        if product in self.lost:
            return False
        if product in (self.brief.get("exclude") or ()):
            return self._lose(product, f"{self.title(product)} is left out, as asked")
        why = "nobody makes it" if not self._anybody(product) else "those who make it have failed"
        for specialist in self.candidates(product):
            if specialist["name"] in above:
                why = f"{specialist['name']} would wait for itself"
                continue
            missing = [p for p in self._required(specialist) if not self.want(p, (*above, specialist["name"]))]
            if not missing:
                self._add(specialist, product, above)
                return True
            why = f"it needs {', '.join(self.title(p) for p in missing)}"
        # A circle is a matter of where we came from, not of the product: it may still be made from elsewhere.
        return False if "wait for itself" in why else self._lose(product, f"{self.title(product)} cannot be made: {why}")

    def _anybody(self, product: str) -> bool:
        return any(product in s["produces"] for s in self.specialists)

    def _required(self, specialist: Json) -> list[str]:
        return list(dict.fromkeys([*specialist["consumes"], *filter(None, [specialist.get("for_each")])]))

    def _lose(self, product: str, reason: str) -> bool:
        self.lost[product] = reason
        return False

    def _add(self, specialist: Json, product: str, above: tuple[str, ...]) -> None:
        self.chosen[product] = specialist
        name, key = specialist["name"], entry_key(specialist)
        if key in self.steps:
            self.steps[key].products.append(product)
            return
        optional = [
            p for p in specialist.get("optional") or () if p not in specialist["produces"] and self.want(p, (*above, name))
        ]
        step = New(specialist, [product], dict.fromkeys([*self._required(specialist), *optional], ""))
        step.depth = 1 + max((self._depth(p) for p in step.needs), default=0)
        self.steps[key] = step

    def _depth(self, product: str) -> int:
        specialist = self.chosen.get(product)
        return self.steps[entry_key(specialist)].depth if specialist else 0

    def prune(self, wanted: list[str]) -> None:
        """Drop what was planned on the way to something that then could not be made."""
        todo, used = list(wanted), set()
        while todo:
            product = todo.pop()
            specialist = self.chosen.get(product)
            if specialist and product not in used:
                used.add(product)
                todo += self.steps[entry_key(specialist)].needs
        for key, step in list(self.steps.items()):
            step.products = [product for product in step.products if product in used]
            if not step.products:
                del self.steps[key]

    def number(self) -> list[New]:
        """The new steps in order, each after what it needs, with ids and references."""
        order = [entry_key(s) for s in self.specialists]
        ordered = sorted(self.steps.values(), key=lambda step: (step.depth, order.index(entry_key(step.specialist))))
        refs = dict(self.made)
        for number, step in enumerate(ordered, start=int(self.brief.get("next_id") or 1)):
            step.id = f"s{number}"
            step.products.sort(key=list(step.specialist["produces"]).index)
            refs |= {product: f"{step.id}.{product}" for product in step.products}
            step.needs = {product: refs[product] for product in step.needs}
        return ordered


def entry_key(specialist: Json) -> str:
    """An entry of the catalogue. A specialist whose products have different needs has an entry for each."""
    return f"{specialist['name']}/{','.join(specialist['produces'])}"


def plan(brief: Json, turn: Turn, request: Request) -> Reply:
    """A `PlanDraft` for the brief: a whole plan, or the difference to the plan it shows."""
    if brief.get("budget"):
        return Reply(answer={"name": "PlanDraft", "value": frugal(brief)})
    before: list[Json] = (brief.get("plan") or {}).get("steps") or []
    chain = Chain(brief)
    kept = standing(before, chain)
    ended = {step["id"] for step in before if step["status"] in DONE | BUSY}
    for step in (s for s in before if s["id"] in ended):
        chain.made |= {product: f"{step['id']}.{product}" for product in step["produces"]}
    wanted = [p for p in brief["products"] if p not in (brief.get("exclude") or ())]
    waiting = [s for s in before if s["id"] in kept - ended]
    for step in waiting:
        chain.made |= {product: f"{step['id']}.{product}" for product in step["produces"] if product not in chain.made}
    for product in wanted:
        chain.want(product)
    chain.prune(wanted)
    steps = chain.number()
    stay = ended | needed(waiting, wanted, steps, chain)
    settings = [{"name": s["name"], "value": s["value"]} for s in brief.get("settings") or ()]
    value = {
        "reason": reason(brief, chain, steps, wanted),
        "steps": [draft(step, chain, settings) for step in steps],
        "drop": [step["id"] for step in before if step["id"] not in stay],
        "assumptions": list(chain.lost.values()),
    }
    return Reply(answer={"name": "PlanDraft", "value": value})


def frugal(brief: Json) -> Json:
    """What is dropped where not all that has not begun can be paid for: what the goal names first is kept, with all it rests on."""
    waits = {one["id"]: set(one["needs"]) for one in brief["budget"]["idle"]}
    steps = [step for step in brief["plan"]["steps"] if step["id"] in waits]
    wanted = [step["id"] for product in brief["products"] for step in steps if product in step["produces"]]
    kept: set[str] = set()
    for id in wanted:
        rests, todo = set[str](), [id]
        while todo:
            one = todo.pop()
            if one in waits and one not in rests:
                rests.add(one)
                todo += waits[one]
        if len(kept | rests) <= brief["budget"]["steps"]:
            kept |= rests
    titles = [step["title"] for step in steps if step["id"] not in kept]
    reason = f"Dropped, for what is left does not pay for them: {', '.join(without_figures(title) for title in titles)}."
    return {"reason": reason, "steps": [], "drop": [id for id in waits if id not in kept], "assumptions": []}


def standing(before: list[Json], chain: Chain) -> set[str]:
    """Ids of the steps that keep their place: finished, running, or waiting on nothing but such steps."""
    kept: set[str] = set()
    grew = True
    while grew:
        more = {
            step["id"]
            for step in before
            if step["id"] not in kept
            and (
                step["status"] in DONE | BUSY
                or (
                    step["status"] in IDLE
                    and not any((step["specialist"], p) in chain.failed for p in step["produces"])
                    and all(ref.partition(".")[0] in kept for ref in references(step))
                )
            )
        }
        grew = bool(more)
        kept |= more
    return kept


def references(step: Json) -> list[str]:
    """Where a step of the plan takes its inputs from. A brief may give them as a map or as a list of name and ref."""
    inputs: Any = step.get("inputs") or {}
    given = list(inputs.values()) if isinstance(inputs, dict) else [one["ref"] for one in inputs]
    return [*given, *filter(None, [step.get("for_each")])]


def needed(waiting: list[Json], wanted: list[str], steps: list[New], chain: Chain) -> set[str]:
    """Of the steps that wait, those that something wanted still rests on."""
    by_id = {step["id"]: step for step in waiting}
    todo = [chain.made[p].partition(".")[0] for p in wanted if p in chain.made]
    todo += [ref.partition(".")[0] for step in steps for ref in step.needs.values()]
    found: set[str] = set()
    while todo:
        id = todo.pop()
        if id in by_id and id not in found:
            found.add(id)
            todo += [ref.partition(".")[0] for ref in references(by_id[id])]
    return found


def draft(step: New, chain: Chain, settings: list[Json]) -> Json:
    """One `StepDraft`."""
    specialist = step.specialist
    title = " and ".join(chain.title(product) for product in step.products)
    others = [
        s["name"] for s in chain.specialists if s["name"] != specialist["name"] and set(step.products) & set(s["produces"])
    ]
    each = specialist.get("for_each")
    return {
        "id": step.id,
        "title": title,
        "specialist": specialist["name"],
        "produces": step.products,
        "inputs": [{"name": product, "ref": ref} for product, ref in step.needs.items()],
        "depends_on": [],
        "for_each": step.needs[each] if each else None,
        "settings": settings,
        "why": f"{specialist['title']} makes {title.lower()}: {first_sentence(specialist['purpose'])}",
        "alternatives": others,
    }


def first_sentence(text: str) -> str:
    end = text.find(". ")
    return (text if end < 0 else text[: end + 1]).strip()


def reason(brief: Json, chain: Chain, steps: list[New], wanted: list[str]) -> str:
    """Why the plan is as it is, in a sentence or two."""
    asked = ", ".join(chain.title(product).lower() for product in wanted) or "nothing that is left"
    if not brief.get("plan"):
        return f"Chained back from what the goal asks for: {asked}." if steps else f"No specialist can make {asked}."
    said = [
        f"Step {one['step']} by {one['specialist']} failed ({without_figures(one['error'])[:160] or one['kind']})."
        for one in brief.get("failures") or ()
    ]
    instead = [f"{s.specialist['name']} makes {' and '.join(chain.title(p).lower() for p in s.products)}" for s in steps]
    said.append(f"Now {'; '.join(instead)}." if instead else "The steps that rest on it are dropped: there is no other way.")
    return " ".join(said)

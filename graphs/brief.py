"""The brief: what a role is told, as one JSON block in its first message. Offline and live models get the same.

A brief is data, never instructions: entity values, rows and other agents' words appear in it quoted, under named keys.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from langchain_core.messages import HumanMessage

from graphs.plan import Plan, Step, StepResult
from graphs.specialists.base import Domain, Offer, offers
from tools.registry import Registry, Tool


def message(intro: str, brief: Mapping[str, Any]) -> HumanMessage:
    body = json.dumps(brief, ensure_ascii=False, indent=1, default=str)
    return HumanMessage(f"{intro}\n\n```json\n{body}\n```")


def settings_list(settings: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in settings.items()]


def for_specialist(goal: str, step: Step, specialist: str, registry: Registry) -> HumanMessage:
    tools = [{"name": name, "produces": registry[name].produces} for name in sorted(step.tools) if name in registry]
    brief = {
        "role": "specialist",
        "specialist": specialist,
        "goal": goal,
        "step": {
            "id": step.id,
            "title": step.title,
            "produces": list(step.produces),
            "settings": settings_list(step.settings),
            "item": step.item and {k: v for k, v in step.item.items() if k != "records"},
        },
        "inputs": [{"product": ref.partition(".")[2], "ref": ref} for ref in step.inputs.values()],
        "tools": tools,
    }
    return message(f"Do this step: {step.title}.", brief)


def taken(product: str, made: Mapping[str, Offer], tools: Mapping[str, Tool]) -> set[str]:
    """The settings that the tool of a product takes, and those of the tools whose products it needs."""
    todo, found, seen = [product], set[str](), set[str]()
    while todo:
        name = todo.pop()
        if name in made and name not in seen:
            seen.add(name)
            found |= set(tools[made[name].tool].args.model_fields)
            todo += made[name].consumes
    return found


def required(offer: Offer, tools: Mapping[str, Tool]) -> set[str]:
    """The settings without which a product's tool cannot be called; a repeated step takes its arguments from rows."""
    arguments = {} if offer.specialist.for_each else tools[offer.tool].args.model_fields
    return {name for name, field in arguments.items() if field.is_required() and not field.json_schema_extra}


def for_intake(
    goal: str, mentions: list[dict[str, str]], domain: Domain, before: Mapping[str, Any] | None = None
) -> HumanMessage:
    """`before` is the request of this thread that the message may amend or ask about."""
    tools = {tool.name: tool for tool in domain.tools}
    made = {offer.product: offer for offer in offers(domain.specialists, tools)}
    changing = {name for name, offer in made.items() if tools[offer.tool].manifest.effect != "read"}
    catalogue = {
        "products": [
            {
                "name": p.name,
                "title": p.title,
                "words": list(p.words),
                "settings": sorted(taken(p.name, made, tools)),
                "requires": sorted(required(made[p.name], tools)) if p.name in made else [],
                "changes": p.name in changing,
                "drafted_as": made[p.name].specialist.for_each if p.name in changing else None,
            }
            for p in domain.products
        ],
        "playbooks": [
            {
                "name": p.name,
                "title": p.title,
                "example": p.example,
                "products": list(p.products),
                "words": list(p.words),
                "settings": list(p.settings),
                "exclude": list(p.exclude),
            }
            for p in domain.playbooks
        ],
        "facts": domain.facts and asdict(domain.facts),
        "settings": list(domain.settings),
        "anchors": list(domain.anchors),
    }
    earlier = before and {
        "goal": before["goal"],
        "products": before.get("products", []),
        "exclude": before.get("exclude", []),
        "settings": settings_list(before.get("settings", {})),
    }
    brief = {"role": "intake", "goal": goal, "before": earlier, "mentions": mentions, "catalogue": catalogue}
    return message("Say what this message asks for." if earlier else "Say what this goal asks for.", brief)


def for_planner(
    request: Mapping[str, Any],
    domain: Domain,
    *,
    plan: Plan | None = None,
    done: Mapping[str, StepResult] | None = None,
    failures: list[dict[str, Any]] | None = None,
    errors: list[str] | None = None,
    stale: frozenset[str] = frozenset(),
    next_id: int = 1,
    budget: Mapping[str, Any] | None = None,
) -> HumanMessage:
    done = done or {}
    catalogue = {
        "specialists": [
            {
                "name": offer.specialist.name,
                "title": offer.specialist.title,
                "purpose": offer.specialist.purpose,
                "consumes": list(offer.consumes),
                "optional": list(offer.optional),
                "produces": [offer.product],
                "for_each": offer.specialist.for_each,
                "fallbacks": list(offer.specialist.fallbacks),
            }
            for offer in offers(domain.specialists, {tool.name: tool for tool in domain.tools})
        ],
        "products": [{"name": p.name, "title": p.title} for p in domain.products],
    }
    shown = plan and {
        "rev": plan.rev,
        "steps": [
            {
                "id": step.id,
                "title": step.title,
                "specialist": step.specialist,
                "produces": list(step.produces),
                "inputs": step.inputs,
                "for_each": step.for_each,
                "status": "stale" if step.id in stale else done[step.id].status if step.id in done else "pending",
            }
            for step in plan.steps
        ],
    }
    brief = {
        "role": "planner",
        "goal": request["goal"],
        "products": request.get("products", []),
        "exclude": request.get("exclude", []),
        "settings": settings_list(request.get("settings", {})),
        "catalogue": catalogue,
        "plan": shown,
        "failures": failures or [],
        "errors": errors or [],
        "next_id": next_id,
        **({"budget": budget} if budget is not None else {}),
    }
    return message("Revise this plan." if plan else "Plan this goal.", brief)

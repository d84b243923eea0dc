"""`/settings`: how this service is set, as far as whoever calls may know it, and where each setting is changed. Never a secret."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from pydantic import BaseModel, SecretStr

from app.api.answers import Serving
from app.api.caller import Calling
from app.service import Service
from governance.identity import Caller
from governance.limits import PARTS
from models.consent import api_key, host
from settings import Settings

router = APIRouter(prefix="/settings", tags=["settings"])
PLACE = "an environment variable of the service, read when it starts"
SHOWN: dict[str, tuple[str, ...]] = {
    "model": ("model", "model_base_url", "model_api_key", "model_timeout", "model_price", "model_output"),
    "run": (
        "concurrency",
        "step_timeout",
        "step_attempts",
        "model_calls",
        "tool_calls",
        "plan_steps",
        "rows",
        "revisions",
        "goal_characters",
    ),
    "people": (
        "approval_hours",
        "remind_after",
        "escalate_after",
        "escalate_to",
        "data_stewards",
        "operators",
        "budget_owners",
    ),
    "service": ("runs", "rate", "body_bytes", "file_bytes", "checkpoints", "thread_days", "session_hours"),
}
"""The settings that everybody may know, by what they are about. None of them says where something is kept on the machine."""
LOCAL = {"people": ("act_as", "roles", "people"), "service": ("home", "log_level")}
"""Those that only the person knows whose machine it is."""


class PersonShape(BaseModel):
    """A person and their roles."""

    user: str
    org: str
    roles: tuple[str, ...]


class ModelShape(BaseModel):
    """The model in use. `offline`: deterministic templates, no language model. `host` is its endpoint's, empty for the provider's own;
    `key_set`: there is a key to use it with."""

    name: str
    offline: bool
    host: str
    key_set: bool


class BudgetLimit(BaseModel):
    """What runs may spend, in the unit: money in US dollars. What is left of it: `/governance/budgets`."""

    scope: str
    unit: str
    limit: float


class SettingShape(BaseModel):
    """One setting. `value` is null for a secret; `is_default`: nobody set it. It is changed by `variable`."""

    name: str
    group: str
    variable: str
    description: str
    value: Any
    is_default: bool


class SettingsShape(BaseModel):
    """`people` are the demo people that local mode may switch to, by the header X-Clearance-As. `domain` is what the goals are about,
    `examples` are goals that it can meet. `records` says for each of its tables what it was filled from. `place` is where every
    setting is changed."""

    version: str
    build: str
    mode: str
    person: PersonShape
    people: list[PersonShape]
    model: ModelShape
    domain: str
    examples: list[str]
    records: Mapping[str, str]
    budgets: list[BudgetLimit]
    place: str
    settings: list[SettingShape]


@router.get("")
async def settings(request: Request, service: Serving, caller: Calling) -> SettingsShape:
    """Mode, person, model, records, limits, versions, and how to change each."""
    own, local = service.settings, service.ways is None
    domain = service.services.domain if service.services else None
    return SettingsShape(
        version=request.app.version,
        build=request.app.state.build,
        mode=service.mode,
        person=_person(caller),
        people=[PersonShape(user=name, org=own.org, roles=roles) for name, roles in own.people.items()] if local else [],
        model=_model(own),
        domain=domain.title if domain else "",
        examples=[one.example for one in domain.playbooks] if domain else [],
        records=await _records(service),
        budgets=_budgets(service),
        place=PLACE,
        settings=[
            _setting(own, group, name) for group in SHOWN for name in (*SHOWN[group], *(LOCAL.get(group, ()) if local else ()))
        ],
    )


def _person(caller: Caller) -> PersonShape:
    return PersonShape(user=caller.user, org=caller.org, roles=caller.roles)


def _model(own: Settings) -> ModelShape:
    return ModelShape(
        name=own.model or "offline",
        offline=not own.model,
        host=host(own) if own.model_base_url else "",
        key_set=bool(api_key(own)),
    )


async def _records(service: Service) -> Mapping[str, str]:
    floors = service.services
    return await asyncio.to_thread(floors.domain.origins, floors.resources) if floors else {}


def _budgets(service: Service) -> list[BudgetLimit]:
    if service.services is None:
        return []
    found = service.services.budgets.limits.of
    return [BudgetLimit(scope=scope, unit=unit, limit=amount / PARTS.get(unit, 1)) for (scope, unit), amount in found.items()]


def _setting(own: Settings, group: str, name: str) -> SettingShape:
    field, value = type(own).model_fields[name], getattr(own, name)
    secret = isinstance(value, SecretStr)
    return SettingShape(
        name=name,
        group=group,
        variable=f"CLEARANCE_{name.upper()}",
        description=field.description or "",
        value=None if secret else _without_credentials(value) if name == "model_base_url" else value,
        is_default=value == field.default,
    )


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

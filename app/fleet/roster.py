"""The fleet, composed: what is declared, how it does, and what is suspended. Used by the fleet's router and by `clearance fleet`."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from app.fleet.health import NO_CALLS, NO_TRIES, Health, health_of
from app.fleet.shapes import (
    AccessShape,
    ConnectorShape,
    FleetShape,
    ModelShape,
    ProductShape,
    SpecialistShape,
    SuspensionShape,
    ToolShape,
    TriesShape,
)
from database import DatabaseUnavailable
from governance.digest import digest
from governance.identity import Caller
from governance.labels import CLASSES, READ, TAINT
from governance.manifest import Effect, ToolManifest
from governance.suspensions import Kind
from graphs.services import Services
from graphs.specialists.base import Specialist
from graphs.specialists.core import core_roles
from models.consent import host
from tools.connectors import Connector
from tools.registry import Tool

DAYS = 7
CORE = "Clearance"
"""Who answers for what the core brings."""
EFFECTS: tuple[Effect, ...] = ("read", "write", "irreversible")
SHORT = 12


async def fleet_of(services: Services, caller: Caller, since: str | None = None) -> FleetShape:
    """The fleet as it stands for the caller's organisation; health of runs begun `since` (ISO, UTC), else in `DAYS` days."""
    begin = since or (datetime.now(UTC) - timedelta(days=DAYS)).isoformat(timespec="milliseconds")
    health = await services.db.read(lambda c: health_of(c, caller.org, begin))
    out = {(one.kind, one.name): SuspensionShape.model_validate(one) for one in await services.suspensions.current(caller.org)}
    look = [asyncio.to_thread(_connector, services, one) for one in services.domain.connectors]
    return FleetShape(
        since=begin,
        may_suspend=services.suspensions.may(caller),
        specialists=await asyncio.to_thread(_specialists, services, health, out),
        tools=await asyncio.to_thread(_tools, services, health, out),
        connectors=list(await asyncio.gather(*look)),
        models=_models(services, health),
    )


Out = dict[tuple[Kind, str], SuspensionShape]


def _specialists(services: Services, health: Health, out: Out) -> list[SpecialistShape]:
    own, core = services.domain.specialists, core_roles(services.domain)
    titles = {one.name: one.title for one in services.domain.products}
    return [
        SpecialistShape(
            name=one.name,
            title=one.title,
            purpose=one.purpose,
            core=one in core,
            makes=[ProductShape(name=name, title=titles.get(name, name)) for name in _makes(services, one, one in core)],
            tools=list(one.tools),
            fallbacks=list(one.fallbacks),
            owner=one.owner or (CORE if one in core else services.domain.owner),
            version=_version(services, one),
            model=services.model_name(one.name),
            access=_access([services.registry[name].manifest for name in one.tools if name in services.registry]),
            health=health.specialists.get(one.name, NO_TRIES),
            suspended=out.get(("specialist", one.name)),
        )
        for one in (*own, *core)
    ]


def _makes(services: Services, one: Specialist, core: bool) -> list[str]:
    made = [services.registry[name].produces for name in one.tools if name in services.registry]
    return [] if core else list(dict.fromkeys(filter(None, made)))


def _version(services: Services, one: Specialist) -> str:
    told = {"prompt": services.prompts[one.name], "tools": one.tools, "response": one.response.model_json_schema()}
    return digest(told)[:SHORT]


def _access(manifests: Sequence[ToolManifest]) -> AccessShape:
    classes = sorted({one.data_class for one in manifests}, key=CLASSES.index)
    read = [f"{READ}{classes[-1]}"] if classes and classes[-1] != CLASSES[0] else []
    return AccessShape(
        data_classes=classes,
        effect=max((one.effect for one in manifests), key=EFFECTS.index, default="read"),
        egress=any(one.egress for one in manifests),
        approvers=sorted({role for one in manifests for role in one.approvers}),
        labels=[*read, *([TAINT] if any(one.output != "trusted" for one in manifests) else [])],
    )


def _tools(services: Services, health: Health, out: Out) -> list[ToolShape]:
    used = (*services.domain.specialists, *core_roles(services.domain))
    return [
        ToolShape(
            **{name: getattr(one.manifest, name) for name in ("effect", "data_class", "output", "egress", "compensation")},
            name=one.name,
            description=one.description,
            makes=one.produces or None,
            specialists=[by.name for by in used if one.name in by.tools],
            approvers=list(one.manifest.approvers),
            owner=one.manifest.owner or (services.domain.owner if one in services.domain.tools else CORE),
            version=one.manifest.version,
            fingerprint=_fingerprint(one),
            health=health.tools.get(one.name, NO_CALLS),
            suspended=out.get(("tool", one.name)),
        )
        for one in services.registry.values()
    ]


def _fingerprint(one: Tool) -> str:
    told = {"name": one.name, "description": one.description, "produces": one.produces}
    return digest({**told, "manifest": one.manifest.model_dump(mode="json"), "args": one.args.model_json_schema()})[:SHORT]


def _connector(services: Services, one: Connector) -> ConnectorShape:
    try:
        found = one.look(services.resources)
    except DatabaseUnavailable as error:  # where it is, and as whom it is asked, is for the log
        services.log.warning("the connector %s cannot be reached: %s", one.name, error)
        why = "it cannot be reached: the server's log says why"
        return ConnectorShape(name=one.name, title=one.title, reachable=False, rows=None, as_of="", source="", problem=why)
    stands = dict(rows=found.rows, as_of=found.as_of, source=found.source)
    return ConnectorShape(name=one.name, title=one.title, reachable=True, problem="", **stands)


def _models(services: Services, health: Health) -> list[ModelShape]:
    """Those that roles use now, then those that answered before."""
    roles: dict[str, list[str]] = {}
    for one in (*services.domain.specialists, *core_roles(services.domain)):
        roles.setdefault(services.model_name(one.name), []).append(one.name)
    where = host(services.settings) if services.settings.model else ""
    names = (*roles, *(name for name in health.models if name not in roles))
    return [
        ModelShape(
            name=name,
            where=where if name in roles else "",
            configured=name in roles,
            roles=roles.get(name, []),
            health=_with_silence(
                health.models.get(name, NO_TRIES), sum(health.silent.get(role, 0) for role in roles.get(name, []))
            ),
        )
        for name in names
    ]


def _with_silence(answers: TriesShape, silent: int) -> TriesShape:
    return answers.model_copy(update={"of": answers.of + silent, "failed": silent})

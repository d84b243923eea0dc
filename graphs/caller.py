"""Who asks: the authenticated caller of a run, from the server's runtime or the config; else the local user of the settings."""

from collections.abc import Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig

from governance.identity import Caller, RolesOf
from settings import Settings


def local_caller(settings: Settings) -> Caller:
    """The one person of local mode, or the demo person that they play: what is done is recorded as that person's."""
    if settings.act_as:
        return Caller(settings.act_as, settings.org, settings.people[settings.act_as])
    return Caller(settings.user, settings.org, settings.roles)


def local_directory(settings: Settings) -> RolesOf:
    """What local mode knows of who holds which roles: the local user's, and those of the demo people."""
    known = {settings.user: settings.roles, **settings.people}
    return lambda connection, org, user: known.get(user) if org == settings.org else None


def caller_of(config: RunnableConfig, settings: Settings) -> Caller:
    """The caller of this run. A server puts the authenticated user into `langgraph_auth_user`; nothing else is believed."""
    user = (config.get("configurable") or {}).get("langgraph_auth_user")
    if isinstance(user, Caller):
        return user
    identity = getattr(user, "identity", None)
    if not identity:
        return local_caller(settings)
    extra: Mapping[str, Any] = user if isinstance(user, Mapping) else {}
    org = str(getattr(user, "org", None) or extra.get("org") or settings.org)
    told = (getattr(user, "roles", None), extra.get("roles"), getattr(user, "permissions", None))
    roles = next((one for one in told if one is not None), ())  # a server that names none gives none
    said = getattr(user, "person", extra.get("person"))  # false for a service that acts as itself
    return Caller(str(identity), org, (roles,) if isinstance(roles, str) else tuple(roles), said is None or said is True)

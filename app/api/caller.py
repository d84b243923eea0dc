"""Who calls: the one place where a request becomes a `Caller`. Used by the routers under `app/api/governance`.

In local mode, where nobody signs in, that is the local person, or the demo person that the header X-Clearance-As names. Where people
sign in these routers are not there yet: what they show is not redacted by role.
"""

from typing import Annotated

from fastapi import Depends, Header

from app.api.answers import Serving
from app.api.errors import Refused
from governance.identity import Caller
from graphs.caller import local_caller
from graphs.services import Services


def floors_of(service: Serving) -> Services:
    """The floors below. Raises `Refused` (404) where people sign in, and where other people's graphs are served, which have none."""
    if service.keys:
        raise Refused(404, "approvals and executions are served in local mode only, until what they show is redacted by role")
    if service.services is None:
        raise Refused(404, "this service serves the graphs of a langgraph.json: nothing here is governed")
    return service.services


def caller_of_request(
    service: Serving, x_clearance_as: Annotated[str | None, Header(description="a demo person, in local mode")] = None
) -> Caller:
    """The person who acts. Raises `Refused` (403) for a name that is no demo person's."""
    settings = service.settings
    if x_clearance_as is None:
        return local_caller(settings)
    if x_clearance_as not in settings.people:
        there = ", ".join(settings.people) or "none: set CLEARANCE_PEOPLE"
        raise Refused(403, f"X-Clearance-As: there is no {x_clearance_as[:100]!r}; there are {there}")
    return Caller(x_clearance_as, settings.org, settings.people[x_clearance_as])


def played(
    service: Serving, x_clearance_as: Annotated[str | None, Header(description="a demo person, in local mode")] = None
) -> Caller | None:
    """The demo person that somebody plays in local mode, for whom a run is then made; else None. Raises `Refused` (403)."""
    return caller_of_request(service, x_clearance_as) if x_clearance_as and service.mode == "local" else None


Calling = Annotated[Caller, Depends(caller_of_request)]
Playing = Annotated[Caller | None, Depends(played)]
Floors = Annotated[Services, Depends(floors_of)]

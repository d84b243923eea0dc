"""Who calls `/governance`, and what they see there. Used by the routers under `app/api/governance`.

Where people sign in it is who signed in. In local mode it is the local person, or the demo person that the header X-Clearance-As
names, and everything of the organisation is seen.
"""

from typing import Annotated

from fastapi import Depends, Header

from app.api.answers import Serving
from app.api.errors import Refused
from app.api.governance.views import View
from app.auth import access
from governance.identity import Caller
from graphs.caller import local_caller
from graphs.services import Services


async def floors_of(service: Serving) -> Services:
    """The floors below. Raises `Refused` (404) where other people's graphs are served, which have none."""
    if service.services is None:
        raise Refused(404, "this service serves the graphs of a langgraph.json: nothing here is governed")
    return service.services


async def caller_of_request(
    service: Serving,
    signed_in: access.Calling,
    x_clearance_as: Annotated[str | None, Header(description="a demo person, in local mode")] = None,
) -> Caller:
    """The person who acts. Raises `Refused` (403) for a name that is no demo person's, or where people sign in."""
    settings = service.settings
    if x_clearance_as is None:
        return signed_in or local_caller(settings)
    if signed_in:
        raise Refused(403, f"X-Clearance-As is for local mode: here you are {signed_in.user}, who signed in")
    if x_clearance_as not in settings.people:
        there = ", ".join(settings.people) or "none: set CLEARANCE_PEOPLE"
        raise Refused(403, f"X-Clearance-As: there is no {x_clearance_as[:100]!r}; there are {there}")
    return Caller(x_clearance_as, settings.org, settings.people[x_clearance_as])


async def played(
    service: Serving,
    signed_in: access.Calling,
    x_clearance_as: Annotated[str | None, Header(description="a demo person, in local mode")] = None,
) -> Caller | None:
    """The demo person that somebody plays in local mode, for whom a run is then made; else None. Raises `Refused` (403)."""
    return await caller_of_request(service, signed_in, x_clearance_as) if x_clearance_as else None


Calling = Annotated[Caller, Depends(caller_of_request)]
Playing = Annotated[Caller | None, Depends(played)]
Floors = Annotated[Services, Depends(floors_of)]


async def view_of(service: Serving, floors: Floors, caller: Calling) -> View:
    """What the caller sees of what is on record."""
    return View(floors, caller, local=service.ways is None)


Viewing = Annotated[View, Depends(view_of)]

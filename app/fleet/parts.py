"""What of the fleet has a name that can be suspended. Used by the commands and by `app/api/governance/fleet.py`."""

from governance.suspensions import Kind
from graphs.services import Services


class UnknownPart(LookupError):
    """There is no such specialist or tool; the message names those that there are."""


def check_part(services: Services, kind: Kind, name: str) -> None:
    """Raise `UnknownPart` unless it is one of the domain's specialists or a tool. The core's own roles make every plan and answer, so
    they are not suspended one by one."""
    there = [one.name for one in services.domain.specialists] if kind == "specialist" else list(services.registry)
    if name not in there:
        raise UnknownPart(f"there is no {kind} {name}; there are: {', '.join(sorted(there))}")

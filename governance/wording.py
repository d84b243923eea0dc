"""Labels in words, for whoever must decide. Pure; called by the application."""

from collections.abc import Sequence

CONTEXT = {
    "untrusted": "the agent has read text that others can write",
    "not-asked": "neither the request nor the plan asks for it",
    "secret": "an argument holds a secret value",
}
GRADES = {
    "user": "said by the user",
    "linked": "set by the system, in a record that holds what the user said",
    "system": "set by the system",
    "other": "set by the system, though the user named another",
    "internal": "from a colleague's text where the user pointed",
    "colleague": "from a colleague's text",
    "pointed": "from an outsider's text that the user pointed at",
    "made": "the agent's own",
    "guessed": "the agent's own, and nothing that the user pointed at led to it",
    "instead": "not what the user named, though it looks alike",
    "invented": "an address or account that is found nowhere",
    "foreign": "from an outsider's text that nobody pointed at",
    "computed": "computed from what the user said and the system set",
    "untraced": "found nowhere",
}


def spoken(labels: Sequence[str]) -> list[str]:
    """Each label as a phrase, in their order; what is no label of ours as it stands."""
    return [_spoken(label) for label in labels]


def _spoken(label: str) -> str:
    name, _, grade = label.rpartition(":")
    if name == "read":
        return f"{grade} data was read"
    if name == "link":
        return f"a web address in it is {GRADES.get(grade, grade)}"
    return f"{name} is {GRADES.get(grade, grade)}" if name else CONTEXT.get(label, label)

"""What a person may read of what runs read: the policies' own answer, asked as if they read it themselves. Used by `views.py`.

So there is one place that says who may read confidential data, and what is shown of a run follows it: an operator who edits a
policy edits what the inbox and the audit show too.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from governance.identity import Caller
from governance.labels import CLASSES, READ
from governance.manifest import DataClass
from governance.policy import CallFacts
from graphs.services import Services

MASKED = "[masked: your roles may not read this]"


class Sight:
    """Of one person, for one request: each answer is asked once. `whole`: everything is readable, and nobody is asked."""

    def __init__(self, floors: Services, reader: Caller, *, whole: bool) -> None:
        self._floors, self._reader, self.whole = floors, reader, whole
        self._manifests = floors.registry.manifests()
        self._tools: dict[str, bool] = {}

    def tool(self, name: str) -> bool:
        """May they read what this tool reads, or what it changes? Not of a tool that is no longer there."""
        if self.whole:
            return True
        if name not in self._tools:
            self._tools[name] = name in self._manifests and self._asked(name)
        return self._tools[name]

    def data_class(self, name: DataClass) -> bool:
        """May they read whatever is of this class? That is, what every tool that reads such data would give them."""
        if self.whole or name == "public":
            return True
        of_it = [tool for tool, one in self._manifests.items() if one.data_class == name and one.effect == "read"]
        return bool(of_it) and all(map(self.tool, of_it))

    def labelled(self, labels: Iterable[str]) -> bool:
        """May they read what is of the classes that these labels of a context name?"""
        named = [one.removeprefix(READ) for one in labels if one.startswith(READ)]
        return all(self.data_class(one if one in CLASSES else CLASSES[-1]) for one in named)

    def _asked(self, name: str) -> bool:
        manifest = self._manifests[name]
        if manifest.effect != "read":
            return self.data_class(manifest.data_class)
        facts = CallFacts(self._reader, "", name, manifest, {}, "", "", granted=frozenset([name]))
        return self._floors.engine.decide(facts).outcome == "allow"


def masked(values: Mapping[str, Any]) -> dict[str, str]:
    """The names, with what they hold left out."""
    return dict.fromkeys(values, MASKED)

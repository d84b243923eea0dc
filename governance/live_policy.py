"""The policy engine over files that an operator edits while it is in use. Made by the services; refreshed by the graphs before a
plan is made and whenever a run is entered.

A reload is whole or not at all: the files are read, checked and hashed beside the engine that decides, and take its place in one
assignment. What cannot be used is logged with its file and line, and the policies of before go on deciding. A decision says by
which version it was made, and an action is judged again when it is carried out, so a run may see both.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from governance.bundle import POLICIES, SCHEMA, BadPolicy, Bundle, load, policy_files
from governance.cedar import CedarPolicy
from governance.manifest import ToolManifest
from governance.policy import CallFacts, Decision, PlanFacts, Violation

log = logging.getLogger(__name__)
Look = tuple[tuple[str, int, int], ...]  # file, time of change in nanoseconds, bytes


class LivePolicy:
    """A `PolicyEngine` over the policies of `rooms` under `root`. `adopt` is told of each bundle before it decides anything;
    `heads` as `CedarPolicy` has them.

    Raises `BadPolicy` when it is made of files that cannot be used.
    """

    def __init__(
        self,
        manifests: Mapping[str, ToolManifest],
        rooms: Sequence[str],
        adopt: Callable[[Bundle], None] = lambda bundle: None,
        root: Path = POLICIES,
        heads: tuple[str, ...] = (),
    ) -> None:
        self._manifests, self._rooms, self._adopt, self._root, self._heads = manifests, rooms, adopt, root, heads
        self._lock = threading.Lock()
        self._seen = self._look()
        self._engine = self._load()

    @property
    def version(self) -> str:
        return self._engine.version

    def decide(self, call: CallFacts) -> Decision:
        return self._engine.decide(call)

    def check_plan(self, plan: PlanFacts) -> Sequence[Violation]:
        return self._engine.check_plan(plan)

    def refresh(self) -> bool:
        """Take up what was edited since; says whether other policies decide now. Reads files: not for the event loop."""
        with self._lock:
            seen = self._look()
            if seen == self._seen:
                return False
            before = self.version
            try:
                self._engine = self._load()
            except BadPolicy as error:
                log.error("the policies were edited and cannot be used; those of before (%s) go on deciding: %s", before, error)
            self._seen = seen
            return self.version != before

    def _load(self) -> CedarPolicy:
        bundle = load(*self._rooms, root=self._root)
        self._adopt(bundle)
        return CedarPolicy(self._manifests, bundle, heads=self._heads)

    def _look(self) -> Look:
        files = [self._root / SCHEMA, *(file for room in self._rooms for file in policy_files(self._root / room))]
        return tuple((str(file), (told := file.stat()).st_mtime_ns, told.st_size) for file in files if file.exists())

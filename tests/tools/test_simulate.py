"""Recorded decisions under other policies: the same ones change nothing, stricter ones show what they would change."""

from governance.bundle import POLICIES, load
from governance.cedar import CedarPolicy
from governance.simulate import Simulated, simulate
from tests.tools.cases import TOOLS, Door, policy

MANIFESTS = {tool.name: tool.manifest for tool in TOOLS}
STRICTER = """@id("nothing-for-cipla") @outcome("deny") @reason("we do nothing about Cipla")
forbid (principal, action == Action::"effect", resource) when { context.arguments.contains("who=Cipla") };
@id("large") @outcome("approve") @approver("director") @reason("it is large")
forbid (principal, action == Action::"effect", resource) when { context.arguments.contains("amount=90") }
unless { context.approvals.contains("director") };"""


async def recorded(door: Door) -> None:
    for name, args in (
        ("look", {}),
        ("look", {"times": "many"}),
        ("open_case", {"who": "Cipla"}),
        ("open_case", {"who": "Acme", "amount": 90}),
    ):
        call = door.call(name, **args)
        await door.gateway.act(call, await door.gateway.propose(call))  # a read is recorded with its outcome


async def again(door: Door, engine: CedarPolicy, tools: object = MANIFESTS) -> Simulated:
    return await simulate(await door.decisions.executions(), door.decisions, engine, tools)  # type: ignore[arg-type]


async def test_the_same_policies_decide_the_same(door: Door) -> None:
    await recorded(door)
    found = await again(door, policy(MANIFESTS))
    assert [one.record.tool for one in found.again] == ["look", "open_case", "open_case"]  # the bad argument was never judged
    assert not any(one.differs for one in found.again) and found.lost == ()


async def test_stricter_ones_show_what_they_would_change(door: Door, tmp_path) -> None:  # type: ignore[no-untyped-def]
    await recorded(door)
    for room in ("core", "changes"):
        (tmp_path / room).symlink_to(POLICIES / room)
    (tmp_path / "schema.cedarschema").symlink_to(POLICIES / "schema.cedarschema")
    (tmp_path / "mine.cedar").write_text(STRICTER)
    stricter = CedarPolicy(MANIFESTS, load("core", "changes", "mine.cedar", root=tmp_path))
    changed = [one for one in (await again(door, stricter)).again if one.differs]
    assert [(one.record.outcome, one.now.outcome, one.now.approvers) for one in changed] == [
        ("approve", "deny", ()),
        ("approve", "approve", ("risk-manager", "director")),
    ]


async def test_what_cannot_be_judged_again_is_counted(door: Door) -> None:
    await recorded(door)
    found = await again(door, policy(MANIFESTS), ["look"])
    assert len(found.again) == 1 and [one.tool for one in found.lost] == ["open_case", "open_case"]

"""The same scripts against this service and against `langgraph dev`, a black box: the same answers, statuses and order of events.

Played by the Python SDK, by RemoteGraph, by the event protocol as it is on the wire, and by the JavaScript clients. What is different
on purpose is named here, and in docs/protocol.md.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph_sdk import get_client

from tests.service import events_script, remote_script, script
from tests.service.clients import CLIENTS, node, played
from tests.service.serving import Server, reference


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with reference(tmp_path_factory.mktemp("reference")) as running:
        yield running


async def test_the_python_sdk_sees_no_difference(server: Server, other: Server) -> None:
    theirs = await script.play(get_client(url=other.url))
    ours = await script.play(get_client(url=server.url))
    assert len(ours) > 80
    assert not different(ours, theirs)


async def test_a_remote_graph_sees_no_difference(server: Server, other: Server) -> None:
    theirs, ours = await remote_script.play(other.url), await remote_script.play(server.url)
    assert len(ours) > 10
    assert not different(ours, theirs)


async def test_the_event_protocol_is_the_same_on_the_wire(server: Server, other: Server) -> None:
    theirs, ours = await events_script.play(other.url), await events_script.play(server.url)
    assert len(ours) > 40
    assert not different(ours, theirs)


async def test_javascript_clients_see_no_difference(server: Server, other: Server, tmp_path: Path) -> None:
    node()
    for folder in (tmp_path / "theirs", tmp_path / "ours"):
        folder.mkdir()
    theirs, ours = await asyncio.gather(
        *(
            asyncio.gather(*(played(client, url, tmp_path / whose) for client in CLIENTS))
            for whose, url in (("theirs", other.url), ("ours", server.url))
        )
    )
    for client, own, their in zip(CLIENTS, ours, theirs, strict=True):
        assert len(own) >= 12, f"{client} did not play its whole script"
        on_purpose = dict(own).get("still asked"), dict(own).get("its thread is")
        if client == "events":  # an answered question is gone at once; a thread that was stopped before a node is interrupted
            assert on_purpose == (0, "interrupted")
        skipped = {"still asked", "its thread is"}
        assert not different(
            [(label, one) for label, one in own if label not in skipped],
            [(label, one) for label, one in their if label not in skipped],
        )


def different(ours: list[tuple[str, Any]], theirs: list[tuple[str, Any]]) -> str:
    """The steps whose answers differ, worded; empty: none."""
    assert [label for label, _ in ours] == [label for label, _ in theirs]
    wrong = [(label, a, b) for (label, a), (_, b) in zip(ours, theirs, strict=True) if a != b]
    return "\n".join(f"{label}\n  ours   {a}\n  theirs {b}" for label, a, b in wrong)

"""The same script against this service and against `langgraph dev`, a black box: the same answers, statuses and order of events."""

from typing import Any

import pytest
from langgraph_sdk import get_client

from tests.service.script import play
from tests.service.serving import Server, reference


@pytest.fixture(scope="module")
async def told(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    with reference(tmp_path_factory.mktemp("reference")) as other:
        theirs = await play(get_client(url=other.url))
    ours = await play(get_client(url=server.url))
    assert [label for label, _ in ours] == [label for label, _ in theirs]
    numbered = [f"{number:03} {label}" for number, (label, _) in enumerate(ours)]
    return dict(zip(numbered, (one for _, one in ours), strict=True)), dict(
        zip(numbered, (one for _, one in theirs), strict=True)
    )


async def test_it_answers_as_langgraph_dev_does(told: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ours, theirs = told
    assert len(ours) > 80
    wrong = {step: (ours[step], theirs[step]) for step in ours if ours[step] != theirs[step]}
    assert not wrong, "\n".join(f"{step}\n  ours   {a}\n  theirs {b}" for step, (a, b) in wrong.items())

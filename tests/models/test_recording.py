"""Recordings: what is taken out, what comes back, and that a replay says what was said, as a model and as a server."""

import json
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI

from models.recording import Head, Recording, RecordingUnreadable
from models.redaction import ADDRESS, SECRET, redact
from models.replay import NotRecorded, ReplayModel
from models.server import offline_app
from models.serving import served

HEAD = Head("some-model", "example.org", "2026-03-02")


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghijklmnop1234",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "AKIAABCDEFGHIJKLMNOP",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        "xoxb-1234567890-abcdef",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_secrets_are_taken_out_wherever_they_stand(secret: str) -> None:
    kept = redact({"a": [f"before {secret} after"]})
    assert kept == {"a": [f"before {SECRET} after"]}


def test_named_secrets_known_ones_and_addresses() -> None:
    assert redact("password: hunter22 and on") == f"password: {SECRET} and on"
    assert redact("Authorization: Bearer abcdef123456") == f"Authorization: Bearer {SECRET}"
    assert redact("the word is tapioca", ["tapioca"]) == f"the word is {SECRET}"
    assert redact("Write to ann.o'neil@example.co.uk, soon") == f"Write to {ADDRESS}, soon"
    assert redact("risk-manager, key figures, 12 @ 4 USD") == "risk-manager, key figures, 12 @ 4 USD"


def test_an_address_after_a_line_break_in_json_leaves_the_json_whole() -> None:
    text = json.dumps({"note": "write to\nann@example.org", "password": 'a quoted"one'})
    assert json.loads(redact(text))["note"] == f"write to\n{ADDRESS}"


def look_up(word: str) -> str:
    """Look a word up."""
    return word


def conversation() -> list:
    call = {"name": "look_up", "args": {"word": "lead", "of": "ann@example.org"}, "id": "c1"}
    return [
        SystemMessage("You help."),
        HumanMessage("Look up lead for bob@example.org"),
        AIMessage("", tool_calls=[call]),
        ToolMessage("a metal", tool_call_id="c1", name="look_up", status="success"),
    ]


def recorded(path: Path) -> Recording:
    recording = Recording(HEAD, secrets=["tapioca"])
    options = {"tools": [{"type": "function", "function": {"name": "look_up", "description": "", "parameters": {}}}]}
    first, whole = conversation()[:2], conversation()
    calls = AIMessage("", tool_calls=whole[2].tool_calls, response_metadata={"finish_reason": "tool_calls"})
    recording.add(first, options, None, "APIStatusError: 503", 5)
    recording.add(first, options, calls, "", 7)
    recording.add(whole, options, AIMessage("It is a metal, tapioca."), "", 9)
    recording.add(whole, options, AIMessage("It is a metal\u2028indeed."), "", 9)
    recording.add([HumanMessage("never answered")], {}, None, "TimeoutError: tapioca", 9)
    recording.write(path)
    return Recording.read(path)


def test_nothing_secret_is_on_the_disk(tmp_path: Path) -> None:
    recorded(tmp_path / "deep" / "r.jsonl")
    text = (tmp_path / "deep" / "r.jsonl").read_text()
    assert "bob@" not in text and "ann@" not in text and "authorization" not in text.lower()
    assert "TimeoutError: [secret]" in text
    assert json.loads(text.split("\n")[0])["model"] == "some-model"


def test_the_same_request_gets_its_answers_in_order(tmp_path: Path) -> None:
    model = ReplayModel(recording=recorded(tmp_path / "r.jsonl"))
    bound = model.bind_tools([look_up], tool_choice="any")
    first = bound.invoke(conversation()[:2])
    assert first.tool_calls[0]["args"] == {"word": "lead", "of": ADDRESS}
    assert first.response_metadata["finish_reason"] == "tool_calls"
    said = [bound.invoke(conversation()).text for _ in range(3)]
    assert said[1:] == ["It is a metal\u2028indeed."] * 2 and said[0].startswith("It is a metal,")


def test_a_request_that_is_not_there_is_an_error_that_says_so(tmp_path: Path) -> None:
    model = ReplayModel(recording=recorded(tmp_path / "r.jsonl"))
    with pytest.raises(NotRecorded, match="no such request"):
        model.invoke("something else")
    with pytest.raises(NotRecorded, match="only a failure"):
        model.invoke("never answered")


def test_a_replay_can_be_served(tmp_path: Path) -> None:
    model = ReplayModel(recording=recorded(tmp_path / "r.jsonl"))
    with served(offline_app(model)) as url:
        for streaming in (False, True):
            client = ChatOpenAI(model="m", base_url=url, api_key="none", max_retries=0, streaming=streaming)
            first = client.bind_tools([look_up]).invoke(conversation()[:2])
            assert first.tool_calls[0]["args"]["word"] == "lead" and first.tool_calls[0]["id"] == "c1"


@pytest.mark.parametrize(
    "text", ["", "{", '{"model": "m"}', '{"model": "m", "host": "h", "made_on": "d", "version": 99}', "[1]"]
)
def test_a_file_that_is_no_recording_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.jsonl").write_text(text)
    with pytest.raises(RecordingUnreadable, match=r"r\.jsonl"):
        Recording.read(tmp_path / "r.jsonl")

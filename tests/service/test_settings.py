"""`/settings` and `/info` as the page reads them: in local mode and where people sign in, and never a secret."""

import hashlib
from pathlib import Path

import httpx

from app.build import STATIC, build_of
from tests.app.command import clearance as command
from tests.service.serving import clearance

SECRET = "sk-never-to-be-told"
LIVE = {
    "CLEARANCE_MODEL": "some-model",
    "CLEARANCE_MODEL_BASE_URL": "http://me:hidden@127.0.0.1:9/v1",
    "CLEARANCE_MODEL_API_KEY": SECRET,
    "CLEARANCE_MODEL_PRICE": "1/2",
}


def test_local_mode_tells_who_may_be_played_and_how_everything_is_changed(tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text("[run]\nmoney = 2.5\n")
    env = {"CLEARANCE_BUDGETS": str(limits), "CLEARANCE_CONCURRENCY": "3", "CLEARANCE_MODEL_API_KEY": SECRET}
    with clearance(tmp_path / "home", env=env) as server, httpx.Client(base_url=server.url, timeout=60) as http:
        told = http.get("/settings").json()
        assert told["model"] == {"name": "offline", "offline": True, "host": "", "key_set": True}
        assert told["budgets"] == [{"scope": "run", "unit": "money", "limit": 2.5}] and told["mode"] == "local"
        assert (told["person"]["user"], "data-steward" in told["person"]["roles"]) == ("local", True)
        assert {"user": "rita", "org": "local", "roles": ["requester"]} in told["people"]
        assert http.get("/settings", headers={"X-Clearance-As": "rita"}).json()["person"]["user"] == "rita"
        by = {one["name"]: one for one in told["settings"]}
        assert (by["concurrency"]["variable"], by["concurrency"]["value"]) == ("CLEARANCE_CONCURRENCY", 3)
        assert not by["concurrency"]["is_default"] and by["rows"]["is_default"] and by["home"]["value"]
        assert by["model_api_key"]["value"] is None and all(
            one["description"] for one in told["settings"] if one["name"] != "log_level"
        )
        info, ok = http.get("/info").json()["server"], http.get("/ok").json()
        assert (info["version"], info["build"]) == (told["version"], told["build"]) == (told["version"], build_of(STATIC))
        assert (ok["model"], ok["mode"]) == ("offline", "local")
        assert SECRET not in http.get("/settings").text


def test_who_signs_in_is_told_no_secret_and_nothing_of_the_machine(tmp_path: Path) -> None:
    home = tmp_path / "home"
    key = command(home, "keys", "create", "ann", "--org", "acme").stdout.strip()
    with clearance(home, env={**LIVE, "CLEARANCE_SIGN_IN": "keys"}) as server:
        answer = httpx.get(f"{server.url}/settings", timeout=60, headers={"x-api-key": key})
        assert httpx.get(f"{server.url}/settings", timeout=60).status_code == 401
    told = answer.json()
    assert told["model"] == {"name": "some-model", "offline": False, "host": "127.0.0.1:9", "key_set": True}
    assert (told["person"]["user"], told["people"], told["mode"]) == ("ann", [], "keys")
    for hidden in (SECRET, "hidden", str(tmp_path), "rita"):
        assert hidden not in answer.text


def test_a_build_is_named_by_its_entry_page(tmp_path: Path) -> None:
    assert build_of(tmp_path) == ""
    (tmp_path / "index.html").write_bytes(b"<script src=assets/a-1.js>")
    assert build_of(tmp_path) == hashlib.sha256(b"<script src=assets/a-1.js>").hexdigest()[:16]

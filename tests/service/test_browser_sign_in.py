"""Signing in at a browser: the whole way to a loopback identity provider and back, what cannot be played back, and the way out."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.service.identity_provider import CLIENT, SECRET, IdentityProvider, identity_provider
from tests.service.serving import PROJECT, Server, clearance

GROUPS = {"requesters": ["requester"], "admins": ["admin"]}


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    with identity_provider() as one:
        yield one


@pytest.fixture(scope="module")
def served(idp: IdentityProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = {
        "CLEARANCE_SIGN_IN": "keys,jwt,oidc",
        "CLEARANCE_ISSUER": idp.issuer,
        "CLEARANCE_AUDIENCE": "clearance-api",
        "CLEARANCE_GROUPS": json.dumps(GROUPS),
        "CLEARANCE_CLIENT_ID": CLIENT,
        "CLEARANCE_CLIENT_SECRET": SECRET,
    }
    with clearance(tmp_path_factory.mktemp("oidc"), "--config", str(PROJECT / "langgraph.json"), env=env) as server:
        yield server


@pytest.fixture
async def browser(served: Server, idp: IdentityProvider) -> AsyncIterator[httpx.AsyncClient]:
    """It keeps cookies and follows nothing by itself."""
    idp.claims, idp.refuse, idp.nonce = {}, "", None
    async with httpx.AsyncClient(base_url=served.url, timeout=60) as one:
        yield one


async def back_from(browser: httpx.AsyncClient, page: str = "/ok") -> str:
    """To the provider, which signs in at once; the address on the way back, not yet opened."""
    to = await browser.get("/auth/sign-in", params={"page": page})
    assert to.status_code == 303, to.text
    async with httpx.AsyncClient(timeout=60) as elsewhere:
        return (await elsewhere.get(to.headers["location"])).headers["location"]


async def sign_in(browser: httpx.AsyncClient, page: str = "/ok") -> httpx.Response:
    return await browser.get(await back_from(browser, page))


async def test_a_person_signs_in_writes_and_signs_out(browser: httpx.AsyncClient, idp: IdentityProvider) -> None:
    assert (await browser.get("/auth/me")).status_code == 401
    to = await browser.get("/auth/sign-in")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(to.headers["location"]).query).items()}
    assert asked["redirect_uri"] == f"{browser.base_url}/auth/callback".replace("//auth", "/auth")
    assert len(asked["state"]) >= 30 and len(asked["nonce"]) >= 30 and asked["code_challenge_method"] == "S256"
    arrived = await sign_in(browser, "/info?x=1")
    assert (arrived.status_code, arrived.headers["location"]) == (303, "/info?x=1")
    [cookie] = [one for one in arrived.headers.get_list("set-cookie") if one.startswith("clearance_session=")]
    parts = {part.strip().lower() for part in cookie.split(";")}
    assert {"httponly", "samesite=lax", "path=/", "max-age=28800"} <= parts and "secure" not in parts, "loopback has no https"
    me = (await browser.get("/auth/me")).json()
    assert (me["user"], me["org"], me["roles"], me["mode"]) == ("ann", "local", ["requester"], "keys,jwt,oidc")
    for wrong in ({}, {"x-csrf-token": ""}, {"x-csrf-token": "0" * 64}, {"x-csrf-token": "é"}):
        refused = await browser.post("/threads", json={}, headers={k: v.encode() for k, v in wrong.items()})
        assert refused.status_code == 403 and "x-csrf-token" in refused.json()["detail"]
    proof = {"x-csrf-token": me["csrf_token"]}
    thread = (await browser.post("/threads", json={}, headers=proof)).json()["thread_id"]
    assert (await browser.get(f"/threads/{thread}")).status_code == 200
    foreign = await browser.post("/threads", json={}, headers={**proof, "origin": "https://evil.example"})
    assert foreign.status_code == 403 and "may not call" in foreign.text
    async with httpx.AsyncClient(base_url=browser.base_url, timeout=60) as bearer:
        token = {"authorization": f"Bearer {idp.token()}"}
        assert (await bearer.get(f"/threads/{thread}", headers=token)).status_code == 200, "the same person by an access token"
        eve = {"authorization": f"Bearer {idp.token(sub='eve')}"}
        assert (await bearer.get(f"/threads/{thread}", headers=eve)).status_code == 404
    stolen = dict(browser.cookies)
    ending = await browser.post("/auth/sign-out", headers=proof)
    left = {name: values[0] for name, values in parse_qs(urlsplit(ending.json()["url"]).query).items()}
    assert ending.json()["url"].startswith(f"{idp.issuer}/end?") and left["client_id"] == CLIENT
    assert left["post_logout_redirect_uri"].endswith("/docs") and left["id_token_hint"].count(".") == 2
    assert "clearance_session" not in browser.cookies
    async with httpx.AsyncClient(base_url=browser.base_url, cookies=stolen, timeout=60) as thief:
        assert (await thief.get("/auth/me")).status_code == 401, "the row is the session, not the cookie"


async def test_the_way_back_belongs_to_one_browser_and_works_once(browser: httpx.AsyncClient, idp: IdentityProvider) -> None:
    back = await back_from(browser)
    async with httpx.AsyncClient(base_url=browser.base_url, timeout=60) as victim:
        lured = await victim.get(back)
        assert lured.status_code == 403 and "not begun in this browser" in lured.json()["detail"]
        assert "clearance_session" not in victim.cookies
    kept = dict(browser.cookies)
    other = httpx.URL(back).copy_set_param("state", "x" * 32)
    assert "another sign-in (state)" in (await browser.get(other)).json()["detail"]
    async with httpx.AsyncClient(base_url=browser.base_url, cookies=kept, timeout=60) as again:
        assert (await again.get(back)).status_code == 403, "a wrong state ends the sign-in"
    back = await back_from(browser)
    kept = dict(browser.cookies)
    assert (await browser.get(back)).status_code == 303
    async with httpx.AsyncClient(base_url=browser.base_url, cookies=kept, timeout=60) as again:
        assert (await again.get(back)).status_code == 403, "an answer works once"


async def test_what_the_provider_says_wrongly_begins_no_session(browser: httpx.AsyncClient, idp: IdentityProvider) -> None:
    idp.refuse = "access_denied"
    assert "refused: access_denied" in (await sign_in(browser)).json()["detail"]
    idp.refuse, idp.nonce = "", "of another sign-in"
    assert "nonce" in (await sign_in(browser)).json()["detail"]
    idp.nonce = None
    for claims in ({"aud": "another-client"}, {"azp": "another-client"}, {"iss": "https://evil.example"}, {"exp": 1}):
        idp.claims = claims
        refused = await sign_in(browser)
        assert refused.status_code == 403 and "token" in refused.json()["detail"], (claims, refused.text)
    idp.claims = {"groups": ["strangers"]}
    assert "ann has no role here" in (await sign_in(browser)).json()["detail"]
    idp.claims = {}
    back = await back_from(browser)
    assert (
        "another identity provider" in (await browser.get(httpx.URL(back).copy_set_param("iss", "https://x"))).json()["detail"]
    )
    back = await back_from(browser)
    assert "did not take the code" in (await browser.get(httpx.URL(back).copy_set_param("code", "guessed"))).json()["detail"]
    back = await back_from(browser)
    idp.up = False
    try:
        away = await browser.get(back)
    finally:
        idp.up = True
    assert away.status_code == 503, away.text
    assert (await browser.get("/auth/me")).status_code == 401
    for elsewhere in ("https://evil.example", "//evil.example", "/\\evil.example", "/a\nb", ""):
        assert (await sign_in(browser, elsewhere)).headers["location"] == "/docs"


async def test_host_origin_and_sockets(served: Server, idp: IdentityProvider, tmp_path: Path) -> None:
    env = {"CLEARANCE_SIGN_IN": "keys", "CLEARANCE_PUBLIC_URL": "https://clearance.example"}
    with clearance(tmp_path, "--config", str(PROJECT / "langgraph.json"), env=env) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
            for host, path, status in [
                ("clearance.example", "/info", 200),
                ("127.0.0.1", "/info", 200),
                ("evil.example", "/info", 403),
                ("clearance.example.evil.example", "/info", 403),
                ("10.1.2.3", "/ok", 200),
            ]:
                assert (await http.get(path, headers={"host": host})).status_code == status, host
            for origin, status in [
                ("https://clearance.example", 200),
                ("https://smith.langchain.com", 200),
                ("http://localhost:3000", 200),
                ("http://clearance.example", 403),
                ("https://evil.example", 403),
                ("null", 403),
                ("http://localhost.evil.example", 403),
            ]:
                asked = {
                    "origin": origin,
                    "access-control-request-method": "POST",
                    "access-control-request-headers": "x-api-key",
                }
                answer = await http.get("/info", headers={"origin": origin})
                assert answer.status_code == status, origin
                allowed = answer.headers.get("access-control-allow-origin")
                assert allowed == (origin if status == 200 and origin != "https://clearance.example" else None)
                assert "access-control-allow-credentials" not in answer.headers, "no other page may use a session's cookie"
                before = await http.options("/threads", headers=asked)
                assert (before.headers.get("access-control-allow-origin") == origin) == (allowed == origin), origin
    where = urlsplit(served.url)
    with socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=60) as raw:
        upgrade = "GET /threads HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        await asyncio.to_thread(raw.sendall, (upgrade + key).encode())
        said = await asyncio.to_thread(raw.recv, 4096)
    assert said.split()[1] == b"403", said

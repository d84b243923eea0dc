"""Bearer tokens: whose are taken, as whom they act, and what of the provider's keys is kept how long. Real sockets, a clock of ours."""

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from app.auth.provider import ASK_AGAIN_S, KEEP_LONGEST_S, KEEP_S, Provider
from app.auth.refusals import BadToken, NotAdmitted, ProviderUnavailable
from app.auth.tokens import Tokens
from governance.identity import Caller
from settings import Settings
from tests.service.identity_provider import IdentityProvider, identity_provider

GROUPS = {"requesters": ("requester",), "risk": ("risk-manager", "requester"), "admins": ("admin",)}


@pytest.fixture(scope="module")
def running() -> Iterator[IdentityProvider]:
    with identity_provider() as one:
        yield one


class Clock:
    at = 1000.0

    def __call__(self) -> float:
        return self.at


def settings_of(idp: IdentityProvider, **more: Any) -> Settings:
    own = dict(sign_in="jwt", issuer=idp.issuer, audience="clearance-api", groups=GROUPS, org="acme")
    return Settings(**{**own, **more})  # type: ignore[arg-type]  # mypy takes any for each


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture
async def idp(running: IdentityProvider) -> AsyncIterator[IdentityProvider]:
    running.asked.clear()
    running.up = True
    running.rotate()
    yield running


@pytest.fixture
async def known(idp: IdentityProvider) -> AsyncIterator[tuple[Tokens, Clock]]:
    clock = Clock()
    provider = Provider(idp.issuer, clock=clock)
    yield Tokens(provider, settings_of(idp)), clock
    await provider.close()


async def test_a_token_acts_as_its_user_with_the_roles_of_its_groups_alone(
    idp: IdentityProvider, known: tuple[Tokens, Clock]
) -> None:
    tokens = known[0]
    assert await tokens.caller(idp.token(roles=["admin"], org="other")) == Caller("ann", "acme", ("requester",))
    both = idp.token(groups=["risk", "requesters", "unknown", 7], aud=["other", "clearance-api"])
    assert await tokens.caller(both) == Caller("ann", "acme", ("risk-manager", "requester"))
    machine = idp.token(sub="ci", client_id="ci", groups=["requesters"])
    assert await tokens.caller(machine) == Caller("ci", "acme", ("requester",), person=False)
    for groups in (None, [], ["others"], {"requesters": True}):
        with pytest.raises(NotAdmitted, match="ann has no role here"):
            await tokens.caller(idp.token(groups=groups))
    named = settings_of(idp, user_claim="email", org_claim="tenant.name", groups_claim="realm_access.roles")
    other = Tokens(tokens.provider, named)
    said = dict(email="ann@acme.example", tenant={"name": "acme"}, realm_access={"roles": ["admins"]})
    assert await other.caller(idp.token(**said)) == Caller("ann@acme.example", "acme", ("admin",))
    with pytest.raises(BadToken, match="did not verify"):
        await other.caller(idp.token(**said, email_verified=False))
    for name in ("*", "", "x" * 101, 7, None, "a\nb"):
        with pytest.raises(BadToken, match=r"claim tenant\.name is not a name"):
            await other.caller(idp.token(**{**said, "tenant": {"name": name}}))


async def test_what_is_not_the_providers_token_for_us_is_refused(idp: IdentityProvider, known: tuple[Tokens, Clock]) -> None:
    tokens, at = known[0], int(time.time())
    key = idp.keys[0]
    stranger = RSAKey.generate_key(2048, {"kid": key.kid})
    pretends = {"iss": idp.issuer, "aud": "clearance-api", "sub": "eve", "exp": at + 300, "groups": ["admins"]}
    unsigned = jwt.encode({"alg": "none", "kid": key.kid}, pretends, key, algorithms=["none"])
    signed = ".".join(b64(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": key.kid}, pretends))
    by_the_public_key = f"{signed}.{b64(hmac.digest(key.as_pem(private=False), signed.encode(), 'sha256'))}"
    head, body, signature = idp.token().split(".")
    bad = {
        "another issuer": idp.token(iss="https://evil.example"),
        "another audience": idp.token(aud="somebody-else"),
        "no audience": idp.token(aud=None),
        "no end": idp.token(exp=None),
        "no subject": idp.token(sub=None),
        "over": idp.token(exp=at - 90),
        "not yet": idp.token(nbf=at + 90),
        "made tomorrow": idp.token(iat=at + 86_400),
        "an ID token": idp.token(nonce="n"),
        "a stranger's signature": idp.token(key=stranger),
        "an unknown key": idp.token(key=RSAKey.generate_key(2048, {"kid": "never"})),
        "another kind of key": idp.token(key=ECKey.generate_key("P-256", {"kid": key.kid}), alg="ES256"),
        "not signed": unsigned,
        "signed by what is public": by_the_public_key,
        "an algorithm that is not listed": idp.token(alg="RS512"),
        "a changed body": f"{head}.{body[:-2]}AA.{signature}",
        "no signature": f"{head}.{body}.",
        "no token": "a.b.c",
        "not even that": "żółw",
    }
    for what, token in bad.items():
        with pytest.raises(BadToken):
            await tokens.caller(token)
            pytest.fail(what)
    at = int(time.time())
    for within in (idp.token(exp=at - 30), idp.token(nbf=at + 30)):
        assert (await tokens.caller(within)).user == "ann"


async def test_a_new_key_counts_at_once_and_one_taken_back_soon_no_more(
    idp: IdentityProvider, known: tuple[Tokens, Clock]
) -> None:
    tokens, clock = known
    before = idp.keys[0]
    assert (await tokens.caller(idp.token())).user == "ann"
    clock.at += ASK_AGAIN_S + 1
    idp.rotate("EC")
    assert (await tokens.caller(idp.token(alg="ES256"))).user == "ann"
    assert idp.asked["/keys"] == 2
    with pytest.raises(BadToken):
        await tokens.caller(idp.token(key=before))
    for _ in range(20):
        with pytest.raises(BadToken):
            await tokens.caller(idp.token(kid="made-up", alg="ES256"))
    assert idp.asked["/keys"] == 2, "whoever makes up keys makes us ask nobody"
    clock.at += KEEP_S
    only = idp.keys[0]
    idp.rotate("EC")
    with pytest.raises(BadToken):
        await tokens.caller(idp.token(key=only, alg="ES256"))
    assert idp.asked["/keys"] == 3


async def test_a_provider_that_is_away_is_done_without_for_a_while(idp: IdentityProvider, known: tuple[Tokens, Clock]) -> None:
    tokens, clock = known
    idp.up = False
    with pytest.raises(ProviderUnavailable, match="cannot be asked"):
        await tokens.caller(idp.token())
    with pytest.raises(ProviderUnavailable, match="did not answer"):
        await tokens.caller(idp.token())
    assert sum(idp.asked.values()) == 1, "it is not asked again at once"
    idp.up, clock.at = True, clock.at + ASK_AGAIN_S
    assert (await tokens.caller(idp.token())).user == "ann"
    idp.up, clock.at = False, clock.at + KEEP_LONGEST_S - 1
    assert (await tokens.caller(idp.token())).user == "ann"
    clock.at += ASK_AGAIN_S
    with pytest.raises(ProviderUnavailable):
        await tokens.caller(idp.token())


async def test_a_provider_that_speaks_for_another_is_not_believed(idp: IdentityProvider) -> None:
    provider = Provider(idp.issuer + "/")
    with pytest.raises(ProviderUnavailable, match="speaks for 'http"):
        await Tokens(provider, settings_of(idp, issuer=idp.issuer + "/")).caller(idp.token())
    await provider.close()


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"sign_in": "jwt"}, "CLEARANCE_ISSUER, CLEARANCE_AUDIENCE, CLEARANCE_GROUPS"),
        ({"sign_in": "keys,oidc", "issuer": "https://id.example"}, "CLEARANCE_CLIENT_ID, CLEARANCE_GROUPS"),
        ({"sign_in": "password"}, "keys"),
        ({"issuer": "http://id.example"}, "must be an https:// address"),
        ({"public_url": "http://localhost.evil.example"}, "must be an https:// address"),
        ({"algorithms": ["HS256"]}, "RS256"),
        ({"algorithms": []}, "at least 1"),
    ],
)
def test_settings_that_would_let_in_the_wrong_people_are_refused(given: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        Settings(**given)


def test_several_ways_are_listed_by_comma() -> None:
    assert [Settings(sign_in=said).sign_in for said in ("", "none", "keys", "keys, keys")] == [(), (), ("keys",), ("keys",)]  # type: ignore[arg-type]  # as the environment has it

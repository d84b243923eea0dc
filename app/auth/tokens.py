"""Signed tokens (JWT) of the identity provider: checked, and read as a caller. Used by `access.py` and, for its ID tokens, by
`browser.py`.

Checked are the signature by a key that the provider lists now, its algorithm, issuer, audience and times. Roles come from the
groups that the token lists, by the settings' table alone: who is in none of these groups is not admitted, and no claim names a role.
"""

from collections.abc import Mapping
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from app.auth.provider import Provider
from app.auth.refusals import BadToken, NotAdmitted
from governance.identity import Caller
from governance.kill_switch import EVERYONE
from settings import Settings

LONGEST = 100
"""Characters of a user's or an organisation's name."""


class Tokens:
    """The tokens of one provider, by the settings `issuer`, `algorithms`, `clock_skew` and those of the claims."""

    def __init__(self, provider: Provider, settings: Settings) -> None:
        self.provider, self._settings = provider, settings

    async def caller(self, token: str) -> Caller:
        """Whom a bearer token acts as. Raises `BadToken`, `NotAdmitted`, `ProviderUnavailable`."""
        claims = await self.claims(token, self._settings.audience)
        if "nonce" in claims:
            raise BadToken("this is an ID token, which says who signed in at a browser: send an access token")
        return self.caller_of(claims)

    async def claims(self, token: str, audience: str, nonce: str | None = None) -> Mapping[str, Any]:
        """What a token says, once it is known to be the provider's and for this audience. Raises `BadToken`,
        `ProviderUnavailable`."""
        try:
            header = jws.extract_compact(token.encode("ascii")).headers()
            algorithm, kid = header.get("alg"), header.get("kid")
            if algorithm not in self._settings.algorithms:
                raise BadToken(f"the token is signed by {str(algorithm)[:20]!r}, and CLEARANCE_ALGORITHMS lists it not")
            if kid is not None and not isinstance(kid, str):
                raise BadToken("the token's kid is no text")
            keys = await self.provider.keys(kid)
            claims = jwt.decode(token, keys, algorithms=self._settings.algorithms).claims
            self._registry(audience, nonce).validate(claims)
        except BadToken:
            raise
        except (JoseError, ValueError) as error:  # what the library makes of a token that is no token, too
            raise BadToken(f"the token is not accepted: {error}") from None
        if nonce is not None and claims.get("azp", audience) != audience:
            raise BadToken("the token was made for another client")
        return claims

    def caller_of(self, claims: Mapping[str, Any]) -> Caller:
        """Raises `BadToken`, `NotAdmitted`."""
        known = self._settings
        user = _name(claims, known.user_claim)
        if known.user_claim == "email" and claims.get("email_verified") is False:
            raise BadToken(f"the provider did not verify the address {user}")
        org = _name(claims, known.org_claim) if known.org_claim else known.org
        listed = _inside(claims, known.groups_claim)
        groups = [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else []
        roles = [role for group in groups if isinstance(group, str) for role in known.groups.get(group, ())]
        if not roles:
            raise NotAdmitted(f"{user} has no role here: none of their groups is in CLEARANCE_GROUPS")
        return Caller(user, org, tuple(dict.fromkeys(roles)), person=not _is_machine(claims))

    def _registry(self, audience: str, nonce: str | None) -> JWTClaimsRegistry:
        asked: dict[str, Any] = {"iss": self._settings.issuer, "aud": audience}
        asked |= {"nonce": nonce} if nonce is not None else {}
        exactly: dict[str, Any] = {name: {"essential": True, "value": value} for name, value in asked.items()}
        there: dict[str, Any] = {"exp": {"essential": True}, "sub": {"essential": True}}
        return JWTClaimsRegistry(leeway=self._settings.clock_skew, **exactly, **there)


def _is_machine(claims: Mapping[str, Any]) -> bool:
    """Was the token given to a program for itself? It may ask, and never decides."""
    itself = claims.get("sub") in (claims.get("client_id", ""), claims.get("azp", ""))
    return itself or claims.get("gty") == "client-credentials" or claims.get("idtyp") == "app"


def _name(claims: Mapping[str, Any], claim: str) -> str:
    found = _inside(claims, claim)
    if not isinstance(found, str) or not 0 < len(found.strip()) <= LONGEST or not found.isprintable() or found == EVERYONE:
        raise BadToken(f"the token's claim {claim} is not a name of at most {LONGEST} characters")
    return found


def _inside(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, else by the path that the name may be: realm_access.roles."""
    found: Any = claims
    for part in [name] if name in claims else name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found

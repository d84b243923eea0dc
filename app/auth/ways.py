"""The ways to say who calls that the settings allow, as one: a request's headers and cookies become a caller. Used by `access.py`."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.auth.keys import PREFIX, Keys
from app.auth.people import People
from app.auth.refusals import NotAdmitted, NotSignedIn
from app.auth.sessions import Session, Sessions
from database import Database
from governance.identity import Caller
from settings import Settings

if TYPE_CHECKING:
    from app.auth.browser import Browsers
    from app.auth.provider import Provider
    from app.auth.tokens import Tokens

COOKIE = "clearance_session"
PROOF = "x-csrf-token"
SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Known:
    """Who calls; `session` if a browser's cookie said so."""

    caller: Caller
    session: Session | None = None


class Ways:
    """Of API keys, bearer tokens and browsers those that are there; `provider` is asked by the last two, and closed with them."""

    def __init__(
        self,
        people: People,
        keys: Keys | None = None,
        bearers: "Tokens | None" = None,
        browsers: "Browsers | None" = None,
        provider: "Provider | None" = None,
    ) -> None:
        self.browsers = browsers
        self._people, self._keys, self._bearers, self._provider = people, keys, bearers, provider
        several = {
            "a valid API key as x-api-key or as a bearer token": keys,
            "a bearer token of the identity provider": bearers,
        }
        asked = [what for what, way in {**several, "or sign in at /auth/sign-in": browsers}.items() if way is not None]
        self._asked = f"say who calls: {', '.join(asked)}"

    async def known(self, method: str, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Known:
        """Raises `NotSignedIn`, `NotAdmitted`, `ProviderUnavailable`. What a header says counts before a cookie."""
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        secret = headers.get("x-api-key") or (bearer.strip() if scheme.lower() == "bearer" else "")
        if secret:
            return Known(await self._of_secret(secret))
        cookie = cookies.get(COOKIE, "")
        session = await self.browsers.sessions.find(cookie) if self.browsers and cookie else None
        if session is None:
            raise NotSignedIn(self._asked)
        if method not in SAFE and not hmac.compare_digest(headers.get(PROOF, "").encode(), session.proof.encode()):
            raise NotAdmitted(
                f"a browser's session must prove that a page of this service writes: send {PROOF} as /auth/me says it"
            )
        return Known(session.caller, session)

    async def signed_in(self, caller: Caller) -> None:
        """The identity provider named this person just now."""
        await self._people.met(caller)

    async def close(self) -> None:
        if self._provider:
            await self._provider.close()

    async def _of_secret(self, secret: str) -> Caller:
        if self._bearers and not secret.startswith(PREFIX):
            caller = await self._bearers.caller(secret)
            await self.signed_in(caller)
            return caller
        found = await self._keys.caller(secret) if self._keys else None
        if found is None:
            raise NotSignedIn(self._asked)
        return found


def ways_of(settings: Settings, db: Database) -> Ways | None:
    """The ways that the settings name; None: local mode, where nobody is asked."""
    if not settings.sign_in:
        return None
    people = People(db)
    keys = Keys(db) if "keys" in settings.sign_in else None
    if settings.sign_in == ("keys",):
        return Ways(people, keys)
    from app.auth.browser import Browsers  # with the libraries that only an identity provider needs
    from app.auth.provider import Provider
    from app.auth.tokens import Tokens

    provider = Provider(settings.issuer, settings.jwks_url)
    tokens = Tokens(provider, settings)
    browsers = Browsers(provider, tokens, Sessions(db, timedelta(hours=settings.session_hours)), settings)
    return Ways(
        people,
        keys,
        tokens if "jwt" in settings.sign_in else None,
        browsers if "oidc" in settings.sign_in else None,
        provider,
    )

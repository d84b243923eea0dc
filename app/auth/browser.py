"""Signing in at a browser by OpenID Connect: the code flow with PKCE, state and nonce. Called by `app/api/signing_in.py` alone.

What the way back needs (state, nonce, verifier) waits in a row that only this browser's cookie finds, and works once.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import AsyncOAuth2Client
from httpx2 import HTTPError

from app.auth.provider import TIMEOUT_S, Provider
from app.auth.refusals import BadToken, ProviderUnavailable, SignInFailed
from app.auth.sessions import Sessions
from app.auth.tokens import Tokens
from governance.identity import Caller
from settings import Settings

LOCAL_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20]*")
"""A page of this service: no other host can be read into it."""
HOME = "/docs"


@dataclass(frozen=True)
class SignedIn:
    """Who signed in: the session's secret, and the page that they wanted."""

    caller: Caller
    secret: str
    page: str


class Browsers:
    """Sign-in by the provider of the settings `issuer`, `client_id`, `client_secret`."""

    def __init__(self, provider: Provider, tokens: Tokens, sessions: Sessions, settings: Settings) -> None:
        self._provider, self._tokens, self.sessions, self._settings = provider, tokens, sessions, settings

    async def begin(self, back: str, page: str) -> tuple[str, str]:
        """Where to send the browser, and the secret that its cookie keeps meanwhile. `back` is our callback's address.

        Raises `ProviderUnavailable`.
        """
        verifier, nonce = generate_token(64), generate_token(32)
        endpoint = await self._provider.endpoint("authorization_endpoint")
        async with self._client(back) as client:
            url, state = client.create_authorization_url(
                endpoint, state=generate_token(32), code_verifier=verifier, nonce=nonce
            )
        page = page if LOCAL_PATH.fullmatch(page) else HOME
        secret = await self.sessions.begin({"state": state, "nonce": nonce, "verifier": verifier, "page": page, "back": back})
        return url, secret

    async def finish(self, secret: str, said: Mapping[str, str]) -> SignedIn:
        """What the provider says on the way back becomes a session. Raises `SignInFailed`, `NotAdmitted`, `ProviderUnavailable`."""
        kept = await self.sessions.finish(secret) if secret else None
        if kept is None:
            raise SignInFailed("this sign-in was not begun in this browser, was used already, or took too long: begin again")
        if not hmac.compare_digest(said.get("state", "").encode(), kept["state"].encode()):
            raise SignInFailed("the answer belongs to another sign-in (state): begin again")
        if said.get("iss", self._settings.issuer) != self._settings.issuer:
            raise SignInFailed("the answer is of another identity provider (iss): begin again")
        if "error" in said:
            raise SignInFailed(
                f"the identity provider refused: {said['error'][:100]} {said.get('error_description', '')[:300]}".strip()
            )
        if not said.get("code"):
            raise SignInFailed("the identity provider sent no code: begin again")
        id_token = await self._id_token(said["code"], kept["verifier"], kept["back"])
        try:
            caller = self._tokens.caller_of(await self._tokens.claims(id_token, self._settings.client_id, kept["nonce"]))
        except BadToken as error:
            raise SignInFailed(str(error)) from None
        return SignedIn(caller, await self.sessions.open(caller, id_token), kept["page"])

    async def end(self, secret: str, page: str) -> str:
        """End the session; where the browser goes to end the provider's too, `page` where that has no such address."""
        id_token = await self.sessions.close(secret)
        described = await self._provider.described()
        if "end_session_endpoint" not in described:
            return page
        asked = {"client_id": self._settings.client_id, "post_logout_redirect_uri": page}
        asked |= {"id_token_hint": id_token} if id_token else {}
        endpoint = await self._provider.endpoint("end_session_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    async def _id_token(self, code: str, verifier: str, back: str) -> str:
        endpoint = await self._provider.endpoint("token_endpoint")
        try:
            async with self._client(back) as client:
                token = await client.fetch_token(endpoint, code=code, code_verifier=verifier)
        except AuthlibBaseError as error:
            raise SignInFailed(f"the identity provider did not take the code back: {error}") from None
        except (HTTPError, ValueError) as error:
            raise ProviderUnavailable(f"the identity provider cannot be asked at {endpoint}: {error}") from error
        id_token = token.get("id_token")
        if not isinstance(id_token, str):
            raise SignInFailed("the identity provider sent no ID token: it must offer the scope openid to this client")
        return id_token

    def _client(self, back: str) -> AsyncOAuth2Client:
        secret = self._settings.client_secret.get_secret_value()
        return AsyncOAuth2Client(
            self._settings.client_id,
            secret or None,
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
            scope=" ".join(self._settings.scopes),
            redirect_uri=back,
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
        )

"""The identity provider: what it says of itself (discovery) and its keys, kept for a while. Used by `tokens.py` and `browser.py`."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.auth.refusals import ProviderUnavailable

KEEP_S = 600.0
"""How long keys and discovery are kept: a key that the provider takes back stops working within it."""
KEEP_LONGEST_S = 3600.0
"""How long they are while the provider cannot be reached."""
ASK_AGAIN_S = 10.0
"""The least between two questions, whatever tokens say: nobody makes us ask the provider at every request."""
TIMEOUT_S = 10.0


class Provider:
    """One issuer. `jwks_url` empty: where its discovery document says. `clock` counts seconds."""

    def __init__(self, issuer: str, jwks_url: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self.issuer, self._jwks_url, self._clock = issuer, jwks_url, clock
        self._http = httpx2.AsyncClient(timeout=TIMEOUT_S)
        self._asking = asyncio.Lock()
        self._kept: dict[str, tuple[float, Any]] = {}  # address -> when it was read, what it said
        self._failed: dict[str, float] = {}

    async def close(self) -> None:
        await self._http.aclose()

    async def described(self) -> Mapping[str, Any]:
        """The discovery document. Raises `ProviderUnavailable`."""
        url = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
        said = await self._read(url, self._checked, KEEP_S)
        assert isinstance(said, Mapping)
        return said

    async def keys(self, kid: str | None) -> KeySet:
        """Its keys; asked again where they have none of this id, for it may have new ones. Raises `ProviderUnavailable`."""
        url = self._jwks_url or self._endpoint(await self.described(), "jwks_uri")
        found = await self._read(url, _key_set, KEEP_S)
        if kid is not None and all(key.kid != kid for key in found.keys):
            found = await self._read(url, _key_set, ASK_AGAIN_S)
        assert isinstance(found, KeySet)
        return found

    async def endpoint(self, name: str) -> str:
        """An address of the provider, by its name in the discovery document. Raises `ProviderUnavailable`."""
        return self._endpoint(await self.described(), name)

    async def _read(self, url: str, parse: Callable[[Any], Any], fresh: float) -> Any:
        """What is there, not older than `fresh` seconds if the provider answers."""
        if (kept := self._fresh(url, fresh)) is not None:
            return kept
        async with self._asking:
            if (kept := self._fresh(url, fresh)) is not None:
                return kept  # another request asked meanwhile
            in_vain = self._clock() - self._failed.get(url, float("-inf")) < ASK_AGAIN_S
            try:
                if in_vain:
                    raise ProviderUnavailable(f"the identity provider did not answer at {url}")
                said = parse(await self._get(url))
            except ProviderUnavailable:
                if not in_vain:
                    self._failed[url] = self._clock()
                if (kept := self._fresh(url, KEEP_LONGEST_S)) is not None:
                    return kept
                raise
            self._kept[url] = (self._clock(), said)
            return said

    def _fresh(self, url: str, seconds: float) -> Any:
        read_at, said = self._kept.get(url, (float("-inf"), None))
        return said if self._clock() - read_at < seconds else None

    async def _get(self, url: str) -> Any:
        try:
            answer = await self._http.get(url, headers={"accept": "application/json"})
            answer.raise_for_status()
            return answer.json()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise ProviderUnavailable(
                f"the identity provider cannot be asked at {url}: {error or type(error).__name__}"
            ) from error

    def _checked(self, said: Any) -> Mapping[str, Any]:
        if not isinstance(said, Mapping) or said.get("issuer") != self.issuer:
            named = said.get("issuer") if isinstance(said, Mapping) else None
            raise ProviderUnavailable(
                f"the discovery document of {self.issuer} speaks for {named!r}: set CLEARANCE_ISSUER to just what it says"
            )
        return said

    def _endpoint(self, said: Mapping[str, Any], name: str) -> str:
        url = said.get(name)
        if not isinstance(url, str) or not (url.startswith("https://") or self.issuer.startswith("http://")):
            raise ProviderUnavailable(f"the identity provider {self.issuer} names no safe {name}: {url!r}")
        return url


def _key_set(said: Any) -> KeySet:
    """Those of its keys that sign; one of a kind that is not known is left out."""
    listed = said.get("keys") if isinstance(said, Mapping) else None
    if not isinstance(listed, list):
        raise ProviderUnavailable("the identity provider's keys are not a JSON Web Key Set")
    found = KeySet([])
    for one in listed:
        try:
            if one.get("use", "sig") == "sig" and one.get("kty") != "oct":
                found.keys += KeySet.import_key_set({"keys": [one]}).keys
        except (JoseError, ValueError, KeyError, AttributeError, TypeError):
            continue
    return found

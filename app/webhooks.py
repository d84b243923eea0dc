"""Sends webhooks: signed as Standard Webhooks has it (v1, HMAC-SHA256 over `id.timestamp.body`), to public addresses alone.

The host's name is looked up here, every address is judged, and the connection goes to the address that was judged: a name that
answers differently the second time gains nothing. No redirect is followed and no proxy of the environment is asked.
"""

import asyncio
import base64
import ipaddress
import secrets
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx2
from standardwebhooks.webhooks import Webhook

from settings import Settings

SECONDS = 20.0
PREFIX = "whsec_"
FILE = "webhook.secret"
NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class NotSent(RuntimeError):
    """It did not arrive; the message says why. It may the next time."""


class Forbidden(NotSent):
    """It may not be sent there, now or later."""


def check_url(url: str) -> str:
    """The address as it is. Raises `ValueError` for one that no webhook can be sent to."""
    try:
        parsed = httpx2.URL(url)
        host, scheme = parsed.host, parsed.scheme
    except (httpx2.InvalidURL, ValueError) as error:
        raise ValueError(f"{url[:200]!r} is no URL ({error})") from error
    if scheme not in ("http", "https") or not host:
        raise ValueError(f"{url[:200]!r} is no http or https URL")
    if parsed.userinfo:
        raise ValueError("a name and password in the URL are not supported: the request is signed")
    return url


class BadSecret(ValueError):
    """What is to sign the webhooks is no secret."""


class Sender:
    """Sends with one secret. `allowed` are networks that are not public and may still be reached."""

    def __init__(self, secret: str, allowed: Sequence[Network] = ()) -> None:
        try:
            base64.b64decode(secret.removeprefix(PREFIX), validate=True)  # the library skips what is not base64
            self._sign, self._allowed = Webhook(secret).sign, tuple(allowed)
        except ValueError:
            raise BadSecret("CLEARANCE_WEBHOOK_SECRET is no Standard Webhooks secret: whsec_ and base64 is expected") from None
        self._http = httpx2.AsyncClient(timeout=SECONDS, follow_redirects=False, trust_env=False)

    async def send(self, url: str, id: str, body: bytes) -> None:
        """Post it. Raises `NotSent`, `Forbidden`."""
        given = httpx2.URL(url)
        address = await self._address(given.host, given.port or (443 if given.scheme == "https" else 80))
        now = datetime.now(UTC)
        headers = {
            "Host": given.netloc.decode("ascii"),
            "Content-Type": "application/json",
            "User-Agent": "clearance",
            "webhook-id": id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._sign(id, now, body.decode()),
        }
        try:
            async with self._http.stream(
                "POST",
                given.copy_with(host=str(address)),
                content=body,
                headers=headers,
                extensions={"sni_hostname": given.host},  # the certificate is the name's, not the address's
            ) as answer:
                status = answer.status_code
        except httpx2.HTTPError as error:
            raise NotSent(f"{type(error).__name__}: {error}") from error
        if not 200 <= status < 300:
            raise NotSent(f"it answered {status}")

    async def close(self) -> None:
        await self._http.aclose()

    async def _address(self, host: str, port: int) -> Address:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NotSent(f"{host} cannot be found: {error}") from error
        addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
        for address in addresses:
            if not self._may(address):
                raise Forbidden(f"{host} is {address}, which is not public: name its network in CLEARANCE_WEBHOOK_NETWORKS")
        return addresses[0]

    def _may(self, address: Address) -> bool:
        meant = _meant(address)
        if any(one in net for one in (address, meant) for net in self._allowed if one.version == net.version):
            return True
        return all(_is_public(one) for one in {address, meant})


def secret_of(settings: Settings) -> str:
    """The secret of the settings, or the home's own, which is made when it is missing."""
    return settings.webhook_secret.get_secret_value() or _own(settings.home / FILE)


def _own(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="ascii") as file:
            path.chmod(0o600)
            file.write(PREFIX + base64.b64encode(secrets.token_bytes(32)).decode())
    except FileExistsError:
        pass
    return path.read_text(encoding="ascii").strip()


def _is_public(address: Address) -> bool:
    local = (
        isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    )  # given up, and routed within sites all the same
    return address.is_global and not (address.is_multicast or address.is_reserved or local)


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for; itself otherwise."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)
    return address

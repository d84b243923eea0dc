"""An identity provider on a loopback socket: discovery, keys that rotate, the code flow with PKCE, the end of a session.

It is strict where a real one is: a code works once, for the client, the address and the verifier that it was asked with.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey

CLIENT, SECRET = "clearance", "a client's secret"


class IdentityProvider:
    """`claims` are those of whoever signs in next; `asked` counts requests by path; `refuse` is the error of the next sign-in."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.claims: dict[str, Any] = {}
        self.refuse = ""
        self.nonce: str | None = None
        self.asked: dict[str, int] = {}
        self.up = True
        self._codes: dict[str, dict[str, str]] = {}
        self.keys: list[Key] = []
        self.rotate()

    def rotate(self, kind: str = "RSA") -> Key:
        """A new key signs from now on, and the one before is taken back."""
        made = {"kid": secrets.token_hex(4), "use": "sig"}
        self.keys = [RSAKey.generate_key(2048, made) if kind == "RSA" else ECKey.generate_key("P-256", made)]
        return self.keys[0]

    def token(self, *, key: Key | None = None, alg: str = "RS256", kid: str | None = None, **claims: Any) -> str:
        """A token of this provider for clearance's API; a claim of None is left out."""
        at, key = int(time.time()), key or self.keys[0]
        own = {"iss": self.issuer, "aud": "clearance-api", "sub": "ann", "iat": at, "exp": at + 300, "groups": ["requesters"]}
        said = {name: value for name, value in {**own, **claims}.items() if value is not None}
        return jwt.encode({"alg": alg, "kid": kid or str(key.kid)}, said, key, algorithms=[alg])

    def get(self, path: str, asked: dict[str, str]) -> tuple[int, Any]:
        if path == "/.well-known/openid-configuration":
            names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "end_session_endpoint": "end"}
            return 200, {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"} | {
                name: f"{self.issuer}/{end}" for name, end in names.items()
            }
        if path == "/keys":
            return 200, {"keys": [key.as_dict(private=False) for key in self.keys]}
        if path == "/authorize":
            assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256" and "openid" in asked["scope"]
            back = {"state": asked["state"], "iss": self.issuer}
            if self.refuse:
                return 302, f"{asked['redirect_uri']}?{urlencode({**back, 'error': self.refuse})}"
            code = secrets.token_hex(8)
            self._codes[code] = asked
            return 302, f"{asked['redirect_uri']}?{urlencode({**back, 'code': code})}"
        return (200, {"ended": asked}) if path == "/end" else (404, {})

    def exchange(self, said: dict[str, str], authorization: str) -> tuple[int, Any]:
        asked = self._codes.pop(said.get("code", ""), None)
        client = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(said["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if authorization != f"Basic {client}":
            return 401, {"error": "invalid_client"}
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != said["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        own = {"aud": CLIENT, "nonce": self.nonce or asked["nonce"], "azp": CLIENT}
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": self.token(**{**own, **self.claims})}


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            self._answer(url.path, lambda: provider.get(url.path, {k: v[0] for k, v in parse_qs(url.query).items()}))

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["content-length"])).decode()
            said = {name: values[0] for name, values in parse_qs(text).items()}
            self._answer("/token", lambda: provider.exchange(said, self.headers.get("authorization", "")))

        def _answer(self, path: str, make: Any) -> None:
            provider.asked[path] = provider.asked.get(path, 0) + 1
            status, body = make() if provider.up else (500, {})
            self.send_response(status)
            if status == 302:
                self.send_header("location", body)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(b"" if status == 302 else json.dumps(body).encode())

        def log_message(self, *args: Any) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = IdentityProvider(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

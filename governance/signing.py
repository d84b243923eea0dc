"""Signatures of the installation: Ed25519 over canonical JSON. Used by the ledger for its heads, by the audit for its exports.

The private key is a PEM file that only its owner may read. Whoever holds the public key can check a signature without anything of
ours (docs/audit.md).
"""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from sqlalchemy import Connection, select

from database import Database
from governance.digest import canonical
from governance.tables import insert_new, signing_key
from settings import Settings


class BadKey(RuntimeError):
    """The signing key cannot be used; the message names the file and what to do."""


@dataclass(frozen=True)
class Signed:
    """A signed statement: `key` is the public key and `signature` that of the statement's canonical JSON, both in hex."""

    statement: Mapping[str, Any]
    key: str
    signature: str

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Signed":
        """Raises `ValueError` for what is no signed statement."""
        statement, key, signature = data.get("statement"), data.get("key"), data.get("signature")
        if not isinstance(statement, Mapping) or not isinstance(key, str) or not isinstance(signature, str):
            raise ValueError("it has no statement with a key and a signature")
        return cls(statement, key, signature)

    def as_dict(self) -> dict[str, Any]:
        return {"statement": dict(self.statement), "key": self.key, "signature": self.signature}

    @property
    def genuine(self) -> bool:
        """Was exactly this statement signed with that key? Whose key it is, the reader must know."""
        try:
            public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key))
            public.verify(bytes.fromhex(self.signature), canonical(self.statement))
        except (ValueError, InvalidSignature):
            return False
        return True


class Signer:
    """Signs with one private key. `key` is its public half in hex."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.key = private.public_key().public_bytes_raw().hex()

    def sign(self, statement: Mapping[str, Any]) -> Signed:
        return Signed(statement, self.key, self._private.sign(canonical(statement)).hex())


def open_signer(path: Path, *, make: bool) -> Signer:
    """The signer of a key file; with `make`, a missing file is made, readable by its owner alone. Raises `BadKey`."""
    if make and not path.exists():
        _make(path)
    try:
        if path.stat().st_mode & 0o077:
            raise BadKey(f"the signing key {path} may be read by others than its owner: chmod 600 it, or use another key")
        private = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise BadKey(f"there is no signing key at {path}: {HOW}") from error
    except (OSError, ValueError, TypeError) as error:
        raise BadKey(f"the signing key {path} cannot be used ({error}): {HOW}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise BadKey(f"the signing key {path} is no Ed25519 key: {HOW}")
    return Signer(private)


def signer_for(settings: Settings, db: Database | None = None) -> Signer:
    """The signer of an installation: of the key that the settings name, else of one that is made under the home.

    Homes that share a database server must share a key too: the first one's is remembered there (`db`), and who would sign with one
    of its own is told so. Raises `BadKey`.
    """
    if settings.signing_key:
        signer = open_signer(Path(settings.signing_key), make=False)
    else:
        signer = open_signer(settings.home / KEY_FILE, make=True)
    if db and not db.sqlite:
        known = db.run_sync(lambda c: _remember(c, signer.key))
        if known != signer.key and not settings.signing_key:
            raise BadKey(
                f"the ledger of this database is signed with another key ({known[:16]}…) than that of {settings.home}: set "
                f"CLEARANCE_SIGNING_KEY to a copy of that key's file ({KEY_FILE} of the home that was there first)"
            )
    return signer


def _remember(c: Connection, key: str) -> str:
    """The key of whoever signed here first; this one, if nobody has."""
    insert_new(c, signing_key, {"id": 1, "key": key})
    return str(c.execute(select(signing_key.c.key)).scalar_one())


KEY_FILE = "ledger.pem"
HOW = "restore it, or make one with openssl genpkey -algorithm ed25519 -out FILE && chmod 600 FILE"


def _make(path: Path) -> None:
    """Write a new key. If two processes do so at once, the first file stays and both use it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    draft.touch(mode=0o600)
    draft.write_bytes(pem)
    with suppress(FileExistsError):
        path.hardlink_to(draft)  # unlike a rename, this never replaces a key
    draft.unlink()

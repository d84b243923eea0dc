"""Take secrets and e-mail addresses out of text that is written down. Used by recordings; the same text always becomes the same."""

import re
from collections.abc import Sequence
from typing import Any

SECRET, ADDRESS = "[secret]", "[e-mail]"

_SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # a signed token
    r"|\b(?:sk|pk|rk)[-_][\w-]{16,}|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
    r"|\bxox[abposr]-[\w-]{10,}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}|\bhf_\w{20,}",
    re.DOTALL,
)
_NAMED = re.compile(
    r"\b(bearer\s+|(?:api[_-]?key|password|passwd|secret|access[_-]?token)[\"']?\s*[=:]\s*[\"']?)([^\s\"',;\\]{6,})",
    re.IGNORECASE,
)
# In JSON inside a text a line break is written \n: it is no part of the address, and may not be torn apart.
_ADDRESS = re.compile(r"(\\[nrtbf])?[\w.+-]+(?:'[\w.+-]+)*@[\w-]+(?:\.[\w-]+)+")


def redact(value: Any, secrets: Sequence[str] = ()) -> Any:
    """A JSON value with the same shape, its texts redacted. `secrets` are known to be secret, whatever they look like."""
    if isinstance(value, str):
        for secret in filter(None, secrets):
            value = value.replace(secret, SECRET)
        value = _NAMED.sub(lambda found: found[1] + SECRET, _SECRETS.sub(SECRET, value))
        return _ADDRESS.sub(lambda found: (found[1] or "") + ADDRESS, value)
    if isinstance(value, dict):
        return {key: redact(inner, secrets) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact(inner, secrets) for inner in value]
    return value

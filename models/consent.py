"""What leaves the machine when a live model is used, and a person's confirmation of it, kept once per model and endpoint.

A key that happens to lie in the environment is never used silently: naming a model chooses it, and this asks first.
"""

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from models.price import Price
from settings import Settings

KEY_VARIABLES = ("CLEARANCE_MODEL_API_KEY", "OPENAI_API_KEY")
ENDPOINT_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE")
DEFAULT_HOST = "api.openai.com"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
FLAGSHIP_TOKENS = (94_978, 6_830)
"""Input and output tokens of one flagship run on the sample company, its cases approved: 26 calls, measured by
`python -m evals.tokens` over the served offline model, at four characters a token. A live model's answers are longer, its
reasoning counts, and larger data takes more: an order of magnitude, not a bill."""

LEAVES = (
    "the text of your goal and your answers to questions",
    "the plan, and the prompts of planner, specialists, verifier and reporter",
    "the results of tools: names of suppliers and countries, figures, rows of tables",
)


class ConsentUnreadable(RuntimeError):
    """The file of confirmations cannot be read; the message names it and what to do."""


@dataclass(frozen=True)
class Disclosure:
    """What using a live model means. `cost` is for one run of the flagship goal, in words. `local`: the host is this one."""

    model: str
    host: str
    local: bool
    cost: str
    leaves: tuple[str, ...] = LEAVES

    def text(self) -> str:
        """For a person to read before saying yes."""
        where = "this machine" if self.local else self.host
        lines = [f"Model {self.model} at {where} will be sent:", *(f"- {one}" for one in self.leaves)]
        return "\n".join([*lines, f"Estimated cost of one supplier-risk run: {self.cost}."])


def api_key(settings: Settings) -> str:
    """The key to use, or an empty text: the setting, else OPENAI_API_KEY when the endpoint is the provider's own."""
    own = settings.model_api_key.get_secret_value()
    # A provider's key is not handed to another endpoint.
    return own or ("" if settings.model_base_url else os.environ.get("OPENAI_API_KEY", ""))


def notice(settings: Settings) -> str:
    """One line when a key lies in the environment and no model is named; otherwise an empty text."""
    found = [name for name in KEY_VARIABLES if os.environ.get(name)]
    if settings.model or not found:
        return ""
    return f"{found[0]} is set and not used: set CLEARANCE_MODEL to use a live model. This is the offline model."


def endpoint(settings: Settings) -> str:
    """The base URL that will be called; the client's own variables count too. Empty: the provider's default."""
    given = (os.environ.get(name, "") for name in ENDPOINT_VARIABLES)
    return settings.model_base_url or next(filter(None, given), "")


def what_leaves(settings: Settings) -> Disclosure:
    """The disclosure for a live model. Raises `ValueError` when the settings name none: then nothing leaves the machine."""
    if not settings.model:
        raise ValueError("no model is named: the offline model runs and nothing leaves this machine")
    price, name = Price.of(settings.model_price), host(settings)
    cost = (
        f"about ${price.cost(*FLAGSHIP_TOKENS):.2f} or more"
        if price
        else "unknown, as CLEARANCE_MODEL_PRICE does not say the price"
    )
    return Disclosure(settings.model, name, name.rpartition(":")[0] in LOOPBACK or name in LOOPBACK, cost)


def host(settings: Settings) -> str:
    """The host (with its port, if it is named) that will be called."""
    parts = urlsplit(endpoint(settings))
    name = parts.hostname or DEFAULT_HOST
    return f"{name}:{parts.port}" if parts.port else name


def confirmed(home: Path, disclosure: Disclosure) -> bool:
    """Has a person confirmed this model at this endpoint? Raises `ConsentUnreadable` for a damaged file."""
    return any(one["model"] == disclosure.model and one["host"] == disclosure.host for one in _read(home))


def confirm(home: Path, disclosure: Disclosure) -> None:
    """Keep a person's confirmation. Confirming again changes nothing."""
    if confirmed(home, disclosure):
        return
    entry = {**asdict(disclosure), "confirmed_at": datetime.now(UTC).isoformat(timespec="seconds")}
    home.mkdir(parents=True, exist_ok=True)
    fresh = _file(home).with_suffix(".new")
    fresh.write_text(json.dumps([*_read(home), entry], indent=2) + "\n", encoding="utf-8")
    fresh.replace(_file(home))  # whole or not at all


def _file(home: Path) -> Path:
    return home / "consent.json"


def _read(home: Path) -> list[dict[str, str]]:
    path = _file(home)
    if not path.exists():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [entry for entry in entries if {"model", "host"} <= entry.keys()]
    except (ValueError, AttributeError, TypeError) as error:
        raise ConsentUnreadable(f"{path} is damaged ({error}): delete it and confirm again") from error

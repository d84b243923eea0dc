"""Every knob of Clearance: its default and its environment variable (`CLEARANCE_<NAME>`). Floor 0: any room may import it.

Nothing is read at import. Whoever starts a process calls `Settings()` once and hands it down.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, IPvAnyNetwork, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SignIn = Literal["keys", "jwt", "oidc"]
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by a key that only the provider holds: whoever can check one of these cannot make one."""


class Settings(BaseSettings):
    """Settings of one process, from `CLEARANCE_*` variables. `home` holds all state unless a URL points elsewhere."""

    model_config = SettingsConfigDict(env_prefix="CLEARANCE_", extra="ignore", frozen=True)

    home: Path = Field(Path(".clearance"), description="where all state lives")
    database_url: str = Field("", description="SQLAlchemy URL of the application's database; empty: SQLite under home")
    records_url: str = Field("", description="SQLAlchemy URL of the domain's system of record; empty: SQLite under home")
    domain: str = Field("supply_chain", pattern=r"^[a-z][a-z0-9_]*$", description="the folder of the domain in each room")

    model: str = Field("", description="model name for every role; empty: the offline model")
    model_base_url: str = Field("", description="an OpenAI-compatible endpoint; empty: the provider's own")
    model_api_key: SecretStr = Field(SecretStr(""), description="the key for the model's endpoint")
    model_timeout: float = Field(60.0, gt=0, description="seconds one model call may take")
    model_price: str = Field(
        "",
        pattern=r"^(\d+(\.\d+)?/\d+(\.\d+)?)?$",
        description="US dollars for a million input and output tokens, such as 2.50/10; empty: unknown",
    )
    model_output: int = Field(8192, ge=0, description="most output tokens of one model call; 0: the endpoint's own limit")

    signing_key: str = Field("", description="file of the Ed25519 key that signs the ledger; empty: made under home (SQLite)")

    org: str = Field("local", description="the organisation of the local user")
    user: str = Field("local", description="the local user")
    roles: tuple[str, ...] = Field(
        ("requester", "risk-manager", "operator", "platform-operator", "budget-owner", "data-steward"),
        description="roles of the local user (JSON list)",
    )
    people: dict[str, tuple[str, ...]] = Field(
        {
            "rita": ("requester",),
            "marc": ("risk-manager",),
            "mona": ("risk-manager",),
            "hana": ("head-of-risk",),
            "ada": ("auditor",),
            "bo": ("budget-owner",),
            "olga": ("operator",),
        },
        description="the demo people of local mode and their roles (JSON object)",
    )
    act_as: str = Field("", description="the demo person that the local user plays; empty: none")

    runs: int = Field(64, ge=1, description="runs that one process of the service carries out at once; more wait in the queue")
    checkpoints: int = Field(100, ge=0, description="checkpoints kept of each thread, the newest; 0: all")
    origins: tuple[str, ...] = Field(
        ("https://smith.langchain.com",),
        description="web pages elsewhere that may call the service (JSON list); those of this machine may",
    )

    sign_in: Annotated[tuple[SignIn, ...], NoDecode] = Field(
        (),
        description="how callers of the service say who they are: keys, jwt, oidc, or several; none: local mode, on loopback only",
    )
    issuer: str = Field("", description="the identity provider of jwt and oidc, as its tokens name it")
    audience: str = Field("", description="jwt: what a token must be made for")
    jwks_url: str = Field("", description="where the provider's keys are; empty: where its discovery document says")
    algorithms: tuple[Algorithm, ...] = Field(
        ("RS256", "PS256", "ES256", "EdDSA"), min_length=1, description="the signatures that a token may have (JSON list)"
    )
    clock_skew: int = Field(60, ge=0, le=600, description="seconds that the provider's clock and ours may differ")
    user_claim: str = Field("sub", min_length=1, description="the claim that names the user; it must never name another later")
    org_claim: str = Field("", description="the claim that names the organisation; empty: everybody is of `org`")
    groups_claim: str = Field("groups", description="the claim that lists groups; realm_access.roles looks inside a claim")
    groups: dict[str, tuple[str, ...]] = Field(
        {}, description="the roles of each group of the provider (JSON object); who is in none of them is not admitted"
    )
    client_id: str = Field("", description="oidc: this service at the provider")
    client_secret: SecretStr = Field(SecretStr(""), description="oidc: its secret; empty: a public client, with PKCE alone")
    scopes: tuple[str, ...] = Field(
        ("openid", "profile", "email"), description="oidc: what is asked of the provider (JSON list)"
    )
    public_url: str = Field(
        "", description="where browsers reach the service, such as https://clearance.example; empty: loopback"
    )
    session_hours: float = Field(8.0, gt=0, le=720, description="oidc: hours until a person must sign in again")
    api_key: SecretStr = Field(SecretStr(""), description="the key that commands call a live service of the home with")
    rate: int = Field(1200, ge=0, description="requests a minute of one caller who signed in; 0: no limit")
    body_bytes: int = Field(16_000_000, ge=1024, description="largest body of a request to the service")
    file_bytes: int = Field(20_000_000, ge=1024, description="largest file that is uploaded to the service")

    event_secrets: dict[str, SecretStr] = Field(
        {}, description='who may tell of events, and their Standard Webhooks secrets (JSON: {"org/sender": "whsec_…"})'
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="the secret (whsec_…) that webhooks are signed with; empty: made under home"
    )
    webhook_networks: tuple[IPvAnyNetwork, ...] = Field(
        (), description="networks that are not public and that webhooks may still be sent to, such as 10.1.0.0/16 (JSON list)"
    )
    thread_days: float = Field(0, ge=0, description="days after its last change that a thread is deleted; 0: never")

    concurrency: int = Field(8, ge=1, description="steps that may run at once in one execution")
    step_timeout: float = Field(120.0, gt=0, description="seconds one step attempt may take, waiting for people not counted")
    step_attempts: int = Field(2, ge=1, description="attempts of one step before its fallbacks")
    model_calls: int = Field(12, ge=1, description="model calls of one step attempt")
    tool_calls: int = Field(24, ge=1, description="tool calls of one step attempt")
    plan_steps: int = Field(60, ge=1, description="most steps a plan may have")
    rows: int = Field(20, ge=1, description="most repetitions of a repeated step")
    revisions: int = Field(3, ge=0, description="re-plans of one execution before a person is asked")
    approval_hours: float = Field(8.0, gt=0, description="hours until an unanswered approval expires, which denies it")
    budgets: Path | None = Field(None, description="TOML file of limits on what runs may spend (docs/budgets.md); empty: none")
    budget_owners: tuple[str, ...] = Field(("budget-owner",), description="roles that may raise a budget (JSON list)")
    operators: tuple[str, ...] = Field(
        ("operator",), description="roles that may flip the kill switch of their organisation (JSON list)"
    )
    platform_operators: tuple[str, ...] = Field(
        ("platform-operator",), description="roles that may flip the kill switch of all organisations (JSON list)"
    )
    data_stewards: tuple[str, ...] = Field(
        ("data-steward", "admin"),
        description="roles of the own organisation (`org`) that may load records over HTTP (JSON list)",
    )
    remind_after: float = Field(0.5, gt=0, le=1, description="share of an approval's time after which its people are reminded")
    escalate_after: float = Field(
        0.75, gt=0, le=1, description="share of an approval's time after which escalate_to may decide as well; 1: never"
    )
    escalate_to: tuple[str, ...] = Field(
        ("head-of-risk",), description="roles that open approvals are escalated to where the policy names none (JSON list)"
    )
    goal_characters: int = Field(8000, ge=100, description="longest goal that is taken")
    log_level: Literal["debug", "info", "warning", "error"] = Field("warning", description="from when on a line is logged")
    log_format: Literal["text", "json"] = Field("text", description="lines of the service's log: for people, or JSON objects")

    @field_validator("sign_in", mode="before")
    @classmethod
    def _several(cls, given: Any) -> Any:
        """Ways by comma; "none" and nothing are local mode."""
        if not isinstance(given, str):
            return given
        return tuple(dict.fromkeys(way.strip() for way in given.split(",") if way.strip() not in ("", "none")))

    @model_validator(mode="after")
    def _enough_to_sign_in(self) -> Self:
        needed = {"jwt": ("issuer", "audience", "groups"), "oidc": ("issuer", "client_id", "groups")}
        for way in self.sign_in:
            if missing := [f"CLEARANCE_{name.upper()}" for name in needed.get(way, ()) if not getattr(self, name)]:
                raise ValueError(f"sign-in by {way} needs {', '.join(missing)} (docs/sign-in.md)")
        return self

    @field_validator("issuer", "jwks_url", "public_url")
    @classmethod
    def _encrypted(cls, url: str) -> str:
        if url and not re.match(r"https://[^/]|http://(localhost|127\.\d+\.\d+\.\d+|\[::1\])([:/]|$)", url):
            raise ValueError(f"{url!r} must be an https:// address: what is said there decides who may do what")
        return url

    @model_validator(mode="after")
    def _act_as_somebody(self) -> Self:
        if self.act_as and self.act_as not in self.people:
            raise ValueError(f"there is no demo person {self.act_as!r}; there are: {', '.join(self.people)}")
        return self

    def app_url(self) -> str:
        """SQLAlchemy URL of the application's database."""
        return self.database_url or f"sqlite:///{self.home / 'clearance.db'}"

    def sor_url(self) -> str:
        """SQLAlchemy URL of the domain's system of record."""
        return self.records_url or f"sqlite:///{self.home / f'{self.domain}.db'}"

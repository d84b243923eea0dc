"""Who a run acts for: what the server authenticated, and nothing that a client or a goal says."""

from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Connection

from governance.identity import Caller
from graphs.caller import caller_of, local_directory
from settings import Settings

HERE = Settings(user="local", org="acme", roles=("requester",), people={"marc": ("risk-manager",)})


def told(user: Any) -> Caller:
    return caller_of({"configurable": {"langgraph_auth_user": user, "user": "eve", "roles": ["risk-manager"]}}, HERE)


def test_who_is_not_authenticated_is_the_local_user_whatever_else_is_said() -> None:
    assert told(None) == Caller("local", "acme", ("requester",))


@pytest.mark.parametrize(("said", "person"), [({}, True), ({"person": True}, True), ({"person": False}, False)])
def test_a_service_that_acts_as_itself_is_no_person(said: dict[str, Any], person: bool) -> None:
    user = SimpleNamespace(identity="bot", org="acme", roles=("risk-manager",), **said)
    assert told(user) == Caller("bot", "acme", ("risk-manager",), person)


@pytest.mark.parametrize(
    "said", [{}, {"roles": ()}, {"roles": []}, {"permissions": []}, {"roles": [], "permissions": ["risk-manager"]}]
)
def test_a_user_of_another_server_has_the_roles_it_says_and_never_the_local_ones(said: dict[str, Any]) -> None:
    assert told(SimpleNamespace(identity="eve", **said)) == Caller("eve", "acme", ())
    assert told(SimpleNamespace(identity="eve", permissions=["risk-manager"])).roles == ("risk-manager",)


def test_local_mode_knows_the_roles_of_its_own_people_only() -> None:
    known = local_directory(HERE)
    roles = partial(known, cast(Connection, None))  # no table is asked
    assert (roles("acme", "marc"), roles("acme", "local")) == (("risk-manager",), ("requester",))
    assert roles("acme", "eve") is None and roles("other", "marc") is None

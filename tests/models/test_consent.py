"""Which model the settings make, what leaves the machine with a live one, and the confirmation of it."""

import pytest
from langchain_openai import ChatOpenAI

from models.consent import ENDPOINT_VARIABLES, KEY_VARIABLES, ConsentUnreadable, confirm, confirmed, notice, what_leaves
from models.factory import ModelNotConfigured, chat_model
from models.offline import OfflineModel
from settings import Settings


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    for name in (*KEY_VARIABLES, *ENDPOINT_VARIABLES, "CLEARANCE_MODEL", "CLEARANCE_MODEL_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def test_a_key_alone_changes_nothing_but_is_mentioned(monkeypatch):
    assert notice(Settings()) == ""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    assert isinstance(chat_model(Settings()), OfflineModel)
    assert "OPENAI_API_KEY is set and not used" in notice(Settings())
    assert "\n" not in notice(Settings())
    assert notice(Settings(model="gpt-4o")) == ""


def test_a_named_model_without_a_key_says_what_to_set():
    with pytest.raises(ModelNotConfigured, match="CLEARANCE_MODEL_API_KEY"):
        chat_model(Settings(model="gpt-4o"))


def test_a_named_model_does_not_retry_by_itself(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    model = chat_model(Settings(model="gpt-4o", model_timeout=7))
    assert isinstance(model, ChatOpenAI)
    assert (model.model_name, model.max_retries, model.request_timeout, model.stream_usage) == ("gpt-4o", 0, 7, True)
    assert model.openai_api_key.get_secret_value() == "sk-test"


def test_a_providers_key_is_not_handed_to_another_endpoint(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    model = chat_model(Settings(model="m", model_base_url="http://127.0.0.1:8000/v1"))
    assert model.openai_api_key.get_secret_value() == "none"


def test_disclosure_names_host_and_cost():
    known = what_leaves(Settings(model="gpt-4o", model_price="2.50/10"))
    assert (known.host, known.cost) == ("api.openai.com", "about $0.31 or more")
    assert "CLEARANCE_MODEL_PRICE" in what_leaves(Settings(model="gpt-4o")).cost
    assert "results of tools" in known.text()
    other = what_leaves(Settings(model="gpt-4o", model_base_url="http://localhost:8000/v1"))
    assert (other.host, other.local) == ("localhost:8000", True)
    with pytest.raises(ValueError, match="nothing leaves"):
        what_leaves(Settings())


def test_an_endpoint_from_the_clients_own_variable_is_disclosed(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "https://proxy.example/v1")
    assert what_leaves(Settings(model="gpt-4o")).host == "proxy.example"


def test_one_confirmation_per_model_and_endpoint(tmp_path):
    home = tmp_path / "home"
    first = what_leaves(Settings(model="gpt-4o"))
    assert not confirmed(home, first)
    confirm(home, first)
    confirm(home, first)
    assert confirmed(home, first)
    assert not confirmed(home, what_leaves(Settings(model="gpt-4o-mini")))
    assert not confirmed(home, what_leaves(Settings(model="gpt-4o", model_base_url="https://proxy.example/v1")))
    assert (home / "consent.json").read_text().count('"model"') == 1


def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path):
    (tmp_path / "consent.json").write_text("{broken")
    with pytest.raises(ConsentUnreadable, match="delete it and confirm again"):
        confirmed(tmp_path, what_leaves(Settings(model="gpt-4o")))

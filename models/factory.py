"""The chat model that the settings name. The only place that makes one; called by whoever assembles the services."""

from typing import TYPE_CHECKING

from langchain_core.language_models.chat_models import BaseChatModel
from pydantic import SecretStr

from models.capabilities import Capabilities, load
from models.consent import api_key, host
from models.offline import OfflineModel
from settings import Settings

if TYPE_CHECKING:
    from models.live import LiveModel


class ModelNotConfigured(ValueError):
    """The settings name a live model but not all it needs; the message says what to set."""


def chat_model(settings: Settings) -> BaseChatModel:
    """The offline model when no model is named, else a client that asks of the endpoint what the model's probe found.

    Reads a file of `<home>/models/`: call it outside an event loop. Raises `ModelNotConfigured` when a model is named and there
    is no key for it.
    """
    if not settings.model:
        return OfflineModel()
    return live_model(settings, load(settings.home, settings.model, host(settings)))


def live_model(settings: Settings, able: Capabilities) -> "LiveModel":
    """A client of the OpenAI-compatible endpoint that the settings name. It does not retry: `models.retry` does, once, where
    Retry-After is known. Raises `ModelNotConfigured`."""
    from models.live import LiveModel  # slow to import, and not needed offline

    key = api_key(settings)
    if not key and not settings.model_base_url:
        raise ModelNotConfigured(
            f"CLEARANCE_MODEL names {settings.model!r} and there is no key: set CLEARANCE_MODEL_API_KEY (or OPENAI_API_KEY), "
            "point CLEARANCE_MODEL_BASE_URL at an endpoint of your own, or unset CLEARANCE_MODEL to use the offline model"
        )
    return LiveModel(
        capabilities=able,
        model=settings.model,
        base_url=settings.model_base_url or None,
        api_key=SecretStr(key or "none"),  # an endpoint of one's own may want none, the client wants one
        timeout=settings.model_timeout,
        max_completion_tokens=settings.model_output or None,
        max_retries=0,
        use_responses_api=False,  # Chat Completions is what every compatible endpoint has
        stream_usage=able.stream_usage,
        # A stream's broken tool arguments are completed silently by the message parser; whole answers show that they broke.
        disable_streaming="tool_calling" if able.streaming else True,
    )

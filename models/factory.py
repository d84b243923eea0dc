"""The chat model that the settings name. The only place that makes one; called by whoever assembles the services."""

from langchain_core.language_models.chat_models import BaseChatModel
from pydantic import SecretStr

from models.consent import api_key
from models.offline import OfflineModel
from settings import Settings


class ModelNotConfigured(ValueError):
    """The settings name a live model but not all it needs; the message says what to set."""


def chat_model(settings: Settings) -> BaseChatModel:
    """The offline model when no model is named, else a client of an OpenAI-compatible endpoint.

    The client does not retry: `models.retry` does, once, where Retry-After and the budget are known. Raises
    `ModelNotConfigured` when a model is named and there is no key for it.
    """
    if not settings.model:
        return OfflineModel()
    from langchain_openai import ChatOpenAI  # slow to import, and not needed offline

    key = api_key(settings)
    if not key and not settings.model_base_url:
        raise ModelNotConfigured(
            f"CLEARANCE_MODEL names {settings.model!r} and there is no key: set CLEARANCE_MODEL_API_KEY (or OPENAI_API_KEY), "
            "point CLEARANCE_MODEL_BASE_URL at an endpoint of your own, or unset CLEARANCE_MODEL to use the offline model"
        )
    return ChatOpenAI(
        model=settings.model,
        base_url=settings.model_base_url or None,
        api_key=SecretStr(key or "none"),  # an endpoint of one's own may want none, the client wants one
        timeout=settings.model_timeout,
        max_retries=0,
        stream_usage=True,
        # A stream's broken tool arguments are completed silently by the message parser; whole answers show that they broke.
        disable_streaming="tool_calling",
    )

"""A model that lies in one role and is honest in the others, and the real product around it, on the generated company."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from pydantic import PrivateAttr

from app.runner import Outcome, Runner, open_runner
from graphs.answer import Answer
from graphs.markdown import to_markdown
from models.offline import OfflineModel
from settings import Settings
from tests.graphs.little import Brief, brief_of
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

TODAY = date(2026, 3, 2)
TOP_FIVE = "What share of spend goes to the top five suppliers?"
FLAGSHIP = "Analyze supplier risk across our logistics network"
Lie = Callable[[Brief, list[BaseMessage]], AIMessage | None]


class Liar(OfflineModel):
    """The offline model, but for the roles in `lies`: what a lie says goes out; where it says None the truth does."""

    _lies: dict[str, Lie] = PrivateAttr(default_factory=dict)

    @property
    def lies(self) -> dict[str, Lie]:
        return self._lies

    def _answer(self, messages: list[BaseMessage], stop: list[str] | None, options: Mapping[str, Any]) -> AIMessage:
        brief = brief_of(messages)
        lie = self._lies.get(brief.get("specialist") or brief["role"])
        return (lie(brief, messages) if lie else None) or super()._answer(messages, stop, options)


@asynccontextmanager
async def product(home: Path, model: BaseChatModel, **settings: Any) -> AsyncIterator[Runner]:
    """The whole product over the generated company, or over the records that `records_url` names."""
    given = Settings(home=home, **settings)
    if not given.records_url:
        records = open_records(given)
        await asyncio.to_thread(make_demo, records.writing)
        records.close()
    async with open_runner(given, model=model) as runner:
        runner.services.today = lambda: TODAY
        yield runner


def refusals(messages: list[BaseMessage], form: str) -> int:
    """How often this thread's answer was sent back. Over HTTP a tool message loses its status, so its words are read."""
    return sum(isinstance(m, ToolMessage) and m.text.startswith(f"the {form} was not accepted") for m in messages)


def results(messages: list[BaseMessage]) -> list[ToolMessage]:
    """The tool messages that are results of calls."""
    return [m for m in messages if isinstance(m, ToolMessage) and not m.text.startswith("the ")]


def shown(outcome: Outcome) -> str:
    """Everything that a person is shown of an outcome: the answer in full, or the message."""
    answer: Answer | None = outcome.answer
    return f"{to_markdown(answer)}\n{answer.model_dump_json()}" if answer else outcome.message

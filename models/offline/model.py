"""`OfflineModel`: the chat model. Turns a call into a `Request`, lets the brain answer, and dresses the `Reply` as messages.

It keeps no state: the answer is a function of messages, tools, tool choice and response schema. Token counts are estimates
(one token for four characters), the same on every machine.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LangSmithParams, LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

from models.offline.brain import think
from models.offline.request import Bound, Call, Reply, Request
from models.price import CHARACTERS, estimate

NAME = "offline-deterministic"
Method = Literal["json_schema", "function_calling", "json_mode"]
ToolLike = dict[str, Any] | type | Callable[..., Any] | BaseTool


class OfflineModel(BaseChatModel):
    """A deterministic chat model with tools, structured output, streaming and usage. `model_name` says what it is.

    `temperature`, `max_tokens`, `timeout` and `max_retries` are taken for compatibility and change nothing.
    """

    model_name: str = NAME
    temperature: float | None = None
    max_tokens: int | None = None
    timeout: float | None = None
    max_retries: int | None = None
    stop: list[str] | None = None

    @property
    def _llm_type(self) -> str:
        return NAME

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = "offline"
        params["ls_model_name"] = kwargs.get("model") or self.model_name
        return params

    def bind_tools(
        self, tools: Sequence[ToolLike], *, tool_choice: str | bool | dict[str, Any] | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools in any form LangChain knows. `tool_choice`: auto, none, any or required, a name, or OpenAI's dict."""
        kwargs.pop("strict", None)  # the arguments follow the schema in any case
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], tool_choice=tool_choice, **kwargs)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        include_raw: bool = False,
        method: Method = "json_schema",
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Answers in the shape of `schema`: a pydantic class (v1 or v2), a TypedDict or a JSON schema.

        `json_mode` sends no schema, as with a live endpoint: the keys have to be named in the prompt.
        """
        if method == "function_calling":
            called: Runnable[LanguageModelInput, Any] = super().with_structured_output(
                schema, include_raw=include_raw, **kwargs
            )
            return called
        if kwargs:
            raise ValueError(f"unknown arguments for with_structured_output: {', '.join(kwargs)}")
        shape = convert_to_json_schema(schema)
        wanted: dict[str, Any] = {"type": "json_object"}
        if method == "json_schema":
            wanted = {"type": "json_schema", "json_schema": {"name": shape.get("title", "response"), "schema": shape}}
        model = self.bind(response_format=wanted, ls_structured_output_format={"kwargs": {"method": method}, "schema": schema})
        parser: Runnable[Any, Any] = JsonOutputParser()
        if isinstance(schema, type) and is_basemodel_subclass(schema):
            parser = PydanticOutputParser(pydantic_object=cast(Any, schema))
        if not include_raw:
            return model | parser
        parse: Runnable[Any, Any] = RunnablePassthrough.assign(
            parsed=(lambda both: both["raw"]) | parser, parsing_error=lambda _: None
        )
        failed: Runnable[Any, Any] = RunnablePassthrough.assign(parsed=lambda _: None)
        return RunnableMap(raw=model) | parse.with_fallbacks([failed], exception_key="parsing_error")

    def _answer(self, messages: list[BaseMessage], stop: list[str] | None, options: Mapping[str, Any]) -> AIMessage:
        """The whole answer to one call."""
        request = read_request(messages, options)
        text, calls = dress(think(request), request)
        text, reason = cut(text, stop or self.stop)
        digest = request.digest()
        made = [
            {"name": call.name, "args": call.args, "id": f"call_{digest}{index:02d}", "type": "tool_call"}
            for index, call in enumerate(calls)
        ]
        spoken = text + "".join(json.dumps(call.args) for call in calls)
        return AIMessage(
            content=text,
            tool_calls=made,
            usage_metadata=usage(estimate(messages, options, CHARACTERS), spoken),
            response_metadata={
                "model_name": options.get("model") or self.model_name,
                "finish_reason": "tool_calls" if calls else reason,
            },
        )

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages, stop, kwargs))])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        # Straight on the loop: it computes for a few milliseconds and does no I/O.
        return self._generate(messages, stop, None, **kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in pieces(self._answer(messages, stop, kwargs)):
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in pieces(self._answer(messages, stop, kwargs)):
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk


def read_request(messages: list[BaseMessage], options: Mapping[str, Any]) -> Request:
    """The request in a call's messages and OpenAI-style options (`tools`, `tool_choice`, `response_format`)."""
    choice = options.get("tool_choice")
    if isinstance(choice, dict):
        choice = choice.get("function", choice).get("name", "any")
    forced = {None: "", False: "", "auto": "", "none": "", True: "any", "required": "any"}.get(choice, choice)
    tools = () if choice == "none" else tuple(Bound.of(tool) for tool in options.get("tools") or ())
    wanted = options.get("response_format") or {}
    schema = wanted["json_schema"].get("schema") if wanted.get("type") == "json_schema" else None
    return Request(messages, tools, str(forced), schema, wanted.get("type") == "json_object")


def dress(reply: Reply, request: Request) -> tuple[str, tuple[Call, ...]]:
    """Text and tool calls. An answer goes out by the tool of its role when that is bound, else as JSON text."""
    if reply.answer is None:
        return reply.text, reply.calls
    name, value = reply.answer["name"], reply.answer["value"]
    if request.tool(name):
        return "", (Call(name, value),)
    return json.dumps(value, ensure_ascii=False), ()


def cut(text: str, stop: list[str] | None) -> tuple[str, str]:
    """The text up to the first stop sequence, and the finish reason."""
    ends = [at for word in stop or () if word and (at := text.find(word)) >= 0]
    return (text[: min(ends)] if ends else text), "stop"


def usage(taken: int, spoken: str) -> UsageMetadata:
    """Estimated tokens of both sides."""
    given = len(spoken) // CHARACTERS + 1
    return UsageMetadata(input_tokens=taken, output_tokens=given, total_tokens=taken + given)


def pieces(message: AIMessage) -> Iterator[ChatGenerationChunk]:
    """The message as a stream: its words, then its tool calls, then an empty chunk with usage and finish reason."""
    for word in re.findall(r"\s*\S+\s*", message.text) or ([message.text] if message.text else []):
        yield ChatGenerationChunk(message=AIMessageChunk(content=word))
    for index, call in enumerate(message.tool_calls):
        chunk = tool_call_chunk(
            name=call["name"], args=json.dumps(call["args"], ensure_ascii=False), id=call["id"], index=index
        )
        yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[chunk]))
    last = AIMessageChunk(
        content="",
        usage_metadata=message.usage_metadata,
        response_metadata=message.response_metadata,
        chunk_position="last",
    )
    yield ChatGenerationChunk(message=last)

"""Intake: is this a goal for us? Code reads entities and refuses to guess before any model is asked.

A message on a thread that has a goal may be a new one, may amend the one before, or may ask how its answer came about. While an
execution waits for people, a message never destroys what waits: an amendment changes its plan, a goal is queued behind it,
"instead …" replaces it (approvals are voided), "cancel" stops it.
"""

import asyncio
import re
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from rapidfuzz import fuzz, process

from governance.identity import Caller
from governance.numerals import Answered, numbers
from graphs import brief
from graphs.agent import StepFailure
from graphs.answer import Answer
from graphs.context import StepContext
from graphs.conversation import amended, same
from graphs.declined import keep_declined
from graphs.events import Emit, now
from graphs.executions import OPEN, Execution
from graphs.explain import explain
from graphs.markdown import to_markdown
from graphs.plan import Plan
from graphs.planner import accepted
from graphs.services import Services
from graphs.specialists.base import Reading, offers
from graphs.spending import OutOfBudget
from graphs.state import State, WorkflowRun, results_of
from graphs.step import ask
from graphs.wire import Intake
from graphs.workflows import BadWorkflow, NoWorkflow, filled

_REPLACE = re.compile(r"\s*(instead|replace (it|this|that)( with)?|forget (it|this|that))[\s:,;.–-]*", re.IGNORECASE)
_CANCEL = re.compile(r"\s*(please\s+)?(stop|cancel|abort)( (it|this|that|the run|everything))?\s*[.!]?\s*", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def text_of(message: Any) -> str:
    """The text of a message whose content is a string or a list of blocks."""
    content = getattr(message, "content", message)
    if isinstance(content, str):
        return content
    return " ".join(block.get("text", "") for block in content if isinstance(block, dict))


def refuse_bad(goal: str, limit: int) -> str:
    """Why a goal cannot be read at all, or an empty string."""
    if not goal.strip():
        return "The goal is empty: say what you want to know or have done."
    if len(goal) > limit:
        return f"The goal has {len(goal):,} characters, and {limit:,} are the most that are read: say it shorter."
    if found := _CONTROL.search(goal):
        return f"The goal contains the control character U+{ord(found[0]):04X}: remove it."
    return ""


async def intake(
    services: Services, state: State, caller: Caller, thread_id: str, emit: Emit, only: str | None = None
) -> dict[str, Any]:
    """Read the newest goal, or the next one that was kept. The `status` of what comes back is goal, clarify, declined, queued
    or cancelled."""
    goal, queued = next_goal(state)
    before = await _before(services, state, thread_id)
    waits = before.id if before and before.status == "waiting" else ""
    if before and _CANCEL.fullmatch(goal):
        note = await _end(services, before, "cancelled", f"stopped by {caller.user}")
        said = f"Stopped{', and what was kept behind it' if queued else ''}. {note or 'What was done stays as it is.'}"
        return {"status": "cancelled", "waiting": [], "goal": goal, "queued": [], "messages": [AIMessage(said)]}
    replaced = _REPLACE.match(goal) if before else None
    goal = goal[replaced.end() :] if replaced else goal
    wrong = "" if state.get("workflow") else refuse_bad(goal, services.settings.goal_characters)
    if waits and state.get("workflow"):
        note = "This thread waits for a decision: run the workflow on a thread of its own, or stop this one first."
        return {"status": "queued", "workflow": None, "messages": [AIMessage(note)]}
    if wrong and waits:
        return {"status": "queued", "messages": [AIMessage(wrong)]}
    if waits and not replaced:
        reading, heard = await _read(services, goal, state["request"], caller, thread_id, emit)
        if heard and heard.kind == "amend" and not state.get("unpaid"):
            await services.executions.say(waits, caller, goal)
            return {"status": "steered", "queued": queued}
        if heard and heard.kind == "explain" and not state.get("unpaid"):
            told = to_markdown(_explained(services, state, goal, reading, heard))
            emit({"event": "note", "at": now(), "text": told})
            return {"status": "queued", "queued": queued, "messages": [AIMessage(told)]}
        note = "This thread waits for a decision. Your goal is kept and comes next; say “instead …” to replace what waits."
        return {"status": "queued", "queued": [*queued, goal], "messages": [AIMessage(note)]}
    note = ""
    if before:
        ended = "cancelled" if before.status == "stopping" else "replaced"
        note = await _end(services, before, ended, f"{ended} by a new goal of {caller.user}")
    if wrong:
        taken = declined(goal, wrong)
    elif chosen := state.get("workflow"):
        taken = await take_workflow(services, chosen, caller)
    else:
        taken = await _take(services, state, goal, caller, thread_id, emit, only)
    if taken["status"] == "declined":
        kept = _CONTROL.sub("�", goal)[: services.settings.goal_characters]  # as it came it may be what no database takes
        await keep_declined(services, thread_id, len(state.get("messages", [])), caller, kept)
    if note:
        emit({"event": "note", "at": now(), "text": note})
        if request := taken.get("request"):
            request["notes"] = [*request["notes"], note]
    return {**taken, "queued": queued}


def next_goal(state: State) -> tuple[str, list[str]]:
    """The goal to read, and those that are kept after it. A kept one comes when the last word is not the user's."""
    messages, queued = state.get("messages", []), list(state.get("queued", []))
    if state.get("status") == "answered":
        return state.get("goal") or "", queued
    if queued and not (messages and isinstance(messages[-1], HumanMessage)):
        return queued[0], queued[1:]
    human = next((m for m in reversed(messages) if isinstance(m, HumanMessage)), None)
    return text_of(human) if human else state.get("goal", ""), queued


async def amendment(
    services: Services, before: Mapping[str, Any], text: str, caller: Caller, thread_id: str, emit: Emit
) -> dict[str, Any] | str:
    """The request before as a message changes it; or, if it does not amend it, why not."""
    reading, said = await _read(services, text, before, caller, thread_id, emit)
    if said and said.kind == "amend":
        return _amended(services, before, said, reading, text)
    why = reading.refusal or reading.question or (said and (said.reason or said.question))
    return why or "That does not change the goal before it: it can follow as a goal of its own."


async def _read(
    services: Services, text: str, before: Mapping[str, Any], caller: Caller, thread_id: str, emit: Emit
) -> tuple[Reading, Intake | None]:
    """What code and model make of a message to a goal that is being carried out; no intake when code alone refuses or asks."""
    if wrong := refuse_bad(text, services.settings.goal_characters):
        return Reading(refusal=wrong), None
    reading = await asyncio.to_thread(services.domain.read, text, services.resources)
    if reading.refusal or reading.question:
        return reading, None
    said = await _ask(services, text, reading.mentions, caller, thread_id, emit, before)
    return (Reading(refusal=said), None) if isinstance(said, str) else (reading, said)


def _explained(services: Services, state: State, goal: str, reading: Reading, said: Intake) -> Answer:
    plan = Plan.model_validate(state["plan"])
    return explain(services, goal, plan, results_of(state), said.products, reading.mentions)


def _amended(services: Services, before: Mapping[str, Any], said: Intake, reading: Reading, text: str) -> dict[str, Any]:
    titles = {p.name: p.title for p in services.domain.products}
    made = amended(before, said, reading.mentions, text, services.domain.settings, titles)
    kept = {name: value for name, value in before.items() if name in ("review", "version", "dry_run")}
    return {**kept, **made, "notes": [*made["notes"], *reading.notes]}


async def _take(
    services: Services, state: State, goal: str, caller: Caller, thread_id: str, emit: Emit, only: str | None
) -> dict[str, Any]:
    """A readable goal on a thread where nothing waits."""
    before = state.get("request") if state.get("plan") else None
    reading = await asyncio.to_thread(services.domain.read, goal, services.resources)
    if reading.refusal:
        return declined(goal, reading.refusal + nearest(services, goal))
    if reading.question:
        return clarify(goal, reading.question, list(reading.choices))
    said = await _ask(services, goal, reading.mentions, caller, thread_id, emit, before)
    if isinstance(said, str):
        return declined(goal, said)
    if said.kind == "clarify":
        return clarify(goal, said.question or "What do you want to know?", said.choices)
    if said.kind in ("amend", "explain") and not before:
        return declined(goal, "There is no goal on this thread yet that this could be about." + nearest(services, goal))
    if said.kind == "explain":
        answer = _explained(services, state, goal, reading, said)
        body = answer.model_dump(mode="json")
        # short, and of no execution of its own that would keep it: the message does
        about = {"answer_status": answer.status, "execution_id": state["execution_id"], "answer": body}
        message = AIMessage(to_markdown(answer), additional_kwargs=about)
        return {"status": "explained", "goal": goal, "question": None, "answer": body, "messages": [message]}
    if said.kind == "amend" and before:
        request = _amended(services, before, said, reading, goal)
        if not request["products"]:
            return declined(goal, "Nothing is left of the goal before: everything in it is left out now.")
        if question := lacking(services, request["products"], request["settings"]):
            return clarify(goal, question, [])
        return _fresh(request, "" if same(before, request) else str(state.get("execution_id", "")))
    known = {p.name for p in services.domain.products}
    products = [p for p in said.products if p in known and p not in said.exclude]
    if only:
        own = [
            offer.product for offer in offers(services.domain.specialists, services.registry) if offer.specialist.name == only
        ]
        products = [product for product in products if product in own] or own[:1]
    elif said.kind == "decline" or not products:
        why = " ".join([said.reason or "Nothing in this goal is something I can do.", *reading.notes])
        return declined(goal, why + nearest(services, goal))
    settings = {item.name: item.value for item in said.settings if item.name in services.domain.settings}
    settings.update({m.setting: m.value for m in reading.mentions})
    if question := lacking(services, products, settings):
        return clarify(goal, question, [])
    notes = [*reading.notes, *left_out(services, products, said.exclude), *assumed(settings, goal, reading.mentions)]
    request = {"goal": goal, "products": products, "exclude": said.exclude, "settings": settings, "notes": notes}
    return _fresh(request, str(state.get("execution_id", "")) if before else "")


async def take_workflow(services: Services, chosen: WorkflowRun, caller: Caller) -> dict[str, Any]:
    """The request of a saved plan, with this run's values; declined, in words, if there is none such."""
    try:
        workflow = await services.workflows.get(caller.org, str(chosen.get("name", "")), chosen.get("version"))
        values = {name: await meant(services, name, str(value)) for name, value in (chosen.get("parameters") or {}).items()}
        request, _ = filled(workflow, values, {step.id: sorted(accepted(step, services)) for step in workflow.plan.steps})
    except (NoWorkflow, BadWorkflow) as error:
        return {**declined("", str(error)), "workflow": None}
    run = {"name": workflow.name, "version": workflow.version, "parameters": values}
    made = _fresh({**request, "notes": [], "workflow": run}, "")
    return {**made, "workflow": None}


async def meant(services: Services, name: str, value: str) -> str:
    """A parameter's value as the records have it, where it names something in them. Raises `BadWorkflow`."""
    reading = await asyncio.to_thread(services.domain.read, value, services.resources)
    if reading.question:
        raise BadWorkflow(f"{name}: {reading.question} ({', '.join(reading.choices)})")
    return next((m.value for m in reading.mentions if m.setting == name), value)


def lacking(services: Services, products: Sequence[str], settings: Mapping[str, str]) -> str:
    """The question to ask when a wanted product's tool needs what only the user can say, or an empty string."""
    for offer in offers(services.domain.specialists, services.registry):
        if offer.product not in products or offer.specialist.for_each:
            continue
        for name, argument in services.registry[offer.tool].args.model_fields.items():
            if argument.is_required() and name in services.domain.asks and not settings.get(name):
                return services.domain.asks[name]
    return ""


def _fresh(request: dict[str, Any], builds_on: str) -> dict[str, Any]:
    """A new execution; `builds_on` names the one whose evidence may still hold."""
    empty: dict[str, Any] = dict(plan={}, results={}, steps={}, waiting=[], held_back={}, unpaid=False)
    empty |= dict(issues=[], answer=None, question=None)
    head = {"status": "goal", "goal": request["goal"], "execution_id": str(uuid.uuid4()), "seq": 0}
    return {**head, "request": {**request, "builds_on": builds_on}, **empty}


def assumed(settings: dict[str, str], goal: str, mentions: Any) -> list[str]:
    """What the model read into the goal, said in the answer: neither code found it there nor is it there word for word."""
    read = {m.setting: m.value for m in mentions}
    own = {name: value for name, value in settings.items() if read.get(name) != value and value.lower() not in goal.lower()}
    return [f"The goal was taken to mean {name.replace('_', ' ')} = {value}." for name, value in own.items()]


def problems(said: Any, messages: Any, *, goal: str) -> list[str]:
    """Why an intake cannot be accepted: what it says to the user is no place for figures, which nothing stands behind."""
    if not isinstance(said, Intake):
        return []
    texts = [text for text in (said.question, said.reason, *said.choices) if text]
    return [
        f"{text!r} types a number: only the user's own may be repeated"
        for text in texts
        if numbers(text, Answered((), (goal,)))
    ]


async def _ask(
    services: Services, goal: str, mentions: Any, caller: Caller, thread_id: str, emit: Emit, before: Any = None
) -> Intake | str:
    check = partial(problems, goal=goal)
    context = StepContext(caller, "", "intake", "intake", thread_id, check=check, emit=emit)
    found = [{"setting": m.setting, "value": m.value, "text": m.text} for m in mentions]
    thread = str(uuid.uuid4())  # intake is cheap and has no effect: a crash asks again
    try:
        said = await ask(services, "intake", thread, brief.for_intake(goal, found, services.domain, before), context)
    except (StepFailure, OutOfBudget) as failure:
        return f"The goal could not be read: {failure}"
    assert isinstance(said.value, Intake)
    return said.value


async def _before(services: Services, state: State, thread_id: str) -> Execution | None:
    """The execution of this thread that a new message meets: it waits for people, or was cut off. None: it came to its end.

    One that stands as ended although the state still waits was ended by this very message: a crash runs this node again. A copied
    thread's state names the execution of the original, which is none of its own.
    """
    id = state.get("execution_id")
    found = await services.executions.get(id) if id else None
    if found is None or found.thread_id != thread_id or state.get("status") == "answered":
        return None
    return found if found.status in OPEN or state.get("waiting") or state.get("held_back") else None


async def _end(services: Services, before: Execution, status: str, reason: str) -> str:
    """End an execution for good; its open approvals are void. Says what a reader must know of one that was cut off, else "".

    Raises `AlreadyRunning` when another process runs it.
    """
    if before.status not in OPEN:
        return ""
    await services.executions.ensure_idle(before.id)
    await services.approvals.void(before.id, None, reason)
    await services.finish(before.id, status)
    if before.status == "waiting":
        return ""
    unsure = [row.tool for row in await services.effects.for_execution(before.id) if row.state in ("intended", "unknown")]
    doubt = f" Whether {', '.join(unsure)} was done is not known: look before you ask for it again." if unsure else ""
    return f"The run before this one had not come to its end and is closed as {status}; what it finished stays as it is.{doubt}"


def left_out(services: Services, products: list[str], exclude: list[str]) -> list[str]:
    """A sentence for each product that is left out, and for each change that is only drafted."""
    titles = {p.name: p.title for p in services.domain.products}
    drafted = {offer.product: offer.specialist.for_each for offer in offers(services.domain.specialists, services.registry)}
    return [
        f"{titles[name]}: a draft only, nothing is done."
        if drafted.get(name) in products
        else f"{titles[name]}: left out, as asked."
        for name in exclude
        if name in titles
    ]


def nearest(services: Services, goal: str, most: int = 4) -> str:
    """The goals that can be met that are closest to what was asked, by the words of their playbooks; as a list for people."""
    said = goal.casefold()
    books = {p.example: " ".join((p.title, p.example, *p.words)).casefold() for p in services.domain.playbooks}
    ranked = process.extract(said, books, scorer=fuzz.token_set_ratio, limit=most)
    goals = "".join(f"\n- {example}" for _, _, example in ranked)
    return f"\n\nGoals I can meet that come nearest:{goals}" if goals else ""


def declined(goal: str, why: str) -> dict[str, Any]:
    return {"status": "declined", "goal": goal, "question": None, "answer": None, "messages": [AIMessage(why)], "waiting": []}


def clarify(goal: str, question: str, choices: list[str]) -> dict[str, Any]:
    return {
        "status": "clarify",
        "goal": goal,
        "question": {"question": question, "options": choices, "at": now()},
        "answer": None,
        "waiting": [],
    }

"""The baseline of the service: a graph behind FastAPI and LangGraph's own saver, and nothing else.

No queue, no rows of runs, no log, no recovery, nobody asked who calls: what a first afternoon's service does. Started by
`service.py` as a process of its own: `python -m evals.bench.bare_service PORT DATABASE`.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from evals.bench.served import served_graphs


def _plain(value: Any) -> Any:
    return value.model_dump()


def make_app(database: str) -> FastAPI:
    """`database` is a file, or a PostgreSQL URL: then a saver a run over one pool: one saver lets one statement through at a time."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if not database.startswith("postgres"):
            async with AsyncSqliteSaver.from_conn_string(database) as saver:
                await saver.setup()
                app.state.saver = lambda: saver
                yield
            return
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
        from psycopg.rows import dict_row
        from psycopg_pool import AsyncConnectionPool

        kwargs = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
        pool: Any = AsyncConnectionPool(database, min_size=4, max_size=16, kwargs=kwargs, open=False)
        async with pool:
            await AsyncPostgresSaver(pool).setup()
            app.state.saver = lambda: AsyncPostgresSaver(pool)
            yield

    app = FastAPI(lifespan=lifespan)

    def graph_of(body: dict[str, Any]) -> Any:
        return getattr(served_graphs, body["assistant_id"]).copy(update={"checkpointer": app.state.saver()})

    @app.post("/threads/{thread_id}/runs/wait")
    async def wait(thread_id: str, body: dict[str, Any]) -> Response:
        values = await graph_of(body).ainvoke(body["input"], {"configurable": {"thread_id": thread_id}})
        return Response(orjson.dumps(values, default=_plain), media_type="application/json")

    @app.post("/threads/{thread_id}/runs/stream")
    async def stream(thread_id: str, body: dict[str, Any]) -> Response:
        async def frames() -> AsyncIterator[bytes]:
            config: Any = {"configurable": {"thread_id": thread_id}}
            async for item in graph_of(body).astream(body["input"], config, stream_mode="messages"):
                yield b"event: messages\ndata: " + orjson.dumps(item, default=_plain) + b"\n\n"

        return StreamingResponse(frames(), media_type="text/event-stream")

    @app.get("/ok")
    async def ok() -> dict[str, bool]:
        return {"ok": True}

    return app


if __name__ == "__main__":
    uvicorn.run(make_app(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)

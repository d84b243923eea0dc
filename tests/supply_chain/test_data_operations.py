"""`/data` as its callers meet it: own order lines from the upload to an answer, who may load, and files that are no tables."""

import asyncio
import json
import sqlite3
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from database import Database
from governance.identity import Caller
from graphs.executions import Executions
from graphs.verify import MEANWHILE
from settings import Settings
from tests.app.command import clearance as command
from tests.service.serving import Server, clearance
from tests.supply_chain.own_files import HEADER, ROWS, text_file, workbook
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import clear, open_records

OWN = """Lieferant;Bestelldatum;Nettobetrag (EUR);Menge;Lager
Acme GmbH;31.12.2014;1.234,50;10;A
Beta AG;15.01.2015;99,00;3;B
Acme GmbH;02.02.2015;10,00;1;A
Beta AG;03.02.2015;20,00;2;B
Beta AG;32.01.2015;5,00;1;B
"""
FLAGSHIP = "Analyze supplier risk across our logistics network"
LIMIT = 300_000


@dataclass
class Served:
    server: Server
    home: Path
    settings: Settings


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Served in local mode, with its records on either database."""
    home, env = tmp_path_factory.mktemp("data"), {"CLEARANCE_FILE_BYTES": str(LIMIT), "CLEARANCE_LOG_LEVEL": "info"}
    if request.param == "postgresql":
        env["CLEARANCE_RECORDS_URL"] = request.getfixturevalue("postgres").new_url()
    with clearance(home, env=env) as server:
        yield Served(server, home, Settings(home=home, records_url=env.get("CLEARANCE_RECORDS_URL", "")))


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    """A client, with the sample company on record."""
    records = open_records(served.settings)
    clear(records.writing)
    make_demo(records.writing)
    records.close()
    with httpx.Client(base_url=served.server.url, timeout=120) as client:
        yield client


def ledger(home: Path) -> list[dict[str, Any]]:
    """What the ledger says of loading."""
    with sqlite3.connect(home / "clearance.db") as db:
        bodies = [json.loads(body) for (body,) in db.execute("SELECT body FROM ledger ORDER BY seq")]
    return [one for one in bodies if one["phase"] == "load"]


def test_own_lines_from_the_upload_to_an_answer_that_cites_them(served: Served, http: httpx.Client) -> None:
    before = len(ledger(served.home))
    sample = http.get("/data").json()
    assert (sample["company"], sample["may_load"], sample["missing"]) == ("generated", True, [])
    assert sample["rows"]["order_lines"] > 0 and sample["sources"][0]["as_of"].startswith("orders of 20")
    assert not any(one["needs"] for one in sample["questions"]), "the sample answers all of its questions"

    name = {"name": "C:\\Users\\me\\bestellungen.csv"}
    proposed = http.post("/data/orders/propose", params=name, content=OWN.encode("cp1252")).json()
    assert (proposed["file"], proposed["rows"], proposed["remembered"]) == ("bestellungen.csv", 5, False)
    taken = {one["column"]: one["name"] for one in proposed["columns"]}
    assert taken == {
        "Lieferant": "supplier",
        "Bestelldatum": "ordered",
        "Nettobetrag (EUR)": "value",
        "Menge": "quantity",
        "Lager": None,
    }
    assert [(one["kind"], one["name"]) for one in proposed["questions"]] == [("rate", "EUR")]
    assert "must not mix" in proposed["conflict"]
    mapping = {**proposed["mapping"], "rates": {"EUR": "1.10"}}
    settled = http.post("/data/orders/propose", params={**name, "mapping": json.dumps(mapping)}, content=OWN).json()
    assert settled["questions"] == [] and settled["mapping"]["rates"] == {"EUR": "1.10"}
    unsaid = {**mapping, "columns": {**mapping["columns"], "ordered": {"column": "Bestelldatum", "format": "unclear"}}}
    told = http.post("/data/orders/propose", params={**name, "mapping": json.dumps(unsaid)}, content=OWN).json()
    assert told["mapping"]["columns"]["ordered"]["format"] == "dmy", "the cells tell it"
    delivery = next(one for one in settled["answers"] if "worst on delivery" in one["question"])
    assert delivery["needs"] == ["scheduled delivery date", "actual delivery date"]

    given = {**name, "mapping": json.dumps(mapping)}
    unmapped = http.post("/data/orders", params=name, content=OWN)
    assert unmapped.status_code == 422 and "nobody has said yet what its columns mean" in unmapped.json()["detail"]
    unsaid = http.post("/data/orders", params={**name, "mapping": json.dumps(proposed["mapping"])}, content=OWN)
    assert unsaid.status_code == 422 and "how many US dollars is 1 EUR?" in unsaid.json()["detail"]
    mixed = http.post("/data/orders", params=given, content=OWN)
    assert mixed.status_code == 422 and "say `replace` to delete" in mixed.json()["detail"]
    loaded = http.post("/data/orders", params={**given, "replace": True}, content=OWN).json()
    assert (loaded["read"], loaded["kept"], loaded["rejected"]) == (5, 4, 1)
    assert loaded["rejects"] == [
        {"row": 6, "column": "Bestelldatum", "value": "32.01.2015", "reason": "not a date like 31.12.2014"}
    ]
    shown = http.get("/data").json()
    assert (shown["company"], shown["sources"][0]["file"], shown["rows"]["order_lines"]) == ("own", "bestellungen.csv", 4)
    assert shown["missing"] == ["governance indicators", "sanctions list"] and [one["needs"] for one in shown["questions"]] == [
        one["needs"] for one in loaded["answers"]
    ]

    asked = {"messages": [{"role": "user", "content": "How much did we spend with Acme GmbH?"}]}
    thread = http.post("/threads", json={}).json()["thread_id"]
    state = http.post(f"/threads/{thread}/runs/wait", json={"assistant_id": "orchestrator", "input": asked}).json()
    answer = state["answer"]
    assert "1,368.95" in json.dumps(answer), "(1,234.50 + 10.00) × 1.10"
    assert "bestellungen.csv" in json.dumps(answer), "where its figures come from"

    [known] = http.get("/data/mappings").json()
    assert (known["file"], known["mapping"]["rates"]) == ("bestellungen.csv", {"EUR": "1.10"})
    again = http.post("/data/orders", params=name, content=OWN).json()
    assert again["kept"] == 4, "its header is known now"
    assert http.post("/data/orders/propose", params=name, content=OWN).json()["remembered"]
    assert http.delete(f"/data/mappings/{known['fingerprint']}").status_code == 204
    assert http.delete(f"/data/mappings/{known['fingerprint']}").status_code == 404

    rita = http.post("/data/orders", params=name, content=OWN, headers={"X-Clearance-As": "rita"})
    assert rita.status_code == 403 and "data-steward" in rita.json()["detail"]
    for path in ("/data/orders/propose", "/data/mappings"):
        method = "POST" if path.endswith("propose") else "GET"
        assert http.request(method, path, params=name, headers={"X-Clearance-As": "rita"}).status_code == 403
    assert http.get("/data", headers={"X-Clearance-As": "rita"}).json()["may_load"] is False
    said = [(one["outcome"], one["user"]) for one in ledger(served.home)[before:]]
    failed = [("begun", "local"), ("failed", "local")] * 3
    assert said == [*failed, *[("begun", "local"), ("loaded", "local")] * 2, ("refused", "rita")]
    assert ledger(served.home)[-2]["known"] == {"kept": 4, "read": 5, "rejected": 1, "sha256": loaded["sha256"]}
    told = command(served.home, "audit", "verify")
    assert told.returncode == 0, told.stdout + told.stderr


def bomb(path: Path) -> Path:
    """A workbook of 100 kB that would unpack to 100 MB."""
    with zipfile.ZipFile(workbook(path, {"A": [HEADER, *ROWS]}), "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet2.xml", b" " * (100 << 20))
    return path


def test_files_that_are_no_tables_are_told_in_a_sentence(http: httpx.Client, tmp_path: Path) -> None:
    wide = text_file(tmp_path / "wide.csv", [f"c{n}" for n in range(10_000)], [["1"] * 10_000])
    formulas = workbook(tmp_path / "formulas.xlsx", {"A": [HEADER, ["Acme", "2014-01-31", "2014-01-31", "=1+1"]]})
    two = workbook(tmp_path / "two.xlsx", {"A": [HEADER, *ROWS], "B": [HEADER, *ROWS]})
    hostile = {
        "empty": (b"", "the file is empty"),
        "bomb": (bomb(tmp_path / "bomb.xlsx").read_bytes(), "would unpack to"),
        "cut": (two.read_bytes()[:2000], "damaged archive"),
        "zip": (b"PK\x03\x04" + b"x" * 100, "damaged archive"),
        "formulas": (formulas.read_bytes(), "the formula =1+1 has no stored value"),
        "sheets": (two.read_bytes(), "name one as `sheet`"),
        "wide": (wide.read_bytes(), "more than 300 columns"),
        "old": (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "old .xls workbook"),
        "nul": (b"Supplier,Date,Amount\nAc\0me,2014-01-01,5\n", "binary file"),
        "wide nul": ("Supplier,Date,Amount\nAc\0me,2014-01-01,5\n".encode("utf-16"), "NUL"),
        "encoding": ("Supplier,Date,Amount\nAc".encode("utf-16") + b"\x00\xd8" * 9, "neither UTF-8, UTF-16"),
        "quote": (b'Supplier,Date,Amount\nA,2014-01-01,"5\n' + b"x,y,z\n" * 40_000, "quotation mark"),
        "one line": (b"x" * 100_000, "only one column"),
        "header": (b"Supplier,Date,Amount\n", "only a header"),
        "json": (b'{"a": 1}', "only one column"),
        "twice": (b"A,A,B\n1,2,3\n", "two columns are called"),
    }
    for name, (body, says) in hostile.items():
        answer = http.post("/data/orders/propose", params={"name": f"../{name}\u202e"}, content=body)
        said = answer.json()["detail"]
        assert answer.status_code == 422 and says in said and said.startswith((f"{name}:", f"{name}, ")), (name, said)
        assert len(said) < 700 and "/tmp" not in said
    sheet = http.post("/data/orders/propose", params={"name": "two.xlsx", "sheet": "B"}, content=two.read_bytes()).json()
    assert (sheet["sheet"], sheet["rows"]) == ("B", 2)
    plain = {"content-type": "text/plain"}
    text = text_file(tmp_path / "a.csv").read_bytes()
    assert http.post("/data/orders/propose", params={"name": "a.txt"}, content=text, headers=plain).json()["rows"] == 2
    for mapping in ("{", '{"fingerprint": "x", "columns": {}}', '{"columns": {"nonsense": {}}}'):
        wrong = http.post("/data/orders/propose", params={"name": "a.csv", "mapping": mapping}, content=text)
        assert wrong.status_code == 422 and ("no mapping" in wrong.text or "another header" in wrong.text)
    large = http.post("/data/orders/propose", params={"name": "large"}, content=b"x" * (LIMIT + 1))
    assert large.status_code == 413 and large.json()["detail"] == f"the file is larger than {LIMIT} bytes"


async def test_a_goal_under_way_holds_a_load_off(served: Served, http: httpx.Client, tmp_path: Path) -> None:
    own = text_file(tmp_path / "a.csv").read_bytes()
    mapping = json.dumps(ask(http, "/data/orders/propose", {"name": "a.csv"}, own)["mapping"])
    db = Database(served.settings.app_url())
    executions, id = Executions(db), str(uuid.uuid4())
    await executions.create(id, "thread", Caller("ann"), "a goal", {}, "2026-01-01")
    await executions.enter(id, "thread", 1, "checkpoint")  # this process, which lives, carries it out
    given = {"name": "a.csv", "mapping": mapping, "replace": "true"}
    held = await asyncio.to_thread(http.post, "/data/orders", params=given, content=own)
    assert held.status_code == 409 and held.json()["detail"].startswith("a goal is being worked on")
    assert (await asyncio.to_thread(ask, http, "/data/orders", {**given, "meanwhile": "true"}, own))["kept"] == 2
    await executions.leave(id, "finished")
    assert (await asyncio.to_thread(ask, http, "/data/orders", given, own))["kept"] == 2
    db.close()


def test_a_goal_that_waits_goes_on_over_other_records_and_says_so(served: Served, http: httpx.Client, tmp_path: Path) -> None:
    own = text_file(tmp_path / "a.csv").read_bytes()
    asked = {"messages": [{"role": "user", "content": FLAGSHIP}]}
    thread = http.post("/threads", json={}).json()["thread_id"]
    run = {"assistant_id": "orchestrator", "input": asked}
    waiting = http.post(f"/threads/{thread}/runs/wait", json=run).json()["__interrupt__"]
    mapping = json.dumps(ask(http, "/data/orders/propose", {"name": "a.csv"}, own)["mapping"])
    ask(http, "/data/orders", {"name": "a.csv", "mapping": mapping, "replace": "true"}, own)
    given = {one["id"]: {"decisions": [{"type": "approve"}] * len(one["value"]["action_requests"])} for one in waiting}
    resumed = {"assistant_id": "orchestrator", "command": {"resume": given}}
    state = http.post(f"/threads/{thread}/runs/wait", json=resumed).json()
    assert MEANWHILE in json.dumps(state["answer"]["issues"]), state["answer"]
    assert http.get("/data").json()["rows"]["cases"] == 0, "no case is opened on another supplier of the same number"


def ask(http: httpx.Client, path: str, params: dict[str, str], body: bytes) -> Any:
    answer = http.post(path, params=params, content=body)
    assert answer.status_code == 200, answer.text
    return answer.json()

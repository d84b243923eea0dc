"""A command on a home with a live service is its client: what a person reads is the same, and the service did the work."""

import json
import re
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from langgraph_sdk import get_client

from settings import Settings
from tests.app.command import clearance as command
from tests.service.serving import clearance
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

FLAGSHIP = "Analyze supplier risk across our logistics network"
VARIES = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+\.\d s|\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?|case-?\d+", re.IGNORECASE)


def alike(text: str) -> list[str]:
    """The lines without what differs from run to run; progress comes in the order in which steps end."""
    return sorted(VARIES.sub("…", line).rstrip() for line in text.splitlines())


def change(home: Path, statement: str) -> None:
    """As only time, or a process that died, leaves a row."""
    with sqlite3.connect(home / "clearance.db", timeout=60) as db:
        assert db.execute(statement).rowcount > 0
    db.close()


async def test_the_same_is_read_whoever_does_the_work(tmp_path: Path) -> None:
    alone, served = tmp_path / "alone", tmp_path / "served"
    records = open_records(Settings(home=alone))
    make_demo(records.writing)
    records.close()
    shutil.copytree(alone, served)
    limits = tmp_path / "limits.toml"
    limits.write_text("[run]\nseconds = 3600\n", encoding="utf-8")
    bounded = {"CLEARANCE_BUDGETS": str(limits)}
    with clearance(served, env={"CLEARANCE_LOG_LEVEL": "info", **bounded}) as server:
        service = get_client(url=server.url)
        first = [command(home, "--as", "rita", "run", FLAGSHIP) for home in (alone, served)]
        assert [one.returncode for one in first] == [3, 3], first[1].stderr
        assert alike(first[0].stdout) == alike(first[1].stdout)
        [thread] = await service.threads.search()
        id = thread["thread_id"]
        assert thread["status"] == "interrupted" and id in first[1].stdout, "the service carried it out"
        [own] = re.findall(r"resume (\S+)", first[0].stdout)
        listed = [command(home, "approvals") for home in (alone, served)]
        assert alike(listed[0].stdout) == alike(listed[1].stdout) and listed[0].returncode == 0
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
            rows = (await http.get("/governance/approvals")).json()
            assert len(rows) == 3 and {row["requester"] for row in rows} == {"rita"}
            refused = command(served, "--as", "rita", "resume", id, "--approve", "all")
            assert refused.returncode == 3 and refused.stderr.count("Not counted") + refused.stdout.count("Not counted") == 3
            ended = [
                command(home, "--as", "marc", "resume", which, "--approve", "all", "--json")
                for home, which in ((alone, own), (served, id))
            ]
            assert [one.returncode for one in ended] == [0, 0], ended[1].stdout + ended[1].stderr
            answers = [json.loads(one.stdout) for one in ended]
            words = [alike(re.sub(r"\d+", "", one["answer"])) for one in answers]  # cases are numbered as they are made
            assert words[0] == words[1]
            assert [row["decided_by"] for row in answers[1]["approvals"]] == [["marc"]] * 3
            assert (await service.threads.get(id))["status"] == "idle" and len(await service.runs.list(id)) >= 2
            told = json.loads(command(served, "audit", "verify", "--json").stdout)
            assert told["sound"] and (await http.get("/governance/audit/verify")).json()["sound"]
            whose = [(alone, answers[0]["execution_id"]), (served, answers[1]["execution_id"])]
            looks = [command(home, "--as", "marc", "undo", which) for home, which in whose]
            assert alike(looks[0].stdout) == alike(looks[1].stdout) and "to undo" in looks[1].stdout
            undone = [command(home, "--as", "marc", "undo", which, "--reason", "a mistake") for home, which in whose]
            assert alike(undone[0].stdout) == alike(undone[1].stdout), undone[1].stderr
            for state, reason in (("on", "a drill"), ("off", "it is over")):
                flipped = [command(home, "--as", "olga", "kill-switch", state, "--reason", reason) for home in (alone, served)]
                assert alike(flipped[0].stdout) == alike(flipped[1].stdout), flipped[1].stderr
            until = (datetime.now(UTC) + timedelta(days=30)).isoformat(timespec="minutes")
            handing = ("approvals", "delegate", "olga", "--role", "risk-manager", "--until", until)
            handed = [command(home, "--as", "marc", *handing) for home in (alone, served)]
            assert alike(handed[0].stdout) == alike(handed[1].stdout) and "olga decides" in handed[1].stdout, handed[1].stderr
            ids = [one.stdout.split()[-1] for one in handed]
            ended_by = [
                command(home, "--as", "marc", "approvals", "revoke", id) for home, id in zip((alone, served), ids, strict=True)
            ]
            assert alike(ended_by[0].stdout) == alike(ended_by[1].stdout), ended_by[1].stderr
            late = command(served, "--as", "marc", *handing).stdout.split()[-1]
            change(served, f"UPDATE delegations SET until = '2020-01-01T00:00:00+00:00' WHERE id = '{late}'")
            over = command(served, "--as", "marc", "approvals", "revoke", late)
            assert over.returncode == 0 and "no longer decides" in over.stdout, over.stderr
            more = command(served, "budgets", "raise", answers[1]["execution_id"], "seconds", "90.5", **bounded)
            assert more.returncode == 0 and "left of 3,690.5 seconds" in more.stdout, more.stdout + more.stderr
            (key, *_) = (row["key"] for row in json.loads(command(served, "effects", "--json").stdout))
            change(served, f"UPDATE effects SET state = 'intended', ended_at = NULL, result = NULL WHERE key = '{key}'")
            found_out = command(served, "effects", "settle", key, "not-done", "--reason", "I looked")
            assert found_out.returncode == 0 and "is recorded as failed" in found_out.stdout, found_out.stderr
            kept = [command(home, "workflow", "save", "weekly", "--run", which) for home, which in whose]
            assert alike(kept[0].stdout) == alike(kept[1].stdout), kept[1].stderr
            assert [command(home, "workflow", "remove", "weekly").returncode for home in (alone, served)] == [0, 0]
            did = (
                "/governance/delegations",
                "/workflows/weekly",
                "/undo",
                "/governance/kill-switch/on",
                "/governance/kill-switch/off",
                "/votes",
                "/governance/budgets/raise",
                f"/governance/effects/{key}/settle",
            )
            assert all(path in server.log.read_text() for path in did), "the service did it"
            unknown = [command(home, "resume", "nothing") for home in (alone, served)]
            assert [one.returncode for one in unknown] == [1, 1]
        server.kill()
    again = command(served, "run", "Which suppliers deliver late?", "--thread", id)  # its service is gone: it works by itself
    assert again.returncode == 0, again.stderr

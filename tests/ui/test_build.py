"""The committed build of the page: made of these sources, within its size, with its licences, and served as it should be."""

import gzip
import hashlib
import re
from pathlib import Path

import httpx
import pytest

from app.build import STATIC
from app.main import create_app
from app.page import POLICY
from settings import Settings
from tests.service.serving import PROJECT, ROOT, Server

UI = ROOT / "ui"
SOURCES = ("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "public", "scripts", "src")
MOST_KB = 170


def test_the_build_is_of_these_sources() -> None:
    """The same rule as ui/scripts/finish.mjs: each path, NUL, its bytes, NUL, in the order of the paths."""
    found = [
        path
        for name in SOURCES
        for path in ([UI / name] if (UI / name).is_file() else (UI / name).rglob("*"))
        if path.is_file()
    ]
    total = hashlib.sha256()
    for name in sorted(path.relative_to(UI).as_posix().encode() for path in found):
        total.update(name + b"\0" + (UI / name.decode()).read_bytes() + b"\0")
    said = (STATIC / "sources.sha256").read_text().strip()
    assert total.hexdigest() == said, "the page's build is stale: npm ci && npm run build in ui/"


def test_what_is_loaded_first_is_small_and_loads_nothing_from_elsewhere() -> None:
    html = (STATIC / "index.html").read_text(encoding="utf-8")
    first = re.findall(r'(?:src|href)="\./(assets/[^"]+\.js)"', html)
    size = sum(len(gzip.compress((STATIC / name).read_bytes())) for name in first)
    assert first and size <= MOST_KB * 1000, f"{size} bytes of JavaScript, gzipped"
    assert not re.search(r'(?:src|href)="(?!\./)', html)
    assert "<script>" not in html and "style=" not in html
    assert not list(STATIC.rglob("*.map"))


def test_all_that_is_bundled_has_its_licence() -> None:
    text = (STATIC / "licences.txt").read_text(encoding="utf-8")
    for name in ("react ", "react-dom ", "scheduler ", "react-markdown ", "remark-gfm ", "@dagrejs/dagre "):
        assert f"\n{name}" in text
    assert "Permission is hereby granted" in text
    assert "resolved" not in (UI / "package-lock.json").read_text(encoding="utf-8")


def test_the_page_is_served_under_its_policy(served: Server) -> None:
    page = httpx.get(f"{served.url}/")
    assert page.status_code == 200 and page.headers["content-security-policy"] == POLICY
    assert "require-trusted-types-for 'script'" in POLICY and "unsafe" not in POLICY
    assert page.headers["cache-control"] == "no-cache" and page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer" and page.headers["cross-origin-opener-policy"] == "same-origin"
    asset = re.findall(r'"\./(assets/[^"]+)"', page.text)[0]
    assert "immutable" in httpx.get(f"{served.url}/{asset}").headers["cache-control"]
    missing = httpx.get(f"{served.url}/assets/none.js")
    assert missing.status_code == 404 and missing.headers.get("cache-control") != "public, max-age=31536000, immutable"
    assert missing.json()["detail"] == "Not Found"
    assert httpx.post(f"{served.url}/nothing").status_code == 404
    assert httpx.get(f"{served.url}/ok").json()["ok"] is True


@pytest.mark.parametrize(("config", "there"), [(None, True), (PROJECT / "langgraph.json", False)])
def test_only_the_products_own_graphs_have_the_page(tmp_path: Path, config: Path | None, there: bool) -> None:
    app = create_app(Settings(home=tmp_path), config)
    assert any(getattr(route, "name", "") == "page" for route in app.routes) is there

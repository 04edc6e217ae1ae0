"""The page's own files: answered below `/page/`, before there is a page, and nothing beside them."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict

import httpx
import pytest

from lora_mixer_app.serving.assets import Assets
from lora_mixer_app.web.server import ASSETS, STATIC


async def _behind(scope: dict, receive: object, send: object) -> None:
    await send({"type": "http.response.start", "status": 503, "headers": []})
    await send({"type": "http.response.body", "body": b"behind"})


def ask(path: str, method: str = "GET") -> httpx.Response:
    async def answered() -> httpx.Response:
        transport = httpx.ASGITransport(app=Assets(_behind, ASSETS))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path)

    return asyncio.run(answered())


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/page/page.js", "text/javascript"),
        ("/page/look.css", "text/css"),
        ("/page/icon.svg", "image/svg+xml"),
        ("/manifest.json", "application/manifest+json"),
        ("/favicon.ico", "image/png"),
        ("/page/fonts/cjk.woff2", "font/woff2"),
    ],
)
def test_our_files_are_answered_with_their_kind_and_asked_for_anew(path: str, kind: str) -> None:
    answer = ask(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == kind
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/page/nothing.js", "/page/../server.py", "/page/%2e%2e/server.py", "/page/"])
def test_nothing_else_is(path: str) -> None:
    assert ask(path).status_code in {404, 503}
    assert "import" not in ask(path).text


def test_everything_else_is_answered_behind() -> None:
    assert ask("/").text == ask("/config").text == "behind"
    assert ask("/page/page.js", "POST").status_code == 405


def test_the_manifest_names_icons_that_are_there_and_that_browsers_install() -> None:
    manifest = json.loads((STATIC / "manifest.webmanifest").read_text())
    assert manifest["display"] == "standalone"
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in manifest["icons"]}
    assert all((STATIC / icon["src"]).is_file() for icon in manifest["icons"])


def test_no_file_of_ours_asks_another_host() -> None:
    for file in STATIC.rglob("*"):
        if file.suffix in {".js", ".css", ".webmanifest"}:
            text = file.read_text()
            assert "://" not in text.replace("http://www.w3.org/", ""), file


def test_no_rule_of_looks_stands_in_two_sheets() -> None:
    where = defaultdict(set)
    for sheet in STATIC.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
        for selector, rules in re.findall(r"([^{};]+)\{([^{}]+)\}", text):
            where[" ".join(selector.split()), " ".join(rules.split())].add(sheet.relative_to(STATIC).as_posix())
    assert {rule: sorted(sheets) for rule, sheets in where.items() if len(sheets) > 1} == {}

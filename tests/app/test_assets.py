"""The page's own files: answered below `/page/`, before there is a page, and nothing beside them."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections import defaultdict
from pathlib import Path

import httpx
import pytest

from lora_mixer_app.serving.assets import FOR_GOOD, Asset, Assets, Folder
from lora_mixer_app.web.files import STATIC, folders, made
from lora_mixer_app.web.theme import HEAD


async def _behind(scope: dict, receive: object, send: object) -> None:
    await send({"type": "http.response.start", "status": 503, "headers": []})
    await send({"type": "http.response.body", "body": b"behind"})


ALL = Assets(_behind, folders(), made())


def ask(path: str, method: str = "GET", *, app: Assets = ALL, **headers: str) -> httpx.Response:
    async def answered() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, path, headers={"accept-encoding": "identity", **named})

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


def test_a_text_is_packed_for_whoever_takes_that_and_no_file_is_sent_twice() -> None:
    plain, packed = ask("/page/page.js"), ask("/page/page.js", accept_encoding="gzip, br")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content == (STATIC / "page.js").read_bytes()
    assert int(packed.headers["content-length"]) < len(plain.content) == int(plain.headers["content-length"])
    assert "content-encoding" not in ask("/page/icon-512.png", accept_encoding="gzip").headers
    again = ask("/page/page.js", if_none_match=f'W/"older", {plain.headers["etag"]}')
    assert (again.status_code, again.content) == (304, b"")
    assert ask("/page/page.js", "HEAD").content == b""


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    (file := tmp_path / "a.js").write_text("1")
    made_of_it = {"/page/all.js": Asset([file], lambda: b"all " + file.read_bytes())}
    app = Assets(_behind, {"/page/": Folder(tmp_path)}, made_of_it)
    before = ask("/page/a.js", app=app)
    file.write_text("2")
    os.utime(file, ns=(0, 1))
    assert (before.text, ask("/page/a.js", app=app).text, ask("/page/all.js", app=app).text) == ("1", "2", "all 2")
    assert ask("/page/a.js", app=app, if_none_match=before.headers["etag"]).status_code == 200


def test_gradio_s_files_are_answered_from_memory_and_kept_where_their_names_tell_their_content() -> None:
    script = next(path for path in folders()["/assets/"].path.glob("index-*.js"))
    answer = ask(f"/assets/{script.name}")
    assert (answer.content, answer.headers["cache-control"]) == (script.read_bytes(), FOR_GOOD)
    assert ask("/assets/nothing.js").text == "behind"


def test_the_page_s_own_scripts_and_sheets_come_as_one_each() -> None:
    assert re.findall(r'(?:src|href)="(page/[^"]+\.(?:js|css))"', HEAD) == ["page/styles.css", "page/modules.js"]
    scripts = ask("/page/modules.js").text
    sheets = ask("/page/styles.css").text
    for path in STATIC.rglob("*.js"):
        name = path.relative_to(STATIC).as_posix()
        assert (f'define("{name}"' in scripts) == (
            name not in {"modules.js", "on_load.js", "component.js", "opening.js"}
        )
    assert "@import" not in sheets
    for path in STATIC.rglob("*.css"):
        assert (path.read_text() in sheets) == (path.name not in {"styles.css", "opening.css"}), path


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

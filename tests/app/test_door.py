"""The door: passwords, uploads, calls, files and connections, without anything behind it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from lora_mixer_app.serving.callers import caller
from lora_mixer_app.serving.files import LARGEST_BODY, Files
from lora_mixer_app.serving.limits import KEPT, Calls, Questions, Uploads
from lora_mixer_app.serving.names import FolderNames
from lora_mixer_app.serving.owners import folder_of, owner_at
from lora_mixer_app.serving.passwords import FREE, LONGEST, Passwords
from lora_mixer_app.serving.presence import A_MOMENT, LEFT, NEVER_CAME, Listening, Presence


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def login(request: Request) -> PlainTextResponse:
    right = await request.body() == b"right"
    return PlainTextResponse("", status_code=200 if right else 400)


def with_passwords(clock: Clock) -> TestClient:
    routes = [Route("/login", login, methods=["POST"]), Route("/", login, methods=["POST"])]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(Passwords, clock=clock)]))


def test_each_wrong_password_after_a_few_waits_twice_as_long() -> None:
    clock = Clock()
    client = with_passwords(clock)
    assert [client.post("/login", content=b"wrong").status_code for _ in range(FREE)] == [400] * FREE
    waits = []
    for _ in range(12):
        refused = client.post("/login", content=b"right")
        assert refused.status_code == 429
        waits.append(int(refused.headers["retry-after"]))
        clock.now += waits[-1]
        assert client.post("/login", content=b"wrong").status_code == 400
    assert waits == [min(2**n, int(LONGEST)) for n in range(12)]


def test_a_right_password_is_let_in_after_the_wait_and_clears_the_account() -> None:
    clock = Clock()
    client = with_passwords(clock)
    for _ in range(FREE + 1):
        client.post("/login", content=b"wrong")
    clock.now += 2
    assert client.post("/login", content=b"right").status_code == 200
    assert client.post("/login", content=b"wrong").status_code == 400
    for _ in range(40):
        assert client.post("/", content=b"wrong").status_code == 400


def here(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("here")


def test_uploads_have_a_quota_of_each_caller_that_comes_back_with_time() -> None:
    clock = Clock()
    app = Starlette(
        routes=[Route("/gradio_api/upload", here, methods=["POST"])],
        middleware=[
            Middleware(Uploads, who=lambda scope: dict(scope["headers"])[b"x-who"].decode(), most=2**20, clock=clock)
        ],
    )
    client = TestClient(app)

    def send(size: int, who: str = "ada") -> int:
        return client.post("/gradio_api/upload", content=bytes(size), headers={"x-who": who}).status_code

    assert [send(2**18) for _ in range(5)] == [200] * 4 + [413]
    assert send(2**18, "bo") == 200
    clock.now += KEPT + 1
    assert send(2**20) == 200
    assert send(1) == 413
    assert [send(1, "cy") for _ in range(17)] == [200] * 16 + [413]  # a file takes room whatever is in it
    endless = client.post("/gradio_api/upload", content=iter([b"a"]), headers={"x-who": "dan"})
    assert endless.status_code == 411


def test_who_has_many_calls_under_way_is_refused_and_nobody_else() -> None:
    busy = {"ada": 3, "bo": 2}
    app = Starlette(
        routes=[Route("/gradio_api/{what:path}", here, methods=["GET", "POST"])],
        middleware=[
            Middleware(
                Calls, who=lambda scope: dict(scope["headers"])[b"x-who"].decode(), under_way=busy.__getitem__, most=3
            )
        ],
    )
    client = TestClient(app)
    for path in ("queue/join", "call/render", "call/v2/render", "run/render", "api/render"):
        answers = {who: client.post(f"/gradio_api/{path}", headers={"x-who": who}).status_code for who in busy}
        assert answers == {"ada": 429, "bo": 200}
    assert client.get("/gradio_api/queue/data", headers={"x-who": "ada"}).status_code == 200


def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.path_params["path"])


async def echo_body(request: Request) -> JSONResponse:
    return JSONResponse(await request.json())


def stream(_request: Request) -> StreamingResponse:
    return StreamingResponse(iter([b'data: {"path": "/srv/desk/a/b.png"}\n\n']), media_type="text/event-stream")


@pytest.fixture
def files() -> TestClient:
    desk = Path("/srv/desk")
    routes = [
        Route("/gradio_api/file={path:path}", echo),
        Route("/gradio_api/call/render", echo_body, methods=["POST"]),
        Route("/stream", stream),
    ]
    door = Middleware(
        Files,
        names=FolderNames({"desk": desk, "uploads": Path("/tmp/up loads")}),
        own=(desk / "pictures",),
        shared=(desk / "thumbs",),
        user_of=lambda scope: dict(scope["headers"]).get(b"x-user", b"").decode(),
    )
    return TestClient(Starlette(routes=routes, middleware=[door]))


@pytest.mark.parametrize(
    ("path", "user", "status"),
    [
        ("/~desk/pictures/@ada/1.png", "ada", 200),
        ("/srv/desk/pictures/@ada/1.png", "ada", 200),
        ("/~desk/pictures/@ada/1.png", "bo", 403),
        ("/~desk/pictures/@bo/../@ada/1.png", "bo", 403),
        ("/srv/desk/pictures//@ada/1.png", "bo", 403),
        ("/~desk/pictures/@ada/1.png", "", 403),
        ("/~desk/pictures/1.png", "", 200),
        ("/~desk/pictures/1.png", "ada", 403),
        ("/~desk/thumbs/lora.webp", "ada", 200),
        ("/~desk/thumbs/@ada/1.webp", "ada", 200),
        ("/~desk/thumbs/@ada/1.webp", "bo", 403),
        ("/~uploads/abc/1.png", "bo", 200),
        ("http://inside/1.png", "ada", 403),
        ("ftp:inside", "ada", 403),
        ("//inside/1.png", "ada", 403),
    ],
)
def test_files_are_named_by_their_owners_and_by_no_address(
    files: TestClient, path: str, user: str, status: int
) -> None:
    asked = files.get(f"/gradio_api/file={path}", headers={"x-user": user})
    assert asked.status_code == status
    posted = files.post("/gradio_api/call/render", json={"data": [[{"path": path}]]}, headers={"x-user": user})
    assert posted.status_code == status
    if status == 200:
        assert asked.text == path.replace("/~desk/", "/srv/desk/").replace("/~uploads/", "/tmp/up loads/")


def test_answers_name_no_folder_whatever_form_they_have(files: TestClient) -> None:
    assert files.get("/stream").text == 'data: {"path": "/~desk/a/b.png"}\n\n'
    told = {"text": "in /srv/desk/runs/x and /tmp/up%20loads/y and /tmp/up loads/z", "path": "/~desk/thumbs/a.webp"}
    answer = files.post("/gradio_api/call/render", json=told)
    assert answer.json()["text"] == "in /~desk/runs/x and /~uploads/y and /~uploads/z"
    assert answer.json()["path"] == "/~desk/thumbs/a.webp"
    assert int(answer.headers["content-length"]) == len(answer.content)


@pytest.mark.parametrize(
    "url", ["http://inside.example/a", "//inside.example/a", "ftp://inside/a", "http://[", "http://testserver:1/a"]
)
def test_a_file_named_by_an_address_is_refused(files: TestClient, url: str) -> None:
    body = {"data": [{"path": "/tmp/up loads/a", "url": url}]}
    assert files.post("/gradio_api/call/render", json=body).status_code == 403


@pytest.mark.parametrize(
    "url", [None, "/gradio_api/file=a", "http://testserver/gradio_api/file=a", "data:image/png;base64,"]
)
def test_a_file_of_this_page_may_be_named(files: TestClient, url: str | None) -> None:
    assert files.post("/gradio_api/call/render", json={"data": [{"path": "a", "url": url}]}).status_code == 200


def test_a_prompt_that_looks_like_a_name_stays_what_it_is(files: TestClient) -> None:
    asked = {"data": ["/~desk/pictures/1.png", {"line_art": 0.5}]}
    assert files.post("/gradio_api/call/render", json=asked).json() == asked


def test_a_body_is_bounded_and_one_that_is_no_json_is_handed_on(files: TestClient) -> None:
    headers = {"content-type": "application/json"}
    assert files.post("/gradio_api/call/render", content=b"1" * (LARGEST_BODY + 1), headers=headers).status_code == 403
    with pytest.raises(json.JSONDecodeError):
        files.post("/gradio_api/call/render", content=b"{", headers=headers)
    deep = b"[" * 100_000
    with pytest.raises((RecursionError, json.JSONDecodeError)):
        files.post("/gradio_api/call/render", content=deep, headers=headers)


@given(st.text(min_size=1, max_size=30).filter(lambda text: text.isprintable()))
def test_every_name_has_a_folder_of_its_own_that_leads_back_to_it(name: str) -> None:
    root = Path("/pictures")
    folder = folder_of(root, name)
    assert folder.parent == root
    assert owner_at(root, folder / "1.png") == name
    assert folder.name.startswith("@")


@pytest.mark.parametrize(
    ("address", "told"),
    [("::ffff:10.0.0.7", "10.0.0.7"), ("fe80::1%eth0", "fe80::/64"), ("2001:db8::1", "2001:db8::/64"), (None, "")],
)
def test_callers_are_told_apart_by_what_one_household_has(address: str | None, told: str) -> None:
    assert caller(None, address) == told


def test_who_listens_is_there_and_who_has_left_is_gone_after_a_moment() -> None:
    clock = Clock()
    presence = Presence(clock=clock)
    presence.opened("tab")
    presence.opened("tab")
    tab, nobody = presence.watch("tab"), presence.watch("nobody")
    presence.closed("tab")
    assert (tab.absent, nobody.absent) == (False, False)
    clock.now += A_MOMENT + 0.1
    assert (tab.absent, nobody.absent) == (False, True)
    clock.now += NEVER_CAME
    assert (tab.gone, nobody.gone) == (False, True)
    presence.closed("tab")
    assert (tab.absent, tab.gone) == (False, False)
    clock.now += LEFT + 0.1
    assert (tab.absent, tab.gone) == (True, True)
    presence.opened("tab")
    assert (tab.absent, tab.gone) == (False, False)
    presence.closed("tab")
    clock.now += 1000
    again = presence.watch("tab")  # what somebody asks for who left long ago, and may come back
    assert not again.gone
    clock.now += NEVER_CAME + 0.1
    assert again.gone


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/queue/data?session_hash=tab",
        "/gradio_api/heartbeat/tab",
        "/gradio_api/call/render/tab",
        "/gradio_api/call/v2/render/tab",
    ],
)
def test_a_connection_counts_for_its_tab_while_it_is_open(path: str) -> None:
    presence, seen = Presence(), []

    def look(_request: Request) -> PlainTextResponse:
        seen.append(dict(presence.open))
        return PlainTextResponse("")

    async def fail(_request: Request) -> PlainTextResponse:
        raise RuntimeError

    def client(answer: Any) -> TestClient:
        app = Starlette(routes=[Route("/gradio_api/{what:path}", answer)])
        return TestClient(Listening(app, presence))

    client(look).get(path)
    assert seen == [{"tab": 1}]
    with pytest.raises(RuntimeError):
        client(fail).get(path)
    assert presence.open == {}


def test_the_end_of_a_connection_is_noticed_while_nothing_is_sent() -> None:
    presence, seen = Presence(), []
    scope = {"type": "http", "method": "GET", "path": "/gradio_api/heartbeat/tab", "query_string": b"", "headers": []}

    async def main() -> None:
        leave = asyncio.Event()
        first = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Message:
            if first:
                return first.pop()
            await leave.wait()
            return {"type": "http.disconnect"}

        async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
            assert (await receive())["type"] == "http.request"
            seen.append(dict(presence.open))
            leave.set()
            await asyncio.sleep(0.01)  # it neither sends nor receives
            seen.append(dict(presence.open))
            looking = receive()
            with pytest.raises(StopIteration) as told:
                looking.send(None)  # whoever only looks is answered at once
            assert told.value.value["type"] == "http.disconnect"

        async def send(_message: Message) -> None:
            raise AssertionError

        await Listening(app, presence)(scope, receive, send)

    asyncio.run(main())
    assert seen == [{"tab": 1}, {}]
    assert presence.open == {}


def test_one_caller_asks_so_many_questions_at_a_time_and_another_is_answered() -> None:
    async def asked() -> list[int]:
        go = asyncio.Event()

        async def behind(_scope: Scope, _receive: Receive, send: Send) -> None:
            await go.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        door = Questions(behind, who=lambda scope: scope["who"], most=2)
        told: list[int] = []

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                told.append(message["status"])

        async def receive() -> Message:
            return {"type": "http.request"}

        async def ask(who: str) -> None:
            scope = {
                "type": "http",
                "method": "POST",
                "path": "/gradio_api/component_server/",
                "who": who,
                "headers": [],
            }
            await door(scope, receive, send)

        waiting = [asyncio.create_task(ask(who)) for who in ("ada", "ada", "ada", "bo")]
        for _ in range(5):
            await asyncio.sleep(0)
        refused = list(told)
        go.set()
        await asyncio.gather(*waiting)
        await ask("ada")
        return [*refused, *told[len(refused) :]]

    assert asyncio.run(asked()) == [429, 200, 200, 200, 200]

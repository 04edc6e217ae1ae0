"""The page as it is served: what it answers, to whom, and with whose files."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lora_mixer import Cancel, Mixer
from lora_mixer.errors import ModelError
from lora_mixer.images import read_picture
from lora_mixer_app.serving.presence import A_MOMENT
from lora_mixer_app.serving.queue import MOST_WAITING
from lora_mixer_app.web.app import calls_under_way
from lora_mixer_app.web.server import Server
from tests.support.served import OTHER, ask, caller, heard, render, served, wait_until_ready

ADA, BO = ("ada", "one"), ("bo", "two")
META = {"_type": "gradio.FileData"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk")


@pytest.fixture(scope="module")
def page(mixer: Mixer, folder: Path) -> Iterator[Server]:
    with served(lambda: mixer, folder) as server:
        wait_until_ready(server.url)
        yield server


@pytest.fixture
def client(page: Server) -> Iterator[httpx.Client]:
    with caller(page.url) as client:
        yield client


@pytest.fixture(scope="module")
def guarded(mixer: Mixer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    folder = tmp_path_factory.mktemp("people")
    with served(lambda: mixer, folder, logins=[ADA, BO]) as server:
        wait_until_ready(server.url)
        yield server, folder


def test_the_page_answers_while_its_model_is_opened_and_gives_way_to_it(mixer: Mixer, tmp_path: Path) -> None:
    go_on = threading.Event()
    with served(lambda: go_on.wait(60) and mixer, tmp_path) as server, caller(server.url) as client:
        for language, said in (("en", "Opening the model emoji"), ("zh-CN", "正在打开模型 emoji")):
            while said not in (answer := client.get("/", headers={"accept-language": language})).text:
                time.sleep(0.01)
            assert (answer.status_code, answer.headers["retry-after"]) == (200, "1")
        assert ask(client, "render", "cat").status_code == 503
        told = [client.get("/opening").json() for _ in range(2)]
        assert 0.45 <= told[0]["done"] <= told[1]["done"] < 1
        assert client.get("/page/opening.js").status_code == 200
        assert client.get("/", headers={"host": "evil.example"}).status_code == 403
        go_on.set()
        wait_until_ready(server.url)
        assert "retry-after" not in client.get("/opening").headers
        assert "gradio" in client.get("/").text


def test_what_cannot_be_opened_ends_serving_with_its_reason(tmp_path: Path) -> None:
    def fail() -> Mixer:
        raise ModelError("half a model")

    server = Server(fail, tmp_path, model="emoji", host="127.0.0.1", port=0, say=print)
    with pytest.raises(ModelError, match="half a model"):
        server.run()


def test_a_picture_comes_under_a_name_that_tells_no_folder_of_the_server(client: httpx.Client, folder: Path) -> None:
    said, (file, text) = render(client, "cat", None, {"line_art": 0.5}, 7, 1)
    assert said == "complete"
    assert file["path"].startswith("/~desk/pictures/")
    assert text.startswith("cat")
    picture = client.get(f"/gradio_api/file={file['path']}")
    assert picture.content == (folder / file["path"].removeprefix("/~desk/")).read_bytes()
    assert client.get(file["url"]).content == picture.content


def test_nothing_the_page_answers_names_a_folder_of_the_server(client: httpx.Client, folder: Path) -> None:
    for path in ("/", "/config", "/gradio_api/info"):
        answer = client.get(path)
        assert answer.status_code == 200
        for place in (folder, Path(__file__).parents[2], Path.home()):
            assert str(place) not in answer.text, (path, place)


@pytest.mark.parametrize(
    "data",
    [
        [5],
        [None],
        [["cat"]],
        ["cat", 5],
        ["cat", None, "line_art"],
        ["cat", None, {"line_art": "x"}],
        ["cat", None, {"line_art": None}],
        ["cat", None, {"line_art": 1e300}],
        ["cat", None, {"/etc/passwd": 1}],
        ["cat", None, None, "seven"],
        ["cat", None, None, 7, "x"],
        ["cat", None, None, 7, 1.5],
        ["cat", None, None, 7, [1]],
        ["cat", None, None, 7, 1, "x"],
        ["cat", None, None, 7, 1, 4, 5],
        ["cat", None, None, 7, 1, 4, "Oiler"],
        ["cat", None, None, 7, 1, 4, None, None, "x"],
        ["cat", None, None, 7, 1, 4, None, None, 10**30],
        ["cat", None, None, 7, 1, 4, None, None, None, None, {}],
        ["cat", None, None, 7, 1, 4, None, None, None, None, None, "/etc"],
        ["cat", None, None, 7, 1, 4, None, None, None, None, None, "../models"],
    ],
)
def test_whatever_is_sent_to_render_the_answer_is_a_sentence(client: httpx.Client, data: list[object]) -> None:
    kind, answer = render(client, *data)
    assert kind == "error"
    said = answer["error"]
    assert said
    for raw in (
        "Traceback",
        "TypeError",
        "object is not",
        "unexpected keyword",
        "positional argument",
        "/work",
        "/home",
    ):
        assert raw not in said


def other_data(client: httpx.Client, name: str) -> dict[str, Any]:
    """Return a listener of the page by the id of its first target."""
    config = client.get("/config").json()
    ids = {part["props"].get("elem_id"): part["id"] for part in config["components"]}
    return next(d for d in config["dependencies"] if any(target[0] == ids[name] for target in d["targets"]))


def ask_about(client: httpx.Client, path: str, *, url: str | None = None) -> httpx.Response:
    """Ask the tab of picture info about a file."""
    data = [{"path": path, "url": url, "meta": META, "orig_name": "a.png"}]
    body = {"data": data, "fn_index": other_data(client, "info-file")["id"], "session_hash": "somebody"}
    return client.post("/gradio_api/queue/join", json=body)


def test_an_error_nobody_expected_in_any_listener_is_told_and_written_down(
    client: httpx.Client, page: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_asked: object, **_named: object) -> None:
        raise RuntimeError("the shelf fell over")

    listener = other_data(client, "inspect-take")
    monkeypatch.setattr(page.app.state, "model", fail)
    body = {"data": [{"prompt": "cat"}], "fn_index": listener["id"], "session_hash": "somebody"}
    assert client.post("/gradio_api/queue/join", json=body).status_code == 200
    with client.stream("GET", "/gradio_api/queue/data?session_hash=somebody") as lines:
        ended = next(line for line in lines.iter_lines() if "process_completed" in line)
    assert "RuntimeError" in ended
    assert "server's log" in ended
    assert "shelf" not in ended
    assert "the shelf fell over" in caplog.text


@pytest.mark.parametrize("how", ["path", "url", "file", "proxy"])
def test_an_address_is_refused_before_it_is_looked_up(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    asked: list[object] = []
    look_up = socket.getaddrinfo

    def seen(host: Any, *more: Any, **options: Any) -> Any:
        asked.append(host)
        return look_up("127.0.0.1", *more, **options)

    client.get("/config")
    monkeypatch.setattr(socket, "getaddrinfo", seen)
    address = "http://inside.example/secret"
    answer = {
        "path": lambda: ask_about(client, address),
        "url": lambda: ask_about(client, "/tmp/a.png", url=address),
        "file": lambda: client.get(f"/gradio_api/file={address}"),
        "proxy": lambda: client.get(f"/gradio_api/proxy={address}"),
    }[how]()
    assert answer.status_code == 403
    assert "inside.example" not in map(str, asked)


def test_a_login_sees_the_files_of_nobody_else(guarded: tuple[Server, Path]) -> None:
    server, folder = guarded
    with caller(server.url, login=ADA) as ada, caller(server.url, login=BO) as bo, caller(server.url) as nobody:
        said, (file, _) = render(ada, "cat", None, None, 7, 1)
        assert said == "complete"
        whole = str(folder / file["path"].removeprefix("/~desk/"))
        assert "/@ada/" in file["path"]
        spelled = [file["path"], whole, str(folder / "pictures" / "@bo" / ".." / "@ada" / Path(whole).name)]
        for path in spelled:
            for address in (f"/gradio_api/file={path}", f"/gradio_api/file/{path}"):
                assert bo.get(address).status_code in {403, 404}
                assert bo.head(address).status_code in {403, 404, 405}
                assert nobody.get(address).status_code in {401, 403, 404}
            assert ask_about(bo, path).status_code == 403
        assert ada.get(f"/gradio_api/file={file['path']}").content == Path(whole).read_bytes()
        assert ask_about(ada, file["path"]).status_code == 200
        assert bo.get(f"/gradio_api/file={folder / 'history.sqlite'}").status_code == 403


def test_many_wrong_passwords_are_slowed_down(guarded: tuple[Server, Path]) -> None:
    with caller(guarded[0].url, address=OTHER) as client:
        answers = [client.post("/login", data={"username": "ada", "password": str(n)}).status_code for n in range(20)]
    assert answers[:5] == [400] * 5
    assert answers.count(400) <= 7  # a second may have passed
    assert set(answers[5:]) <= {400, 429}
    with caller(guarded[0].url, login=ADA):
        pass  # from another address she comes in


def idle(page: Server) -> bool:
    queue = page.app.state.queue
    return not queue.waiting and queue.holder is None


def test_who_leaves_is_rendered_for_no_longer_and_keeps_nobody_waiting(page: Server, folder: Path) -> None:
    before = len(list((folder / "pictures").glob("*.png")))
    for number in range(30):
        with caller(page.url) as one:
            event = ask(one, "render", "sun", None, None, 1, 1000).json()["event_id"]
            if number % 3 == 0:
                with one.stream("GET", f"/gradio_api/call/render/{event}"):
                    pass  # the connection ends here; the others never listen
    time.sleep(A_MOMENT + 0.2)
    with caller(page.url) as next_one:
        said, (file, _) = render(next_one, "cat", None, None, 7, 1)
    assert said == "complete"
    assert read_picture(folder / file["path"].removeprefix("/~desk/")).record.settings.prompt == "cat"
    for _ in range(600):
        if idle(page):
            break
        time.sleep(0.05)
    assert idle(page)
    assert len(list((folder / "pictures").glob("*.png"))) == before + 1


def test_what_one_caller_posts_keeps_nobody_else_out(client: httpx.Client, page: Server) -> None:
    blocks = page.app.answers.routes[-1].app.get_blocks()
    queue = page.app.state.queue
    with queue.take(Cancel(), caller="somebody else"):
        asked = [ask(client, "render", "sun", None, None, n, 1).json()["event_id"] for n in range(40)]
        while len(queue.waiting) < MOST_WAITING or calls_under_way(blocks, "127.0.0.1") > MOST_WAITING:
            time.sleep(0.01)
        with caller(page.url, address=OTHER) as other:
            event = ask(other, "render", "cat", None, None, 7, 1).json()["event_id"]
            while len(queue.waiting) == MOST_WAITING:
                time.sleep(0.01)
            # who has it, the one asked for before, and, while they may still come to listen, as many of the others
            assert queue.ahead(OTHER) <= 4
    with caller(page.url, address=OTHER) as other:
        assert heard(other, "render", event)[0] == "complete"
    ends = [heard(client, "render", event) for event in asked]
    assert [kind for kind, _ in ends].count("complete") <= MOST_WAITING
    refused = [answer["error"] for kind, answer in ends if kind == "error"]
    assert all("waiting already" in said or "cancelled" in said for said in refused)
    assert len(refused) >= 40 - MOST_WAITING

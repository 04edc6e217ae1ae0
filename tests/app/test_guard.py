"""Who may talk to the page."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from lora_mixer_app.serving.guard import HEADERS, LOCAL, Guard, Origin


def answer(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("here")


@pytest.fixture
def client() -> TestClient:
    app = Starlette(
        routes=[Route("/", answer, methods=["GET", "POST"])], middleware=[Middleware(Guard, hosts=(*LOCAL, "desk.lan"))]
    )
    return TestClient(app, base_url="http://127.0.0.1:7860")


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "localhost", "[::1]:7860", "Desk.LAN:80"])
def test_the_page_answers_to_its_own_names_with_its_headers(client: TestClient, host: str) -> None:
    answered = client.get("/", headers={"host": host, "origin": f"http://{host}"})
    assert answered.status_code == 200
    assert all(answered.headers[name] == value for name, value in HEADERS.items())


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.5:7860", ""])
def test_another_host_name_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1.evil.example:7860"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_a_request_from_another_site_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://127.0.0.1:8000"},
        {"origin": "http://localhost:7860"},
        {"origin": "https://127.0.0.1:7860"},
        {"origin": "http://127.0.0.1"},
        {"origin": "http://user@127.0.0.1:7860"},
        {"origin": "http://["},
        {"origin": "http://127.0.0.1:x"},
        {"origin": "http://127.0.0.1:99999999"},
        {"origin": ""},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    ],
)
def test_another_port_scheme_or_name_of_this_machine_is_another_site(
    client: TestClient, headers: dict[str, str]
) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answered = client.request(method, "/", headers=headers)
        assert answered.status_code == 403
        assert not [name for name in answered.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "host", ["[::1", "[", "127.0.0.1:x", "127.0.0.1:99999999", "a@127.0.0.1", "127.0.0.1/x", "127.0.0.1?"]
)
def test_a_malformed_host_is_refused_as_any_other(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 403


def test_a_link_to_the_page_may_be_followed_from_anywhere_and_to_nothing_else(client: TestClient) -> None:
    visit = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert client.get("/", headers=visit).status_code == 200
    assert client.post("/", headers=visit).status_code == 403
    assert client.get("/gradio_api/file=a.png", headers=visit).status_code == 403


def allowing(request: Request) -> PlainTextResponse:
    return PlainTextResponse("here", headers={"access-control-allow-origin": request.headers.get("origin", "*")})


@pytest.fixture
def behind_a_proxy() -> TestClient:
    desk = Origin("https", "desk.example", 443)
    app = Starlette(routes=[Route("/", allowing)], middleware=[Middleware(Guard, hosts=LOCAL, origins=[desk])])
    return TestClient(app, base_url="http://127.0.0.1:7860")


def test_nobody_is_told_of_cors_but_whom_it_was_asked_for(behind_a_proxy: TestClient) -> None:
    own = behind_a_proxy.get("/", headers={"origin": "http://127.0.0.1:7860"})
    assert own.status_code == 200
    assert "access-control-allow-origin" not in own.headers
    asked = behind_a_proxy.get("/", headers={"origin": "https://desk.example", "sec-fetch-site": "cross-site"})
    assert asked.headers["access-control-allow-origin"] == "https://desk.example"
    preflight = {"origin": "https://desk.example", "access-control-request-method": "POST"}
    assert behind_a_proxy.options("/", headers=preflight).status_code == 204
    for origin in ("http://desk.example", "https://desk.example:8443", "https://evil.desk.example"):
        assert behind_a_proxy.get("/", headers={"origin": origin}).status_code == 403
    assert behind_a_proxy.get("/", headers={"host": "desk.example"}).status_code == 200

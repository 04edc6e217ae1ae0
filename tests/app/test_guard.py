"""Who may talk to the page."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from lora_mixer_app.ui.guard import HEADERS, LOCAL, Guard


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

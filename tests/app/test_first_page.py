"""The page is built once for each who may be told something else."""

from __future__ import annotations

import asyncio

import httpx
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from lora_mixer_app.serving.first_page import MOST, FirstPage


class Behind:
    """Says how often it was asked, to whom, and under which address."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        request = Request(scope)
        status = 500 if request.cookies.get("user") == "nobody" else 200
        said = HTMLResponse(f"{self.asked} {request.cookies.get('user', '')} {request.url} " + 400 * "-", status)
        if request.cookies.get("user") == "new":
            said.set_cookie("a", "b")
        await said(scope, receive, send)


def pages(behind: Behind, *asked: tuple[str, str, dict[str, str]]) -> list[httpx.Response]:
    async def answered() -> list[httpx.Response]:
        app = FirstPage(behind, user_of=lambda scope: Request(scope).cookies.get("user", ""))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://a") as client:
            return [await client.request(method, path, headers=headers) for method, path, headers in asked]

    return asyncio.run(answered())


def test_the_page_is_built_once_and_packed_for_whoever_takes_that() -> None:
    plain, packed = {"accept-encoding": "identity"}, {"accept-encoding": "gzip"}
    told = pages(
        behind := Behind(), ("GET", "/", plain), ("GET", "/", packed), ("GET", "/", {**plain, "accept-language": "zh"})
    )
    assert behind.asked == 1
    assert len({answer.text for answer in told}) == 1
    assert [answer.headers.get("content-encoding") for answer in told] == [None, "gzip", None]
    assert int(told[1].headers["content-length"]) < int(told[0].headers["content-length"])
    assert told[0].headers["content-type"] == told[1].headers["content-type"] == "text/html; charset=utf-8"


def test_nobody_is_answered_with_what_another_was_told() -> None:
    different = [{}, {"cookie": "user=ada"}, {"cookie": "user=bo"}, {"host": "b"}, {"x-forwarded-host": "c"}]
    told = pages(behind := Behind(), *(("GET", "/", headers) for headers in 2 * different))
    assert behind.asked == len(different)
    assert [answer.text for answer in told[: len(different)]] == [answer.text for answer in told[len(different) :]]
    assert [answer.text.split()[1] for answer in told[1:3]] == ["ada", "bo"]


def test_what_is_not_the_page_itself_is_asked_for_each_time() -> None:
    others = [
        ("HEAD", "/", {}),
        ("GET", "/?deep_link=x", {}),
        ("GET", "/config", {}),
        ("GET", "/", {"cookie": "user=nobody"}),
        ("GET", "/", {"cookie": "user=new"}),
    ]
    told = pages(behind := Behind(), *others, *others)
    assert behind.asked == 2 * len(others)
    assert [answer.status_code for answer in told[:5]] == [200, 200, 200, 500, 200]


def test_only_so_many_are_kept() -> None:
    hosts = [("GET", "/", {"host": f"h{number}"}) for number in range(MOST + 1)]
    pages(behind := Behind(), *hosts, hosts[-1], hosts[0])
    assert behind.asked == MOST + 2

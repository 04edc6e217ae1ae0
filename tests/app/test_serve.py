"""What the page is served with, and what cannot be served is said in one line before anything is opened."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lora_mixer.errors import FileError, LoraMixerError, RequestError
from lora_mixer_app.cli import build
from lora_mixer_app.cli.arguments import parse_login
from lora_mixer_app.serving.guard import Origin
from lora_mixer_app.serving.listen import listen, url_of
from lora_mixer_app.web import server


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the command asks a server for, which then serves nothing."""
    heard: dict[str, Any] = {}

    class Deaf:
        url = "http://127.0.0.1:1"

        def __init__(self, open_mixer: object, folder: Path, **options: object) -> None:
            heard.update(options, folder=folder)

        def run(self, **options: object) -> None:
            heard.update(options)

    monkeypatch.setattr(server, "Server", Deaf)
    return heard


def run(*arguments: object) -> BaseException | None:
    return CliRunner().invoke(build(), ["ui", *map(str, arguments)]).exception


def test_the_page_answers_this_machine_only_unless_told_otherwise(asked: dict[str, Any], tmp_path: Path) -> None:
    assert run("-o", tmp_path) is None
    assert (asked["host"], asked["port"], asked["logins"], asked["origins"]) == ("127.0.0.1", 7860, [], [])
    assert asked["folder"] == tmp_path


def test_logins_and_origins_are_read(asked: dict[str, Any]) -> None:
    assert run("--auth", "ada:one", "--auth", "bo:two:three", "--allow-origin", "https://desk.example/") is None
    assert asked["logins"] == [("ada", "one"), ("bo", "two:three")]
    assert asked["origins"] == [Origin("https", "desk.example", 443)]


@pytest.mark.parametrize("text", ["ada", "ada:", ":one", ""])
def test_a_login_is_a_name_and_a_password(text: str) -> None:
    with pytest.raises(RequestError, match="NAME:PASSWORD"):
        parse_login(text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "70000"], "no port 70000"),
        (["--port", "-1"], "no port -1"),
        (["--host", "no such host"], "no address"),
        (["--host", "192.0.2.1"], "no address of this machine"),
        (["--auth", "ada:1", "--auth", "Ada:2"], "one name"),
        (["--allow-origin", "desk"], "no origin"),
        (["--allow-origin", "http://["], "no origin"),
        (["--model", "nope"], "called 'nope'"),
    ],
)
def test_what_cannot_be_served_is_said_before_anything_is_opened(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    error = run(*arguments, "-o", tmp_path)
    assert isinstance(error, LoraMixerError)
    assert said in str(error)
    assert error.remedy


def test_a_port_that_is_taken_is_said_and_0_takes_another(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        error = run("--port", port, "-o", tmp_path)
        assert isinstance(error, RequestError)
        assert f"port {port} is in use" in str(error)
        with listen("127.0.0.1", 0) as other:
            assert url_of(other) != url_of(taken)


@pytest.mark.skipif(not socket.has_ipv6 or sys.platform == "win32", reason="no IPv6")
def test_an_address_of_ipv6_is_written_as_browsers_want_it() -> None:
    try:
        with listen("[::1]", 0) as taken:
            assert url_of(taken).startswith("http://[::1]:")
    except RequestError:
        pytest.skip("this machine has no ::1")


def test_what_answers_first_imports_neither_torch_nor_gradio() -> None:
    """They take seconds: the page says meanwhile what is being done."""
    code = "import sys, lora_mixer_app.cli, lora_mixer_app.web.server; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "gradio", "fastapi", "diffusers", "transformers", "pandas"}
    assert heavy.isdisjoint(told.stdout.split())


def test_a_folder_that_takes_no_pictures_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        error = run("-o", folder, "--port", 0)
        assert isinstance(error, FileError)
        assert "--output" in str(error)
    if os.name == "posix" and os.getuid() != 0:
        (closed := tmp_path / "closed").mkdir(mode=0o500)
        assert isinstance(run("-o", closed, "--port", 0), FileError)

"""What is refused at the door is refused in the reader's language."""
# ruff: noqa: RUF001 Chinese punctuation

from __future__ import annotations

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from lora_mixer_app.serving.limits import Uploads

UPLOAD = "/gradio_api/upload"


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en-GB", "You may upload 1 MiB within an hour, and would have more."),
        ("zh-TW,zh;q=0.9,en;q=0.8", "一小时内最多上传 1 MiB，此次会超出。"),
        ("", "You may upload 1 MiB within an hour, and would have more."),
    ],
)
def test_an_upload_is_refused_in_the_readers_language(language: str, says: str) -> None:
    door = TestClient(Uploads(PlainTextResponse("taken"), who=lambda _: "ada", most=2**20))
    answer = door.post(UPLOAD, content=bytes(2**20 + 1), headers={"accept-language": language})
    assert answer.status_code == 413
    assert answer.json()["detail"] == says

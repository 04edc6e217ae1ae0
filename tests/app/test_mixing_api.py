"""The endpoints about mixes answer plain JSON, and keep what somebody picks beside their pictures."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from lora_mixer import Mixer
from lora_mixer_app.web import mixing_api

LIMITS = {"line_art": [0, 1], "sepia": [0, 1]}


@pytest.fixture
def offered(mixer: Mixer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(mixing_api, "owner_of", lambda _: "")
    state: Any = SimpleNamespace(
        mixer=mixer,
        listened=lambda _: None,
        turn=lambda *_, **__: nullcontext(),
        history=SimpleNamespace(place=lambda _: tmp_path),
    )

    async def built() -> gr.Blocks:  # in a loop, since Gradio would otherwise make some and leave them open
        with gr.Blocks(analytics_enabled=False) as page:
            mixing_api.offer_mixing(state)
        return page

    return {str(one.api_name): one.fn for one in asyncio.run(built()).fns.values()}


def test_every_endpoint_answers(offered: dict[str, Any], tmp_path: Path) -> None:
    assert set(mixing_api.NAMES) <= offered.keys()
    found = offered["balance"]({"line_art": 1, "high_contrast": 1}, "mix", None)
    assert 0.6 < found["factors"]["mix"] < 0.8
    assert offered["between"]([{"a": 1.0}, {"b": 1.0}], 0.25, 0) == {"a": 0.75, "b": 0.25}
    assert offered["surprise"](LIMITS, 7, 2) == offered["surprise"](LIMITS, 7, 2)
    first, second = offered["propose"](LIMITS, None, None, None)
    again, _ = offered["propose"](LIMITS, second, first, None)
    assert again == second
    assert len((tmp_path / mixing_api.PICKS).read_text().splitlines()) == 1


def test_what_is_no_mix_is_refused(offered: dict[str, Any]) -> None:
    for name, arguments in (("balance", ([1], None, None)), ("propose", ({"a": 3}, None, None, None))):
        with pytest.raises(gr.Error, match="Send"):
            offered[name](*arguments)

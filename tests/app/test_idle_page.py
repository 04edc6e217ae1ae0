"""A page that nobody asks for anything lets the machine sleep."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lora_mixer import Mixer
from lora_mixer_app.serving.presence import Presence
from lora_mixer_app.web.app import NAP, build_app


def test_an_idle_page_looks_for_work_a_hundred_times_a_second_at_most(
    mixer: Mixer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    naps: list[float] = []

    async def serve_nobody() -> None:
        app = build_app(mixer, tmp_path, presence=Presence())
        queue = app.answers.routes[-1].app.get_blocks()._queue

        async def nap(seconds: float) -> None:
            naps.append(seconds)
            queue.stopped = len(naps) == 3

        monkeypatch.setattr(asyncio, "sleep", nap)
        queue.stopped = False
        await queue.start_processing()

    asyncio.run(serve_nobody())
    assert naps == [NAP] * 3
    assert NAP >= 0.01

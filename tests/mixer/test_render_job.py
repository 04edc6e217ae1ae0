"""A job that renders in a thread of its own, on a mixer that makes numbers instead of pictures."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext

import pytest
from PIL import Image

from lora_mixer import Mixer
from lora_mixer.errors import CancelledError, RenderError, RequestError
from lora_mixer.mixer import Cancel, Progress, RenderedImage, RenderJob

STEPS = 3


class Numbers:
    """Stands in for a mixer: a picture is its request's number, wide as the number is large."""

    def __init__(self, *, fails_at: int = -1, slow: float = 0.0) -> None:
        self.fails_at, self.slow = fails_at, slow

    def render_many(
        self, requests: Iterable[str], *, batch: int, on_progress: Callable[[Progress], None], cancel: Cancel
    ) -> Iterator[RenderedImage]:
        asked = list(requests)
        for number in range(len(asked)):
            for step in range(STEPS):
                cancel.check()
                time.sleep(self.slow)
                on_progress(
                    Progress(
                        done=number,
                        total=len(asked),
                        step=step + 1,
                        steps=STEPS,
                        batch=batch,
                        preview=_blank,
                        aside=nullcontext,
                    )
                )
            if number == self.fails_at:
                raise RenderError("it broke", remedy="Mend it.")
            yield RenderedImage(image=Image.new("RGB", (number + 1, 1)), record=None)


def _blank() -> Image.Image:
    return Image.new("RGB", (1, 1))


def job_of(count: int, **how: float) -> RenderJob:
    mixer = Numbers(**how)
    return RenderJob(
        lambda on_progress, cancel: mixer.render_many(["x"] * count, batch=1, on_progress=on_progress, cancel=cancel)
    )


def widths(pictures: Iterable[RenderedImage]) -> list[int]:
    return [picture.image.width for picture in pictures]


def test_the_result_is_every_picture_in_order() -> None:
    job = job_of(5)
    assert widths(job.result(timeout=60)) == [1, 2, 3, 4, 5]
    assert job.done
    assert job.progress is not None
    assert job.progress.fraction == 1.0


def test_two_readers_both_get_every_picture_and_late_ones_too() -> None:
    job = job_of(5, slow=0.002)
    seen: list[list[int]] = []
    readers = [threading.Thread(target=lambda: seen.append(widths(job))) for _ in range(2)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(timeout=60)
    assert [*seen, widths(job)] == [[1, 2, 3, 4, 5]] * 3


def test_asyncio_gets_pictures_and_progress_and_stays_free() -> None:
    async def follow() -> tuple[list[int], list[Progress], int]:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        events = [event async for event in job_of(4, slow=0.005).events()]
        counting.cancel()
        pictures = [event for event in events if isinstance(event, RenderedImage)]
        return widths(pictures), [event for event in events if isinstance(event, Progress)], turns

    seen, progress, turns = asyncio.run(follow())
    assert seen == [1, 2, 3, 4]
    assert progress
    assert [told.fraction for told in progress] == sorted(told.fraction for told in progress)
    assert turns > 10


def test_two_asyncio_readers_both_get_every_picture() -> None:
    async def read(job: RenderJob) -> list[int]:
        return [picture.image.width async for picture in job]

    async def both() -> list[list[int]]:
        job = job_of(6, slow=0.001)
        return await asyncio.gather(read(job), read(job))

    assert asyncio.run(both()) == [[1, 2, 3, 4, 5, 6]] * 2


def test_a_cancel_keeps_what_is_finished_and_every_reader_is_told() -> None:
    job = job_of(1000, slow=0.002)
    first = next(iter(job))
    job.cancel()
    with pytest.raises(CancelledError):
        job.result(timeout=60)
    with pytest.raises(CancelledError):
        list(job)
    assert widths(job.pictures)[:1] == [first.image.width]
    assert len(job.pictures) < 1000


def test_a_failure_comes_after_the_pictures_before_it() -> None:
    job = job_of(5, fails_at=2)
    with pytest.raises(RenderError, match="it broke"):
        list(job)
    assert widths(job.pictures) == [1, 2]


def test_time_that_is_up_leaves_the_job_under_way() -> None:
    with job_of(200, slow=0.005) as job:
        with pytest.raises(RenderError, match="not all"):
            job.result(timeout=0.01)
        assert not job.done
    assert job.done


def test_a_reader_whose_loop_is_gone_harms_nobody() -> None:
    job = job_of(50, slow=0.002)

    async def first() -> int:
        async for picture in job:
            return picture.image.width
        return 0

    assert asyncio.run(first()) == 1
    assert len(job.result(timeout=60)) == 50


def test_real_pictures_are_those_of_render_many(mixer: Mixer) -> None:
    prompts = ["cat", "sun <lora:line_art:1>"]

    async def streamed() -> list[bytes]:
        return [picture.image.tobytes() async for picture in mixer.stream(prompts, seed=7, steps=1)]

    expected = [picture.image.tobytes() for picture in mixer.render_many(prompts, seed=7, steps=1)]
    assert asyncio.run(streamed()) == expected
    assert [picture.image.tobytes() for picture in mixer.submit(prompts, seed=7, steps=1)] == expected


def test_the_spelling_of_release_0_1_still_works_and_says_the_new_one() -> None:
    with pytest.warns(DeprecationWarning, match=r"mixer\.submit\(requests\)"):
        job = RenderJob(Numbers(), ["x"] * 3, batch=1)
    assert widths(job.result(timeout=60)) == [1, 2, 3]


def test_a_wrong_request_is_told_before_the_first_picture(mixer: Mixer) -> None:
    with pytest.raises(RequestError):
        mixer.submit(["cat", "dog"], steps=0).result(timeout=60)


def test_who_stops_listening_stops_the_rendering(mixer: Mixer) -> None:
    async def one() -> None:
        async for _ in mixer.stream(["cat"] * 500, batch=1, seed=1, steps=1):
            break

    started = time.perf_counter()
    asyncio.run(one())
    mixer.render("cat", seed=1, steps=1)
    assert time.perf_counter() - started < 60


def test_a_program_that_ends_with_a_job_under_way_ends_well() -> None:
    program = """
from lora_mixer import Mixer
job = Mixer.open().submit(["cat"] * 5000, batch=1, seed=1, steps=1)
next(iter(job))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")

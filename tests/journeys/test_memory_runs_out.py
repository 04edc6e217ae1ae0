"""Memory that runs out costs a picture at most, and is one line that says what to lower."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
import torch

from lora_mixer import Mixer, RenderRequest
from lora_mixer.errors import RenderError
from lora_mixer.mixer import batches as room
from lora_mixer.pipeline import Job, render

WISHES = [RenderRequest(prompt=f"heart {seed}", seed=seed, steps=1, width=64, height=64) for seed in range(4)]
ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("MPS backend out of memory (MPS allocated: 5.00 GB)"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    MemoryError(),
]


def fit(monkeypatch: pytest.MonkeyPatch, most: int, *, error: Exception = ERRORS[0], never: int = -1) -> list[int]:
    """Let no more than so many pictures fit at once, and one seed never; return the sizes that were tried."""
    tried: list[int] = []

    def short(loaded: object, jobs: Sequence[Job], *rest: object, **named: object) -> Iterator[object]:
        tried.append(len(jobs))
        if len(jobs) > most or any(job.settings.seed == never for job in jobs):
            raise error
        yield from render(loaded, jobs, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(room, "render", short)
    return tried


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: str(error)[:20])
def test_a_batch_that_does_not_fit_is_rendered_in_halves_and_the_record_says_so(mixer, monkeypatch, error):
    tried = fit(monkeypatch, 1, error=error)
    pictures = list(mixer.render_many(WISHES, batch=4))
    assert [picture.record.settings.seed for picture in pictures] == [0, 1, 2, 3]
    assert tried == [4, 2, 1, 1, 1, 1]
    assert "memory ran out for more than 1 pictures at once" in pictures[0].record.notes


def test_what_was_too_much_once_is_not_tried_again(mixer, monkeypatch):
    tried = fit(monkeypatch, 2)
    list(mixer.render_many([*WISHES, *WISHES], batch=4))
    assert tried == [4, 2, 2, 2, 2]


def test_a_picture_that_does_not_fit_alone_costs_no_other(mixer, monkeypatch):
    fit(monkeypatch, 4, never=1)
    failed: list[tuple[int, str]] = []
    pictures = list(mixer.render_many(WISHES, batch=2, on_failure=lambda at, error: failed.append((at, str(error)))))
    assert [picture.record.settings.seed for picture in pictures] == [0, 2, 3]
    ((at, line),) = failed
    assert at == 1
    assert "\n" not in line
    assert line.startswith("memory ran out for 1 of 64x64 at once. Lower the size")


def test_without_a_listener_the_failure_is_raised_after_the_pictures_before_it(mixer, monkeypatch):
    fit(monkeypatch, 4, never=2)
    pictures = mixer.render_many(WISHES, batch=4)
    assert [next(pictures).record.settings.seed for _ in range(2)] == [0, 1]
    with pytest.raises(RenderError, match="memory ran out"):
        next(pictures)


def test_a_picture_that_is_no_number_costs_no_other(mixer, monkeypatch):
    fit(monkeypatch, 4, never=1, error=RenderError("the picture came out as NaN"))
    failed: list[int] = []
    pictures = list(mixer.render_many(WISHES, batch=4, on_failure=lambda at, error: failed.append(at)))
    assert failed == [1]
    assert len(pictures) == 3


def test_other_faults_of_the_machine_are_not_taken_for_memory(mixer, monkeypatch):
    fit(monkeypatch, 0, error=RuntimeError("CUDA error: device-side assert triggered"))
    with pytest.raises(RuntimeError, match="device-side"):
        list(mixer.render_many(WISHES, batch=4))


def test_weights_are_pristine_after_memory_ran_out(mixer: Mixer, monkeypatch):
    before = mixer.model.checksum()
    unet = mixer.model.denoiser.network
    calls = iter([None, ERRORS[0]])

    def hook(*_: object) -> None:
        if (error := next(calls, None)) is not None:
            raise error

    handle = unet.register_forward_pre_hook(hook)
    failed: list[int] = []
    try:
        wish = RenderRequest(prompt="heart <lora:line_art:1>", seed=1, steps=3, width=64, height=64)
        list(mixer.render_many([wish], on_failure=lambda at, error: failed.append(at)))
    finally:
        handle.remove()
    assert failed == [0]
    assert mixer.model.checksum() == before

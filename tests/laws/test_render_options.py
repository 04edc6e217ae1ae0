"""How a call renders is its own: options go into its records, and no other call, before or after, knows of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_mixer import Cancel, LoraMixerError, Mixer, Progress, RenderedImage, RenderOptions
from lora_mixer.errors import CancelledError, RequestError
from lora_mixer.mixer import rerender

PROMPTS = ("cat <lora:line_art:0.7>", "sun <lora:sepia:0.5>", "dog")
SMALL = {"steps": 2, "width": 64, "height": 64, "seed": 3}

options = st.builds(
    RenderOptions,
    engine=st.sampled_from(["merged", "side", "auto", None]),
    batch=st.integers(1, 3),
    threads=st.sampled_from([None, 1, 2]),
    tiled=st.sampled_from([None, True, False]),
)


def said_by(picture: RenderedImage, how: RenderOptions) -> bool:
    """Whether a record says what was asked for, where something was."""
    record = picture.record
    return (
        record.engine == (how.engine if how.engine in {"merged", "side"} else record.engine)
        and record.threads == (how.threads or record.threads)
        and record.tiled == (record.tiled if how.tiled is None else how.tiled)
        and record.batch_size <= how.batch
    )


def drawn(mixer: Mixer, how: RenderOptions | None) -> list[RenderedImage]:
    return list(mixer.render_many(PROMPTS, options=how, **SMALL))


def same(ours: list[RenderedImage], theirs: list[RenderedImage]) -> bool:
    """Whether pixels and records agree, but for the time they took."""
    return all(
        np.array_equal(np.asarray(a.image), np.asarray(b.image))
        and replace(a.record, seconds=0.0) == replace(b.record, seconds=0.0)
        for a, b in zip(ours, theirs, strict=True)
    )


@settings(max_examples=3)
@given(callers=st.lists(options, min_size=2, max_size=3))
def test_callers_at_the_same_time_each_get_the_options_they_gave(mixer: Mixer, callers: list[RenderOptions]) -> None:
    alone = [drawn(mixer, how) for how in callers]
    together: dict[int, list[RenderedImage]] = {}
    threads = [
        threading.Thread(target=lambda at=at, how=how: together.update({at: drawn(mixer, how)}))
        for at, how in enumerate(callers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for at, how in enumerate(callers):
        assert all(said_by(picture, how) for picture in together[at])
        assert same(together[at], alone[at])


def cancelled(mixer: Mixer, how: RenderOptions) -> None:
    cancel = Cancel()
    with pytest.raises(CancelledError):
        mixer.render(PROMPTS[0], options=how, on_progress=lambda _: cancel.press(), cancel=cancel, **SMALL)


def interrupted(mixer: Mixer, how: RenderOptions) -> None:
    def interrupt(_progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mixer.render(PROMPTS[0], options=how, on_progress=interrupt, **SMALL)


def dropped(mixer: Mixer, how: RenderOptions) -> None:
    next(mixer.render_many(PROMPTS, options=replace(how, batch=1), **SMALL))


def refused(mixer: Mixer, how: RenderOptions) -> None:
    with suppress(LoraMixerError):
        mixer.render("cat <lora:line_art:1:mask=0,0,.5,1> <lora:nothing:1>", options=how, **SMALL)


@pytest.mark.parametrize("end", [cancelled, interrupted, dropped, refused])
def test_however_a_call_ends_nothing_of_its_options_is_left(
    mixer: Mixer, end: Callable[[Mixer, RenderOptions], None]
) -> None:
    before, threads, defaults = drawn(mixer, None), torch.get_num_threads(), mixer.loaded.defaults
    end(mixer, RenderOptions(engine="side", threads=threads + 1, tiled=True))
    assert torch.get_num_threads() == threads
    assert mixer.loaded.defaults == defaults
    assert same(drawn(mixer, None), before)


def test_the_open_model_cannot_be_turned_to_other_options(mixer: Mixer) -> None:
    with pytest.raises(FrozenInstanceError):
        mixer.loaded.defaults = RenderOptions(engine="side")  # type: ignore[misc]


@pytest.mark.parametrize("engine", ["merged", "side"])
def test_a_rerender_takes_the_options_of_the_record_whatever_the_mixer_was_opened_with(
    mixer: Mixer, engine: str
) -> None:
    picture = mixer.render(PROMPTS[0], options=RenderOptions(engine=engine, threads=2, tiled=True), **SMALL)
    again = rerender(mixer, picture.record)
    assert same([again], [replace(picture, record=replace(picture.record, engine_reason=again.record.engine_reason))])


def test_options_that_cannot_be_meant_are_refused_with_the_remedy() -> None:
    for wrong in ({"engine": "fast"}, {"batch": 0}, {"threads": 0}):
        with pytest.raises(RequestError) as told:
            RenderOptions(**wrong)
        assert told.value.remedy


def test_a_request_is_resolved_once_and_what_it_came_to_is_what_is_rendered(
    mixer: Mixer, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = mixer.resolve("{red|blue|green} heart <lora:line_art:0.5>", **{**SMALL, "seed": -1})
    inputs = mixer.inputs_of(job)
    monkeypatch.setattr("lora_mixer.mixer.job_resolver.job_at", None)  # nothing is resolved from here on
    one, two = (next(mixer.render_jobs([job], RenderOptions(engine=engine))) for engine in ("merged", "merged"))
    assert same([one], [two])
    assert one.record.settings == job.settings
    assert one.record.inputs == inputs
    assert mixer.plan([job], RenderOptions(engine="side")).engine == "side"


def test_jobs_of_several_models_keep_the_model_they_were_resolved_on(mixer: Mixer) -> None:
    jobs = [mixer.resolve(prompt, **SMALL) for prompt in PROMPTS]
    assert all(job.source is not None and job.source.name == mixer.model_name for job in jobs)
    assert same(list(mixer.render_jobs(jobs)), drawn(mixer, None))


def test_the_name_of_release_0_1_still_resolves_and_says_the_new_one(mixer: Mixer) -> None:
    with pytest.warns(DeprecationWarning, match=r"Mixer\.resolve"):
        assert mixer.job("cat", seed=1).settings == mixer.resolve("cat", seed=1).settings

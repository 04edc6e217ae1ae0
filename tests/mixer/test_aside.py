"""A render may stand aside between two steps: others render meanwhile, and every picture is what it is alone."""

from __future__ import annotations

import threading

import pytest

from lora_mixer import Mixer, RenderRequest
from lora_mixer.errors import CancelledError
from lora_mixer.mixer import Cancel, Progress
from lora_mixer.render_options import RenderOptions

SMALL = {"width": 64, "height": 64, "steps": 3}
LONG = RenderRequest("cat <lora:line_art:0.8>", seed=7, sampler="Euler a", upscale=2, **SMALL)
OTHERS = {
    "its own mix": RenderRequest("cat <lora:line_art:0.8>", seed=8, **SMALL),
    "another mix": RenderRequest("sun <lora:sepia:0.7> <lora:night_sky:0.5>", seed=9, **SMALL),
    "no mix, another size": RenderRequest("sun", seed=9, width=96, height=64, steps=2, upscale=2),
    "regions": RenderRequest("a cat, a sun <region:0,0,0.5,1> cat <lora:sepia:1>", seed=3, **SMALL),
}


@pytest.mark.parametrize("engine", ["merged", "side"])
@pytest.mark.parametrize("other", OTHERS)
def test_a_picture_is_the_same_whoever_renders_between_its_steps(mixer: Mixer, other: str, engine: str) -> None:
    options, asked = RenderOptions(engine=engine), OTHERS[other]
    alone = mixer.render(LONG, options=options).image.tobytes()
    theirs = mixer.render(asked).image.tobytes()
    pristine = mixer.model.checksum()
    seen = []

    def stand_aside(progress: Progress) -> None:
        with progress.aside():
            assert mixer.model.checksum() == pristine
            seen.append(mixer.render(asked).image.tobytes())

    assert mixer.render(LONG, options=options, on_progress=stand_aside).image.tobytes() == alone
    assert len(seen) > SMALL["steps"]  # the enlarging, too
    assert set(seen) == {theirs}
    assert mixer.model.checksum() == pristine


def test_another_thread_renders_while_one_stands_aside_and_not_before(mixer: Mixer) -> None:
    """Each waits for the other in turn, so that neither may have the turn for itself."""
    alone = mixer.render(LONG).image.tobytes()
    finished = threading.Event()
    made: list[bytes] = []

    def render() -> None:
        made.append(mixer.render(OTHERS["another mix"]).image.tobytes())
        finished.set()

    thread = threading.Thread(target=render)

    def stand_aside(progress: Progress) -> None:
        if progress.step == 1 and not thread.is_alive() and not made:
            thread.start()
            assert not finished.wait(0.2)  # the turn is this render's
            with progress.aside():
                assert finished.wait(120)

    assert mixer.render(LONG, on_progress=stand_aside).image.tobytes() == alone
    thread.join()
    assert made == [mixer.render(OTHERS["another mix"]).image.tobytes()]


def test_who_is_cancelled_while_standing_aside_leaves_the_model_as_it_was(mixer: Mixer) -> None:
    pristine, cancel = mixer.model.checksum(), Cancel()
    theirs = mixer.render(OTHERS["another mix"]).image.tobytes()

    def stand_aside(progress: Progress) -> None:
        with progress.aside():
            cancel.press()
            cancel.check()

    with pytest.raises(CancelledError):
        mixer.render(LONG, on_progress=stand_aside, cancel=cancel)
    assert mixer.model.checksum() == pristine
    assert not mixer.loaded.kernels._users
    assert mixer.render(OTHERS["another mix"]).image.tobytes() == theirs

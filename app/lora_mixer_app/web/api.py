"""The page's one public endpoint, `/render`, for scripts that talk to a running desk with `gradio_client`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_type_hints

import gradio as gr
from gradio import FileData
from gradio.events import api

from lora_mixer import LoraUse, RenderRequest, Strength
from lora_mixer.errors import RequestError
from lora_mixer.images import infotext
from lora_mixer_app.web.notices import as_notice
from lora_mixer_app.web.state import AppState, caller_of, owner_of

NAME = "render"


def offer_render(state: AppState) -> None:
    """Offer the endpoint on the page that is being built; its pictures go into the history like the desk's."""

    def render(
        prompt: str,
        request: gr.Request,
        negative: str | None = None,
        loras: dict[str, float] | None = None,
        seed: int = -1,
        steps: int | None = None,
        cfg: float | None = None,
        sampler: str | None = None,
        schedule: str | None = None,
        width: int | None = None,
        height: int | None = None,
        clip_skip: int | None = None,
        model: str | None = None,
    ) -> tuple[FileData, str]:
        """Render a picture; what is left out is as models.toml says.

        Args:
            prompt: What to draw; LoRA tags count, and <mix:ties> says how they are blended.
            request: Who asks; Gradio fills it in.
            negative: What to steer away from.
            loras: The mix: strengths by LoRA name.
            seed: The noise's seed; -1 draws one.
            steps: Sampling steps.
            cfg: How strongly the prompt guides.
            sampler: A sampler by A1111's name.
            schedule: A schedule by A1111's name.
            width: In pixels, a multiple of 8.
            height: In pixels, a multiple of 8.
            clip_skip: The text encoder's layer to use, counted from the end.
            model: A name from models.toml.

        Returns:
            The PNG with its record, and its settings as A1111 writes them.
        """
        with as_notice():
            wish = RenderRequest(
                prompt=_text("prompt", prompt),
                negative=_text("negative", negative),
                loras=_mix(loras),
                seed=seed,
                steps=steps,
                cfg=cfg,
                sampler=_text("sampler", sampler),
                schedule=_text("schedule", schedule),
                width=width,
                height=height,
                clip_skip=clip_skip,
                model=_text("model", model) or state.first.name,
            )
            return _rendered(state, wish, request)

    _publish(render)


def _rendered(state: AppState, wish: RenderRequest, request: gr.Request) -> tuple[FileData, str]:
    """Render when it is the caller's turn, and keep the picture in the history."""
    cancel = state.listened(request)
    with state.queue.take(cancel, caller=caller_of(request)):
        picture = state.mixer.render(wish, cancel=cancel)
    kept = state.keep(picture, owner=owner_of(request))
    return FileData(path=str(kept.path), orig_name=kept.path.name, mime_type="image/png"), infotext(kept.record)


def _publish(function: Callable[..., Any]) -> None:
    function.__annotations__.update(get_type_hints(function))  # Gradio reads the answer's types without resolving them
    api(function, api_name=NAME, concurrency_limit=None)


def _text(name: str, value: Any) -> Any:  # noqa: ANN401 whatever a stranger sends
    if value is not None and not isinstance(value, str):
        raise RequestError(f"{name} is {type(value).__name__}, not text", remedy="Send a string.")
    return value


def _mix(loras: object) -> tuple[LoraUse, ...]:
    given = {} if loras is None else loras
    if not isinstance(given, dict) or not all(isinstance(strength, int | float) for strength in given.values()):
        raise RequestError("loras are not strengths by name", remedy='Send an object such as {"line_art": 0.8}.')
    return tuple(LoraUse(name=name, strength=Strength(float(strength))) for name, strength in given.items())

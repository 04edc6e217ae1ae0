"""The page's one public endpoint, `/render`, for scripts that talk to a running desk with `gradio_client`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, get_type_hints

import gradio as gr
from gradio import FileData
from gradio.events import api

from lora_mixer import LoraUse, RenderRequest, Strength
from lora_mixer.errors import RequestError
from lora_mixer.images import infotext
from lora_mixer.promptfile import read_options
from lora_mixer.settings import PICTURE, Setting
from lora_mixer.settings.kinds import Real, TableName, TextValue, ValueKind, Whole
from lora_mixer.settings.structured_kinds import MixOfLoras, NestedTable, RegionList, TableNames
from lora_mixer_app.web.notices import as_notice
from lora_mixer_app.web.state import AppState, owner_of

NAME = "render"


TYPES: Mapping[type[ValueKind], Any] = MappingProxyType(
    {
        Whole: int,
        Real: float,
        TextValue: str,
        TableName: str,
        TableNames: list[str],
        NestedTable: str,
        MixOfLoras: dict[str, float],
        RegionList: list[dict[str, Any]],
    }
)
"""What a setting of a kind is sent as; a kind that is not here cannot be sent."""


def offered() -> list[Setting]:
    """Return the settings that can be sent besides the prompt, those of the first version before later ones."""
    rows = (row for row in PICTURE.rows[1:] if row.http_name is not None and type(row.kind) in TYPES)
    return sorted(rows, key=lambda row: row.since)


def offer_render(state: AppState) -> None:
    """Offer the endpoint on the page that is being built; its pictures go into the history like the desk's."""

    def render(prompt: str, request: gr.Request, *given: Any) -> tuple[FileData, str]:  # noqa: ANN401 a stranger's
        with as_notice():
            sent = {row.name: _value(row, value) for row, value in zip(offered(), given, strict=True)}
            sent["model"] = sent["model"] or state.first.name
            return _rendered(state, RenderRequest(_text("prompt", prompt), **sent), request)

    _publish(render)


def _value(row: Setting, sent: Any) -> Any:  # noqa: ANN401 whatever a stranger sends
    """Return a setting as a request has it."""
    if isinstance(row.kind, MixOfLoras):
        return _mix(sent)
    if sent is None:
        return () if isinstance(row.kind, TableNames | RegionList) else None
    if isinstance(row.kind, NestedTable):
        return read_options(**{row.name: _text(row.name, sent)})[row.name]
    return _text(row.name, sent) if TYPES[type(row.kind)] is str else sent


def _rendered(state: AppState, wish: RenderRequest, request: gr.Request) -> tuple[FileData, str]:
    """Render when it is the caller's turn, and keep the picture in the history."""
    cancel = state.listened(request)
    with state.turn(request, cancel, model=wish.model) as give_way:
        picture = state.mixer.render(wish, cancel=cancel, on_progress=give_way)
    kept = state.keep(picture, owner=owner_of(request))
    return FileData(path=str(kept.path), orig_name=kept.path.name, mime_type="image/png"), infotext(kept.record)


def _publish(function: Callable[..., Any]) -> None:
    """Publish a function with the parameters and the words that the table of settings gives it."""
    hints = get_type_hints(function)  # Gradio reads types without resolving them
    prompt, request = list(inspect.signature(function).parameters.values())[:2]
    rows = offered()
    hints |= {str(row.http_name): TYPES[type(row.kind)] | None for row in rows}
    del hints["given"]
    parameters = [prompt, request, *(_parameter(row) for row in rows)]
    function.__annotations__.clear()
    function.__annotations__.update(hints)
    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what Gradio reads
        [parameter.replace(annotation=hints[parameter.name]) for parameter in parameters],
        return_annotation=hints["return"],
    )
    words = [("prompt", PICTURE["prompt"].help), ("request", "Who asks; Gradio fills it in.")]
    words += [(str(row.http_name), row.help) for row in rows]
    function.__doc__ = "\n".join(
        [
            "Render a picture; what is left out is as models.toml says.",
            "",
            "Args:",
            *(f"    {name}: {said}" for name, said in words),
            "",
            "Returns:",
            "    The PNG with its record, and its settings as A1111 writes them.",
        ]
    )
    api(function, api_name=NAME, concurrency_limit=None)


def _parameter(row: Setting) -> inspect.Parameter:
    default = row.kind.open if row.name == "seed" and isinstance(row.kind, Whole) else None
    return inspect.Parameter(str(row.http_name), inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)


def _text(name: str, value: Any) -> Any:  # noqa: ANN401 whatever a stranger sends
    if value is not None and not isinstance(value, str):
        raise RequestError(f"{name} is {type(value).__name__}, not text", remedy="Send a string.")
    return value


def _mix(loras: object) -> tuple[LoraUse, ...]:
    given = {} if loras is None else loras
    if not isinstance(given, dict) or not all(isinstance(strength, int | float) for strength in given.values()):
        raise RequestError("loras are not strengths by name", remedy='Send an object such as {"line_art": 0.8}.')
    return tuple(LoraUse(name=name, strength=Strength(float(strength))) for name, strength in given.items())

"""Pictures beside the one on the desk: two to choose from, a mix pad's coarse grid, the frames of a film.

Each is asked for by itself, so that whoever asked may stop between two, and whoever turns a knob meanwhile goes first.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from lora_mixer.errors import RequestError
from lora_mixer.images import save_picture
from lora_mixer.images.animation import MOVING, check_animation, save_animation
from lora_mixer.ledger.folders import new_folder
from lora_mixer_app.serving.owners import folder_of
from lora_mixer_app.web.desk.answers import IDLE, data_url
from lora_mixer_app.web.desk.asked import asked_request, on_same_noise
from lora_mixer_app.web.desk.pictures import picture_form
from lora_mixer_app.web.links import link_to
from lora_mixer_app.web.state import AppState, owner_of

Form = dict[str, Any]
FILM = "film"
KINDS = (IDLE, "explore", FILM)
MOST_FRAMES = 240
_FOLDER = re.compile(rf"\d{{4,}}-{FILM}")


def render_beside(state: AppState, request: gr.Request, data: Form) -> Form:
    """Render a `document`, with the noise of a picture (`noise`) where its seed is left to chance.

    What becomes of the picture hangs on the `kind`: of `explore` it goes into the history, of `film` into a `folder` as the
    frame of a number (`frame`), and of `idle` it is kept nowhere.
    """
    kind = str(data.get("kind"))
    if kind not in KINDS:
        raise RequestError(f"no pictures are made for {kind[:20]!r}", remedy="Load the page anew.")
    cancel = state.begin(request, kind)
    owner = owner_of(request)
    asked = on_same_noise(state, owner, asked_request(state, request, data.get("document")), _whole(data.get("noise")))
    target = _frame(state, owner, data) if kind == FILM else None
    with state.turn(request, cancel, model=asked.model) as give_way:
        made = state.mixer.render(asked, cancel=cancel, on_progress=give_way)
    if target is not None:
        save_picture(made.image, made.record, target)
        return {"url": link_to(target)}
    if kind == IDLE:
        return {"url": data_url(made.image)}
    return picture_form(state, request, state.keep(made, owner=owner))


def cancel_beside(state: AppState, request: gr.Request, data: Form) -> None:
    """Stop what is rendered of a `kind`."""
    state.session(request).cancel(str(data.get("kind")))


def begin_film(state: AppState, request: gr.Request, data: Form) -> str:
    """Make a folder for the frames of a film in a format (`ending`) that can be written here, and return its name."""
    check_animation(Path(f"{FILM}{_ending(data)}"), where=FILM)
    return new_folder(folder_of(state.folder, owner_of(request)), FILM).name


def end_film(state: AppState, request: gr.Request, data: Form) -> Form:
    """Write the frames of a `folder` as a film in a format (`ending`), so many a second (`fps`); return where it is."""
    folder, ending = _folder(state, owner_of(request), data), _ending(data)
    target = folder / f"{folder.name}{ending}"
    frames = [_opened(path) for path in sorted(folder.glob("[0-9]*.png"))]
    save_animation(frames, target, fps=float(data.get("fps") or 8.0))
    return {"url": link_to(target), "name": target.name, "frames": len(frames)}


def _ending(data: Form) -> str:
    ending = str(data.get("ending"))
    if ending not in MOVING:
        raise RequestError(f"{ending[:20]!r} is no format of a film", remedy=f"Use {', '.join(MOVING)}.")
    return ending


def _folder(state: AppState, owner: str, data: Form) -> Path:
    name = str(data.get("folder"))
    folder = folder_of(state.folder, owner) / name
    if not _FOLDER.fullmatch(name) or not folder.is_dir():
        raise RequestError("there is no such film", remedy="Begin it anew.")
    return folder


def _frame(state: AppState, owner: str, data: Form) -> Path:
    number = _whole(data.get("frame"))
    if number is None or not 0 <= number < MOST_FRAMES:
        raise RequestError("that is no frame of a film", remedy=f"A film has {MOST_FRAMES} at most.")
    return _folder(state, owner, data) / f"{number:04}.png"


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None

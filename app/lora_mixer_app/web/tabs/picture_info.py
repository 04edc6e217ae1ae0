"""The PNG info tab: what a picture says about how it was made, and what this machine lacks to make it again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import gradio as gr

from lora_mixer import LoraMixerError, Mixer
from lora_mixer.errors import BrokenFileError, RequestError
from lora_mixer.images import Infotext, PictureInfo, infotext, plain, read_picture
from lora_mixer.mixer import differences, with_local_names
from lora_mixer.mixes import LoraUse
from lora_mixer.request import RenderRequest
from lora_mixer_app.web.component import seen_if
from lora_mixer_app.web.desk import Desk
from lora_mixer_app.web.i18n import label, said, value_said, word
from lora_mixer_app.web.notices import as_text, error_in_words, line_in_words
from lora_mixer_app.web.state import AppState
from lora_mixer_app.web.tabs.tables import filled, text_table

SUFFIXES = [".png", ".webp", ".jpg", ".jpeg", ".avif"]
LONGEST_VALUE = 4000
ZERO_COUNTS = frozenset({"seed", "cfg", "steps"})
"""Settings whose 0 says something; elsewhere it means switched off."""

Row = list[str]


def build_picture_info(state: AppState, desk: Desk) -> None:
    """Lay out the tab."""
    gr.Markdown(word("info_help"))
    with gr.Row():
        with gr.Column():
            file = gr.File(show_label=False, file_types=SUFFIXES, type="filepath", elem_id="info-file")
            source = gr.Markdown(elem_id="info-source")
            picture = gr.Image(
                label=word("picture"),
                show_label=False,
                type="filepath",
                format="png",
                elem_id="info-picture",
                buttons=["fullscreen"],
                interactive=False,
                height=320,
                visible="hidden",
            )
            send = gr.Button(word("send"), variant="primary", elem_id="info-send", visible="hidden")
        with gr.Column(visible=False) as told:
            table = text_table("info_settings", ["head_setting", "head_value"], "info-table")
            missing = gr.Textbox(label=word("info_differences"), lines=2, elem_id="info-differences", interactive=False)
            raw = gr.Textbox(label=word("info_raw"), lines=6, elem_id="info-raw", interactive=False, buttons=["copy"])

    def read(path: str | None, request: gr.Request) -> tuple[object, ...]:
        return _told(state, path, request) if path else _nothing()

    def settings(path: str | None, session: gr.Request) -> RenderRequest:
        if not path:
            raise RequestError("there is no picture", remedy="Drop one first.")
        request = with_local_names(read_upload(Path(path)), state.mixer.library).request
        if request is None:
            raise RequestError(
                "the picture says nothing about how it was made",
                remedy="Programs that convert or shrink pictures often drop it; find the original file.",
            )
        return replace(request, model=state.model(session).name)  # the desk tells of masks it cannot take

    outputs = [source, picture, send, told, table, missing, raw]
    file.change(read, [file], outputs, show_progress="minimal", api_visibility="private")
    desk.receive(send.click, settings, [file])


def _told(state: AppState, path: str, request: gr.Request) -> tuple[object, ...]:
    """Return what the tab shows of a picture: its kind, itself, the way to the desk, and what it says."""
    try:
        info = read_upload(Path(path))
    except LoraMixerError as error:  # said once, beside the file
        return _nothing(f"⚠ {as_text(error_in_words(error, request))}")
    here = with_local_names(info, state.mixer.library)
    say = partial(line_in_words, request=request)
    lacking = [say(line) for line in differences_of(state.mixer, here, state.model(request).name)]
    if not lacking:
        lacking = [said(request, "info_unknown" if here.request is None else "info_same")]
    return (
        said(request, f"info_source_{info.source.replace('-', '_')}"),
        gr.Image(path, visible=True),
        gr.Button(visible=seen_if(here.request)),
        gr.Column(visible=info.source != "none"),
        filled([[label(request, name), value_said(request, name, value)] for name, value in rows_of(here, say=say)]),
        "\n".join(lacking),
        raw_text(info),
    )


def _nothing(says: str = "") -> tuple[object, ...]:
    """Return what the tab shows where no picture is read: the place for one, and what was wrong with the last."""
    hidden = (gr.Image(None, visible="hidden"), gr.Button(visible="hidden"), gr.Column(visible=False))
    return says, *hidden, filled(()), "", ""


def read_upload(path: Path) -> PictureInfo:
    """Read a picture that somebody sent; errors name the file as they know it.

    Raises:
        BrokenFileError: It is no picture, or damaged.
    """
    try:
        return read_picture(path)
    except LoraMixerError as error:
        raise BrokenFileError(error.what, where=path.name, remedy=error.remedy) from error


def rows_of(info: PictureInfo, say: Callable[[str], str] = str) -> list[Row]:
    """Return a picture's settings as rows of name and value, notes last; `say` words a note."""
    rows: list[Row] = []
    if info.request is not None:
        values = plain(replace(info.request, loras=()))
        rows += [
            [name.replace("_", " "), _text(value)]
            for name, value in (values.items() if isinstance(values, dict) else ())
            if value not in (None, [], "") and (value != 0 or name in ZERO_COUNTS)
        ]
        rows += [["LoRA", _mix(use)] for use in info.request.loras]
    if info.record is not None:
        record = info.record
        rows += [["file", f"{a.name}: {a.file}, {a.kind}, sha256 {a.sha256[:12]}"] for a in record.adapters]
        rows.append(["model", f"{record.model.name}, sha256 {record.model.short_hash}"])
        rows.append(["engine", f"{record.engine} ({say(record.engine_reason)}), {record.dtype} on {record.device}"])
    elif info.infotext is not None:
        rows += [[key, _text(value)] for key, value in info.infotext.fields.items() if "hash" in key.lower()]
    notes = (*info.notes, *(info.record.notes if info.record else ()))
    return rows + [["note", say(note)[:LONGEST_VALUE]] for note in notes]


def _text(value: object) -> str:
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:LONGEST_VALUE]


def _mix(use: LoraUse) -> str:
    """Return an adapter of a mix and everything its strength says beyond the defaults."""
    given = plain(use.strength)
    told = {k: v for k, v in (given.items() if isinstance(given, dict) else ()) if v not in (None, {}, [], False)}
    return f"{use.name}: " + ", ".join(f"{name} {_text(value)}" for name, value in told.items())


def raw_text(info: PictureInfo) -> str:
    """Return the infotext as it stands in the picture, or as our record would write it."""
    if info.record is not None:
        return infotext(info.record)
    return info.infotext.to_text() if info.infotext is not None else ""


def differences_of(mixer: Mixer, info: PictureInfo, model: str) -> list[str]:
    """Return a sentence for everything that keeps this machine from making the same picture with a model."""
    if info.record is not None:
        return list(differences(mixer, info.record, model=model))
    if info.request is None:
        return []
    said_here: list[str] = []
    try:
        job = mixer.resolve(for_desk(info.request, model))
    except LoraMixerError as error:
        said_here.append(str(error))
    else:
        said_here += job.notes
    return said_here + (_other_hashes(mixer, info.infotext, model) if info.infotext is not None else [])


def _other_hashes(mixer: Mixer, text: Infotext, name: str) -> list[str]:
    """Return what the hashes of an infotext say of the model and the LoRAs here."""
    model = text.fields.get("Model hash", "").lower()
    here = mixer.loaded_for(RenderRequest(prompt="", model=name)).model.digest
    lines = (
        [f"the model has other weights: {here[:10]} here, {model[:10]} then"]
        if model and not here.startswith(model)
        else []
    )
    for name, digest in text.hashes().items():
        try:
            found = mixer.library.find(name).digests
        except LoraMixerError:
            continue  # that it is not here has been said
        if not any(own and own.startswith(digest.lower()) for own in (found.sha256, found.autov2, found.autov3)):
            lines.append(f"the LoRA {name} is another file than {digest[:12]}")
    return lines


def for_desk(request: RenderRequest, model: str) -> RenderRequest:
    """Return a stranger's request as it may be resolved: on a model that is open, with no mask read from a file's path."""
    loras = tuple(
        replace(use, strength=replace(use.strength, mask=None)) if isinstance(use.strength.mask, Path) else use
        for use in request.loras
    )
    return replace(request, model=model, loras=loras)

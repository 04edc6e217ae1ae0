"""Endpoints about mixes, plain JSON in and out: balanced strengths, points between mixes, surprises, and the search.

A mix is an object of strengths by name; limits are pairs by name. What somebody picks is kept beside their pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_type_hints

import gradio as gr
from gradio.events import api

from lora_mixer import Mix
from lora_mixer.choices import BY_BLOCK
from lora_mixer.errors import RequestError
from lora_mixer.explore import Pick, StrengthRange, limits_of, propose, read_picks, surprise
from lora_mixer.mixes import mix_of
from lora_mixer.morph import pad, weighted
from lora_mixer_app.web.notices import as_notice
from lora_mixer_app.web.state import AppState, owner_of

PICKS = ".picks.jsonl"
Strengths = dict[str, float]
Pairs = dict[str, list[float]]
MOST = 3
"""LoRAs of a surprise, where nobody says."""
NAMES = ("balance", "between", "surprise", "propose")


def offer_mixing(state: AppState) -> None:
    """Offer the endpoints on the page that is being built."""

    def balance(loras: Strengths, per: str | None, request: gr.Request) -> dict[str, Any]:
        """Return strengths that together change no more than one LoRA does, with what they were multiplied by."""
        with as_notice(), state.turn(request, state.listened(request)):
            return state.mixer.balanced(mix_of(_numbers(loras)), per=per or BY_BLOCK).to_json()

    def between(mixes: list[dict[str, float]], x: float, y: float) -> Strengths:
        """Return the mix at a point of a pad with a mix at each of two to four corners."""
        with as_notice():
            corners = [Mix(mix_of(_numbers(mix))) for mix in mixes]
            return _answer(weighted(corners, pad(len(corners), float(x), float(y))))

    def surprise_me(limits: Pairs, seed: int, most: int | None) -> Strengths:
        """Return a mix drawn by a seed within limits."""
        with as_notice():
            return surprised(limits, seed, most or MOST)

    def propose_two(
        limits: Pairs, picked: Strengths | None, other: Strengths | None, request: gr.Request
    ) -> list[Strengths]:
        """Return two mixes to choose from, after keeping which of the last two was picked, if any was."""
        with as_notice():
            return proposed(state, owner_of(request), limits, picked, other)

    for name, function in zip(NAMES, (balance, between, surprise_me, propose_two), strict=True):
        function.__annotations__.update(get_type_hints(function))  # Gradio reads types without resolving them
        api(function, api_name=name, concurrency_limit=None)


def surprised(limits: object, seed: int, most: int) -> Strengths:
    """Return a mix drawn by a seed within limits, of at most so many LoRAs.

    Raises:
        RequestError: There are no limits, or impossible ones.
    """
    return _answer(surprise(_limits(limits), int(seed), most=int(most)))


def proposed(state: AppState, owner: str, limits: object, picked: object, other: object) -> list[Strengths]:
    """Return two mixes to choose from, after keeping which of the last two somebody picked, if any was.

    Raises:
        RequestError: There are no limits, or impossible ones; or what was picked is no mix.
    """
    found = _limits(limits)
    file = state.history.place(owner) / PICKS
    if picked:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(f"{Pick(picked=_numbers(picked), other=_numbers(other)).to_json()}\n")
    said = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    known = [pick for pick in read_picks(said, where=file.name) if pick.picked.keys() <= found.keys()]
    return [_answer(mix) for mix in propose(found, known)]


def _answer(mix: Mix) -> dict[str, float]:
    """Return a mix as strengths by name."""
    return {use.name: use.strength.denoiser for use in mix.uses}


def _numbers(given: object) -> dict[str, float]:
    if not isinstance(given, Mapping) or not all(isinstance(value, int | float) for value in given.values()):
        raise RequestError("that is no mix", remedy='Send strengths by name, such as {"line_art": 0.8}.')
    return {str(name): float(value) for name, value in given.items()}


def _limits(given: object) -> dict[str, StrengthRange]:
    if not isinstance(given, Mapping) or not all(isinstance(pair, list) for pair in given.values()):
        raise RequestError("those are no limits", remedy='Send pairs by name, such as {"line_art": [0, 1]}.')
    return limits_of({str(name): pair for name, pair in given.items()})

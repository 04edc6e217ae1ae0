"""How a strength is written in records, ledgers and digests: `unet`, `te1`, `te2`, as release 0.1 wrote them.

Files that a person keeps stay readable by every release, and a finished run is known by digests of this form, so it
stays although the fields have general names now. Encoders beyond the second are written only where they are set.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from functools import wraps
from typing import Any, TypeVar

from lora_mixer.families import text_parts
from lora_mixer.modules import DENOISER

DENOISER_THEN = "unet"
TEXT_THEN = ("te1", "te2")

_Owner = TypeVar("_Owner", bound=type[Any])


def stored(denoiser: float, text: Mapping[str, float]) -> dict[str, float | None]:
    """Return the factors as they are written.

    >>> stored(0.8, {"te1": 0.5})
    {'unet': 0.8, 'te1': 0.5, 'te2': None}
    """
    return {DENOISER_THEN: denoiser, **dict.fromkeys(TEXT_THEN), **text}


def text_keys(text: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """Yield the factors on text encoders by the keys of a LoRA's table in prompt and mix files.

    >>> list(text_keys({"te1": 0.5, "te2": 0.25}))
    [('te', 0.5), ('te2', 0.25)]
    """
    for part, value in text.items():
        yield "te" if part == TEXT_THEN[0] else part, value


def from_stored(values: object) -> object:
    """Return what was written by today's names; other values, today's names among them, as they are.

    >>> from_stored({"unet": 0.8, "te1": 0.5, "te2": None, "rank": 4})
    {'rank': 4, 'denoiser': 0.8, 'text': {'te1': 0.5}}
    """
    if not isinstance(values, Mapping):
        return values
    parts = (*TEXT_THEN, *text_parts())
    named = {key: value for key, value in values.items() if key != DENOISER_THEN and key not in parts}
    text = {key: value for key, value in values.items() if key in parts and value is not None}
    if DENOISER_THEN in values:
        named[DENOISER] = values[DENOISER_THEN]
    if text:
        named["text"] = {**(named.get("text") or {}), **text}
    return named


def part_now(part: str) -> str:
    """Return a part by its name of today; the denoiser's of 0.1 is taken with a warning."""
    if part != DENOISER_THEN:
        return part
    _warn(f'Strength.of("{part}")', f'of("{DENOISER}")')
    return DENOISER


def with_names_of_0_1(owner: _Owner) -> _Owner:
    """Let a strength be made and read by the names of release 0.1, each with a warning that says the new one."""
    init = owner.__init__

    @wraps(init)
    def made(self: object, *given: object, **named: Any) -> None:  # noqa: ANN401 the class checks its fields itself
        if old := sorted(named.keys() & {DENOISER_THEN, *TEXT_THEN}):
            for name in old:
                _warn(f"Strength({name}=...)", _NEW[name])
            text = named.get("text")
            known = dict(text) if isinstance(text, Mapping) else {}
            known = {key: value for key, value in known.items() if key not in old}
            named = dict(from_stored(named | {"text": known}))  # type: ignore[call-overload]
        init(self, *given, **named)

    owner.__init__ = made
    for name in (DENOISER_THEN, *TEXT_THEN):
        setattr(owner, name, property(_reader(name)))
    return owner


_NEW = {DENOISER_THEN: DENOISER, **{part: f'text={{"{part}": ...}}' for part in TEXT_THEN}}


def _reader(name: str) -> Any:  # noqa: ANN401 a getter
    def read(strength: Any) -> float | None:  # noqa: ANN401 the class below
        _warn(f"Strength.{name}", DENOISER if name == DENOISER_THEN else f'text.get("{name}")')
        value: float | None = strength.denoiser if name == DENOISER_THEN else strength.text.get(name)
        return value

    read.__doc__ = f"The {_NEW[name]} of today."
    return read


def _warn(old: str, new: str) -> None:
    warnings.warn(
        f"{old} is called {new} now; the old name goes with the next release", DeprecationWarning, stacklevel=4
    )

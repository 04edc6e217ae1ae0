"""A request that differs from another one, for readers of a hundred thousand of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from operator import attrgetter
from types import MappingProxyType
from typing import cast

from lora_mixer.request import RenderRequest

EMPTY = RenderRequest(prompt="")
_NAMES = tuple(field.name for field in fields(RenderRequest))
_VALUES_OF = cast("Callable[[RenderRequest], tuple[object, ...]]", attrgetter(*_NAMES))
_SETTERS: Mapping[str, Callable[[RenderRequest, object], None]] = MappingProxyType(
    {name: getattr(RenderRequest, name).__set__ for name in _NAMES}
)
_IN_ORDER = tuple(_SETTERS.values())


def with_values(request: RenderRequest, values: Mapping[str, object]) -> RenderRequest:
    """Return a request with other values, which are right already: `dataclasses.replace` checks, for ten times as long."""
    made = object.__new__(RenderRequest)
    for put, value in zip(_IN_ORDER, _VALUES_OF(request), strict=True):
        put(made, value)
    for name, value in values.items():
        _SETTERS[name](made, value)
    return made


def with_seed(request: RenderRequest, seed: int) -> RenderRequest:
    """Return a request with another seed."""
    return with_values(request, {"seed": seed})


def set_seed(request: RenderRequest, seed: int) -> RenderRequest:
    """Give a seed to a request that nobody else has seen, and return it."""
    _SETTERS["seed"](request, seed)
    return request

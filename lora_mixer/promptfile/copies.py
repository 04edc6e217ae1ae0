"""A request that differs from another one, for readers of a hundred thousand of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, make_dataclass
from operator import attrgetter
from types import MappingProxyType
from typing import Any, cast

from lora_mixer.request import RenderRequest
from lora_mixer.settings.making import Asked

EMPTY = RenderRequest(prompt="")
_NAMES = tuple(field.name for field in fields(RenderRequest))
values_of = cast("Callable[[RenderRequest], tuple[object, ...]]", attrgetter(*_NAMES))
"""Returns a request's values, in the order of its fields."""
_SETTERS: Mapping[str, Callable[[RenderRequest, object], None]] = MappingProxyType(
    {name: getattr(RenderRequest, name).__set__ for name in _NAMES}
)
_Unchecked: Any = make_dataclass(
    "_Unchecked", _NAMES, bases=(Asked,), slots=True, eq=False, namespace={"__post_init__": lambda _self: None}
)
"""A request's fields without its checks, in the same slots: an object of it becomes a request by its class alone."""


class Copies:
    """Makes requests that differ from one by values which are right already.

    `dataclasses.replace` checks them, for ten times as long.

    Args:
        request: The one they differ from.
    """

    __slots__ = ("_values",)

    def __init__(self, request: RenderRequest) -> None:
        self._values = values_of(request)

    def with_values(self, values: Mapping[str, object]) -> RenderRequest:
        """Return the request with other values."""
        made = _Unchecked(*self._values)
        for name, value in values.items():
            setattr(made, name, value)
        made.__class__ = RenderRequest
        return cast("RenderRequest", made)


def with_values(request: RenderRequest, values: Mapping[str, object]) -> RenderRequest:
    """Return a request with other values, which are right already; of many that differ from one, see `Copies`."""
    return Copies(request).with_values(values)


def with_seed(request: RenderRequest, seed: int) -> RenderRequest:
    """Return a request with another seed."""
    return with_values(request, {"seed": seed})


def set_seed(request: RenderRequest, seed: int) -> RenderRequest:
    """Give a seed to a request that nobody else has seen, and return it."""
    _SETTERS["seed"](request, seed)
    return request

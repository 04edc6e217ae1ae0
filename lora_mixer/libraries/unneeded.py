"""Modules that diffusers and transformers import but rendering does not need.

Each row names a module, how importers are served until it runs, and why it is imported at all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from types import FunctionType, ModuleType
from typing import Any, Unpack

from lora_mixer.libraries.deferring import Deferral, Later, has_run
from lora_mixer.libraries.own_process import meta_operators

COMPILER = "torch._dynamo"
SYMBOLS = "torch.fx.experimental.symbolic_shapes"
QUESTIONS = ("expect_true", "guard_or_false", "guard_or_true", "guard_size_oblivious", "statically_known_true")
_marked: list[tuple[str, object]] = []


def _mark(name: str) -> Callable[[Any], Any]:
    """Return a compiler decorator that is applied once the compiler is loaded."""

    def mark(function: object) -> object:
        _marked.append((name, function))
        return function

    return mark


def _disable(function: Any = None, recursive: bool = True, **options: object) -> Any:  # noqa: ANN401, FBT001, FBT002 torch's
    """Return the function unchanged until the compiler is loaded."""
    if function is None:
        return functools.partial(_disable, recursive=recursive, **options)

    @functools.cache
    def real() -> Any:  # noqa: ANN401 as above
        return Later(COMPILER, "disable")(function, recursive, **options)

    if not isinstance(function, FunctionType):
        return real()

    @functools.wraps(function)
    def called(*arguments: object, **keywords: object) -> object:
        return (real() if has_run(COMPILER) else function)(*arguments, **keywords)

    return called


def _known(name: str) -> Callable[..., Any]:
    """Return one of the compiler's questions about a condition; one that is known is its own answer."""

    def answer(condition: object, *arguments: object) -> object:
        return condition if type(condition) is bool else Later(SYMBOLS, name)(condition, *arguments)

    return answer


def _is_nested_int(size: object) -> object:
    """Return whether a size is that of a ragged tensor; a number is not."""
    return False if isinstance(size, int) else Later(SYMBOLS, "is_nested_int")(size)


def _sym_eq(left: Any, right: Any) -> object:  # noqa: ANN401 torch's
    """Return whether two sizes, or two shapes, are the same."""
    plain = all(isinstance(size, int) for shape in (left, right) for size in (shape if _is_shape(shape) else (shape,)))
    if plain and _is_shape(left) == _is_shape(right):
        return tuple(left) == tuple(right) if _is_shape(left) else left == right
    return Later(SYMBOLS, "sym_eq")(left, right)


def _is_shape(value: object) -> bool:
    return isinstance(value, (tuple, list))


def _put_on(compiler: ModuleType) -> None:
    meta_operators()
    for name, function in _marked:
        getattr(compiler, name)(function)


def _version(package: str) -> dict[str, object]:
    try:
        return {"__version__": version(package)}
    except PackageNotFoundError:
        return {}


UNNEEDED: Mapping[str, Deferral] = {
    # torch's compiler, and sympy with it: for decorators that mark functions
    COMPILER: Deferral(
        given={
            "allow_in_graph": _mark("allow_in_graph"),
            "assume_constant_result": _mark("assume_constant_result"),
            "disable": _disable,
        },
        after=_put_on,
    ),
    SYMBOLS: Deferral(
        given={name: _known(name) for name in QUESTIONS} | {"is_nested_int": _is_nested_int, "sym_eq": _sym_eq},
        later=True,
    ),
    # training on many machines, for transformers' loading
    "torch.distributed.checkpoint": Deferral(later=True, first=True),
    "torch.distributed.checkpoint.hf_storage": Deferral(later=True),
    "torch.distributed._composable.fsdp": Deferral(later=True, first=True),
    "torch.distributed.fsdp": Deferral(later=True, first=True),
    "torch.distributed.tensor": Deferral(later=True),
    "transformers.distributed.expert_parallel": Deferral(later=True),
    "transformers.distributed.tensor_parallel": Deferral(later=True),
    "torch.distributed.tensor._utils": Deferral(later=True),
    "torch.distributed.tensor.placement_types": Deferral(later=True),
    # the hub's whole interface, of which a picture calls nothing, and pictures fetched by address
    "huggingface_hub.hf_api": Deferral(later=True),
    "requests": Deferral(later=True),
    # transformers' list of everything it has (it reads the beginning of thousands of files), processors of pictures
    "transformers": Deferral(
        given={**_version("transformers"), "AutoImageProcessor": Later("transformers", "AutoImageProcessor")},
        found={"PreTrainedModel": "transformers.modeling_utils", "initialization": "transformers.initialization"},
    ),
    "transformers.models": Deferral(),
    "transformers.processing_utils": Deferral(given={"Unpack": Unpack}, later=True),
    # the networks of all other models, and what hooks do to them
    "diffusers.models.autoencoders": Deferral(),
    "diffusers.models.transformers": Deferral(),
    "diffusers.models.unets": Deferral(),
    "diffusers.hooks": Deferral(),
    # for schedules and losses that are computed with them
    "scipy.integrate": Deferral(),
    "scipy.optimize": Deferral(later=True),
    "scipy.stats": Deferral(),
}

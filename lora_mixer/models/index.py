"""Map modules to canonical names and back: the parts of a model an adapter can change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from torch import nn

from lora_mixer.errors import ModelError
from lora_mixer.families import Family, ModuleIndex, places_of
from lora_mixer.modules import DENOISER, LayerType, ModuleName, ModuleSpec

OPERATORS: tuple[tuple[type[nn.Module], LayerType], ...] = (
    (nn.Linear, LayerType.LINEAR),
    (nn.Conv2d, LayerType.CONV),
    (nn.LayerNorm, LayerType.NORM),
    (nn.GroupNorm, LayerType.NORM),
    (nn.Embedding, LayerType.EMBEDDING),
)

# transformers 4 wraps a text encoder's transformer in `text_model`; transformers 5 does so only where a projection
# stands beside it. Files always write the level, so the canonical name has it.
TEXT_LEVEL = "text_model."
BESIDE_TEXT_LEVEL = ("text_projection",)


def index_of(family: Family, parts: Mapping[str, nn.Module]) -> ModuleIndex:
    """Return the index of a model given as its parts, for example `{DENOISER: unet, "te1": text_encoder}`.

    Shapes are the parameters' own; the modules may be on the meta device.
    """
    specs = {spec.name: spec for part, root in parts.items() for spec in _specs(family, part, root)}
    return ModuleIndex(family=family, modules=MappingProxyType(specs))


def module_of(parts: Mapping[str, nn.Module], name: ModuleName) -> nn.Module:
    """Return the module a canonical name stands for: the inverse of `index_of`.

    Raises:
        ModelError: The model has no such module.
    """
    root = parts.get(name.part)
    paths = (name.path, name.path.removeprefix(TEXT_LEVEL))
    for path in paths if root is not None else ():
        try:
            return root.get_submodule(path)  # type: ignore[union-attr]
        except AttributeError:
            continue
    raise ModelError(f"the model has no module {name}", remedy=f"It has the parts {', '.join(parts)}.")


def _specs(family: Family, part: str, root: nn.Module) -> Iterator[ModuleSpec]:
    found = {_canonical(part, path): module for path, module in root.named_modules() if _operator(module) is not None}
    places = places_of(family, part, found)
    for path, module in found.items():
        operator, weight, bias = _operator(module), getattr(module, "weight", None), getattr(module, "bias", None)
        if operator is None or weight is None:
            continue
        yield ModuleSpec(
            name=ModuleName(part, path),
            operator=operator,
            weight=tuple(weight.shape),
            bias=None if bias is None else tuple(bias.shape),
            **places[path]._asdict(),
        )


def _operator(module: nn.Module) -> LayerType | None:
    return next((operator for kind, operator in OPERATORS if isinstance(module, kind)), None)


def _canonical(part: str, path: str) -> str:
    if part == DENOISER or path.startswith((TEXT_LEVEL, *BESIDE_TEXT_LEVEL)):
        return path
    return TEXT_LEVEL + path

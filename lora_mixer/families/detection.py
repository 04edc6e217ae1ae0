"""Which family a model is of, told from a configuration or from a single file's shapes, never from a name.

The records say what to look for; nothing here knows any family. What fits no record is an error worded from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lora_mixer.errors import ModelError
from lora_mixer.families.recognised import NamedModule, recognise
from lora_mixer.families.record import Config, DenoiserKind, Family
from lora_mixer.families.table import all_families, denoiser_kinds
from lora_mixer.modules import Shape

_DEFAULTS = {"in_channels": 4, "out_channels": 4}  # diffusers', where a configuration leaves them out


def family_of_config(kind: DenoiserKind, config: Config, where: str) -> Family:
    """Return the family of a denoiser with this configuration.

    Args:
        kind: The kind of denoiser.
        config: Its configuration in diffusers' words.
        where: What errors call the model.

    Raises:
        ModelError: It is of no family that can be opened, or it takes other inputs than a latent.
    """
    values = {measure.config: config.get(measure.config, _DEFAULTS.get(measure.config)) for measure in kind.measures}
    return _family(kind, {name: value for name, value in values.items() if isinstance(value, int)}, where)


def family_of_shapes(shapes: Mapping[str, Shape], where: str) -> Family:
    """Return the family of a single file in its original layout.

    Args:
        shapes: The shapes of its tensors by key.
        where: What errors call the file.

    Raises:
        ModelError: It is no model that can be opened.
    """
    for kind in denoiser_kinds():
        own = {key.removeprefix(kind.prefix): shape for key, shape in shapes.items() if key.startswith(kind.prefix)}
        if kind.required <= own.keys():
            return _family(kind, _measured(kind, own), where)
    raise _unknown(shapes, where)


def _measured(kind: DenoiserKind, shapes: Mapping[str, Shape]) -> dict[str, int]:
    found = {}
    for measure in kind.measures:
        shape = next((shape for key, shape in shapes.items() if key.endswith(measure.key)), ())
        if len(shape) > measure.axis:
            found[measure.config] = shape[measure.axis]
    return found


def _family(kind: DenoiserKind, measured: Mapping[str, int], where: str) -> Family:
    extra = measured.get("in_channels", 0) - measured.get("out_channels", 0)
    if extra not in kind.extra_channels:
        raise ModelError(
            f"this is an editing model ({measured['in_channels']} input channels), neither for text to image nor for inpainting",
            where=where,
            remedy="Use the base model it was made from.",
        )
    own = [family for family in all_families() if family.denoiser is kind]
    for family in own:
        if all(measured.get(name) in allowed for name, allowed in family.signature.items()):
            return family
    told = dict.fromkeys(name for family in own for name in family.signature)
    shown = ", ".join(f"{name} {measured.get(name, 'missing')}" for name in told)
    raise ModelError(
        f"its {kind.title} is of no family that can be opened ({shown})", where=where, remedy=_possible(own)
    )


def _unknown(shapes: Mapping[str, Shape], where: str) -> ModelError:
    """Return the error for a file without a known denoiser; one of a recognised family is called by its name."""
    named = (
        NamedModule(key.removesuffix(".weight"), shape[1] if len(shape) == 2 else None) for key, shape in shapes.items()
    )
    found = recognise(named)
    possible = _possible(all_families())
    if found is not None:
        title, shown = found
        return ModelError(
            f"it looks like {title} (it has {shown}), which cannot be opened", where=where, remedy=possible
        )
    prefixes = " or ".join(kind.prefix for kind in denoiser_kinds())
    return ModelError(
        "this is not a checkpoint of a family that can be opened",
        where=where,
        remedy=f"A checkpoint has keys that begin with {prefixes}; a LoRA or a VAE is not one. {possible}",
    )


def _possible(families: Iterable[Family]) -> str:
    titles = [family.title for family in families]
    return f"Families that can be opened: {', '.join(titles)}."

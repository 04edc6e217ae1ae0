"""OneTrainer's three dotted forms; "kohya" and "legacy" are kohya's, "comfy" ComfyUI's, "diffusers" PEFT's.

Source: OneTrainer `modules/util/convert/lora/convert_sd_lora.py`, `convert_sdxl_lora.py`, `convert_clip.py` (up to July
2026), `modules/modelSaver/mixin/LoRASaverMixin.py` (`_save_original`, since then).
"""

from __future__ import annotations

from lora_mixer.keys.kohya import ALONE, PREFIXES
from lora_mixer.keys.ldm import ldm_paths
from lora_mixer.keys.scheme import Scheme, paths_of, prefixes_of
from lora_mixer.modules import Family, ModuleName

_OMI = {"te1": ("clip_l",), "te2": ("clip_g",)}


def _spell(name: ModuleName, family: Family) -> tuple[str, ...]:
    prefixes = prefixes_of(name, family, PREFIXES, ALONE)
    return tuple(f"{prefix}.{path}" for prefix in prefixes for path in paths_of(name) if prefix.startswith("lora"))


def _spell_omi(name: ModuleName, family: Family) -> tuple[str, ...]:
    if name.part == "unet":
        return tuple(f"unet.{path}" for path in ldm_paths(name.path))
    return tuple(f"{prefix}.{path}" for prefix in prefixes_of(name, family, _OMI) for path in paths_of(name))


ONETRAINER = Scheme(
    name="onetrainer",
    title="OneTrainer (lora_unet.down_blocks.0....)",
    pattern=r"lora_(unet|te1?|te2)\.",
    spell=_spell,
)
OMI = Scheme(
    name="omi",
    title="OMI, the open model initiative's form (unet.input_blocks.1....)",
    pattern=r"unet\.(input_blocks|middle_block|output_blocks|time_embed\.|label_emb|out\.)|clip_[lg]\.",
    spell=_spell_omi,
)
BARE = Scheme(
    name="ldm",
    title="OneTrainer's original form (input_blocks.1.1....lora_A)",
    pattern=r"(input_blocks|middle_block|output_blocks|time_embed|label_emb|out)\.\d",
    spell=lambda name, _family: ldm_paths(name.path) if name.part == "unet" else (),
)

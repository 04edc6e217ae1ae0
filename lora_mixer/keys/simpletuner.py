"""SimpleTuner's LyCORIS files: kohya's flat path behind `lycoris`, the denoiser only.

Source: LyCORIS `wrapper.py` (`create_lycoris`, `LORA_PREFIX = "lycoris"`), which SimpleTuner saves as it is.
"""

from __future__ import annotations

from lora_mixer.families import Family
from lora_mixer.keys.scheme import Scheme
from lora_mixer.modules import DENOISER, ModuleName


def _spell(name: ModuleName, _family: Family) -> tuple[str, ...]:
    return (f"lycoris_{name.path.replace('.', '_')}",) if name.part == DENOISER else ()


SIMPLETUNER = Scheme(
    name="lycoris",
    title="SimpleTuner, LyCORIS (lycoris_down_blocks_0_...)",
    pattern=lambda: "lycoris_",
    spell=_spell,
)

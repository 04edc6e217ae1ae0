"""The table of kinds, and which of them a group's slots make."""

from __future__ import annotations

from collections.abc import Mapping

from lora_mixer.adapters.full import BIAS, FULL, NORM, SET
from lora_mixer.adapters.glora import GLORA
from lora_mixer.adapters.ia3 import IA3
from lora_mixer.adapters.kind import Kind
from lora_mixer.adapters.loha import LOHA
from lora_mixer.adapters.lokr import LOKR
from lora_mixer.adapters.lora import LORA
from lora_mixer.adapters.oft import BOFT, OFT
from lora_mixer.adapters.oft_input import OFT_INPUT
from lora_mixer.forms import form_of
from lora_mixer.modules import Shape

KINDS: tuple[Kind, ...] = (LORA, LOHA, LOKR, OFT, OFT_INPUT, BOFT, GLORA, IA3, FULL, BIAS, SET, NORM)


_BY_FORM = {kind.name: kind for kind in KINDS}


def detect(shapes: Mapping[str, Shape]) -> Kind:
    """Return the one kind that claims a group with these slots, given by name and shape.

    Raises:
        BrokenAdapterError: No kind does; the message names the nearest one and what is missing or too much for it.
    """
    return _BY_FORM[form_of(shapes).name]

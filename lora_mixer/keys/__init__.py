"""Names: from the keys of a file to slots and modules as the file spells them. No torch here."""

from lora_mixer.keys.blocks import all_blocks, blocks_of, parse_blocks, preset_names
from lora_mixer.keys.elements import ELEMENT_PRESETS, check_elements, elements_text, means, parse_elements
from lora_mixer.keys.families import FamilyGuess, tell_family
from lora_mixer.keys.group import Group, Unread
from lora_mixer.keys.parse import ParsedAdapter, parse_adapter
from lora_mixer.keys.scales import ScaleCount, count_scales, numbers_for, source_of
from lora_mixer.keys.scheme import Scheme
from lora_mixer.keys.schemes import SCHEMES, scheme_of
from lora_mixer.keys.shapes import is_whole, widths_of
from lora_mixer.keys.suffixes import SLOT_OF, split

__all__ = [
    "ELEMENT_PRESETS",
    "SCHEMES",
    "SLOT_OF",
    "FamilyGuess",
    "Group",
    "ParsedAdapter",
    "ScaleCount",
    "Scheme",
    "Unread",
    "all_blocks",
    "blocks_of",
    "check_elements",
    "count_scales",
    "elements_text",
    "is_whole",
    "means",
    "numbers_for",
    "parse_adapter",
    "parse_blocks",
    "parse_elements",
    "preset_names",
    "scheme_of",
    "source_of",
    "split",
    "tell_family",
    "widths_of",
]

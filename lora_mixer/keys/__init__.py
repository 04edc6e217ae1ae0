"""Names: from the keys of a file to slots and modules as the file spells them. No torch here."""

from lora_mixer.keys.blocks import PRESETS, block_of, blocks_of, parse_blocks
from lora_mixer.keys.families import FamilyGuess, tell_family
from lora_mixer.keys.parse import Group, ParsedAdapter, Unread, parse_adapter
from lora_mixer.keys.scheme import Scheme
from lora_mixer.keys.schemes import SCHEMES, scheme_of
from lora_mixer.keys.suffixes import SLOT_OF, split

__all__ = [
    "PRESETS",
    "SCHEMES",
    "SLOT_OF",
    "FamilyGuess",
    "Group",
    "ParsedAdapter",
    "Scheme",
    "Unread",
    "block_of",
    "blocks_of",
    "parse_adapter",
    "parse_blocks",
    "scheme_of",
    "split",
    "tell_family",
]

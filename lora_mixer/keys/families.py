"""Which base model a file was made for, told from the shapes of its tensors; its metadata is a second opinion."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from lora_mixer.keys.parse import Group, ParsedAdapter
from lora_mixer.modules import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyGuess:
    """What a file was made for.

    Attributes:
        family: The one family everything points to; None if that cannot be told, or it is none we can open.
        candidates: All families that nothing speaks against.
        evidence: What tells it, in words.
        other: The name of a foreign family (`Flux`, `SD 3`), if it is one.
    """

    family: Family | None
    candidates: tuple[Family, ...]
    evidence: str
    other: str | None = None

    def fits(self, family: Family) -> bool:
        """Return whether nothing speaks against its being for this family."""
        return self.other is None and (not self.candidates or family in self.candidates)

    def sentence(self) -> str:
        """Return it as a phrase: made for what, and why one thinks so."""
        named = self.other or (
            " or ".join(family.full_name for family in self.candidates) if len(self.candidates) < len(Family) else ""
        )
        return f"made for {named} ({self.evidence})" if named else f"made for an unknown base model ({self.evidence})"


_CROSS = re.compile(r"attn2[._](?:processor[._])?to_[kv]$")


def tell_family(parsed: ParsedAdapter) -> FamilyGuess:
    """Return which base model a file was made for."""
    widths = {
        width for group in parsed.groups if _CROSS.search(group.module) if (width := _inputs(group, parsed)) is not None
    }
    found = tuple(family for family, cross in _cross_widths().items() if widths == {cross})
    if not found:
        return FamilyGuess(family=None, candidates=(), evidence="its shapes fit no known family")
    (width,) = widths
    return FamilyGuess(
        family=found[0] if len(found) == 1 else None, candidates=found, evidence=f"cross attention {width} wide"
    )


def _inputs(group: Group, parsed: ParsedAdapter) -> int | None:
    key = group.slots.get("down")
    return parsed.file.tensors[key].shape[1] if key else None


@lru_cache(maxsize=1)
def _cross_widths() -> Mapping[Family, int]:
    data = resources.files("lora_mixer") / "data"
    homes = {family: data / "configs" / family.value for family in Family}
    homes[Family.EMOJI] = data / "emoji" / "model"
    return {
        family: json.loads((home / "unet" / "config.json").read_text(encoding="utf-8"))["cross_attention_dim"]
        for family, home in homes.items()
    }

"""What a picture's caption is at one step: tags shuffled, left out, or the whole of it."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from lora_mixer.errors import RequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionRules:
    """How captions vary from step to step, by sd-scripts' names.

    Attributes:
        trigger: A word put first wherever it is not in the caption.
        shuffle: Whether tags (parts between separators) come in another order each time.
        keep_tokens: How many tags stay first, the trigger aside.
        caption_dropout: How often the whole caption is left out, 0 to 1.
        tag_dropout: How often a tag that need not stay is left out, 0 to 1.
        separator: What stands between tags.
    """

    trigger: str | None = None
    shuffle: bool = False
    keep_tokens: int = 0
    caption_dropout: float = 0.0
    tag_dropout: float = 0.0
    separator: str = ","

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        for name in ("caption_dropout", "tag_dropout"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise RequestError(f"{name} {share:g} is no share", remedy="Use 0 to 1.")
        if self.keep_tokens < 0:
            raise RequestError(f"keep_tokens {self.keep_tokens} is below 0", remedy="Use 0 or more.")
        if not self.separator:
            raise RequestError("the separator between tags is empty", remedy="Use a comma.")

    def whole(self, caption: str) -> str:
        """Return a caption with the trigger in it, as it is where nothing varies.

        >>> CaptionRules(trigger="ohwx").whole("a cat, sitting")
        'ohwx, a cat, sitting'
        """
        if not self.trigger or re.search(rf"(?<!\w){re.escape(self.trigger)}(?!\w)", caption, re.IGNORECASE):
            return caption
        return f"{self.trigger}{self.separator} {caption}" if caption else self.trigger

    def drawn(self, caption: str, rng: random.Random) -> str:
        """Return what the caption is at one step.

        >>> rules = CaptionRules(shuffle=True, keep_tokens=1, tag_dropout=0.5)
        >>> rules.drawn("cat, red, big, old", random.Random(1)).startswith("cat")
        True
        """
        if self.caption_dropout and rng.random() < self.caption_dropout:
            return ""
        if not self.shuffle and not self.tag_dropout:
            return self.whole(caption)
        tags = [tag.strip() for tag in self.whole(caption).split(self.separator)]
        tags = [tag for tag in tags if tag]
        kept = self.keep_tokens + (1 if self.trigger else 0)
        first, rest = tags[:kept], tags[kept:]
        if self.tag_dropout:
            rest = [tag for tag in rest if rng.random() >= self.tag_dropout]
        if self.shuffle:
            rng.shuffle(rest)
        return f"{self.separator} ".join([*first, *rest])

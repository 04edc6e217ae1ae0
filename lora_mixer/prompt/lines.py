"""A wildcard's lines as options, parsed only when drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from lora_mixer.prompt.template import read_template
from lora_mixer.prompt.template_nodes import Option, Options, split_share


class LazyLines(Options):
    """Lines, each a template, read when it is asked for and then kept; `2::red` is drawn twice as often.

    Args:
        texts: The lines.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__(())
        self._texts = tuple(texts)
        self._read: dict[int, Option] = {}

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, place: int) -> Option: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Option]: ...
    def __getitem__(self, place: int | slice) -> Option | Sequence[Option]:
        """Return an option.

        Raises:
            PromptError: The line is no template that can be read.
        """
        if isinstance(place, slice):
            return [self[at] for at in range(*place.indices(len(self)))]
        if place not in self._read:
            share, text = split_share(self._texts[place])
            self._read[place] = Option(nodes=read_template(text), share=share)
        return self._read[place]

    def share(self, place: int) -> float:
        """Return the share of one line."""
        return split_share(self._texts[place])[0]

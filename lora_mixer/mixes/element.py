"""Block weights by kind of layer."""

from __future__ import annotations

from dataclasses import dataclass

from lora_mixer.errors import RequestError
from lora_mixer.fieldtypes import check_fields, listed, wrong_type


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementWeight:
    """The weight of some kinds of layers in some blocks; it stands in the place of the weights of their blocks.

    Source: `ratiodealer` in sd-webui-lora-block-weight (hako-mikan), which calls these the elements of a block.

    Attributes:
        blocks: The names of the blocks (`BASE`, `IN00` .. `OUT11`); none means every block.
        layers: Parts of names in the original code base's spelling (`attn`, `attn2_to_k`, `proj`, `ff_net`,
            `emb_layers`): layers whose names have one of them are meant. None means every layer.
        others: Mean the layers whose names have none of them instead.
        weight: The weight of what is meant.
    """

    blocks: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    others: bool = False
    weight: float

    def __post_init__(self) -> None:
        """Take lists where tuples are meant; refuse values of the wrong type."""
        check_fields(self)
        for field_, example in (("blocks", "IN04"), ("layers", "attn")):
            given = listed(getattr(self, field_))
            if not all(isinstance(word, str) and word for word in given):
                raise wrong_type("ElementWeight", field_, getattr(self, field_), "words", f'{field_}=["{example}"]')
            object.__setattr__(self, field_, given)
        if self.others and not self.layers:
            raise RequestError(
                "others of no layers means none",
                where="ElementWeight",
                remedy="Give the layers that are left out, or leave out others.",
            )

"""What a row of the table of node classes says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraInputs:
    """Where a node names its LoRAs.

    Attributes:
        name: The input with the file; `{i}` stands for 1, 2, 3.
        denoiser: The input with the strength on the denoiser.
        text: The input with the strength on the text encoder; empty: the same as on the UNet, `0`: none.
        switch: The input that says whether it acts.
        on: What it says then.
        modes: Where the node can be set to one strength or two: the input that says so -> word -> (denoiser, text).
        digits: How many digits `{i}` has.
        how: `fields`, or a form of its own: `power` (rgthree), `manager` (LoRA Manager), or `tags` in the text `name`.
    """

    name: str = "lora_name"
    denoiser: str = "strength_model"
    text: str = "strength_clip"
    switch: str = ""
    on: tuple[object, ...] = ("On", True, "true", "enable")
    modes: tuple[str, Mapping[str, tuple[str, str]]] | None = None
    digits: int = 1
    how: str = "fields"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """What is known of a node class.

    A role is what a link carries: `model`, `clip`, `positive`, `negative`,
    `conditioning`, `latent`, `image`, `stack` (of LoRAs), `pipe` (several of them), or the name of a value.

    Attributes:
        slots: The role of each output.
        passes: Role -> the input that this output is, changed or not.
        pipe: The input that roles are taken from which are not linked here.
        switch: The input that every output is: `{select}` is put in from the input `select`; `*` is the first linked one.
        values: The inputs that the outputs are as values, in the outputs' order.
        constant: The value of the only output.
        texts: Role -> the inputs with the text that the node encodes.
        added: How inputs begin whose texts are put before the node's own in a way that is not followed.
        template: Its text is drawn from at random if it has wildcards or choices in it; then it is not understood.
        text_join: The input, or the text after `=`, that stands between the texts of a node that joins texts.
        joins: The inputs whose conditionings it joins.
        joint: How: `BREAK` (one after the other), `AND` (the mean of their predictions).
        zero: It makes the conditioning nothing.
        note: What is to be said if the walk comes through.
        model: The input with a model's file.
        clip_skip: The input with the layer the text encoder stops at, from the end.
        loras: Where it names LoRAs.
        stack: The input with a stack of LoRAs.
        size: The inputs with width and height of an empty picture.
        source: It begins with a picture that is not in the graph.
        sampler: Role -> input of a sampler.
        sigmas: `steps`, `scheduler` (or the schedule after `=`) and `denoise` -> input of a schedule's node.
        guider: Role -> input of a guider.
        saver: The input with the picture that it saves, and whether it only previews.
        widgets: The order of the node's values in a `workflow`; `*` is the control beside a seed.
    """

    slots: tuple[str, ...] = ()
    passes: Mapping[str, str] = field(default_factory=lambda: _NONE)
    pipe: str = ""
    switch: str = ""
    values: tuple[str, ...] = ()
    constant: str = ""
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    added: str = ""
    template: bool = False
    text_join: str = ""
    joins: tuple[str, ...] = ()
    joint: str = ""
    zero: bool = False
    note: str = ""
    model: str = ""
    clip_skip: str = ""
    loras: LoraInputs | None = None
    stack: str = ""
    size: tuple[str, ...] = ()
    source: bool = False
    sampler: Mapping[str, str] = field(default_factory=lambda: _NONE)
    sigmas: Mapping[str, str] = field(default_factory=lambda: _NONE)
    guider: Mapping[str, str] = field(default_factory=lambda: _NONE)
    saver: str = ""
    preview: bool = False
    widgets: tuple[str, ...] = ()

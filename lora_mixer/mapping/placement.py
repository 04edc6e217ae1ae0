"""Groups made layers of their modules, one after the other, with the account of what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lora_mixer.adapters import Hints, Layer, file_hints, make_layer
from lora_mixer.errors import AdapterError, BrokenAdapterError
from lora_mixer.families import ModuleIndex
from lora_mixer.keys import Group
from lora_mixer.mapping.assignment import AssignedGroup
from lora_mixer.mapping.packed import split_rows
from lora_mixer.mapping.report import TensorEntry, applied, rejected
from lora_mixer.modules import ModuleName


@dataclass(slots=True, kw_only=True)
class Placement:
    """What of a file has been placed on a model so far.

    Attributes:
        layers: The layers, by module.
        spelled: How the file spells these modules.
        scales: The scale of each layer that names the source of it, with the source.
        words: Words of the textual inversions it brings.
        entries: What became of each tensor.
        broken: Groups that contradict themselves or their modules, with the error.
    """

    layers: dict[ModuleName, Layer] = field(default_factory=dict)
    spelled: dict[ModuleName, str] = field(default_factory=dict)
    scales: list[tuple[float, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    entries: list[TensorEntry] = field(default_factory=list)
    broken: list[tuple[Group, AdapterError]] = field(default_factory=list)

    def place(self, assigned: AssignedGroup, index: ModuleIndex, hints: Hints, *, sane: bool) -> None:
        """Make a group's layers and enter what became of it.

        Args:
            assigned: The group.
            index: The model's modules.
            hints: What the file's groups tell about one another.
            sane: The file's numbers are known to be finite.
        """
        group, targets = assigned.group, assigned.targets
        many = len(targets) > 1
        try:
            for target in targets:
                self._require_new(target, group)
            slots = split_rows(assigned.slots, len(targets)) if many else (assigned.slots,)
            layers = {
                target: make_layer(
                    own, index.modules[target].weight, index.modules[target].bias, hints=hints, sane=sane
                )
                for target, own in zip(targets, slots, strict=True)
            }
        except AdapterError as error:
            self.broken.append((group, error))
            self.entries += rejected(group, error.what)
            return
        self.layers.update(layers)
        self.spelled.update(dict.fromkeys(targets, group.module))
        self.entries += applied(group, targets)
        if assigned.source is not None:
            self.scales += [(layer.scale, assigned.source) for layer in layers.values()]

    def _require_new(self, target: ModuleName, group: Group) -> None:
        if target in self.spelled:
            raise BrokenAdapterError(f"{self.spelled[target]} and {group.module} are the same module, {target}")


def hints_of(assigned: Sequence[AssignedGroup], index: ModuleIndex) -> Hints:
    """Return what the file's DoRA groups tell about one another."""
    magnitudes = [one for one in assigned if "dora_scale" in one.slots and len(one.targets) == 1]
    return file_hints((one.slots, index.modules[one.targets[0]].weight) for one in magnitudes)

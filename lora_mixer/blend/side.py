"""The side-path engine: weights stay as they are, every image of a batch has its own mix.

Beside each module stands a branch: the low-rank factors of all adapters joined along the rank, one product down and
one up whatever their number, with the strengths as a (rows, ranks) factor in between:
y' = y + ((x A^T) * s) B^T (LoRA, arXiv:2106.09685, eq. 3, with s per row and rank). Kinds without low-rank form add
their exact terms with strengths (rows,). Moving a slider writes a few numbers: branches are built once per set of
adapters and stay attached, inactive outside `applied`.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from lora_mixer.adapters import Layer
from lora_mixer.blend.block_scales import BlockScales, Size
from lora_mixer.blend.branch import Branch
from lora_mixer.blend.method import Beside
from lora_mixer.blend.methods import blend_of
from lora_mixer.blend.stack import Stack
from lora_mixer.blend.strength import BlockKey, Elements, block_key, unweighted
from lora_mixer.mapping import MappedAdapter
from lora_mixer.models import Model
from lora_mixer.modules import ModuleName

KEPT_SETS = 4


class SideEngine:
    """Adds one mix per batch row beside the model's modules, within a `with` block."""

    name = "side"

    def __init__(self, model: Model) -> None:
        self._model = model
        self._boards: OrderedDict[object, AttachedAdapters] = OrderedDict()

    def rest(self) -> None:
        """Deactivate branches that an interruption left active; normally none."""
        for board in self._boards.values():
            board.awake = False

    @contextmanager
    def applied(
        self, stacks: Sequence[Stack], *, parts: Iterable[str], progress: float = 0.0, size: Size | None = None
    ) -> Iterator[None]:
        """Apply one stack to each row of the batch; the branches are inactive again on every exit.

        Args:
            stacks: The mix of each row, in the order of the batch.
            parts: The parts of the model to act on.
            progress: How far sampling has come, 0..1 (for strength curves).
            size: Height and width of the latent (for masks).
        """
        board = self._board(stacks, frozenset(parts))
        board.set(stacks, progress=progress, size=size)
        try:
            board.awake = True
            yield
        finally:
            board.awake = False

    def _board(self, stacks: Sequence[Stack], parts: frozenset[str]) -> AttachedAdapters:
        """Return these adapters attached, detaching any others."""
        beside = _beside(stacks)
        adapters = {placed.adapter.digest: placed.adapter for stack in stacks for placed in stack.placed}
        elements = unweighted(placed.strength for stack in stacks for placed in stack.placed)
        key = tuple(sorted(adapters)), parts, elements, beside
        for other, board in self._boards.items():
            if other != key:
                if board.awake:
                    raise RuntimeError("another mix is active")
                board.detach()
        if key not in self._boards:
            self._boards[key] = AttachedAdapters(
                self._model, {digest: adapters[digest] for digest in key[0]}, parts, elements, beside
            )
            while len(self._boards) > KEPT_SETS:
                self._boards.popitem(last=False)
        self._boards.move_to_end(key)
        return self._boards[key]


def _beside(stacks: Sequence[Stack]) -> Beside:
    """Return what builds the branches of a batch: one method's, for all rows."""
    found = {blend_of(stack.method).beside for stack in stacks}
    beside = found.pop()
    if found or beside is None:
        raise ValueError("the side path serves one method at a time, of those that have one")
    return beside


@dataclass(slots=True, eq=False)
class _Stand:
    """A branch in its place: it acts while its board is awake, unless another one has taken its place."""

    branch: Branch
    holds: bool = True


class AttachedAdapters:
    """One set of adapters attached to a model: a branch per module, scales per block.

    Wherever an interruption strikes, what it leaves is begun anew and never half there: a stand is noted before it
    acts, and one whose handle was lost holds nothing any more.

    Args:
        model: The model.
        adapters: The adapters by digest, in canonical order.
        parts: The parts of the model they act on.
        elements: The layer kinds that strengths distinguish.
        beside: What builds a branch.
    """

    def __init__(
        self,
        model: Model,
        adapters: Mapping[str, MappedAdapter],
        parts: frozenset[str],
        elements: Elements,
        beside: Beside,
    ) -> None:
        self._model = model
        self._beside = beside
        self._elements = elements
        self._device = model.device
        self._order = tuple(adapters)
        self._layers: dict[ModuleName, dict[str, Layer]] = defaultdict(dict)
        self._specs = {name: spec for adapter in adapters.values() for name, spec in adapter.modules.items()}
        for digest, adapter in adapters.items():
            for name, layer in adapter.layers.items():
                if name.part in parts:
                    self._layers[name][digest] = layer
        self._scales: dict[BlockKey, BlockScales] = {}
        self._names: dict[BlockKey, list[ModuleName]] = defaultdict(list)
        self._branches: dict[ModuleName, Branch] = {}
        self._attached: dict[BlockKey, list[RemovableHandle]] = {}
        self._stands: dict[ModuleName, _Stand] = {}
        self._last: object = None
        self.awake = False

    def set(self, stacks: Sequence[Stack], *, progress: float, size: Size | None) -> None:
        """Write a batch's strengths, and attach to every block where any is non-zero."""
        curved, masked = any(s.curved for s in stacks), any(s.masked for s in stacks)
        masks = tuple(mask for s in stacks for placed in s.placed for mask in placed.masks())  # files may have changed
        wish = (tuple(stacks), progress if curved else 0.0, size if masked else None, masks)
        if wish != self._last:
            self._last = None
            alike = not any(s.by_block for s in stacks)
            first: dict[tuple[str, bool], BlockScales] = {}
            for (part, _, over_picture, _), scales in self._blocks(stacks).items():
                kind = part, masked and over_picture
                if alike and kind in first:
                    scales.follow(first[kind])
                else:
                    first[kind] = scales
                    scales.set(stacks, self._order, progress=progress, size=size)
            self._last = wish
        for key, scales in self._scales.items():
            if scales.live and key not in self._attached:
                branches = {name: self._branch(name, scales) for name in self._names[key]}
                self._attached[key] = [self._attach(name, branch) for name, branch in branches.items()]

    def detach(self) -> None:
        """Detach from the modules; the branches are kept."""
        while self._attached:
            _, handles = self._attached.popitem()
            for handle in handles:
                handle.remove()

    def _blocks(self, stacks: Sequence[Stack]) -> Mapping[BlockKey, BlockScales]:
        if not self._scales and stacks:
            names: dict[BlockKey, list[ModuleName]] = defaultdict(list)
            for name in self._layers:
                names[block_key(self._specs[name], self._elements)].append(name)
            self._names = names
            self._scales = {
                key: BlockScales(self._specs[group[0]], self._model.dtype, self._device) for key, group in names.items()
            }
        return self._scales

    def _branch(self, name: ModuleName, scales: BlockScales) -> Branch:
        if name not in self._branches:
            self._branches[name] = self._beside(
                self._model.module(name), self._layers[name], self._order, scales, self._device
            )
        return self._branches[name]

    def _attach(self, name: ModuleName, branch: Branch) -> RemovableHandle:
        if name in self._stands:
            self._stands[name].holds = False
        stand = self._stands[name] = _Stand(branch)

        def beside(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            acts = self.awake and stand.holds and branch.scales.live
            return branch.forward(inputs[0], output) if acts else output

        return self._model.module(name).register_forward_hook(beside)

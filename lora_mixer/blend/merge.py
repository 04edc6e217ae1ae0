"""The merge engine: weights rewritten from pristine, one float32 sum and one rounding.

W = round(W0 + D), D what the mix's method makes of its adapters' changes (`lora_mixer.blend.methods`). Nothing is ever
subtracted: removing a mix puts the pristine tensors back, which is free and exact by construction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from torch import nn

from lora_mixer.adapters import Weights
from lora_mixer.blend.layer_ops import install, parameters_of
from lora_mixer.blend.linear_sum import Joined
from lora_mixer.blend.merged_cache import Key, MergedCache
from lora_mixer.blend.methods import acting, blend_of
from lora_mixer.blend.rounding import with_change
from lora_mixer.blend.stack import Stack, Term
from lora_mixer.choices import SUM, BlendMethod
from lora_mixer.models import Model, free_memory
from lora_mixer.modules import DENOISER, ModuleName

MEBIBYTE = 2**20
BUDGET_MB = 1024
"""The default upper bound, in MiB, of merged weights kept of earlier mixes."""
MODELS, SHARE_OF_FREE = 2, 8
"""The default is also at most this many times the model's weights, and this fraction of the free memory."""


class MergeEngine:
    """Applies one stack at a time to a model by swapping merged weights in.

    Merged weights are cached after removal, so applying the same mix again is free and a moved slider recomputes only
    the modules its adapter touches. Memory: the patched modules once more, the factors
    of the adapters of the last mix, and the budget.

    What lies on a module is noted before it lies there, and until the pristine weights are back. An interruption (Ctrl+C)
    waits until they are; one that strikes where nothing can wait leaves the note, and `rest` or the next mix acts on it.

    Args:
        model: The model.
        cache_mb: How many MiB of merged weights of earlier mixes are kept, for mixes that take turns; None sizes that by
            the model and the free memory.
    """

    name = "merged"

    def __init__(self, model: Model, *, cache_mb: int | None = None) -> None:
        self._model = model
        self.budget_mb = _budget_of(model) if cache_mb is None else cache_mb
        self.kept = MergedCache(self.budget_mb * MEBIBYTE)
        self._joined: dict[ModuleName, Joined] = {}
        self._changed: list[tuple[nn.Module, Weights]] = []  # modules a mix lies on, with their pristine weights

    def rest(self) -> None:
        """Remove what an interruption left applied; normally nothing.

        Raises:
            KeyboardInterrupt: Another interruption came meanwhile; the weights are pristine all the same.
        """
        interrupted: KeyboardInterrupt | None = None
        while self._changed:
            try:
                module, base = self._changed[-1]
                install(module, base)
                self._changed.pop()
            except KeyboardInterrupt as error:
                interrupted = error
        if interrupted is not None:
            raise interrupted

    @contextmanager
    def applied(self, stacks: Sequence[Stack], *, parts: Iterable[str], progress: float = 0.0) -> Iterator[None]:
        """Apply a mix within a `with` block; the pristine weights are restored on every exit.

        Args:
            stacks: The mix of each row of the batch; they must all be equal.
            parts: The parts of the model to change.
            progress: How far sampling has come, 0..1 (for strength curves).
        """
        stack = stacks[0]
        wanted = frozenset(parts)
        if any(other != stack for other in stacks):
            raise ValueError("merged weights serve one mix at a time")
        if stack.masked and DENOISER in wanted:
            raise ValueError("merged weights act everywhere in the picture")
        self.rest()
        try:
            for name, terms in stack.terms(parts=wanted, progress=progress).items():
                module = self._model.module(name)
                base = parameters_of(module)
                merged = self._merge(name, base, terms, stack.method)
                self._changed.append((module, base))
                install(module, merged)
            yield
        finally:
            self.rest()

    def _merge(self, name: ModuleName, base: Weights, terms: Sequence[Term], method: BlendMethod) -> Weights:
        acts = acting(method, terms)
        return self.kept.take(name, _key(acts, terms), lambda spare: self._make(name, base, terms, acts, spare))

    def _make(
        self, name: ModuleName, base: Weights, terms: Sequence[Term], method: BlendMethod, spare: Weights | None
    ) -> Weights:
        blend = blend_of(method)
        if blend.factored is None:
            exact = Weights(base.weight.float(), None if base.bias is None else base.bias.float())
            return with_change(base, exact, blend.change(name, exact, terms, method.numbers), spare)
        joined = self._joined.get(name)
        digests = tuple(term.digest for term in terms)
        if joined is None or joined.digests != digests:
            joined = blend.factored.join(base, terms)
        merged = blend.factored.merge(base, terms, joined=joined, spare=spare)
        self._joined[name] = joined
        return merged


def _key(method: BlendMethod, terms: Sequence[Term]) -> Key:
    """Return what makes merged weights what they are."""
    adapters = tuple((term.digest, term.strength) for term in terms)
    return adapters if method == SUM else ((str(method), 0.0), *adapters)


def budget_mb(*, model: int, free: int | None) -> int:
    """Return the default cache size in MiB for a model of `model` bytes with `free` bytes available (None: unknown)."""
    within = MODELS * model if free is None else min(MODELS * model, free // SHARE_OF_FREE)
    return min(BUDGET_MB, within // MEBIBYTE)


def _budget_of(model: Model) -> int:
    weights = sum(parameter.nbytes for part in model.parts.values() for parameter in part.parameters())
    return budget_mb(model=weights, free=free_memory(model.device))

"""Attention: in pieces that stay in the cache, the text's keys and values computed once.

softmax(Q K^T / sqrt(d)) V (Vaswani et al. 2017, arXiv:1706.03762, eq. 1). On CPUs in bfloat16 queries are
processed in chunks whose scores stay in the cache: two products and a softmax, twice as fast as torch's own kernel, with a
gradient that makes the scores again.
Elsewhere torch's kernel is faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F  # noqa: N812

from lora_mixer.kernels.swaps import Swap
from lora_mixer.libraries.classes import Attention

PIECE = 1024
"""Queries of one head at a time."""

TOGETHER_BYTES = 2**22
"""Heads (of any rows) are grouped so that their scores fit this size."""

TextKV = MutableMapping[nn.Module, tuple[Tensor, Tensor]]
"""The text's keys and values by attention layer, each (rows, heads, tokens, width of a head)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coupling:
    """Rows that read several texts, each within its place: attention couple (laksjdjf's name for it, 2023).

    A row's output is sum_t s_t(p) softmax(Q K_t^T / sqrt(d)) V_t at each place p, over its texts t with shares s_t that
    add up to 1. Q is the row's own, so the rest of the network runs once.

    Attributes:
        rows: The row of each text; a row's first text stands at the row's own number, the others behind all of these.
        shares: By number of places, the share of each text, (texts, places, 1); 1 everywhere in rows of one text.
        bias: By number of places, what is added to the scores of each text's words, (texts, 1, places, tokens), where
            words are heard more or less than the others; empty: nowhere.
    """

    rows: tuple[int, ...]
    shares: Mapping[int, Tensor]
    bias: Mapping[int, Tensor] = field(default_factory=dict)

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Return the output (rows, n, heads * d) for queries of rows and keys and values of texts."""
        places = query.shape[2]
        read = attend(query[list(self.rows)], key, value, self.bias.get(places))
        weighed = read * self.shares[places]
        output = weighed[: query.shape[0]]
        for text in range(query.shape[0], len(self.rows)):
            output[self.rows[text]] += weighed[text]
        return output


class AttentionWatch:
    """What one row's attention hears and sees at one size of the picture, layer by layer.

    Args:
        row: The row.
        words: For each thing, where its words stand in the text.
        places: How many places the layers have that are watched.
    """

    def __init__(self, row: int, words: Sequence[Sequence[int]], places: int) -> None:
        self._row = row
        self._words = [list(positions) for positions in words]
        self._places = places
        self._heard: list[Tensor] = []
        self._seen: list[Tensor] = []

    def hear(self, query: Tensor, key: Tensor) -> None:
        """Note how strongly each place listens to each thing's words: the mean over heads and words of the softmax."""
        if query.shape[2] == self._places:
            q, k = query[self._row].float(), key[self._row].float()
            scores = (q @ k.transpose(1, 2) * q.shape[-1] ** -0.5).softmax(-1).mean(0)
            self._heard.append(torch.stack([scores[:, positions].mean(1) for positions in self._words]))

    def see(self, output: Tensor) -> None:
        """Note what self-attention gives at each place."""
        if output.shape[1] == self._places:
            self._seen.append(F.normalize(output[self._row].float(), dim=-1))

    def heard(self) -> Tensor:
        """Return the mean over layers, (things, places)."""
        return torch.stack(self._heard).mean(0)

    def seen(self) -> Tensor:
        """Return what all layers saw, side by side, (places, channels)."""
        return torch.cat(self._seen, dim=1)


class ChunkedAttention:
    """The attention processor of every layer of a UNet (diffusers' name for what computes an attention layer)."""

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
        text_kv: TextKV | None = None,
        coupling: Coupling | None = None,
        watch: AttentionWatch | None = None,
    ) -> Tensor:
        """Return a layer's output for hidden states (rows, n, channels); the parameters' names are diffusers'.

        Args:
            attn: The layer.
            hidden_states: Query states.
            encoder_hidden_states: Key/value states (rows, tokens, width); None for self-attention.
            attention_mask: Unused: our texts are never masked.
            temb: Unused: for layers normalised by the time step.
            text_kv: Cache of the text's keys and values while neither text nor weights change.
            coupling: Which rows read which of the texts in `text_kv`, and where; None: each row its own.
            watch: Who notes what is heard and seen.
        """
        del attention_mask, temb
        query = _by_head(attn, attn.to_q(hidden_states))
        if encoder_hidden_states is None:
            key, value = _keys_and_values(attn, hidden_states)
        elif text_kv is None:
            key, value = _keys_and_values(attn, encoder_hidden_states)
        else:
            if attn not in text_kv:
                text_kv[attn] = _keys_and_values(attn, encoder_hidden_states)
            key, value = text_kv[attn]
        coupled = coupling is not None and encoder_hidden_states is not None
        read = coupling.attend if coupling is not None and coupled else attend
        output: Tensor = attn.to_out[0](read(query, key, value))
        if watch is not None and encoder_hidden_states is None:
            watch.see(output)
        elif watch is not None:
            watch.hear(query, key)
        return output


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return attention's output (rows, n, heads * d) for queries (rows, heads, n, d), keys and values (rows, heads, m, d).

    A row's numbers do not depend on the rows beside it. A bias, (rows, 1, n, m), is added to the scores.
    """
    if bias is not None or query.device.type != "cpu" or query.dtype is not torch.bfloat16:
        return F.scaled_dot_product_attention(query, key, value, bias).transpose(1, 2).flatten(2)
    rows, heads, places, width = query.shape
    output: Tensor = _InPieces.apply(*(one.flatten(0, 1) for one in (query, key, value)))  # type: ignore[no-untyped-call]
    return output.view(rows, heads, places, width).transpose(1, 2).flatten(2)


class _InPieces(torch.autograd.Function):
    """Attention of queries (g, n, d), keys and values (g, m, d) whose scores are made again for the gradient.

    Nothing of the size of all pairs is kept. In bfloat16 on a CPU the gradient takes a fifth to a half of the time that
    torch's kernel needs for it.
    """

    @staticmethod
    def forward(ctx: Any, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:  # noqa: ANN401 - torch's context
        ctx.save_for_backward(queries, keys, values)
        output = torch.empty_like(queries)
        for some, piece in _pieces(queries, keys):
            torch.bmm(_weights(queries, keys, some, piece), values[some], out=output[some, piece])
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # noqa: ANN401
        """Return dQ, dK and dV: with P the weights, dS = P * (dP - sum(P * dP)) / sqrt(d) where dP = dO V^T."""
        queries, keys, values = ctx.saved_tensors
        by_queries = torch.empty_like(queries)
        by_keys, by_values = (torch.zeros_like(one, dtype=torch.float32) for one in (keys, values))
        for some, piece in _pieces(queries, keys):
            weights, output_grad = _weights(queries, keys, some, piece), gradient[some, piece]
            by_values[some] += weights.transpose(1, 2) @ output_grad
            by_weights = output_grad @ values[some].transpose(1, 2)
            by_scores = torch._softmax_backward_data(by_weights, weights, -1, weights.dtype)  # noqa: SLF001
            by_scores *= queries.shape[-1] ** -0.5
            torch.bmm(by_scores, keys[some], out=by_queries[some, piece])
            by_keys[some] += by_scores.transpose(1, 2) @ queries[some, piece]
        return by_queries, by_keys.to(keys.dtype), by_values.to(values.dtype)


def _pieces(queries: Tensor, keys: Tensor) -> Iterator[tuple[slice, slice]]:
    """Yield which heads and which of their queries are taken together, so that their scores stay in the cache."""
    heads, places, _ = queries.shape
    scores_bytes = min(places, PIECE) * keys.shape[1] * queries.itemsize
    together = max(1, TOGETHER_BYTES // scores_bytes)
    for head in range(0, heads, together):
        for start in range(0, places, PIECE):
            yield slice(head, head + together), slice(start, start + PIECE)


def _weights(queries: Tensor, keys: Tensor, some: slice, piece: slice) -> Tensor:
    """Return softmax(Q K^T / sqrt(d)) of some heads and a piece of their queries."""
    nothing, factor = queries.new_zeros(1, 1, 1), queries.shape[-1] ** -0.5
    return torch.baddbmm(nothing, queries[some, piece], keys[some].transpose(1, 2), beta=0, alpha=factor).softmax(-1)


def text_keys_and_values(denoiser: nn.Module, tokens: Tensor) -> TextKV:
    """Return the keys and values of texts (texts, tokens, width) in every layer that reads the text."""
    return {
        module: _keys_and_values(module, tokens)
        for module in denoiser.modules()
        if isinstance(module, Attention) and module.is_cross_attention
    }


def attention_swaps(denoiser: nn.Module) -> Iterator[Swap]:
    """Yield swaps that let every plain attention layer be computed here."""
    for module in denoiser.modules():
        if isinstance(module, Attention) and _is_plain(module):
            yield Swap(module, "processor", ChunkedAttention(), module.processor)


def _is_plain(attn: Attention) -> bool:
    extras = (attn.group_norm, attn.spatial_norm, attn.norm_q, attn.norm_k, attn.norm_cross, attn.add_k_proj)
    return all(extra is None for extra in extras) and not attn.residual_connection and attn.rescale_output_factor == 1.0


def _keys_and_values(attn: Attention, answering: Tensor) -> tuple[Tensor, Tensor]:
    return _by_head(attn, attn.to_k(answering)), _by_head(attn, attn.to_v(answering))


def _by_head(attn: Attention, channels: Tensor) -> Tensor:
    """Return (rows, n, channels) as (rows, heads, n, channels of a head)."""
    return torch.unflatten(channels, -1, (attn.heads, -1)).transpose(1, 2)

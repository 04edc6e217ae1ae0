"""Attention: in pieces that stay in the cache, the text's keys and values computed once.

softmax(Q K^T / sqrt(d)) V (Vaswani et al. 2017, arXiv:1706.03762, eq. 1). On CPUs in bfloat16 queries are
processed in chunks whose scores stay in the cache: two products and a softmax, twice as fast as torch's own kernel.
Elsewhere torch's kernel is faster.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from lora_mixer.kernels.swaps import Swap
from lora_mixer.libraries.classes import Attention

PIECE = 1024
"""Queries of one head at a time."""

TOGETHER_BYTES = 2**22
"""Heads (of any rows) are grouped so that their scores fit this size."""

TextKV = MutableMapping[nn.Module, tuple[Tensor, Tensor]]
"""The text's keys and values by attention layer, each (rows, heads, tokens, width of a head)."""


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
    ) -> Tensor:
        """Return a layer's output for hidden states (rows, n, channels); the parameters' names are diffusers'.

        Args:
            attn: The layer.
            hidden_states: Query states.
            encoder_hidden_states: Key/value states (rows, tokens, width); None for self-attention.
            attention_mask: Unused: our texts are never masked.
            temb: Unused: for layers normalised by the time step.
            text_kv: Cache of the text's keys and values while neither text nor weights change.
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
        output: Tensor = attn.to_out[0](attend(query, key, value))
        return output


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Return attention's output (rows, n, heads * d) for queries (rows, heads, n, d), keys and values (rows, heads, m, d).

    A row's numbers do not depend on the rows beside it.
    """
    if query.device.type != "cpu" or query.dtype is not torch.bfloat16:
        return F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
    rows, heads, places, width = query.shape
    queries, keys, values = query.flatten(0, 1), key.flatten(0, 1).transpose(1, 2), value.flatten(0, 1)
    output, nothing = torch.empty_like(queries), query.new_zeros(1, 1, 1)
    scores_bytes = min(places, PIECE) * key.shape[2] * query.itemsize
    together = max(1, TOGETHER_BYTES // scores_bytes)
    for head in range(0, rows * heads, together):
        some = slice(head, head + together)
        for start in range(0, places, PIECE):
            piece = slice(start, start + PIECE)
            scores = torch.baddbmm(nothing, queries[some, piece], keys[some], beta=0, alpha=width**-0.5)
            torch.bmm(scores.softmax(-1), values[some], out=output[some, piece])
    return output.view(rows, heads, places, width).transpose(1, 2).flatten(2)


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

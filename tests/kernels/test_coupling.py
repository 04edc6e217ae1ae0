"""Attention couple: rows that read several texts, against the same sums written out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lora_mixer.kernels import Coupling, text_keys_and_values
from lora_mixer.kernels.attention import ChunkedAttention
from lora_mixer.libraries.classes import Attention

WIDTH, HEADS, PLACES, TOKENS = 32, 4, 12, 7


def layer() -> Attention:
    torch.manual_seed(0)
    made = Attention(WIDTH, cross_attention_dim=24, heads=HEADS, dim_head=8, bias=False)
    return made.requires_grad_(requires_grad=False).eval()


def written_out(attn: Attention, hidden: Tensor, texts: list[tuple[Tensor, Tensor, Tensor | None]]) -> Tensor:
    """Return one row's output (places, width): a loop over heads, texts and places, in float64."""
    weights = {name: getattr(attn, name).weight.double() for name in ("to_q", "to_k", "to_v")}
    out = torch.zeros(PLACES, WIDTH, dtype=torch.float64)
    for tokens, share, bias in texts:
        for head in range(HEADS):
            some = slice(head * 8, head * 8 + 8)
            q, k, v = (
                (x.double() @ weights[n].T)[:, some] for x, n in ((hidden, "to_q"), (tokens, "to_k"), (tokens, "to_v"))
            )
            for place in range(PLACES):
                scores = (k @ q[place]) / 8**0.5
                scores = scores if bias is None else scores + bias[place].double()
                heard = torch.exp(scores) / torch.exp(scores).sum()
                out[place, some] += share[place].double() * (heard @ v)
    last = attn.to_out[0]
    return out @ last.weight.double().T + last.bias.double()


@pytest.mark.parametrize("biased", [False, True])
def test_rows_read_each_text_within_its_place_as_the_sums_written_out_say(biased: bool) -> None:
    attn, draw = layer(), torch.Generator().manual_seed(1)
    hidden = torch.randn(3, PLACES, WIDTH, generator=draw)
    tokens = torch.randn(5, TOKENS, 24, generator=draw)
    owners = (0, 1, 2, 1, 1)  # the middle row reads three texts
    claims = torch.rand(3, PLACES, generator=draw)
    shares = torch.ones(5, PLACES)
    shares[[1, 3, 4]] = claims / claims.sum(0)
    bias = torch.randn(5, PLACES, TOKENS, generator=draw) if biased else None
    coupling = Coupling(
        rows=owners,
        shares={PLACES: shares.unsqueeze(-1)},
        bias={} if bias is None else {PLACES: bias.unsqueeze(1)},
    )
    kv = text_keys_and_values(attn, tokens)
    got = ChunkedAttention()(attn, hidden, tokens[:3], text_kv=kv, coupling=coupling)
    for row in range(3):
        texts = [
            (tokens[text], shares[text], None if bias is None else bias[text])
            for text, owner in enumerate(owners)
            if owner == row
        ]
        torch.testing.assert_close(got[row].double(), written_out(attn, hidden[row], texts), atol=1e-5, rtol=1e-5)


def test_a_row_of_one_text_is_what_it_is_without_neighbours_that_read_several() -> None:
    attn, draw = layer(), torch.Generator().manual_seed(2)
    hidden, tokens = torch.randn(2, PLACES, WIDTH, generator=draw), torch.randn(3, TOKENS, 24, generator=draw)
    shares = torch.ones(3, PLACES, 1)
    shares[[1, 2]] = 0.5
    kv = text_keys_and_values(attn, tokens)
    both = ChunkedAttention()(
        attn, hidden, tokens[:2], text_kv=kv, coupling=Coupling(rows=(0, 1, 1), shares={PLACES: shares})
    )
    alone = ChunkedAttention()(attn, hidden, tokens[:2])
    assert torch.equal(both[0], alone[0])
    assert not torch.allclose(both[1], alone[1])


def test_self_attention_reads_no_text() -> None:
    torch.manual_seed(3)
    attn = Attention(WIDTH, heads=HEADS, dim_head=8, bias=False).requires_grad_(requires_grad=False).eval()
    hidden = torch.randn(1, PLACES, WIDTH)
    coupled = ChunkedAttention()(attn, hidden, text_kv={}, coupling=Coupling(rows=(0, 0), shares={}))
    assert torch.equal(coupled, ChunkedAttention()(attn, hidden))
    assert text_keys_and_values(attn, hidden) == {}

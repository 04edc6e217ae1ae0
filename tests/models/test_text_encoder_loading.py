"""A folder's text encoder is put together by us, and is what the library's own way gives."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lora_mixer.libraries.classes import CLIPTextModel
from lora_mixer.models import components
from lora_mixer.models.components import load_component


def test_it_is_the_librarys_own_bit_by_bit(embedded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = embedded / "model" / "text_encoder"
    ours = load_component(CLIPTextModel, place, dtype=torch.float32)
    monkeypatch.setattr(components, "_built", lambda *_: None)
    theirs = load_component(CLIPTextModel, place, dtype=torch.float32)
    for tensors, others in (
        (ours.state_dict(), theirs.state_dict()),
        *[map(dict, (ours.named_buffers(), theirs.named_buffers()))],
    ):
        assert tensors.keys() == others.keys()
        assert all(torch.equal(tensors[name], others[name]) for name in tensors)
    assert ours.config._attn_implementation == theirs.config._attn_implementation == "sdpa"
    assert not ours.training
    assert not any(weight.requires_grad for weight in ours.parameters())
    tokens = torch.arange(77)[None] % ours.config.vocab_size
    assert torch.equal(ours(tokens).last_hidden_state, theirs(tokens).last_hidden_state)

"""Embeddings inside an adapter file are applied where the model has a place for them, and else rejected with why."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from lora_mixer.conditioning import load_embedding
from lora_mixer.errors import BrokenFileError, PartialAdapterError, WrongFamilyError
from lora_mixer.families import SD1, SD2, SDXL
from lora_mixer.mapping import Fate
from tests.mapping.test_refusals import TO_K, mapped, tensors_of
from tests.support.adapter_files import parsed

L, G = torch.ones(2, 768), torch.ones(2, 1280)


def adapter(tmp_path, family, fields):
    path = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q" if family is SDXL else TO_K
    bundle = {f"bundle_emb.word.{name}": vectors.clone() for name, vectors in fields.items()}
    return parsed(tmp_path / "a.safetensors", tensors_of(family, path) | bundle)


@pytest.mark.parametrize(
    ("family", "fields"),
    [
        (SD1, {"clip_l": L}),
        (SD1, {"string_to_param.*": L}),
        (SD1, {"clip_l": torch.ones(768)}),
        (SD2, {"clip_l": torch.ones(3, 1024)}),
        (SDXL, {"clip_l": L, "clip_g": G}),
    ],
)
def test_one_that_fits_is_applied(tmp_path, family, fields):
    result = mapped(adapter(tmp_path, family, fields), family)
    assert result.report.complete
    assert set(result.embeddings["word"]) == set(fields)


@pytest.mark.parametrize(
    ("family", "fields", "reason"),
    [
        (SD1, {"clip_l_out": L}, "takes the place of what a text encoder gives"),
        (SD1, {"clip_l": L, "clip_l_out": L}, "takes the place of what a text encoder gives"),
        (SDXL, {"clip_l": L, "clip_g": G, "clip_g_out": G}, "takes the place of what a text encoder gives"),
        (SD1, {"clip_l": torch.ones(2, 1024)}, "it is 1,024 wide, the model's text encoder 768"),
        (SD1, {"string_to_param.*": torch.ones(2, 1024)}, "it is 1,024 wide"),
        (SD1, {"clip_l": L, "clip_g": G}, "no text encoder for clip_g"),
        (SDXL, {"clip_l": L}, "no vectors for the text encoder te2"),
        (SDXL, {"clip_l": L, "clip_g": torch.ones(3, 1280)}, "different numbers of vectors"),
        (SD1, {"clip_l": torch.ones(76, 768)}, "it has 76 vectors, and 75 fit into a chunk"),
        (SD1, {"clip_l": torch.ones(1, 2, 768)}, "are no embedding"),
        (SD1, {"clip_l": L, "emb_params": L}, "several embeddings of one word"),
    ],
)
def test_one_that_does_not_is_rejected_with_every_tensor_of_its_word(tmp_path, family, fields, reason):
    with pytest.raises((PartialAdapterError, WrongFamilyError)):
        mapped(adapter(tmp_path, family, fields), family)
    try:
        result = mapped(adapter(tmp_path, family, fields), family, allow_partial=True)
    except WrongFamilyError:
        return
    assert result.embeddings == {}
    assert result.report.embeddings == ()
    assert result.report.count(Fate.REJECTED) == len(fields)
    assert reason in " ".join(entry.reason for entry in result.report.entries)


def test_a_file_of_output_embeddings_is_refused_as_what_it_is(tmp_path):
    save_file({"clip_l_out": L}, tmp_path / "a.safetensors")
    with pytest.raises(BrokenFileError, match="OneTrainer's output embedding"):
        load_embedding(tmp_path / "a.safetensors")

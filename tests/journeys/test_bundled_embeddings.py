"""An embedding inside a LoRA is a word of the prompt while that LoRA acts, and only then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from lora_mixer import Mixer


@pytest.fixture(scope="module", params=["string_to_param.*", "clip_l"])
def bringing(request: pytest.FixtureRequest, embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Mixer:
    folder = tmp_path_factory.mktemp("loras")
    tensors = load_file(embedded / "loras" / "line_art.safetensors")
    vectors = torch.randn(2, 128, generator=torch.Generator().manual_seed(5)).half()
    save_file({**tensors, f"bundle_emb.zorb.{request.param}": vectors}, folder / "bringer.safetensors")
    (folder / "models.toml").write_text(f'[folders]\nloras = ["{folder.as_posix()}"]\n')
    return Mixer.open("emoji", models_file=folder / "models.toml", dtype="float32")


def test_a_bundled_embedding_is_active_while_its_lora_is(bringing: Mixer) -> None:
    with_it = bringing.render("zorb <lora:bringer:0.5>", negative="", seed=7, steps=2)
    assert [embedding.name for embedding in with_it.record.embeddings] == ["zorb"]
    without = bringing.render("zorb", negative="", seed=7, steps=2)
    assert without.record.embeddings == ()
    off = bringing.render("zorb <lora:bringer:0>", negative="", seed=7, steps=2)
    assert off.record.embeddings == ()
    assert np.array_equal(np.asarray(off.image), np.asarray(without.image))
    other_words = bringing.render("blob <lora:bringer:0.5>", negative="", seed=7, steps=2)
    assert not np.array_equal(np.asarray(with_it.image), np.asarray(other_words.image))


def test_its_report_names_the_word(bringing: Mixer) -> None:
    report = bringing.inspect("bringer")
    assert report.complete
    assert report.embeddings == ("zorb",)

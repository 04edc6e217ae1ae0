"""A folder that PEFT saved, from its name to the picture's record: the scale is its config's, and a changed one is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from lora_mixer import LoraUse, Mixer, RenderRequest
from lora_mixer.families import EMOJI
from lora_mixer.keys import SCHEMES
from lora_mixer.ledger.digest import digest_of
from lora_mixer.mixer import differences
from lora_mixer.models import family_index
from lora_mixer.modules import DENOISER
from lora_mixer_app.cli import build

PEFT, KOHYA = (next(scheme for scheme in SCHEMES if scheme.name == name) for name in ("peft", "kohya"))


@pytest.fixture(scope="module")
def place(embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA folder with the embedded night sky as PEFT would have saved it, its alphas in the config alone."""
    folder = tmp_path_factory.mktemp("peft")
    names = {KOHYA.spell(name, EMOJI)[0]: name for name in family_index(EMOJI).modules}
    tensors, alphas, ranks = {}, {}, {}
    for key, tensor in load_file(embedded / "loras" / "night_sky.safetensors").items():
        module, _, ending = key.partition(".")
        path = names[module].path
        if names[module].part != DENOISER:
            continue
        if ending == "alpha":
            alphas[path] = float(tensor)
            continue
        slot = {"lora_up.weight": "lora_B", "lora_down.weight": "lora_A"}[ending]
        tensors[f"base_model.model.{path}.{slot}.weight"] = tensor
        if slot == "lora_A":
            ranks[path] = tensor.shape[0]
    style = folder / "loras" / "my_sky"
    style.mkdir(parents=True)
    save_file(tensors, style / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 1, "lora_alpha": 1, "rank_pattern": ranks, "alpha_pattern": alphas}
    (style / "adapter_config.json").write_text(json.dumps(config))
    (folder / "models.toml").write_text('default = "emoji"\n[folders]\nloras = ["loras", "builtin:emoji/loras"]\n')
    return folder


def picture_of(mixer: Mixer, name: str):
    use = LoraUse(name=name)
    text_less = LoraUse(name=name, strength=use.strength.__class__(1.0, text=0.0))
    return mixer.render(RenderRequest(prompt="cat", loras=(text_less,), seed=7, steps=2, width=64, height=64))


def test_the_picture_is_the_kohya_file_s_and_the_record_says_the_scale(place: Path) -> None:
    with Mixer.open(models_file=place / "models.toml", dtype="float32") as mixer:
        ours, theirs = picture_of(mixer, "my_sky"), picture_of(mixer, "night_sky")
        assert np.array_equal(np.asarray(ours.image), np.asarray(theirs.image))
        (adapter,) = ours.record.adapters
        assert "by the adapter_config.json beside it" in adapter.scale
        assert adapter.file == "adapter_model.safetensors"
        assert "its own alpha" in theirs.record.adapters[0].scale
        assert not ours.record.notes
        assert not differences(mixer, ours.record)
        _the_config_changes(mixer, place / "loras" / "my_sky" / "adapter_config.json", ours)


def _the_config_changes(mixer: Mixer, config: Path, before) -> None:
    whole = config.read_text()
    table = json.loads(whole)
    doubled = {path: 2 * alpha for path, alpha in table["alpha_pattern"].items()}
    config.write_text(json.dumps(table | {"alpha_pattern": doubled}))
    after = picture_of(mixer, "my_sky")
    assert not np.array_equal(np.asarray(before.image), np.asarray(after.image))
    assert any("my_sky is scaled by" in text for text in differences(mixer, before.record))
    assert digest_of(before.record) != digest_of(after.record)
    config.write_text("{")
    doubtful = picture_of(mixer, "my_sky")
    assert any("adapter_config.json beside it cannot be used" in note for note in doubtful.record.notes)
    assert "unknown, taken as 1" in doubtful.record.adapters[0].scale
    config.write_text(whole)


def test_inspect_says_scale_and_source_of_a_folder(place: Path) -> None:
    result = CliRunner().invoke(build(), ["inspect", str(place / "loras" / "my_sky"), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    facts = json.loads(result.output)
    assert all("adapter_config.json" in words for words in facts["scales"])
    assert facts["remarks"] == []
    assert facts["refused"] is None
    assert "the embedded emoji model" in facts["made for"]


def test_inspect_says_that_a_scale_is_unknown_and_what_is_refused(tmp_path: Path) -> None:
    name = "base_model.model.conv_in"
    save_file(
        {f"{name}.lora_A.weight": torch.ones(1, 4), f"{name}.lora_B.weight": torch.ones(4, 1)},
        tmp_path / "a.safetensors",
    )
    told = CliRunner().invoke(build(), ["inspect", str(tmp_path / "a.safetensors")], catch_exceptions=False).output
    assert "1 on 1 module (unknown, taken as 1)" in told
    kohya = {
        "lora_unet_conv_in.lora_down.weight": torch.ones(4, 4),
        "lora_unet_conv_in.lora_up.weight": torch.ones(4, 4),
    }
    torch.save(kohya | {"lora_unet_conv_in.alpha": torch.tensor(2.0)}, tmp_path / "c.pt")
    told = CliRunner().invoke(build(), ["inspect", str(tmp_path / "c.pt")], catch_exceptions=False).output
    assert "0.5 on 1 module (its own alpha)" in told
    save_file({f"{name}.vera_lambda_b": torch.ones(4)}, tmp_path / "b.safetensors")
    told = CliRunner().invoke(build(), ["inspect", str(tmp_path / "b.safetensors")], catch_exceptions=False).output
    assert "VeRA: it cannot be applied" in told

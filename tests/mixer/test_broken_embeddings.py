"""An embedding that cannot be used costs only the prompts that name it, and those are told."""

from __future__ import annotations

import pytest
import torch

from lora_mixer import Hires, Mixer
from lora_mixer.errors import BrokenFileError
from tests.support import pickles


@pytest.fixture(scope="module")
def mixer(tmp_path_factory: pytest.TempPathFactory) -> Mixer:
    folder = tmp_path_factory.mktemp("models")
    (folder / "embeddings").mkdir()
    for name, content in {
        "torn": b"r\x89",
        "bomb": pickles.archive(pickles.table({"a": pickles.tensor((1 << 20, 1 << 20), (0, 0))})),
        "evil-thing": b"cos\nsystem\n(S'true'\ntR.",
    }.items():
        (folder / "embeddings" / f"{name}.pt").write_bytes(content)
    torch.save({"x": torch.ones(1, 1024)}, folder / "embeddings" / "wide.pt")
    torch.save({"x": torch.ones(1, 128)}, folder / "embeddings" / "evil.pt")
    models = folder / "models.toml"
    models.write_text('[folders]\nembeddings = ["embeddings"]\n[models.emoji]\nlocation = "builtin:emoji/model"\n')
    return Mixer.open("emoji", models_file=models, dtype="float32")


def test_it_opens_and_renders_what_names_none_of_them(mixer: Mixer) -> None:
    assert len(mixer.broken_embeddings) == 3
    assert mixer.render("a torniquet, tornado, evil", steps=1).record.embeddings[0].name == "evil"


@pytest.mark.parametrize(
    ("prompt", "file"),
    [
        ("a cat, torn", "torn.pt"),
        ("a (TORN:1.2) cat", "torn.pt"),
        ("[cat:embedding:bomb:0.5]", "bomb.pt"),
        ("evil-thing", "evil-thing.pt"),
    ],
)
def test_a_prompt_that_names_one_is_refused_with_the_file_and_the_reason(mixer, prompt, file) -> None:
    for texts in (prompt, ""), ("cat", prompt):
        with pytest.raises(
            BrokenFileError, match=rf"{file}.*: the prompt names the embedding .*, which cannot be read: "
        ):
            mixer.resolve(texts[0], negative=texts[1])
    with pytest.raises(BrokenFileError, match=file):
        mixer.resolve("cat", hires=Hires(scale=2.0, prompt=prompt))


def test_one_that_does_not_fit_the_model_is_told_of(mixer: Mixer) -> None:
    (note,) = mixer.resolve("a wide cat").notes
    assert note.startswith("the embedding wide does not fit this model, so its name is read as words: it is 1024 wide")
    assert mixer.resolve("a widely known cat").notes == ()


def test_every_broken_file_is_named_with_what_is_wrong(mixer: Mixer) -> None:
    assert any("torn.pt: this is no file that torch.save wrote" in sentence for sentence in mixer.broken_embeddings)
    assert any("evil-thing.pt: reading this file could run code" in sentence for sentence in mixer.broken_embeddings)

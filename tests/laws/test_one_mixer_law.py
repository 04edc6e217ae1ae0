"""In any order of requests, models, cancels, interruptions and changed files, a picture is what its own record makes alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from safetensors.torch import load_file, save_file

from lora_mixer import Cancel, LoraMixerError, Mixer, Progress, RenderedImage, RenderOptions
from lora_mixer.errors import CancelledError, ChangedFileError
from lora_mixer.mixer import differences, rerender

MODELS = ("emoji", "pale")
BRINGERS = 5
WORDS = ("zorb", "cat", "zorb:1.3) sun (dog")
SIZE = {"steps": 2, "width": 64, "height": 64}


def build(folder: Path, embedded: Path) -> Path:
    """Write a models.toml with two models and LoRAs that each bring an embedding of the same word."""
    shutil.copytree(embedded / "model", folder / "pale")
    weights = folder / "pale" / "unet" / "diffusion_pytorch_model.safetensors"
    save_file({key: value * 0.9 for key, value in load_file(weights).items()}, weights)
    (folder / "loras").mkdir()
    tensors = load_file(embedded / "loras" / "line_art.safetensors")
    for number in range(BRINGERS):
        vectors = torch.randn(2, 128, generator=torch.Generator().manual_seed(number)).half()
        own = {key: value * (1 + number) for key, value in tensors.items()}
        save_file({**own, "bundle_emb.zorb.clip_l": vectors}, folder / "loras" / f"bringer{number}.safetensors")
    (folder / "models.toml").write_text(
        'default = "emoji"\n[folders]\nloras = ["loras"]\nembeddings = []\n'
        '[models.emoji]\nlocation = "builtin:emoji"\n[models.pale]\nlocation = "pale"\n'
    )
    return folder / "models.toml"


@pytest.fixture(scope="module")
def toml(embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("law"), embedded)


def pixels(picture: RenderedImage) -> np.ndarray:
    return np.asarray(picture.image)


class OneMixer(RuleBasedStateMachine):
    """A mixer that is asked for all sorts of things."""

    toml: ClassVar[Path]
    busy: ClassVar[Mixer]
    quiet: ClassVar[dict[str, Mixer]]
    prompts = st.builds(
        lambda word, mix: f"({word}) " + " ".join(f"<lora:bringer{n}:{s}>" for n, s in mix.items()),
        st.sampled_from(WORDS),
        st.dictionaries(st.integers(0, BRINGERS - 1), st.sampled_from([0.0, 0.5, 1.0, -0.5]), max_size=2),
    )
    models = st.sampled_from(MODELS)
    engines = st.sampled_from(["auto", "merged", "side"])

    @initialize()
    def begin(self) -> None:
        self.busy.use("emoji")

    def check(self, picture: RenderedImage) -> None:
        """Compare with another mixer that has this model and this picture's settings alone."""
        other = self.quiet[picture.record.settings.model]
        assert differences(other, picture.record) == ()
        assert np.array_equal(pixels(picture), pixels(rerender(other, picture.record)))

    @rule(prompt=prompts, model=models, engine=engines, seed=st.integers(0, 3))
    def renders(self, prompt: str, model: str, engine: str, seed: int) -> None:
        options = RenderOptions(engine=engine)
        self.check(self.busy.render(prompt, model=model, seed=seed, options=options, **SIZE))

    @rule(prompts=st.lists(prompts, min_size=2, max_size=3), model=models)
    def renders_a_batch(self, prompts: list[str], model: str) -> None:
        for picture in self.busy.render_many(prompts, batch=3, model=model, seed=5, **SIZE):
            self.check(picture)

    @rule(prompt=prompts, model=models)
    def cancels(self, prompt: str, model: str) -> None:
        cancel = Cancel()
        with pytest.raises(CancelledError):
            self.busy.render(prompt, model=model, cancel=cancel, on_progress=lambda _: cancel.press(), **SIZE)

    @rule(prompt=prompts, model=models)
    def is_interrupted(self, prompt: str, model: str) -> None:
        def interrupt(_progress: Progress) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self.busy.render(prompt, model=model, on_progress=interrupt, **SIZE)

    @rule(model=models)
    def asks_for_what_is_not_there(self, model: str) -> None:
        with pytest.raises(LoraMixerError):
            self.busy.render("cat <lora:nothing:1>", model=model, **SIZE)

    @rule(model=models)
    def chooses(self, model: str) -> None:
        self.busy.use(model)

    @rule(number=st.integers(0, BRINGERS - 1), model=models)
    def changes_a_file_in_the_middle(self, number: int, model: str) -> None:
        file = self.toml.parent / "loras" / f"bringer{number}.safetensors"
        content = file.read_bytes()

        def change(_progress: Progress) -> None:
            file.write_bytes(content)

        with pytest.raises(ChangedFileError):
            self.busy.render(f"zorb <lora:bringer{number}:1>", model=model, on_progress=change, **SIZE)


def test_every_picture_of_a_mixer_is_what_its_own_record_makes_alone(toml: Path) -> None:
    OneMixer.toml = toml
    OneMixer.busy = Mixer.open(models_file=toml, dtype="float32", max_models=2)
    OneMixer.quiet = {name: Mixer.open(name, models_file=toml, dtype="float32") for name in MODELS}
    run_state_machine_as_test(
        OneMixer,
        settings=settings(
            max_examples=4,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )

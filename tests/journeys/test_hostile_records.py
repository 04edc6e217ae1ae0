"""Nothing that stands in a picture is opened by path: not its masks, and not its LoRAs."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from lora_mixer import LoraUse, Mixer, Strength
from lora_mixer.errors import RequestError, UnknownAdapterError
from lora_mixer.images import RenderRecord, read_picture, save_picture
from lora_mixer.mixer import differences, request_from_picture, rerender
from lora_mixer_app.cli import build


@pytest.fixture
def masked(mixer: Mixer, tmp_path: Path) -> tuple[RenderRecord, np.ndarray]:
    """A person's own picture, with a mask of their own."""
    Image.linear_gradient("L").save(tmp_path / "mask.png")
    made = mixer.render("cat", seed=3, steps=2, loras=[LoraUse("line_art", Strength(0.9, mask=tmp_path / "mask.png"))])
    save_picture(made.image, made.record, tmp_path / "a.png")
    return read_picture(tmp_path / "a.png").record, np.asarray(made.image)


def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Write down what is opened or looked at."""
    seen: list[str] = []
    for module, name in ((os, "open"), (os, "stat"), (Path, "open"), (Path, "stat"), (Image, "open")):
        real = getattr(module, name)

        def told(path: object, *args: object, _real=real, **rest: object) -> object:
            seen.append(str(path))
            return _real(path, *args, **rest)

        monkeypatch.setattr(module, name, told)
    return seen


def test_a_mask_is_given_by_hand_and_told_by_its_digest(mixer: Mixer, masked, tmp_path: Path) -> None:
    record, pixels = masked
    with pytest.raises(RequestError, match=r"masked by the picture 'mask.png', which is not opened.*--with FILE"):
        rerender(mixer, record)
    (said,) = differences(mixer, record)
    assert "--with FILE" in said
    moved = tmp_path / "elsewhere.png"
    shutil.copy(tmp_path / "mask.png", moved)
    (tmp_path / "mask.png").unlink()
    assert not differences(mixer, record, files=[moved])
    assert np.array_equal(np.asarray(rerender(mixer, record, files=[moved]).image), pixels)


def test_the_command_takes_the_mask_by_hand(masked, tmp_path: Path) -> None:
    picture = str(tmp_path / "a.png")
    refused = CliRunner().invoke(build(), ["rerender", picture, "--anyway"])
    assert isinstance(refused.exception, RequestError)
    done = CliRunner().invoke(build(), ["rerender", picture, "--with", str(tmp_path / "mask.png")])
    assert done.exit_code == 0
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a-again.png")), masked[1])


def hostile(record: RenderRecord, **changes: object) -> RenderRecord:
    return dataclasses.replace(record, settings=dataclasses.replace(record.settings, **changes), companions=())


def test_a_lora_is_not_looked_for_at_a_path_not_even_one_a_template_puts_together(
    mixer: Mixer, embedded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = mixer.render("cat", seed=3, steps=1).record
    secret = tmp_path / "secret.safetensors"
    shutil.copy(embedded / "loras" / "line_art.safetensors", secret)
    seen = opened(monkeypatch)
    for prompt in (f"<lora:{secret}:1>", f"${{end=:1>}}<lora:{secret}${{end}}", f"{{<lora:{secret}:1>}}"):
        with pytest.raises(UnknownAdapterError, match="there is no LoRA called"):
            rerender(mixer, hostile(record, prompt=prompt))
        assert "there is no LoRA called" in " ".join(differences(mixer, hostile(record, prompt=prompt)))
    with pytest.raises(UnknownAdapterError, match="there is no LoRA called"):
        rerender(mixer, hostile(record, loras=(LoraUse(str(secret), Strength()),)))
    assert not [path for path in seen if "secret" in path]


def test_a_lora_from_outside_the_folders_is_given_by_hand(mixer: Mixer, embedded: Path, tmp_path: Path) -> None:
    outside = tmp_path / "mine.safetensors"
    content = bytearray((embedded / "loras" / "line_art.safetensors").read_bytes())
    content[-1] ^= 1
    outside.write_bytes(content)
    made = mixer.render(f"cat <lora:{outside}:0.8>", seed=3, steps=1)
    with pytest.raises(UnknownAdapterError):
        rerender(mixer, made.record)
    again = rerender(mixer, made.record, files=[outside])
    assert np.array_equal(np.asarray(again.image), np.asarray(made.image))


def test_a_server_tells_nothing_of_a_file_that_masks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mixer = Mixer.open("emoji", dtype="float32", paths=False)
    os.mkfifo(tmp_path / "pipe")
    said = set()
    for place in (tmp_path / "pipe", tmp_path / "nothing", Path("/dev/zero"), tmp_path):
        seen = opened(monkeypatch)
        with pytest.raises(RequestError) as caught:
            mixer.resolve("cat", loras=[LoraUse("line_art", Strength(mask=place))])
        said.add(str(caught.value))
        assert not [path for path in seen if path == str(place)]
    assert len(said) == 1


def test_a_picture_that_names_files_becomes_no_request_that_opens_them(mixer: Mixer, masked, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="--with FILE"):
        request_from_picture(tmp_path / "a.png", mixer.library)
    request = request_from_picture(tmp_path / "a.png", mixer.library, files=[tmp_path / "mask.png"])
    assert request.loras[0].strength.mask == tmp_path / "mask.png"

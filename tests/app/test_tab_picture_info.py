"""The PNG info tab: whoever made the picture, its settings come back, and what differs here is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lora_mixer import LoraUse, Mixer, Rectangle, RenderRequest, Strength
from lora_mixer.errors import BrokenFileError
from lora_mixer.images import save_picture
from lora_mixer_app.web.desk import Desk
from lora_mixer_app.web.i18n import label
from lora_mixer_app.web.notices import line_in_words
from lora_mixer_app.web.state import AppState
from lora_mixer_app.web.tabs.picture_info import differences_of, for_desk, raw_text, read_upload, rows_of
from tests.support.people import person

FOREIGN = (
    "red heart <lora:line_art:0.5> <lora:lost:1>\nNegative prompt: blurry\nSteps: 4, Sampler: Euler, CFG scale: 3, "
    "Seed: 7, Size: 128x128, Model hash: 0123456789, Model: other, "
    'Lora hashes: "line_art: 00112233aabb, lost: 112233445566"'
)


def foreign(tmp_path: Path, text: str) -> Path:
    info = PngInfo()
    info.add_text("parameters", text)
    Image.new("RGB", (8, 8)).save(path := tmp_path / "theirs.png", pnginfo=info)
    return path


def test_a_picture_of_ours_gives_its_settings_back_and_differs_in_nothing(mixer: Mixer, tmp_path: Path) -> None:
    wish = RenderRequest(prompt="red heart", seed=3, steps=1, loras=(LoraUse(name="line_art", strength=Strength(0.5)),))
    picture = mixer.render(wish)
    path = save_picture(picture.image, picture.record, tmp_path / "a.webp")
    info = read_upload(path)
    rows = rows_of(info)
    assert ["seed", "3"] in rows
    assert ["LoRA", "line_art: unet 0.5"] in rows
    assert "Seed: 3" in raw_text(info)
    assert differences_of(mixer, info, "emoji") == []
    assert for_desk(info.request, mixer.model_name) == picture.record.settings.request()


def test_what_is_missing_or_another_file_here_is_said(mixer: Mixer, tmp_path: Path) -> None:
    info = read_upload(foreign(tmp_path, FOREIGN))
    said = " ".join(differences_of(mixer, info, "emoji"))
    assert "lost" in said
    assert "the model has other weights" in said
    assert "the LoRA line_art is another file" in said
    assert ["cfg", "3.0"] in rows_of(info)


def test_settings_and_what_differs_are_told_to_who_reads_chinese(mixer: Mixer, tmp_path: Path) -> None:
    reader = person("zh", **{"accept-language": "zh-CN"})
    info = read_upload(foreign(tmp_path, FOREIGN))
    told = [line_in_words(line, reader) for line in differences_of(mixer, info, "emoji")]
    assert any("模型的权重不同" in line for line in told)
    assert any("不是同一个文件" in line for line in told)
    assert [label(reader, name) for name, _ in rows_of(info)][:2] == ["提示词", "反向提示词"]
    assert label(reader, "mask") == "蒙版"
    assert label(person("en"), "mask") == "mask"


def test_a_picture_that_says_nothing_is_no_error(mixer: Mixer, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(path := tmp_path / "plain.png")
    info = read_upload(path)
    assert info.source == "none"
    assert differences_of(mixer, info, "emoji") == []
    assert rows_of(info)[0][0] == "note"


def test_what_is_no_picture_is_refused_by_the_name_its_sender_knows(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_text("<svg onload=alert(1)>")
    with pytest.raises(BrokenFileError) as caught:
        read_upload(path)
    assert str(tmp_path) not in str(caught.value)


def test_a_strangers_picture_never_makes_the_server_open_a_mask_file(mixer: Mixer) -> None:
    use = LoraUse(name="line_art", strength=Strength(0.5, mask=Path("/etc/passwd")))
    taken = for_desk(RenderRequest(prompt="p", model="other", loras=(use,)), mixer.model_name)
    assert taken.loras == (replace(use, strength=Strength(0.5)),)
    assert taken.model == mixer.model_name


def test_a_mask_that_the_desk_cannot_hold_is_told_when_a_picture_is_sent_there(
    mixer: Mixer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(gr, "Warning", told.append)
    desk = Desk(state=AppState(mixer, tmp_path), tabs=None, document=None, laid=None)
    rectangle = Rectangle(left=0.0, top=0.0, right=0.5, bottom=1.0)
    uses = [LoraUse("line_art", Strength(mask=Path("/etc/passwd"))), LoraUse("sepia", Strength(mask=rectangle))]
    desk.lay(person("tab"), RenderRequest("p", loras=uses))
    assert len(told) == 1
    assert "line" in told[0]
    assert "mask" in told[0]
    desk.lay(person("tab"), RenderRequest("p", loras=uses[1:]))
    assert len(told) == 1

"""The short forms of the Python API, and wrong types refused where they are written."""

from __future__ import annotations

import itertools
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lora_mixer import Curve, Hires, LoraMixerError, LoraUse, Mixer, Rectangle, RenderRequest, Sheet, Strength
from lora_mixer.errors import FileError, RequestError
from lora_mixer.images import read_picture


def test_a_mix_may_be_a_table_of_strengths() -> None:
    long = (LoraUse(name="a", strength=Strength(0.8)), LoraUse(name="b", strength=Strength(1.0, text=0.0)))
    assert RenderRequest("cat", loras={"a": 0.8, "b": Strength(1.0, text=0.0)}) == RenderRequest(
        prompt="cat", loras=long
    )
    assert RenderRequest("cat", loras=[LoraUse("a", 0.8)], styles=["x"]).loras == long[:1]


def test_lists_stand_where_tuples_are() -> None:
    assert Curve(points=[[0, 1], [1, 0]]) == Curve(points=((0, 1), (1, 0)))
    assert RenderRequest("cat", styles=["x", "y"]).styles == ("x", "y")


def test_numbers_of_numpy_are_numbers() -> None:
    request = RenderRequest("cat", seed=np.int64(7), cfg=np.float32(2.5), loras={"a": np.float64(0.5)})
    assert (type(request.seed), type(request.cfg)) == (int, float)
    assert request.loras[0].strength.denoiser == 0.5


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: RenderRequest("cat", seed="7"), "seed is '7', not a whole number"),
        (lambda: RenderRequest("cat", seed=True), "seed is True, not a whole number"),
        (lambda: RenderRequest("cat", steps=7.5), "steps is 7.5, not a whole number"),
        (lambda: RenderRequest("cat", cfg="high"), "cfg is 'high', not a number"),
        (lambda: RenderRequest(["a", "b"]), "prompt is ['a', 'b'], not text"),
        (lambda: RenderRequest("cat", hires=2), "hires=Hires(scale=2)"),
        (lambda: RenderRequest("cat", loras="line_art"), 'loras={"line_art": 0.8}'),
        (lambda: RenderRequest("cat", loras=["line_art"]), "[LoraUse("),
        (lambda: RenderRequest("cat", loras={"line_art": "0.8"}), "strength is '0.8'"),
        (lambda: RenderRequest("cat", styles="cinematic"), "a list of names"),
        (lambda: LoraUse(strength=0.8), "the LoRA has no name"),
        (lambda: LoraUse("a", [0.8]), "strength is [0.8]"),
        (lambda: Strength("0.8"), "denoiser is '0.8', not a number"),
        (lambda: Strength(blocks={"MID": "x"}), "factors by block name"),
        (lambda: Strength(curve=[(0, 1)]), "a Curve"),
        (lambda: Strength(mask=3), "a Rectangle or a Path"),
        (lambda: Curve(points=[1, 2]), "pairs of position and factor"),
        (lambda: Rectangle(left="0", top=0, right=1, bottom=1), "left is '0', not a number"),
        (lambda: Hires(scale="2"), "scale is '2', not a number"),
    ],
)
def test_a_wrong_type_names_the_field_and_its_form(make: Any, said: str) -> None:
    with pytest.raises(RequestError) as caught:
        make()
    assert said in str(caught.value)


def test_a_list_of_prompts_is_not_one_request(mixer: Mixer) -> None:
    with pytest.raises(RequestError, match="render_many"):
        mixer.render(["a", "b"], steps=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("strength", [1001.0, -1e30, float("nan"), float("inf")])
def test_a_strength_that_ends_in_nan_is_refused_before_the_first_step(mixer: Mixer, strength: float) -> None:
    with pytest.raises(RequestError, match="is not a strength"):
        mixer.render("cat", loras={"line_art": strength}, steps=1)


@pytest.mark.parametrize("option", [{"engine": "foo"}, {"offload": "foo"}, {"dtype": "int4"}])
def test_an_option_of_open_that_does_not_exist_is_refused_at_once(option: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="Use one of"):
        Mixer.open(models_file=Path("does not matter"), **option)


def test_a_closed_mixer_says_so() -> None:
    with Mixer.open("emoji", dtype="float32") as mixer:
        assert mixer.native_size == (128, 128)
    with pytest.raises(RequestError, match="the mixer is closed"):
        mixer.render("cat", steps=1)


def test_a_saved_picture_keeps_its_record_wherever_it_goes(mixer: Mixer, tmp_path: Path) -> None:
    picture = mixer.render("red heart <lora:line_art:0.8>", seed=7, steps=1)
    path = tmp_path / "new" / "heart.png"
    picture.save(path)
    picture.save(str(tmp_path / "heart.webp"))
    out = BytesIO()
    picture.save(out)
    (tmp_path / "bytes.png").write_bytes(picture.png_bytes())
    (tmp_path / "file.png").write_bytes(out.getvalue())
    for file in (path, tmp_path / "heart.webp", tmp_path / "bytes.png", tmp_path / "file.png"):
        assert read_picture(file).record == picture.record
    assert picture._repr_png_() == picture.png_bytes()


def test_a_picture_saved_where_a_file_stands_is_a_typed_error(mixer: Mixer, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    picture = mixer.render("cat", steps=1)
    with pytest.raises(FileError, match="a file stands where the folder should be"):
        picture.save(tmp_path / "taken" / "cat.png")
    with pytest.raises(LoraMixerError, match="cannot be written as"):
        picture.save(tmp_path / "cat.bmp")


def test_one_number_is_a_strength_or_a_scale() -> None:
    assert Strength(0.5, text=0.1) == Strength(0.5, text=0.1)
    assert Hires(1.5) == Hires(scale=1.5)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m: m.render("cat", guidance_scale=7), "cfg is what it is called here"),
        (lambda m: m.render("cat", negative_prompt="x"), "negative is what it is called here"),
        (lambda m: m.render("cat", num_inference_steps=3), "steps is what it is called here"),
        (lambda m: m.render("cat", step=3), "steps is what it is called here"),
        (lambda m: m.render("cat", colour="x"), "there is no field colour. Fields are prompt, negative"),
        (lambda m: m.bake("cat <lora:line_art:1>", 5), "path is 5, not a path"),
        (lambda m: list(m.render_many(5)), "requests is 5, not a list"),
        (lambda m: m.run("cat", "nowhere"), "prompt is not a list"),
        (lambda m: m.run(5, "nowhere"), "requests is 5, not a list"),
        (lambda m: m.sweep("cat", ["line_art"]), "a table of lists by name"),
        (lambda m: m.sweep("cat", {"line_art": "0..1:3"}), "a list of numbers"),
        (lambda m: m.sweep("cat", {"line_art": ["a"]}), "a list of numbers"),
        (lambda m: Sheet.of(["a"]), "a picture is 'a', not a picture or a Path"),
        (lambda m: Sheet.of([Image.new("RGB", (8, 8))], columns="2"), "columns is '2', not a whole number"),
        (lambda m: Sheet.of([Image.new("RGB", (8, 8))]).save(None), "the target is None"),
    ],
    ids=itertools.count(),
)
def test_a_call_that_cannot_be_meant_says_what_can(mixer: Mixer, call: Any, said: str) -> None:
    with pytest.raises(RequestError) as caught:
        call(mixer)
    assert said in str(caught.value)


def test_a_sheet_goes_where_a_picture_goes() -> None:
    sheet, out = Sheet.of([Image.new("RGB", (8, 8))] * 3), BytesIO()
    sheet.save(out)
    assert out.getvalue() == sheet.png_bytes()
    assert repr(sheet) == "<Sheet of 2 x 2 pictures>"


def test_a_picture_is_saved_only_to_what_takes_bytes(mixer: Mixer) -> None:
    picture = mixer.render("cat", steps=1, seed=7)
    for target in (None, 5, StringIO()):
        with pytest.raises(RequestError, match="a path or a file open for writing bytes"):
            picture.save(target)  # type: ignore[arg-type]

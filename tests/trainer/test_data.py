"""Folders, captions and buckets: what is learned, how often, at which size, and what is left out by name."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lora_mixer.conditioning import Conditioner
from lora_mixer.errors import ConfigError, FileError, MissingFileError, RequestError
from lora_mixer.models import Model
from lora_mixer.trainer import Learner, TrainSettings
from lora_mixer.trainer.buckets import bucket_for, buckets_of, crop_for
from lora_mixer.trainer.captions import CaptionRules
from lora_mixer.trainer.dataset import Example, read_dataset
from lora_mixer.trainer.picture_lesson import rules_of


def picture(path: Path, size: tuple[int, int] = (40, 30), **saved: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "red").save(path, **saved)
    return path


def test_kohyas_folders_captions_masks_and_what_is_left_out(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("a cat,\n sitting")
    picture(tmp_path / "10_dog" / "b.jpg", (64, 32))
    picture(tmp_path / "10_dog" / "b.mask.png")
    picture(tmp_path / "10_dog" / "c.webp")
    picture(tmp_path / "10_dog" / "masks" / "c.png")
    (tmp_path / "10_dog" / "torn.png").write_bytes(b"\x89PNG torn")
    picture(tmp_path / "10_dog" / "dot.png", (2, 2))
    picture(tmp_path / "reg" / "1_cat" / "r.png")
    data = read_dataset(tmp_path, regularisation=tmp_path / "reg")
    told = {
        (e.path.name, e.caption, e.repeats, e.concept, e.mask and e.mask.name, e.regularises) for e in data.examples
    }
    assert told >= {
        ("a.png", "a cat, sitting", 1, tmp_path.name, None, False),
        ("b.jpg", "", 10, "dog", "b.mask.png", False),
        ("c.webp", "", 10, "dog", "c.png", False),
        ("r.png", "", 1, "cat", None, True),
    }
    assert {path.name: why for path, why in data.left_out.items()}.keys() == {"torn.png", "dot.png"}
    assert data.tag_frequency()[f"1_{tmp_path.name}"] == {"a cat": 1, "sitting": 1}
    assert sum(e.repeats for e in data.examples) == data.shown


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("captions.jsonl", '{"file": "a.png", "caption": "one"}\n{"file_name": "b", "text": "two"}\n'),
        ("captions.toml", '"a.png" = "one"\nb = "two"\n'),
        ("captions.toml", '[[pictures]]\nfile = "a.png"\ncaption = "one"\n[[pictures]]\nfile = "b"\ncaption = "two"\n'),
    ],
)
def test_captions_from_a_table(tmp_path: Path, name: str, text: str) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    (tmp_path / name).write_text(text)
    assert [e.caption for e in read_dataset(tmp_path).examples] == ["one", "two"]


def test_a_caption_beside_a_picture_goes_before_the_tables(tmp_path: Path) -> None:
    """The page writes what somebody edits beside the picture, and a table may be anybody's."""
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    (tmp_path / "captions.jsonl").write_text('{"file": "a.png", "caption": "one"}\n{"file": "b.png", "caption": ""}\n')
    (tmp_path / "a.txt").write_text("mine")
    assert [e.caption for e in read_dataset(tmp_path).examples] == ["mine", ""]


def test_a_table_may_name_pictures_in_folders_and_rows_of_none_are_told(tmp_path: Path) -> None:
    picture(tmp_path / "3_cat" / "a.png")
    rows = ['{"file": "3_cat/a.png", "caption": "one"}', '{"file": "gone.png", "caption": "two"}']
    (tmp_path / "metadata.jsonl").write_text("\n".join(rows))
    data = read_dataset(tmp_path)
    assert [e.caption for e in data.examples] == ["one"]
    assert "gone.png" in data.left_out[tmp_path / "metadata.jsonl"]


def test_what_is_not_read_is_named(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "moving.gif")
    picture(tmp_path / "10_dog" / "more" / "deep.png")
    picture(tmp_path / "0_never" / "b.png")
    picture(tmp_path / "old.jfif", format="JPEG")
    data = read_dataset(tmp_path)
    assert [e.path.name for e in data.examples] == ["a.png", "old.jfif"]
    assert {path.name for path in data.left_out} == {"moving.gif", "more", "0_never"}


def test_a_folder_of_regularisation_below_the_pictures_is_not_learned(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "reg" / "r.png")
    data = read_dataset(tmp_path, regularisation=tmp_path / "reg")
    assert [(e.path.name, e.regularises) for e in data.examples] == [("a.png", False), ("r.png", True)]


def test_masks_of_any_kind_and_those_that_cannot_be_read(tmp_path: Path) -> None:
    for name in "ab":
        picture(tmp_path / f"{name}.png")
    picture(tmp_path / "masks" / "a.jpg")
    (tmp_path / "b.mask.webp").write_bytes(b"torn")
    data = read_dataset(tmp_path)
    assert [e.mask and e.mask.name for e in data.examples] == ["a.jpg", None]
    assert "learned whole" in data.left_out[tmp_path / "b.mask.webp"]


def test_a_trigger_is_a_word_and_not_a_part_of_one(tmp_path: Path) -> None:
    rules = CaptionRules(trigger="cat")
    assert rules.whole("concatenated, red") == "cat, concatenated, red"
    assert rules.whole("a Cat, red") == "a Cat, red"
    assert CaptionRules(trigger="my style").whole("in my  style") == "my style, in my  style"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("captions.jsonl", '["a"]', "row 1"), ("captions.toml", "pictures = 3", "row 1")],
)
def test_a_table_of_other_things_says_where(tmp_path: Path, name: str, text: str, said: str) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("captions.jsonl", '{"file": "a.png", "caption": "one"}\n{bad', "line 2"),
        ("captions.jsonl", '{"file": "a.png"}', "row 1"),
        ("captions.toml", "a = ", "no TOML"),
    ],
)
def test_a_wrong_table_says_where(tmp_path: Path, name: str, text: str, said: str) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_dataset(tmp_path)


def test_a_folder_without_pictures_says_what_to_put_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no picture to learn from"):
        read_dataset(tmp_path)
    with pytest.raises(MissingFileError, match="no such folder"):
        read_dataset(tmp_path / "none")


def test_a_picture_on_its_side_has_its_turned_size(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(tmp_path / "a.jpg", (40, 30), exif=exif)
    (only,) = read_dataset(tmp_path).examples
    assert (only.width, only.height) == (30, 40)


CAPTION = st.lists(st.from_regex(r"[a-z]{1,5}", fullmatch=True), max_size=8).map(", ".join)


@given(
    caption=CAPTION,
    keep=st.integers(0, 4),
    shuffle=st.booleans(),
    dropout=st.sampled_from([0, 0.5, 1]),
    trigger=st.sampled_from([None, "ohwx"]),
    seed=st.integers(0, 99),
)
def test_captions_keep_their_first_tags_and_invent_none(
    caption: str, keep: int, shuffle: bool, dropout: float, trigger: str | None, seed: int
) -> None:
    rules = CaptionRules(trigger=trigger, shuffle=shuffle, keep_tokens=keep, tag_dropout=dropout)
    drawn = rules.drawn(caption, random.Random(seed))
    tags, all_tags = drawn.split(", ") if drawn else [], rules.whole(caption).split(", ")
    kept = keep + (trigger is not None)
    assert tags[:kept] == [tag for tag in all_tags if tag][: len(tags[:kept])]
    assert sorted(tags) == sorted(set(all_tags) & set(tags) if len(set(tags)) == len(tags) else tags)
    if dropout == 0:
        assert sorted(tags) == sorted(tag for tag in all_tags if tag)
    assert drawn == rules.drawn(caption, random.Random(seed))


def test_a_dropped_caption_is_empty() -> None:
    assert CaptionRules(trigger="ohwx", caption_dropout=1).drawn("a cat", random.Random(0)) == ""
    with pytest.raises(RequestError, match="no share"):
        CaptionRules(tag_dropout=2)


@given(
    resolution=st.integers(1, 16).map(lambda n: n * 64),
    width=st.integers(1, 4000),
    height=st.integers(1, 4000),
    step=st.sampled_from([8, 32, 64]),
)
def test_buckets_hold_no_more_than_the_square_and_every_picture_covers_its_own(
    resolution: int, width: int, height: int, step: int
) -> None:
    buckets = buckets_of(resolution, step=step)
    assert all(bucket.width * bucket.height <= resolution**2 for bucket in buckets)
    assert any(bucket.width == bucket.height == resolution for bucket in buckets)
    bucket = bucket_for(width, height, buckets)
    crop = crop_for(width, height, bucket)
    assert crop.left >= 0 <= crop.top
    assert (crop.width - crop.left >= bucket.width, crop.height - crop.top >= bucket.height) == (True, True)
    assert crop.width == bucket.width or crop.height == bucket.height


def test_impossible_buckets_are_refused() -> None:
    for options in ({"resolution": 100}, {"resolution": 512, "step": 7}, {"resolution": 512, "largest": 256}):
        with pytest.raises(RequestError):
            buckets_of(**options)


def test_captions_are_encoded_once_and_found_on_the_disk_again(plain_model: Model, tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    first = Learner(plain_model, TrainSettings(rank=1), texts).text("red heart")
    (file,) = texts.iterdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Conditioner, "encode", None)
        again = Learner(plain_model, TrainSettings(rank=1), texts).text("red heart")
    assert torch.equal(first.tokens, again.tokens)
    file.write_bytes(b"torn")
    mended = Learner(plain_model, TrainSettings(rank=1), texts).text("red heart")
    assert torch.equal(first.tokens, mended.tokens)
    assert file.stat().st_size > 100


def test_a_text_encoder_that_learns_reads_all_captions_at_once_and_equal_ones_once(plain_model: Model) -> None:
    learner = Learner(plain_model, TrainSettings(rank=1, text_rate=1e-3))
    captions = ["red heart", "", "a cat, a dog", "", "red heart"]
    alone = [learner.text(caption).tokens for caption in captions]
    read: list[int] = []
    encoder = plain_model.parts["te1"]
    handle = encoder.register_forward_pre_hook(
        lambda _encoder, _args, given: read.append(len(given["input_ids"])), with_kwargs=True
    )
    try:
        together = [text.tokens for text in learner.texts(captions)]
    finally:
        handle.remove()
    assert read == [3]
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_pictures_of_regularisation_do_not_learn_the_trigger() -> None:
    settings, caption = TrainSettings(trigger="ohwx"), random.Random(0)
    for regularises, said in ((False, "ohwx, a cat"), (True, "a cat")):
        example = Example(path=Path("a.png"), caption="a cat", width=64, height=64, regularises=regularises)
        assert rules_of(settings, example).drawn(example.caption, caption) == said

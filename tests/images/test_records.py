"""A picture says everything that is needed to render it again, in every format."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from PIL import Image
from sd_parsers import ParserManager

from lora_mixer.errors import BrokenFileError, FileError, LoraMixerError, RequestError
from lora_mixer.images import RenderRecord, infotext, parse_infotext, read_picture, save_picture
from lora_mixer.images.record import EMPTY_SHA256
from lora_mixer.images.request_of import request_of

PICTURE = Image.radial_gradient("L").resize((128, 64)).convert("RGB")


def test_a_record_survives_json_in_every_field(record):
    assert RenderRecord.from_json(record.to_json()) == record


def test_keys_of_a_newer_version_are_passed_over(record):
    newer = json.loads(record.to_json()) | {"colour_profile": "sRGB"}
    assert RenderRecord.from_json(json.dumps(newer)) == record


def test_half_a_record_is_refused_with_its_place(record):
    table = json.loads(record.to_json())
    del table["settings"]["seed"]
    with pytest.raises(BrokenFileError, match=r"settings\.seed"):
        RenderRecord.from_json(json.dumps(table))


@pytest.mark.parametrize("ending", ["png", "jpg", "jpeg", "webp", "avif"])
def test_the_record_and_the_infotext_come_back_from_every_format(record, tmp_path, ending):
    path = save_picture(PICTURE, record, tmp_path / f"picture.{ending}")
    info = read_picture(path)
    assert info.source == "lora-mixer"
    assert info.record == record
    assert info.infotext is not None
    assert info.infotext.to_text() == infotext(record)
    assert info.request is not None
    assert (info.request.seed, info.request.loras) == (record.settings.seed, record.settings.loras)
    with Image.open(path) as saved:
        assert saved.size == PICTURE.size
        assert list(tmp_path.iterdir()) == [path], "a temporary file was left behind"


def test_a_png_keeps_the_pixels(record, tmp_path):
    with Image.open(save_picture(PICTURE, record, tmp_path / "x.png")) as saved:
        assert saved.tobytes() == PICTURE.tobytes()


def test_a_format_may_differ_from_the_ending(record, tmp_path):
    with Image.open(save_picture(PICTURE, record, tmp_path / "x.part", format="webp")) as saved:
        assert saved.format == "WEBP"


def test_an_unknown_ending_is_refused(record, tmp_path):
    with pytest.raises(RequestError, match=r"\.webp"):
        save_picture(PICTURE, record, tmp_path / "x.tiff")


def test_a_record_that_does_not_fit_a_jpeg_is_refused_and_leaves_no_file(record, tmp_path):
    long = replace(record, settings=replace(record.settings, prompt="word " * 20_000))
    with pytest.raises(RequestError, match=r"\.png"):
        save_picture(PICTURE, long, tmp_path / "x.jpg")
    assert not list(tmp_path.iterdir())
    assert read_picture(save_picture(PICTURE, long, tmp_path / "x.png")).record == long


def test_a_missing_folder_is_an_error_of_ours(record, tmp_path):
    with pytest.raises(FileError):
        save_picture(PICTURE, record, tmp_path / "nowhere" / "x.png")


def test_the_infotext_is_a1111s_word_for_word(record):
    assert infotext(record) == (
        'a "cät" 猫, (red: 1.1)\nsecond line <lora:猫:-0.5> <lora:ink wash:0.7:0.1:lbw=1,0.5,'
        f"{','.join('1' * 24)}>\n"
        "Negative prompt: bad, worse <lora:猫:-0.5>\n"
        "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 18446744073709551615, "
        "Size: 128x64, Model hash: ababababab, Model: emoji, Clip skip: 2, RNG: CPU, "
        'Lora hashes: "ink wash: efefefefefef, 猫: efefefefefef", TI hashes: "badpic: 121212121212", '
        "Version: lora-mixer 0.1.0"
    )


def test_variation_rescale_and_eta_stand_where_a1111_and_its_extension_put_them_and_come_back(record):
    varied = replace(record.settings, subseed=9, subseed_strength=0.25, cfg_rescale=0.7, eta=0.5, sampler="Euler a")
    text = infotext(replace(record, settings=varied))
    assert "Model: emoji, Variation seed: 9, Variation seed strength: 0.25, Clip skip: 2" in text
    assert "RNG: CPU, CFG Rescale: 0.7, Lora hashes" in text
    assert ", Eta: 0.5, Version" in text
    request, notes = request_of(parse_infotext(text))
    assert not notes
    assert (request.subseed, request.subseed_strength, request.cfg_rescale, request.eta) == (9, 0.25, 0.7, 0.5)


def test_ddims_eta_has_a_field_of_its_own(record):
    text = infotext(replace(record, settings=replace(record.settings, sampler="DDIM", eta=0.5)))
    assert "Eta DDIM: 0.5" in text
    assert request_of(parse_infotext(text))[0].eta == 0.5


def test_the_hash_of_nothing_is_neither_written_nor_read(record):
    adapters = (replace(record.adapters[0], autov3=EMPTY_SHA256), record.adapters[1])
    text = infotext(replace(record, adapters=adapters))
    assert "e3b0c44298fc" not in text
    assert parse_infotext(text).hashes() == {"猫": "efefefefefef"}
    assert not parse_infotext('x\nSteps: 1, Seed: 2, Lora hashes: "a: E3B0C44298FC"').hashes()


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_sd_parsers_reads_what_we_write(record, tmp_path, ending):
    path = save_picture(PICTURE, record, tmp_path / f"x.{ending}")
    found = ParserManager().parse(path)
    assert found is not None
    (sampler,) = found.samplers
    assert sampler.name == "DPM++ 2M"
    assert sampler.parameters["steps"] == "20"
    assert sampler.parameters["scheduler"] == "Karras"
    assert sampler.parameters["seed"] == str(2**64 - 1)
    assert sampler.model is not None
    assert (sampler.model.name, sampler.model.hash) == ("emoji", "ababababab")
    assert sampler.prompts[0].value.startswith('a "cät" 猫')
    assert "<lora:ink wash:0.7:0.1:lbw=1,0.5,1" in sampler.prompts[0].value
    assert sampler.negative_prompts[0].value == "bad, worse <lora:猫:-0.5>"


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "avif"])
def test_no_damage_to_a_picture_raises_anything_but_our_errors(record, tmp_path, ending):
    data = save_picture(PICTURE, record, tmp_path / f"x.{ending}").read_bytes()
    broken = tmp_path / f"broken.{ending}"
    for at in range(0, len(data), max(1, len(data) // 40)):
        flipped = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
        for damaged in (data[:at], flipped, data[:at] + bytes(4) + data[at:]):
            broken.write_bytes(damaged)
            with suppress(LoraMixerError):
                read_picture(broken)
